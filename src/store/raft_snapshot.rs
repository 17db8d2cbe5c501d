//! A raft snapshot as evidence: the membership, and what the v2 API stored. Its values are counted, not shown.

use super::facts::{Content, Facts, Kind, RaftSnapshotFacts};
use super::{Profile, Store, Task};
use crate::envelope::NameTable;
use crate::etcd::raft::{Snapshot, SnapshotName};
use crate::evidence::Evidence;
use crate::evidence::anomaly::{Anomalies, Class};
use crate::kubernetes::Prefixes;
use crate::row::Found;

/// Whether bytes, or else the name they were given under, are those of a raft snapshot.
pub(super) fn is_raft_snapshot(evidence: &Evidence) -> bool {
    name_of(evidence).is_some() || Snapshot::parse(evidence.content()).is_ok_and(|snapshot| snapshot.crc_matches)
}

/// A raft snapshot after the first pass. Its values are counted; none of them is a row.
#[derive(Debug)]
pub struct RaftSnapshotStore<'data> {
    profile: Profile<'data>,
}

impl<'data> RaftSnapshotStore<'data> {
    /// Reads a raft snapshot.
    pub fn read(evidence: &'data Evidence) -> Self {
        let mut anomalies = Anomalies::default();
        evidence.note_anomalies(&mut anomalies);
        let facts = match Snapshot::parse(evidence.content()) {
            Ok(snapshot) => judge(&snapshot, name_of(evidence), &mut anomalies),
            Err(damage) => {
                let size = evidence.content().len();
                anomalies.note(Class::RaftSnapshotInvalid, None, None, || format!("{size} bytes that are no raft snapshot: {damage}"));
                RaftSnapshotFacts::default()
            }
        };
        let facts = Facts::of(evidence, Kind::RaftSnapshot, Content::RaftSnapshot(facts));
        Self { profile: Profile::new(evidence, facts, anomalies, NameTable::default(), Prefixes::default()) }
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
        Vec::new()
    }

    fn read(&self, _task: &Task, _see: &mut dyn FnMut(Found<'data>)) {}
}

fn judge(snapshot: &Snapshot<'_>, name: Option<SnapshotName>, anomalies: &mut Anomalies) -> RaftSnapshotFacts {
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
    let v2_values = snapshot.v2_values();
    if v2_values.is_none() {
        anomalies.note(Class::RaftSnapshotInvalid, None, None, || "its v2 store cannot be read".to_owned());
    }
    let (index, term) = (Some(snapshot.index), Some(snapshot.term));
    RaftSnapshotFacts { index, term, crc_matches: Some(snapshot.crc_matches), v2_values }
}

fn name_of(evidence: &Evidence) -> Option<SnapshotName> {
    evidence.path().file_name()?.to_str().and_then(SnapshotName::parse)
}
