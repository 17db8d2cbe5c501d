//! What there is to open, before anybody is asked.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::Source;
use crate::analysis::{Retention, Scope, Tally, ValueRow};
use crate::envelope::{Body, KeyIdentity, Sealed};
use crate::evidence::anomaly::Anomalies;
use crate::kms::Plan;

/// What the values of all inputs need.
#[derive(Default)]
pub struct Needs<'data> {
    /// Distinct DEK sources.
    pub plan: Plan,
    /// The first revision that a retained value has under each key, by evidence.
    pub began: BTreeMap<(usize, KeyIdentity<'data>), u64>,
    /// Values by the stored type of their DEK source, where a provider has one.
    pub dek_source_types: BTreeMap<(KeyIdentity<'data>, i64), u64>,
}

impl<'data> Needs<'data> {
    /// Looks at every value of a source that is in scope, and adds what it needs. Gives the counts of that evidence.
    pub fn read(&mut self, source: &Source<'_, 'data>, scope: &Scope) -> (Tally<'data>, Anomalies) {
        let needs = Mutex::new(self);
        source.each(scope, |row, value| {
            if row.seal.is_some() {
                needs.lock().unwrap_or_else(PoisonError::into_inner).add(source.number, row, value);
            }
        })
    }

    /// What a single value needs.
    pub fn of_one(row: &ValueRow<'data>, value: &'data [u8]) -> Self {
        let mut needs = Self::default();
        needs.add(0, row, value);
        needs
    }

    fn add(&mut self, evidence: usize, row: &ValueRow<'data>, value: &'data [u8]) {
        let Some(seal) = &row.seal else { return };
        let identity = seal.key();
        if let (true, Some(revision)) = (matches!(row.retention, Retention::Current | Retention::Superseded), row.mod_revision) {
            let began = self.began.entry((evidence, identity.clone())).or_insert(revision);
            *began = revision.min(*began);
        }
        let (Some(name), Some(sealed), false) = (seal.name, Sealed::parse(value), row.fragment) else { return };
        // What is sealed with a local key needs nobody, and what is malformed nobody opens.
        let Ok(Body::Kms(envelope)) = Body::parse(sealed.provider, name.body) else { return };
        let is_planned = self.plan.add(name.name, &envelope).is_some();
        if let (true, Some(dek_source_type), false) = (is_planned, envelope.dek_source_type, row.duplicate) {
            let count = self.dek_source_types.entry((identity, dek_source_type)).or_default();
            *count = count.saturating_add(1);
        }
    }
}
