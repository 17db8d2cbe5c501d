//! What any object says about itself: kind, identity, times, owners, writers.

use std::borrow::Cow;

use memchr::memmem;

use super::encoding::Encoding;
use super::{Unreadable, json, protobuf};

/// An object's type and metadata. Text is borrowed where the encoding allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object<'data> {
    /// Such as `v1`, `apps/v1`.
    pub api_version: Cow<'data, str>,
    /// Such as `Secret`.
    pub kind: Cow<'data, str>,
    /// Its name.
    pub name: Cow<'data, str>,
    /// Its namespace; empty where it has none.
    pub namespace: Cow<'data, str>,
    /// Its UID.
    pub uid: Cow<'data, str>,
    /// When it was created, in seconds since 1970 (UTC).
    pub created: Option<i64>,
    /// The newest time in it: created, or written by one of its managers.
    pub newest_time: Option<i64>,
    /// Objects that own it.
    pub owners: Vec<Owner<'data>>,
    /// Names of those that manage its fields, each once, in the order they stand.
    pub managers: Vec<Cow<'data, str>>,
}

/// Bytes within which a protobuf object says its type.
const TYPE_WITHIN: usize = 256;

/// An object that owns another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner<'data> {
    /// Its kind.
    pub kind: Cow<'data, str>,
    /// Its name.
    pub name: Cow<'data, str>,
}

impl<'data> Object<'data> {
    /// Reads type and metadata of a value that is not encrypted.
    ///
    /// # Errors
    /// The value is not of its encoding's form, or in an encoding that is not read.
    pub fn read(value: &'data [u8], encoding: Encoding) -> Result<Self, Unreadable> {
        match encoding {
            Encoding::Protobuf => protobuf::object(value).map(|(object, _)| object),
            Encoding::Json => json::object(value),
            Encoding::Cbor => json::object_of_cbor(value),
            Encoding::Yaml | Encoding::Other => Err(Unreadable::Encoding(encoding.name())),
        }
    }

    /// The newest time in a value, as [`Object::newest_time`], without reading the rest of it.
    pub fn newest_time_in(value: &[u8], encoding: Encoding) -> Option<i64> {
        match encoding {
            Encoding::Protobuf => protobuf::newest_time(value),
            Encoding::Json => json::newest_time(value),
            Encoding::Cbor => json::newest_time(&json::json_of_cbor(value).ok()?),
            Encoding::Yaml | Encoding::Other => None,
        }
    }

    /// The same of a value of any encoding.
    pub fn newest_time_of(value: &[u8]) -> Option<i64> {
        Self::newest_time_in(value, Encoding::of(value)?)
    }

    /// The namespace and name of a core Secret in plaintext; `None` for anything else.
    pub fn secret_identity(value: &'data [u8], encoding: Encoding) -> Option<(&'data str, &'data str)> {
        match encoding {
            Encoding::Protobuf => {
                let (object, _) = protobuf::object(value).ok()?;
                let (Cow::Borrowed(namespace), Cow::Borrowed(name)) = (object.namespace, object.name) else { return None };
                (object.kind == "Secret" && object.api_version == "v1").then_some((namespace, name))
            }
            Encoding::Json => json::secret_identity(value),
            Encoding::Cbor | Encoding::Yaml | Encoding::Other => None,
        }
    }

    /// Whether a value in plaintext says of itself that it is a core Secret, wherever it stands.
    pub fn is_secret(value: &'data [u8], encoding: Encoding) -> bool {
        // Most objects do not have the word at all.
        let begin = match encoding {
            // The type stands before everything else.
            Encoding::Protobuf => value.get(..TYPE_WITHIN).unwrap_or(value),
            Encoding::Json | Encoding::Cbor | Encoding::Yaml | Encoding::Other => value,
        };
        let may_be = memmem::find(begin, b"Secret").is_some() || encoding == Encoding::Json && memmem::find(value, b"\\u").is_some();
        match encoding {
            _ if !may_be => false,
            Encoding::Yaml => std::str::from_utf8(value).is_ok_and(|text| {
                let has = |field: &str, word: &str| {
                    let of_field = |line: &str| line.strip_prefix(field).map(|rest| rest.trim().trim_matches(['"', '\'']) == word);
                    text.lines().any(|line| of_field(line) == Some(true))
                };
                has("kind:", "Secret") && has("apiVersion:", "v1")
            }),
            _ => Self::read(value, encoding).is_ok_and(|object| object.kind == "Secret" && object.api_version == "v1"),
        }
    }

    pub(super) fn add_manager(&mut self, manager: Cow<'data, str>) {
        if !self.managers.contains(&manager) {
            self.managers.push(manager);
        }
    }

    pub(super) fn add_time(&mut self, seconds: i64) {
        self.newest_time = self.newest_time.max(Some(seconds));
    }
}
