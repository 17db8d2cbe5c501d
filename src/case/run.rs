//! The driver: inputs to members, members to evidences, each read once, told, judged.
//!
//! ```text
//! one by one     for each input:  open ─> first pass ─> rows, written and counted ─> settled, judged, told
//! all together   for each input:  open ─> first pass ─> rows, counted ─> settled, judged
//!                the question is asked of all of them
//!                for each input:  told, with the rows that answer it
//! ```
//! Digests are made beside the passes, and waited for where they are told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::clusters::Clusters;
use super::directory::Place;
use super::each_once::each_once;
use super::joining::Joined;
use super::judging::Judging;
use super::member::{OpenMember, ReadEvidence, ReadMember, WholeTally};
use super::rows::{RowFilter, WantedRows};
use super::{Case, InputError, PagesQuestion, Plan, Question, RunError, bug};
use crate::collect::{Collected, Collector};
use crate::evidence::anomaly::Anomalies;
use crate::evidence::{Evidence, EvidenceId, MemberId, Numbering};
use crate::finding::{About, Condition, Finding, Judgement, Outcome, Rule};
use crate::report::readable::ClusterContext;
use crate::report::{EvidenceReport, MemberReport, Recovered, Render, Report, RowContext};
use crate::store::{Facts, KeyTree, Progress, ReadOptions};

/// What a run came to.
#[derive(Debug)]
pub struct Answer {
    /// Everything that is said.
    pub report: Report,
    /// What held, and the exit code.
    pub outcome: Outcome,
}

impl Case<'_> {
    /// Reads every input, answers the question, and tells `render` everything on the way.
    ///
    /// # Errors
    /// The output cannot be written, the key that was asked for cannot be told, or what is to be revealed cannot be. An input that
    /// cannot be read is no error of the run: it is told, and the others are read.
    pub fn run(&self, plan: &Plan, question: Question<'_>, render: &mut dyn Render) -> Result<Answer, RunError> {
        Run::new(self, plan, render).answer(question)
    }
}

/// A run in progress.
pub(super) struct Run<'a> {
    pub case: &'a Case<'a>,
    pub plan: &'a Plan,
    pub render: &'a mut dyn Render,
    pub report: Report,
    pub outcome: Outcome,
    pub numbering: Numbering,
    pub clusters: Clusters,
    /// Matches of the object that was asked for.
    pub matches: u64,
    /// How many members besides each stand in the same input, where there are some.
    pub beside: BTreeMap<MemberId, usize>,
    /// The member that is being opened or read, and the path that it is told under.
    pub place: Option<(MemberId, PathBuf)>,
    /// Standard input, where it was given.
    pub stdin: Option<Evidence>,
    /// What of the files by themselves belongs together.
    pub joined: Joined,
    /// Why the last input that could not be read could not be.
    pub failure: Option<InputError>,
    /// How evidences are read: as the plan says, and where several databases are or may be, in whatever way they were given, each with what
    /// it is held against those of its cluster by.
    pub options: ReadOptions,
    wants_status: bool,
    /// The pages that each database is to tell.
    wants_pages: Option<PagesQuestion>,
}

impl<'a> Run<'a> {
    pub(super) fn new(case: &'a Case<'a>, plan: &'a Plan, render: &'a mut dyn Render) -> Self {
        let inputs = each_once(case.inputs, |again, first| case.host.given_again(again, first));
        let report = Report {
            inputs,
            resources: plan.resources.clone(),
            filter: plan.filter(),
            scope_options: plan.scope_options(),
            ..Report::default()
        };
        let (outcome, numbering, clusters) = (Outcome::default(), Numbering::default(), Clusters::default());
        Self {
            case,
            plan,
            render,
            report,
            outcome,
            numbering,
            clusters,
            matches: 0,
            beside: BTreeMap::new(),
            place: None,
            stdin: None,
            joined: Joined::default(),
            failure: None,
            options: plan.read.clone(),
            wants_status: false,
            wants_pages: None,
        }
    }

