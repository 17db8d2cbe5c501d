//! A raft snapshot as evidence: the membership, and what the v2 API stored. Its values are counted, not shown.

use super::facts::{Content, Facts, Kind, RaftSnapshotFacts};
use super::options::Options;
use super::survey::is_complete;
use super::{Progress, digests};
use crate::etcd::raft::{Snapshot, SnapshotName};
use crate::evidence::Evidence;
use crate::evidence::anomaly::{Anomalies, Class};

/// Whether bytes, or else the name they were given under, are those of a raft snapshot.
pub fn is_raft_snapshot(evidence: &Evidence) -> bool {
    name_of(evidence).is_some() || Snapshot::parse(evidence.content()).is_ok_and(|snapshot| snapshot.crc_matches)
}

/// Reads a raft snapshot.
pub fn read_raft_snapshot(evidence: &Evidence, options: &Options, progress: &Progress) -> (Facts, Anomalies) {
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
    let mut facts = Facts::of(evidence, Kind::RaftSnapshot, Content::RaftSnapshot(facts));
    facts.is_complete = is_complete(&anomalies);
    facts.add_digests(digests::of(evidence, options.digest, progress));
    (facts, anomalies)
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
