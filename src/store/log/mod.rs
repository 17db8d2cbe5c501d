//! A write-ahead log as a store: as of a database, a first pass that settles what a row needs to know of all the others, and a
//! second one that reads the writes.
//!
//! ```text
//! first pass    every record of every segment            ──> a store for each segment
//!               what is committed, what was overridden, names, which value of the tree is which write
//! second pass   the writes of one segment after the other
//! ```
//! An entry is a proposal. A Kubernetes write is a transaction whose comparison may have failed, so a value in the log may
//! never have been in the database; it is in the file all the same.

mod revisions;
mod writes;

use std::sync::Arc;

use self::revisions::{Proposed, Revisions};
use self::writes::Write;
use super::facts::{Content, CredentialCounts, Facts, Kind, LogFacts};
use super::{DatabaseStore, Profile, ReadOptions, Store, Task, is_complete};
use crate::envelope::{NameTable, Stored};
use crate::etcd::raft::{Credential, CutEntry, Entry, EntryKind, Operation, Put, Request};
use crate::etcd::wal::{self, Chain, Records, SegmentName};
use crate::evidence::Evidence;
use crate::evidence::anomaly::{Anomalies, Class};
use crate::kubernetes::{Encoding, Object, PrefixVotes, Prefixes};
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
    profile: Profile,
    content: &'data [u8],
    writes: Vec<Write<'data>>,
    log: Arc<LogContext<'data>>,
}

/// What the segments of a log have in common.
#[derive(Debug)]
struct LogContext<'data> {
    names: NameTable<'data>,
    prefixes: Prefixes,
}

/// What decides about the entries of a log.
struct Fates {
    log: wal::Log,
    committed: Option<u64>,
    applied: Option<u64>,
}

/// A segment whose records were read once.
struct Segment<'data> {
    profile: Profile,
    bytes: &'data [u8],
    chain: Chain,
    is_last: bool,
}

/// What the writes of a log showed.
#[derive(Default)]
struct Seen<'data> {
    names: NameTable<'data>,
    votes: PrefixVotes<'data>,
    proposed: Proposed,
}

/// Whether bytes, or else the name they were given under, are those of a segment.
pub fn is_segment(evidence: &Evidence) -> bool {
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
        let prefixes = match (options.prefixes.as_slice(), member.database) {
            ([], Some(database)) => database.prefixes().clone(),
            ([], None) => seen.votes.elect(),
            (given, _) => Prefixes::given(given),
        };
        let mut names = seen.names;
        names.give(options.names.iter().cloned());
        let applied = member.database.and_then(|database| database.profile().facts.database()?.schema.consistent_index);
        let mut revisions = Revisions::default();
        if let Some(database) = member.database {
            names.merge(database.names().clone());
            revisions = seen.proposed.match_with(database, applied.unwrap_or(0));
        }
        let committed = [log.commit(), applied, member.snapshot_index].into_iter().flatten().max();
        let (fates, log) = (Fates { log, committed, applied }, Arc::new(LogContext { names, prefixes }));
        let of_segment = |(number, mut segment): (usize, Segment<'data>)| {
            segment.profile.facts.prefixes = log.prefixes.as_slice().to_vec();
            let writes = Write::all(number, &segment, &fates, &revisions);
            Self { profile: segment.profile, content: segment.bytes, writes, log: Arc::clone(&log) }
        };
        segments.into_iter().enumerate().map(of_segment).collect()
    }
}

impl<'data> Store<'data> for SegmentStore<'data> {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn profile_mut(&mut self) -> &mut Profile {
        &mut self.profile
    }

    fn content(&self) -> &'data [u8] {
        self.content
    }

    fn names(&self) -> &NameTable<'data> {
        &self.log.names
    }

    fn prefixes(&self) -> &Prefixes {
        &self.log.prefixes
    }

    fn tasks(&self) -> Vec<Task> {
        Task::over(0, self.writes.len(), writes::TASK).collect()
    }

    fn read(&self, task: &Task, see: &mut dyn FnMut(Found<'data>)) {
        self.writes.get(task.items.clone()).unwrap_or_default().iter().for_each(|write| see(write.found()));
    }
}

impl<'data> Segment<'data> {
    fn read(evidence: &'data Evidence, is_last: bool, log: &mut wal::Log, seen: &mut Seen<'data>) -> Self {
        let bytes = evidence.content();
        let mut anomalies = Anomalies::default();
        evidence.note_anomalies(&mut anomalies);
        if bytes.is_empty() {
            anomalies.note(Class::FileTruncated, None, None, || "a segment of no bytes; every segment begins with its CRC".to_owned());
        }
        let mut facts = Facts::of(evidence, Kind::Wal, Content::Log(Box::default()));
        let mut counts = LogFacts::default();
        let chain = log.begin(name_of(evidence), &mut anomalies);
        let mut records = Records::new(bytes, chain, is_last);
        for record in records.by_ref() {
            match log.observe(&record, &mut anomalies) {
                Some(wal::Content::Entry(entry)) => {
                    counts.add_entry(&entry);
                    let newest = visit(&entry, record.offset, &mut counts, seen, &mut anomalies);
                    facts.newest_object_time = facts.newest_object_time.max(newest);
                }
                Some(wal::Content::State(state)) => {
                    counts.term = counts.term.max(Some(state.term));
                    counts.commit = Some(state.commit);
                }
                Some(wal::Content::Metadata(member)) => counts.member = Some((member.node_id, member.cluster_id)),
                Some(wal::Content::Crc | wal::Content::Snapshot(_)) | None => {}
            }
        }
        let read = records.finish();
        log.end(read.chain);
        (counts.records, counts.end) = (read.records, read.end);
        anomalies.merge(read.anomalies);
        facts.is_complete = is_complete(&anomalies);
        facts.content = Content::Log(Box::new(counts));
        Self { profile: Profile { facts, anomalies }, bytes, chain, is_last }
    }

