//! The writes of a segment, in the order of its rows.

use foldhash::fast::FixedState;
use hashbrown::HashSet;
use rayon::prelude::*;

use super::fates::Fates;
use super::revisions::{Fingerprint, InTree, Revisions};
use super::segment::Segment;
use crate::etcd::raft::{Branch, Entry, EntryKind, Operation, Put, Request, RequestKind};
use crate::evidence::range;
use crate::row::{Api, Found, FoundContent, LogPosition, Place, Retention, TxnBranch, WriteCounts, Written};
use crate::store::Unapplied;

/// Writes that one task reads.
pub(super) const TASK: usize = 256;

/// A write that an entry proposes.
#[derive(Debug)]
pub(super) struct Write<'data> {
    put: PutBytes<'data>,
    lease: i64,
    position: LogPosition,
    api: Api,
    in_tree: Option<InTree>,
    /// The end of its value is not there.
    is_cut: bool,
    is_duplicate: bool,
}

/// What a segment has behind the database beside it.
#[derive(Debug, Default)]
pub(super) struct Behind {
    /// Entries that the database has not applied, but for those that a later leader overrode.
    pub(super) entries: u64,
    /// The first and the last of them that write or delete a key, or may.
    pub(super) writes: Option<(u64, u64)>,
    /// What the committed ones among them touch.
    pub(super) unapplied: Unapplied,
}

impl Behind {
    fn see_write(&mut self, index: u64) {
        let (first, last) = self.writes.unwrap_or((index, index));
        self.writes = Some((first.min(index), last.max(index)));
    }
}

/// Key and value of a put. They are not printed.
struct PutBytes<'data> {
    key: &'data [u8],
    value: &'data [u8],
}

impl std::fmt::Debug for PutBytes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "key of {} bytes, value of {}", self.key.len(), self.value.len())
    }
}

impl<'data> Write<'data> {
    /// The writes of a segment: by revision where it is known, then by place, and what has no place last. Also what the segment has
    /// behind the database; `None` where it is not known what that has applied.
    pub(super) fn all(number: usize, segment: &Segment<'data>, fates: &Fates, revisions: &Revisions) -> (Vec<Self>, Option<Behind>) {
        let (mut writes, behind) = proposed(number, segment, fates);
        let fingerprints: Vec<Fingerprint> = writes.par_iter_mut().map(|write| Fingerprint::of(write.put.key, write.put.value)).collect();
        let mut writes: Vec<(Self, Fingerprint)> = writes.drain(..).zip(fingerprints).collect();
        for (write, fingerprint) in &mut writes {
            write.in_tree = revisions.of(fingerprint).filter(|_| !write.is_cut && write.api == Api::V3);
        }
        let offset = |write: &Self| range::offset_within(segment.evidence.content(), write.put.value);
        writes.sort_by_cached_key(|(write, _)| {
            let offset = offset(write);
            (write.in_tree.is_none(), write.in_tree.map(|tree| tree.revision), offset.is_none(), offset)
        });
        let mut known = HashSet::<_, FixedState>::default();
        for (write, fingerprint) in &mut writes {
            write.is_duplicate = !known.insert((*fingerprint, write.api, write.in_tree.map(|tree| tree.revision.main)));
        }
        (writes.into_iter().map(|(write, _)| write).collect(), behind)
    }

    /// Of a put, of which it is not known yet what the tree has of it.
    fn of(put: &Put<'data>, position: LogPosition, api: Api, is_cut: bool) -> Self {
        let bytes = PutBytes { key: put.key, value: put.value };
        Self { put: bytes, lease: put.lease, position, api, in_tree: None, is_cut, is_duplicate: false }
    }

    /// Where the values of writes stand in their segment.
    pub(super) fn told(writes: &[Self], segment: &[u8]) -> Vec<std::ops::Range<u64>> {
        let told = |write: &Self| {
            let start = range::offset_within(segment, write.put.value)?;
            Some(start..start.saturating_add(write.put.value.len() as u64))
        };
        writes.iter().filter_map(told).collect()
    }

