//! The v2 store of a raft snapshot: the keys of the v2 API, which etcd up to 3.5 could serve, and their last changes.
//!
//! | where in the JSON | what stands there |
//! |---|---|
//! | `Root` | a node: `Path`, `Value`, `Children` by name (`null`: the node has a value) |
//! | `WatcherHub.EventHistory.Queue.Events` | the last changes, at most 1,000: `action`, `node` and `prevNode`, each with `key` and `value`; `null` where there was none yet |
//!
//! Below `/0` etcd keeps the membership, below `/1` the keys of the API. A change keeps the value that a key no longer has.
//!
//! Source: etcd `server/etcdserver/api/v2store/{store,node,node_extern,event,event_history,event_queue}.go`.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A value of a key of the v2 API.
#[derive(Clone, PartialEq, Eq)]
pub struct V2Value<'data> {
    /// The key as the API has it, without the `/1` before it.
    pub key: Vec<u8>,
    /// The value as JSON writes it, without its quotes: a slice of the snapshot.
    pub escaped: &'data str,
    /// Whether the key has it, and not only a change of the past.
    pub is_current: bool,
}

/// The values of the v2 API's keys, in the order in which they stand there; `None` where the store cannot be read.
pub(super) fn values(store: &[u8]) -> Option<Vec<V2Value<'_>>> {
    let Store { root, watcher_hub } = serde_json::from_slice(store).ok()?;
    let mut values = Vec::new();
    let mut open = vec![&root];
    while let Some(node) = open.pop() {
        match &node.children {
            Some(Children(children)) => open.extend(children),
            None => values.extend(V2Value::of(node.path, node.value, true)),
        }
    }
    let events = watcher_hub.and_then(|hub| hub.event_history?.queue?.events).unwrap_or_default();
    for event in events.into_iter().flatten() {
        let nodes = [event.node, event.prev_node].into_iter().flatten();
        values.extend(nodes.filter_map(|node| V2Value::of(node.key, node.value, false)));
    }
    values.sort_by_key(|value| value.escaped.as_ptr().addr());
    Some(values)
}

/// The key of the v2 API at a path of the store; `None` where etcd keeps something of its own there.
pub(super) fn key_at(path: &[u8]) -> Option<&[u8]> {
    path.strip_prefix(b"/1").filter(|key| key.first() == Some(&b'/'))
}

impl<'data> V2Value<'data> {
    fn of(path: Option<&'data RawValue>, value: Option<&'data RawValue>, is_current: bool) -> Option<Self> {
        let path = unescaped(unquoted(path?)?)?;
        let key = key_at(path.as_bytes())?.to_vec();
        Some(Self { key, escaped: unquoted(value?)?, is_current })
    }

    /// The value. Whoever stored bytes that are no UTF-8 does not find them here: JSON has characters in their place.
    pub fn value(&self) -> Option<Vec<u8>> {
        unescaped(self.escaped).map(String::into_bytes)
    }
}

/// Lengths alone: these are bytes of values.
impl fmt::Debug for V2Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "value of {} escaped bytes", self.escaped.len())
    }
}

/// What stands between the quotes of a string; `None` of anything else.
fn unquoted(raw: &RawValue) -> Option<&str> {
    raw.get().strip_prefix('"')?.strip_suffix('"')
}

fn unescaped(text: &str) -> Option<String> {
    match text.contains('\\') {
        false => Some(text.to_owned()),
        true => serde_json::from_str(&format!("\"{text}\"")).ok(),
    }
}

#[derive(Deserialize)]
struct Store<'data> {
    #[serde(rename = "Root", borrow)]
    root: Node<'data>,
    #[serde(rename = "WatcherHub", borrow, default)]
    watcher_hub: Option<WatcherHub<'data>>,
}

/// A directory, or a value. `serde_json` bounds the depth.
#[derive(Deserialize)]
struct Node<'data> {
    #[serde(rename = "Path", borrow, default)]
    path: Option<&'data RawValue>,
    #[serde(rename = "Value", borrow, default)]
    value: Option<&'data RawValue>,
    #[serde(rename = "Children", borrow, default)]
    children: Option<Children<'data>>,
}

/// Nodes of a directory, those of one name among them: a map would keep one.
struct Children<'data>(Vec<Node<'data>>);

#[derive(Deserialize)]
struct WatcherHub<'data> {
    #[serde(rename = "EventHistory", borrow, default)]
    event_history: Option<EventHistory<'data>>,
}

#[derive(Deserialize)]
struct EventHistory<'data> {
    #[serde(rename = "Queue", borrow, default)]
    queue: Option<EventQueue<'data>>,
}

#[derive(Deserialize)]
struct EventQueue<'data> {
    #[serde(rename = "Events", borrow, default)]
    events: Option<Vec<Option<Event<'data>>>>,
}

#[derive(Deserialize)]
struct Event<'data> {
    #[serde(borrow, default)]
    node: Option<EventNode<'data>>,
    #[serde(rename = "prevNode", borrow, default)]
    prev_node: Option<EventNode<'data>>,
}

#[derive(Deserialize)]
struct EventNode<'data> {
    #[serde(borrow, default)]
    key: Option<&'data RawValue>,
    #[serde(borrow, default)]
    value: Option<&'data RawValue>,
}

impl<'de: 'data, 'data> Deserialize<'de> for Children<'data> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Nodes<'data>(PhantomData<Node<'data>>);
        impl<'de: 'data, 'data> Visitor<'de> for Nodes<'data> {
            type Value = Children<'data>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("nodes by their names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut nodes = Vec::new();
                while let Some((_, node)) = map.next_entry::<IgnoredAny, Node<'data>>()? {
                    nodes.push(node);
                }
                Ok(Children(nodes))
            }
        }
        deserializer.deserialize_map(Nodes(PhantomData))
    }
}
