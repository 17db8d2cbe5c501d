//! Envelopes: how a stored value says that it is encrypted, by what, and under which key.
//!
//! | stored bytes | stored by |
//! |---|---|
//! | `k8s:enc:<provider>:<version>:<name>:` and what is sealed | one of [`Provider`], which tells what is sealed how |
//! | `k8s:enc:<other>:<version>:` | [`Provider::Unknown`], shown verbatim |
//! | anything else | identity: the object itself, readable by anyone |
//!
//! What differs between providers stands in one table, in `provider.rs`: words, versions, who keeps the key, how a name ends,
//! how the body is read and opened. [`KeyIdentity`] is the key that a value names; [`open`] opens values, given a key.
//!
//! Source: k8s.io/apiserver `pkg/server/options/encryptionconfig/config.go`, `pkg/storage/value`.
#![deny(clippy::arithmetic_side_effects)]

mod annotations;
mod body;
mod ciphertext;
mod key_identity;
mod key_pattern;
mod kms_v1;
mod kms_v2;
mod names;
pub mod open;
mod prefix;
mod provider;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests;

pub use self::annotations::Annotations;
pub use self::body::{Body, KmsEnvelope, Malformed};
pub(crate) use self::ciphertext::instead_of_it;
pub use self::key_identity::KeyIdentity;
pub use self::key_pattern::KeyPattern;
pub use self::kms_v1::KmsV1;
pub use self::kms_v2::{EncryptedObject, LimitPassed};
pub use self::names::{Name, NameTable};
pub use self::prefix::Sealed;
pub(crate) use self::prefix::extent;
pub use self::provider::{Configured, KmsApi, MakeLocalKey, NotConfigured, Provider};

/// A stored value, seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored<'data> {
    /// No bytes at all.
    Empty,
    /// Not under `k8s:enc:`: the object as it is.
    Plain(&'data [u8]),
    /// Under `k8s:enc:`.
    Sealed(Sealed<'data>),
}

impl<'data> Stored<'data> {
    /// Looks at the value's first bytes; ciphertext further in is never searched.
    pub fn of(value: &'data [u8]) -> Self {
        match Sealed::parse(value) {
            _ if value.is_empty() => Self::Empty,
            Some(sealed) => Self::Sealed(sealed),
            None => Self::Plain(value),
        }
    }
}

/// Messages generated from `proto/kmsv2.proto`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated")]
pub mod pb {
    include!(concat!(env!("OUT_DIR"), "/kmsv2.rs"));
}
