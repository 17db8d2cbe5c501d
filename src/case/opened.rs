//! The library's short way: one input, opened, read once, its rows as an iterator, and what they add up to.
//!
//! It is a run of one input that nobody writes down. Several inputs, a question of keys, and whatever is to be written go through
//! [`Case`].

use std::path::{Path, PathBuf};
use std::thread;

use super::host::{Nobody, Silent};
use super::judging::Judging;
use super::member::{OpenMember, ReadEvidence, ReadMember};
use super::rows::RowFilter;
use super::run::{Answer, Run};
use super::{Case, Plan, RunError};
use crate::collect::Collector;
use crate::evidence::{EvidenceId, Limits};
use crate::finding::{FailOn, Outcome};
use crate::report::Report;
use crate::row::Row;
use crate::store::{Facts, Progress};

/// Opens a snapshot, a database, a segment of the log, a raft snapshot, a container of one of them, or a data directory, read-only,
/// to be read as [`Plan::default`] says.
///
/// ```
/// # fn main() -> Result<(), etcd_sleuth::case::RunError> {
/// let opened = etcd_sleuth::open("testdata/migration.db")?;
/// let contents = opened.read()?;
/// let secrets = contents.rows().filter(|row| row.key().starts_with(b"/registry/secrets/")).count();
/// let answer = contents.judge()?;
/// for (_, finding) in answer.report.findings() {
///     println!("{}: {}", finding.rule.code(), finding.count);
/// }
/// assert!(secrets > 0 && answer.outcome.exit_code() == 2);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// It cannot be opened, or is none of them.
pub fn open(path: impl AsRef<Path>) -> Result<Opened, RunError> {
    Opened::open(path.as_ref(), Plan::default(), Limits::default())
}

/// One input, open. What is read borrows from it.
pub struct Opened {
    /// One, or of a directory with several members' files all of them.
    members: Vec<OpenMember>,
    plan: Plan,
    so_far: Answer,
}

/// One input after the first pass over its bytes: what every row must know of all others is known.
pub struct Contents<'data> {
    members: Vec<ReadMember<'data>>,
    plan: &'data Plan,
    so_far: Answer,
}

impl Opened {
    /// Opens an input that is to be read as a plan says.
    ///
    /// ```
    /// use etcd_sleuth::case::{Opened, Plan};
    /// use etcd_sleuth::evidence::Limits;
    /// use etcd_sleuth::row::{Form, Row, Scope};
    ///
    /// # fn main() -> Result<(), etcd_sleuth::case::RunError> {
    /// let plan = Plan { scope: Scope::all(), hash: false, ..Plan::default() };
    /// let opened = Opened::open("testdata/migration.db".as_ref(), plan, Limits::default())?;
    /// let encrypted = |row: &Row<'_>| matches!(row, Row::Value(value) if value.form() == Form::Encrypted);
    /// assert!(opened.read()?.rows().any(|row| encrypted(&row)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// It cannot be opened, or is nothing that is read.
    pub fn open(path: &Path, plan: Plan, limits: Limits) -> Result<Self, RunError> {
        let nothing = Answer { report: Report::default(), outcome: Outcome::default() };
        let inputs = [path.to_owned()];
        let (members, so_far) = step(&plan, (&inputs, limits), &nothing, |run| {
            let mut members = Vec::new();
            for given in run.survey() {
                members.extend(run.open(given)?);
            }
            Ok((!members.is_empty()).then_some(members))
        })?;
        Ok(Self { members, plan, so_far })
    }

    /// Reads it once. Rows are read later, as they are asked for.
    ///
    /// # Errors
    /// Nothing of it can be read.
    pub fn read(&self) -> Result<Contents<'_>, RunError> {
        let progress = Progress::default();
        let (members, so_far) = step(&self.plan, (&[], Limits::default()), &self.so_far, |run| {
            let mut members = Vec::new();
            for member in &self.members {
                members.extend(thread::scope(|scope| run.read(member, scope, &progress))?);
            }
            Ok(members.iter().any(|member| !member.evidences.is_empty()).then_some(members))
        })?;
        Ok(Contents { members, plan: &self.plan, so_far })
    }
}

impl<'data> Contents<'data> {
    /// What is known of each evidence so far: one, or of a data directory one for each of its files.
    pub fn facts(&self) -> impl Iterator<Item = (EvidenceId, &Facts)> {
        self.evidences().map(|evidence| (evidence.id, &evidence.store.profile().facts))
    }

    /// The rows in scope, in their order, evidence by evidence.
    pub fn rows(&self) -> impl Iterator<Item = Row<'data>> {
        self.evidences().flat_map(|evidence| Collector::new(&*evidence.store, &self.plan.scope).rows())
    }

    fn evidences(&self) -> impl Iterator<Item = &ReadEvidence<'data>> {
        self.members.iter().flat_map(|member| &member.evidences)
    }

    /// Counts every row in scope, on all cores, and says what was found and how far that can be trusted.
    ///
    /// # Errors
    /// Nothing of it can be read to its end.
    pub fn judge(mut self) -> Result<Answer, RunError> {
        let (members, plan) = (&mut self.members, self.plan);
        let ((), answer) = step(plan, (&[], Limits::default()), &self.so_far, |run| {
            for member in members {
                run.tell(member, &RowFilter::None)?;
            }
            run.judge(Judging::Plaintext(FailOn::Any));
            Ok((!run.report.evidences.is_empty()).then_some(()))
        })?;
        Ok(answer)
    }
}

/// One step of a run that nobody writes down, and what came of all steps so far. A step that comes to nothing ends with its reason.
fn step<T>(
    plan: &Plan,
    (inputs, limits): (&[PathBuf], Limits),
    so_far: &Answer,
    work: impl FnOnce(&mut Run<'_>) -> Result<Option<T>, RunError>,
) -> Result<(T, Answer), RunError> {
    let (case, mut nobody) = (Case::new(inputs, limits, &Silent), Nobody);
    let mut run = Run::new(&case, plan, &mut nobody);
    run.report.unread.clone_from(&so_far.report.unread);
    run.report.not_analysed.clone_from(&so_far.report.not_analysed);
    run.outcome = so_far.outcome.clone();
    match work(&mut run)? {
        Some(done) => Ok((done, Answer { report: run.report, outcome: run.outcome })),
        None => Err(run.failure.map_or(RunError::NothingRead, RunError::Input)),
    }
}
