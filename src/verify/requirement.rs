//! Re-encryption: is everything under the key it should be under, and what is left?

use std::collections::BTreeMap;

use super::Needs;
use crate::envelope::{KeyIdentity, KeyPattern};
use crate::evidence::EvidenceId;
use crate::kms::{ConfiguredProvider, EncryptionConfig};
use crate::row::{EnvelopeInfo, Form, Place, Retention, ValueRow};

/// Where the requirement comes from.
#[derive(Clone, Copy)]
pub enum Required<'a> {
    /// Nothing is required.
    Nothing,
    /// One key for every resource in question.
    Key(&'a KeyPattern),
    /// The first provider of each resource.
    Configured(&'a [EncryptionConfig]),
}

/// What the values say about the requirement.
#[derive(Clone, Debug, Default)]
pub struct Requirement {
    /// Keys that are required, each with the values that are current under it.
    pub required: BTreeMap<KeyPattern, u64>,
    /// Current values that are not under the required key.
    pub left: BTreeMap<Left, u64>,
    /// Values written under another key after the required one began: by that key, how many, the first and the last revision.
    pub late: BTreeMap<(EvidenceId, Option<KeyIdentity<'static>>), (u64, u64, u64)>,
}

/// Current values that are left.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    /// The evidence.
    pub evidence: EvidenceId,
    /// The resource.
    pub group_resource: String,
    /// The namespace; `None` where the resource has none.
    pub namespace: Option<String>,
    /// The key they are under; `None`: plaintext.
    pub key: Option<KeyIdentity<'static>>,
}

/// The key that a configuration writes a resource with; `None`: it writes plaintext, or does not say.
pub(super) fn of_config(configs: &[EncryptionConfig], group_resource: &str) -> Option<KeyPattern> {
    let first = configs.iter().find_map(|config| config.providers_of(group_resource).into_iter().next())?;
    match first {
        ConfiguredProvider::Identity => None,
        ConfiguredProvider::Local(provider, keys) => KeyPattern::of_provider(*provider, &keys.first()?.name),
        ConfiguredProvider::Kms(kms) => KeyPattern::of_provider(kms.provider, &kms.name),
    }
}

impl Required<'_> {
    fn of(&self, group_resource: &str) -> Option<KeyPattern> {
        match self {
            Self::Nothing => None,
            Self::Key(key) => Some((*key).clone()),
            Self::Configured(configs) => of_config(configs, group_resource),
        }
    }
}

impl Requirement {
    /// Looks at a value.
    pub(super) fn see(&mut self, evidence: EvidenceId, row: &ValueRow<'_>, required: Required<'_>, needs: &Needs<'_>) {
        let is_retained = row.place == Place::Tree && matches!(row.retention, Retention::Current | Retention::Superseded);
        let Some(storage_key) = row.storage_key.as_ref().filter(|_| is_retained && row.form() != Form::Empty) else { return };
        let Some(key) = required.of(&storage_key.group_resource.0) else { return };
        let identity = row.envelope().map(EnvelopeInfo::key);
        if identity.as_ref().is_some_and(|identity| key.matches(identity)) {
            if row.retention == Retention::Current {
                let under = self.required.entry(key).or_default();
                *under = under.saturating_add(1);
            }
            return;
        }
        let other = identity.as_ref().map(KeyIdentity::owned);
        let began = needs.began.iter().filter(|((of, identity), _)| *of == evidence && key.matches(identity)).map(|(_, began)| *began);
        if let (Some(began), Some(revision)) = (began.min(), row.written.main)
            && revision > began
        {
            let late = self.late.entry((evidence, other.clone())).or_insert((0, revision, revision));
            *late = (late.0.saturating_add(1), late.1.min(revision), late.2.max(revision));
        }
        self.required.entry(key).or_default();
        if row.retention == Retention::Current {
            let left = Left {
                evidence,
                group_resource: storage_key.group_resource.0.to_string(),
                namespace: storage_key.namespace.map(str::to_owned),
                key: other,
            };
            let count = self.left.entry(left).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// Current values that are not under the required key.
    pub fn left(&self) -> u64 {
        self.left.values().copied().fold(0, u64::saturating_add)
    }

    /// Current values that are.
    pub fn met(&self) -> u64 {
        self.required.values().copied().fold(0, u64::saturating_add)
    }

    /// Forgets resources of which no value at all is encrypted: nobody meant them.
    pub(super) fn keep_resources(&mut self, is_meant: impl Fn(&str) -> bool) {
        self.left.retain(|left, _| is_meant(&left.group_resource));
    }
}
