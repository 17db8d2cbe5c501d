//! The ring: every DEK source asked about once, and what came of it.

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::asking::{Asking, Question};
use super::key_spelling::{Replicas, multi_region_id, region_of};
use super::ledger::{LedgerError, UNWRAPPED};
use super::silence::About;
use super::{Failure, Plan, Reason, Unwrapped, Unwrapper, WrappedDek};
use crate::envelope::Provider;
use crate::envelope::open::{DataKey, DekSourceId};
use crate::evidence::count::{Calls, Count, DekSources};

/// What is held of a DEK source.
pub enum Held {
    /// Its key.
    Key {
        /// The key or seed.
        key: DataKey,
        /// The key that the KMS says it used.
        kms_key_id: Option<String>,
        /// What was said elsewhere, or why nobody was reached there, where that is worth knowing: in which state the key is that is named;
        /// of a key that opens nothing, why nobody gave a better one.
        beside: Option<Failure>,
    },
    /// No key, and none is needed: an earlier run has opened the values, as its ledger says.
    OpenedBefore {
        /// When, in UTC.
        time: String,
        /// The key that the KMS said it used then.
        kms_key_id: Option<String>,
    },
    /// No key.
    Nothing(Failure),
}

/// The DEK sources of a run with what became of them.
#[derive(Default)]
pub struct Ring {
    held: BTreeMap<DekSourceId, Held>,
    calls: Count<Calls>,
    is_cut_short: bool,
    /// By the number of each who could be asked: DEK sources that it was asked about, and those that it unwrapped.
    heard: BTreeMap<usize, (Count<DekSources>, Count<DekSources>)>,
}

impl Ring {
    /// Asks about every DEK source of the plan, in turn at those who claim it, until one gives a key that `opens` what needs it. A key that
    /// opens nothing of it is held where nobody gives a better one: the values may be at fault.
    ///
    /// Who has unwrapped one under the same provider and key is asked first, in the way that did.
    ///
    /// # Errors
    /// The ledger cannot be written. The call that could not be noted was made; no further one is.
    pub fn unwrap(
        plan: &Plan,
        opens: &dyn Fn(&DekSourceId, &DataKey) -> bool,
        unwrappers: &mut [Box<dyn Unwrapper>],
        asking: &mut Asking<'_>,
    ) -> Result<Self, LedgerError> {
        let mut ring = Self::default();
        let made_before = asking.budget.made();
        // API versions that somebody does not have, by their number.
        let mut not_served: BTreeSet<(usize, Provider)> = BTreeSet::new();
        let mut first: BTreeMap<About, (usize, usize)> = BTreeMap::new();
        for source in plan.sources() {
            let about = About::deks(source);
            let known = first.get(&about).copied();
            let mut turns: Vec<usize> =
                unwrappers.iter().enumerate().filter(|(_, one)| one.claims(source)).map(|(index, _)| index).collect();
            turns.sort_by_key(|index| known.is_none_or(|(holder, _)| holder != *index));
            let mut held = Held::Nothing(Reason::NoKeyGiven.into());
            if !turns.is_empty()
                && let Some(before) = opened_before(source, asking)
            {
                held = before;
                turns.clear();
            }
            for index in turns {
                let Some(unwrapper) = unwrappers.get_mut(index) else { continue };
                let api = (index, source.id.provider);
                if not_served.contains(&api) {
                    held = held.or(Held::Nothing(Reason::ApiNotServed.into()));
                    continue;
                }
                let way = known.filter(|(holder, _)| *holder == index).map(|(_, way)| way);
                let made = asking.budget.made();
                let (way, answer) = ask_in_turn(source, unwrapper.as_mut(), way, asking)?;
                let (asked, unwrapped) = ring.heard.entry(index).or_default();
                asked.add_if(asking.budget.made() > made);
                unwrapped.add_if(matches!(answer, Held::Key { .. }));
                match &answer {
                    Held::Key { key, .. } if opens(&source.id, key) => {
                        first.insert(about, (index, way));
                        held = answer.beside_state_of(held);
                        break;
                    }
                    Held::Nothing(failure) if failure.reason == Reason::ApiNotServed => drop(not_served.insert(api)),
                    Held::Nothing(failure) => ring.is_cut_short |= failure.reason == Reason::NotAttempted,
                    Held::Key { .. } | Held::OpenedBefore { .. } => {}
                }
                held = held.or(answer);
            }
            ring.held.insert(source.id.clone(), held);
            (asking.on_source)();
        }
        ring.look_for_replicas(plan, unwrappers);
        ring.calls = asking.budget.made().without(made_before);
        Ok(ring)
    }

    /// Where a key cannot be used in its region and values name the same key in another, in which it was not asked, it may open there.
    fn look_for_replicas(&mut self, plan: &Plan, unwrappers: &[Box<dyn Unwrapper>]) {
        let mut regions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for key_id in plan.sources().filter_map(|source| source.id.key_id.as_deref()) {
            if let (Some(id), Some(region)) = (multi_region_id(key_id), region_of(key_id)) {
                regions.entry(id).or_default().insert(region);
            }
        }
        for source in plan.sources() {
            let named = source.id.key_id.as_deref().and_then(multi_region_id).and_then(|id| regions.get(id));
            let (Some(named), Some(Held::Nothing(failure))) = (named, self.held.get_mut(&source.id)) else { continue };
            let asked: BTreeSet<Option<String>> = unwrappers
                .iter()
                .filter(|unwrapper| unwrapper.claims(source))
                .flat_map(|unwrapper| (0..unwrapper.ways(source)).map(|way| unwrapper.place(source, way)))
                .collect();
            if failure.reason.is_of_the_state() && named.iter().any(|region| !asked.contains(&Some((*region).to_owned()))) {
                failure.reason = Reason::UnusableThere;
            }
        }
    }

