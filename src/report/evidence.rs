//! What is said of one evidence: what was found in it, and what of it needs a key.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::readable::{ClusterContext, Readable};
use crate::collect::{DistinctDekSources, KeyCounts, KeyUse, ResourceCounts, SecretCounts, StorageCounts, Sum, Tally};
use crate::envelope::KeyIdentity;
use crate::evidence::EvidenceId;
use crate::evidence::anomaly::{Anomalies, Anomaly, Class};
use crate::evidence::count::{Count, Fragments, Objects, Tombstones, Values};
use crate::evidence::words::{path_text, verb};
use crate::finding::{About, Judgement};
use crate::kms::{Failure, KeyState};
use crate::kubernetes::{GroupResource, KeyMaterial};
use crate::mvcc::comparison::Comparison;
use crate::row::{Form, Place, Retention};
use crate::store::{Facts, Kind, Profile, ResidueMode, Role, Status};

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
    pub status: Option<Status>,
    /// Findings and conditions.
    pub judgement: Judgement,
    /// Every anomaly, by offset.
    pub anomalies: Vec<Anomaly>,
    /// How many there are of each class, listed or not.
    pub anomaly_counts: BTreeMap<Class, u64>,
    /// Secrets that exist.
    pub secrets: SecretCounts,
    /// Secrets of the database of which it is not known what they are now.
    pub not_known: SecretCounts,
    /// Values of Secrets that were looked at, at any place and stored in any way.
    pub secret_values: Count<Values>,
    /// Secrets that can be read.
    pub readable: Readable,
    /// Keys that values name, the most needed first.
    pub keys: Vec<KeyReport>,
    /// Existing objects by resource.
    pub resources: BTreeMap<String, ResourceCounts>,
    /// Values in scope.
    pub values: BTreeMap<(Place, Retention, Form), Count<Values>>,
    /// Those of them that count as values of their own, as the keys count them, by how they are stored.
    pub counted: BTreeMap<Form, Count<Values>>,
    /// Those of these that are not whole.
    pub counted_fragments: Count<Fragments>,
    /// Fragments among all values.
    pub fragments: Sum,
    /// Fragments of plaintext Secrets of which not even the key is known.
    pub unnamed_secrets: Sum,
    /// Fragments of plaintext of which nothing else is known.
    pub unnamed_others: Sum,
    /// Fragments of plaintext whose name is lost, where the scope asks for a name: in no other count.
    pub not_placed: Sum,
    /// Tombstones in scope.
    pub tombstones: Count<Tombstones>,
    /// Values of objects in scope of which the form is not known.
    pub unknown_forms: Count<Values>,
    /// Encrypted values with more than one reading of their key's name.
    pub uncertain_names: Count<Values>,
    /// Objects in plaintext that hold keys: what they hold, their key in etcd, and the most urgent place they stand in.
    pub key_material: Vec<(KeyMaterial, String, Retention)>,
}

/// How a database stands to those before it of the same cluster that agree with each other.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The first one of them.
    pub evidence: EvidenceId,
    /// Its path, as it was given.
    pub path: PathBuf,
    /// How many they are.
    pub databases: u64,
    /// What came of it.
    pub comparison: Comparison,
}

/// How a database that fails its own trailer stands to others that were read after it.
#[derive(Clone, Debug)]
pub struct Contradicted {
    /// The others.
    pub by: Compared,
    /// The first of its writes that they contradict.
    pub offset: Option<u64>,
    /// That write's page.
    pub pgid: Option<u64>,
}

/// What needs a key.
#[derive(Clone, Debug, Default)]
pub struct KeyReport {
    /// Which key.
    pub identity: KeyIdentity<'static>,
    /// Values under it.
    pub counts: KeyCounts,
    /// Those that may be current, and of which that is not known.
    pub perhaps_current: Count<Values>,
    /// Their resources.
    pub group_resources: BTreeSet<String>,
    /// Values and resources by the prefix of their API server; bytes that are no text are replaced.
    pub by_prefix: BTreeMap<Option<String>, (KeyCounts, BTreeSet<String>)>,
    /// Distinct wrapped DEKs or seeds.
    pub dek_sources: DistinctDekSources,
    /// Values whose name has more than one reading.
    pub uncertain: Count<Values>,
    /// What became of them, where they were to be opened.
    pub proof: Option<KeyProof>,
}

