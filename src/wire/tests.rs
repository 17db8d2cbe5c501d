//! The borrowed reader against prost, on any message and on any bytes.

use proptest::prelude::*;
use prost::Message;

use super::{Damage, Field, Fields, Value, varint, varint_len};
use crate::envelope::{EncryptedObject, pb as kmsv2};
use crate::etcd::pb::mvccpb;
use crate::mvcc::KeyValue;

#[test]
fn every_wire_type_is_read_and_groups_are_refused() {
    let message = [0x08, 0x96, 0x01, 0x12, 2, b'h', b'i', 0x1d, 1, 0, 0, 0, 0x21, 2, 0, 0, 0, 0, 0, 0, 0];
    let fields: Vec<_> = Fields::new(&message).map(Result::unwrap).collect();
    let expected = [(1, Value::Varint(150)), (2, Value::Bytes(b"hi")), (3, Value::Fixed32(1)), (4, Value::Fixed64(2))];
    assert_eq!(fields, expected.map(|(number, value)| Field { number, value }));
    assert_eq!(Fields::new(&[0x0b]).next(), Some(Err(Damage::WireType(3))));
}

#[test]
fn damage_is_told_once_and_ends_the_message() {
    for (bytes, damage) in [
        (&[0x12, 5, 1][..], Damage::Length { need: 5, have: 1 }),
        (&[0x80], Damage::Varint),
        (&[0x00, 0], Damage::Number(0)),
        (&[0xff; 11], Damage::Varint),
    ] {
        assert_eq!(Fields::new(bytes).collect::<Vec<_>>(), vec![Err(damage)], "{bytes:?}");
    }
}

#[test]
fn a_length_near_the_largest_number_does_not_wrap() {
    let message = [0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0];
    assert_eq!(Fields::new(&message).next(), Some(Err(Damage::Length { need: u64::MAX, have: 1 })));
}

proptest! {
    #[test]
    fn a_number_takes_as_many_bytes_as_prost_writes(number: u64, shift in 0..64u32) {
        let number = number >> shift;
        prop_assert_eq!(varint_len(number), prost::encoding::encoded_len_varint(number));
    }

    #[test]
    fn any_key_value_reads_as_prost_reads_it(
        key in prop::collection::vec(any::<u8>(), 0..40),
        value in prop::collection::vec(any::<u8>(), 0..300),
        numbers in prop::array::uniform4(any::<i64>()),
    ) {
        let [create_revision, mod_revision, version, lease] = numbers;
        let message = mvccpb::KeyValue { key, create_revision, mod_revision, version, value, lease };
        let bytes = message.encode_to_vec();
        let read = KeyValue::parse(&bytes).unwrap();
        prop_assert_eq!(read.key, &message.key[..]);
        prop_assert_eq!(read.value, &message.value[..]);
        prop_assert_eq!(
            [read.create_revision, read.mod_revision, read.version, read.lease],
            numbers
        );
    }

    #[test]
    fn any_encrypted_object_reads_as_prost_reads_it(
        data in prop::collection::vec(any::<u8>(), 0..200),
        key_id in ".{0,40}",
        source in prop::collection::vec(any::<u8>(), 0..80),
        annotations in prop::collection::btree_map("[a-z.]{0,12}", prop::collection::vec(any::<u8>(), 0..20), 0..4),
        kind in any::<i32>(),
    ) {
        let message = kmsv2::EncryptedObject {
            encrypted_data: data,
            key_id,
            encrypted_dek_source: source,
            annotations,
            encrypted_dek_source_type: kind,
        };
        let bytes = message.encode_to_vec();
        let read = EncryptedObject::parse(&bytes).unwrap();
        prop_assert_eq!(read.encrypted_data, &message.encrypted_data[..]);
        prop_assert_eq!(read.key_id, &message.key_id);
        prop_assert_eq!(read.dek_source, &message.encrypted_dek_source[..]);
        prop_assert_eq!(read.dek_source_type, i64::from(kind));
        let annotations: Vec<_> = message.annotations.iter().map(|(k, v)| (k.as_bytes(), &v[..])).collect();
        prop_assert_eq!(read.annotations.to_map().into_iter().collect::<Vec<_>>(), annotations);
        prop_assert_eq!(read.annotations.sha256().is_some(), !message.annotations.is_empty());
    }

    #[test]
    fn any_fields_read_as_prost_reads_them_and_what_it_refuses_is_refused(
        fields in prop::collection::vec(
            (prop_oneof![6 => 1u32..8, 1 => any::<u32>()], 0u32..8, any::<u64>(), prop::collection::vec(any::<u8>(), 0..20)), 0..8
        ),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut bytes = Vec::new();
        for (number, wire_type, value, content) in fields {
            // The type that the field has, mostly.
            let wire_type = match (wire_type, number) {
                (6 | 7, 1 | 5) => 2,
                (6 | 7, _) => 0,
                (other, _) => other,
            };
            prost::encoding::encode_varint(u64::from(number) << 3 | u64::from(wire_type), &mut bytes);
            match wire_type {
                0 => prost::encoding::encode_varint(value, &mut bytes),
                1 => bytes.extend(value.to_le_bytes()),
                2 => {
                    prost::encoding::encode_varint(content.len() as u64, &mut bytes);
                    bytes.extend(content);
                }
                5 => bytes.extend(value.to_le_bytes().into_iter().take(4)),
                _ => {}
            }
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        match (KeyValue::parse(&bytes), mvccpb::KeyValue::decode(&bytes[..])) {
            (Ok(read), Ok(message)) => {
                prop_assert_eq!((read.key, read.value), (&message.key[..], &message.value[..]));
                prop_assert_eq!((read.create_revision, read.mod_revision), (message.create_revision, message.mod_revision));
                prop_assert_eq!((read.version, read.lease), (message.version, message.lease));
            }
            (Err(_), Err(_)) => {}
            // Groups, which etcd's messages do not have.
            (Err(Damage::WireType(3 | 4)), Ok(_)) => {}
            (read, message) => prop_assert!(false, "{:?} and {:?}", read.map(|_| ()), message.map(|_| ())),
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = (varint(&bytes), KeyValue::parse(&bytes), EncryptedObject::parse(&bytes));
    }
}
