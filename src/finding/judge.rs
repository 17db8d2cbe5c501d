//! From the facts of one evidence to findings and conditions.

use std::collections::BTreeSet;

use super::{About, Condition, FailOn, Finding, Found, Outcome, Rule};
use crate::collect::{Exposure, FirstPlace, Tally};
use crate::evidence::anomaly::{Anomalies, Bearing};
use crate::evidence::count::{Count, Matches, Values};
use crate::row::{Form, Retention};
use crate::store::{CredentialCounts, Facts, Kind, Role, Trailer};

/// What one evidence, or a member as a whole, showed, judged.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// What is to be said.
    pub findings: Vec<Finding>,
    /// Plaintext Secrets.
    pub found: Found,
    /// Values of Secrets in a form that is not known.
    unknown: Count<Values>,
    /// What anomalies say of the file as a whole.
    bearings: BTreeSet<Bearing>,
}

impl Judgement {
    /// Judges one evidence.
    pub fn of(facts: &Facts, tally: &Tally<'_>, anomalies: &Anomalies) -> Self {
        let mut judge = Judge { facts, tally, anomalies, findings: Vec::new() };
        judge.plaintext();
        judge.keys_and_credentials();
        judge.file();
        Self {
            findings: judge.findings,
            found: found(facts.role, tally),
            unknown: unknown(tally),
            bearings: anomalies.counts().keys().map(|class| class.bearing()).collect(),
        }
    }

    /// Whether something of this kind holds of the file as a whole.
    pub fn has(&self, bearing: Bearing) -> bool {
        self.bearings.contains(&bearing)
    }

    /// Adds what held to the outcome of a search for plaintext.
    pub fn add_to(&self, outcome: &mut Outcome, fail_on: FailOn) {
        if self.found.reaches(fail_on) {
            outcome.found(Condition::PlaintextFound);
        }
        self.trust(|condition| outcome.open(condition));
        if self.unknown > 0 {
            outcome.open(Condition::UnknownStorage);
        }
    }

    /// Adds that another database contradicts this one.
    pub fn add_divergence(&mut self, place: About) {
        self.bearings.insert(Bearing::Divergent);
        match self.findings.iter_mut().find(|finding| finding.rule == Rule::FileDivergent) {
            Some(known) => known.add(place),
            None => {
                let at = self.findings.partition_point(|finding| finding.rule < Rule::FileDivergent);
                self.findings.insert(at, Finding::of(Rule::FileDivergent, [place]));
            }
        }
    }

    /// Shows what holds of the file as a whole, whatever is stored in it.
    pub fn trust(&self, show: impl FnMut(Condition)) {
        let conditions = self.bearings.iter().filter_map(|bearing| match bearing {
            Bearing::Altered => Some(Condition::Altered),
            Bearing::Damaged => Some(Condition::Damaged),
            Bearing::Incomplete => Some(Condition::Incomplete),
            Bearing::Undecoded => Some(Condition::ValueUndecoded),
            Bearing::Divergent => Some(Condition::Divergent),
            Bearing::Note => None,
        });
        conditions.for_each(show);
    }

    /// The same where the question is whether the file is as it was written: what says that it is not is an answer.
    pub fn add_integrity_to(&self, outcome: &mut Outcome) {
        self.trust(|condition| match condition {
            Condition::Altered | Condition::Damaged | Condition::Divergent => outcome.found(condition),
            other => outcome.open(other),
        });
    }
}

/// Values of Secrets in a form that is not known.
fn unknown(tally: &Tally<'_>) -> Count<Values> {
    Retention::ALL.into_iter().map(|retention| tally.secrets_of_form(retention, Form::Unknown)).sum()
}

/// Plaintext Secrets by the threshold that counts them. What a database that is not the member's calls current is not.
fn found(role: Role, tally: &Tally<'_>) -> Found {
    let mut found = Found { fragments: tally.unnamed_secrets.count, ..Found::default() };
    for exposure in tally.exposed.values() {
        match (role, exposure.first_place()) {
            (Role::File | Role::Member, FirstPlace::Current) => found.current.add_one(),
            (Role::File | Role::Member, FirstPlace::Newest | FirstPlace::Retained) => found.retained.add_one(),
            _ => found.residue.add_one(),
        }
    }
    found
}

/// Meets every rule in turn.
struct Judge<'a, 'data> {
    facts: &'a Facts,
    tally: &'a Tally<'data>,
    anomalies: &'a Anomalies,
    findings: Vec<Finding>,
}

