//! A write-ahead log as stores, one for each segment. The first pass reads every record of every segment, since what is committed,
//! what was overridden and which value of the tree is which write is known only from all of them; then it reads the entries of each
//! segment again, and keeps a list of their writes. The second pass shows that list, and reads no record.
//!
//! ```text
//! first pass    every record of every segment      ──> what was committed and overridden, names, revisions
//!               the entries of each segment, again ──> a list of its writes
//! second pass   the list of one segment after the other
//! ```
//! An entry is a proposal. A Kubernetes write is a transaction whose comparison may have failed, so a value in the log may
//! never have been in the database; it is in the file all the same.

mod fates;
mod revisions;
mod seen;
mod segment;
mod strange;
mod writes;

use std::sync::Arc;

use self::fates::Fates;
use self::revisions::Revisions;
use self::seen::Seen;
use self::segment::Segment;
pub(super) use self::segment::name_of;
pub(crate) use self::strange::Agreement;
use self::writes::Write;
use super::witness::Witness;
use super::{Content, DatabaseStore, PassedOver, Profile, ReadOptions, Store, Task, Unapplied, image};
use crate::etcd::wal;
use crate::evidence::{Evidence, range};
use crate::row::Found;

/// What of a member is known before its log is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemberContext<'a, 'data> {
    /// Its database.
    pub database: Option<&'a DatabaseStore<'data>>,
    /// Index of its newest sound raft snapshot.
    pub snapshot_index: Option<u64>,
}

/// A segment of a log after the first pass.
#[derive(Debug)]
pub struct SegmentStore<'data> {
    profile: Profile<'data>,
    writes: Vec<Write<'data>>,
    unapplied: Option<Unapplied>,
}

/// Whether bytes are those of a segment.
pub(super) fn begins_segment(bytes: &[u8]) -> bool {
    wal::begins_segment(bytes)
}

/// Whether bytes, or else the name they were given under, are those of a segment.
pub(super) fn is_segment(evidence: &Evidence) -> bool {
    wal::begins_segment(evidence.content()) || name_of(evidence).is_some()
}

impl<'data> SegmentStore<'data> {
    /// Reads every record of a log. Its segments are given in their order; each becomes a store of its own.
    pub fn read_log(segments: &[&'data Evidence], member: MemberContext<'_, 'data>, options: &ReadOptions) -> Vec<Self> {
        let mut log = wal::Log::default();
        let mut seen = Seen::default();
        let last = segments.len().saturating_sub(1);
        let mut segments: Vec<Segment<'data>> =
            segments.iter().enumerate().map(|(number, evidence)| Segment::read(evidence, number == last, &mut log, &mut seen)).collect();
        if log.has_overrides() {
            for (number, segment) in segments.iter_mut().enumerate() {
                segment.count_overridden(number, &log);
            }
        }
        let Witness { mut names, votes, mut outside } = seen.witness;
        let of_log = votes.elect(&options.prefixes);
        let prefixes = member.database.map_or(of_log.clone(), |database| database.prefixes().and(&of_log));
        outside.drop_told(&prefixes);
        names.give(options.names.0.iter().cloned());
        let applied = member.database.and_then(|database| database.profile().facts.database()?.schema.consistent_index);
        let (mut revisions, mut fits) = (Revisions::default(), true);
        if let Some(database) = member.database {
            names.merge(database.names().clone());
            (revisions, fits) = seen.proposed.match_with(database, applied.unwrap_or(0));
        }
        let committed = [log.commit(), applied, member.snapshot_index].into_iter().flatten().max();
        let (fates, names, prefixes) = (Fates { log, committed, applied }, Arc::new(names), Arc::new(prefixes));
        let strange_keys = member.database.filter(|_| !fits).and_then(|database| strange::missing_keys(&segments, &fates, database));
        let of_segment = |(number, segment): (usize, Segment<'data>)| {
            let (writes, behind) = Write::all(number, &segment, &fates, &revisions);
            let (ahead, ahead_writes) = behind.as_ref().map_or((None, None), |behind| (Some(behind.entries), behind.writes));
            let unapplied = behind.map(|behind| behind.unapplied);
            let Segment { evidence, mut facts, anomalies, .. } = segment;
            let content = evidence.content();
            let within = outside.count(|part| range::offset_within(content, part));
            facts.outside = PassedOver::together(&image::held_beside(content, Write::told(&writes, content)), &within);
            if let Content::Log(log) = &mut facts.content {
                log.ahead = ahead;
                log.ahead_writes = ahead_writes;
                log.strange_keys = strange_keys;
            }
            Self { profile: Profile::new(evidence, facts, anomalies, Arc::clone(&names), Arc::clone(&prefixes)), writes, unapplied }
        };
        segments.into_iter().enumerate().map(of_segment).collect()
    }
}

impl<'data> Store<'data> for SegmentStore<'data> {
    fn profile(&self) -> &Profile<'data> {
        &self.profile
    }

    fn profile_mut(&mut self) -> &mut Profile<'data> {
        &mut self.profile
    }

    fn unapplied(&self) -> Option<&Unapplied> {
        self.unapplied.as_ref()
    }

    fn tasks(&self) -> Vec<Task> {
        Task::over(0, self.writes.len(), writes::TASK).collect()
    }

    fn read(&self, task: &Task, see: &mut dyn FnMut(Found<'data>)) {
        self.writes.get(task.items.clone()).unwrap_or_default().iter().for_each(|write| see(write.found()));
    }
}
