//! What a KMS is asked to unwrap, and which two questions are one.

use super::super::{KmsEnvelope, Provider};
use crate::evidence::digest::Sha256Digest;

/// What a wrapped DEK source holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DekSourceKind {
    /// The key of one value, used with AES-GCM or, by older API servers, AES-CBC. KMS v1.
    KeyOfOneValue,
    /// A key, used with AES-GCM. KMS v2, type 0.
    Key,
    /// A seed from which every value's own key is expanded. KMS v2, type 1.
    Seed,
}

/// Identity of a DEK source: values that agree in it need one call to a KMS between them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DekSourceId {
    /// Whose envelope it stands in.
    pub provider: Provider,
    /// What the value calls the provider: an API server asks the plugin of this name, and no other.
    pub provider_name: Box<str>,
    /// What is wrapped.
    pub kind: DekSourceKind,
    /// What the plugin calls the key; `None` where the envelope has no place for it.
    pub key_id: Option<Box<str>>,
    /// Digest of the wrapped bytes.
    pub wrapped: Sha256Digest,
    /// Digest of the annotations in the order of their keys, where there are any.
    pub annotations: Option<Sha256Digest>,
}

impl DekSourceId {
    /// Of a value; `None` where its DEK source is of an unknown type or the envelope passes the API server's limits.
    pub fn of(provider_name: &str, envelope: &KmsEnvelope<'_>) -> Option<Self> {
        if envelope.limit_passed.is_some() {
            return None;
        }
        Some(Self {
            provider: envelope.provider,
            provider_name: provider_name.into(),
            kind: envelope.dek_source_kind?,
            key_id: envelope.key_id.map(Box::from),
            wrapped: Sha256Digest::of(envelope.dek_source),
            annotations: envelope.annotations.sha256(),
        })
    }
}
