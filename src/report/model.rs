//! The owned model of a run: what outlives the evidence it came from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::keys::Retirement;
use super::readable::{Around, Readable, ReadableSecret};
use super::verify::Verification;
use crate::analysis::{
    Facts, Judgement, KeyCounts, KeyUse, Kind, Place, Protection, ResidueMode, ResourceCounts, Retention, Role, SecretCounts, Sum, Survey,
    Tally,
};
use crate::envelope::KeyIdentity;
use crate::evidence::anomaly::{Anomalies, Anomaly, Class};
use crate::kubernetes::KeyMaterial;

/// A run over one or several inputs.
#[derive(Debug, Default)]
pub struct Report {
    /// Each input that was analysed.
    pub evidences: Vec<EvidenceReport>,
    /// What can be read in each input: a file, or a directory as a whole.
    pub readable: Vec<(PathBuf, Readable)>,
    /// Inputs that could not be, each with the reason.
    pub not_analysed: Vec<String>,
    /// What in a data directory was not read, each with the reason.
    pub passed_over: Vec<String>,
    /// How many evidences there were before each that a bug left half read.
    pub abandoned: Vec<usize>,
    /// Words of the scope: `secrets`, `all`, a list.
    pub resources: String,
    /// What became of the values under each key, where they were to be opened.
    pub proofs: BTreeMap<KeyIdentity<'static>, KeyProof>,
    /// Whether a key is still needed, where that was asked.
    pub retirement: Option<Retirement>,
    /// What a verification came to.
    pub verification: Option<Verification>,
    /// What leaves objects out beyond the usual, in words.
    pub filter: Option<String>,
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
    pub values: BTreeMap<(Place, Retention, Protection), u64>,
    /// Fragments among them.
    pub fragments: Sum,
    /// Fragments of plaintext Secrets of which not even the key is known.
    pub unnamed_secrets: Sum,
    /// Fragments of plaintext of which nothing else is known.
    pub unnamed_others: Sum,
    /// Tombstones in scope.
    pub tombstones: u64,
    /// Encrypted values with more than one reading of their key's name.
    pub uncertain_names: u64,
    /// Objects in plaintext that hold keys: what they hold, their key in etcd, and the most urgent place they stand in.
    pub key_material: Vec<(KeyMaterial, String, Retention)>,
}

/// What is said of a data directory: its evidences together.
#[derive(Debug)]
pub struct DirectoryReport {
    /// As it was given.
    pub path: PathBuf,
    /// The member's own evidences as one: a Secret in several of them is counted once.
    pub whole: EvidenceReport,
    /// Number of its first evidence.
    pub first: usize,
}

/// What needs a key.
#[derive(Clone, Debug, Default)]
pub struct KeyReport {
    /// Which key.
    pub identity: KeyIdentity<'static>,
    /// Values under it.
    pub counts: KeyCounts,
    /// Their resources.
    pub group_resources: BTreeSet<String>,
    /// Distinct wrapped DEKs or seeds.
    pub dek_sources: u64,
    /// Values whose name has more than one reading.
    pub uncertain: u64,
    /// What became of them, where they were to be opened.
    pub proof: Option<KeyProof>,
}

/// What became of the values under a key, and what its KMS says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyProof {
    /// Values that opened.
    pub opened: u64,
    /// Values that did not, whatever the reason.
    pub failed: u64,
    /// Such as `Enabled`.
    pub state: Option<String>,
    /// `AWS` or `CUSTOMER`.
    pub manager: Option<String>,
    /// Whether it is rotated by itself.
    pub is_rotated: Option<bool>,
    /// Keys that the KMS says it used.
    pub kms_key_ids: BTreeSet<String>,
}

impl KeyProof {
    /// The key that the KMS says it used, where it was one.
    pub fn kms_key_id(&self) -> Option<&str> {
        self.kms_key_ids.first().filter(|_| self.kms_key_ids.len() == 1).map(String::as_str)
    }
}

impl EvidenceReport {
    /// Takes what is to be said out of the two passes over an evidence.
    ///
    /// `named`: how many Secrets that can be read are listed by name.
    pub fn new(survey: Survey<'_>, tally: Tally<'_>, named: usize) -> Self {
        let around = Around { prefixes: &survey.prefixes, existing: survey.existing() };
        Self::of(survey.facts.clone(), survey.anomalies.clone(), tally, &around, named)
    }

