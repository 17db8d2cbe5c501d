//! Objects in JSON, and in CBOR, which is read as the JSON it stands for.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ciborium::Value as Cbor;
use k8s_openapi::api::core::v1::Secret as JsonSecret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use zeroize::Zeroize;

use super::Unreadable;
use super::beginning::CBOR_MAGIC;
use super::object::{Object, Owner};
use super::secret::{DataItem, Secret};
use crate::evidence::limit;

/// What every object has.
#[derive(Deserialize)]
struct Typed {
    #[serde(default, rename = "apiVersion")]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    metadata: ObjectMeta,
}

pub(super) fn object(value: &[u8]) -> Result<Object<'static>, Unreadable> {
    let typed: Typed = parse(value)?;
    Ok(Object { api_version: typed.api_version.into(), kind: typed.kind.into(), ..of_metadata(&typed.metadata) })
}

pub(super) fn secret(value: &[u8]) -> Result<Secret<'static>, Unreadable> {
    let object = object(value)?;
    let secret: JsonSecret = parse(value)?;
    Ok(summary(object, secret))
}

pub(super) fn object_of_cbor(value: &[u8]) -> Result<Object<'static>, Unreadable> {
    object(&json_of_cbor(value)?)
}

pub(super) fn secret_of_cbor(value: &[u8]) -> Result<Secret<'static>, Unreadable> {
    let mut json = json_of_cbor(value)?;
    let secret = secret(&json);
    json.zeroize();
    secret
}

/// Why bytes do not begin with an object of an API in JSON or CBOR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoObjectHere {
    /// How many bytes were read to see it.
    pub read: usize,
    /// Whether what begins there has its end, so that it is something else.
    pub has_end: bool,
}

/// The length of the JSON object that begins these bytes, says of which API it is, and is no list of others.
///
/// # Errors
/// None does.
pub(super) fn object_length(bytes: &[u8]) -> Result<usize, NoObjectHere> {
    let mut stream = serde_json::Deserializer::from_slice(bytes).into_iter::<Identity<'_>>();
    let endless = |read| Err(NoObjectHere { read, has_end: false });
    match stream.next() {
        // The objects of a list are looked for one by one.
        Some(Ok(identity)) if identity.api_version.is_empty() || matches!(identity.kind, "" | "List" | "SecretList") => {
            Err(NoObjectHere { read: stream.byte_offset(), has_end: true })
        }
        Some(Ok(_)) => Ok(stream.byte_offset()),
        Some(Err(e)) if !e.is_eof() => endless(position(bytes, &e)),
        None | Some(Err(_)) => endless(bytes.len()),
    }
}

/// The same of the CBOR object that begins these bytes.
///
/// # Errors
/// None does.
pub(super) fn cbor_object_length(bytes: &[u8]) -> Result<usize, NoObjectHere> {
    let Some(body) = bytes.strip_prefix(CBOR_MAGIC) else { return Err(NoObjectHere { read: 0, has_end: false }) };
    let mut rest = body;
    let cbor: Result<Cbor, _> = ciborium::de::from_reader_with_recursion_limit(&mut rest, limit::CBOR_DEPTH);
    let length = bytes.len().saturating_sub(rest.len());
    let Ok(Cbor::Map(fields)) = cbor else { return Err(NoObjectHere { read: length, has_end: cbor.is_ok() }) };
    let word = |name: &str| fields.iter().find(|(key, _)| cbor_text(key) == Some(name)).and_then(|(_, value)| cbor_text(value));
    match (word("apiVersion"), word("kind")) {
        (Some(version), Some(kind)) if !version.is_empty() && !matches!(kind, "" | "List" | "SecretList") => Ok(length),
        _ => Err(NoObjectHere { read: length, has_end: true }),
    }
}

fn cbor_text(value: &Cbor) -> Option<&str> {
    match value {
        Cbor::Text(text) => Some(text),
        Cbor::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

/// How many bytes were read up to an error.
fn position(bytes: &[u8], error: &serde_json::Error) -> usize {
    let line = error.line().checked_sub(2).and_then(|line| memchr::memchr_iter(b'\n', bytes).nth(line)).unwrap_or(0);
    line.saturating_add(error.column())
}

/// The namespace and name of a Secret, where they stand in it without escapes; empty where it has none, as before it was stored.
pub(super) fn secret_identity(value: &[u8]) -> Option<(&str, &str)> {
    let identity: Identity<'_> = serde_json::from_slice(value).ok()?;
    let IdentityMetadata { namespace, name } = identity.metadata;
    (identity.api_version == "v1" && identity.kind == "Secret").then_some((namespace.unwrap_or_default(), name.unwrap_or_default()))
}

/// What an object says of itself, borrowed.
#[derive(Deserialize)]
struct Identity<'a> {
    #[serde(default, rename = "apiVersion")]
    api_version: &'a str,
    #[serde(default)]
    kind: &'a str,
    #[serde(borrow, default)]
    metadata: IdentityMetadata<'a>,
}

#[derive(Default, Deserialize)]
struct IdentityMetadata<'a> {
    namespace: Option<&'a str>,
    name: Option<&'a str>,
}

