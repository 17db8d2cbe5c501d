//! What a log has behind the database beside it: keys of which the database does not say what they are now.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use foldhash::fast::FixedState;
use hashbrown::HashSet;

use crate::etcd::raft::Operation;

/// Keys that committed entries write or delete, and the database has not applied; those of a lease that is revoked, as soon as
/// the database has named them. What stands in either branch of a transaction is among them, since which one ran is nowhere. Where
/// entries are missing, every key may be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unapplied {
    written: HashSet<Vec<u8>, FixedState>,
    /// Ranges of keys that are deleted, by their first, each with the key behind its last; `None`: there is no last. They do not meet.
    ranges: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// Leases that are revoked. Which keys go with them, the database says.
    revoked: BTreeSet<i64>,
    /// Entries that the database has not applied are not there.
    lacks_entries: bool,
}

impl Unapplied {
    /// Adds what an operation touches.
    pub(super) fn add(&mut self, operation: &Operation<'_>) {
        match operation {
            Operation::Put(put, _) => self.add_written(put.key),
            Operation::DeleteRange { key, range_end, .. } => self.add_deleted(key, range_end),
            Operation::RevokeLease(lease) => {
                self.revoked.insert(*lease);
            }
        }
    }

    /// Adds a key that is written.
    fn add_written(&mut self, key: &[u8]) {
        if !self.written.contains(key) {
            self.written.insert(key.to_vec());
        }
    }

    /// Adds the keys of a deletion, as etcd reads it: without an end it is one key; an end of one zero byte is none.
    fn add_deleted(&mut self, key: &[u8], range_end: &[u8]) {
        let mut end = match range_end {
            [] => Some([key, &[0]].concat()),
            [0] => None,
            end if end <= key => return,
            end => Some(end.to_vec()),
        };
        let mut start = key.to_vec();
        if let Some((before, its_end)) = self.ranges.range(..=start.clone()).next_back()
            && its_end.as_ref().is_none_or(|its_end| *its_end >= start)
        {
            start.clone_from(before);
        }
        // Those that begin within it become one with it.
        loop {
            let next = self.ranges.range(start.clone()..).next().map(|(next, its_end)| (next.clone(), its_end.clone()));
            let Some((next, its_end)) = next.filter(|(next, _)| end.as_ref().is_none_or(|end| next <= end)) else { break };
            self.ranges.remove(&next);
            end = end.zip(its_end).map(|(end, its_end)| end.max(its_end));
        }
        self.ranges.insert(start, end);
    }

    /// Adds those of another segment.
    pub fn merge(&mut self, other: &Self) {
        other.written.iter().for_each(|key| self.add_written(key));
        self.revoked.extend(&other.revoked);
        self.lacks_entries |= other.lacks_entries;
        for (start, end) in &other.ranges {
            self.add_deleted(start, end.as_deref().unwrap_or(&[0]));
        }
    }

    /// Notes that entries are missing: any key may be written or deleted in them.
    pub fn add_missing_entries(&mut self) {
        self.lacks_entries = true;
    }

    /// Whether any key may be written or deleted.
    pub fn touches_any(&self) -> bool {
        self.lacks_entries || !self.written.is_empty() || !self.ranges.is_empty()
    }

    /// Leases whose keys are deleted.
    pub fn revoked(&self) -> &BTreeSet<i64> {
        &self.revoked
    }

    /// Adds keys that go with a lease that is revoked.
    pub fn add_revoked<'k>(&mut self, keys: impl IntoIterator<Item = &'k [u8]>) {
        keys.into_iter().for_each(|key| self.add_deleted(key, &[]));
    }

    /// Whether a key is written, so that it may exist though the database does not have it.
    pub fn writes(&self, key: &[u8]) -> bool {
        self.lacks_entries || self.written.contains(key)
    }

    /// Whether a key is written or deleted.
    pub fn touches(&self, key: &[u8]) -> bool {
        let is_within = |(_, end): (&Vec<u8>, &Option<Vec<u8>>)| end.as_ref().is_none_or(|end| key < end.as_slice());
        self.writes(key) || self.ranges.range::<[u8], _>((Bound::Unbounded, Bound::Included(key))).next_back().is_some_and(is_within)
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use super::*;

    #[test]
    fn ranges_become_one_where_they_meet_and_hold_what_etcd_would_delete() {
        let mut unapplied = Unapplied::default();
        unapplied.add_written(b"k");
        for (key, end) in [("b", "d"), ("f", "g"), ("c", "f"), ("x", ""), ("z", "a")] {
            unapplied.add_deleted(key.as_bytes(), end.as_bytes());
        }
        let touched: Vec<&str> = ["a", "b", "c", "e", "f", "fz", "g", "k", "kk", "x", "xx", "z"]
            .into_iter()
            .filter(|k| unapplied.touches(k.as_bytes()))
            .collect();
        assert_eq!(touched, ["b", "c", "e", "f", "fz", "k", "x"]);
        assert!(unapplied.writes(b"k") && !unapplied.writes(b"b"));
        assert_eq!(unapplied.ranges.len(), 2);
        let mut all = Unapplied::default();
        all.add_deleted(b"m", b"\0");
        all.merge(&unapplied);
        assert!(!all.writes(b"n"));
        let mut gap = Unapplied::default();
        gap.add_missing_entries();
        let mut with_gap = all.clone();
        with_gap.merge(&gap);
        assert!(with_gap.touches(b"n") && with_gap.writes(b"n"));
        assert!(all.touches(b"b") && all.touches(b"zz") && all.touches(b"m") && !all.touches(b"l"));
    }
}
