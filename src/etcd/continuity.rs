//! Revisions that a tree should have and does not.
//!
//! ```text
//!  ··x···x·x|xxxxxxxx····xxxxxxx|
//!           │        └┬─┘       └ the newest
//!   compacted         └ a gap
//! ```
//! Every transaction that writes takes the next main revision, every write in it the next sub revision from 0 on, and both are
//! written at once. A compaction removes nothing newer than itself. So behind it no revision is missing.
//!
//! A database that `etcdctl migrate` made of etcd 2's has gaps until it is compacted for the first time: its revisions were
//! that version's indexes.
//!
//! Source: etcd `server/storage/mvcc/kvstore_txn.go` (`put`, `delete`, `End`), `kvstore.go` (`compact`, `restore`).

use std::fmt;

use rayon::prelude::*;

use crate::bbolt::{Bucket, Db, Element, Pgid, Tree};
use crate::mvcc::{KeyValue, Revision, RevisionKey};

/// Leaf pages one task reads.
const TASK: usize = 64;
/// The first write of all has the revision behind this one.
const BEFORE_THE_FIRST: u64 = 1;

/// Revisions that are missing, though those on both sides of them are there or compacted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap<'data> {
    /// The one before it; of a compacted one all writes are.
    pub after: Revision,
    /// The next that is there.
    pub before: Revision,
    /// Its key in the bucket.
    pub key: &'data [u8],
    /// What is stored under it.
    pub value: &'data [u8],
    /// The page it stands on.
    pub pgid: Pgid,
}

impl Gap<'_> {
    /// Whether a restore has bumped over what is missing: its marker has neither key nor value.
    pub fn is_bump(&self) -> bool {
        KeyValue::parse(self.value).is_ok_and(|kv| kv.key.is_empty() && kv.value.is_empty())
    }

    /// The first that may be missing, and the first behind it that is not.
    pub fn range(&self) -> (Revision, Revision) {
        (behind(self.after), self.before)
    }
}

impl fmt::Display for Gap<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { after, before, .. } = self;
        match after.sub {
            ALL => write!(f, "the first revision behind {}, where the database begins or was compacted, is {before}", after.main),
            _ => write!(f, "behind revision {after} stands {before}"),
        }?;
        f.write_str("; each transaction takes the next one")
    }
}

/// The sub revision behind all of a transaction.
const ALL: u64 = u64::MAX;

/// The gaps behind a compaction, in their order. `compacted`: the revision of the last one; 0 where there was none.
pub fn gaps<'data>(db: &Db<'data>, tree: &Tree<'data>, bucket: &Bucket<'data>, compacted: u64) -> Vec<Gap<'data>> {
    let mut last = Revision { main: compacted.max(BEFORE_THE_FIRST), sub: ALL };
    let leaves = tree.leaves_from(bucket, &RevisionKey { revision: last, is_tombstone: false }.to_bytes());
    let read = |leaves: &[Pgid]| runs(leaves.iter().flat_map(|pgid| tree.page_elements(db, *pgid)), last);
    let mut runs: Vec<Run<'data>> =
        if leaves.is_empty() { runs(tree.elements(db, bucket), last) } else { leaves.par_chunks(TASK).flat_map_iter(read).collect() };
    // In a damaged tree they may be out of order.
    runs.par_sort_unstable();
    let mut gaps = Vec::new();
    for run in runs {
        if run.first > last && !follows(run.first, last) {
            gaps.push(Gap { after: last, before: run.first, key: run.key, value: run.value, pgid: run.pgid });
        }
        last = last.max(run.last);
    }
    gaps
}

/// Revisions that stand one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Run<'data> {
    first: Revision,
    key: &'data [u8],
    value: &'data [u8],
    pgid: Pgid,
    last: Revision,
}

fn runs<'data>(elements: impl Iterator<Item = (Pgid, Element<'data>)>, after: Revision) -> Vec<Run<'data>> {
    let mut runs: Vec<Run<'data>> = Vec::new();
    for (pgid, Element { key, value, .. }) in elements {
        let Some(RevisionKey { revision, .. }) = RevisionKey::parse(key).filter(|at| at.revision > after) else { continue };
        match runs.last_mut() {
            Some(run) if follows(revision, run.last) => run.last = revision,
            _ => runs.push(Run { first: revision, key, value, pgid, last: revision }),
        }
    }
    runs
}

/// The next write of the same transaction.
fn behind(Revision { main, sub }: Revision) -> Revision {
    Revision { main, sub: sub.saturating_add(1) }
}

/// Whether nothing is missing between the two: which write of a transaction is its last is not known.
fn follows(revision: Revision, last: Revision) -> bool {
    revision == last || revision == behind(last) || revision.sub == 0 && revision.main.checked_sub(1) == Some(last.main)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_a_revision() {
        let at = |main, sub| Revision { main, sub };
        for (last, next) in [((5, 0), (6, 0)), ((5, 0), (5, 1)), ((5, 3), (6, 0)), ((5, ALL), (6, 0)), ((5, 1), (5, 1))] {
            assert!(follows(at(next.0, next.1), at(last.0, last.1)), "{last:?} {next:?}");
        }
        for (last, next) in [((5, 0), (5, 2)), ((5, 0), (7, 0)), ((5, 0), (6, 1)), ((5, ALL), (7, 0)), ((5, ALL), (6, 1))] {
            assert!(!follows(at(next.0, next.1), at(last.0, last.1)), "{last:?} {next:?}");
        }
    }
}
