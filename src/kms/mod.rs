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

#[cfg(feature = "aws-kms")]
pub mod aws;
#[cfg(any(feature = "aws-kms", feature = "kms-plugin"))]
mod aws_errors;
mod encryption_config;
mod failure;
mod iam;
mod ledger;
mod pace;
mod plan;
#[cfg(feature = "kms-plugin")]
pub mod plugin;
mod ring;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests;

pub use self::encryption_config::{ConfiguredProvider, EncryptionConfig, KmsProvider, NamedKey, Problem, Rule, Unusable, Wrong};
pub use self::failure::{Failure, Reason};
pub use self::iam::{EncryptionContexts, UsedKey, decrypt_policy};
pub use self::ledger::{Ledger, LedgerError};
pub use self::pace::{Pace, Patience};
pub use self::plan::{Plan, Share, WrappedDek};
pub use self::ring::{Asking, Held, Ring};

use crate::envelope::open::DataKey;

/// Somebody who can turn DEK sources into DEKs: AWS KMS, a KMS plugin.
pub trait Unwrapper {
    /// Who this is, in words for people and the ledger.
    fn name(&self) -> &str;

    /// Whether this one is to be asked about a DEK source. Asks nobody.
    fn claims(&self, source: &WrappedDek) -> bool;

    /// Asks what the KMS says of a key; `None` where it has nothing to say, or the key is not one of its.
    fn describe(&mut self, _key_id: &str) -> Option<Result<KeyState, Failure>> {
        None
    }

    /// Asks, once. Whether to ask again is for the caller to decide.
    ///
    /// # Errors
    /// Why there is no key.
    fn unwrap(&mut self, source: &WrappedDek) -> Result<Unwrapped, Failure>;
}

/// What became of a DEK source.
pub struct Unwrapped {
    /// The key or seed.
    pub key: DataKey,
    /// The key that the KMS says it used, where it says so: the only proof of which key wrapped a KMS v1 DEK.
    pub kms_key_id: Option<String>,
}

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
