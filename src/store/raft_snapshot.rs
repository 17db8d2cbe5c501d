//! A raft snapshot as evidence: the membership, and what the v2 API stored.
//!
//! Values stand in it as strings of JSON. They are decoded once, into a buffer that the evidence keeps, and have the offset and the
//! length of what stands in the file.

use std::collections::BTreeMap;

use foldhash::fast::FixedState;
use hashbrown::HashSet;

use super::facts::{Content, Facts, Kind, RaftSnapshotFacts};
use super::image;
use super::witness::Witness;
use super::{Profile, ReadOptions, Store, Task};
use crate::envelope::Stored;
use crate::etcd::raft::{Snapshot, SnapshotName, V2Value};
use crate::evidence::anomaly::{Anomalies, Class};
use crate::evidence::{Evidence, range};
use crate::kubernetes::Object;
use crate::row::{Api, Escaped, Found, FoundContent, Place, Retention, Written};

/// Values that one task reads.
const TASK: usize = 256;

/// Whether bytes are those of a raft snapshot, perhaps of one that is cut.
pub(super) fn begins_raft_snapshot(bytes: &[u8]) -> bool {
    Snapshot::parse(bytes).is_ok_and(|snapshot| snapshot.crc_matches) || Snapshot::is_cut(bytes)
}

/// Whether bytes, or else the name they were given under, are those of a raft snapshot.
pub(super) fn is_raft_snapshot(evidence: &Evidence) -> bool {
    name_of(evidence).is_some() || Snapshot::parse(evidence.content()).is_ok_and(|snapshot| snapshot.crc_matches)
}

/// A raft snapshot after the first pass.
#[derive(Debug)]
pub struct RaftSnapshotStore<'data> {
    profile: Profile<'data>,
    finds: Vec<Find<'data>>,
}

/// A value of the v2 API.
#[derive(Debug)]
struct Find<'data> {
    key: &'data [u8],
    value: FoundContent<'data>,
    escaped: Escaped,
    is_duplicate: bool,
}

impl<'data> RaftSnapshotStore<'data> {
    /// Reads a raft snapshot.
    pub fn read(evidence: &'data Evidence, options: &ReadOptions) -> Self {
        let mut anomalies = Anomalies::default();
        evidence.note_anomalies(&mut anomalies);
        let (mut facts, finds) = match Snapshot::parse(evidence.content()) {
            Ok(snapshot) => {
                let values = snapshot.v2_values();
                let finds = find(evidence, values.as_deref().unwrap_or_default());
                let count = values.map(|_| finds.iter().filter(|find| !find.is_duplicate).count() as u64);
                (judge(&snapshot, count, name_of(evidence), &mut anomalies), finds)
            }
            Err(_) if Snapshot::is_cut(evidence.content()) => {
                let size = evidence.content().len();
                anomalies.note(Class::FileTruncated, Some(size as u64), None, || {
                    format!("the raft snapshot ends within its data, at {size} bytes")
                });
                (RaftSnapshotFacts::default(), Vec::new())
            }
            Err(damage) => {
                let size = evidence.content().len();
                anomalies.note(Class::RaftSnapshotInvalid, None, None, || format!("{size} bytes that are no raft snapshot: {damage}"));
                (RaftSnapshotFacts::default(), Vec::new())
            }
        };
        let (mut witness, mut newest_object_time) = (Witness::default(), None);
        for find in &finds {
            if let Stored::Plain(value) = witness.hear(find.key, find.value.bytes()) {
                facts.v2_in_clear = facts.v2_in_clear.saturating_add(u64::from(!find.is_duplicate));
                newest_object_time = newest_object_time.max(Object::newest_time_of(value));
            }
        }
        let read = finds.iter().map(|find| find.escaped.offset..find.escaped.offset.saturating_add(find.escaped.length)).collect();
        let outside = image::held_in(evidence.content(), 0, read, Some(0));
        let facts = Facts { newest_object_time, outside, ..Facts::of(evidence, Kind::RaftSnapshot, Content::RaftSnapshot(facts)) };
        // Of what begins in a decoded value the place is that of the value's text.
        let starts: BTreeMap<_, _> = finds.iter().map(|find| (find.value.bytes().as_ptr().addr(), find)).collect();
        let place = |part: &[u8]| starts.range(..=part.as_ptr().addr()).next_back().and_then(|(_, find)| find.place_of(part));
        Self { profile: Profile::of_witness(evidence, facts, anomalies, witness, options, place), finds }
    }
}

