//! The owned model of a run: what outlives the evidence it came from.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::{
    Exposure, Facts, Judgement, KeyCounts, KeyIdentity, KeyUse, Protection, ResourceCounts, Retention, SecretCounts, Survey, Tally,
};
use crate::evidence::anomaly::{Anomaly, Class};
use crate::kubernetes::StorageKey;

/// A run over one or several inputs.
#[derive(Debug, Default)]
pub struct Report {
    /// Each input that was analysed.
    pub evidences: Vec<EvidenceReport>,
    /// Inputs that could not be, each with the reason.
    pub not_analysed: Vec<String>,
    /// Words of the scope: `secrets`, `all`, a list.
    pub resources: String,
}

/// What is said of one evidence.
#[derive(Debug)]
pub struct EvidenceReport {
    /// What the first pass found.
    pub facts: Facts,
    /// Findings and conditions.
    pub judgement: Judgement,
    /// Every anomaly, by offset.
    pub anomalies: Vec<Anomaly>,
    /// How many there are of each class, listed or not.
    pub anomaly_counts: BTreeMap<Class, u64>,
    /// Secrets that exist.
    pub secrets: SecretCounts,
    /// Secrets that can be read.
    pub readable: Readable,
    /// Keys that values name, the most needed first.
    pub keys: Vec<KeyReport>,
    /// Existing objects by resource.
    pub resources: BTreeMap<String, ResourceCounts>,
    /// Values in scope.
    pub values: BTreeMap<(Retention, Protection), u64>,
    /// Tombstones in scope.
    pub tombstones: u64,
    /// Encrypted values with more than one reading of their key's name.
    pub uncertain_names: u64,
}

/// Secrets that can be read without a key.
#[derive(Clone, Debug, Default)]
pub struct Readable {
    /// All of them, each once.
    pub total: u64,
    /// In their newest revision.
    pub current: u64,
    /// In an older retained revision.
    pub superseded: u64,
    /// In an older retained revision, while the newest is not readable.
    pub only_superseded: u64,
    /// Deleted, but retained.
    pub deleted: u64,
    /// How many of each type.
    pub types: BTreeMap<String, u64>,
    /// The first of them by key, those readable in their newest revision before the others.
    pub first: Vec<ReadableSecret>,
}

/// A Secret that can be read without a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReadableSecret {
    /// `namespace/name`, or the whole key where it is not of that form.
    pub label: String,
    /// Such as `kubernetes.io/tls`; empty where it is not known.
    pub secret_type: String,
    /// In its newest revision.
    pub current: bool,
    /// In an older retained one.
    pub superseded: bool,
    /// It was deleted; a retained revision holds it.
    pub deleted: bool,
}

/// A key's identity, owned.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName {
    /// The provider's word.
    pub provider: String,
    /// The version's word.
    pub version: String,
    /// The key's or provider's name.
    pub name: Option<String>,
    /// KMS v2: what the plugin calls the key.
    pub key_id: Option<String>,
}

/// What needs a key.
#[derive(Clone, Debug, Default)]
pub struct KeyReport {
    /// Which key.
    pub identity: KeyName,
    /// Values under it.
    pub counts: KeyCounts,
    /// Their resources.
    pub group_resources: BTreeSet<String>,
    /// Distinct wrapped DEKs or seeds.
    pub dek_sources: u64,
    /// Values whose name has more than one reading.
    pub uncertain: u64,
}

impl EvidenceReport {
    /// Takes what is to be said out of the two passes over an evidence.
    pub fn new(survey: Survey<'_>, tally: Tally<'_>) -> Self {
        let judgement = Judgement::of(&survey.facts, &tally, &survey.anomalies);
        let readable = Readable::new(&survey, tally.exposed);
        let mut keys: Vec<KeyReport> =
            tally.keys.into_groups().into_iter().map(|(identity, used)| KeyReport::new(&identity, &used)).collect();
        keys.sort_by(|a, b| (b.counts.current, &a.identity).cmp(&(a.counts.current, &b.identity)));
        Self {
            judgement,
            anomaly_counts: survey.anomalies.counts().clone(),
            anomalies: survey.anomalies.into_sorted(),
            facts: survey.facts,
            secrets: tally.secrets,
            readable,
            keys,
            resources: tally.resources.into_groups().into_iter().map(|(resource, counts)| (resource.0.into_owned(), counts)).collect(),
            values: tally.values,
            tombstones: tally.tombstones,
            uncertain_names: tally.uncertain_names,
        }
    }
}

