//! What the first pass over an evidence learnt, whichever store it is.

use std::sync::Arc;

use super::witness::Witness;
use super::{Content, Digests, Facts, PassedOver, ReadOptions};
use crate::envelope::NameTable;
use crate::evidence::Evidence;
use crate::evidence::anomaly::Anomalies;
use crate::kubernetes::Prefixes;

/// What is known of an evidence, whichever store it is.
#[derive(Clone, Debug)]
pub struct Profile<'data> {
    /// What it is.
    pub facts: Facts,
    /// What is odd about its bytes.
    pub anomalies: Anomalies,
    pub(super) content: &'data [u8],
    pub(super) names: Arc<NameTable<'data>>,
    pub(super) prefixes: Arc<Prefixes>,
}

impl<'data> Profile<'data> {
    /// What the first pass learnt. The segments of a log share their names and prefixes.
    pub(super) fn new(
        evidence: &'data Evidence,
        mut facts: Facts,
        anomalies: Anomalies,
        names: impl Into<Arc<NameTable<'data>>>,
        prefixes: impl Into<Arc<Prefixes>>,
    ) -> Self {
        let (names, prefixes) = (names.into(), prefixes.into());
        facts.prefixes = prefixes.texts();
        facts.is_complete = anomalies.leave_all_read();
        Self { facts, anomalies, content: evidence.content(), names, prefixes }
    }

    /// The same of an evidence whose names and prefixes are what its own values say, and what the user gave. `place`:
    /// where in the content bytes stand that values were heard with.
    pub(super) fn of_witness(
        evidence: &'data Evidence,
        mut facts: Facts,
        anomalies: Anomalies,
        Witness { mut names, votes, mut outside }: Witness<'data>,
        options: &ReadOptions,
        place: impl Fn(&[u8]) -> Option<u64>,
    ) -> Self {
        let prefixes = votes.elect(&options.prefixes);
        outside.drop_told(&prefixes);
        let outside = outside.count(place);
        match &mut facts.content {
            Content::Image(image) => image.passed_over = PassedOver::together(&image.passed_over, &outside),
            _ => facts.outside = PassedOver::together(&facts.outside, &outside),
        }
        names.give(options.names.0.iter().cloned());
        Self::new(evidence, facts, anomalies, names, prefixes)
    }

    /// Adds what is found odd later.
    pub fn add_anomalies(&mut self, anomalies: Anomalies) {
        self.anomalies.merge(anomalies);
        self.facts.is_complete = self.anomalies.leave_all_read();
    }

    pub(super) fn settle(&mut self, digests: Option<&Digests>) {
        self.facts.sha256 = digests.map(|digests| digests.file);
        self.facts.content_sha256 = digests.filter(|_| self.facts.content_size.is_some()).map(|digests| digests.content);
        self.facts.is_complete = self.anomalies.leave_all_read();
    }
}
