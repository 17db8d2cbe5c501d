//! What a KMS is asked to unwrap, and which two questions are one.

use super::super::{EncryptedObject, KmsV1};
use crate::evidence::digest::Sha256Digest;

/// What a wrapped DEK source holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DekSourceKind {
    /// KMS v1: the key of one value.
    V1,
    /// KMS v2, type 0: a key.
    V2Key,
    /// KMS v2, type 1: a seed.
    V2Seed,
}

/// Identity of a DEK source: values that agree in it need one call to a KMS between them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DekSourceId {
    /// What is wrapped.
    pub kind: DekSourceKind,
    /// KMS v2: what the plugin calls the key. KMS v1 names none.
    pub key_id: Option<Box<str>>,
    /// Digest of the wrapped bytes.
    pub wrapped: Sha256Digest,
    /// Digest of the annotations in the order of their keys, where there are any.
    pub annotations: Option<Sha256Digest>,
}

impl DekSourceKind {
    /// Of KMS v2's stored integer; `None` for one that no API server knows.
    pub fn of_v2(dek_source_type: i64) -> Option<Self> {
        match dek_source_type {
            0 => Some(Self::V2Key),
            1 => Some(Self::V2Seed),
            _ => None,
        }
    }
}

impl DekSourceId {
    /// Of a KMS v1 value.
    pub fn of_v1(envelope: &KmsV1<'_>) -> Self {
        Self { kind: DekSourceKind::V1, key_id: None, wrapped: Sha256Digest::of(envelope.wrapped_dek), annotations: None }
    }

    /// Of a KMS v2 value; `None` where its DEK source type is unknown.
    pub fn of_v2(object: &EncryptedObject<'_>) -> Option<Self> {
        Some(Self {
            kind: DekSourceKind::of_v2(object.dek_source_type)?,
            key_id: Some(object.key_id.into()),
            wrapped: Sha256Digest::of(object.dek_source),
            annotations: object.annotations_sha256(),
        })
    }
}