    pub(super) fn answer(mut self, question: Question<'_>) -> Result<Answer, RunError> {
        self.render.begin()?;
        let (judging, wants_object) = (Judging::of(&question), matches!(question, Question::Object(_)));
        let is_of_many = matches!(question, Question::Storage(_) | Question::Keys(_) | Question::Verify(_));
        self.wants_status = matches!(question, Question::Integrity);
        self.wants_pages = if let Question::Pages(pages) = &question { Some(*pages) } else { None };
        self.clusters.tells_at_the_end = self.wants_status || question.needs_everything();
        match question {
            Question::Integrity => self.check()?,
            Question::Recover(recover) => self.recover(recover)?,
            _ if question.needs_everything() => self.all_together(question)?,
            _ => self.one_by_one(&RowFilter::of(&question))?,
        }
        self.settle_compared();
        self.judge(judging);
        if is_of_many && self.report.members.iter().any(|member| self.report.is_without_kubernetes(member)) {
            self.outcome.open(Condition::NoKubernetesObjects);
        }
        if let Some(Recovered { counts, .. }) = &self.report.recovered {
            if self.report.filter.is_some() && counts.is_empty() {
                self.outcome.open(Condition::NothingInScope);
            }
            if counts.recovered.keys().any(|standing| standing.doubt().is_some()) {
                self.outcome.open(Condition::ExistenceNotKnown);
            }
        }
        if !self.report.namesakes.is_empty() {
            self.outcome.found(Condition::AmbiguousName);
        } else if wants_object && self.matches == 0 && !self.report.evidences.is_empty() {
            // What was not read, or is lost, may have it.
            let is_whole = |facts: &Facts| facts.database().map_or(facts.is_complete, |database| database.key_tree == KeyTree::Whole);
            match self.report.unread.is_empty() && self.report.evidences.iter().all(|evidence| is_whole(&evidence.facts)) {
                true => self.outcome.found(Condition::NoSuchObject),
                false => self.outcome.open(Condition::ExistenceNotKnown),
            }
        }
        self.end()
    }

    fn one_by_one(&mut self, filter: &RowFilter<'_>) -> Result<(), RunError> {
        self.each_member(&mut |run, read| {
            if let Some(pages) = run.wants_pages {
                run.leave_what_has_pages(read, pages);
            }
            let is_ambiguous = matches!(filter, RowFilter::Object(name) if run.note_namesakes(read, *name));
            run.tell(read, if is_ambiguous { &RowFilter::None } else { filter })?;
            if let (RowFilter::Object(name), 0, false) = (filter, run.matches, is_ambiguous) {
                run.note_near_names(read, *name);
            }
            Ok(())
        })
    }

