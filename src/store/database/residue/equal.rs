//! Values without what framed them that are the same bytes as a known one: from it they get their key, and are its copies.

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashSet};

use super::entry::{Content, Entry};
use super::headless::{Kind, Piece};
use super::known::{Match, Matches};
use crate::bbolt::{Db, Tree};
use crate::etcd::schema;
use crate::mvcc::KeyValue;

/// Adds what the values of pieces equal in the tree and among the entries.
pub(super) fn matches<'data>(db: &Db<'data>, tree: &Tree<'data>, pieces: &[Piece<'data>], entries: &[Entry], known: &mut Matches<'data>) {
    let values: Vec<&'data [u8]> = pieces.iter().filter(|piece| piece.kind == Some(Kind::Value)).map(|piece| piece.bytes).collect();
    if values.is_empty() {
        return;
    }
    let lengths: HashSet<usize, FixedState> = values.iter().map(|value| value.len()).collect();
    let mut equal: HashMap<&'data [u8], Option<Match<'data>>, FixedState> = values.iter().map(|value| (*value, None)).collect();
    let mut note = |kv: KeyValue<'data>| {
        if lengths.contains(&kv.value.len())
            && let Some(one) = equal.get_mut(kv.value)
        {
            let this = Match::equal(&kv);
            *one = Some(one.map_or(this, |known| known.or_another(&this)));
        }
    };
    let bucket = tree.bucket(schema::KEY);
    let in_tree = bucket.into_iter().flat_map(|bucket| tree.elements(db, bucket));
    in_tree.filter_map(|(_, element)| KeyValue::parse(element.value).ok()).for_each(&mut note);
    let whole = entries.iter().filter(|entry| entry.content == Content::Value);
    whole.filter_map(|entry| entry.read(db)).for_each(|write| note(write.kv));
    for value in values {
        if let Some(one) = equal.get(value).copied().flatten() {
            known.add(value, one);
        }
    }
}
