//! Which finds are copies: the tree, or an earlier find, has the same key, revision and bytes.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::hash::BuildHasher;

use super::entry::{Content, Entry};
use crate::bbolt::{Bucket, Db, Tree};
use crate::mvcc::{KeyValue, Revision, RevisionKey};

/// Marks the copies among entries that stand in the order of their rows.
pub(super) fn mark(db: &Db<'_>, tree: &Tree<'_>, bucket: Option<&Bucket<'_>>, entries: &mut [Entry]) {
    let mut same: Vec<usize> =
        (0..entries.len()).filter(|index| entries.get(*index).is_some_and(|e| e.content == Content::Value)).collect();
    same.sort_unstable_by_key(|index| (entries.get(*index).map(|e| (e.main(), e.sub())), *index));
    let revisions: Vec<_> = same.iter().map(|index| entries.get(*index).map(|e| (e.main(), e.sub()))).collect();
    let mut at = 0usize;
    for alike in revisions.chunk_by(|a, b| a == b) {
        let group = same.get(at..at.saturating_add(alike.len())).unwrap_or_default();
        at = at.saturating_add(alike.len());
        let Some(first) = group.first().and_then(|index| entries.get(*index)) else { continue };
        let retained = bucket.zip(first.main().zip(first.sub())).and_then(|(bucket, (main, sub))| {
            let key = RevisionKey { revision: Revision { main, sub }, is_tombstone: false };
            KeyValue::parse(tree.find(db, bucket, &key.to_bytes())?.1.value).ok()
        });
        let mut earlier: HashMap<u64, KeyValue<'_>, FixedState> = HashMap::default();
        for index in group {
            let Some(entry) = entries.get_mut(*index) else { continue };
            let Some(write) = entry.read(db) else { continue };
            let equals = |known: &KeyValue<'_>| known.key == write.kv.key && known.value == write.kv.value;
            if retained.as_ref().is_some_and(equals) {
                entry.duplicate = true;
            } else if group.len() > 1 {
                let hash = FixedState::default().hash_one((write.kv.key, write.kv.value));
                match earlier.get(&hash) {
                    Some(known) => entry.duplicate = equals(known),
                    None => {
                        earlier.insert(hash, write.kv);
                    }
                }
            }
        }
    }
}
