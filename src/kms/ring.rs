//! The ring: every DEK source asked about once, and what came of it.

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::key_spelling::Replicas;
use super::ledger::{Call, LedgerError, UNWRAPPED};
use super::pace::pause;
use super::silence::{Alike, Silence, alike};
use super::{Budget, Failure, Ledger, Patience, Plan, Reason, Unwrapped, Unwrapper, WrappedDek};
use crate::envelope::Provider;
use crate::envelope::open::{DataKey, DekSourceId};
use crate::evidence::count::{Calls, Count};

/// What is held of a DEK source.
pub enum Held {
    /// Its key.
    Key {
        /// The key or seed.
        key: DataKey,
        /// The key that the KMS says it used.
        kms_key_id: Option<String>,
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
}

/// How a KMS is asked.
pub struct Asking<'a> {
    /// How many calls, and how fast.
    pub budget: &'a mut Budget,
    /// How failures that pass are waited out.
    pub patience: Patience,
    /// Notes every call.
    pub ledger: Option<&'a mut Ledger>,
    /// Whether the run is broken off; looked at before every call.
    pub is_stopped: &'a dyn Fn() -> bool,
    /// Told after every DEK source, for progress.
    pub on_source: &'a dyn Fn(),
}

/// One who is asked, and what its answers taught.
struct Holder<'h, 'p> {
    unwrapper: &'h mut dyn Unwrapper,
    /// By the place where it asks: what is out of order at one says nothing of another.
    silences: BTreeMap<Option<String>, Silence<'p>>,
    /// Providers whose API it does not have.
    not_served: BTreeSet<Provider>,
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
        let mut holders: Vec<Holder<'_, '_>> = unwrappers.iter_mut().map(|unwrapper| Holder::new(unwrapper.as_mut())).collect();
        let mut first: BTreeMap<Alike<'_>, (usize, usize)> = BTreeMap::new();
        for source in plan.sources() {
            let alike = alike(source);
            let known = first.get(&alike).copied();
            let mut turns: Vec<usize> = (0..holders.len()).filter(|index| holders.get(*index).is_some_and(|h| h.claims(source))).collect();
            turns.sort_by_key(|index| known.is_none_or(|(holder, _)| holder != *index));
            let mut held = Held::Nothing(Reason::NoKeyGiven.into());
            if !turns.is_empty()
                && let Some(before) = opened_before(source, asking)
            {
                held = before;
                turns.clear();
            }
            for index in turns {
                let Some(holder) = holders.get_mut(index) else { continue };
                let way = known.filter(|(holder, _)| *holder == index).map(|(_, way)| way);
                let (way, answer) = ring.ask_in_turn(source, holder, way, asking)?;
                if let Held::Key { key, .. } = &answer
                    && opens(&source.id, key)
                {
                    first.insert(alike, (index, way));
                    held = answer;
                    break;
                }
                held = held.or(answer);
            }
            ring.held.insert(source.id.clone(), held);
            (asking.on_source)();
        }
        Ok(ring)
    }

    /// Asks one in all its ways, the `known` one first, until it unwraps the DEK source. Of a place whose answer is the same in any way there
    /// it is not asked further. Tells in which way it was asked last.
    fn ask_in_turn<'p>(
        &mut self,
        source: &'p WrappedDek,
        holder: &mut Holder<'_, 'p>,
        known: Option<usize>,
        asking: &mut Asking<'_>,
    ) -> Result<(usize, Held), LedgerError> {
        let mut ways: Vec<usize> = (0..holder.unwrapper.ways(source).max(1)).collect();
        ways.sort_by_key(|way| known != Some(*way));
        let mut failures = Vec::new();
        let mut done = BTreeSet::new();
        for way in ways {
            let place = holder.unwrapper.place(source, way);
            if done.contains(&place) {
                continue;
            }
            match self.ask(source, holder, &place, way, asking)? {
                Held::Nothing(failure) => {
                    if !failure.reason.is_of_the_way() {
                        done.insert(place);
                    }
                    failures.push(failure);
                }
                answer @ (Held::Key { .. } | Held::OpenedBefore { .. }) => return Ok((way, answer)),
            }
        }
        Ok((0, of_all_places(source, failures)))
    }

    fn ask<'p>(
        &mut self,
        source: &'p WrappedDek,
        holder: &mut Holder<'_, 'p>,
        place: &Option<String>,
        way: usize,
        asking: &mut Asking<'_>,
    ) -> Result<Held, LedgerError> {
        let (key, provider) = (alike(source), source.id.provider);
        if holder.not_served.contains(&provider) {
            return Ok(Held::Nothing(Reason::ApiNotServed.into()));
        }
        let silence = holder.silences.entry(place.clone()).or_default();
        if let Some(reason) = silence.reason(key) {
            return Ok(Held::Nothing(Failure::new(reason, "so several times in a row, and not asked any more")));
        }
        let mut repeats = 0u32;
        let failure = loop {
            if !asking.budget.take(asking.is_stopped) {
                self.is_cut_short = true;
                return Ok(Held::Nothing(Reason::NotAttempted.into()));
            }
            let answer = holder.unwrapper.unwrap(source, way).map_err(|failure| failure.without(&source.wrapped));
            if answer.as_ref().is_err_and(Failure::is_unsent) {
                asking.budget.give_back();
            } else {
                self.calls.add_one();
                if let Some(ledger) = &mut asking.ledger {
                    let outcome = answer.as_ref().map(|unwrapped| (UNWRAPPED, unwrapped.kms_key_id.as_deref()));
                    let (operation, key_id) = ("Decrypt", source.id.key_id.as_deref());
                    ledger.note(&Call { operation, source: Some(source), key_id, outcome, ..Call::of(holder.unwrapper) })?;
                }
            }
            let failure = match answer {
                Ok(Unwrapped { key: data_key, kms_key_id }) => {
                    silence.hear(key, None);
                    return Ok(Held::Key { key: data_key, kms_key_id });
                }
                Err(failure) => failure,
            };
            asking.budget.learn(failure.reason);
            match asking.patience.wait(repeats) {
                Some(wait) if failure.reason.is_passing() && silence.may_pass(key) => pause(wait, asking.is_stopped),
                _ => break failure,
            }
            repeats = repeats.saturating_add(1);
        };
        if failure.reason == Reason::ApiNotServed {
            holder.not_served.insert(provider);
        }
        silence.hear(key, Some(failure.reason));
        Ok(Held::Nothing(failure))
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

impl<'h> Holder<'h, '_> {
    fn new(unwrapper: &'h mut dyn Unwrapper) -> Self {
        Self { unwrapper, silences: BTreeMap::new(), not_served: BTreeSet::new() }
    }

    fn claims(&self, source: &WrappedDek) -> bool {
        self.unwrapper.claims(source)
    }
}

impl Held {
    /// What is held after one more was asked: a key if there is one, else the failure that leaves the most open.
    fn or(self, answer: Self) -> Self {
        match (&self, &answer) {
            (Self::Key { .. } | Self::OpenedBefore { .. }, _) => self,
            (Self::Nothing(failure), Self::Nothing(other)) if failure.reason.openness() >= other.reason.openness() => self,
            _ => answer,
        }
    }
}

/// What the ledger of earlier runs says of a DEK source.
fn opened_before(source: &WrappedDek, asking: &Asking<'_>) -> Option<Held> {
    let (time, kms_key_id) = asking.ledger.as_ref()?.opened_before(source)?;
    Some(Held::OpenedBefore { time: time.to_owned(), kms_key_id: kms_key_id.map(str::to_owned) })
}