    /// The same for any evidence.
    pub fn of<'data>(facts: Facts, anomalies: Anomalies, tally: Tally<'data>, around: &Around<'_>, named: usize) -> Self {
        let judgement = Judgement::of(&facts, &tally, &anomalies);
        let readable = Readable::new(around, tally.exposed, named);
        let mut keys: Vec<KeyReport> =
            tally.keys.into_groups().into_iter().map(|(identity, used)| KeyReport::new(&identity, &used)).collect();
        keys.sort_by(|a, b| (b.counts.current, &a.identity).cmp(&(a.counts.current, &b.identity)));
        Self {
            judgement,
            anomaly_counts: anomalies.counts().clone(),
            anomalies: anomalies.into_sorted(),
            facts,
            secrets: tally.secrets,
            readable,
            keys,
            resources: tally.resources.into_groups().into_iter().map(|(resource, counts)| (resource.0.into_owned(), counts)).collect(),
            values: tally.values,
            fragments: tally.fragments,
            unnamed_secrets: tally.unnamed_secrets,
            unnamed_others: tally.unnamed_others,
            tombstones: tally.tombstones,
            uncertain_names: tally.uncertain_names,
            key_material: tally
                .key_material
                .into_iter()
                .map(|((material, key), retention)| (material, String::from_utf8_lossy(key).into_owned(), retention))
                .collect(),
        }
    }
}

impl EvidenceReport {
    /// Whether nothing in it, at any place, is in the scope that was asked for.
    pub fn is_out_of_scope(&self) -> bool {
        self.values.is_empty() && self.tombstones == 0
    }

    /// Existing objects that were not looked at, and how many of them are encrypted.
    pub fn passed_over(&self) -> (u64, u64) {
        let outside = self.resources.values().map(|counts| counts.out_of_scope);
        outside.fold((0, 0), |(all, encrypted), counts| (all.saturating_add(counts.objects), encrypted.saturating_add(counts.encrypted)))
    }
}

impl KeyReport {
    fn new(identity: &KeyIdentity<'_>, used: &KeyUse<'_>) -> Self {
        Self {
            identity: identity.owned(),
            counts: used.counts,
            group_resources: used.group_resources.iter().map(|resource| resource.0.to_string()).collect(),
            dek_sources: used.dek_sources(),
            uncertain: used.uncertain,
            proof: None,
        }
    }
}

impl Report {
    /// The keys of all inputs, each once, by identity.
    ///
    /// DEK sources are counted per input: the same one in two inputs counts twice.
    pub fn keys(&self) -> Vec<KeyReport> {
        let mut all: BTreeMap<KeyIdentity<'static>, KeyReport> = BTreeMap::new();
        for key in self.evidences.iter().flat_map(|evidence| &evidence.keys) {
            let known = all.entry(key.identity.clone()).or_default();
            known.identity = key.identity.clone();
            known.counts.add(key.counts);
            known.group_resources.extend(key.group_resources.iter().cloned());
            known.dek_sources = known.dek_sources.saturating_add(key.dek_sources);
            known.uncertain = known.uncertain.saturating_add(key.uncertain);
        }
        for (name, proof) in &self.proofs {
            if let Some(key) = all.get_mut(name) {
                key.proof = Some(proof.clone());
            }
        }
        all.into_values().collect()
    }

    /// The number that the next evidence gets.
    pub fn next_number(&self) -> usize {
        self.number_of(self.evidences.len())
    }

    /// The number of the evidence at this place of the list. One that was left half read has taken a number too.
    pub fn number_of(&self, index: usize) -> usize {
        index.saturating_add(self.abandoned.iter().filter(|before| **before <= index).count())
    }

    /// Leaves an evidence half read.
    pub fn abandon(&mut self) {
        self.abandoned.push(self.evidences.len());
    }

    /// Takes a file that was analysed.
    pub fn add(&mut self, evidence: EvidenceReport) {
        self.readable.push((evidence.facts.path.clone(), evidence.readable.clone()));
        self.evidences.push(evidence);
    }

