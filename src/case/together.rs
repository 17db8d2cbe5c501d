//! Inputs that are answered together: all of them are counted before any is told.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::member::{ReadMember, WholeTally};
use super::rows::{RowFilter, WantedRows, is_under};
use super::run::Run;
use super::verdicts::Verdicts;
use super::{KeyQuestion, RunError};
use crate::collect::{Collected, Collector};
use crate::envelope::KeyIdentity;
use crate::finding::Condition;
use crate::kms::SameKeys;
use crate::report::retirement::{PerhapsUnder, Retirement, RetirementVerdict, Unread};
use crate::report::{MemberReport, Opens};
use crate::row::{Retention, Row};
use crate::verify::{NoTarget, Source, Target};

/// Objects under a key that are listed by name.
const LISTED: usize = 30;

impl Run<'_> {
    /// Counts the rows of every evidence by `count`, settles and judges it; the members are told later.
    pub(super) fn count_all<'data>(
        &mut self,
        members: &mut [ReadMember<'data>],
        mut count: impl FnMut(&Source<'_, 'data>) -> Collected<'data>,
    ) -> Result<Vec<MemberReport>, RunError> {
        let mut reports = Vec::new();
        for member in members {
            self.place = Some((member.id, member.path.clone()));
            let mut whole = WholeTally::default();
            let (id, is_directory, clusters) = (member.id, member.is_directory, member.clusters().cloned());
            for evidence in &mut member.evidences {
                let path = evidence.store.profile().facts.path.clone();
                let report = self.attempt_output(&path, |run| {
                    let collected = count(&Source { id: evidence.id, member: id, clusters: clusters.as_ref(), store: &*evidence.store });
                    whole.add(is_directory, evidence, &collected.tally);
                    Ok(run.settle(evidence, collected))
                })?;
                if let Some(report) = report {
                    whole.parts.push(report.id);
                    self.report.evidences.push(report);
                }
            }
            member.evidences.retain(|evidence| whole.parts.contains(&evidence.id));
            reports.push(self.member_report(member, whole));
        }
        Ok(reports)
    }

    /// Tells members that were counted, with the rows that the filter lets through.
    pub(super) fn tell_all(
        &mut self,
        members: &[ReadMember<'_>],
        reports: Vec<MemberReport>,
        filter: &RowFilter<'_>,
        verdicts: Option<&Verdicts<'_>>,
    ) -> Result<(), RunError> {
        self.settle_compared();
        for (member, report) in members.iter().zip(reports) {
            let wanted = WantedRows { filter, verdicts, clusters: member.clusters() };
            for evidence in &member.evidences {
                let Ok(index) = self.report.evidences.binary_search_by_key(&evidence.id, |report| report.id) else { continue };
                let Some(told) = self.report.evidences.get(index) else { continue };
                self.render.evidence(told.id, &told.facts)?;
                if self.render.row_writer().is_some() && !filter.is_none() {
                    self.write_rows(evidence, wanted)?;
                }
                let Some(told) = self.report.evidences.get(index) else { continue };
                for anomaly in &told.anomalies {
                    self.render.anomaly(told.id, anomaly)?;
                }
                self.render.evidence_end(told)?;
            }
            self.tell_member(report)?;
        }
        Ok(())
    }

    /// Whether a key is still needed, or what it opens.
    pub(super) fn ask_of_keys(&mut self, members: &mut [ReadMember<'_>], question: &KeyQuestion) -> Result<(), RunError> {
        let scope = &self.plan.scope;
        let reports = self.count_all(members, |source| Collector::new(source.store, scope).each(|_| {}))?;
        self.settle_compared();
        let seen: Vec<KeyIdentity<'static>> = self.report.values_by_key().into_keys().cloned().collect();
        let filter = self.plan.filter();
        let of_key = |text, asked| find(text, &seen, asked, filter.as_deref(), &question.same_keys);
        let retiring = Asked::Retire { is_confirmed: question.confirm_unseen };
        let retire = question.retire.as_deref().map(|text| of_key(text, retiring)).transpose()?;
        let perhaps = |target: &Target| PerhapsUnder::of(target, &self.report.evidences, &question.same_keys);
        let opens = question.opens.as_deref().map(|text| match of_key(text, Asked::Opens) {
            // No value names it, and some may be under it.
            Err(error) => Target::unseen(text, &question.same_keys).filter(|target| perhaps(target).total() > 0).ok_or(error),
            found => found,
        });
        let opens = opens.transpose()?.map(|target| (perhaps(&target), target));
        if let Some(target) = &retire {
            let passed_over = self.report.unread.iter().filter(|unread| !unread.reason.is_failure()).map(ToString::to_string);
            let passed_over: Vec<String> = passed_over.collect();
            let unread = Unread { not_analysed: self.report.not_analysed.len(), passed_over: &passed_over, filter: filter.as_deref() };
            let retirement = Retirement::of(target, &self.report.evidences, unread, &question.same_keys);
            match retirement.verdict() {
                RetirementVerdict::StillNeeded(_) => self.outcome.found(Condition::KeyStillNeeded),
                RetirementVerdict::CannotSay => self.outcome.open(Condition::KeyNotKnown),
                RetirementVerdict::HistoryOnly(_) | RetirementVerdict::NothingNamesIt => {}
            }
            self.report.retirement = Some(retirement);
        }
        let opens = opens.map(|(perhaps, target)| {
            let (objects, more) = self.objects_under(members, &target);
            if perhaps.total() > 0 {
                self.outcome.open(Condition::KeyNotKnown);
            }
            self.report.opens = Some(Opens { target: target.clone(), perhaps, objects, more });
            target
        });
        let filter = retire.as_ref().or(opens.as_ref()).map_or(RowFilter::None, RowFilter::Under);
        self.tell_all(members, reports, &filter, None)
    }

    /// Objects under a key, each once for every retention of its values, as these are counted: those that are current first. Also how many
    /// more there are.
    fn objects_under(&self, members: &[ReadMember<'_>], target: &Target) -> (Vec<(Retention, String)>, u64) {
        let found = Mutex::new(BTreeSet::<(Retention, String)>::new());
        for evidence in members.iter().flat_map(|member| &member.evidences) {
            Collector::new(&*evidence.store, &self.plan.scope).each(|row| {
                if let Row::Value(value) = row
                    && !value.is_duplicate
                    && !value.is_fragment()
                    && is_under(row, target)
                {
                    let object = (value.retention, String::from_utf8_lossy(value.key).into_owned());
                    found.lock().unwrap_or_else(PoisonError::into_inner).insert(object);
                }
            });
        }
        let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let more = found.len().saturating_sub(LISTED) as u64;
        (found.into_iter().take(LISTED).collect(), more)
    }
}

/// The key that is meant. One that no value names can be retired where it is confirmed, and named completely.
fn find(text: &str, seen: &[KeyIdentity<'static>], asked: Asked, filter: Option<&str>, same: &SameKeys) -> Result<Target, RunError> {
    let error = match Target::find(text, seen, same) {
        Ok(target) => return Ok(target),
        Err(error) => error,
    };
    let within = filter.map_or(String::new(), |filter| format!(", of those that were looked at: {filter}"));
    match (error, asked) {
        (NoTarget::Unseen { .. }, Asked::Retire { is_confirmed: true }) => Target::unseen(text, same).ok_or_else(|| {
            RunError::Key(format!("{text}: to confirm that a key is in none of these files, give its full ID, or PROVIDER/NAME/KEYID"))
        }),
        (error @ NoTarget::Unseen { .. }, Asked::Retire { is_confirmed: false }) => {
            let meant = Target::unseen(text, same).filter(|target| target.is_meant_today(seen, same));
            meant.ok_or_else(|| RunError::Key(format!("{error}{within}; if it is meant all the same, add --confirm-unseen")))
        }
        (error @ NoTarget::Unseen { .. }, Asked::Opens) => Err(RunError::Key(format!("{error}{within}"))),
        (error @ NoTarget::Ambiguous { .. }, _) => Err(RunError::Key(error.to_string())),
    }
}

/// What is asked of a key.
#[derive(Clone, Copy, Debug)]
enum Asked {
    Retire { is_confirmed: bool },
    Opens,
}
