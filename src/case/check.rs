//! Whether files are as they were written: all of them are held against each other before the first is told.

use std::slice;

use super::RunError;
use super::run::Run;
use crate::collect::Collector;
use crate::evidence::anomaly::Bearing;
use crate::finding::About;
use crate::report::MemberReport;

impl Run<'_> {
    /// Settles one member after the other. They are told at the end, when it is known of each what the others say of it.
    pub(super) fn check(&mut self) -> Result<(), RunError> {
        let (mut held, scope) = (Vec::new(), &self.plan.scope);
        self.each_member(&mut |run, read| {
            held.extend(run.count_all(slice::from_mut(read), |source| Collector::new(source.store, scope).each(|_| {}))?);
            Ok(())
        })?;
        self.settle_compared();
        held.into_iter().try_for_each(|report| self.tell_settled(report))
    }

    /// Adds what databases contradict, as far as it is known only now: of those that fail their own trailer what, of others that.
    pub(super) fn settle_compared(&mut self) {
        for id in self.clusters.of_accused() {
            if let Some(report) = self.report.evidence_mut(id).filter(|report| !report.judgement.has(Bearing::Divergent)) {
                report.judgement.add_divergence(About::Place { offset: None, pgid: None });
            }
        }
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
