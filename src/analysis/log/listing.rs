//! The second pass: the writes of a segment as rows.

use std::io;

use foldhash::fast::FixedState;
use hashbrown::HashSet;
use rayon::prelude::*;

use super::super::classify::{Classifier, Digests};
use super::super::row::{LogPosition, Place, Retention, Row, TxnBranch, ValueRow};
use super::super::{Scope, Tally};
use super::revisions::{Fingerprint, InTree};
use super::{LogSurvey, Segment};
use crate::etcd::raft::{Branch, EntryKind, Operation, Put, Request};
use crate::evidence::anomaly::Anomalies;
use crate::evidence::range;

/// Writes that one task turns into rows.
const WRITES: usize = 256;
/// Tasks whose output is held at a time.
const WINDOW: usize = 64;

/// A second pass over the segments of a log.
#[derive(Clone, Copy, Debug)]
pub struct LogList<'a, 'data> {
    survey: &'a LogSurvey<'data>,
    scope: &'a Scope,
}

/// A write that an entry proposes.
struct Write<'data> {
    put: Put<'data>,
    offset: Option<u64>,
    position: LogPosition,
    in_tree: Option<InTree>,
    /// The end of its value is not there.
    is_cut: bool,
    is_duplicate: bool,
}

/// What one task makes.
#[derive(Default)]
struct Part<'data> {
    output: Vec<u8>,
    tally: Tally<'data>,
    anomalies: Anomalies,
    digests: Digests<'data>,
}

impl<'a, 'data> LogList<'a, 'data> {
    /// Rows of the objects in `scope`.
    pub fn new(survey: &'a LogSurvey<'data>, scope: &'a Scope) -> Self {
        Self { survey, scope }
    }

    /// Shows every row of the segment with this number to `render`, on all cores, and what it wrote to `write`, in the
    /// order of the rows. Returns the counts and what the values showed to be odd.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn run<R, W>(&self, number: usize, render: R, mut write: W) -> io::Result<(Tally<'data>, Anomalies)>
    where
        R: Fn(&Row<'data>, &mut Vec<u8>) + Sync,
        W: FnMut(&[u8]) -> io::Result<()>,
    {
        let mut tally = Tally::default();
        let mut anomalies = Anomalies::default();
        let Some(segment) = self.survey.segments.get(number) else { return Ok((tally, anomalies)) };
        for window in self.writes(number, segment).chunks(WRITES.saturating_mul(WINDOW)) {
            let parts: Vec<Part<'data>> = window.par_chunks(WRITES).map(|task| self.task(task, &render)).collect();
            for part in parts {
                write(&part.output)?;
                tally.merge(part.tally);
                anomalies.merge(part.anomalies);
            }
        }
        tally.settle(segment.bytes);
        Ok((tally, anomalies))
    }

    /// The writes of a segment in the order of their rows: by revision where it is known, then by place.
    fn writes(&self, number: usize, segment: &Segment<'data>) -> Vec<Write<'data>> {
        let mut writes = Vec::new();
        let mut add = |put: Put<'data>, branch: Option<Branch>, is_cut: bool, (offset, index, term): (u64, u64, u64)| {
            if put.ignores_value || is_cut && put.value.is_empty() {
                return;
            }
            let (committed, applied) = self.survey.fate(number, offset, index);
            let position = LogPosition { index, term, branch: branch.map(TxnBranch::from), committed, applied };
            let offset = range::offset_within(segment.bytes, put.value);
            writes.push(Write { put, offset, position, in_tree: None, is_cut, is_duplicate: false });
        };
        for (offset, entry) in segment.entries().filter(|(_, entry)| entry.kind == EntryKind::Normal) {
            let Ok(request) = Request::parse(entry.data) else { continue };
            for operation in request.operations().filter_map(Result::ok) {
                if let Operation::Put(put, branch) = operation {
                    add(put, branch, false, (offset, entry.index, entry.term));
                }
            }
        }
        if let Some((offset, entry)) = segment.cut_entry() {
            entry.whole.iter().for_each(|(put, branch)| add(*put, *branch, false, (offset, entry.index, entry.term)));
            if let Some(cut) = entry.cut {
                add(cut.put, cut.branch, cut.missing > 0, (offset, entry.index, entry.term));
            }
        }
        let fingerprints: Vec<_> = writes.par_iter().map(|write| Fingerprint::of(write.put.key, write.put.value)).collect();
        for (write, fingerprint) in writes.iter_mut().zip(&fingerprints) {
            write.in_tree = self.survey.revisions.of(fingerprint).filter(|_| !write.is_cut);
        }
        let mut order: Vec<(Write<'data>, Fingerprint)> = writes.into_iter().zip(fingerprints).collect();
        order.sort_by_key(|(write, _)| {
            let revision = write.in_tree.map(|tree| tree.revision);
            (revision.is_none(), revision, write.offset.is_none(), write.offset, write.position.index)
        });
        let mut known = HashSet::<_, FixedState>::default();
        let mark = |(mut write, fingerprint): (Write<'data>, Fingerprint)| {
            write.is_duplicate = !known.insert((fingerprint, write.in_tree.map(|tree| tree.revision.main)));
            write
        };
        order.into_iter().map(mark).collect()
    }

    fn task<R>(&self, writes: &[Write<'data>], render: &R) -> Part<'data>
    where
        R: Fn(&Row<'data>, &mut Vec<u8>) + Sync,
    {
        let mut part = Part::default();
        for write in writes {
            if let Some(row) = self.row(write, &mut part) {
                part.tally.add(&row);
                render(&row, &mut part.output);
            }
        }
        part
    }

    fn row(&self, write: &Write<'data>, part: &mut Part<'data>) -> Option<Row<'data>> {
        let Put { key, value, lease, .. } = write.put;
        let mut noted = Vec::new();
        let mut classifier = Classifier { names: &self.survey.names, prefixes: &self.survey.prefixes, digests: &mut part.digests };
        let read = match write.is_cut {
            true => classifier.read_cut(key, value),
            false => classifier.read(key, value, |class, detail| noted.push((class, detail))),
        };
        if !self.scope.holds(read.storage_key.as_ref()) {
            return None;
        }
        for (class, detail) in noted {
            part.anomalies.note(class, write.offset, None, || detail);
        }
        Some(Row::Value(Box::new(ValueRow {
            place: Place::Wal,
            retention: Retention::Log,
            offset: write.offset,
            length: value.len() as u64,
            pgid: None,
            key,
            mod_revision: write.in_tree.map(|tree| tree.revision.main),
            sub: write.in_tree.map(|tree| tree.revision.sub),
            create_revision: write.in_tree.map(|tree| tree.create_revision),
            version: write.in_tree.map(|tree| tree.version),
            lease: Some(lease),
            storage_key: read.storage_key,
            protection: read.protection,
            encoding: read.encoding,
            seal: read.seal,
            secret: read.secret,
            fragment: write.is_cut,
            duplicate: write.is_duplicate,
            newer_than_snapshot: false,
            log: Some(write.position),
        })))
    }
}
