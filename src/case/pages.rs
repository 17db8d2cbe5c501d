//! The pages of databases.

use std::path::PathBuf;
use std::thread;

use super::host::Nobody;
use super::member::WholeTally;
use super::run::Run;
use super::{Answer, Case, InputError, Plan, RunError};
use crate::collect::Collector;
use crate::pages::{PageMapReport, PageReport};
use crate::report::RenderPages;
use crate::store::Progress;

/// Which pages are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct PagesQuestion {
    /// This one; `None`: all of them.
    pub page: Option<u64>,
}

impl Case<'_> {
    /// Tells what the pages of every database are. What is no database has no pages, and is told as an input that was not read.
    ///
    /// # Errors
    /// As [`Case::run`].
    pub fn pages(&self, plan: &Plan, question: PagesQuestion, render: &mut dyn RenderPages) -> Result<Answer, RunError> {
        let mut nobody = Nobody;
        let mut run = Run::new(self, plan, &mut nobody);
        render.begin()?;
        for given in run.survey() {
            for member in run.open(given)? {
                let progress = Progress::default();
                thread::scope(|scope| {
                    for mut read in run.read(&member, scope, &progress)? {
                        let path = read.path.clone();
                        run.pages(&mut read, path, question, render)?;
                    }
                    Ok::<(), RunError>(())
                })?;
            }
        }
        let answer = run.finish_trusting();
        for unread in &answer.report.unread {
            render.unread(unread)?;
        }
        render.end(&answer.report, &answer.outcome)?;
        Ok(answer)
    }
}

impl Run<'_> {
    fn pages(
        &mut self,
        member: &mut super::member::ReadMember<'_>,
        path: PathBuf,
        question: PagesQuestion,
        render: &mut dyn RenderPages,
    ) -> Result<(), RunError> {
        let (mut has_database, mut whole) = (false, WholeTally::default());
        for evidence in &mut member.evidences {
            let collected = Collector::new(&*evidence.store, &self.plan.scope).each(|_| {});
            whole.add(member.is_directory, evidence, &collected.tally);
            let report = self.settle(evidence, collected);
            let Some(database) = evidence.store.as_database() else { continue };
            has_database = true;
            let page = question.page.map(|pgid| PageReport::of(database, pgid).ok_or(pgid));
            if let Some(Err(pgid)) = page {
                let path = report.facts.path.clone();
                let last = database.pages.counts().total().saturating_sub(1);
                self.failed(&path.clone(), InputError::NoSuchPage { path, pgid, last });
                continue;
            }
            render.evidence(report.id, &report.facts)?;
            match page {
                Some(Ok(page)) => render.page(&page)?,
                _ => render.map(&PageMapReport::of(evidence.id, database))?,
            }
            for anomaly in &report.anomalies {
                render.anomaly(report.id, anomaly)?;
            }
            render.evidence_end(&report)?;
            whole.parts.push(report.id);
            self.report.evidences.push(report);
        }
        let told = self.member_report(member, whole);
        if !told.parts.is_empty() {
            self.report.members.push(told);
        }
        if !has_database {
            let why = "only a database has pages: a log is a row of records, a raft snapshot one message; scan reads both";
            self.attempt(&path.clone(), |_| Err::<(), _>(InputError::NotForThis { path, why }))?;
        }
        Ok(())
    }
}
