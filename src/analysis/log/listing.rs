//! The second pass: the writes of a segment as rows.

use std::io;

use foldhash::fast::FixedState;
use hashbrown::HashSet;
use rayon::prelude::*;

use super::super::classify::Classifier;
use super::super::row::{LogPosition, Place, Retention, Row, TxnBranch, ValueRow};
use super::super::stream::{Part, Stream, WINDOW};
use super::super::{Scope, Tally};
use super::revisions::{Fingerprint, InTree};
use super::{LogSurvey, Segment};
use crate::etcd::raft::{EntryKind, Operation, Put, Request};
use crate::evidence::anomaly::Anomalies;
use crate::evidence::range;

/// Writes that one task turns into rows.
const WRITES: usize = 256;

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
    fingerprint: Fingerprint,
    in_tree: Option<InTree>,
    /// The end of its value is not there.
    is_cut: bool,
    is_duplicate: bool,
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
    pub fn run<R, W>(&self, number: usize, render: R, write: W) -> io::Result<(Tally<'data>, Anomalies)>
    where
        R: Fn(&Row<'data>, &mut Vec<u8>) + Sync,
        W: FnMut(&[u8]) -> io::Result<()>,
    {
        let mut stream = Stream::new(render, write);
        let Some(segment) = self.survey.segments.get(number) else { return Ok(stream.finish(&[])) };
        let mut show = |writes: &[Write<'data>]| {
            stream.rows(writes, WRITES, |write, part, render| {
                if let Some(row) = self.row(write, part) {
                    part.show(&row, render);
                }
            })
        };
        // By revision where it is known, then by place, and what has no place last. Only the first have to be sorted.
        let mut matched = Vec::new();
        self.windows(number, segment, |window| {
            matched.extend(window.into_iter().filter(|write| write.in_tree.is_some()));
            Ok(())
        })?;
        matched.sort_by_key(|write| (write.in_tree.map(|tree| tree.revision), write.offset));
        let mut known = HashSet::<_, FixedState>::default();
        for write in &mut matched {
            write.is_duplicate = !known.insert((write.fingerprint, write.in_tree.map(|tree| tree.revision.main)));
        }
        show(&matched)?;
        for has_place in [true, false] {
            self.windows(number, segment, |mut window| {
                window.retain(|write| write.in_tree.is_none() && write.offset.is_some() == has_place);
                for write in &mut window {
                    write.is_duplicate = !known.insert((write.fingerprint, None));
                }
                show(&window)
            })?;
        }
        Ok(stream.finish(segment.bytes))
    }

    /// Shows the writes of a segment in file order, so many at a time, with what the tree says of them.
    fn windows(
        &self,
        number: usize,
        segment: &Segment<'data>,
        mut show: impl FnMut(Vec<Write<'data>>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut writes = self.writes(number, segment);
        loop {
            let mut window: Vec<_> = writes.by_ref().take(WRITES.saturating_mul(WINDOW)).collect();
            if window.is_empty() {
                return Ok(());
            }
            window.par_iter_mut().for_each(|write| {
                write.fingerprint = Fingerprint::of(write.put.key, write.put.value);
                write.in_tree = self.survey.revisions.of(&write.fingerprint).filter(|_| !write.is_cut);
            });
            show(window)?;
        }
    }

    /// The writes of a segment in file order.
    fn writes<'s>(&'s self, number: usize, segment: &Segment<'data>) -> impl Iterator<Item = Write<'data>> + use<'s, 'data> {
        let bytes = segment.bytes;
        let entries = segment.entries().filter(|(_, entry)| entry.kind == EntryKind::Normal).flat_map(|(offset, entry)| {
            let request = Request::parse(entry.data).ok();
            let operations = request.into_iter().flat_map(|request| request.operations()).filter_map(Result::ok);
            let puts = operations.filter_map(|operation| match operation {
                Operation::Put(put, branch) => Some((put, branch, false)),
                Operation::DeleteRange { .. } => None,
            });
            puts.map(move |put| (put, (offset, entry.index, entry.term)))
        });
        let cut = segment.cut_entry().into_iter().flat_map(|(offset, entry)| {
            let whole = entry.whole.into_iter().map(|(put, branch)| (put, branch, false));
            let cut = entry.cut.map(|cut| (cut.put, cut.branch, cut.missing > 0)).filter(|(put, ..)| !put.value.is_empty());
            whole.chain(cut).map(move |put| (put, (offset, entry.index, entry.term)))
        });
        entries.chain(cut).filter(|((put, ..), _)| !put.ignores_value).map(move |((put, branch, is_cut), (offset, index, term))| {
            let (committed, applied) = self.survey.fate(number, offset, index);
            Write {
                put,
                offset: range::offset_within(bytes, put.value),
                position: LogPosition { index, term, branch: branch.map(TxnBranch::from), committed, applied },
                fingerprint: Fingerprint::default(),
                in_tree: None,
                is_cut,
                is_duplicate: false,
            }
        })
    }

    fn row(&self, write: &Write<'data>, part: &mut Part<'data>) -> Option<Row<'data>> {
        let Put { key, value, lease, .. } = write.put;
        let mut noted = Vec::new();
        let mut classifier = Classifier { names: &self.survey.names, prefixes: &self.survey.prefixes, digests: &mut part.digests };
        let read = match write.is_cut {
            true => classifier.read_cut(key, value),
            false => classifier.read(key, value, |class, detail| noted.push((class, detail))),
        };
        part.tally.note_key_material(key, read.storage_key.as_ref(), value, Retention::Log);
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