    /// The find there.
    pub(super) fn found(&self) -> Found<'data> {
        let counts = self.in_tree.map(|tree| WriteCounts { create_revision: tree.create_revision, version: tree.version });
        let revision = self.in_tree.map(|tree| tree.revision);
        Found {
            place: Place::Wal,
            retention: Retention::Log,
            pgid: None,
            key: self.put.key,
            written: Written {
                main: revision.map(|revision| revision.main),
                sub: revision.map(|revision| revision.sub),
                counts,
                lease: Some(self.lease),
            },
            content: if self.is_cut { FoundContent::Cut(self.put.value) } else { FoundContent::Value(self.put.value) },
            is_duplicate: self.is_duplicate,
            is_newer_than_snapshot: false,
            log: Some(self.position),
            api: self.api,
            escaped: None,
        }
    }
}

/// The writes that the entries of a segment propose, in file order, and what it has behind the database.
fn proposed<'data>(number: usize, segment: &Segment<'data>, fates: &Fates) -> (Vec<Write<'data>>, Option<Behind>) {
    let (mut writes, mut behind) = (Vec::new(), fates.applied.map(|_| Behind::default()));
    let mut add = |put: Put<'data>, api: Api, branch: Option<TxnBranch>, is_cut: bool, (offset, index, term): (u64, u64, u64)| {
        // It leaves the value as it is, and has none of its own.
        if put.ignores_value {
            return;
        }
        let (committed, applied) = fates.of(number, offset, index);
        // The database does not hold what the v2 API wrote.
        let applied = applied.filter(|_| api == Api::V3);
        writes.push(Write::of(&put, LogPosition { index, term, branch, committed, applied }, api, is_cut));
    };
    for (offset, entry) in segment.entries() {
        let (committed, _) = fates.of(number, offset, entry.index);
        let mut behind = behind.as_mut().filter(|_| fates.applied.is_some_and(|applied| entry.index > applied));
        if let Some(behind) = behind.as_mut().filter(|_| committed != Some(false)) {
            behind.entries = behind.entries.saturating_add(1);
            if may_write(&entry) {
                behind.see_write(entry.index);
            }
        }
        if entry.kind != EntryKind::Normal {
            continue;
        }
        let request = Request::parse(entry.data).ok();
        let is_known = request.is_some_and(|request| request.parts().all(|part| part.kind != RequestKind::Other));
        let mut unapplied = behind.filter(|_| committed == Some(true)).map(|behind| &mut behind.unapplied);
        // What asks for something that is not known may write or delete any key.
        if let Some(unapplied) = unapplied.as_mut().filter(|_| !is_known && !entry.data.is_empty()) {
            unapplied.add_missing_entries();
        }
        for part in request.into_iter().flat_map(Request::parts) {
            let api = if part.kind.is_v2() { Api::V2 } else { Api::V3 };
            for operation in part.operations().filter_map(Result::ok) {
                if let Some(unapplied) = unapplied.as_mut().filter(|_| api == Api::V3) {
                    unapplied.add(&operation);
                }
                match operation {
                    Operation::Put(put, branch) => add(put, api, branch.map(branch_of), false, (offset, entry.index, entry.term)),
                    Operation::DeleteRange { .. } | Operation::RevokeLease(_) => {}
                }
            }
        }
    }
    if let Some((offset, entry)) = segment.cut_entry() {
        if let Some(behind) = behind.as_mut().filter(|_| fates.applied.is_some_and(|applied| entry.index > applied)) {
            behind.see_write(entry.index);
        }
        let at = (offset, entry.index, entry.term);
        let api = if entry.is_of_v2 { Api::V2 } else { Api::V3 };
        entry.whole.into_iter().for_each(|(put, branch)| add(put, api, branch.map(branch_of), false, at));
        if let Some(cut) = entry.cut.filter(|cut| !cut.put.value.is_empty()) {
            add(cut.put, api, cut.branch.map(branch_of), cut.missing > 0, at);
        }
    }
    (writes, behind)
}

/// Whether an entry writes or deletes a key, or asks for what is not known here. What the v2 API writes the database does not hold.
fn may_write(entry: &Entry<'_>) -> bool {
    if entry.kind != EntryKind::Normal || entry.data.is_empty() {
        return false;
    }
    let Ok(request) = Request::parse(entry.data) else { return true };
    let may = |part: Request<'_>| part.kind == RequestKind::Other || !part.kind.is_v2() && part.operations().next().is_some();
    request.parts().any(may)
}

fn branch_of(branch: Branch) -> TxnBranch {
    match branch {
        Branch::Success => TxnBranch::Success,
        Branch::Failure => TxnBranch::Failure,
    }
}