    /// Opens and reads one member after the other, and closes it again.
    pub(super) fn each_member(
        &mut self,
        work: &mut dyn FnMut(&mut Self, &mut ReadMember<'_>) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        self.open_each(|run, members| {
            for member in members {
                let (progress, host) = (Progress::default(), run.case.host);
                let mut done = Ok::<(), RunError>(());
                host.with_progress(&member.path, &progress, &mut || {
                    done = thread::scope(|scope| run.read(&member, scope, &progress)?.iter_mut().try_for_each(|read| work(run, read)));
                });
                done?;
            }
            Ok(())
        })
    }

    /// Reads rows, settles and tells each evidence of a member, then the member.
    pub(super) fn tell(&mut self, member: &mut ReadMember<'_>, filter: &RowFilter<'_>) -> Result<(), RunError> {
        self.place = Some((member.id, member.path.clone()));
        let (mut whole, clusters) = (WholeTally::default(), member.clusters().cloned());
        let wanted = WantedRows { filter, verdicts: None, clusters: clusters.as_ref() };
        for evidence in &mut member.evidences {
            let path = evidence.store.profile().facts.path.clone();
            let told = self.attempt_output(&path, |run| {
                run.render.evidence(evidence.id, &evidence.store.profile().facts)?;
                let collected = run.write_rows(evidence, wanted)?;
                whole.add(member.is_directory, evidence, &collected.tally);
                let report = run.settle(evidence, collected);
                if let Some(pages) = run.wants_pages {
                    run.tell_pages(evidence, pages)?;
                }
                run.tell_end(report)
            })?;
            if told.is_some() {
                whole.parts.push(evidence.id);
            }
        }
        let report = self.member_report(member, whole);
        self.tell_member(report)
    }

    /// The rows of an evidence that the filter lets through, written; all of them in scope are counted.
    pub(super) fn write_rows<'data>(
        &mut self,
        evidence: &ReadEvidence<'data>,
        wanted: WantedRows<'_>,
    ) -> Result<Collected<'data>, RunError> {
        let WantedRows { filter, verdicts, .. } = wanted;
        let collector = Collector::new(&*evidence.store, &self.plan.scope);
        let (writer, render) = (self.render.row_writer().filter(|_| !filter.is_none()), &mut self.render);
        let matches = AtomicU64::new(0);
        let (id, prefixes) = (evidence.id, evidence.store.prefixes());
        let collected = collector.run(
            |row, lines| {
                if !filter.lets_through(row, prefixes) {
                    return;
                }
                matches.fetch_add(1, Ordering::Relaxed);
                if let Some(write) = writer {
                    let verdict = verdicts.and_then(|verdicts| verdicts.of(id, row));
                    write(RowContext { evidence: id, cluster: wanted.cluster_of(row), verdict: verdict.as_ref() }, row, lines);
                }
            },
            |lines| render.rows(lines),
        )?;
        self.matches = self.matches.saturating_add(matches.into_inner());
        Ok(collected)
    }

    /// Adds to an evidence what is known last, and judges it.
    pub(super) fn settle(&mut self, evidence: &mut ReadEvidence<'_>, collected: Collected<'_>) -> EvidenceReport {
        let Collected { tally, anomalies } = collected;
        evidence.store.profile_mut().add_anomalies(anomalies);
        evidence.store.settle(evidence.digests.recv().ok().flatten().as_ref());
        let (mut compared, mut status) = (None, None);
        if let Some(database) = evidence.store.as_database_mut() {
            compared = self.clusters.compare(evidence.id, database);
            status = self.wants_status.then(|| database.status());
        }
        let context = ClusterContext { prefixes: evidence.store.prefixes(), existing: evidence.store.existing() };
        let report = EvidenceReport::new(evidence.id, evidence.store.profile(), tally, &context, self.plan.named);
        EvidenceReport { compared, status, ..report }
    }

    /// Tells what stands behind an evidence's rows, and keeps what is said of it.
    pub(super) fn tell_end(&mut self, report: EvidenceReport) -> Result<(), RunError> {
        for anomaly in &report.anomalies {
            self.render.anomaly(report.id, anomaly)?;
        }
        self.render.evidence_end(&report)?;
        self.report.evidences.push(report);
        Ok(())
    }

    pub(super) fn member_report(&mut self, member: &ReadMember<'_>, whole: WholeTally<'_>) -> MemberReport {
        let unread = self.report.unread_of(member.id).map(|unread| match unread.passed_over() {
            Some(passed_over) => About::Place { offset: Some(passed_over.first), pgid: None },
            None => About::Path(unread.path.clone()),
        });
        let unread = Finding::of(Rule::NotRead, unread);
        let first = whole.parts.first().and_then(|id| self.report.evidences.binary_search_by_key(id, |evidence| evidence.id).ok());
        if let Some(first) = first.and_then(|index| self.report.evidences.get_mut(index)).filter(|_| unread.count > 0) {
            first.judgement.findings.push(unread);
        }
        let read: Vec<EvidenceId> = whole.parts.clone();
        let parts = || read.iter().filter_map(|id| self.report.evidence(*id));
        let of_whole = |(first, context): (&EvidenceReport, ClusterContext<'_>)| {
            let (mut tally, anomalies) = (whole.tally, Anomalies::default());
            // What was left behind can be read as well, and what removes it is told of its own files.
            let judgement = Judgement::of(&first.facts, &tally, &anomalies);
            tally.expose_leftover(whole.left_behind);
            let report = EvidenceReport::of(first.id, first.facts.clone(), anomalies, tally, &context, self.plan.named);
            Box::new(EvidenceReport { judgement, ..report })
        };
        let first = whole.parts.first().and_then(|id| self.report.evidence(*id));
        let has_all_parts = parts().all(|part| part.facts.is_complete);
        let as_one = first.zip(member.context()).filter(|_| member.is_directory).map(of_whole).map(|mut whole| {
            whole.compared = first.and_then(|first| first.compared.clone());
            whole.facts.is_complete = whole.facts.is_complete && has_all_parts;
            whole
        });
        let path = member.path.clone();
        let beside = self.beside.get(&member.id).copied().unwrap_or(0);
        MemberReport {
            id: member.id,
            path,
            joined: member.joined.clone(),
            others: member.others,
            beside,
            parts: whole.parts,
            whole: as_one,
        }
    }

    pub(super) fn tell_member(&mut self, member: MemberReport) -> Result<(), RunError> {
        if member.parts.is_empty() {
            return Ok(());
        }
        self.render.member(&member, &self.report)?;
        self.report.members.push(member);
        Ok(())
    }

    /// What all that was read means for the exit code.
    pub(super) fn judge(&mut self, judging: Judging) {
        judging.judge(&self.report, &mut self.outcome);
    }

    fn end(self) -> Result<Answer, RunError> {
        let Self { case, render, report, outcome, .. } = self;
        for key in &report.keys() {
            render.key(key)?;
        }
        for evidence in &report.evidences {
            for key in &evidence.keys {
                render.key_use(evidence.id, key)?;
            }
        }
        for (id, finding) in report.findings() {
            render.finding(id, finding)?;
        }
        for unread in &report.unread {
            render.unread(unread)?;
        }
        case.host.ending(&report)?;
        render.end(&report, &outcome)?;
        Ok(Answer { report, outcome })
    }

    /// Does work on one input. What cannot be read is told, and the run goes on with the others.
    pub(super) fn attempt<T>(&mut self, path: &Path, work: impl FnOnce(&Self) -> Result<T, InputError>) -> Result<Option<T>, RunError> {
        match bug::caught(path, || work(self)) {
            Ok(done) => Ok(Some(done)),
            Err(error) => {
                self.failed(path, error);
                Ok(None)
            }
        }
    }

    /// The same of work that also writes. An output that cannot be written ends the run.
    pub(super) fn attempt_output<T>(
        &mut self,
        path: &Path,
        work: impl FnOnce(&mut Self) -> Result<T, RunError>,
    ) -> Result<Option<T>, RunError> {
        match bug::caught(path, || Ok(work(self))) {
            Ok(done) => done.map(Some),
            Err(error) => {
                self.failed(path, error);
                Ok(None)
            }
        }
    }

    pub(super) fn failed(&mut self, path: &Path, error: InputError) {
        self.case.host.failed(&error);
        let reason = error.unread_reason();
        if reason.is_failure() {
            self.report.not_analysed.push(error.to_string());
        }
        self.not_read(Place { path: path.to_owned(), target: None }, reason);
        if matches!(error, InputError::Bug(_)) {
            // Its records may be half written, and its number is not another's.
            self.outcome.open(Condition::InternalError);
        }
        self.failure = Some(error);
    }

    /// Opens and reads all inputs, which then stay open together.
    fn all_together(&mut self, question: Question<'_>) -> Result<(), RunError> {
        let mut opened: Vec<OpenMember> = Vec::new();
        self.open_each(|_, members| {
            opened.extend(members);
            Ok(())
        })?;
        let mut members: Vec<ReadMember<'_>> = Vec::new();
        for member in &opened {
            let (progress, host) = (Progress::default(), self.case.host);
            let mut read = None;
            host.with_progress(&member.path, &progress, &mut || {
                read = Some(thread::scope(|scope| self.read(member, scope, &progress)));
            });
            members.extend(read.transpose()?.into_iter().flatten());
        }
        match question {
            Question::Keys(keys) => self.ask_of_keys(&mut members, &keys),
            Question::Verify(verify) => self.verify(&mut members, verify),
            Question::Object(object) => self.reveal(&mut members, object),
            Question::Storage(_) | Question::Integrity | Question::Pages(_) | Question::Recover(_) => Ok(()),
        }
    }
}
