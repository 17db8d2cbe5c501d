//! The history that databases of one cluster share.
//!
//! Each database of a cluster could be held against each other one. Those that agree have one history, so that it is enough to hold
//! the next one against that, whatever their number: a year of backups is compared in the time that its writes take, not its pairs.

use super::comparison::Comparison;
use super::history::{History, Write};
use super::ranges::Ranges;

/// The writes that databases retain of which no two contradict each other.
#[derive(Debug)]
pub struct SharedHistory {
    /// In the order of their revisions.
    writes: Vec<Known>,
    /// Where at least one of the databases has all writes.
    in_full: Ranges,
    /// Whether some of its revisions may not be those under which etcd wrote.
    is_doubtful: bool,
    /// How many databases.
    databases: u64,
}

/// A write, and whether a database retains it that has all writes of its revision. One that only others retain may never have been
/// made, so that nobody is faulted for lacking it.
#[derive(Clone, Copy, Debug)]
#[repr(Rust, packed(4))]
struct Known {
    write: Write,
    is_proved: bool,
}

impl From<History> for SharedHistory {
    fn from(history: History) -> Self {
        let mut shared = Self { writes: Vec::new(), in_full: Ranges::default(), is_doubtful: history.is_doubtful(), databases: 0 };
        shared.add(history);
        shared
    }
}

impl SharedHistory {
    /// How many databases share it.
    pub fn databases(&self) -> u64 {
        self.databases
    }

    /// Whether a database that agrees may be added: what is doubtful vouches for nothing, and stays by itself.
    pub fn takes(&self, history: &History) -> bool {
        !self.is_doubtful && !history.is_doubtful()
    }

    /// Adds a database that agrees. The work is that of its own writes, and of moving those that are known.
    pub fn add(&mut self, history: History) {
        self.databases = self.databases.saturating_add(1);
        let mut new = Vec::new();
        for write in history.writes() {
            let is_proved = history.is_complete_at(write.revision());
            match self.find(*write) {
                Found::Same(at) => {
                    if let Some(known) = self.writes.get_mut(at).filter(|_| is_proved) {
                        known.is_proved = true;
                    }
                }
                Found::Another | Found::None => new.push(Known { write: *write, is_proved }),
            }
        }
        if !new.is_empty() {
            self.writes.append(&mut new);
            // Two runs in order: this merges them.
            self.writes.sort_by_key(|known| known.write);
        }
        if let Some(range) = history.in_full() {
            self.in_full.add(range);
        }
    }

    /// Compares a database with it.
    pub fn compare(&self, history: &History) -> Comparison {
        let mut found = Comparison::default();
        for write in history.writes() {
            let (known, revision) = (self.find(*write), write.revision());
            let is_missed = || history.is_complete_at(revision) && self.in_full.hold(revision);
            match known {
                Found::None if is_missed() => found.only_here.add(*write),
                Found::None => {}
                Found::Another => {
                    found.shared = found.shared.saturating_add(1);
                    found.differing.add(*write);
                }
                Found::Same(at) => {
                    found.shared = found.shared.saturating_add(1);
                    // One of them retains it, and another one that has all writes of this revision does not.
                    if self.writes.get(at).is_some_and(|known| !known.is_proved) && is_missed() {
                        found.only_here.add(*write);
                    }
                }
            }
        }
        if let Some((start, end)) = history.in_full() {
            let from = self.writes.partition_point(|known| known.write.revision() < start);
            let expected = self.writes.iter().skip(from).take_while(|known| known.write.revision() < end).filter(|known| known.is_proved);
            for Known { write, .. } in expected {
                if history.writes().binary_search_by_key(&write.revision(), |own| own.revision()).is_err() {
                    found.only_there.add(*write);
                }
            }
        }
        found
    }

    /// What stands at the revision of a write.
    fn find(&self, write: Write) -> Found {
        let from = self.writes.partition_point(|known| known.write.revision() < write.revision());
        let there = || self.writes.iter().enumerate().skip(from).take_while(|(_, known)| known.write.revision() == write.revision());
        match there().find(|(_, known)| known.write == write) {
            Some((at, _)) => Found::Same(at),
            None if there().next().is_some() => Found::Another,
            None => Found::None,
        }
    }
}

/// What stands at the revision of a write.
enum Found {
    /// The same write, at this index.
    Same(usize),
    Another,
    None,
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use super::*;
    use crate::mvcc::comparison::Writes;
    use crate::mvcc::history::Completeness;
    use crate::mvcc::{Revision, RevisionKey};

    fn history(writes: &[(u64, u64, &str)], completeness: Completeness) -> History {
        let mut history = History::default();
        for (main, sub, message) in writes {
            let revision = Revision { main: *main, sub: *sub };
            history.observe(RevisionKey { revision, is_tombstone: message.is_empty() }, message.as_bytes());
        }
        history.sort_writes(completeness)
    }

