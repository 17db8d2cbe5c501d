//! Re-encryption: is everything under the key it should be under, and what is left?

use std::collections::BTreeMap;

use super::Needs;
use crate::collect::{KeyIdentity, KeyName};
use crate::envelope::Provider;
use crate::evidence::EvidenceId;
use crate::kms::{ConfiguredProvider, EncryptionConfig};
use crate::row::{Form, Place, Retention, ValueRow};

/// A key that values are to be under.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequiredKey {
    /// Such as `kms`.
    pub provider: String,
    /// Such as `v2`; `None`: any.
    pub version: Option<String>,
    /// The key's or provider's name; `None`: any.
    pub name: Option<String>,
    /// KMS v2's key ID; `None`: any.
    pub key_id: Option<String>,
}

/// Where the requirement comes from.
#[derive(Clone, Copy)]
pub enum Required<'a> {
    /// Nothing is required.
    Nothing,
    /// One key for every resource in question.
    Key(&'a RequiredKey),
    /// The first provider of each resource.
    Configured(&'a [EncryptionConfig]),
}

/// What the values say about the requirement.
#[derive(Clone, Debug, Default)]
pub struct Requirement {
    /// Keys that are required, each with the values that are current under it.
    pub required: BTreeMap<RequiredKey, u64>,
    /// Current values that are not under the required key.
    pub left: BTreeMap<Left, u64>,
    /// Values written under another key after the required one began: by that key, how many, the first and the last revision.
    pub late: BTreeMap<(EvidenceId, Option<KeyName>), (u64, u64, u64)>,
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
    pub key: Option<KeyName>,
}

impl RequiredKey {
    /// Whether a value under this key is where it should be.
    pub fn is_met_by(&self, key: &KeyIdentity<'_>) -> bool {
        key.provider == self.provider.as_bytes()
            && self.version.as_ref().is_none_or(|version| key.version == version.as_bytes())
            && self.name.as_ref().is_none_or(|name| key.name == Some(name))
            && self.key_id.as_ref().is_none_or(|id| key.key_id == Some(id.as_str()))
    }

    /// Reads `PROVIDER/NAME`, `PROVIDER/NAME/KEYID`, or a key ID. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if text.contains(':') && !["kms/", "aescbc/", "aesgcm/", "secretbox/"].iter().any(|provider| text.starts_with(provider)) {
            return Some(Self { provider: "kms".to_owned(), version: None, name: None, key_id: Some(text.to_owned()) });
        }
        let (provider, rest) = text.split_once('/').filter(|(provider, rest)| !provider.is_empty() && !rest.is_empty())?;
        let (name, key_id) = match rest.split_once('/') {
            Some((name, key_id)) if provider == "kms" => (name, Some(key_id.to_owned())),
            _ => (rest, None),
        };
        Some(Self { provider: provider.to_owned(), version: None, name: Some(name.to_owned()), key_id })
    }

    /// The key that a configuration writes a resource with; `None`: it writes plaintext, or does not say.
    pub fn of_config(configs: &[EncryptionConfig], group_resource: &str) -> Option<Self> {
        let first = configs.iter().find_map(|config| config.providers_of(group_resource).into_iter().next())?;
        let (provider, version, name) = match first {
            ConfiguredProvider::Identity => return None,
            ConfiguredProvider::Local(provider, keys) => (*provider, "v1", keys.first()?.name.clone()),
            ConfiguredProvider::Kms(kms) => (kms.provider, if kms.provider == Provider::KmsV1 { "v1" } else { "v2" }, kms.name.clone()),
        };
        let provider = match provider {
            Provider::AesCbc => "aescbc",
            Provider::AesGcm => "aesgcm",
            Provider::Secretbox => "secretbox",
            Provider::KmsV1 | Provider::KmsV2 => "kms",
            Provider::Unknown => return None,
        };
        Some(Self { provider: provider.to_owned(), version: Some(version.to_owned()), name: Some(name), key_id: None })
    }
}

/// In the form in which it is given.
impl std::fmt::Display for RequiredKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.name, &self.key_id) {
            (Some(name), Some(id)) => write!(f, "{}/{name}/{id}", self.provider),
            (Some(name), None) => write!(f, "{}/{name}", self.provider),
            (None, Some(id)) => f.write_str(id),
            (None, None) => f.write_str(&self.provider),
        }
    }
}

impl Required<'_> {
    fn of(&self, group_resource: &str) -> Option<RequiredKey> {
        match self {
            Self::Nothing => None,
            Self::Key(key) => Some((*key).clone()),
            Self::Configured(configs) => RequiredKey::of_config(configs, group_resource),
        }
    }
}

impl Requirement {
    /// Looks at a value.
    pub(super) fn see(&mut self, evidence: EvidenceId, row: &ValueRow<'_>, required: Required<'_>, needs: &Needs<'_>) {
        let is_retained = row.place == Place::Tree && matches!(row.retention, Retention::Current | Retention::Superseded);
        let Some(storage_key) = row.storage_key.as_ref().filter(|_| is_retained && row.form() != Form::Empty) else { return };
        let Some(key) = required.of(&storage_key.group_resource.0) else { return };
        let identity = row.envelope().map(KeyIdentity::of);
        if identity.is_some_and(|identity| key.is_met_by(&identity)) {
            if row.retention == Retention::Current {
                let under = self.required.entry(key).or_default();
                *under = under.saturating_add(1);
            }
            return;
        }
        let other = identity.as_ref().map(KeyName::from);
        let began = needs.began.iter().filter(|((of, identity), _)| *of == evidence && key.is_met_by(identity)).map(|(_, began)| *began);
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
