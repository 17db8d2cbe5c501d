//! KMS v2: `EncryptedObject`, read in place.
//!
//! | field | number | type | limit |
//! |---|---|---|---|
//! | encryptedData | 1 | bytes | not empty |
//! | keyID | 2 | string | 1 to 1024 bytes |
//! | encryptedDEKSource | 3 | bytes | 1 to 1024 bytes |
//! | annotations | 4 | map of string to bytes | 32 KiB in all |
//! | encryptedDEKSourceType | 5 | enum | 0: an AES-GCM key; 1: a seed for HKDF-SHA256 |
//!
//! Source: k8s.io/apiserver `envelope/kmsv2/v2/api.proto`; limits: `envelope/kmsv2/envelope.go`.

use super::open::DekSourceKind;
use super::{Annotations, KmsEnvelope, Malformed, Provider};
use crate::wire::{Damage, Field, Fields, Value};

/// The field of the annotations.
const ANNOTATIONS: u32 = 4;
const LARGEST_KEY_ID: usize = 1024;
const LARGEST_DEK_SOURCE: usize = 1024;
const LARGEST_ANNOTATIONS: usize = 32 * 1024;

/// A value sealed by a KMS v2 provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EncryptedObject<'data> {
    /// The sealed object.
    pub encrypted_data: &'data [u8],
    /// What the plugin calls the key: an ARN, an ID, an alias.
    pub key_id: &'data str,
    /// The wrapped key or seed.
    pub dek_source: &'data [u8],
    /// The stored integer.
    pub dek_source_type: i64,
    /// What the plugin wrote beside it.
    pub annotations: Annotations<'data>,
}

/// A limit that the API server keeps and this value passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitPassed {
    /// Nothing sealed.
    #[error("no encrypted data")]
    NoData,
    /// Key ID empty or too long.
    #[error("a key ID of {0} bytes, expected 1 to {LARGEST_KEY_ID}")]
    KeyId(usize),
    /// DEK source empty or too long.
    #[error("a DEK source of {0} bytes, expected 1 to {LARGEST_DEK_SOURCE}")]
    DekSource(usize),
    /// Annotations too long.
    #[error("annotations of {0} bytes, expected at most {LARGEST_ANNOTATIONS}")]
    Annotations(usize),
    /// A type this version does not know.
    #[error("DEK source type {0}, expected 0 or 1")]
    DekSourceType(i64),
}

impl<'data> EncryptedObject<'data> {
    /// Reads the message.
    ///
    /// # Errors
    /// The bytes are no protobuf message, or a field has another type than it must.
    pub fn parse(message: &'data [u8]) -> Result<Self, Damage> {
        let mut object = Self::default();
        let mut has_annotations = false;
        for field in Fields::new(message) {
            match field? {
                Field { number: 1, value: Value::Bytes(bytes) } => object.encrypted_data = bytes,
                Field { number: 2, value: Value::Bytes(bytes) } => {
                    object.key_id = std::str::from_utf8(bytes).map_err(|_| Damage::WireType(2))?;
                }
                Field { number: 3, value: Value::Bytes(bytes) } => object.dek_source = bytes,
                Field { number: 4, value: Value::Bytes(_) } => has_annotations = true,
                Field { number: 5, value: Value::Varint(number) } => object.dek_source_type = number.cast_signed(),
                Field { number: 1..=5, .. } => return Err(Damage::WireType(0)),
                Field { .. } => {}
            }
        }
        object.annotations = Annotations::new(message, ANNOTATIONS, has_annotations);
        Ok(object)
    }

    /// How many bytes of a message that stands among others are its own, and whether its end is certain: a seed's type is the
    /// last field, a key's type is not written.
    pub(super) fn extent(bytes: &[u8]) -> (usize, bool) {
        let mut fields = Fields::new(bytes);
        let (mut end, mut last) = (0, 0);
        while let Some(Ok(field)) = fields.next() {
            let in_order = field.number > last || field.number == 4 && last == 4;
            if !in_order || field.number > 5 || (field.number == 5) != matches!(field.value, Value::Varint(_)) {
                break;
            }
            last = field.number;
            end = bytes.len().saturating_sub(fields.rest().len());
            if last == 5 {
                return (end, true);
            }
        }
        (end, false)
    }

    /// The first of the API server's limits that it passes.
    pub fn limit_passed(&self) -> Option<LimitPassed> {
        let annotations = self.annotations.length();
        match self {
            _ if self.encrypted_data.is_empty() => Some(LimitPassed::NoData),
            _ if !(1..=LARGEST_KEY_ID).contains(&self.key_id.len()) => Some(LimitPassed::KeyId(self.key_id.len())),
            _ if !(1..=LARGEST_DEK_SOURCE).contains(&self.dek_source.len()) => Some(LimitPassed::DekSource(self.dek_source.len())),
            _ if annotations > LARGEST_ANNOTATIONS => Some(LimitPassed::Annotations(annotations)),
            _ if !(0..=1).contains(&self.dek_source_type) => Some(LimitPassed::DekSourceType(self.dek_source_type)),
            _ => None,
        }
    }
}

/// What the envelope says, as of any KMS.
pub(super) fn read(message: &[u8]) -> Result<KmsEnvelope<'_>, Malformed> {
    let object = EncryptedObject::parse(message).map_err(|damage| Malformed(format!("EncryptedObject: {damage}")))?;
    Ok(KmsEnvelope {
        provider: Provider::KmsV2,
        key_id: Some(object.key_id),
        dek_source_type: Some(object.dek_source_type),
        dek_source_kind: match object.dek_source_type {
            0 => Some(DekSourceKind::Key),
            1 => Some(DekSourceKind::Seed),
            _ => None,
        },
        dek_source: object.dek_source,
        annotations: object.annotations,
        sealed: object.encrypted_data,
        limit_passed: object.limit_passed().map(|limit| limit.to_string()),
    })
}
