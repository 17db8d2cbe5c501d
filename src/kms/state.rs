//! What a KMS says of a key. These calls are of the same budget and in the same ledger as those that unwrap.

use super::asking::{Asking, Question};
use super::key_spelling::{Replicas, is_alias};
use super::silence::About;
use super::{Failure, LedgerError, Reason, Unwrapper};

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

/// Who was asked about a key, and what it said.
type Said = (String, Result<KeyState, Failure>);

impl KeyState {
    /// Whether the KMS lets it be used, as far as it says.
    pub fn is_usable(&self) -> bool {
        self.state.as_deref().is_none_or(|state| matches!(state, "Enabled" | "Creating" | "Updating"))
    }

    /// The KMS's word for the state for which it refused a key.
    pub(crate) fn word_of(reason: Reason) -> Option<&'static str> {
        match reason {
            Reason::Disabled => Some("Disabled"),
            Reason::PendingDeletion => Some("PendingDeletion"),
            _ => Some("Unavailable").filter(|_| reason.is_of_the_state()),
        }
    }

    /// Whether the KMS may use another key than the one that is named so: an alias, or a replica in another region.
    pub(crate) fn may_be_of_another(key_id: &str) -> bool {
        is_alias(key_id) || Replicas::of(Some(key_id)) == Replicas::Some
    }

    /// Asks the first that knows such keys what it says of one, all but its rotation; with whom it asked. `None` where nobody knows such,
    /// the failure where it does not say it or no call is left.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn describe(
        provider_name: &str,
        key_id: &str,
        unwrappers: &mut [Box<dyn Unwrapper>],
        asking: &mut Asking<'_>,
    ) -> Result<Option<Said>, LedgerError> {
        let Some(unwrapper) = who_knows(provider_name, key_id, unwrappers) else { return Ok(None) };
        let place = unwrapper.place_of_key(key_id);
        let question = Question { about: About::Key(key_id.into()), place, operation: "DescribeKey", source: None, key_id: Some(key_id) };
        let state = asking.put(&question, unwrapper, |unwrapper| unwrapper.describe(key_id), |_| DESCRIBED)?;
        Ok(Some((unwrapper.name().to_owned(), state)))
    }

    /// The same, and whether the key is rotated by itself.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn ask(
        provider_name: &str,
        key_id: &str,
        unwrappers: &mut [Box<dyn Unwrapper>],
        asking: &mut Asking<'_>,
    ) -> Result<Option<Result<Self, Failure>>, LedgerError> {
        Ok(match Self::describe(provider_name, key_id, unwrappers, asking)? {
            Some((_, Ok(state))) => Some(Ok(state.with_rotation(provider_name, key_id, unwrappers, asking)?)),
            Some((_, Err(failure))) => Some(Err(failure)),
            None => None,
        })
    }

    /// The same with whether the key is rotated by itself, as far as its KMS says that.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn with_rotation(
        mut self,
        provider_name: &str,
        key_id: &str,
        unwrappers: &mut [Box<dyn Unwrapper>],
        asking: &mut Asking<'_>,
    ) -> Result<Self, LedgerError> {
        if let Some(unwrapper) = who_knows(provider_name, key_id, unwrappers) {
            // This call takes no alias.
            let key = self.arn.clone().unwrap_or_else(|| key_id.to_owned());
            let (about, place) = (About::Key(key.as_str().into()), unwrapper.place_of_key(key_id));
            let question = Question { about, place, operation: "GetKeyRotationStatus", source: None, key_id: Some(&key) };
            let is_rotated = asking.put(&question, unwrapper, |unwrapper| unwrapper.is_rotated(&key), |_| DESCRIBED)?;
            self.is_rotated = is_rotated.ok();
        }
        Ok(self)
    }
}

/// The first that knows such keys.
fn who_knows<'u>(provider_name: &str, key_id: &str, unwrappers: &'u mut [Box<dyn Unwrapper>]) -> Option<&'u mut dyn Unwrapper> {
    let knows = unwrappers.iter_mut().find(|unwrapper| unwrapper.describes(provider_name, key_id));
    knows.map(|unwrapper| &mut **unwrapper as &mut dyn Unwrapper)
}
