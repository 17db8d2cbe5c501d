//! Who holds keys: turning a DEK source into a DEK.
//!
//! ```text
//! EncryptionConfiguration ── local keys ─────────────────────────────> open values as they are
//! AWS KMS, KMS plugins    ── Unwrapper ─< Ring: one call a DEK source ─> data keys, or why there is none
//!                                           │ pace, budget, ledger
//! ```
//! Whom to ask is said by the user and by nobody else: what stands in a value or in a configuration never opens a connection.
//! Async code stays inside [`aws`] and [`plugin`], each with a runtime of its own; everything else blocks.
#![deny(clippy::arithmetic_side_effects)]

mod asking;
#[cfg(feature = "aws-kms")]
pub mod aws;
#[cfg(any(feature = "aws-kms", feature = "kms-plugin"))]
mod aws_errors;
mod budget;
mod contexts;
mod current_keys;
mod encryption_config;
mod failure;
mod given;
mod iam;
mod key_spelling;
mod ledger;
mod pace;
mod plan;
#[cfg(feature = "kms-plugin")]
pub mod plugin;
mod ring;
mod same_keys;
mod sent;
mod silence;
mod state;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests;

pub use self::asking::Asking;
pub use self::budget::Budget;
pub use self::contexts::{EncryptionContext, EncryptionContexts};
pub use self::current_keys::{CurrentKeys, Silent};
pub use self::encryption_config::{ConfiguredProvider, EncryptionConfig, KmsProvider, NamedKey, NotTaken, Problem, Rule, Unusable, Wrong};
pub use self::failure::{Failure, Reason};
pub use self::given::{GivenError, HolderOptions};
pub use self::iam::{PLACE_TO_FILL, UsedKey, decrypt_policy, has_place_to_fill};
pub use self::key_spelling::{Likeness, is_key_arn};
pub(crate) use self::key_spelling::{is_alias, is_one_key, is_word_of_plugin, region_of};
pub use self::ledger::{Ledger, LedgerError};
pub use self::pace::{Pace, Patience};
pub use self::plan::{Plan, Share, Turns, Waiting, WrappedDek};
pub use self::ring::{Held, Ring};
pub use self::same_keys::{NoSpelling, SameKeys};
pub use self::silence::Silences;
pub use self::state::KeyState;

use crate::envelope::open::DataKey;

/// Somebody who can turn DEK sources into DEKs: AWS KMS, a KMS plugin.
pub trait Unwrapper {
    /// Who this is, in words for people and the ledger.
    fn name(&self) -> &str;

    /// Whether this one is to be asked about a DEK source. Asks nobody.
    fn claims(&self, source: &WrappedDek) -> bool;

    /// In how many ways this one is asked about a DEK source that it claims, in turn until it is unwrapped: under several encryption
    /// contexts, in several regions. Each is a call. Asks nobody.
    fn ways(&self, _source: &WrappedDek) -> usize {
        1
    }

    /// Where it asks in one of its ways: what is out of order at one place says nothing of another. `None`: it has one place only.
    fn place(&self, _source: &WrappedDek, _way: usize) -> Option<String> {
        None
    }

    /// Where this one asks about what names no region; `None`: it knows no regions.
    fn regions(&self) -> Option<&[String]> {
        None
    }

    /// The policy that allows what asking about these DEK sources needs and no more, in JSON; `None`: its KMS has no such policies.
    /// `given`: keys that the user names, for DEK sources that do not name theirs. Asks nobody.
    fn policy(&self, _sources: &[&WrappedDek], _given: &[String]) -> Option<String> {
        None
    }

    /// Whether this one is to be asked under which key a provider of KMS v2 writes now. Asks nobody.
    fn names_current_key(&self, _provider_name: &str) -> bool {
        false
    }

    /// Asks under which key its provider writes now: one call.
    ///
    /// # Errors
    /// Why it says nothing.
    fn current_key(&mut self) -> Result<String, Failure> {
        Err(Reason::NotAttempted.into())
    }

    /// Whether this one can say something of a key of a provider. Asks nobody.
    fn describes(&self, _provider_name: &str, _key_id: &str) -> bool {
        false
    }

    /// Where it is asked about a key. Asks nobody.
    fn place_of_key(&self, _key_id: &str) -> Option<String> {
        None
    }

    /// Asks what the KMS says of a key, all but its rotation: one call.
    ///
    /// # Errors
    /// Why it says nothing.
    fn describe(&mut self, _key_id: &str) -> Result<KeyState, Failure> {
        Err(Reason::NotAttempted.into())
    }

    /// Asks whether a key is rotated by itself: one call.
    ///
    /// # Errors
    /// Why it says nothing.
    fn is_rotated(&mut self, _key_id: &str) -> Result<bool, Failure> {
        Err(Reason::NotAttempted.into())
    }

    /// The number that the KMS gave the last call, by which its own log names it; `None` where it gives none.
    fn request_id(&self) -> Option<&str> {
        None
    }

    /// Who the KMS is told is asking, as its own log names them; never a secret.
    fn caller(&self) -> Option<&str> {
        None
    }

    /// Asks, once, in one of its ways, counted from 0. Whether to ask again is for the caller to decide.
    ///
    /// # Errors
    /// Why there is no key.
    fn unwrap(&mut self, source: &WrappedDek, way: usize) -> Result<Unwrapped, Failure>;
}

/// What became of a DEK source.
pub struct Unwrapped {
    /// The key or seed.
    pub key: DataKey,
    /// The key that the KMS says it used, where it says so: the only proof of which key wrapped a KMS v1 DEK.
    pub kms_key_id: Option<String>,
}
