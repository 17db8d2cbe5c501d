//! What databases of one cluster must agree on: the writes that they retain.
//!
//! ```text
//!            compacted                    newest
//! earlier  ··x·x··x··|xxxxxxxxxxxxxxxxxxxxxx|
//! later    ·····x·x····x···x|xxxxxxxxxxxxxxxxxxxxxxxxx|
//!                             retained in full
//! ```
//! Raft gives every member the same transactions, and each one a revision that no other has. So a write that two databases
//! retain is the same in both, byte for byte; and between the compactions of both and their newest revisions neither lacks
//! a write that the other one has. Where it is otherwise members diverged, a restored cluster went on from where its snapshot
//! ended, or one of the files was altered. The bytes do not say which.

use sha2::{Digest, Sha256};

use super::{Revision, RevisionKey};

/// Every write that a database retains, 28 bytes each.
#[derive(Clone, Debug, Default)]
pub struct History {
    writes: Vec<Write>,
    /// Tombstones, until it is settled whether they count.
    tombstones: Vec<Write>,
    revisions: Revisions,
}

/// What is known of the revisions of a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Revisions {
    /// Some may not be those that were written. A value bears its own, which says the same; nothing vouches for a tombstone, and
    /// what only this database has may have never been.
    Doubtful,
    /// Some may be missing.
    #[default]
    Partial,
    /// Those above the first and up to the second are all there.
    InFull(u64, u64),
}

/// A write: its revision, and 128 bits of SHA-256 of all else. Who can write to etcd chooses values, and would choose two that
/// share a weaker hash before swapping one for the other. Packed, since there are as many of them as revisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(Rust, packed(4))]
struct Write {
    main: u64,
    sub: u32,
    fingerprint: [u8; 16],
}

impl Write {
    fn new(at: RevisionKey, message: &[u8]) -> Self {
        let Revision { main, sub } = at.revision;
        let digest = Sha256::new().chain_update(sub.to_le_bytes()).chain_update([u8::from(at.is_tombstone)]).chain_update(message);
        let fingerprint = digest.finalize().first_chunk().copied().unwrap_or_default();
        // No revision that is possible has a larger one.
        Self { main, sub: u32::try_from(sub).unwrap_or(u32::MAX), fingerprint }
    }

    fn revision(self) -> Revision {
        Revision { main: self.main, sub: u64::from(self.sub) }
    }
}

/// How a database stands to an earlier one of its cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Writes of the same revision in both.
    pub shared: u64,
    /// Those of them that are not the same write.
    pub differing: Writes,
    /// Writes that the earlier one lacks, where it should have them.
    pub only_here: Writes,
    /// Writes that only the earlier one has, where this one should have them.
    pub only_there: Writes,
}

/// Some writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Writes {
    /// How many.
    pub count: u64,
    /// The first.
    pub first: Option<Revision>,
}

impl Writes {
    fn add(&mut self, write: Write) {
        self.count = self.count.saturating_add(1);
        self.first.get_or_insert(write.revision());
    }
}

impl Comparison {
    /// Leaves out what one of the two is said to lack, where the other one is in doubt.
    pub fn doubt(&mut self) {
        (self.only_here, self.only_there) = (Writes::default(), Writes::default());
    }

    /// Whether nothing contradicts that both are of one history.
    pub fn agrees(&self) -> bool {
        [self.differing, self.only_here, self.only_there].iter().all(|writes| writes.count == 0)
    }

    /// The first write of the later database that the earlier one contradicts.
    pub fn first_here(&self) -> Option<Revision> {
        [self.differing.first, self.only_here.first].into_iter().flatten().min()
    }
}

impl History {
    /// Takes note of a write; `message` is its KeyValue.
    pub fn observe(&mut self, at: RevisionKey, message: &[u8]) {
        if at.is_tombstone { &mut self.tombstones } else { &mut self.writes }.push(Write::new(at, message));
    }

    /// Takes over what another part of the same database showed.
    pub fn merge(&mut self, other: Self) {
        self.writes.extend(other.writes);
        self.tombstones.extend(other.tombstones);
    }

    /// Puts the writes in order.
    pub fn settle(self, revisions: Revisions) -> Self {
        let Self { mut writes, tombstones, .. } = self;
        if revisions != Revisions::Doubtful {
            writes.extend(tombstones);
        }
        writes.sort_unstable();
        // A page that a damaged tree refers to twice.
        writes.dedup();
        writes.shrink_to_fit();
        Self { writes, tombstones: Vec::new(), revisions }
    }

