//! Recovery: of every key its newest write, out of a file that is broken.

use std::thread;

use super::beside::databases_of;
use super::database_file::write_database;
use super::directory::Place;
use super::kind::FileRole;
use super::member::{OpenMember, ReadMember};
use super::run::Run;
use super::story::Newer;
use super::{InputError, RecoverQuestion, RunError};
use crate::collect::Collector;
use crate::evidence::anomaly::{Anomaly, Bearing};
use crate::recovery::Recovery;
use crate::report::{Recovered, RecoveryCounts, UnreadReason};
use crate::store::{DatabaseStore, Progress, Store, StoreKind};

impl Run<'_> {
    /// Brings back what can be read of a database, whole or broken: that of a directory, or the file that was given.
    ///
    /// # Errors
    /// There is no database to read, or an output cannot be written.
    pub(super) fn recover(&mut self, question: RecoverQuestion<'_>) -> Result<(), RunError> {
        let mut members = Vec::new();
        for given in self.survey() {
            members.extend(self.open(given)?);
        }
        let of_database = |member: &OpenMember| member.files.iter().any(|file| file.role == FileRole::Member(StoreKind::Database));
        let first = members.iter().position(of_database).unwrap_or(0);
        if first >= members.len() {
            let is_no_fault = self.report.unread.iter().any(|unread| unread.reason.is_no_fault());
            return Err(if is_no_fault { RunError::NotRead } else { RunError::NothingRead });
        }
        let member = members.remove(first);
        for other in members {
            self.not_read(Place { path: other.path, target: None }, UnreadReason::NotRecovered);
        }
        let (progress, host) = (Progress::default(), self.case.host);
        let (mut question, mut done) = (Some(question), Err(RunError::NothingRead));
        host.with_progress(&member.path, &progress, &mut || {
            if let Some(question) = question.take() {
                self.options.history = databases_of(std::slice::from_ref(&member)) > 1;
                done = thread::scope(|scope| {
                    let mut all = self.read(&member, scope, &progress)?.into_iter();
                    let read = all.next().ok_or(RunError::NothingRead)?;
                    for other in all.filter(|other| other.database().is_some()) {
                        self.not_read(Place { path: other.path, target: None }, UnreadReason::NotRecovered);
                    }
                    self.recover_of(read, question)
                });
            }
        });
        done
    }

    /// Brings back what can be read of a member's database.
    fn recover_of(&mut self, mut member: ReadMember<'_>, question: RecoverQuestion<'_>) -> Result<(), RunError> {
        let place = member.evidences.iter().position(|evidence| evidence.store.as_database().is_some());
        let Some(evidence) = place.and_then(|place| member.evidences.get_mut(place)) else {
            let why = "recover reads a database; scan and show list what stands in a log or a raft snapshot alone";
            return Err(InputError::NotForThis { path: member.path, why }.into());
        };
        // Whether it is sound is told as `check` tells it: its values are a part of it.
        let collected = Collector::new(&*evidence.store, &self.plan.scope).each(|_| {});
        let report = self.settle(evidence, collected);
        self.note_contradicted(&mut member);
        self.note_broken(&member);
        self.note_not_applied(&member);
        let evidence = place.and_then(|place| member.evidences.get(place));
        let database = evidence.and_then(|evidence| evidence.store.as_database()).ok_or(RunError::NothingRead)?;
        self.render.evidence(report.id, &report.facts)?;
        self.write_recovered(database, question)?;
        self.tell_end(report)
    }

    /// Databases that were left behind in the directory and contradict the one that is recovered: which is right is not known.
    fn note_contradicted(&mut self, member: &mut ReadMember<'_>) {
        let left = member.evidences.iter_mut().filter(|evidence| !evidence.is_own());
        for (id, database) in left.filter_map(|evidence| Some((evidence.id, evidence.store.as_database_mut()?))) {
            if self.clusters.compare(id, database).is_some_and(|compared| compared.iter().any(|other| !other.comparison.agrees())) {
                let facts = &database.profile().facts;
                let place = Place { path: facts.path.clone(), target: facts.link_target.clone() };
                self.not_read(place, UnreadReason::Contradicts);
            }
        }
    }

    /// What of the member's own log and raft snapshots is not as it was written: what stood there may be newer than the database.
    fn note_broken(&mut self, member: &ReadMember<'_>) {
        for profile in member.evidences.iter().filter(|evidence| evidence.is_own()).map(|evidence| evidence.store.profile()) {
            let is_broken = |anomaly: &&Anomaly| match anomaly.class.bearing() {
                Bearing::Altered | Bearing::Damaged | Bearing::Incomplete | Bearing::Undecoded => true,
                Bearing::Divergent | Bearing::Note => false,
            };
            if profile.facts.database().is_none()
                && let Some(anomaly) = profile.anomalies.listed().iter().find(is_broken)
            {
                let place = Place { path: profile.facts.path.clone(), target: profile.facts.link_target.clone() };
                self.not_read(place, UnreadReason::NotWhole(anomaly.detail.clone()));
            }
        }
    }

    /// What of the member is newer than its database, and was not brought back.
    fn note_not_applied(&mut self, member: &ReadMember<'_>) {
        let Newer { in_log, nowhere } = Newer::of(&member.evidences);
        let facts = || member.evidences.iter().filter(|evidence| evidence.is_own()).map(|evidence| &evidence.store.profile().facts);
        if let Some((first, last)) = in_log
            && let Some(segment) = facts().find(|facts| facts.log().and_then(|log| log.ahead_writes).is_some_and(|(_, end)| end == last))
        {
            let place = Place { path: segment.path.clone(), target: segment.link_target.clone() };
            self.not_read(place, UnreadReason::NotApplied { first, last });
        }
        if let Some((first, last)) = nowhere {
            self.not_read(Place { path: member.path.clone(), target: None }, UnreadReason::MissingEntries { first, last });
        }
    }

    /// Writes the writes that are brought back, and the new database, and counts them.
    fn write_recovered(&mut self, database: &DatabaseStore<'_>, question: RecoverQuestion<'_>) -> Result<(), RunError> {
        let recovery = Recovery::of(database, &self.plan.scope, question.include_residue);
        for recovered in &recovery.recovered {
            if let Some(row) = recovery.row(recovered) {
                self.render.recovered(recovered, &row)?;
            }
        }
        let rebuilt = question.database.map(|file| write_database(file, &recovery)).transpose()?;
        self.report.recovered = Some(Recovered { counts: RecoveryCounts::of(&recovery), rebuilt });
        Ok(())
    }
}
