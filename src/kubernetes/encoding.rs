//! The encodings in which the API server stores objects.
//!
//! | first bytes | encoding | source |
//! |---|---|---|
//! | `k8s\0` | protobuf in `runtime.Unknown` | apimachinery `serializer/protobuf` |
//! | `d9 d9 f7` | CBOR, self-described | apimachinery `serializer/cbor`, RFC 8949 §3.4.6 |
//! | `{` | JSON | apimachinery `serializer/json` |
//! | `apiVersion:`, `kind:` | YAML | `--storage-media-type=application/yaml` |

use memchr::memmem;
use serde::de::IgnoredAny;

use super::Object;
use super::beginning::CBOR_MAGIC;
use super::{fragment, yaml};

/// How a value that is not encrypted is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// `k8s\0` and a protobuf message.
    Protobuf,
    /// One JSON object.
    Json,
    /// Self-described CBOR.
    Cbor,
    /// YAML of an object.
    Yaml,
    /// Text that is none of these.
    Other,
}

/// The four bytes before a protobuf object.
pub(super) const PROTOBUF_MAGIC: &[u8] = b"k8s\0";

impl Encoding {
    /// The encoding of a value; `None` for bytes that are neither one of them nor text.
    pub fn of(value: &[u8]) -> Option<Self> {
        if value.starts_with(PROTOBUF_MAGIC) {
            return Some(Self::Protobuf);
        }
        if value.starts_with(CBOR_MAGIC) {
            return Some(Self::Cbor);
        }
        let text = std::str::from_utf8(value).ok()?;
        if text.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok() {
            return Some(Self::Json);
        }
        if ["apiVersion", "kind"].into_iter().all(|name| yaml::words(value, name).next().is_some()) {
            return Some(Self::Yaml);
        }
        // Text has no control characters; bytes of some other form may be UTF-8 by chance, or for the most part.
        let is_text = !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
        is_text.then_some(Self::Other)
    }

    /// The encoding of the stored object that begins these bytes; `None` where none does, and where chance may have made what looks
    /// like its beginning.
    pub(crate) fn of_object(bytes: &[u8]) -> Option<Self> {
        let is_object = |encoding| Object::read(bytes, encoding).is_ok_and(|object| !object.kind.is_empty());
        match bytes {
            // A message follows, whose first field is the type.
            _ if bytes.strip_prefix(PROTOBUF_MAGIC).is_some_and(|message| message.starts_with(&[0x0a])) => Some(Self::Protobuf),
            _ if bytes.starts_with(CBOR_MAGIC) => is_object(Self::Cbor).then_some(Self::Cbor),
            [b'{', ..] if fragment::is_text(bytes) && memmem::find(bytes, b"\"kind\"").is_some() => Some(Self::Json),
            [b'a' | b'k' | b'"' | b'\'', ..] if fragment::is_text(bytes) => Self::of(bytes).filter(|encoding| *encoding == Self::Yaml),
            _ => None,
        }
    }

    /// The encoding of a value whose end is lost; `None` where the beginning does not tell.
    pub(crate) fn of_beginning(value: &[u8]) -> Option<Self> {
        match value {
            _ if value.starts_with(PROTOBUF_MAGIC) => Some(Self::Protobuf),
            _ if value.starts_with(CBOR_MAGIC) => Some(Self::Cbor),
            [b'{', ..] if fragment::is_text(value) => Some(Self::Json),
            _ => fragment::is_text(value).then_some(Self::Other),
        }
    }

    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Protobuf => "protobuf",
            Self::Json => "json",
            Self::Cbor => "cbor",
            Self::Yaml => "yaml",
            Self::Other => "other",
        }
    }
}
