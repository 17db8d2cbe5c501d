//! What follows the name, by who keeps the key.

use super::open::DekSourceKind;
use super::{Annotations, Provider};

/// What follows the name in a sealed value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body<'data> {
    /// Sealed with a key of the API server's configuration.
    Local(&'data [u8]),
    /// Sealed with a DEK that a KMS wrapped.
    Kms(KmsEnvelope<'data>),
}

/// What a KMS's envelope says, in whichever version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsEnvelope<'data> {
    /// Whose it is.
    pub provider: Provider,
    /// What the plugin calls the key: an ARN, an ID, an alias; `None` where the envelope has no place for it.
    pub key_id: Option<&'data str>,
    /// The stored integer that tells a key from a seed, where there is one.
    pub dek_source_type: Option<i64>,
    /// What is wrapped; `None` for a stored integer that no API server knows.
    pub dek_source_kind: Option<DekSourceKind>,
    /// The wrapped key or seed.
    pub dek_source: &'data [u8],
    /// What the plugin wrote beside it.
    pub annotations: Annotations<'data>,
    /// The sealed object.
    pub sealed: &'data [u8],
    /// A limit of the API server's that it passes, in words: no API server opens it.
    pub limit_passed: Option<String>,
}

/// Bytes that are not of their provider's form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub(super) String);

impl<'data> Body<'data> {
    /// Reads what follows the name.
    ///
    /// # Errors
    /// It is not of the provider's form, or nobody knows the provider's.
    pub fn parse(provider: Provider, body: &'data [u8]) -> Result<Self, Malformed> {
        match provider.read_kms(body) {
            Some(envelope) => envelope.map(Self::Kms),
            None if provider.is_local() => Ok(Self::Local(body)),
            None => Err(Malformed("the provider is not known".to_owned())),
        }
    }
}

impl<'data> KmsEnvelope<'data> {
    /// Reads what follows the name of a KMS's provider.
    ///
    /// # Errors
    /// It is not of the provider's form, or no KMS keeps the provider's keys.
    pub fn parse(provider: Provider, body: &'data [u8]) -> Result<Self, Malformed> {
        provider.read_kms(body).unwrap_or_else(|| Err(Malformed("no KMS keeps keys of this provider".to_owned())))
    }
}
