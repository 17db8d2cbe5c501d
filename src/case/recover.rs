//! Recovery: of every key its newest write, out of a file that is broken.

use std::io::{self, Read, Seek, Write};
use std::thread;

use super::directory::Place;
use super::host::Nobody;
use super::kind::FileRole;
use super::member::{OpenMember, ReadMember};
use super::run::Run;
use super::story::Newer;
use super::{Case, InputError, Plan, RunError};
use crate::collect::Collector;
use crate::evidence::anomaly::{Anomaly, Bearing};
use crate::evidence::digest::Hasher;
use crate::finding::{Condition, Outcome};
use crate::output::WholeFile;
use crate::recovery::{Rebuilt, Recovery};
use crate::report::{EvidenceReport, Recovered, RecoveryCounts, RenderRecovered, Unread, UnreadReason};
use crate::store::{DatabaseStore, Progress, StoreKind};

/// What is to be brought back, and where it goes.
pub struct RecoverQuestion<'a> {
    /// Also what was deleted, and what the tree does not have.
    pub include_residue: bool,
    /// Where each write goes, by revision.
    pub records: Option<&'a mut dyn RenderRecovered>,
    /// A file for a new database.
    pub database: Option<&'a mut dyn DatabaseFile>,
}

/// A file that a new database is written to, and read back for its digest.
pub trait DatabaseFile: Write + Seek {
    /// All that was written so far.
    ///
    /// # Errors
    /// It cannot be read.
    fn read_back(&mut self) -> io::Result<Box<dyn Read + '_>>;
}

impl DatabaseFile for WholeFile {
    fn read_back(&mut self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(Self::read_back(self)?))
    }
}

impl Case<'_> {
    /// Brings back what can be read of a database, whole or broken: that of a directory, or the file that was given.
    ///
    /// # Errors
    /// There is no database to read, or an output cannot be written.
    pub fn recover(&self, plan: &Plan, question: RecoverQuestion<'_>) -> Result<Recovered, RunError> {
        let mut nobody = Nobody;
        let mut run = Run::new(self, plan, &mut nobody);
        let mut members = Vec::new();
        for given in run.survey() {
            members.extend(run.open(given)?);
        }
        let of_database = |member: &OpenMember| member.files.iter().any(|file| file.role == FileRole::Member(StoreKind::Database));
        let first = members.iter().position(of_database).unwrap_or(0);
        if first >= members.len() {
            let is_no_fault = run.report.unread.iter().any(|unread| unread.reason.is_no_fault());
            return Err(if is_no_fault { RunError::NotRead } else { RunError::NothingRead });
        }
        let member = members.remove(first);
        for other in &members {
            let place = Place { path: other.path.clone(), target: None };
            run.not_read(place, UnreadReason::OtherMember);
        }
        let path = &member.path;
        let progress = Progress::default();
        let (mut question, mut done) = (Some(question), Err(RunError::NothingRead));
        self.host.with_progress(path, &progress, &mut || {
            if let Some(question) = question.take() {
                done = thread::scope(|scope| {
                    let mut all = run.read(&member, scope, &progress)?.into_iter();
                    let mut read = all.next().ok_or(RunError::NothingRead)?;
                    for other in all.filter(|other| other.database().is_some()) {
                        run.not_read(Place { path: other.path, target: None }, UnreadReason::OtherMember);
                    }
                    let place = read.evidences.iter().position(|evidence| evidence.store.as_database().is_some());
                    let Some(evidence) = place.and_then(|place| read.evidences.get_mut(place)) else {
                        let why = "recover reads a database; scan and show list what stands in a log or a raft snapshot alone";
                        return Err(InputError::NotForThis { path: path.clone(), why }.into());
                    };
                    // Whether it is sound is told as `check` tells it: its values are a part of it.
                    let collected = Collector::new(&*evidence.store, &plan.scope).each(|_| {});
                    let report = run.settle(evidence, collected);
                    run.note_broken(&read);
                    run.note_not_applied(&read);
                    let unread = std::mem::take(&mut run.report.unread);
                    let evidence = place.and_then(|place| read.evidences.get(place));
                    let database = evidence.and_then(|evidence| evidence.store.as_database()).ok_or(RunError::NothingRead)?;
                    recover(database, (report, unread), plan, question)
                });
            }
        });
        done
    }
}

impl Run<'_> {
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
            && let Some(segment) = facts().find(|facts| facts.log().and_then(|log| log.indices).is_some_and(|(_, end)| end == last))
        {
            let place = Place { path: segment.path.clone(), target: segment.link_target.clone() };
            self.not_read(place, UnreadReason::NotApplied { first, last });
        }
        if let Some((first, last)) = nowhere {
            self.not_read(Place { path: member.path.clone(), target: None }, UnreadReason::MissingEntries { first, last });
        }
    }
}

fn recover(
    database: &DatabaseStore<'_>,
    (evidence, unread): (EvidenceReport, Vec<Unread>),
    plan: &Plan,
    question: RecoverQuestion<'_>,
) -> Result<Recovered, RunError> {
    let recovery = Recovery::of(database, &plan.scope, question.include_residue);
    if let Some(render) = question.records {
        for recovered in &recovery.recovered {
            if let Some(row) = recovery.row(recovered) {
                render.recovered(recovered, &row)?;
            }
        }
    }
    let rebuilt = question.database.map(|file| write_database(file, &recovery)).transpose()?;
    let counts = RecoveryCounts::of(&recovery);
    let mut outcome = Outcome::default();
    evidence.judgement.trust(|condition| outcome.open(condition));
    let filter = plan.filter();
    if filter.is_some() && counts.is_empty() {
        outcome.open(Condition::NothingInScope);
    }
    if counts.recovered.keys().any(|standing| standing.doubt().is_some()) {
        outcome.open(Condition::ExistenceNotKnown);
    }
    unread.iter().for_each(|unread| outcome.open(unread.reason.condition()));
    Ok(Recovered { evidence, unread, counts, rebuilt, filter, outcome })
}

/// Writes the database and its trailer, as the snapshot API does.
fn write_database(mut file: &mut dyn DatabaseFile, recovery: &Recovery<'_, '_>) -> Result<Rebuilt, RunError> {
    let rebuilt = recovery.write_database(&mut file)?;
    file.flush()?;
    let mut hasher = Hasher::new();
    let mut bytes = vec![0; 1 << 20];
    let mut written = file.read_back()?;
    loop {
        let read = written.read(&mut bytes)?;
        if read == 0 {
            break;
        }
        hasher.update(bytes.get(..read).unwrap_or_default());
    }
    drop(written);
    file.write_all(&hasher.finish().0)?;
    Ok(rebuilt)
}
