//! What there is to open, before anybody is asked.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::Source;
use crate::analysis::{KeyIdentity, Retention, Scope, Tally, ValueRow};
use crate::envelope::{EncryptedObject, KmsV1, Provider, Sealed};
use crate::evidence::anomaly::Anomalies;
use crate::kms::Plan;

/// What the values of all inputs need.
#[derive(Default)]
pub struct Needs<'data> {
    /// Distinct DEK sources.
    pub plan: Plan,
    /// The first revision that a retained value has under each key, by evidence.
    pub began: BTreeMap<(usize, KeyIdentity<'data>), u64>,
    /// Values by KMS v2's DEK source type.
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
        let identity = KeyIdentity::of(seal);
        if let (true, Some(revision)) = (matches!(row.retention, Retention::Current | Retention::Superseded), row.mod_revision) {
            let began = self.began.entry((evidence, identity)).or_insert(revision);
            *began = revision.min(*began);
        }
        let (Some(name), Some(sealed), false) = (seal.name, Sealed::parse(value), row.fragment) else { return };
        match sealed.provider {
            Provider::KmsV1 => {
                if let Some(envelope) = KmsV1::parse(name.body) {
                    self.plan.add_v1(name.name, &envelope);
                }
            }
            Provider::KmsV2 => {
                if let Ok(object) = EncryptedObject::parse(name.body)
                    && self.plan.add_v2(name.name, &object).is_some()
                    && !row.duplicate
                {
                    let count = self.dek_source_types.entry((identity, object.dek_source_type)).or_default();
                    *count = count.saturating_add(1);
                }
            }
            Provider::AesCbc | Provider::AesGcm | Provider::Secretbox | Provider::Unknown => {}
        }
    }
}
