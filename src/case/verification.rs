//! Verification: what it takes, who is asked, what became of every value.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::calls::Calls;
use super::member::{ReadMember, sources};
use super::required_key::required_key;
use super::rows::RowFilter;
use super::run::Run;
use super::verdicts::Verdicts;
use super::verification_notes::{notes, of_current_keys, of_regions, other_keys, unused};
use super::{Holders, RunError, VerifyQuestion, names_of, plan::kms_names};
use crate::collect::Tally;
use crate::envelope::{KeyIdentity, KeyPattern};
use crate::evidence::count::{Calls as CallCount, Count, Values};
use crate::evidence::{EvidenceId, MemberId};
use crate::finding::{About, Condition, Finding, Outcome, Rule};
use crate::kms::{CurrentKeys, Failure, Held, KeyState, Plan as KmsPlan, Reason, Ring, Share, Unwrapper, is_key_arn};
use crate::report::{Asked, Heard, KeyProof, Verification, VerificationPlan, VerificationResult};
use crate::row::Retention;
use crate::verify::{Answer, Keyring, Needs, Proof, Required, Requirement, Source, Standing};

/// Calls that ask about a key: its state, and whether it is rotated.
const CALLS_A_KEY: usize = 2;

/// Calls about the keys behind one name at most, and about the name. Behind KMS v1, and a name that is not a key's own, each DEK source may have
/// a key of its own: which it is the KMS says when it unwraps.
fn calls_about(key: Option<&str>, sources: usize) -> usize {
    match key {
        None => CALLS_A_KEY.saturating_mul(sources),
        Some(key) if KeyState::may_be_of_another(key) => CALLS_A_KEY.saturating_mul(sources.saturating_add(1)),
        Some(_) => CALLS_A_KEY,
    }
}

