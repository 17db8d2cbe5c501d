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

use crate::wire::{Damage, Fields, Value};

/// A key with its value, as slices of the evidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyValue<'data> {
    /// The key.
    pub key: &'data [u8],
    /// The value; empty in a tombstone.
    pub value: &'data [u8],
    /// Revision of the last creation of the key.
    pub create_revision: i64,
    /// Revision of this write.
    pub mod_revision: i64,
    /// Writes since the creation, beginning with 1.
    pub version: i64,
    /// The lease it goes with; 0: none.
    pub lease: i64,
}

impl<'data> KeyValue<'data> {
    /// Reads the message. Of a field that stands twice the last counts, as in protobuf.
    ///
    /// # Errors
    /// The bytes are no protobuf message, or a field has another type than it must.
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

fn wire_type(value: Value<'_>) -> u8 {
    match value {
        Value::Varint(_) => 0,
        Value::Fixed64(_) => 1,
        Value::Bytes(_) => 2,
        Value::Fixed32(_) => 5,
    }
}