impl Readable {
    /// How many Secrets are listed by name.
    pub const LISTED: usize = 20;

    fn new<'data>(survey: &Survey<'data>, exposed: impl IntoIterator<Item = (&'data [u8], Exposure<'data>)>) -> Self {
        let mut readable = Self::default();
        let mut all: Vec<(&[u8], Exposure<'_>)> = exposed.into_iter().collect();
        for (_, exposure) in &all {
            let count = |held: bool, count: &mut u64| *count = count.saturating_add(u64::from(held));
            count(true, &mut readable.total);
            count(exposure.current, &mut readable.current);
            count(exposure.superseded, &mut readable.superseded);
            count(exposure.superseded && !exposure.current && !exposure.deleted, &mut readable.only_superseded);
            count(exposure.deleted, &mut readable.deleted);
            match readable.types.get_mut(exposure.secret_type.as_ref()) {
                Some(known) => *known = known.saturating_add(1),
                None => {
                    readable.types.insert(exposure.secret_type.to_string(), 1);
                }
            }
        }
        all.sort_unstable_by_key(|(key, exposure)| (!exposure.current, *key));
        let first = all.into_iter().take(Self::LISTED).map(|(key, exposure)| ReadableSecret {
            label: label(key, survey),
            secret_type: exposure.secret_type.into_owned(),
            current: exposure.current,
            superseded: exposure.superseded,
            deleted: exposure.deleted,
        });
        readable.first = first.collect();
        readable
    }
}

impl KeyReport {
    fn new(identity: &KeyIdentity<'_>, used: &KeyUse<'_>) -> Self {
        let word = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            identity: KeyName {
                provider: word(identity.provider),
                version: word(identity.version),
                name: identity.name.map(str::to_owned),
                key_id: identity.key_id.map(str::to_owned),
            },
            counts: used.counts,
            group_resources: used.group_resources.iter().map(|resource| resource.0.to_string()).collect(),
            dek_sources: used.dek_sources(),
            uncertain: used.uncertain,
        }
    }
}

impl Report {
    /// The keys of all inputs, each once, by identity.
    ///
    /// DEK sources are counted per input: the same one in two inputs counts twice.
    pub fn keys(&self) -> Vec<KeyReport> {
        let mut all: BTreeMap<KeyName, KeyReport> = BTreeMap::new();
        for key in self.evidences.iter().flat_map(|evidence| &evidence.keys) {
            let known = all.entry(key.identity.clone()).or_default();
            known.identity = key.identity.clone();
            known.counts.add(key.counts);
            known.group_resources.extend(key.group_resources.iter().cloned());
            known.dek_sources = known.dek_sources.saturating_add(key.dek_sources);
            known.uncertain = known.uncertain.saturating_add(key.uncertain);
        }
        all.into_values().collect()
    }

    /// What a run did not look at.
    pub fn not_looked_at(&self) -> Vec<String> {
        not_looked_at(&self.evidences)
    }
}

/// What was not looked at in these evidences.
pub(super) fn not_looked_at<'a>(evidences: impl IntoIterator<Item = &'a EvidenceReport>) -> Vec<String> {
    let mut list = Vec::new();
    let (mut objects, mut encrypted) = (0u64, 0u64);
    for counts in evidences.into_iter().flat_map(|evidence| evidence.resources.values()).map(|counts| counts.out_of_scope) {
        objects = objects.saturating_add(counts.objects);
        encrypted = encrypted.saturating_add(counts.encrypted);
    }
    if objects > 0 {
        list.push(match encrypted {
            0 => format!("{objects} other objects (all unencrypted)"),
            _ => format!("{objects} other objects ({encrypted} of them encrypted)"),
        });
    }
    list.extend(["free pages", "write-ahead log", "other members", "other backups"].map(str::to_owned));
    list
}

/// `namespace/name`, or the whole key.
fn label(key: &[u8], survey: &Survey<'_>) -> String {
    let text = String::from_utf8_lossy(key);
    match StorageKey::parse(&text, &survey.prefixes) {
        Some(StorageKey { namespace: Some(namespace), name, .. }) => format!("{namespace}/{name}"),
        _ => text.into_owned(),
    }
}
