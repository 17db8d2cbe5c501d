//! Recovery: of every key its newest write, out of a file that is broken.

use std::io::{self, Read, Seek, Write};
use std::thread;

use sha2::{Digest, Sha256};

use super::host::Nobody;
use super::run::Run;
use super::{Case, InputError, Plan, RunError};
use crate::collect::Collected;
use crate::finding::{Condition, Outcome};
use crate::recovery::{Rebuilt, Recovery, Standing};
use crate::report::{EvidenceReport, Recovered, RecoveryCounts, RenderRecovered};
use crate::store::{DatabaseStore, Progress};

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

impl Case<'_> {
    /// Brings back what can be read of a database, whole or broken: that of a directory, or the file that was given.
    ///
    /// # Errors
    /// There is no database to read, or an output cannot be written.
    pub fn recover(&self, plan: &Plan, question: RecoverQuestion<'_>) -> Result<Recovered, RunError> {
        let mut nobody = Nobody;
        let mut run = Run::new(self, plan, &mut nobody);
        let Some(path) = self.inputs.first() else { return Err(RunError::NothingRead) };
        let Some(member) = run.open(path)? else { return Err(RunError::NothingRead) };
        let progress = Progress::default();
        let (mut question, mut done) = (Some(question), Err(RunError::NothingRead));
        self.host.with_progress(path, &progress, &mut || {
            if let Some(question) = question.take() {
                done = thread::scope(|scope| {
                    let mut read = run.read(&member, scope, &progress)?;
                    let place = read.evidences.iter().position(|evidence| evidence.store.as_database().is_some());
                    let Some(evidence) = place.and_then(|place| read.evidences.get_mut(place)) else {
                        let why = "recover reads a database; scan and show list what stands in a log or a raft snapshot alone";
                        return Err(InputError::NotForThis { path: path.clone(), why }.into());
                    };
                    let report = run.settle(evidence, Collected::default());
                    let database = evidence.store.as_database().ok_or(RunError::NothingRead)?;
                    recover(database, report, plan, question)
                });
            }
        });
        done
    }
}

fn recover(
    database: &DatabaseStore<'_>,
    evidence: EvidenceReport,
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
    let unmatched = plan.filter().filter(|_| counts.is_empty());
    if unmatched.is_some() {
        outcome.open(Condition::NothingInScope);
    }
    if counts.of_standing(Standing::Newest) > 0 {
        outcome.open(Condition::ExistenceNotKnown);
    }
    Ok(Recovered { evidence, counts, rebuilt, unmatched, outcome })
}

/// Writes the database and its trailer, as the snapshot API does.
fn write_database(mut file: &mut dyn DatabaseFile, recovery: &Recovery<'_, '_>) -> Result<Rebuilt, RunError> {
    let rebuilt = recovery.write_database(&mut file)?;
    file.flush()?;
    let mut hasher = Sha256::new();
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
    file.write_all(&hasher.finalize())?;
    Ok(rebuilt)
}
