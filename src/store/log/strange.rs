//! Whether a log can be that of the database beside it, by what both have of the same writes.
//!
//! What an entry wrote last to a key stands in the tree for as long as the key is not written again or deleted: a compaction keeps it. So
//! of a member's own log, as far as its database has applied it, some write stands in the tree. Where none does, and the tree does not
//! even have the keys, the two are of different members. A transaction need not have carried out its writes, and a lease that ends takes
//! its keys with it: neither proves anything by itself.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::fates::Fates;
use super::seen::Seen;
use super::segment::Segment;
use crate::etcd::raft::{Branch, EntryKind, Operation, Put, Request, RequestKind};
use crate::etcd::wal;
use crate::evidence::Evidence;
use crate::store::{DatabaseStore, Store};

/// Keys that must be missing before they prove something: a few may go by writes that were never carried out.
const SEVERAL: u64 = 3;

/// How a log and a database stand to each other of which nothing but their IDs says that they belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// The database has a write of the log, and nothing contradicts the two.
    Proven,
    /// There is nothing that both must have.
    NotSaid,
    /// The log has applied entries that the database has nothing of.
    Contradicted,
}

impl Agreement {
    /// Reads all of the log, whose segments are in their order, and the writes of the database. One contradiction is enough: nobody said that
    /// the two are one member's.
    pub(crate) fn of<'data>(segments: &[&'data Evidence], database: &DatabaseStore<'data>) -> Self {
        let (mut log, mut seen) = (wal::Log::default(), Seen::default());
        let last = segments.len().saturating_sub(1);
        let read = segments.iter().enumerate().map(|(number, evidence)| Segment::read(evidence, number == last, &mut log, &mut seen));
        let segments: Vec<Segment<'data>> = read.collect();
        let applied = database.profile().facts.database().and_then(|database| database.schema.consistent_index);
        let (_, has_a_write) = seen.proposed.match_with(database, applied.unwrap_or(0));
        let fates = Fates { log, committed: applied, applied };
        match missing_writes(&segments, &fates, database, has_a_write) {
            Some(1..) => Self::Contradicted,
            _ if has_a_write => Self::Proven,
            _ => Self::NotSaid,
        }
    }
}

/// Keys that applied entries write last; of each whether the write is a part of a transaction.
type LastWrites<'data> = BTreeMap<&'data [u8], bool>;

/// How many keys the tree should have by this log, and does not; `None`: too few to tell, or what is missing may explain it. It is asked
/// where no write of the log stands in the tree.
pub(super) fn missing_keys(segments: &[Segment<'_>], fates: &Fates, database: &DatabaseStore<'_>) -> Option<u64> {
    missing_writes(segments, fates, database, false).filter(|missing| *missing >= SEVERAL)
}

/// Keys that the tree should have by this log, and does not; `None`: what is missing may explain it. Where the tree has a write of the log, a
/// transaction that wrote nothing explains that it has no other.
fn missing_writes(segments: &[Segment<'_>], fates: &Fates, database: &DatabaseStore<'_>, has_a_write: bool) -> Option<u64> {
    let applied = fates.applied.filter(|_| database.lost.is_empty() && database.gaps.is_empty() && fates.log.is_in_order())?;
    let writes = last_writes(segments, fates, applied)?;
    let is_missing = |(key, is_of_txn): &(&&[u8], &bool)| match database.keyspace.newest(key) {
        // It exists, and has another value: the transaction may not have carried out its write.
        Some((_, false)) => !has_a_write && !**is_of_txn,
        Some((_, true)) | None => !has_a_write || !**is_of_txn,
    };
    Some(writes.iter().filter(is_missing).count() as u64)
}

/// `None`: the log does not reach what was applied, or asks for what is not known here.
fn last_writes<'data>(segments: &[Segment<'data>], fates: &Fates, applied: u64) -> Option<LastWrites<'data>> {
    let (mut writes, mut last) = (LastWrites::new(), None::<u64>);
    for (number, segment) in segments.iter().enumerate() {
        for (offset, entry) in segment.entries() {
            if entry.index > applied || fates.of(number, offset, entry.index).1 == Some(false) {
                last = last.max(Some(entry.index));
                continue;
            }
            if last.is_some_and(|last| entry.index > last.saturating_add(1)) {
                // What is missing between them may delete all of it.
                writes.clear();
            }
            last = Some(entry.index);
            if entry.kind != EntryKind::Normal || entry.data.is_empty() {
                continue;
            }
            for part in Request::parse(entry.data).ok()?.parts().filter(|part| !part.kind.is_v2()) {
                if part.kind == RequestKind::Other {
                    return None;
                }
                for operation in part.operations() {
                    see(&mut writes, &operation.ok()?);
                }
            }
        }
    }
    last.filter(|last| *last >= applied).map(|_| writes)
}

fn see<'data>(writes: &mut LastWrites<'data>, operation: &Operation<'data>) {
    match *operation {
        Operation::Put(Put { key, lease: 0, ignores_value: false, .. }, None | Some(Branch::Success)) => {
            writes.insert(key, matches!(operation, Operation::Put(_, Some(_))));
        }
        Operation::Put(Put { key, .. }, _) | Operation::DeleteRange { key, range_end: [], .. } => {
            writes.remove(key);
        }
        Operation::DeleteRange { key, range_end, .. } => {
            let end = if range_end == [0] { Bound::Unbounded } else { Bound::Excluded(range_end) };
            let is_range = range_end == [0] || range_end > key;
            while let Some(gone) = writes.range::<[u8], _>((Bound::Included(key), end)).next().filter(|_| is_range).map(|(gone, _)| *gone) {
                writes.remove(gone);
            }
        }
        // What goes with a lease was not counted.
        Operation::RevokeLease(_) => {}
    }
}