impl Run<'_> {
    /// Which key opens what, and what still needs one?
    pub(super) fn verify(&mut self, members: &mut [ReadMember<'_>], question: VerifyQuestion<'_>) -> Result<(), RunError> {
        let VerifyQuestion { mut holders, require_key, plan_only } = question;
        let mut needs = if holders.ledger.is_some() { Needs::that_remember() } else { Needs::default() };
        let scope = &self.plan.scope;
        let mut exposed: BTreeMap<EvidenceId, Tally<'_>> = BTreeMap::new();
        let reports = self.count_all(members, |source| {
            let collected = needs.read(source, scope);
            exposed.insert(source.id, collected.tally.clone());
            collected
        })?;
        let seen = || self.report.values_by_key().into_keys().cloned().collect::<Vec<_>>();
        let required_key = require_key.as_deref().map(|text| required_key(text, &seen())).transpose()?;
        let to_ask = Required::providers_to_ask(required_key.as_ref(), holders.configs);
        let plan = holders.plan(&needs.plan, &to_ask);
        if plan_only {
            self.report.verification = Some(Verification { plan, result: None });
            return self.tell_all(members, reports, &RowFilter::None, None);
        }
        self.case.host.asking(&plan);
        let mut calls = Calls::open(&holders, &self.report.inputs)?;
        let ring = self.ask(&needs, &mut holders, &mut calls)?;
        let mut current_keys = CurrentKeys::ask(&to_ask, &needs.plan, holders.unwrappers, &mut calls.asking(&|| false, &|| {}))?;
        let names = {
            let required = Required { key: required_key.as_ref(), configs: holders.configs, current_keys: &current_keys };
            required.names_to_ask(&needs)
        };
        current_keys.ask_names(&names, (&needs.plan, &ring), holders.unwrappers, &mut calls.asking(&|| false, &|| {}))?;
        let required = Required { key: required_key.as_ref(), configs: holders.configs, current_keys: &current_keys };
        let keyring = Keyring::new(holders.configs, &ring);
        let sources = sources(members);
        let watched = watched(&sources, &exposed);
        let proof = Proof::of(&sources, &self.plan.scope, &keyring, required, &needs, watched);
        calls.note_opened(needs.plan.sources().filter(|source| proof.has_opened_all(source)))?;
        self.report.proofs = proofs(&proof, (&needs.plan, &ring), &current_keys, &mut holders, &mut calls)?;
        let mut result = VerificationResult {
            heard: holders.heard(&ring),
            calls: ring.calls(),
            other_calls: calls.made().without(ring.calls()),
            is_cut_short: calls.is_cut_short(),
            not_told: current_keys.silent.first().map(|silent| silent.failure.clone()),
            opened_before: None,
            failures: BTreeMap::new(),
            unused: unused(&holders, &needs.plan, &self.report),
            notes: [notes(&needs, &self.report), of_current_keys(&current_keys), of_regions(&needs.plan, &ring, &holders)].concat(),
            other_keys: other_keys(&needs.plan, &ring),
            proof,
        };
        self.add_failures(&mut result, &ring, &needs);
        self.judge_proof(&result.proof);
        self.tell_all(members, reports, &RowFilter::All, Some(&Verdicts { proof: &result.proof, keyring: &keyring }))?;
        // What the rest would have said of the keys is not known; where values wait for which is current, that has a condition of its own.
        if result.is_cut_short && result.proof.requirement.not_told() == 0 {
            self.outcome.open(Condition::KeyNotAsked);
        }
        if !self.report.current_not_known().is_empty() {
            self.outcome.open(Condition::CurrentNotKnown);
        }
        self.report.verification = Some(Verification { plan, result: Some(result) });
        Ok(())
    }

    /// Adds to a result why DEK sources were not unwrapped, or not by all who may hold their keys.
    fn add_failures(&mut self, result: &mut VerificationResult, ring: &Ring, needs: &Needs<'_>) {
        for (id, held) in ring.iter() {
            match held {
                // Who was not reached may have the key that opens it.
                Held::Key { key, beside: Some(failure), .. } if !needs.opens(id, key) => {
                    result.add_failure(failure);
                    self.outcome.open(Condition::KeyNotAsked);
                }
                Held::Nothing(failure) => result.add_failure(failure),
                Held::OpenedBefore { time, .. } => {
                    let before = result.opened_before.take();
                    result.opened_before = before.max(Some(time.clone()));
                }
                Held::Key { .. } => {}
            }
        }
    }

    /// Asks about every DEK source of a plan. Whoever started the run may end the asking, and what is known is told.
    pub(super) fn ask(&self, needs: &Needs<'_>, holders: &mut Holders<'_>, calls: &mut Calls) -> Result<Ring, RunError> {
        let mut ring = Ok(Ring::default());
        self.case.host.while_asking(needs.plan.len() as u64, &mut |is_stopped, on_source| {
            ring = Ring::unwrap(&needs.plan, &|id, key| needs.opens(id, key), holders.unwrappers, &mut calls.asking(is_stopped, on_source));
        });
        Ok(ring?)
    }

    /// What the proof means: findings, each with its evidence, and conditions.
    fn judge_proof(&mut self, proof: &Proof) {
        let Self { report, outcome, .. } = self;
        let mut moved: BTreeMap<EvidenceId, Vec<About>> = BTreeMap::new();
        for found in &proof.moves {
            moved.entry(found.evidence).or_default().push(About::Object(found.key.clone()));
        }
        let mut left: BTreeMap<EvidenceId, (Count<Values>, Vec<About>)> = BTreeMap::new();
        for (found, more) in proof.requirement.left.iter().filter(|(left, _)| left.under.is_otherwise()) {
            let (count, keys) = left.entry(found.evidence).or_default();
            count.add(*more);
            keys.extend(found.under.key().map(|key| About::Key(key.to_string())));
        }
        for evidence in &report.evidences {
            let moved = Finding::of(Rule::MovedCiphertext, moved.remove(&evidence.id).unwrap_or_default());
            let (count, keys) = left.remove(&evidence.id).unwrap_or_default();
            let left = Finding { count: count.one_each(), ..Finding::of(Rule::OtherKeyThanRequired, keys) };
            report.findings.extend([moved, left].into_iter().filter(|finding| finding.count > 0).map(|finding| (evidence.id, finding)));
        }
        if proof.count(Some(Retention::Current), Standing::Unopenable) > 0 {
            outcome.found(Condition::NotOpened);
        }
        if proof.requirement.left() > 0 || proof.requirement.is_left_by_each() {
            outcome.found(Condition::OtherKeyThanRequired);
        }
        judge_requirement(&proof.requirement, outcome);
        let holds = |fits: fn(Answer) -> bool| {
            proof.coverage.count(|_, answer| fits(answer)) > 0 || proof.coverage.count_in_leftovers(|_, answer| fits(answer)) > 0
        };
        let is_not_asked = holds(|answer| match answer.standing() {
            // What a ledger says is no proof of this run.
            Standing::Refused | Standing::OpenedBefore => true,
            Standing::NotAsked => matches!(answer, Answer::NoKey(_) | Answer::UnknownProvider),
            Standing::Opened | Standing::Unopenable | Standing::Undecided => false,
        });
        if is_not_asked {
            outcome.open(Condition::KeyNotAsked);
        }
        if holds(|answer| answer.standing() == Standing::Undecided) {
            outcome.open(Condition::NotDecided);
        }
    }
}

