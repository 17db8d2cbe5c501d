//! What the databases of one cluster must agree on: the writes that they retain.
//!
//! ```text
//!            compacted                    newest
//! earlier  ··x·x··x··|xxxxxxxxxxxxxxxxxxxxxx|
//! later    ·····x·x····x···x|xxxxxxxxxxxxxxxxxxxxxxxxx|
//!                             retained in full
//! ```
//! Raft gives every member the same transactions in the same order, and each transaction takes a revision of its own. So a write that two
//! databases retain is the same in both, byte for byte. And between the later of their two compactions and the earlier of their two newest
//! revisions, neither lacks a write that the other one has. Where this does not hold, members diverged, or a restored cluster went on
//! from the end of its snapshot, or one of the files was altered. The bytes do not say which.

use std::fmt;

use sha2::{Digest, Sha256};

use super::{Revision, RevisionKey};

/// Every write that a database retains, in 28 bytes each.
#[derive(Clone, Debug, Default)]
pub struct History {
    writes: Vec<Write>,
    /// Tombstones, until it is known how complete the history is: in a doubtful one they do not count.
    tombstones: Vec<Write>,
    completeness: Completeness,
}

/// How complete a history is, and so how far another database may be faulted for lacking a write of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Completeness {
    /// Some revisions may not be those under which etcd wrote. A value's message repeats its revision, so that the two can be compared.
    /// A tombstone's does not, so that nothing confirms it. And a write that only this database has may never have been made.
    Doubtful,
    /// Some writes may be missing.
    #[default]
    Partial,
    /// All writes behind the first revision and up to the second one are there.
    InFull(u64, u64),
}

/// A write: its revision, and 128 bits of SHA-256 over everything else. A weaker hash would not do: whoever can write to etcd could store
/// two values that share it, and then swap one for the other in a file. Packed, since there is one for each revision.
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
        // A larger sub revision is not possible: see `RevisionKey::is_possible`.
        Self { main, sub: u32::try_from(sub).unwrap_or(u32::MAX), fingerprint }
    }

    fn revision(self) -> Revision {
        Revision { main: self.main, sub: u64::from(self.sub) }
    }
}

/// How a database compares with an earlier one of its cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Revisions of which both have a write.
    pub shared: u64,
    /// Those of them whose writes are not the same.
    pub differing: Writes,
    /// Writes that the earlier one lacks although it should have them.
    pub only_here: Writes,
    /// Writes that this one lacks although it should have them, as the earlier one does.
    pub only_there: Writes,
}

/// How many writes there are of a kind, and where they begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Writes {
    /// How many.
    pub count: u64,
    /// The lowest of their revisions.
    pub first: Option<Revision>,
}

impl Writes {
    fn add(&mut self, write: Write) {
        self.count = self.count.saturating_add(1);
        self.first.get_or_insert(write.revision());
    }
}

impl Comparison {
    /// Drops what one of the two lacks, where the bytes of the other one may not be those that were written.
    pub fn doubt(&mut self) {
        (self.only_here, self.only_there) = (Writes::default(), Writes::default());
    }

    /// Whether nothing contradicts that both have the same history.
    pub fn agrees(&self) -> bool {
        [self.differing, self.only_here, self.only_there].iter().all(|writes| writes.count == 0)
    }

    /// The lowest revision of a write of the later database that the earlier one contradicts.
    pub fn first_here(&self) -> Option<Revision> {
        [self.differing.first, self.only_here.first].into_iter().flatten().min()
    }
}

