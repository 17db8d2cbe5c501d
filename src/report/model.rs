//! The owned model of a run: what outlives the evidence it came from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::evidence::{EvidenceReport, KeyProof, KeyReport, not_looked_at};
use super::readable::{Readable, ReadableSecret};
use super::recovery::Recovered;
use super::retirement::{PerhapsUnder, Retirement};
use super::unread::Unread;
use super::verification::Verification;
use crate::envelope::KeyIdentity;
use crate::evidence::count::{Count, Secrets, Values};
use crate::evidence::{EvidenceId, MemberId};
use crate::finding::{Finding, Found};
use crate::row::Retention;
use crate::store::{Content, Facts, Kind, ResidueMode, Role};
use crate::verify::Target;

/// A run over one or several inputs.
#[derive(Debug, Default)]
pub struct Report {
    /// What was given.
    pub inputs: Vec<PathBuf>,
    /// Each evidence that was read, by its number.
    pub evidences: Vec<EvidenceReport>,
    /// Each member that they are of, in the order given.
    pub members: Vec<MemberReport>,
    /// Inputs, or files of them, that could not be read, each with the reason.
    pub not_analysed: Vec<String>,
    /// What was given, or stands in what was given, and was not read.
    pub unread: Vec<Unread>,
    /// Words of the scope: `secrets`, `all`, a list.
    pub resources: String,
    /// What leaves objects out beyond the usual, in words.
    pub filter: Option<String>,
    /// The options that say the same of the scope on the command line, each with a blank before it.
    pub scope_options: String,
    /// Whole keys that the object's name may mean, where there are several: then none of them is meant.
    pub namesakes: Vec<String>,
    /// Names of objects like the one that was asked for, where there is none of that name, each with how far it is from it.
    pub near_names: BTreeSet<(usize, String)>,
    /// What became of the values under each key, where they were to be opened.
    pub proofs: BTreeMap<KeyIdentity<'static>, KeyProof>,
    /// Whether a key is still needed, where that was asked.
    pub retirement: Option<Retirement>,
    /// What a key opens, where that was asked.
    pub opens: Option<Opens>,
    /// What was brought back, where that was asked.
    pub recovered: Option<Recovered>,
    /// What a verification came to.
    pub verification: Option<Verification>,
    /// Findings that only all evidences together show.
    pub findings: Vec<(EvidenceId, Finding)>,
}

/// What is said of a member: a file given by itself, or a data directory.
#[derive(Debug)]
pub struct MemberReport {
    /// Which one.
    pub id: MemberId,
    /// As it was given.
    pub path: PathBuf,
    /// Where its parts were given, if that is in several places.
    pub joined: Vec<PathBuf>,
    /// Members of their own that stand among its files. Each has an answer of its own, behind this one's.
    pub others: usize,
    /// Further members that stand in the same input. Each has an answer of its own.
    pub beside: usize,
    /// Its evidences, in their order.
    pub parts: Vec<EvidenceId>,
    /// Of a directory, its evidences as one: a Secret in several of them is counted once. A file is its own whole.
    pub whole: Option<Box<EvidenceReport>>,
}

impl MemberReport {
    /// What names it on a command line: its path, or where its parts were given in several places, these.
    pub fn given(&self) -> &[PathBuf] {
        if self.joined.is_empty() { std::slice::from_ref(&self.path) } else { &self.joined }
    }
}

/// What a key opens, by what values name.
#[derive(Clone, Debug)]
pub struct Opens {
    /// The key that was asked for.
    pub target: Target,
    /// What may be under it and does not say so.
    pub perhaps: PerhapsUnder,
    /// The first objects under it, those that are current first.
    pub objects: Vec<(Retention, String)>,
    /// How many more there are.
    pub more: u64,
}

impl Report {
    /// The keys of all inputs, each once, by identity.
    pub fn keys(&self) -> Vec<KeyReport> {
        let mut all = each_key_once(&self.evidences);
        for (name, proof) in &self.proofs {
            if let Some(key) = all.get_mut(name) {
                key.proof = Some(proof.clone());
            }
        }
        all.into_values().collect()
    }

