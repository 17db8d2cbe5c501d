//! The ring: every DEK source asked about once, and what came of it.

use std::collections::BTreeMap;

use super::ledger::{Call, LedgerError, UNWRAPPED};
use super::pace::pause;
use super::{Budget, Failure, Ledger, Patience, Plan, Reason, Unwrapped, Unwrapper, WrappedDek};
use crate::envelope::open::{DataKey, DekSourceId};

/// After so many failures of its own in a row a KMS is not asked any more.
const GIVE_UP_AFTER: u32 = 3;

/// What is held of a DEK source.
pub enum Held {
    /// Its key.
    Key {
        /// The key or seed.
        key: DataKey,
        /// The key that the KMS says it used.
        kms_key_id: Option<String>,
    },
    /// No key.
    Nothing {
        /// Why.
        failure: Failure,
        /// The key that the KMS said it used in an earlier run.
        kms_key_id: Option<String>,
    },
}

/// The DEK sources of a run with what became of them.
#[derive(Default)]
pub struct Ring {
    held: BTreeMap<DekSourceId, Held>,
    calls: u64,
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

/// Failures in a row that are the KMS's own and not a key's.
#[derive(Clone, Copy, Default)]
struct Silence {
    length: u32,
    reason: Option<Reason>,
}

impl Ring {
    /// Asks about every DEK source of the plan, each at the first unwrapper that claims it.
    ///
    /// # Errors
    /// The ledger cannot be written. The call that could not be noted was made; no further one is.
    pub fn unwrap(plan: &Plan, unwrappers: &mut [Box<dyn Unwrapper>], asking: &mut Asking<'_>) -> Result<Self, LedgerError> {
        let mut ring = Self::default();
        let mut silences = vec![Silence::default(); unwrappers.len()];
        for source in plan.sources() {
            let held = match unwrappers.iter().position(|unwrapper| unwrapper.claims(source)) {
                None => nothing(Reason::NoKeyGiven.into()),
                Some(index) => match (unwrappers.get_mut(index), silences.get_mut(index)) {
                    (Some(unwrapper), Some(silence)) => ring.ask(source, unwrapper.as_mut(), silence, asking)?,
                    _ => nothing(Reason::NoKeyGiven.into()),
                },
            };
            ring.held.insert(source.id.clone(), held);
            (asking.on_source)();
        }
        Ok(ring)
    }

    fn ask(
        &mut self,
        source: &WrappedDek,
        unwrapper: &mut dyn Unwrapper,
        silence: &mut Silence,
        asking: &mut Asking<'_>,
    ) -> Result<Held, LedgerError> {
        if let Some(kms_key_id) = asking.ledger.as_ref().and_then(|ledger| ledger.unwrapped_before(&source.digest())) {
            return Ok(Held::Nothing { failure: Reason::UnwrappedBefore.into(), kms_key_id: kms_key_id.map(str::to_owned) });
        }
        if let Some(reason) = silence.reason.filter(|_| silence.length >= GIVE_UP_AFTER) {
            return Ok(nothing(Failure::new(reason, &format!("so {GIVE_UP_AFTER} times in a row, and not asked any more"))));
        }
        let mut repeats = 0u32;
        let failure = loop {
            if !asking.budget.take(asking.is_stopped) {
                self.is_cut_short = true;
                return Ok(nothing(Reason::NotAttempted.into()));
            }
            self.calls = self.calls.saturating_add(1);
            let answer = unwrapper.unwrap(source);
            if let Some(ledger) = &mut asking.ledger {
                let outcome = answer.as_ref().map(|unwrapped| (UNWRAPPED, unwrapped.kms_key_id.as_deref()));
                let (operation, key_id) = ("Decrypt", source.id.key_id.as_deref());
                ledger.note(&Call { operation, source: Some(source), key_id, outcome, ..Call::of(unwrapper) })?;
            }
            let failure = match answer {
                Ok(Unwrapped { key, kms_key_id }) => {
                    *silence = Silence::default();
                    return Ok(Held::Key { key, kms_key_id });
                }
                Err(failure) => failure,
            };
            asking.budget.learn(failure.reason);
            match asking.patience.wait(repeats) {
                Some(wait) if failure.reason.is_passing() && silence.length == 0 => pause(wait, asking.is_stopped),
                _ => break failure,
            }
            repeats = repeats.saturating_add(1);
        };
        *silence = match failure.reason.is_of_the_kms() {
            true => Silence { length: silence.length.saturating_add(1), reason: Some(failure.reason) },
            false => Silence::default(),
        };
        Ok(nothing(failure))
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
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Whether the budget or the user ended it before everything was asked.
    pub fn is_cut_short(&self) -> bool {
        self.is_cut_short
    }
}

fn nothing(failure: Failure) -> Held {
    Held::Nothing { failure, kms_key_id: None }
}