/// The newest of an object's times, without building the rest of it.
pub(super) fn newest_time(value: &[u8]) -> Option<i64> {
    #[derive(Deserialize)]
    struct Timed {
        metadata: Times,
    }
    #[derive(Deserialize)]
    struct Times {
        #[serde(default, rename = "creationTimestamp")]
        created: Option<jiff::Timestamp>,
        #[serde(default, rename = "managedFields")]
        managed: Vec<Written>,
    }
    #[derive(Deserialize)]
    struct Written {
        time: Option<jiff::Timestamp>,
    }
    let Timed { metadata } = serde_json::from_slice(value).ok()?;
    metadata.managed.iter().filter_map(|entry| entry.time).chain(metadata.created).max().map(jiff::Timestamp::as_second)
}

fn summary(object: Object<'static>, secret: JsonSecret) -> Secret<'static> {
    let item = |(name, mut bytes): (String, k8s_openapi::ByteString)| {
        let length = bytes.0.len() as u64;
        bytes.0.zeroize();
        DataItem { name: name.into(), length }
    };
    Secret {
        object,
        secret_type: secret.type_.unwrap_or_default().into(),
        immutable: secret.immutable.unwrap_or(false),
        data: secret.data.unwrap_or_default().into_iter().map(item).collect(),
    }
}

fn of_metadata(metadata: &ObjectMeta) -> Object<'static> {
    let own = |text: &Option<String>| Cow::Owned(text.clone().unwrap_or_default());
    let mut object = Object {
        name: own(&metadata.name),
        namespace: own(&metadata.namespace),
        uid: own(&metadata.uid),
        created: metadata.creation_timestamp.as_ref().map(|time| time.0.as_second()),
        ..Object::default()
    };
    object.newest_time = object.created;
    for owner in metadata.owner_references.iter().flatten() {
        object.owners.push(Owner { kind: owner.kind.clone().into(), name: owner.name.clone().into() });
    }
    for entry in metadata.managed_fields.iter().flatten() {
        object.add_manager(own(&entry.manager));
        entry.time.iter().for_each(|time| object.add_time(time.0.as_second()));
    }
    object
}

fn parse<T: DeserializeOwned>(value: &[u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(value).map_err(|e| Unreadable::Json { line: e.line(), column: e.column() })
}

/// The JSON of a CBOR object. Kubernetes writes strings as byte strings, and bytes as byte strings under tag 22,
/// which stands for base64 in JSON (RFC 8949 §3.4.5.2).
pub(super) fn json_of_cbor(value: &[u8]) -> Result<Vec<u8>, Unreadable> {
    let body = value.strip_prefix(CBOR_MAGIC).ok_or(Unreadable::Cbor)?;
    let cbor = ciborium::de::from_reader_with_recursion_limit(body, limit::CBOR_DEPTH).map_err(|_| Unreadable::Cbor)?;
    serde_json::to_vec(&to_json(cbor)?).map_err(|_| Unreadable::Cbor)
}

fn to_json(cbor: Cbor) -> Result<serde_json::Value, Unreadable> {
    use serde_json::Value as Json;
    Ok(match cbor {
        Cbor::Null => Json::Null,
        Cbor::Bool(flag) => Json::Bool(flag),
        Cbor::Integer(number) => {
            let number = i128::from(number);
            i64::try_from(number).map(Json::from).or_else(|_| u64::try_from(number).map(Json::from)).map_err(|_| Unreadable::Cbor)?
        }
        Cbor::Float(number) => Json::from(number),
        Cbor::Text(text) => Json::String(text),
        Cbor::Bytes(bytes) => Json::String(String::from_utf8(bytes).map_err(|_| Unreadable::Cbor)?),
        Cbor::Tag(22, inner) => match *inner {
            Cbor::Bytes(bytes) => Json::String(STANDARD.encode(bytes)),
            other => to_json(other)?,
        },
        Cbor::Tag(_, inner) => to_json(*inner)?,
        Cbor::Array(items) => Json::Array(items.into_iter().map(to_json).collect::<Result<_, _>>()?),
        Cbor::Map(entries) => {
            let mut map = serde_json::Map::new();
            for (key, value) in entries {
                let Json::String(key) = to_json(key)? else { return Err(Unreadable::Cbor) };
                map.insert(key, to_json(value)?);
            }
            Json::Object(map)
        }
        _ => return Err(Unreadable::Cbor),
    })
}

/// The value of each field of an object, as it is written, of one that stands twice both; `None` for what is no object.
pub(super) fn field_values(value: &[u8]) -> Option<Vec<&[u8]>> {
    serde_json::from_slice(value).ok().map(|FieldValues(values)| values)
}

struct FieldValues<'data>(Vec<&'data [u8]>);

impl<'de> Deserialize<'de> for FieldValues<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = FieldValues<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
                let mut values = Vec::new();
                while let Some((IgnoredAny, value)) = fields.next_entry::<_, &RawValue>()? {
                    values.push(value.get().as_bytes());
                }
                Ok(FieldValues(values))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}
