//! What a KMS says of a key. These calls are of the same budget and in the same ledger as those that unwrap.

use super::ledger::Call;
use super::pace::pause;
use super::{Asking, Failure, LedgerError, Reason, Unwrapper};

/// What a KMS says of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyState {
    /// Its ARN.
    pub arn: Option<String>,
    /// Such as `Enabled`, `Disabled`, `PendingDeletion`.
    pub state: Option<String>,
    /// `AWS` or `CUSTOMER`.
    pub manager: Option<String>,
    /// Whether it is rotated by itself; `None` where that may not be asked.
    pub is_rotated: Option<bool>,
    /// When it will be deleted, in seconds since 1970.
    pub deletion_date: Option<i64>,
}

impl KeyState {
    /// Whether the KMS lets it be used, as far as it says.
    pub fn is_usable(&self) -> bool {
        self.state.as_deref().is_none_or(|state| matches!(state, "Enabled" | "Creating" | "Updating"))
    }

    /// Asks the first that knows such keys; `None` where nobody does, the failure where it does not say it or no call is left.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn ask(
        provider_name: &str,
        key_id: &str,
        unwrappers: &mut [Box<dyn Unwrapper>],
        asking: &mut Asking<'_>,
    ) -> Result<Option<Result<Self, Failure>>, LedgerError> {
        let knows = |unwrapper: &&mut Box<dyn Unwrapper>| unwrapper.describes(provider_name, key_id);
        let Some(unwrapper) = unwrappers.iter_mut().find(knows) else { return Ok(None) };
        let state = put("DescribeKey", Some(key_id), unwrapper.as_mut(), asking, |unwrapper| unwrapper.describe(key_id))?;
        let mut state = match state {
            Ok(state) => state,
            Err(failure) => return Ok(Some(Err(failure))),
        };
        // This call takes no alias.
        let key = state.arn.clone().unwrap_or_else(|| key_id.to_owned());
        let is_rotated = put("GetKeyRotationStatus", Some(&key), unwrapper.as_mut(), asking, |unwrapper| unwrapper.is_rotated(&key))?;
        state.is_rotated = is_rotated.ok();
        Ok(Some(Ok(state)))
    }
}

/// Puts one question about keys, waits out what passes, and notes every call.
pub(super) fn put<T>(
    operation: &str,
    key_id: Option<&str>,
    unwrapper: &mut dyn Unwrapper,
    asking: &mut Asking<'_>,
    question: impl Fn(&mut dyn Unwrapper) -> Result<T, Failure>,
) -> Result<Result<T, Failure>, LedgerError> {
    let mut repeats = 0u32;
    loop {
        if !asking.budget.take(asking.is_stopped) {
            return Ok(Err(Reason::NotAttempted.into()));
        }
        let answer = question(unwrapper).map_err(|failure| failure.without(&[]));
        if let Err(failure) = &answer {
            asking.budget.learn(failure.reason);
            if failure.is_unsent() {
                asking.budget.give_back();
            }
        }
        if let (Some(ledger), false) = (&mut asking.ledger, answer.as_ref().is_err_and(Failure::is_unsent)) {
            let outcome = answer.as_ref().map(|_| ("described", None));
            ledger.note(&Call { operation, source: None, key_id, outcome, ..Call::of(unwrapper) })?;
        }
        match (&answer, asking.patience.wait(repeats)) {
            (Err(failure), Some(wait)) if failure.reason.is_passing() => pause(wait, asking.is_stopped),
            _ => return Ok(answer),
        }
        repeats = repeats.saturating_add(1);
    }
}
