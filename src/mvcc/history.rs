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

use super::ranges::Range;
use super::{Revision, RevisionKey};
use crate::evidence::digest::Sha256Digest;

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
pub(super) struct Write {
    main: u64,
    sub: u32,
    fingerprint: [u8; 16],
}

impl Write {
    fn new(at: RevisionKey, message: &[u8]) -> Self {
        let Revision { main, sub } = at.revision;
        let Sha256Digest(digest) = Sha256Digest::of_parts(&[&sub.to_le_bytes()[..], &[u8::from(at.is_tombstone)], message]);
        let fingerprint = digest.first_chunk().copied().unwrap_or_default();
        // A larger sub revision is not possible: see `RevisionKey::is_possible`.
        Self { main, sub: u32::try_from(sub).unwrap_or(u32::MAX), fingerprint }
    }

    pub(super) fn revision(self) -> Revision {
        Revision { main: self.main, sub: u64::from(self.sub) }
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

    /// Takes note that the bytes may not be those that were written.
    pub fn doubt(&mut self) {
        self.completeness = Completeness::Doubtful;
    }

    /// Where all writes are there.
    pub(super) fn in_full(&self) -> Option<Range> {
        match self.completeness {
            Completeness::InFull(compacted, newest) => {
                let behind = |main: u64| Revision { main: main.saturating_add(1), sub: 0 };
                Some((behind(compacted), behind(newest)))
            }
            Completeness::Doubtful | Completeness::Partial => None,
        }
    }

    /// The revisions of its writes, in their order, once they are sorted.
    pub fn revisions(&self) -> impl Iterator<Item = Revision> {
        self.writes.iter().map(|write| write.revision())
    }

    /// Whether all writes of this revision are there.
    pub(super) fn is_complete_at(&self, revision: Revision) -> bool {
        self.in_full().is_some_and(|(start, end)| start <= revision && revision < end)
    }

    /// Its writes in the order of their revisions, once they are sorted.
    pub(super) fn writes(&self) -> &[Write] {
        &self.writes
    }

    /// Whether some revisions may not be those under which etcd wrote.
    pub(super) fn is_doubtful(&self) -> bool {
        self.completeness == Completeness::Doubtful
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_takes_28_bytes() {
        assert_eq!(size_of::<Write>(), 28);
    }
}