/// What became of the values under a key, and what its KMS says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyProof {
    /// Values that opened.
    pub opened: Count<Values>,
    /// Values that did not, whatever the reason.
    pub failed: Count<Values>,
    /// Keys that the KMS says it used.
    pub kms_key_ids: BTreeSet<String>,
    /// What the KMS says of them, or of the key that values name where it does not say which it used.
    pub states: BTreeMap<String, KeyState>,
    /// Those of them of which the KMS did not say it, and why.
    pub states_not_said: BTreeMap<String, Failure>,
}

impl KeyProof {
    /// What the KMS says; of several keys of one that cannot be used, if there is one.
    pub fn state(&self) -> Option<&KeyState> {
        self.states.values().find(|state| !state.is_usable()).or_else(|| self.states.values().next())
    }

    /// The word for the state: of several keys the one that most is to be feared of.
    pub fn state_in_words(&self) -> Option<&str> {
        let known = self.state();
        let is_not_known = !self.states_not_said.is_empty() && known.is_none_or(KeyState::is_usable);
        if is_not_known { Some("not-known") } else { known?.state.as_deref() }
    }

    /// The key that the KMS says it used, where it was one.
    pub fn kms_key_id(&self) -> Option<&str> {
        self.kms_key_ids.first().filter(|_| self.kms_key_ids.len() == 1).map(String::as_str)
    }
}

