//! The owned model of a run: what outlives the evidence it came from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::readable::{ClusterContext, Readable, ReadableSecret};
use super::retirement::Retirement;
use super::verification::Verification;
use crate::collect::{KeyCounts, KeyUse, ResourceCounts, SecretCounts, Sum, Tally};
use crate::envelope::KeyIdentity;
use crate::evidence::anomaly::{Anomalies, Anomaly, Class};
use crate::evidence::{EvidenceId, MemberId};
use crate::finding::{Finding, Judgement};
use crate::kubernetes::KeyMaterial;
use crate::mvcc::history::Comparison;
use crate::row::{Form, Place, Retention};
use crate::store::{Facts, Kind, Profile, ResidueMode, Role};
use crate::verify::Target;

/// A run over one or several inputs.
#[derive(Debug, Default)]
pub struct Report {
    /// Each evidence that was read.
    pub evidences: Vec<EvidenceReport>,
    /// Each member that they are of, in the order given.
    pub members: Vec<MemberReport>,
    /// Inputs, or files of them, that could not be read, each with the reason.
    pub not_analysed: Vec<String>,
    /// What in a data directory was not read, each with the reason.
    pub passed_over: Vec<String>,
    /// Words of the scope: `secrets`, `all`, a list.
    pub resources: String,
    /// What leaves objects out beyond the usual, in words.
    pub filter: Option<String>,
    /// What became of the values under each key, where they were to be opened.
    pub proofs: BTreeMap<KeyIdentity<'static>, KeyProof>,
    /// Whether a key is still needed, where that was asked.
    pub retirement: Option<Retirement>,
    /// What a key opens, where that was asked.
    pub opens: Option<Opens>,
    /// What a verification came to.
    pub verification: Option<Verification>,
    /// Findings that only all evidences together show.
    pub findings: Vec<(EvidenceId, Finding)>,
}

/// What is said of one evidence, or of a member's evidences together.
#[derive(Debug)]
pub struct EvidenceReport {
    /// Which one.
    pub id: EvidenceId,
    /// What the first pass found.
    pub facts: Facts,
    /// How it stands to each database before it of the same cluster; `None`: it was not held against any.
    pub compared: Option<Vec<Compared>>,
    /// What `etcdutl snapshot status` prints as its hash, where that was asked.
    pub status_hash: Option<u32>,
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
    pub values: BTreeMap<(Place, Retention, Form), u64>,
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

/// How a database stands to one before it of the same cluster.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The other one.
    pub evidence: EvidenceId,
    /// Its path, as it was given.
    pub path: PathBuf,
    /// What came of it.
    pub comparison: Comparison,
}

/// What is said of a member: a file given by itself, or a data directory.
#[derive(Debug)]
pub struct MemberReport {
    /// Which one.
    pub id: MemberId,
    /// As it was given.
    pub path: PathBuf,
    /// Its evidences, in their order.
    pub parts: Vec<EvidenceId>,
    /// Of a directory, its evidences as one: a Secret in several of them is counted once. A file is its own whole.
    pub whole: Option<Box<EvidenceReport>>,
}

/// What a key opens, by what values name.
#[derive(Clone, Debug)]
pub struct Opens {
    /// The key that was asked for.
    pub target: Target,
    /// The first objects under it, those that are current first.
    pub objects: Vec<(Retention, String)>,
    /// How many more there are.
    pub more: u64,
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
    /// What is to be said of an evidence of which everything is known. `named`: how many Secrets that can be read are listed by name.
    pub fn new(id: EvidenceId, profile: &Profile, tally: Tally<'_>, context: &ClusterContext<'_>, named: usize) -> Self {
        Self::of(id, profile.facts.clone(), profile.anomalies.clone(), tally, context, named)
    }

    /// The same of a member's evidences together, whose anomalies are told one by one.
    pub fn of(id: EvidenceId, facts: Facts, anomalies: Anomalies, tally: Tally<'_>, context: &ClusterContext<'_>, named: usize) -> Self {
        let judgement = Judgement::of(&facts, &tally, &anomalies);
        let readable = Readable::new(context, tally.exposed, named);
        let mut keys: Vec<KeyReport> =
            tally.keys.into_groups().into_iter().map(|(identity, used)| KeyReport::new(&identity, &used)).collect();
        keys.sort_by(|a, b| (b.counts.current, &a.identity).cmp(&(a.counts.current, &b.identity)));
        Self {
            id,
            judgement,
            compared: None,
            status_hash: None,
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

    /// Every finding with its evidence: those of each evidence, then those that all of them together show.
    pub fn findings(&self) -> impl Iterator<Item = (EvidenceId, &Finding)> {
        let own = self.evidences.iter().flat_map(|evidence| evidence.judgement.findings.iter().map(move |finding| (evidence.id, finding)));
        own.chain(self.findings.iter().map(|(id, finding)| (*id, finding)))
    }

    /// The evidence of this number.
    pub fn evidence(&self, id: EvidenceId) -> Option<&EvidenceReport> {
        self.evidences.iter().find(|evidence| evidence.id == id)
    }

    /// The path of the evidence of this number, as it was given.
    pub fn path_of(&self, id: EvidenceId) -> &Path {
        self.evidence(id).map_or(Path::new(""), |evidence| &evidence.facts.path)
    }

    /// The evidences of a member.
    pub fn parts<'a>(&'a self, member: &'a MemberReport) -> impl Iterator<Item = &'a EvidenceReport> + Clone {
        self.evidences.iter().filter(|evidence| member.parts.contains(&evidence.id))
    }

    /// What is said of a member as a whole.
    pub fn whole<'a>(&'a self, member: &'a MemberReport) -> Option<&'a EvidenceReport> {
        match &member.whole {
            Some(whole) => Some(whole),
            None => self.evidence(*member.parts.first()?),
        }
    }

    /// What can be read in each member, with its path.
    pub fn readable(&self) -> impl Iterator<Item = (&Path, &Readable)> {
        self.members.iter().filter_map(|member| Some((member.path.as_path(), &self.whole(member)?.readable)))
    }

    /// Every Secret that can be read and is named, with its input.
    pub fn readable_secrets(&self) -> impl Iterator<Item = (&Path, &ReadableSecret)> {
        self.readable().flat_map(|(path, readable)| readable.first.iter().map(move |secret| (path, secret)))
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
        let least = self.evidences.iter().filter_map(|evidence| evidence.facts.residue_mode()).min();
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
pub fn not_looked_at<'a>(evidences: impl IntoIterator<Item = &'a EvidenceReport> + Clone) -> Vec<String> {
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
    let least = evidences.into_iter().filter_map(|evidence| evidence.facts.residue_mode()).min();
    match least {
        Some(ResidueMode::Full) | None => {}
        Some(ResidueMode::Pages) => list.push("overflow tails, slack".to_owned()),
        Some(ResidueMode::Off) => list.push("free pages and all other residue".to_owned()),
    }
    let log = (!has_log).then_some("write-ahead log");
    list.extend(log.into_iter().chain(["other members", "other backups"]).map(str::to_owned));
    list
}

impl Compared {
    /// Leaves out what one of the two is said to lack. Of a database whose trailer does not match the bytes may be others: it
    /// accuses none of lacking them.
    pub fn doubt(&mut self) {
        self.comparison.doubt();
    }
}

impl std::fmt::Display for Compared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, of the same cluster", self.path.display())?;
        if self.comparison.agrees() { Ok(()) } else { write!(f, ", {}", self.comparison) }
    }
}
