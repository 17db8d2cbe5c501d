//! A new database of recovered writes, which etcd takes for a snapshot.
//!
//! | bucket | holds |
//! |---|---|
//! | `key` | the writes, each under its own revision |
//! | `meta` | what the source had, or what etcd needs to start; compacted at the source's revision, since older ones are not there, and since etcd then goes on from that one |
//! | `lease`, `cluster`, `members`, `auth`, `authUsers`, `authRoles` | what the source had |
//! | `alarm`, `members_removed` | nothing |
//!
//! Source: etcd `server/storage/schema/`; `etcdutl/snapshot/v3_snapshot.go` (what a restore reads).

use std::collections::BTreeMap;
use std::io::{Seek, Write};

use prost::Message;

use super::pb::mvccpb;
use super::schema;
pub use crate::bbolt::WriteError;
use crate::bbolt::{Db, Element, Tree, Writer};
use crate::mvcc::{KeyValue, Revision, RevisionKey};

/// Buckets that etcd creates, and whether what the source had in them is carried over.
const BUCKETS: [(&[u8], bool); 9] = [
    (b"meta", true),
    (b"lease", true),
    (b"alarm", false),
    (b"cluster", true),
    (b"members", true),
    (b"members_removed", false),
    (b"auth", true),
    (b"authUsers", true),
    (b"authRoles", true),
];

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Writes in it.
    pub writes: u64,
    /// Writes that claim the revision of another, and were left out.
    pub collisions: u64,
    /// Buckets that the source has lost, or a part of them, so that what they held may be missing.
    pub lost: Vec<&'static str>,
}

/// Writes a database of `writes`, which stand in the order of their revisions, with the small buckets of the source's tree;
/// `revision` is the one that the source was at.
///
/// # Errors
/// Those of `out`, and elements that bbolt does not take.
pub fn rebuild<'a, 'data: 'a, W: Write + Seek>(
    out: W,
    db: &Db<'data>,
    tree: &Tree<'data>,
    revision: u64,
    writes: impl IntoIterator<Item = (Revision, KeyValue<'a>)>,
) -> Result<(W, Rebuilt), WriteError> {
    let page_size = u32::try_from(db.page_size()).unwrap_or(4096);
    let mut writer = Writer::new(out, page_size)?;
    let mut rebuilt = Rebuilt::default();
    let mut newest = revision.max(1);
    let mut bucket = writer.bucket(schema::KEY);
    let mut last = None;
    for (revision, kv) in writes {
        if last.is_some_and(|last| last >= revision) {
            rebuilt.collisions = rebuilt.collisions.saturating_add(1);
            continue;
        }
        let message = mvccpb::KeyValue {
            key: kv.key.to_vec(),
            create_revision: kv.create_revision,
            mod_revision: kv.mod_revision,
            version: kv.version,
            value: kv.value.to_vec(),
            lease: kv.lease,
        };
        bucket.put(&RevisionKey { revision, is_tombstone: false }.to_bytes(), &message.encode_to_vec())?;
        rebuilt.writes = rebuilt.writes.saturating_add(1);
        (last, newest) = (Some(revision), newest.max(revision.main));
    }
    bucket.finish()?;
    for (name, is_carried) in BUCKETS {
        if is_carried && tree.bucket(name).is_none_or(|bucket| !tree.holes(bucket).is_empty()) {
            rebuilt.lost.extend(str::from_utf8(name));
        }
        let mut elements = if is_carried { elements(db, tree, name) } else { BTreeMap::new() };
        if name == b"meta" {
            complete(&mut elements, newest);
        }
        let mut bucket = writer.bucket(name);
        for (key, value) in &elements {
            bucket.put(key, value)?;
        }
        bucket.finish()?;
    }
    let txid = db.active().map_or(2, |active| active.txid).clamp(2, u64::MAX >> 1);
    Ok((writer.finish(txid)?, rebuilt))
}

fn elements(db: &Db<'_>, tree: &Tree<'_>, name: &[u8]) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let bucket = tree.bucket(name);
    // A write of bucket `key` among them is misplaced: it is one of the writes, if any.
    let is_its_own = |e: &Element<'_>| !e.is_bucket && !e.key.is_empty() && RevisionKey::of_write(e.key, e.value).is_none();
    let elements = bucket.into_iter().flat_map(|bucket| tree.elements(db, bucket)).map(|(_, element)| element).filter(is_its_own);
    elements.map(|element| (element.key.to_vec(), element.value.to_vec())).collect()
}

/// What etcd cannot start without.
fn complete(meta: &mut BTreeMap<Vec<u8>, Vec<u8>>, newest: u64) {
    for (key, value) in [(&b"consistent_index"[..], 1u64.to_be_bytes()), (b"term", 1u64.to_be_bytes())] {
        meta.entry(key.to_vec()).or_insert(value.to_vec());
    }
    meta.entry(b"confState".to_vec()).or_insert_with(|| br#"{"voters":[1],"auto_leave":false}"#.to_vec());
    let compacted = RevisionKey { revision: Revision { main: newest, sub: 0 }, is_tombstone: false }.to_bytes();
    for key in [&b"scheduledCompactRev"[..], b"finishedCompactRev"] {
        meta.insert(key.to_vec(), compacted.clone());
    }
}