    /// A history held against that which others share.
    fn against(history: &History, others: &[&History]) -> Comparison {
        let mut others = others.iter().map(|other| (*other).clone());
        let mut shared = SharedHistory::from(others.next().unwrap());
        others.for_each(|other| shared.add(other));
        shared.compare(history)
    }

    fn writes(count: u64, main: u64, sub: u64) -> Writes {
        Writes { count, first: Some(Revision { main, sub }) }
    }

    #[test]
    fn a_later_database_of_the_same_history_agrees() {
        let earlier = history(&[(2, 0, "a"), (3, 0, "b"), (3, 1, "c"), (4, 0, "")], Completeness::InFull(0, 4));
        let later = history(&[(3, 1, "c"), (6, 0, "d"), (7, 0, "e")], Completeness::InFull(5, 7));
        assert_eq!(against(&later, &[&earlier]), Comparison { shared: 1, ..Comparison::default() });
        assert!(against(&earlier, &[&later]).agrees());
    }

    #[test]
    fn what_differs_and_what_is_missed_is_counted_with_its_first_revision() {
        let earlier = history(&[(2, 0, "a"), (3, 0, "b"), (4, 0, "c"), (6, 0, "e")], Completeness::InFull(0, 6));
        let later = history(&[(2, 0, "a"), (3, 0, "B"), (4, 0, ""), (5, 1, "d"), (7, 0, "f")], Completeness::InFull(3, 7));
        let found = against(&later, &[&earlier]);
        let wanted = Comparison { shared: 3, differing: writes(2, 3, 0), only_here: writes(1, 5, 1), only_there: writes(1, 6, 0) };
        assert_eq!((found, found.first_here()), (wanted, Some(Revision { main: 3, sub: 0 })));
        let turned = Comparison { only_here: wanted.only_there, only_there: wanted.only_here, ..wanted };
        assert_eq!(against(&earlier, &[&later]), turned);
    }

    #[test]
    fn a_database_is_held_to_what_it_should_have_where_the_other_one_was_not_compacted() {
        let other = |completeness| history(&[(4, 0, "c"), (4, 1, "d"), (9, 0, "i")], completeness);
        let lacks_one = history(&[(4, 0, "c"), (9, 0, "i")], Completeness::InFull(2, 9));
        let found = against(&lacks_one, &[&other(Completeness::InFull(3, 9))]);
        assert_eq!(found, Comparison { shared: 2, only_there: writes(1, 4, 1), ..Comparison::default() });
        // Up to its compaction a file may have any writes, so that another one need not have them.
        for completeness in [Completeness::InFull(4, 9), Completeness::Partial, Completeness::Doubtful] {
            assert!(against(&lacks_one, &[&other(completeness)]).agrees(), "{completeness:?}");
        }
        let broken = history(&[(4, 0, "c"), (9, 0, "i")], Completeness::Partial);
        assert!(against(&broken, &[&other(Completeness::InFull(3, 9))]).agrees());
    }

    /// A write that only a database of doubtful bounds retains is held against none, until one with all writes retains it too.
    #[test]
    fn what_one_retains_and_another_lacks_is_told_by_a_third() {
        let one = history(&[(4, 0, "c"), (5, 0, "d"), (9, 0, "i")], Completeness::Partial);
        let lacks = history(&[(4, 0, "c"), (9, 0, "i")], Completeness::InFull(2, 9));
        let has = history(&[(4, 0, "c"), (5, 0, "d"), (9, 0, "i")], Completeness::InFull(2, 9));
        assert!(against(&lacks, &[&one]).agrees() && against(&has, &[&one]).agrees());
        assert_eq!(against(&has, &[&one, &lacks]), Comparison { shared: 3, only_here: writes(1, 5, 0), ..Comparison::default() });
        assert_eq!(against(&lacks, &[&one, &has]), Comparison { shared: 2, only_there: writes(1, 5, 0), ..Comparison::default() });
    }

    proptest::proptest! {
        /// A database contradicts what others share where it contradicts one of them, and nowhere else.
        #[test]
        fn a_shared_history_says_what_each_pair_says(
            databases in proptest::collection::vec((proptest::collection::btree_map(1_u64..12, 0_usize..12, 0..10), 0_u64..8, 0_u64..12, 0_u8..4), 2..8)
        ) {
            let databases: Vec<History> = databases.into_iter().map(|(made, compacted, newest, how)| {
                // One in twelve writes is another one than elsewhere.
                let made: Vec<(u64, u64, &str)> = made.into_iter().map(|(main, kind)| (main, 0, if kind == 0 { "other" } else { "same" })).collect();
                history(&made, if how == 0 { Completeness::Partial } else { Completeness::InFull(compacted, newest.max(compacted)) })
            }).collect();
            let mut others: Vec<&History> = Vec::new();
            for database in &databases {
                let by_pairs = others.iter().all(|other| against(database, &[other]).agrees());
                if !others.is_empty() {
                    proptest::prop_assert_eq!(against(database, &others).agrees(), by_pairs);
                }
                if by_pairs {
                    others.push(database);
                }
            }
        }
    }
}
