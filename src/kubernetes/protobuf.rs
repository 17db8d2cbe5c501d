//! Objects in protobuf, read in place.
//!
//! ```text
//! 6b 38 73 00  runtime.Unknown { typeMeta=1 {apiVersion=1, kind=2}, raw=2 {object}, … }
//! object       { metadata=1 {name=1, namespace=3, uid=5, creationTimestamp=8, ownerReferences=13, managedFields=17}, … }
//! Secret       { metadata=1, data=2 map<string, bytes>, type=3, immutable=5 }
//! ```
//! Source: apimachinery `pkg/runtime/generated.proto`, `pkg/apis/meta/v1/generated.proto`; api `core/v1/generated.proto`.

use std::borrow::Cow;

use super::Unreadable;
use super::encoding::PROTOBUF_MAGIC;
use super::object::{Object, Owner};
use super::secret::{DataItem, Secret};
use crate::wire::{Damage, Field, Fields, Value};

/// Type and metadata, and the object's own bytes.
pub(super) fn object(value: &[u8]) -> Result<(Object<'_>, &[u8]), Unreadable> {
    let message = value.strip_prefix(PROTOBUF_MAGIC).ok_or(Unreadable::NoObject)?;
    let mut object = Object::default();
    let mut raw = None;
    read("runtime.Unknown", message, |field| match field {
        Field { number: 1, value: Value::Bytes(type_meta) } => read_type_meta(&mut object, type_meta),
        Field { number: 2, value: Value::Bytes(bytes) } => {
            raw = Some(bytes);
            Ok(())
        }
        _ => Ok(()),
    })?;
    let raw = raw.ok_or(Unreadable::NoObject)?;
    read("object", raw, |field| match field {
        Field { number: 1, value: Value::Bytes(metadata) } => read_metadata(&mut object, metadata),
        _ => Ok(()),
    })?;
    Ok((object, raw))
}

/// Whether a list has an item.
pub(super) fn has_items(value: &[u8]) -> bool {
    value.strip_prefix(PROTOBUF_MAGIC).and_then(|message| field(field(message, 2)?, 2)).is_some()
}

/// The newest of an object's times: its creation, and its managers' writes.
pub(super) fn newest_time(value: &[u8]) -> Option<i64> {
    let metadata = field(field(value.strip_prefix(PROTOBUF_MAGIC)?, 2)?, 1)?;
    let mut newest = None;
    for part in Fields::new(metadata) {
        let time = match part {
            Ok(Field { number: 8, value: Value::Bytes(time) }) => time,
            Ok(Field { number: 17, value: Value::Bytes(entry) }) => field(entry, 4).unwrap_or_default(),
            Ok(_) => continue,
            Err(_) => break,
        };
        newest = newest.max(seconds(time).ok().flatten());
    }
    newest
}

/// The first field of this number that a message has, where it is one of bytes.
fn field(message: &[u8], number: u32) -> Option<&[u8]> {
    Fields::new(message).find_map(|field| field.ok().filter(|field| field.number == number))?.bytes()
}

/// A Secret: its type, the names and lengths of its data, whether it is immutable. Values are not touched.
pub(super) fn secret(value: &[u8]) -> Result<Secret<'_>, Unreadable> {
    let (object, raw) = object(value)?;
    let mut secret = Secret { object, ..Secret::default() };
    read("Secret", raw, |field| {
        match (field.number, field.value) {
            (2, Value::Bytes(entry)) => {
                let mut item = DataItem::default();
                read("Secret data", entry, |part| {
                    match (part.number, part.value) {
                        (1, Value::Bytes(name)) => item.name = text(name),
                        (2, Value::Bytes(data)) => item.length = data.len() as u64,
                        _ => {}
                    }
                    Ok(())
                })?;
                secret.data.push(item);
            }
            (3, Value::Bytes(kind)) => secret.secret_type = text(kind),
            (5, Value::Varint(flag)) => secret.immutable = flag != 0,
            _ => {}
        }
        Ok(())
    })?;
    secret.data.sort();
    Ok(secret)
}

fn read_type_meta<'data>(object: &mut Object<'data>, message: &'data [u8]) -> Result<(), Unreadable> {
    read("runtime.TypeMeta", message, |field| {
        match (field.number, field.bytes()) {
            (1, Some(bytes)) => object.api_version = text(bytes),
            (2, Some(bytes)) => object.kind = text(bytes),
            _ => {}
        }
        Ok(())
    })
}

fn read_metadata<'data>(object: &mut Object<'data>, message: &'data [u8]) -> Result<(), Unreadable> {
    read("ObjectMeta", message, |field| {
        match (field.number, field.bytes()) {
            (1, Some(bytes)) => object.name = text(bytes),
            (3, Some(bytes)) => object.namespace = text(bytes),
            (5, Some(bytes)) => object.uid = text(bytes),
            (8, Some(time)) => {
                object.created = seconds(time)?;
                object.created.into_iter().for_each(|seconds| object.add_time(seconds));
            }
            (13, Some(owner)) => {
                let mut reference = Owner::default();
                read("OwnerReference", owner, |part| {
                    match (part.number, part.bytes()) {
                        (1, Some(bytes)) => reference.kind = text(bytes),
                        (3, Some(bytes)) => reference.name = text(bytes),
                        _ => {}
                    }
                    Ok(())
                })?;
                object.owners.push(reference);
            }
            (17, Some(entry)) => read("ManagedFieldsEntry", entry, |part| {
                match (part.number, part.bytes()) {
                    (1, Some(bytes)) => object.add_manager(text(bytes)),
                    (4, Some(time)) => seconds(time)?.into_iter().for_each(|seconds| object.add_time(seconds)),
                    _ => {}
                }
                Ok(())
            })?,
            _ => {}
        }
        Ok(())
    })
}

/// `Time { seconds=1, nanos=2 }`; an empty message is no time.
fn seconds(message: &[u8]) -> Result<Option<i64>, Unreadable> {
    let mut seconds = None;
    read("Time", message, |field| {
        if let (1, Some(number)) = (field.number, field.varint()) {
            seconds = Some(number.cast_signed());
        }
        Ok(())
    })?;
    Ok(seconds)
}

fn read<'data>(
    what: &'static str,
    message: &'data [u8],
    mut take: impl FnMut(Field<'data>) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    for field in Fields::new(message) {
        take(field.map_err(|damage: Damage| Unreadable::Protobuf { what, damage })?)?;
    }
    Ok(())
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