    /// What can be read in each input.
    pub fn inputs(&self) -> impl Iterator<Item = &Readable> {
        self.readable.iter().map(|(_, readable)| readable)
    }

    /// Every Secret that can be read and is named, with its input.
    pub fn readable_secrets(&self) -> impl Iterator<Item = (&Path, &ReadableSecret)> {
        self.readable.iter().flat_map(|(path, readable)| readable.first.iter().map(|secret| (path.as_path(), secret)))
    }

    /// Secrets that exist, by how their newest revision is stored. What was left behind says nothing of now.
    pub fn secrets(&self, count: fn(&SecretCounts) -> u64) -> u64 {
        let own = self.evidences.iter().filter(|evidence| evidence.facts.role != Role::Leftover);
        own.map(|evidence| count(&evidence.secrets)).fold(0, u64::saturating_add)
    }

    /// The filter that nothing in any input matches.
    pub fn unmatched_filter(&self) -> Option<&str> {
        let is_unmatched = !self.evidences.is_empty() && self.evidences.iter().all(EvidenceReport::is_out_of_scope);
        self.filter.as_deref().filter(|_| is_unmatched)
    }

    /// Where a run looked in all of its inputs.
    pub fn looked_at(&self) -> Vec<&'static str> {
        let least = self.evidences.iter().filter_map(|evidence| evidence.facts.residue_mode()).min_by_key(|mode| mode.reach());
        let places: &[&str] = match least {
            Some(ResidueMode::Full) => &["free pages", "overflow tails", "slack", "bytes behind the payload"],
            Some(ResidueMode::Pages) => &["free pages"],
            Some(ResidueMode::Off) | None => &[],
        };
        let has = |kind| self.evidences.iter().any(|evidence| evidence.facts.kind == kind);
        let has_trees =
            self.evidences.iter().filter(|evidence| evidence.facts.database().is_some()).all(|evidence| evidence.facts.has_tree());
        let tree = least.filter(|_| has_trees).map(|_| "tree");
        let others = [(Kind::Wal, "write-ahead log"), (Kind::RaftSnapshot, "raft snapshots"), (Kind::Image, "bytes of no known form")];
        let others = others.into_iter().filter(|(kind, _)| has(*kind)).map(|(_, name)| name);
        tree.into_iter().chain(places.iter().copied()).chain(others).collect()
    }

    /// What a run did not look at.
    pub fn not_looked_at(&self) -> Vec<String> {
        let mut list = not_looked_at(&self.evidences);
        list.extend(self.passed_over.iter().cloned());
        list
    }
}

/// What was not looked at in these evidences.
pub(super) fn not_looked_at<'a>(evidences: impl IntoIterator<Item = &'a EvidenceReport> + Clone) -> Vec<String> {
    let mut list = Vec::new();
    let (mut objects, mut encrypted) = (0u64, 0u64);
    for passed_over in evidences.clone().into_iter().map(EvidenceReport::passed_over) {
        objects = objects.saturating_add(passed_over.0);
        encrypted = encrypted.saturating_add(passed_over.1);
    }
    if objects > 0 {
        list.push(match encrypted {
            0 => format!("{objects} other objects (all unencrypted)"),
            _ => format!("{objects} other objects ({encrypted} of them encrypted)"),
        });
    }
    let has = |kinds: &[Kind]| evidences.clone().into_iter().any(|evidence| kinds.contains(&evidence.facts.kind));
    if !has(&[Kind::Snapshot, Kind::Database]) {
        list.push("the database".to_owned());
    }
    let has_log = has(&[Kind::Wal]);
    let least = evidences.into_iter().filter_map(|evidence| evidence.facts.residue_mode()).min_by_key(|mode| mode.reach());
    match least {
        Some(ResidueMode::Full) | None => {}
        Some(ResidueMode::Pages) => list.push("overflow tails, slack".to_owned()),
        Some(ResidueMode::Off) => list.push("free pages and all other residue".to_owned()),
    }
    let log = (!has_log).then_some("write-ahead log");
    list.extend(log.into_iter().chain(["other members", "other backups"]).map(str::to_owned));
    list
}
