//! What any object says about itself: kind, identity, times, owners, writers.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::{self, Finder};

use super::encoding::{Encoding, PROTOBUF_MAGIC};
use super::{Beginning, Unreadable, json, protobuf, yaml};

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

/// The kind, as it stands in every Secret.
static SECRET: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b"Secret"));
/// How JSON may write any character of it.
static ESCAPE: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b"\\u"));

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

    /// What an object in YAML says of its type and name in lines of their own; empty where it does not.
    pub(crate) fn outline_of_yaml(value: &'data [u8]) -> Self {
        let word = |name| yaml::words(value, name).next().unwrap_or_default().into();
        let (namespace, name) = yaml::identity(value);
        Self { api_version: word("apiVersion"), kind: word("kind"), namespace: namespace.into(), name: name.into(), ..Self::default() }
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

    /// Whether a value in plaintext is one object, whose kind it says, and no list of others.
    pub(crate) fn says_what_it_is(value: &'data [u8]) -> bool {
        let is_kind = |kind: &str| !matches!(kind, "" | "List" | "SecretList");
        if Beginning::of(value) == Some(Beginning::Other) {
            return true;
        }
        match Encoding::of(value) {
            None | Some(Encoding::Other) => false,
            // Several documents are several objects.
            Some(Encoding::Yaml) => yaml::words(value, "kind").map(is_kind).eq([true]),
            Some(encoding) => Self::read(value, encoding).is_ok_and(|object| is_kind(&object.kind)),
        }
    }

    /// Whether a value begins as an object in protobuf that says in its first bytes that it is none that may hold Secrets.
    pub(crate) fn begins_as_other_in_protobuf(value: &[u8]) -> bool {
        value.starts_with(PROTOBUF_MAGIC) && Beginning::of(value) == Some(Beginning::Other)
    }

    /// What of an object may hold another one: the values of its fields; of what is not JSON all but its first byte, with which it begins
    /// itself.
    pub(crate) fn parts(value: &'data [u8]) -> Vec<&'data [u8]> {
        json::field_values(value).unwrap_or_else(|| vec![value.get(1..).unwrap_or_default()])
    }

    /// The namespace and name of a core Secret in plaintext, empty where it does not say them; `None` for anything else.
    pub fn secret_identity(value: &'data [u8], encoding: Encoding) -> Option<(&'data str, &'data str)> {
        let fast = if encoding == Encoding::Json { json::secret_identity(value) } else { None };
        if fast.is_some() {
            return fast;
        }
        if !Self::is_secret(value, encoding) {
            return None;
        }
        if encoding == Encoding::Yaml {
            return Some(yaml::identity(value));
        }
        let object = Self::read(value, encoding).ok()?;
        // A name has no character that is written otherwise in any encoding.
        let borrowed = |text: &str| {
            let at = memmem::find(value, text.as_bytes())?;
            std::str::from_utf8(value.get(at..at.checked_add(text.len())?)?).ok()
        };
        Some((borrowed(&object.namespace).unwrap_or_default(), borrowed(&object.name).unwrap_or_default()))
    }

    /// Whether a list has items; of text, whether it names them.
    pub(crate) fn has_items(value: &[u8], encoding: Encoding) -> bool {
        match encoding {
            Encoding::Protobuf => protobuf::has_items(value),
            Encoding::Json | Encoding::Cbor | Encoding::Yaml | Encoding::Other => memmem::find(value, b"items").is_some(),
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
        let may_be = SECRET.find(begin).is_some() || encoding == Encoding::Json && ESCAPE.find(value).is_some();
        match encoding {
            _ if !may_be => false,
            Encoding::Yaml => {
                yaml::words(value, "kind").any(|word| word == "Secret") && yaml::words(value, "apiVersion").any(|word| word == "v1")
            }
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
