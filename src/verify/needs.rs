//! What there is to open, before anybody is asked.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::Source;
use crate::collect::Collected;
use crate::envelope::{Body, KeyIdentity, KeyPattern, Sealed};
use crate::evidence::EvidenceId;
use crate::evidence::count::{Count, Values};
use crate::kms::Plan;
use crate::row::{Retention, Scope, ValueRow};

/// The first revision that a retained value has under a key, by evidence and by the prefix of its cluster.
pub(super) type Began<'data> = BTreeMap<(EvidenceId, &'data [u8]), u64>;

/// What the values of all inputs need.
#[derive(Default)]
pub struct Needs<'data> {
    /// Distinct DEK sources.
    pub plan: Plan,
    /// The first revision that a retained value has under each key, by evidence and by the prefix of its cluster.
    pub began: BTreeMap<(EvidenceId, &'data [u8], KeyIdentity<'data>), u64>,
    /// Values by the stored type of their DEK source, where a provider has one.
    pub dek_source_types: BTreeMap<(KeyIdentity<'data>, i64), Count<Values>>,
}

/// The prefix of a row's cluster; empty where it has none.
pub(super) fn prefix_of<'data>(row: &ValueRow<'data>) -> &'data [u8] {
    row.storage_key.as_ref().and_then(|key| key.prefix).unwrap_or_default()
}

impl<'data> Needs<'data> {
    /// The first revision under a key, wherever there is one.
    pub(super) fn began(&self, key: &KeyPattern) -> Began<'data> {
        let mut first = Began::default();
        for ((evidence, prefix, _), began) in self.began.iter().filter(|((_, _, identity), _)| key.matches(identity)) {
            let known = first.entry((*evidence, *prefix)).or_insert(*began);
            *known = (*known).min(*began);
        }
        first
    }

    /// Looks at every value of a source that is in scope, and adds what it needs. Gives the counts of that evidence.
    pub fn read(&mut self, source: &Source<'_, 'data>, scope: &Scope) -> Collected<'data> {
        let needs = Mutex::new(self);
        source.each(scope, |row| {
            if row.envelope().is_some() {
                needs.lock().unwrap_or_else(PoisonError::into_inner).add(source.id, row);
            }
        })
    }

    /// The same of what a ledger may say that an earlier run has opened it.
    pub fn that_remember() -> Self {
        Self { plan: Plan::that_remembers(), ..Self::default() }
    }

    /// What a single value needs.
    pub fn of_one(evidence: EvidenceId, row: &ValueRow<'data>) -> Self {
        let mut needs = Self::default();
        needs.add(evidence, row);
        needs
    }

    fn add(&mut self, evidence: EvidenceId, row: &ValueRow<'data>) {
        let Some(info) = row.envelope() else { return };
        let identity = info.key();
        if let (true, Some(revision)) =
            (matches!(row.retention, Retention::Current | Retention::Newest | Retention::Superseded), row.written.main)
        {
            let began = self.began.entry((evidence, prefix_of(row), identity.clone())).or_insert(revision);
            *began = revision.min(*began);
        }
        let (Some(name), Some(sealed), false) = (info.name, Sealed::parse(row.bytes.0), row.is_fragment()) else { return };
        // What is sealed with a local key needs nobody, and what is malformed nobody opens.
        let Ok(Body::Kms(envelope)) = Body::parse(sealed.provider, name.body) else { return };
        let Some(id) = self.plan.add(name.name, &envelope) else { return };
        self.plan.remember(&id, row.key, row.bytes.0);
        if let (Some(dek_source_type), false) = (envelope.dek_source_type, row.is_duplicate) {
            self.dek_source_types.entry((identity, dek_source_type)).or_default().add_one();
        }
    }
}