impl<'data> Store<'data> for RaftSnapshotStore<'data> {
    fn profile(&self) -> &Profile<'data> {
        &self.profile
    }

    fn profile_mut(&mut self) -> &mut Profile<'data> {
        &mut self.profile
    }

    fn tasks(&self) -> Vec<Task> {
        Task::over(0, self.finds.len(), TASK).collect()
    }

    fn read(&self, task: &Task, see: &mut dyn FnMut(Found<'data>)) {
        self.finds.get(task.items.clone()).unwrap_or_default().iter().for_each(|find| see(find.found()));
    }
}

impl<'data> Find<'data> {
    fn place_of(&self, part: &[u8]) -> Option<u64> {
        range::offset_within(self.value.bytes(), part).map(|at| self.escaped.offset.saturating_add(at))
    }

    fn found(&self) -> Found<'data> {
        Found {
            place: Place::RaftSnapshot,
            retention: Retention::Log,
            pgid: None,
            key: self.key,
            written: Written::default(),
            content: self.value,
            is_duplicate: self.is_duplicate,
            is_newer_than_snapshot: false,
            log: None,
            api: Api::V2,
            escaped: Some(self.escaped),
        }
    }
}

/// Decodes the values. Of those of one key with the same bytes, that which the key has is the original, and the others are copies.
fn find<'data>(evidence: &'data Evidence, values: &[V2Value<'data>]) -> Vec<Find<'data>> {
    let mut ranges = Vec::with_capacity(values.len());
    let buffer = evidence.decoded(|| {
        let mut buffer = Vec::new();
        for value in values {
            let Some(bytes) = value.value() else { continue };
            let start = buffer.len();
            buffer.extend_from_slice(&value.key);
            let middle = buffer.len();
            buffer.extend_from_slice(&bytes);
            ranges.push((start..middle, middle..buffer.len(), value));
        }
        buffer
    });
    let mut finds = Vec::with_capacity(ranges.len());
    for (key, value, v2) in ranges {
        let (Some(key), Some(bytes)) = (buffer.get(key), buffer.get(value)) else { continue };
        let Some(offset) = range::offset_within(evidence.content(), v2.escaped.as_bytes()) else { continue };
        let escaped = Escaped { offset, length: v2.escaped.len() as u64 };
        finds.push((v2.is_current, Find { key, value: FoundContent::Value(bytes), escaped, is_duplicate: false }));
    }
    let mut known: HashSet<(&[u8], &[u8]), FixedState> = HashSet::default();
    for of_current in [true, false] {
        for (_, find) in finds.iter_mut().filter(|(is_current, _)| *is_current == of_current) {
            find.is_duplicate = !known.insert((find.key, find.value.bytes()));
        }
    }
    finds.into_iter().map(|(_, find)| find).collect()
}

fn judge(snapshot: &Snapshot<'_>, v2_values: Option<u64>, name: Option<SnapshotName>, anomalies: &mut Anomalies) -> RaftSnapshotFacts {
    if !snapshot.crc_matches {
        anomalies.note(Class::RaftSnapshotCrcMismatch, Some(0), None, || "its CRC is not that of its bytes".to_owned());
    }
    if let Some(name) = name.filter(|name| (name.term, name.index) != (snapshot.term, snapshot.index)) {
        anomalies.note(Class::RaftSnapshotInvalid, None, None, || {
            format!(
                "named for entry {} of term {}, but it is one of entry {}, term {}",
                name.index, name.term, snapshot.index, snapshot.term
            )
        });
    }
    if v2_values.is_none() {
        anomalies.note(Class::RaftSnapshotInvalid, None, None, || "its v2 store cannot be read".to_owned());
    }
    let (index, term) = (Some(snapshot.index), Some(snapshot.term));
    RaftSnapshotFacts { index, term, crc_matches: Some(snapshot.crc_matches), members: snapshot.members(), v2_values, v2_in_clear: 0 }
}

fn name_of(evidence: &Evidence) -> Option<SnapshotName> {
    evidence.path().file_name()?.to_str().and_then(SnapshotName::parse)
}