    fn count_overridden(&mut self, number: usize, log: &wal::Log) {
        let overridden = self.entries().filter(|(offset, entry)| log.is_overridden(number, *offset, entry.index)).count() as u64;
        if let Content::Log(facts) = &mut self.profile.facts.content {
            facts.overridden = overridden;
        }
    }

    /// Its entries, each with the place of its record.
    fn entries(&self) -> impl Iterator<Item = (u64, Entry<'data>)> + use<'data> {
        Records::new(self.bytes, self.chain, self.is_last).filter_map(|record| match record.content() {
            Ok(wal::Content::Entry(entry)) if !record.is_torn => Some((record.offset, entry)),
            _ => None,
        })
    }

    /// What is there of an entry whose write was interrupted, with the place of its record.
    fn cut_entry(&self) -> Option<(u64, CutEntry<'data>)> {
        let torn = Records::new(self.bytes, self.chain, self.is_last).find(|record| record.is_torn)?;
        (torn.kind == wal::Kind::Entry).then(|| CutEntry::parse(torn.data)).flatten().map(|entry| (torn.offset, entry))
    }
}

/// Takes note of what an entry proposes. Returns the newest time in an object that it writes.
fn visit<'data>(
    entry: &Entry<'data>,
    offset: u64,
    counts: &mut LogFacts,
    seen: &mut Seen<'data>,
    anomalies: &mut Anomalies,
) -> Option<i64> {
    match entry.kind {
        EntryKind::Normal if entry.data.is_empty() => return None,
        EntryKind::Normal => {}
        EntryKind::ConfChange | EntryKind::ConfChangeV2 => {
            counts.conf_changes = counts.conf_changes.saturating_add(1);
            return None;
        }
    }
    let request = match Request::parse(entry.data) {
        Ok(request) => request,
        Err(reason) => {
            anomalies.note(Class::WalRequestInvalid, Some(offset), None, || format!("entry {}: {reason}", entry.index));
            return None;
        }
    };
    let count = counts.requests.entry(request.kind).or_default();
    *count = count.saturating_add(1);
    if let Some(credential) = &request.credential {
        counts.add_credential(credential);
    }
    let mut newest = None;
    for operation in request.operations().filter_map(Result::ok) {
        match operation {
            Operation::DeleteRange { .. } => counts.deletions = counts.deletions.saturating_add(1),
            Operation::Put(put, _) if put.ignores_value => {}
            Operation::Put(put, _) => {
                counts.puts = counts.puts.saturating_add(1);
                newest = newest.max(seen.put(&put, entry.index));
            }
        }
    }
    newest
}

impl<'data> Seen<'data> {
    fn put(&mut self, put: &Put<'data>, index: u64) -> Option<i64> {
        self.votes.observe(put.key);
        self.proposed.observe(put, index);
        match Stored::of(put.value) {
            Stored::Sealed(sealed) => {
                self.names.observe(&sealed);
                None
            }
            Stored::Plain(value) => match Encoding::of(value)? {
                encoding @ (Encoding::Protobuf | Encoding::Json | Encoding::Cbor) => Object::newest_time_in(value, encoding),
                Encoding::Yaml | Encoding::Other => None,
            },
            Stored::Empty => None,
        }
    }
}

impl LogFacts {
    fn add_entry(&mut self, entry: &Entry<'_>) {
        self.entries = self.entries.saturating_add(1);
        self.term = self.term.max(Some(entry.term));
        let first = self.indices.map_or(entry.index, |(first, _)| first.min(entry.index));
        self.indices = Some((first, entry.index));
    }

    fn add_credential(&mut self, credential: &Credential<'_>) {
        let user = String::from_utf8_lossy(credential.user).into_owned();
        self.credentials.entry(user).or_default().add(CredentialCounts {
            passwords: u64::from(credential.has_password),
            tokens: u64::from(credential.has_token),
            hashes: u64::from(credential.has_hash),
        });
    }
}

impl Fates {
    /// Whether the cluster agreed on an entry, and whether the database beside the log has it; `None`: not known.
    fn of(&self, segment: usize, offset: u64, index: u64) -> (Option<bool>, Option<bool>) {
        if !self.log.is_in_order() {
            return (None, None);
        }
        if self.log.is_overridden(segment, offset, index) {
            return (Some(false), Some(false));
        }
        let reaches = |bound: Option<u64>| bound.filter(|bound| index <= *bound).map(|_| true);
        (reaches(self.committed), reaches(self.applied))
    }
}

fn name_of(evidence: &Evidence) -> Option<SegmentName> {
    evidence.path().file_name()?.to_str().and_then(SegmentName::parse)
}
