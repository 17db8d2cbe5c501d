//! From the facts of one evidence to findings and conditions.

use super::row::{Protection, Retention};
use super::{CredentialCounts, Facts, Role, Tally};
use crate::etcd::trailer::Trailer;
use crate::evidence::anomaly::{Anomalies, Bearing};
use crate::finding::{Condition, FailOn, Finding, Found, Outcome, Rule};

/// What a scan of one evidence found, judged.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// What is to be said.
    pub findings: Vec<Finding>,
    /// Plaintext Secrets.
    pub found: Found,
    unknown: u64,
    altered: bool,
    damaged: bool,
    incomplete: bool,
    divergent: bool,
}

impl Judgement {
    /// Judges one evidence.
    pub fn of(facts: &Facts, tally: &Tally<'_>, anomalies: &Anomalies) -> Self {
        let count = |held: fn(&super::Exposure<'_>) -> bool| tally.exposed.values().filter(|e| held(e)).count() as u64;
        let bearing = |bearing| {
            anomalies.counts().iter().filter(|(class, _)| class.bearing() == bearing).map(|(_, n)| *n).fold(0, u64::saturating_add)
        };
        let current = count(|e| e.current);
        let retained = count(|e| !e.current && (e.superseded || e.deleted));
        let elsewhere = count(|e| !e.current && !e.superseded && !e.deleted).saturating_add(tally.unnamed_secrets.count);
        let found = match facts.role {
            // What a database that is not the member's calls current is not.
            Role::Leftover => Found { residue: current.saturating_add(retained).saturating_add(elsewhere), ..Found::default() },
            Role::File | Role::Member => Found { current, retained, residue: elsewhere },
        };
        let log = facts.log();
        let credentials =
            |of: fn(&CredentialCounts) -> u64| log.map_or(0, |log| log.credentials.values().filter(|c| of(c) > 0).count() as u64);
        let unknown = Retention::ALL.map(|retention| tally.unknown_secrets(retention)).into_iter().fold(0, u64::saturating_add);
        let database = facts.database();
        let unfinished = database.is_some_and(|d| d.schema.scheduled_compact_revision > d.schema.finished_compact_revision);
        let no_trailer = database.is_some_and(|d| d.trailer == Some(Trailer::Absent));
        let counts = [
            (Rule::PlaintextCurrent, current),
            (Rule::PlaintextSuperseded, count(|e| e.superseded)),
            (Rule::PlaintextDeleted, count(|e| e.deleted)),
            (Rule::PlaintextResidue, count(|e| e.residue)),
            (Rule::PlaintextFragments, tally.unnamed_secrets.count),
            (Rule::PlaintextLog, count(|e| e.log)),
            (Rule::EtcdPasswordsLog, credentials(|c| c.passwords)),
            (Rule::EtcdTokensLog, credentials(|c| c.tokens)),
            (Rule::EtcdPasswordHashes, database.map_or(0, |d| d.schema.password_hashes)),
            (Rule::V2Values, facts.raft_snapshot().and_then(|s| s.v2_values).unwrap_or(0)),
            (Rule::KeysBesideData, tally.key_material.len() as u64),
            (Rule::UnknownStorage, unknown),
            (Rule::FileAltered, bearing(Bearing::Altered)),
            (Rule::FileDamaged, bearing(Bearing::Damaged)),
            (Rule::FileIncomplete, bearing(Bearing::Incomplete)),
            (Rule::FileDivergent, bearing(Bearing::Divergent)),
            (Rule::NoTrailer, u64::from(no_trailer)),
            (Rule::CompactionUnfinished, u64::from(unfinished)),
            (Rule::AlarmRaised, database.map_or(0, |d| d.schema.alarms.len() as u64)),
        ];
        Self {
            findings: counts.into_iter().filter(|(_, count)| *count > 0).map(|(rule, count)| Finding { rule, count }).collect(),
            found,
            unknown,
            altered: anomalies.any(Bearing::Altered),
            damaged: anomalies.any(Bearing::Damaged),
            incomplete: anomalies.any(Bearing::Incomplete),
            divergent: anomalies.any(Bearing::Divergent),
        }
    }

    /// Adds what held to a scan's outcome.
    pub fn add_to(&self, outcome: &mut Outcome, fail_on: FailOn) {
        if self.found.reaches(fail_on) {
            outcome.found(Condition::PlaintextFound);
        }
        self.trust(|condition| outcome.open(condition));
        if self.unknown > 0 {
            outcome.open(Condition::UnknownStorage);
        }
    }

    /// Shows what holds of the file as a whole, whatever is stored in it.
    pub fn trust(&self, mut show: impl FnMut(Condition)) {
        let held = [
            (self.altered, Condition::Altered),
            (self.damaged, Condition::Damaged),
            (self.incomplete, Condition::Incomplete),
            (self.divergent, Condition::Divergent),
        ];
        held.into_iter().filter(|(held, _)| *held).for_each(|(_, condition)| show(condition));
    }
}

impl Tally<'_> {
    fn unknown_secrets(&self, retention: Retention) -> u64 {
        self.secret_values.get(&(retention, Protection::Unknown)).copied().unwrap_or(0)
    }
}