    /// How many values need each key, over all inputs.
    pub fn values_by_key(&self) -> BTreeMap<&KeyIdentity<'static>, Count<Values>> {
        let mut all = BTreeMap::<_, Count<Values>>::new();
        for key in self.evidences.iter().flat_map(|evidence| &evidence.keys) {
            all.entry(&key.identity).or_default().add(key.counts.total());
        }
        all
    }

    /// The keys of a member's evidences, each once, by identity.
    pub fn keys_of(&self, member: &MemberReport) -> Vec<KeyReport> {
        each_key_once(self.parts(member)).into_values().collect()
    }

    /// Every finding with its evidence: those of each evidence, then those that all of them together show.
    pub fn findings(&self) -> impl Iterator<Item = (EvidenceId, &Finding)> {
        let own = self.evidences.iter().flat_map(|evidence| evidence.judgement.findings.iter().map(move |finding| (evidence.id, finding)));
        own.chain(self.findings.iter().map(|(id, finding)| (*id, finding)))
    }

    /// The evidence of this number.
    pub fn evidence(&self, id: EvidenceId) -> Option<&EvidenceReport> {
        let index = self.evidences.binary_search_by_key(&id, |evidence| evidence.id).ok()?;
        self.evidences.get(index)
    }

    /// The same, to add to it.
    pub fn evidence_mut(&mut self, id: EvidenceId) -> Option<&mut EvidenceReport> {
        let index = self.evidences.binary_search_by_key(&id, |evidence| evidence.id).ok()?;
        self.evidences.get_mut(index)
    }

    /// The path of the evidence of this number, as it was given.
    pub fn path_of(&self, id: EvidenceId) -> &Path {
        self.evidence(id).map_or(Path::new(""), |evidence| &evidence.facts.path)
    }

    /// The evidences of a member.
    pub fn parts<'a>(&'a self, member: &'a MemberReport) -> impl Iterator<Item = &'a EvidenceReport> + Clone {
        member.parts.iter().filter_map(|id| self.evidence(*id))
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

    /// What of a member was not read.
    pub fn unread_of(&self, member: MemberId) -> impl Iterator<Item = &Unread> + Clone {
        self.unread.iter().filter(move |unread| unread.member == Some(member))
    }

    /// Secrets of the databases, by what is known of them now. What was left behind says nothing of now.
    pub fn secrets(&self, count: fn(&EvidenceReport) -> Count<Secrets>) -> Count<Secrets> {
        let own = self.evidences.iter().filter(|evidence| evidence.facts.role != Role::Leftover);
        own.map(count).sum()
    }

    /// The filter that nothing in any input matches.
    pub fn unmatched_filter(&self) -> Option<&str> {
        let is_unmatched = !self.evidences.is_empty() && self.evidences.iter().all(EvidenceReport::is_out_of_scope);
        self.filter.as_deref().filter(|_| is_unmatched)
    }

    /// The filter that objects match, and no Secret among them.
    pub fn filter_without_secrets(&self) -> Option<&str> {
        let has_secrets = self.evidences.iter().any(|evidence| evidence.secret_values > 0 || evidence.unnamed_secrets.count > 0);
        self.filter.as_deref().filter(|_| !has_secrets && !self.evidences.is_empty() && self.unmatched_filter().is_none())
    }

    /// Whether a member has a database, and nothing that an API server stored is in it, or in what stands beside it.
    pub fn is_without_kubernetes(&self, member: &MemberReport) -> bool {
        let mut parts = self.parts(member);
        parts.clone().any(|part| part.facts.has_tree()) && !parts.any(EvidenceReport::has_kubernetes_objects)
    }

    /// Whether a tree was read that says which values are current.
    pub fn has_tree(&self) -> bool {
        self.evidences.iter().any(|evidence| evidence.facts.has_tree())
    }

    /// Whether Secrets can be read of a member without a database's tree, which would say whether they are current.
    pub fn readable_without_a_tree(&self) -> bool {
        let has_tree = |part: &EvidenceReport| part.facts.role != Role::Leftover && part.facts.has_tree();
        let mut without = self.members.iter().filter(|member| !self.parts(member).any(has_tree));
        without.any(|member| self.parts(member).any(|part| part.judgement.found != Found::default()))
    }

    /// Whether residue of any database was not searched, as was asked.
    pub fn leaves_residue_out(&self) -> bool {
        self.evidences.iter().any(|evidence| evidence.facts.leaves_residue_out())
    }

    /// Where a run looked in all of its inputs.
    pub fn looked_at(&self) -> Vec<&'static str> {
        let least = self.evidences.iter().filter_map(|evidence| evidence.facts.residue_mode()).min();
        let places: &[&str] = match least {
            Some(ResidueMode::Full) => &["free pages", "overflow tails", "slack", "bytes behind the payload"],
            Some(ResidueMode::Pages) => &["free pages"],
            Some(ResidueMode::Off) | None => &[],
        };
        // Where nothing in a file can be told to be of its form, it was not looked at.
        let is_read = |facts: &Facts| match &facts.content {
            Content::RaftSnapshot(snapshot) => snapshot.index.is_some(),
            Content::Log(log) => log.records > 0,
            _ => true,
        };
        let read = self.evidences.iter().filter(|evidence| is_read(&evidence.facts));
        let kinds: BTreeSet<Kind> = read.map(|evidence| evidence.facts.kind).collect();
        let has_trees =
            self.evidences.iter().filter(|evidence| evidence.facts.database().is_some()).all(|evidence| evidence.facts.has_tree());
        let tree = least.filter(|_| has_trees).map(|_| "tree");
        let others = kinds.into_iter().filter_map(Kind::place_looked_at);
        tree.into_iter().chain(places.iter().copied()).chain(others).collect()
    }

    /// What a run did not look at.
    pub fn not_looked_at(&self) -> Vec<String> {
        let mut list = not_looked_at(&self.evidences);
        list.extend(self.unread.iter().map(ToString::to_string));
        list
    }
}

fn each_key_once<'a>(evidences: impl IntoIterator<Item = &'a EvidenceReport>) -> BTreeMap<KeyIdentity<'static>, KeyReport> {
    let mut all: BTreeMap<KeyIdentity<'static>, KeyReport> = BTreeMap::new();
    for key in evidences.into_iter().flat_map(|evidence| &evidence.keys) {
        let known = all.entry(key.identity.clone()).or_default();
        known.identity = key.identity.clone();
        known.counts.add(key.counts);
        known.perhaps_current.add(key.perhaps_current);
        known.group_resources.extend(key.group_resources.iter().cloned());
        known.dek_sources.merge(&key.dek_sources);
        known.uncertain.add(key.uncertain);
    }
    all
}