impl EvidenceReport {
    /// What is to be said of an evidence of which everything is known. `named`: how many Secrets that can be read are listed by name.
    pub fn new(id: EvidenceId, profile: &Profile<'_>, tally: Tally<'_>, context: &ClusterContext<'_>, named: usize) -> Self {
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
            status: None,
            anomaly_counts: anomalies.counts().clone(),
            anomalies: anomalies.into_sorted(),
            facts,
            secrets: tally.secrets,
            secret_values: tally.secret_values.values().copied().sum(),
            not_known: tally.not_known,
            readable,
            keys,
            resources: tally.resources.into_groups().into_iter().map(|(resource, counts)| (resource.0.into_owned(), counts)).collect(),
            values: tally.values,
            counted: tally.counted,
            counted_fragments: tally.counted_fragments,
            fragments: tally.fragments,
            unnamed_secrets: tally.unnamed_secrets,
            unnamed_others: tally.unnamed_others,
            not_placed: tally.not_placed,
            tombstones: tally.tombstones,
            unknown_forms: tally.unknown_forms,
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
    /// Adds what is only known when other databases are read.
    pub fn add_contradicted(&mut self, contradicted: Contradicted) {
        let Contradicted { by, offset, pgid } = contradicted;
        if !by.comparison.agrees() {
            let divergence = Anomaly { offset, class: Class::MemberDivergence, pgid, detail: by.to_string() };
            let count = self.anomaly_counts.entry(divergence.class).or_default();
            *count = count.saturating_add(1);
            self.judgement.add_divergence(About::Place { offset, pgid });
            let at = self.anomalies.partition_point(|known| (known.offset.is_none(), known) <= (offset.is_none(), &divergence));
            self.anomalies.insert(at, divergence);
        }
        self.compared.get_or_insert_default().push(by);
    }

    /// Whether nothing in it, at any place, is in the scope that was asked for.
    pub fn is_out_of_scope(&self) -> bool {
        self.values.is_empty() && self.tombstones == 0
    }

    /// Whether there is anything in it, at any place, that an API server stored.
    pub fn has_kubernetes_objects(&self) -> bool {
        !self.facts.prefixes.is_empty() || self.secret_values > 0 || self.unnamed_secrets.count > 0
    }

    /// Existing objects that were not looked at, how many of them are encrypted, and how many are not.
    pub fn passed_over(&self) -> (Count<Objects>, Count<Objects>, Count<Objects>) {
        let outside = || self.resources.values().map(|counts| counts.out_of_scope);
        let sum = |count: fn(StorageCounts) -> Count<Objects>| outside().map(count).sum();
        (sum(|counts| counts.objects), sum(|counts| counts.encrypted), sum(|counts| counts.plaintext))
    }
}

impl KeyReport {
    fn new(identity: &KeyIdentity<'_>, used: &KeyUse<'_>) -> Self {
        Self {
            identity: identity.owned(),
            counts: used.counts,
            perhaps_current: used.perhaps_current,
            group_resources: names_of(&used.group_resources),
            by_prefix: used
                .by_prefix
                .iter()
                .map(|(prefix, below)| {
                    let prefix = prefix.map(|prefix| String::from_utf8_lossy(prefix).into_owned());
                    (prefix, (below.counts, names_of(&below.group_resources)))
                })
                .collect(),
            dek_sources: used.dek_sources.clone(),
            uncertain: used.uncertain,
            proof: None,
        }
    }
}

fn names_of(resources: &BTreeSet<GroupResource<'_>>) -> BTreeSet<String> {
    resources.iter().map(|resource| resource.0.to_string()).collect()
}

/// What a search of any bytes does not see.
const OF_IMAGES: [&str; 2] = ["encrypted and compressed parts of these bytes that bear no sign of it", "values under another encoding"];

/// What was not looked at in these evidences.
pub fn not_looked_at<'a>(evidences: impl IntoIterator<Item = &'a EvidenceReport>) -> Vec<String> {
    let is_image = |evidence: &&EvidenceReport| evidence.facts.kind == Kind::Image;
    let (images, others): (Vec<&EvidenceReport>, Vec<&EvidenceReport>) = evidences.into_iter().partition(is_image);
    let of_images = OF_IMAGES.iter().filter(|_| !images.is_empty()).map(|what| (*what).to_owned());
    if others.is_empty() && !images.is_empty() {
        return of_images.collect();
    }
    let evidences = others.iter().copied();
    let mut list = Vec::new();
    let passed_over = || evidences.clone().map(EvidenceReport::passed_over);
    let objects: Count<Objects> = passed_over().map(|(all, ..)| all).sum();
    let encrypted: Count<Objects> = passed_over().map(|(_, encrypted, _)| encrypted).sum();
    let plaintext: Count<Objects> = passed_over().map(|(.., plaintext)| plaintext).sum();
    if objects > 0 {
        let encrypted = match objects.without(encrypted).without(plaintext) {
            Count::ZERO if encrypted == 0 => verb(objects, "unencrypted", "all unencrypted").to_owned(),
            Count::ZERO => format!("{encrypted} of them encrypted"),
            unknown if encrypted == 0 => format!("{unknown} of no known form, or empty"),
            unknown => format!("{encrypted} of them encrypted, {unknown} of no known form, or empty"),
        };
        list.push(format!("{objects} other {} ({encrypted})", objects.noun()));
    }
    let has = |kinds: &[Kind]| evidences.clone().any(|evidence| kinds.contains(&evidence.facts.kind));
    if !has(&[Kind::Snapshot, Kind::Database]) {
        list.push("the database".to_owned());
    }
    if evidences.clone().any(|evidence| (evidence.facts.kind, evidence.facts.role) == (Kind::Wal, Role::File)) {
        list.push("other segments of the log".to_owned());
    }
    let has_log = has(&[Kind::Wal]);
    let bytes = evidences.clone().filter_map(|evidence| evidence.facts.bytes());
    let unattributed = bytes.map(|bytes| bytes.outside.unattributed).fold(0, u64::saturating_add);
    let least = evidences.clone().filter_map(|evidence| evidence.facts.residue_mode()).min();
    match least {
        Some(ResidueMode::Full) | None => {}
        Some(ResidueMode::Pages) => list.push("overflow tails, slack".to_owned()),
        Some(ResidueMode::Off) => list.push("free pages and all other residue".to_owned()),
    }
    match unattributed {
        0 => {}
        1 => list.push("1 byte outside of the tree that is of no known form".to_owned()),
        n => list.push(format!("{n} bytes outside of the tree that are of no known form")),
    }
    let log = (!has_log).then_some("write-ahead log");
    list.extend(log.into_iter().chain(["other members", "other backups"]).map(str::to_owned));
    list.extend(of_images);
    list
}

impl std::fmt::Display for Compared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", path_text(&self.path))?;
        match self.databases.saturating_sub(1) {
            0 => {}
            1 => write!(f, " (and 1 other that agrees with it)")?,
            others => write!(f, " (and {others} others that agree with it)")?,
        }
        write!(f, ", of the same cluster")?;
        if self.comparison.agrees() { Ok(()) } else { write!(f, ", {}", self.comparison) }
    }
}