impl Judge<'_, '_> {
    fn plaintext(&mut self) {
        let pieces = self.tally.unnamed_secrets.count.one_each();
        if self.facts.role == Role::Leftover {
            let objects = self.tally.exposed.keys().map(|key| About::Object(String::from_utf8_lossy(key).into_owned()));
            let mut finding = Finding::of(Rule::PlaintextLeftBehind, objects);
            finding.count.add(pieces);
            return self.add(finding);
        }
        if self.facts.kind == Kind::Image {
            let objects = self.tally.exposed.keys().map(|key| About::Object(String::from_utf8_lossy(key).into_owned()));
            let mut finding = Finding::of(Rule::PlaintextCarved, objects);
            finding.count.add(pieces);
            return self.add(finding);
        }
        self.secrets(Rule::PlaintextCurrent, FirstPlace::Current, |exposure| exposure.current);
        self.secrets(Rule::PlaintextNewest, FirstPlace::Newest, |exposure| exposure.newest);
        self.secrets(Rule::PlaintextSuperseded, FirstPlace::Retained, |exposure| exposure.superseded);
        // Of a Secret that was deleted and made again, the revisions since then are the newer place.
        let nowhere_newer = |exposure: &Exposure<'_>| exposure.first_place() == FirstPlace::Retained && !exposure.superseded;
        self.secrets_in(Rule::PlaintextDeleted, nowhere_newer, |exposure| exposure.deleted);
        self.secrets(Rule::PlaintextResidue, FirstPlace::Residue, |exposure| exposure.residue);
        self.count(Rule::PlaintextFragments, pieces);
        let only_in_log = |exposure: &Exposure<'_>| exposure.first_place() >= FirstPlace::Ahead;
        self.secrets_in(Rule::PlaintextLog, only_in_log, |exposure| exposure.is_logged());
    }

    fn keys_and_credentials(&mut self) {
        self.users(Rule::EtcdPasswordsLog, |counts| counts.passwords);
        self.users(Rule::EtcdTokensLog, |counts| counts.tokens);
        let hashes = self.facts.database().map_or(0, |database| database.schema.password_hashes);
        self.count(Rule::EtcdPasswordHashes, Count::new(hashes));
        let in_clear = self.facts.raft_snapshot().map_or(0, |snapshot| snapshot.v2_in_clear);
        self.count(Rule::V2Values, Count::new(in_clear));
        let objects = self.tally.key_material.keys().map(|(_, key)| About::Object(String::from_utf8_lossy(key).into_owned()));
        let finding = Finding::of(Rule::KeysBesideData, objects);
        self.add(finding);
        self.count(Rule::UnknownStorage, unknown(self.tally).one_each());
    }

    fn file(&mut self) {
        for (rule, bearing) in [
            (Rule::FileAltered, Bearing::Altered),
            (Rule::FileDamaged, Bearing::Damaged),
            (Rule::FileIncomplete, Bearing::Incomplete),
            (Rule::ValuesUndecoded, Bearing::Undecoded),
            (Rule::FileDivergent, Bearing::Divergent),
        ] {
            let counts =
                self.anomalies.counts().iter().filter(|(class, _)| class.bearing() == bearing).map(|(_, count)| Count::new(*count));
            let places = self.anomalies.listed().iter().filter(|anomaly| anomaly.class.bearing() == bearing);
            let about = places.map(|anomaly| About::Place { offset: anomaly.offset, pgid: anomaly.pgid });
            let finding = Finding { count: counts.sum(), ..Finding::of(rule, about) };
            self.add(finding);
        }
        let Some(database) = self.facts.database() else { return };
        let schema = &database.schema;
        self.met(Rule::NoTrailer, database.trailer == Some(Trailer::Absent));
        self.met(Rule::CompactionUnfinished, schema.scheduled_compact_revision > schema.finished_compact_revision);
        self.count(Rule::AlarmRaised, Count::of_len(schema.alarms.len()));
    }

    /// Secrets that can be read in one place. Each is counted there, also where a newer place holds it too.
    fn secrets(&mut self, rule: Rule, place: FirstPlace, is_there: fn(&Exposure<'_>) -> bool) {
        self.secrets_in(rule, |exposure| exposure.first_place() == place, is_there);
    }

    fn secrets_in(&mut self, rule: Rule, is_nowhere_newer: impl Fn(&Exposure<'_>) -> bool, is_there: fn(&Exposure<'_>) -> bool) {
        let there = || self.tally.exposed.iter().filter(|(_, exposure)| is_there(exposure));
        let about = there().map(|(key, _)| About::Object(String::from_utf8_lossy(key).into_owned()));
        let nowhere_newer = Count::of_len(there().filter(|(_, exposure)| is_nowhere_newer(exposure)).count());
        let finding = Finding { nowhere_newer: Some(nowhere_newer), ..Finding::of(rule, about) };
        self.add(finding);
    }

    fn users(&mut self, rule: Rule, of: fn(&CredentialCounts) -> u64) {
        let credentials = self.facts.log().map(|log| &log.credentials);
        let users = credentials.into_iter().flatten().filter(|(_, counts)| of(counts) > 0);
        let finding = Finding::of(rule, users.map(|(user, _)| About::User(user.clone())));
        self.add(finding);
    }

    /// A rule that the file as a whole meets.
    fn met(&mut self, rule: Rule, is_met: bool) {
        self.count(rule, Count::new(u64::from(is_met)));
    }

    fn count(&mut self, rule: Rule, count: Count<Matches>) {
        self.add(Finding { count, ..Finding::of(rule, []) });
    }

    fn add(&mut self, finding: Finding) {
        if finding.count > 0 {
            self.findings.push(finding);
        }
    }
}
