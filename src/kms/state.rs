//! What a KMS says of a key. These calls are of the same budget and in the same ledger as those that unwrap.

use super::asking::{Asking, Question};
use super::silence::About;
use super::{Failure, LedgerError, Unwrapper};

/// How the ledger calls an answer about a key.
pub(super) const DESCRIBED: (&str, Option<&str>) = ("described", None);

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
        let unwrapper = unwrapper.as_mut();
        let place = unwrapper.place_of_key(key_id);
        let about = |key_id: &str| About::Key(key_id.into());
        let question = Question { about: about(key_id), place, operation: "DescribeKey", source: None, key_id: Some(key_id) };
        let state = asking.put(&question, unwrapper, |unwrapper| unwrapper.describe(key_id), |_| DESCRIBED)?;
        let mut state = match state {
            Ok(state) => state,
            Err(failure) => return Ok(Some(Err(failure))),
        };
        // This call takes no alias.
        let key = state.arn.clone().unwrap_or_else(|| key_id.to_owned());
        let question = Question { about: about(&key), operation: "GetKeyRotationStatus", key_id: Some(&key), ..question };
        let is_rotated = asking.put(&question, unwrapper, |unwrapper| unwrapper.is_rotated(&key), |_| DESCRIBED)?;
        state.is_rotated = is_rotated.ok();
        Ok(Some(Ok(state)))
    }
}
