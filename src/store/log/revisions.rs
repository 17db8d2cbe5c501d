//! Revisions of writes in a log, by matching with the database beside it.
//!
//! A log holds no revision: the database counts them as it applies entries. A write has the revision of the tree's value
//! with the same key and bytes, where nothing else can be meant: the log proposes these bytes once, the tree holds them
//! once, the entry is applied, and revisions rise with the index as they must.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashSet};

use crate::etcd::raft::Put;
use crate::etcd::schema;
use crate::evidence::digest::Sha256Digest;
use crate::mvcc::{KeyValue, Revision, RevisionKey};
use crate::store::DatabaseStore;

/// Writes that a log proposes.
#[derive(Clone, Debug, Default)]
pub(super) struct Proposed {
    writes: HashMap<Fingerprint, Write, FixedState>,
    /// Hashes of their keys, so that only values of these keys are digested.
    keys: HashSet<u64, FixedState>,
}

/// What the tree says of writes, where it is certain.
#[derive(Clone, Debug, Default)]
pub(super) struct Revisions(HashMap<Fingerprint, InTree, FixedState>);

/// Names a key with a value: 128 bits of SHA-256.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Fingerprint([u8; 16]);

/// What the tree says of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InTree {
    pub(super) revision: Revision,
    pub(super) create_revision: i64,
    pub(super) version: i64,
}

#[derive(Clone, Copy, Debug)]
struct Write {
    index: u64,
    in_log: u32,
    in_tree: u32,
    found: Option<InTree>,
}

impl Fingerprint {
    pub(super) fn of(key: &[u8], value: &[u8]) -> Self {
        let Sha256Digest(digest) = Sha256Digest::of_parts(&[&(key.len() as u64).to_le_bytes()[..], key, value]);
        Self(digest.first_chunk().copied().unwrap_or_default())
    }
}

impl Proposed {
    /// Takes note of a write that an entry proposes.
    pub(super) fn observe(&mut self, put: &Put<'_>, index: u64) {
        self.keys.insert(hash_of(put.key));
        let new = Write { index, in_log: 0, in_tree: 0, found: None };
        let write = self.writes.entry(Fingerprint::of(put.key, put.value)).or_insert(new);
        write.in_log = write.in_log.saturating_add(1);
    }

    /// Looks for the writes in the tree. Of entries behind `applied` none can be there. Also whether any write stands there.
    pub(super) fn match_with(mut self, database: &DatabaseStore<'_>, applied: u64) -> (Revisions, bool) {
        let Some(bucket) = database.tree.bucket(schema::KEY) else { return (Revisions::default(), false) };
        for (_, element) in database.tree.elements(&database.opened.db, bucket) {
            let (Some(at), Ok(kv)) = (RevisionKey::parse(element.key), KeyValue::parse(element.value)) else { continue };
            if at.is_tombstone || !self.keys.contains(&hash_of(kv.key)) {
                continue;
            }
            if let Some(write) = self.writes.get_mut(&Fingerprint::of(kv.key, kv.value)) {
                write.in_tree = write.in_tree.saturating_add(1);
                write.found = Some(InTree { revision: at.revision, create_revision: kv.create_revision, version: kv.version });
            }
        }
        let is_any_there = self.writes.values().any(|write| write.in_tree > 0);
        let single = self.writes.into_iter().filter(|(_, w)| w.in_log == 1 && w.in_tree == 1 && w.index <= applied);
        let revisions = rising(single.filter_map(|(fingerprint, write)| Some((write.index, fingerprint, write.found?))).collect());
        (revisions, is_any_there)
    }
}

impl Revisions {
    /// What the tree says of a write.
    pub(super) fn of(&self, fingerprint: &Fingerprint) -> Option<InTree> {
        self.0.get(fingerprint).copied()
    }
}

/// Drops what contradicts another match: a later entry has a higher revision, the writes of one entry have the same.
fn rising(mut found: Vec<(u64, Fingerprint, InTree)>) -> Revisions {
    let main = |tree: &InTree| tree.revision.main;
    found.sort_unstable_by_key(|(index, _, tree)| (*index, main(tree)));
    let entries: Vec<_> = found.chunk_by(|a, b| a.0 == b.0).collect();
    let mut lowest = u64::MAX;
    let lowest_after = entries.iter().rev().map(|writes| {
        let after = lowest;
        lowest = writes.iter().map(|(_, _, tree)| main(tree)).fold(lowest, u64::min);
        after
    });
    let lowest_after: Vec<u64> = lowest_after.collect();
    let mut highest_before = 0;
    let mut sound = HashMap::default();
    for (writes, lowest_after) in entries.iter().zip(lowest_after.into_iter().rev()) {
        let (Some((_, _, first)), Some((_, _, last))) = (writes.first(), writes.last()) else { continue };
        if main(first) == main(last) && highest_before < main(first) && main(last) < lowest_after {
            sound.extend(writes.iter().map(|(_, fingerprint, tree)| (*fingerprint, *tree)));
        }
        highest_before = highest_before.max(main(last));
    }
    Revisions(sound)
}

fn hash_of(key: &[u8]) -> u64 {
    FixedState::default().hash_one(key)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use super::*;

    #[test]
    fn a_match_that_contradicts_the_order_of_entries_is_none() {
        let found = [("a", 10, 5), ("b", 11, 6), ("c", 12, 3), ("d", 13, 8), ("e", 13, 8), ("f", 14, 9), ("g", 14, 10)];
        let fingerprint = |name: &str| Fingerprint::of(name.as_bytes(), b"v");
        let in_tree = |main| InTree { revision: Revision { main, sub: 0 }, create_revision: 1, version: 1 };
        let revisions = rising(found.map(|(name, index, main)| (index, fingerprint(name), in_tree(main))).to_vec());
        let kept: Vec<_> = found.iter().map(|(name, ..)| *name).filter(|name| revisions.of(&fingerprint(name)).is_some()).collect();
        // `c` goes back behind `a` and `b`: which of them is wrong is not known. `f` and `g` are one entry with two revisions.
        assert_eq!(kept, ["d", "e"]);
    }

    #[test]
    fn a_fingerprint_tells_where_the_key_ends() {
        assert_ne!(Fingerprint::of(b"ab", b"c"), Fingerprint::of(b"a", b"bc"));
    }
}
