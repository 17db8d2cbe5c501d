//! Whether files are as they were written: all of them are held against each other before the first that fails its own trailer is told.

use std::slice;

use super::RunError;
use super::run::Run;
use crate::collect::Collector;
use crate::report::MemberReport;

impl Run<'_> {
    /// Settles one member after the other. From the first database on that fails its own trailer they are told at the end, when it is
    /// known what the others say of it.
    pub(super) fn check(&mut self) -> Result<(), RunError> {
        let (mut held, scope) = (Vec::new(), &self.plan.scope);
        self.each_member(&mut |run, read| {
            let reports = run.count_all(slice::from_mut(read), |source| Collector::new(source.store, scope).each(|_| {}))?;
            let is_changed = |report: &MemberReport| run.report.parts(report).any(|part| part.facts.is_changed());
            let waits = !held.is_empty() || reports.iter().any(is_changed);
            held.extend(reports);
            if waits { Ok(()) } else { held.drain(..).try_for_each(|report| run.tell_settled(report)) }
        })?;
        self.settle_changed();
        held.into_iter().try_for_each(|report| self.tell_settled(report))
    }

    /// Adds what databases contradict that fail their own trailer, as far as it is known only now.
    pub(super) fn settle_changed(&mut self) {
        for (id, contradicted) in self.clusters.of_changed() {
            if let Some(report) = self.report.evidence_mut(id) {
                report.add_contradicted(contradicted);
            }
        }
    }

    /// Tells a member of which nothing is to be added.
    fn tell_settled(&mut self, member: MemberReport) -> Result<(), RunError> {
        for told in self.report.parts(&member) {
            self.render.evidence(told.id, &told.facts)?;
            for anomaly in &told.anomalies {
                self.render.anomaly(told.id, anomaly)?;
            }
            self.render.evidence_end(told)?;
        }
        self.tell_member(member)
    }
}