/// What the earlier database has and has not, as a sentence goes on that has it for its subject.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shared, differing, only_here, only_there } = self;
        let counts = [
            (differing, "differs in", format!("of the {shared} writes that both retain")),
            (only_here, "lacks", "that are here and should be there".to_owned()),
            (only_there, "has", "that are not here and should be".to_owned()),
        ];
        let mut separator = "";
        for (Writes { count, first }, verb, what) in counts {
            if let Some(first) = first {
                write!(f, "{separator}{verb} {count} {what}, the first at revision {first}")?;
                separator = "; ";
            }
        }
        Ok(())
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

    /// Puts the writes in the order of their revisions, so that they can be compared.
    pub(crate) fn sort_writes(self, completeness: Completeness) -> Self {
        let Self { mut writes, tombstones, .. } = self;
        if completeness != Completeness::Doubtful {
            writes.extend(tombstones);
        }
        writes.sort_unstable();
        // A damaged tree may refer to a page twice.
        writes.dedup();
        writes.shrink_to_fit();
        Self { writes, tombstones: Vec::new(), completeness }
    }

    /// Whether this database, which does not have `write`, should have it, as `other` does: at its revision both are complete.
    fn should_have(&self, write: Write, other: &Self) -> bool {
        let is_complete = |history: &Self| match history.completeness {
            Completeness::InFull(compacted, newest) => compacted < write.main && write.main <= newest,
            Completeness::Doubtful | Completeness::Partial => false,
        };
        is_complete(self) && is_complete(other)
    }

    /// Takes note that the bytes may not be those that were written.
    pub fn doubt(&mut self) {
        self.completeness = Completeness::Doubtful;
    }

    /// Compares this database with an earlier one of its cluster.
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
                    if earlier.should_have(ours, self) {
                        found.only_here.add(ours);
                    }
                    here.next();
                }
                (_, theirs) => {
                    if let Some(theirs) = theirs.filter(|theirs| self.should_have(*theirs, earlier)) {
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

    fn history(writes: &[(u64, u64, &str)], completeness: Completeness) -> History {
        let mut history = History::default();
        for (main, sub, message) in writes {
            let revision = Revision { main: *main, sub: *sub };
            history.observe(RevisionKey { revision, is_tombstone: message.is_empty() }, message.as_bytes());
        }
        history.sort_writes(completeness)
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
        let earlier = history(&[(2, 0, "a"), (3, 0, "b"), (3, 1, "c"), (4, 0, "")], Completeness::InFull(0, 4));
        let later = history(&[(3, 1, "c"), (6, 0, "d"), (7, 0, "e")], Completeness::InFull(5, 7));
        assert_eq!(later.compare(&earlier), Comparison { shared: 1, ..Comparison::default() });
        assert!(earlier.compare(&later).agrees());
    }

    #[test]
    fn what_differs_and_what_is_missed_is_counted_with_its_first_revision() {
        let earlier = history(&[(2, 0, "a"), (3, 0, "b"), (4, 0, "c"), (6, 0, "e")], Completeness::InFull(0, 6));
        let later = history(&[(2, 0, "a"), (3, 0, "B"), (4, 0, ""), (5, 1, "d"), (7, 0, "f")], Completeness::InFull(3, 7));
        let found = later.compare(&earlier);
        let wanted = Comparison { shared: 3, differing: writes(2, 3, 0), only_here: writes(1, 5, 1), only_there: writes(1, 6, 0) };
        assert_eq!((found, found.first_here()), (wanted, Some(Revision { main: 3, sub: 0 })));
        let turned = Comparison { only_here: wanted.only_there, only_there: wanted.only_here, ..wanted };
        assert_eq!(earlier.compare(&later), turned);
    }

    #[test]
    fn a_database_is_held_to_what_it_should_have_where_the_other_one_was_not_compacted() {
        let other = |completeness| history(&[(4, 0, "c"), (4, 1, "d"), (9, 0, "i")], completeness);
        let lacks_one = history(&[(4, 0, "c"), (9, 0, "i")], Completeness::InFull(2, 9));
        let found = lacks_one.compare(&other(Completeness::InFull(3, 9)));
        assert_eq!(found, Comparison { shared: 2, only_there: writes(1, 4, 1), ..Comparison::default() });
        // Up to its compaction a file may have any writes, so that another one need not have them.
        for completeness in [Completeness::InFull(4, 9), Completeness::Partial, Completeness::Doubtful] {
            assert!(lacks_one.compare(&other(completeness)).agrees(), "{completeness:?}");
        }
        let broken = history(&[(4, 0, "c"), (9, 0, "i")], Completeness::Partial);
        assert!(broken.compare(&other(Completeness::InFull(3, 9))).agrees());
    }

    #[test]
    fn a_comparison_says_only_what_differs() {
        let found = Comparison { shared: 7, only_here: writes(2, 5, 1), only_there: writes(1, 6, 0), ..Comparison::default() };
        let words = "lacks 2 that are here and should be there, the first at revision 5.1; \
                     has 1 that are not here and should be, the first at revision 6";
        assert_eq!(found.to_string(), words);
    }
}
