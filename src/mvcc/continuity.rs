//! Revisions that a store should have and does not.
//!
//! ```text
//!  ··x···x·x|xxxxxxxx····xxxxxxx|
//!           │        └┬─┘       └ the newest
//!   compacted         └ a gap
//! ```
//! Every transaction that writes takes the next main revision. Its writes take the sub revisions from 0 on, and are stored
//! together. A compaction removes no revision that is newer than the one at which it compacts. So no revision behind that one is missing.
//!
//! There is one exception. A database that `etcdctl migrate` made of etcd 2's data has gaps until it is compacted for the first time,
//! since its revisions are the indexes of etcd 2.
//!
//! Source: etcd `server/storage/mvcc/kvstore_txn.go` (`put`, `delete`, `End`), `kvstore.go` (`compact`, `restore`).

use std::fmt;

use rayon::prelude::*;

use super::{Revision, RevisionKey, StoredWrite, StoredWrites};

/// The first write of all has the revision behind this one.
const BEFORE_THE_FIRST: u64 = 1;

/// Revisions that are missing between two that are there, or behind the one at which the store was compacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevisionGap<W> {
    /// The revision before the gap. Where that is the one of the compaction, its sub revision is the largest there can be: nothing
    /// of its transaction is missing.
    pub after: Revision,
    /// The next revision that is there.
    pub before: Revision,
    /// The write that has it.
    pub write: W,
}

impl<'data, W: StoredWrite<'data>> RevisionGap<W> {
    /// Whether nothing was ever written in the gap. `etcdutl snapshot restore --bump-revision` skips revisions, and marks where it goes
    /// on with a write that has neither key nor value.
    pub fn is_bump(&self) -> bool {
        self.write.key_value().is_some_and(|kv| kv.key.is_empty() && kv.value.is_empty())
    }
}

impl<W> RevisionGap<W> {
    /// The first revision that may be missing, and the first behind it that is not.
    pub fn range(&self) -> (Revision, Revision) {
        (next_in_transaction(self.after), self.before)
    }
}

impl<W> fmt::Display for RevisionGap<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { after, before, .. } = self;
        match after.sub {
            LAST_SUB => write!(f, "the first revision behind {}, where the database begins or was compacted, is {before}", after.main),
            _ => write!(f, "behind revision {after} stands {before}"),
        }?;
        f.write_str("; each transaction takes the next one")
    }
}

/// A sub revision that no write has: behind all those of a transaction, however many it has.
const LAST_SUB: u64 = u64::MAX;

/// The first revision that a store has behind a compaction, if it has any; 0: there was none.
pub(super) fn first_behind(compacted: u64) -> u64 {
    compacted.max(BEFORE_THE_FIRST).saturating_add(1)
}

/// The gaps behind a compaction, in the order of revisions. `compacted` is the revision of the last compaction; 0 where there was none.
pub fn gaps<'data, S: StoredWrites<'data>>(store: &S, compacted: u64) -> Vec<RevisionGap<S::Write>> {
    let mut last = Revision { main: compacted.max(BEFORE_THE_FIRST), sub: LAST_SUB };
    let chunks = store.chunks(Some(RevisionKey { revision: last, is_tombstone: false }));
    let mut runs: Vec<Run<S::Write>> = chunks.par_iter().flat_map_iter(|chunk| runs(store.read(chunk), last)).collect();
    // The chunks of a damaged store may be out of order.
    runs.par_sort_unstable();
    let mut gaps = Vec::new();
    for run in runs {
        if run.first > last && !follows(run.first, last) {
            gaps.push(RevisionGap { after: last, before: run.first, write: run.write });
        }
        last = last.max(run.last);
    }
    gaps
}

/// Revisions of which each follows the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Run<W> {
    first: Revision,
    /// The write that has the first revision.
    write: W,
    last: Revision,
}

/// The runs in which these writes stand, as far as they are behind a revision.
fn runs<'data, W: StoredWrite<'data>>(writes: impl Iterator<Item = W>, after: Revision) -> Vec<Run<W>> {
    let mut runs: Vec<Run<W>> = Vec::new();
    for write in writes {
        let revision = write.at().revision;
        if revision <= after {
            continue;
        }
        match runs.last_mut() {
            Some(run) if follows(revision, run.last) => run.last = revision,
            _ => runs.push(Run { first: revision, write, last: revision }),
        }
    }
    runs
}

/// The revision of the next write in the same transaction.
fn next_in_transaction(Revision { main, sub }: Revision) -> Revision {
    Revision { main, sub: sub.saturating_add(1) }
}

/// Whether nothing is missing between two revisions. How many writes a transaction has is stored nowhere, so any of them may be its last.
fn follows(revision: Revision, last: Revision) -> bool {
    revision == last || revision == next_in_transaction(last) || revision.sub == 0 && revision.main.checked_sub(1) == Some(last.main)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_a_revision() {
        let at = |main, sub| Revision { main, sub };
        for (last, next) in [((5, 0), (6, 0)), ((5, 0), (5, 1)), ((5, 3), (6, 0)), ((5, LAST_SUB), (6, 0)), ((5, 1), (5, 1))] {
            assert!(follows(at(next.0, next.1), at(last.0, last.1)), "{last:?} {next:?}");
        }
        for (last, next) in [((5, 0), (5, 2)), ((5, 0), (7, 0)), ((5, 0), (6, 1)), ((5, LAST_SUB), (7, 0)), ((5, LAST_SUB), (6, 1))] {
            assert!(!follows(at(next.0, next.1), at(last.0, last.1)), "{last:?} {next:?}");
        }
    }
}