    /// Of one who could be asked, by its number: DEK sources that it was asked about, and those of them that it unwrapped.
    pub fn heard(&self, holder: usize) -> (Count<DekSources>, Count<DekSources>) {
        self.heard.get(&holder).copied().unwrap_or_default()
    }

    /// What is held of a DEK source; `None` for one that was not in the plan.
    pub fn get(&self, id: &DekSourceId) -> Option<&Held> {
        self.held.get(id)
    }

    /// Every DEK source, sorted by identity.
    pub fn iter(&self) -> impl Iterator<Item = (&DekSourceId, &Held)> {
        self.held.iter()
    }

    /// Calls that were made.
    pub fn calls(&self) -> Count<Calls> {
        self.calls
    }

    /// Whether the budget or the user ended it before everything was asked.
    pub fn is_cut_short(&self) -> bool {
        self.is_cut_short
    }
}

/// Asks one in all its ways, the `known` one first, until it unwraps the DEK source. Of a place whose answer is the same in any way there
/// it is not asked further. Tells in which way it was asked last.
fn ask_in_turn(
    source: &WrappedDek,
    unwrapper: &mut dyn Unwrapper,
    known: Option<usize>,
    asking: &mut Asking<'_>,
) -> Result<(usize, Held), LedgerError> {
    let mut ways: Vec<usize> = (0..unwrapper.ways(source).max(1)).collect();
    ways.sort_by_key(|way| known != Some(*way));
    let mut failures = Vec::new();
    let mut done = BTreeSet::new();
    for way in ways {
        let place = unwrapper.place(source, way);
        if done.contains(&place) {
            continue;
        }
        let key_id = source.id.key_id.as_deref();
        let question = Question { about: About::deks(source), place, operation: "Decrypt", source: Some(source), key_id };
        let ask = |unwrapper: &mut dyn Unwrapper| unwrapper.unwrap(source, way);
        match asking.put(&question, unwrapper, ask, |unwrapped| (UNWRAPPED, unwrapped.kms_key_id.as_deref()))? {
            Ok(Unwrapped { key, kms_key_id }) => {
                let beside = failures.into_iter().find(|failure: &Failure| failure.reason.is_of_the_state());
                return Ok((way, Held::Key { key, kms_key_id, beside }));
            }
            Err(failure) => {
                if !failure.reason.is_of_the_way() {
                    done.insert(question.place);
                }
                failures.push(failure);
            }
        }
    }
    Ok((0, of_all_places(source, failures)))
}

/// What the answers of one holder say together. Where one place says in which state the key is, that others do not know it says nothing,
/// unless the key is known to have replicas. That another denies or refuses it says nothing only of a key that can have none: of a replica
/// there it is no proof.
fn of_all_places(source: &WrappedDek, failures: Vec<Failure>) -> Held {
    let replicas = Replicas::of(source.id.key_id.as_deref());
    let is_found = failures.iter().any(|failure| failure.reason.is_of_the_state());
    let says_nothing = |reason: Reason| match replicas {
        Replicas::None => reason.is_of_the_way(),
        Replicas::NotKnown => reason.is_not_found(),
        Replicas::Some => false,
    };
    let telling = failures.into_iter().filter(|failure| !is_found || !says_nothing(failure.reason));
    telling.map(Held::Nothing).fold(Held::Nothing(Reason::NoKeyGiven.into()), Held::or)
}

impl Held {
    /// A key that opens what it is for, with the state in which one who was asked before says that the key is.
    fn beside_state_of(self, before: Self) -> Self {
        match (self, before) {
            (Self::Key { key, kms_key_id, beside: None }, Self::Nothing(failure)) if failure.reason.is_of_the_state() => {
                Self::Key { key, kms_key_id, beside: Some(failure) }
            }
            (answer, _) => answer,
        }
    }

    /// What is held after one more was asked: a key if there is one, with what the other said, else the failure that leaves the most open.
    fn or(self, answer: Self) -> Self {
        match (self, answer) {
            (Self::Nothing(failure), Self::Nothing(other)) if failure.reason.openness() >= other.reason.openness() => {
                Self::Nothing(failure)
            }
            (Self::Nothing(failure), Self::Key { key, kms_key_id, beside })
            | (Self::Key { key, kms_key_id, beside }, Self::Nothing(failure)) => {
                let others = beside.into_iter().chain(Some(failure)).filter(|failure| failure.reason != Reason::NoKeyGiven);
                // Of those that leave as much open the first is told.
                let beside = others.reduce(|known, other| if other.reason.openness() > known.reason.openness() { other } else { known });
                Self::Key { key, kms_key_id, beside }
            }
            (held @ (Self::Key { .. } | Self::OpenedBefore { .. }), _) => held,
            (Self::Nothing(_), answer) => answer,
        }
    }
}

/// What the ledger of earlier runs says of a DEK source.
fn opened_before(source: &WrappedDek, asking: &Asking<'_>) -> Option<Held> {
    let (time, kms_key_id) = asking.ledger.as_ref()?.opened_before(source)?;
    Some(Held::OpenedBefore { time: time.to_owned(), kms_key_id: kms_key_id.map(str::to_owned) })
}
