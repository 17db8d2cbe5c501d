//! `mvccpb.KeyValue`, read in place.
//!
//! | field | number | type |
//! |---|---|---|
//! | key | 1 | bytes |
//! | create_revision | 2 | int64 |
//! | mod_revision | 3 | int64 |
//! | version | 4 | int64 |
//! | value | 5 | bytes |
//! | lease | 6 | int64 |
//!
//! Source: etcd `api/mvccpb/kv.proto`.

use crate::wire::{Damage, Fields, Value, varint, varint_len};

// The tag of each field: its number and its wire type in one byte.
const KEY_TAG: u8 = 0x0a;
const CREATE_REVISION_TAG: u8 = 0x10;
const MOD_REVISION_TAG: u8 = 0x18;
const VERSION_TAG: u8 = 0x20;
const VALUE_TAG: u8 = 0x2a;
const LEASE_TAG: u8 = 0x30;

/// A key with its value, both slices of the evidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyValue<'data> {
    /// The key.
    pub key: &'data [u8],
    /// The value; empty in a tombstone.
    pub value: &'data [u8],
    /// The revision of the key's last creation.
    pub create_revision: i64,
    /// The revision of this write.
    pub mod_revision: i64,
    /// The number of this write since the creation, which has number 1.
    pub version: i64,
    /// The lease with which the key expires; 0: none.
    pub lease: i64,
}

impl<'data> KeyValue<'data> {
    /// Reads the message. Where a field stands twice, the last one counts, as in protobuf.
    ///
    /// # Errors
    /// The bytes are no protobuf message, or a field does not have its type.
    pub fn parse(message: &'data [u8]) -> Result<Self, Damage> {
        let mut kv = Self::default();
        for field in Fields::new(message) {
            let field = field?;
            match (field.number, field.value) {
                (1, Value::Bytes(bytes)) => kv.key = bytes,
                (5, Value::Bytes(bytes)) => kv.value = bytes,
                (2, Value::Varint(number)) => kv.create_revision = number.cast_signed(),
                (3, Value::Varint(number)) => kv.mod_revision = number.cast_signed(),
                (4, Value::Varint(number)) => kv.version = number.cast_signed(),
                (6, Value::Varint(number)) => kv.lease = number.cast_signed(),
                (1..=6, other) => return Err(Damage::WireType(wire_type(other))),
                _ => {}
            }
        }
        Ok(kv)
    }
}

impl KeyValue<'_> {
    /// How many bytes its encoder writes. A message that has more of them holds something beside these fields, or one of them twice.
    pub(crate) fn encoded_len(&self) -> usize {
        let numbers = [self.create_revision, self.mod_revision, self.version, self.lease].map(|number| match number {
            0 => 0,
            number => varint_len(number.cast_unsigned()).saturating_add(1),
        });
        let texts = [self.key, self.value].map(|bytes| match bytes.len() {
            0 => 0,
            length => varint_len(length as u64).saturating_add(1).saturating_add(length),
        });
        numbers.into_iter().chain(texts).fold(0, usize::saturating_add)
    }

    /// Whether revisions and version are possible together: a key is created by its first write, and each later write has a later
    /// revision.
    pub(crate) fn has_possible_history(&self) -> bool {
        let writes_since = self.mod_revision.saturating_sub(self.create_revision);
        self.create_revision >= 1
            && self.version >= 1
            && self.version.saturating_sub(1) <= writes_since
            && (self.version == 1) == (writes_since == 0)
    }
}

/// A KeyValue whose end may be lost, and behind which other bytes may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartialKeyValue<'data> {
    /// The fields that are there, and of the value the bytes that are there.
    pub kv: KeyValue<'data>,
    /// How many bytes of the value are lost.
    pub missing: u64,
    /// How many bytes of the message are there.
    pub length: usize,
}

impl<'data> PartialKeyValue<'data> {
    /// Reads a message from the start of `bytes`, which may end before it does or go on behind it. Its fields must stand as
    /// etcd's encoder writes them: in the order of their numbers, none of them empty, and the create revision not behind the mod revision.
    /// `None` where they do not, or where the bytes end before the value begins.
    pub(crate) fn read(bytes: &'data [u8]) -> Option<Self> {
        let (after, length) = varint(bytes.strip_prefix(&[KEY_TAG])?).ok()?;
        let (key, rest) = after.split_at_checked(usize::try_from(length).ok()?)?;
        if key.is_empty() { None } else { Self::read_behind_key(bytes, key, rest) }
    }

    /// Reads a message whose key is lost, as [`read`](Self::read) does, from the field behind the key.
    pub(crate) fn read_keyless(bytes: &'data [u8]) -> Option<Self> {
        Self::read_behind_key(bytes, &[], bytes)
    }

    fn read_behind_key(bytes: &'data [u8], key: &'data [u8], mut rest: &'data [u8]) -> Option<Self> {
        let mut kv = KeyValue { key, ..KeyValue::default() };
        let mut missing = 0;
        let number = |rest: &mut &'data [u8], tag| -> Option<i64> {
            let (after, value) = varint(rest.strip_prefix(&[tag])?).ok()?;
            *rest = after;
            Some(value.cast_signed())
        };
        let Some(create) = number(&mut rest, CREATE_REVISION_TAG) else {
            // A tombstone has a key and no other field.
            return Some(Self { kv, missing, length: length_of(bytes, rest) });
        };
        kv.create_revision = create;
        kv.mod_revision = number(&mut rest, MOD_REVISION_TAG)?;
        kv.version = number(&mut rest, VERSION_TAG)?;
        if !(1 <= kv.create_revision && kv.create_revision <= kv.mod_revision && kv.version >= 1) {
            return None;
        }
        // Where nothing follows, the whole value may have been cut off. A write that never had a value looks the same.
        if rest.is_empty() {
            return None;
        }
        if let Some(after) = rest.strip_prefix(&[VALUE_TAG]) {
            let (after, length) = varint(after).ok()?;
            let there = usize::try_from(length).unwrap_or(usize::MAX).min(after.len());
            (kv.value, rest) = after.split_at_checked(there)?;
            missing = length.saturating_sub(there as u64);
        }
        if missing == 0
            && let Some(lease) = number(&mut rest, LEASE_TAG)
        {
            kv.lease = lease;
        }
        Some(Self { kv, missing, length: length_of(bytes, rest) })
    }
}

fn length_of(bytes: &[u8], rest: &[u8]) -> usize {
    bytes.len().saturating_sub(rest.len())
}

fn wire_type(value: Value<'_>) -> u8 {
    match value {
        Value::Varint(_) => 0,
        Value::Fixed64(_) => 1,
        Value::Bytes(_) => 2,
        Value::Fixed32(_) => 5,
    }
}
