//! Every write that a pass saw, and what all of them together prove.
//!
//! The pass reads pages in any order. Sorted by key and revision, the writes tell which one of each key is the newest, and whether each
//! of them follows the one before it. Where that is proven for all, nobody has to read them again: see `continuity` and `succession`,
//! which name the places where it is not.

use rayon::prelude::*;

use super::keyspace::Keyspace;
use super::succession::expected;
use super::write::Write;
use super::{KeyValue, Revision, RevisionKey, continuity};

/// Writes, in 32 bytes each and in any order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writes {
    writes: Vec<Write>,
    /// Some of them cannot be told in so few bytes, or stand where no writer puts them: nothing is proven.
    is_odd: bool,
}

/// The same in the order of their keys' fingerprints, and of each key in the order of its revisions.
#[derive(Clone, Debug, Default)]
pub(crate) struct SortedWrites {
    writes: Vec<Write>,
    is_odd: bool,
    last: Revision,
}

impl Writes {
    /// Takes note of one write. One at a revision that is not possible must not be given.
    pub(crate) fn observe(&mut self, at: RevisionKey, kv: &KeyValue<'_>) {
        let (write, is_exact) = Write::of(at, kv);
        self.is_odd |= !is_exact;
        self.writes.push(write);
    }

    /// Takes note that some of them may not be what they seem: nothing is proven by them.
    pub(crate) fn doubt(&mut self) {
        self.is_odd = true;
    }

    /// Takes over what another part of the same store showed.
    pub(crate) fn merge(&mut self, mut other: Self) {
        self.is_odd |= other.is_odd;
        if self.writes.len() < other.writes.len() {
            std::mem::swap(&mut self.writes, &mut other.writes);
        }
        self.writes.append(&mut other.writes);
    }

    /// Sorts them, on all cores.
    pub(crate) fn sort(self) -> SortedWrites {
        let Self { mut writes, is_odd } = self;
        writes.par_sort_unstable_by(Write::in_order);
        let last = writes.iter().map(|write| write.revision()).max().unwrap_or_default();
        SortedWrites { writes, is_odd, last }
    }
}

impl SortedWrites {
    /// The newest revision of all; `None` where there is no write.
    pub(crate) fn last(&self) -> Option<Revision> {
        (!self.writes.is_empty()).then_some(self.last)
    }

    /// Whether it is proven that no revision behind a compaction is missing, nor there twice.
    pub(crate) fn have_no_gap(&self, compacted: u64) -> bool {
        let first = continuity::first_behind(compacted);
        let behind = || self.writes.iter().filter(|write| write.main >= first);
        let count = behind().filter(|write| write.sub == 0).count();
        // As many as there are numbers. The set is no larger than they are.
        if self.is_odd || self.last.main.saturating_sub(first.saturating_sub(1)) != count as u64 {
            return false;
        }
        let mut mains = vec![false; count];
        let mut later = Vec::new();
        for write in behind() {
            let main = usize::try_from(write.main.saturating_sub(first)).ok().and_then(|at| mains.get_mut(at));
            match (write.sub, main) {
                (0, Some(is_there)) if !*is_there => *is_there = true,
                (0, _) => return false,
                _ => later.push((write.main, write.sub)),
            }
        }
        // All the numbers are there, each once. What else a transaction wrote follows its first write.
        later.sort_unstable();
        let mut before = (0u64, 0u32);
        later.into_iter().all(|(main, sub)| {
            let expected = if before.0 == main { before.1.checked_add(1) } else { Some(1) };
            before = (main, sub);
            expected == Some(sub)
        })
    }

    /// Whether it is proven that each write follows the one before it of its key. The last compaction must be finished.
    pub(crate) fn follow_one_another(&self, compacted: u64) -> bool {
        let mut before: Option<Write> = None;
        !self.is_odd
            && self.writes.iter().all(|write| {
                let of_key = before.replace(*write).filter(|before| before.fingerprint() == write.fingerprint());
                // Of two writes of one revision the order is not known.
                let is_twice = of_key.is_some_and(|before| before.revision() == write.revision());
                !is_twice && expected(of_key.map(Write::state), write.state(), write.main > compacted).is_none()
            })
    }

    /// The newest of each key.
    pub(crate) fn keyspace(self) -> Keyspace {
        let Self { mut writes, last, .. } = self;
        let revisions = writes.len() as u64;
        let tombstones = writes.iter().filter(|write| write.is_tombstone()).count() as u64;
        // In their own place, since there may be millions of them.
        writes.dedup_by(|next, kept| {
            let is_of_its_key = next.fingerprint() == kept.fingerprint();
            if is_of_its_key {
                *kept = *next;
            }
            is_of_its_key
        });
        writes.shrink_to_fit();
        Keyspace::of_sorted(writes, last, revisions, tombstones)
    }
}
