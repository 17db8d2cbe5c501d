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

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::evidence::digest::Sha256Digest;
use crate::wire::{Damage, Field, Fields, Value};

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
    /// The message, for a second reading of its annotations.
    message: &'data [u8],
    has_annotations: bool,
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
        let mut object = Self { message, ..Self::default() };
        for field in Fields::new(message) {
            match field? {
                Field { number: 1, value: Value::Bytes(bytes) } => object.encrypted_data = bytes,
                Field { number: 2, value: Value::Bytes(bytes) } => {
                    object.key_id = std::str::from_utf8(bytes).map_err(|_| Damage::WireType(2))?;
                }
                Field { number: 3, value: Value::Bytes(bytes) } => object.dek_source = bytes,
                Field { number: 4, value: Value::Bytes(_) } => object.has_annotations = true,
                Field { number: 5, value: Value::Varint(number) } => object.dek_source_type = number.cast_signed(),
                Field { number: 1..=5, .. } => return Err(Damage::WireType(0)),
                Field { .. } => {}
            }
        }
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

    /// The annotations, sorted; of a key that stands twice the last counts.
    pub fn annotations(&self) -> BTreeMap<&'data [u8], &'data [u8]> {
        let mut map = BTreeMap::new();
        for field in Fields::new(self.message).flatten() {
            if field.number != 4 {
                continue;
            }
            let mut entry: (&[u8], &[u8]) = (&[], &[]);
            for part in Fields::new(field.bytes().unwrap_or_default()).flatten() {
                match (part.number, part.bytes()) {
                    (1, Some(key)) => entry.0 = key,
                    (2, Some(value)) => entry.1 = value,
                    _ => {}
                }
            }
            map.insert(entry.0, entry.1);
        }
        map
    }

    /// Whether another value bears the same annotations, written in the same order.
    pub fn has_annotations_of(&self, other: &Self) -> bool {
        let annotations = |object: &Self| Fields::new(object.message).flatten().filter(|field| field.number == 4).map(Field::bytes);
        self.has_annotations == other.has_annotations && annotations(self).eq(annotations(other))
    }

    /// SHA-256 over the annotations in the order of their keys, each as length (u32, big-endian) and bytes
    /// of key and value; `None` where there are none.
    pub fn annotations_sha256(&self) -> Option<Sha256Digest> {
        if !self.has_annotations {
            return None;
        }
        let mut hasher = Sha256::new();
        for part in self.annotations().into_iter().flat_map(|(key, value)| [key, value]) {
            hasher.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            hasher.update(part);
        }
        Some(Sha256Digest(hasher.finalize().into()))
    }

    /// The first of the API server's limits that it passes.
    pub fn limit_passed(&self) -> Option<LimitPassed> {
        let annotations = if self.has_annotations {
            self.annotations().iter().fold(0usize, |sum, (key, value)| sum.saturating_add(key.len()).saturating_add(value.len()))
        } else {
            0
        };
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