/// What it means that of values under the required key not all is known.
fn judge_requirement(requirement: &Requirement, outcome: &mut Outcome) {
    // Each cause has a condition of its own.
    let of_other_causes = [requirement.not_applied(), requirement.one_of_several(), requirement.not_told(), requirement.disputed()];
    if requirement.not_known() > of_other_causes.into_iter().sum::<Count<Values>>() || requirement.out_of_reach() > 0 {
        outcome.open(Condition::UnknownStorage);
    }
    if requirement.not_applied() > 0 {
        outcome.open(Condition::CurrentNotKnown);
    }
    if requirement.one_of_several() > 0 || requirement.not_told() > 0 {
        outcome.open(Condition::KeyNotKnown);
    }
    if requirement.disputed() > 0 {
        outcome.open(Condition::ConfigurationsDiffer);
    }
    if requirement.is_refused {
        outcome.open(Condition::ConfigurationRefused);
    }
}

impl Holders<'_> {
    /// What each of them was asked, and unwrapped.
    fn heard(&self, ring: &Ring) -> Vec<Heard> {
        let heard = self.unwrappers.iter().enumerate().map(|(number, unwrapper)| {
            let (asked, unwrapped) = ring.heard(number);
            Heard { name: unwrapper.name().to_owned(), asked, unwrapped }
        });
        heard.collect()
    }

    /// What it takes to unwrap the DEK sources of a plan; asks nobody.
    fn plan(&self, plan: &KmsPlan, providers: &BTreeSet<String>) -> VerificationPlan {
        let (shares, unclaimed) = plan.shares(self.unwrappers);
        let asked = |name: &str, share: &Share| Asked {
            name: name.to_owned(),
            calls: share.calls.iter().map(|(key, calls)| (key.as_deref().map(str::to_owned), *calls)).collect(),
            waiting: share.waiting.iter().map(|(key, waiting)| (key.as_deref().map(str::to_owned), *waiting)).collect(),
            ..Asked::default()
        };
        let key_calls = |unwrapper: &dyn Unwrapper| {
            let claimed = plan.sources().filter(|source| unwrapper.claims(source));
            let mut keys: BTreeMap<(&str, Option<&str>), usize> = BTreeMap::new();
            for source in claimed {
                let sources = keys.entry((source.provider_name(), source.id.key_id.as_deref())).or_default();
                *sources = sources.saturating_add(1);
            }
            let is_told_of = |provider: &str, key: Option<&str>| match key {
                Some(key) => unwrapper.describes(provider, key),
                None => unwrapper.regions().is_some(),
            };
            let mut calls: BTreeMap<Option<String>, Count<CallCount>> = BTreeMap::new();
            for ((_, key), sources) in keys.into_iter().filter(|((provider, key), _)| is_told_of(provider, *key)) {
                calls.entry(key.map(str::to_owned)).or_default().add(Count::of_len(calls_about(key, sources)));
            }
            calls
        };
        let policy = self.unwrappers.iter().find_map(|unwrapper| {
            let claimed: Vec<_> = plan.sources().filter(|source| unwrapper.claims(source)).collect();
            unwrapper.policy(&claimed, &self.kms_keys)
        });
        VerificationPlan {
            dek_sources: Count::of_len(plan.len()),
            rate: self.rate,
            max_calls: self.max_calls.map(Count::new),
            asked: self
                .unwrappers
                .iter()
                .zip(&shares)
                .map(|(unwrapper, share)| Asked {
                    key_calls: key_calls(&**unwrapper),
                    status_calls: Count::of_len(CurrentKeys::calls(providers, &**unwrapper)),
                    ..asked(unwrapper.name(), share)
                })
                .collect(),
            unclaimed: asked("nobody to ask", &unclaimed),
            policy,
        }
    }

    /// Keys that were given in any way.
    pub(super) fn given(&self) -> BTreeSet<KeyPattern> {
        let names = names_of(self.configs).0.into_iter().chain(self.named.iter().flat_map(|name| kms_names(name)));
        names.filter_map(|(provider, name)| Some(KeyPattern { version: None, ..KeyPattern::of_provider(provider, &name)? })).collect()
    }
}

