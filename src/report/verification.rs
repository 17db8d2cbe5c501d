//! What a verification found, for people and for the last record.

use std::collections::BTreeMap;

use crate::evidence::count::{Calls, Count, DekSources, Values};
use crate::kms::{Failure, Reason, Turns, Waiting, has_place_to_fill};
use crate::row::Retention;
use crate::verify::{Answer, Proof, Standing};

/// A verification: what was asked, and what became of every value.
#[derive(Default)]
pub struct Verification {
    /// What it takes, which is known before anybody is asked.
    pub plan: VerificationPlan,
    /// What came of it; `None` where only the plan was wanted.
    pub result: Option<VerificationResult>,
}

/// What it takes to open everything.
#[derive(Clone, Debug, Default)]
pub struct VerificationPlan {
    /// Distinct DEK sources that values in scope have.
    pub dek_sources: Count<DekSources>,
    /// Calls a second.
    pub rate: f64,
    /// At most so many calls in a run.
    pub max_calls: Option<Count<Calls>>,
    /// Those who are asked, in their order.
    pub asked: Vec<Asked>,
    /// What nobody can be asked about.
    pub unclaimed: Asked,
    /// The IAM policy that allows the calls, where AWS is asked; in JSON.
    pub policy: Option<String>,
}

/// One who is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Such as `AWS KMS`.
    pub name: String,
    /// DEK sources to unwrap, by the key that values name; `None`: KMS v1, which names none.
    pub calls: BTreeMap<Option<String>, Turns>,
    /// Values that wait for those of which it is asked first, by the same key.
    pub waiting: BTreeMap<Option<String>, Waiting>,
    /// At most so many calls about each key besides: its state, its rotation, and what its name means now.
    pub key_calls: BTreeMap<Option<String>, Count<Calls>>,
    /// Calls about the key that is current, which no value has to name.
    pub status_calls: Count<Calls>,
}

/// What one who could be asked was asked, and gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Such as `AWS KMS`.
    pub name: String,
    /// DEK sources that it was asked about.
    pub asked: Count<DekSources>,
    /// Those of them that it unwrapped.
    pub unwrapped: Count<DekSources>,
}

/// What came of a verification.
pub struct VerificationResult {
    /// What became of every value.
    pub proof: Proof,
    /// Those who could be asked, in their order.
    pub heard: Vec<Heard>,
    /// Calls that were made to unwrap DEK sources.
    pub calls: Count<Calls>,
    /// Calls that were made to ask of the keys' state, and which is current.
    pub other_calls: Count<Calls>,
    /// Whether the budget or the user ended the asking early.
    pub is_cut_short: bool,
    /// Why it was not said under which key a provider writes now, or what a name means.
    pub not_told: Option<Failure>,
    /// When the last of the earlier runs was that have opened what was not asked about again, as the ledger says; in UTC.
    pub opened_before: Option<String>,
    /// Why DEK sources were not unwrapped, and how many.
    pub failures: BTreeMap<(Reason, String), Count<DekSources>>,
    /// Keys that were given and that no value names.
    pub unused: Vec<String>,
    /// What is worth knowing of how keys are used.
    pub notes: Vec<String>,
    /// KMS v2 key IDs whose DEKs the KMS unwrapped with another key than the one named: the named one, and the one used.
    pub other_keys: Vec<(String, String)>,
}

impl VerificationPlan {
    /// Whether the policy has a place to fill: values do not name their key, nor did the user.
    pub fn has_place_to_fill(&self) -> bool {
        self.policy.as_deref().is_some_and(has_place_to_fill)
    }

    /// Calls that unwrap: those about DEK sources that somebody can be asked about.
    pub fn calls(&self) -> Count<Calls> {
        self.asked.iter().map(Asked::total).sum()
    }

    /// At most so many calls about keys besides.
    pub fn key_calls(&self) -> Count<Calls> {
        self.asked.iter().flat_map(|asked| asked.key_calls.values()).copied().chain([self.status_calls()]).sum()
    }

    /// Those of them to plugins, about the key that is current.
    pub fn status_calls(&self) -> Count<Calls> {
        self.asked.iter().map(|asked| asked.status_calls).sum()
    }

    /// The same, and those that several are asked in turn: more are not made, but for those that are repeated.
    pub fn most_calls(&self) -> Count<Calls> {
        self.asked.iter().map(Asked::further).chain([self.calls()]).sum()
    }
}

impl Asked {
    /// A call about each DEK source of which it is asked first.
    pub fn total(&self) -> Count<Calls> {
        self.calls.values().map(|turns| turns.first).sum()
    }

    /// All values that wait for those.
    pub fn waiting(&self) -> Waiting {
        let mut all = Waiting::default();
        self.waiting.values().for_each(|waiting| all.add(*waiting));
        all
    }

    /// Those that others are asked about before it: at most so many further calls.
    pub fn further(&self) -> Count<Calls> {
        self.calls.values().map(|turns| turns.further).sum()
    }
}

impl VerificationResult {
    /// What was not asked any more, where the asking ended early; in words.
    pub fn what_was_cut(&self) -> Option<&'static str> {
        let is_of_current = self.not_told.as_ref().is_some_and(|failure| failure.reason == Reason::NotAttempted);
        self.is_cut_short.then_some(match self.is_cut_short_of_deks() {
            true => "not every DEK source was asked about",
            false if is_of_current => "which key is current was not asked",
            false => "not every question about the state of keys was asked",
        })
    }

    /// Whether it ended before every DEK source was asked about.
    pub fn is_cut_short_of_deks(&self) -> bool {
        self.failures.keys().any(|(reason, _)| *reason == Reason::NotAttempted)
    }

    /// Why it was not said which key is current, or what a name means, where values wait for that; in words.
    pub fn why_not_told(&self) -> Option<String> {
        (self.proof.requirement.not_told() > 0).then(|| match self.not_told.as_ref().map(|failure| failure.reason) {
            Some(Reason::NotAttempted) => "no call was left to ask which key is current, or the run was broken off".to_owned(),
            Some(reason) => format!("which key is current was not said ({})", reason.name().replace('-', " ")),
            None => "which key its name means was not said".to_owned(),
        })
    }

    /// Why those who were asked beside the one that gave a key of no use gave none, and of how many DEK sources; in words.
    pub fn failed_elsewhere(&self) -> Vec<(String, Count<DekSources>)> {
        let unopened = self.proof.coverage.unopened();
        let elsewhere = self.failures.iter().filter(|((reason, _), _)| !unopened.contains_key(&Answer::NoKey(*reason)));
        elsewhere.map(|((reason, detail), count)| (Failure::new(*reason, detail).to_string(), *count)).collect()
    }

    /// Notes a failure.
    pub fn add_failure(&mut self, failure: &Failure) {
        self.failures.entry((failure.reason, failure.detail.clone())).or_default().add_one();
    }

    /// Encrypted values that are current.
    pub fn current(&self) -> Count<Values> {
        self.proof.coverage.count(|retention, _| retention == Retention::Current)
    }

    /// Those of them that this run has opened with the given keys.
    pub fn current_opened(&self) -> Count<Values> {
        self.current_of(Standing::Opened)
    }

    /// Those of them of which this became.
    pub fn current_of(&self, standing: Standing) -> Count<Values> {
        self.proof.count(Some(Retention::Current), standing)
    }
}

/// Nothing of what was opened.
impl std::fmt::Debug for Verification {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verification").field("plan", &self.plan).finish_non_exhaustive()
    }
}