    /// Whether this database lacks what should be in it, where `of` has this write and is as sure of it.
    fn lacks(&self, write: Write, of: &Self) -> bool {
        let has = |revisions| matches!(revisions, Revisions::InFull(compacted, newest) if compacted < write.main && write.main <= newest);
        has(self.revisions) && has(of.revisions)
    }

    /// The bytes are not those that were written.
    pub fn doubt(&mut self) {
        self.revisions = Revisions::Doubtful;
    }

    /// Holds this database against an earlier one of its cluster.
    pub fn compare(&self, earlier: &Self) -> Comparison {
        let mut found = Comparison::default();
        let (mut here, mut there) = (self.writes.iter().copied().peekable(), earlier.writes.iter().copied().peekable());
        loop {
            match (here.peek().copied(), there.peek().copied()) {
                (None, None) => return found,
                (Some(ours), Some(theirs)) if ours.revision() == theirs.revision() => {
                    found.shared = found.shared.saturating_add(1);
                    if ours != theirs {
                        found.differing.add(ours);
                    }
                    here.next();
                    there.next();
                }
                (Some(ours), theirs) if theirs.is_none_or(|theirs| ours.revision() < theirs.revision()) => {
                    if earlier.lacks(ours, self) {
                        found.only_here.add(ours);
                    }
                    here.next();
                }
                (_, theirs) => {
                    if let Some(theirs) = theirs.filter(|theirs| self.lacks(*theirs, earlier)) {
                        found.only_there.add(theirs);
                    }
                    there.next();
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use super::*;

    fn history(writes: &[(u64, u64, &str)], revisions: Revisions) -> History {
        let mut history = History::default();
        for (main, sub, message) in writes {
            let revision = Revision { main: *main, sub: *sub };
            history.observe(RevisionKey { revision, is_tombstone: message.is_empty() }, message.as_bytes());
        }
        history.settle(revisions)
    }

    fn writes(count: u64, main: u64, sub: u64) -> Writes {
        Writes { count, first: Some(Revision { main, sub }) }
    }

    #[test]
    fn a_write_takes_28_bytes() {
        assert_eq!(size_of::<Write>(), 28);
    }

    #[test]
    fn a_later_database_of_the_same_history_agrees() {
        let earlier = history(&[(2, 0, "a"), (3, 0, "b"), (3, 1, "c"), (4, 0, "")], Revisions::InFull(0, 4));
        let later = history(&[(3, 1, "c"), (6, 0, "d"), (7, 0, "e")], Revisions::InFull(5, 7));
        assert_eq!(later.compare(&earlier), Comparison { shared: 1, ..Comparison::default() });
        assert!(earlier.compare(&later).agrees());
    }

    #[test]
    fn what_differs_and_what_is_missed_is_counted_with_its_first_revision() {
        let earlier = history(&[(2, 0, "a"), (3, 0, "b"), (4, 0, "c"), (6, 0, "e")], Revisions::InFull(0, 6));
        let later = history(&[(2, 0, "a"), (3, 0, "B"), (4, 0, ""), (5, 1, "d"), (7, 0, "f")], Revisions::InFull(3, 7));
        let found = later.compare(&earlier);
        let wanted = Comparison { shared: 3, differing: writes(2, 3, 0), only_here: writes(1, 5, 1), only_there: writes(1, 6, 0) };
        assert_eq!((found, found.first_here()), (wanted, Some(Revision { main: 3, sub: 0 })));
        let turned = Comparison { only_here: wanted.only_there, only_there: wanted.only_here, ..wanted };
        assert_eq!(earlier.compare(&later), turned);
    }

    #[test]
    fn a_database_is_held_to_what_it_should_have_where_the_other_one_was_not_compacted() {
        let other = |revisions| history(&[(4, 0, "c"), (4, 1, "d"), (9, 0, "i")], revisions);
        let lacks_one = history(&[(4, 0, "c"), (9, 0, "i")], Revisions::InFull(2, 9));
        let found = lacks_one.compare(&other(Revisions::InFull(3, 9)));
        assert_eq!(found, Comparison { shared: 2, only_there: writes(1, 4, 1), ..Comparison::default() });
        // Below its compaction nothing vouches for what a file has.
        for revisions in [Revisions::InFull(4, 9), Revisions::Partial, Revisions::Doubtful] {
            assert!(lacks_one.compare(&other(revisions)).agrees(), "{revisions:?}");
        }
        let broken = history(&[(4, 0, "c"), (9, 0, "i")], Revisions::Partial);
        assert!(broken.compare(&other(Revisions::InFull(3, 9))).agrees());
    }
}