/// Secrets that exist, are not in plaintext now, and of which an older value can be read without a key.
fn watched<'data>(sources: &[Source<'_, 'data>], tallies: &BTreeMap<EvidenceId, Tally<'data>>) -> Vec<(MemberId, &'data [u8])> {
    let exposed = |source: &Source<'_, 'data>| tallies.get(&source.id).map(|tally| &tally.exposed);
    let mut watched = BTreeSet::new();
    for source in sources {
        let Some(existing) = source.store.existing().filter(|_| !source.is_leftover()) else { continue };
        let current = exposed(source);
        for other in sources.iter().filter(|other| other.member == source.member) {
            for key in exposed(other).into_iter().flat_map(|exposed| exposed.keys()) {
                let is_plain_now = current.and_then(|exposed| exposed.get(key)).is_some_and(|exposure| exposure.current);
                if let (Cow::Borrowed(key), false) = (key, is_plain_now)
                    && existing.is_in_tree(key)
                {
                    watched.insert((source.member, *key));
                }
            }
        }
    }
    watched.into_iter().collect()
}

/// What became of the values under each key, and what its KMS says of it.
fn proofs(
    proof: &Proof,
    (plan, ring): (&KmsPlan, &Ring),
    current_keys: &CurrentKeys,
    holders: &mut Holders<'_>,
    calls: &mut Calls,
) -> Result<BTreeMap<KeyIdentity<'static>, KeyProof>, RunError> {
    let mut proofs: BTreeMap<KeyIdentity<'static>, KeyProof> = BTreeMap::new();
    for (key, (opened, failed)) in proof.coverage.by_key() {
        proofs.insert(key.clone(), KeyProof { opened, failed, ..KeyProof::default() });
    }
    // By key, what KMS said of the state of the one that values name, where another was used.
    let mut refused: BTreeMap<(KeyIdentity<'static>, String), Reason> = BTreeMap::new();
    for source in plan.sources() {
        let Some(held) = ring.get(&source.id) else { continue };
        let (Held::Key { kms_key_id: Some(used), .. } | Held::OpenedBefore { kms_key_id: Some(used), .. }) = held else { continue };
        let key = KeyIdentity::of_provider(source.id.provider, source.provider_name(), source.id.key_id.as_deref());
        let Some(key) = key.map(|key| key.owned()) else { continue };
        if let (Held::Key { beside: Some(failure), .. }, Some(named)) = (held, source.id.key_id.as_deref())
            && failure.reason.is_of_the_state()
        {
            refused.insert((key.clone(), named.to_owned()), failure.reason);
        }
        if let Some(proof) = proofs.get_mut(&key) {
            proof.kms_key_ids.insert(used.clone());
        }
    }
    let mut asking = calls.asking(&|| false, &|| {});
    let described: BTreeMap<&str, &KeyState> = current_keys.states().collect();
    let mut states: BTreeMap<String, Option<Result<KeyState, Failure>>> = BTreeMap::new();
    for (key, proof) in proofs.iter_mut().filter(|(key, _)| key.provider().is_kms()) {
        let named = key.key_id.as_deref();
        // What the KMS says it used is the key; an alias may have been pointed elsewhere. A key that is named and was not used has a state
        // of its own.
        let is_meant = |named: &&str| proof.kms_key_ids.is_empty() || (is_key_arn(named) && !proof.kms_key_ids.contains(*named));
        let ids: Vec<&str> = named.into_iter().filter(is_meant).chain(proof.kms_key_ids.iter().map(String::as_str)).collect();
        for id in ids {
            if !states.contains_key(id) {
                let provider_name = key.name.as_deref().unwrap_or_default();
                let said = match described.get(id) {
                    Some(state) => Some(Ok((*state).clone().with_rotation(provider_name, id, holders.unwrappers, &mut asking)?)),
                    None => KeyState::ask(provider_name, id, holders.unwrappers, &mut asking)?,
                };
                states.insert(id.to_owned(), said);
            }
            match states.get(id).and_then(Option::as_ref) {
                Some(Ok(state)) => drop(proof.states.insert(id.to_owned(), state.clone())),
                Some(Err(failure)) => drop(proof.states_not_said.insert(id.to_owned(), failure.clone())),
                None => {}
            }
        }
    }
    refused.into_iter().for_each(|((key, named), reason)| note_refused(&mut proofs, &key, named, reason));
    Ok(proofs)
}

/// Where the KMS refused a key for its state, that is its state, whatever else it says of it.
fn note_refused(proofs: &mut BTreeMap<KeyIdentity<'static>, KeyProof>, key: &KeyIdentity<'static>, named: String, reason: Reason) {
    let Some(proof) = proofs.get_mut(key) else { return };
    proof.states_not_said.remove(&named);
    let state = proof.states.entry(named).or_default();
    if state.is_usable() {
        state.state = KeyState::word_of(reason).map(str::to_owned);
    }
}
