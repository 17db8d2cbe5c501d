//! The record of a recovered write, the one record that may hold a value.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::records::key_of;
use crate::analysis::{Recovered, ValueRow};
use crate::evidence::digest::Sha256Digest;
use crate::kubernetes;

/// A recovered write.
#[derive(Debug, Serialize)]
pub struct RecoveredRecord<'a> {
    record: &'static str,
    standing: &'static str,
    place: &'static str,
    offset: Option<u64>,
    length: u64,
    sha256: String,
    key: Option<&'a str>,
    key_base64: Option<String>,
    mod_revision: u64,
    sub: u64,
    create_revision: Option<i64>,
    version: Option<i64>,
    lease: Option<i64>,
    group_resource: Option<&'a str>,
    namespace: Option<&'a str>,
    name: Option<&'a str>,
    protection: &'static str,
    encoding: Option<&'static str>,
    object: Option<serde_json::Value>,
    value_base64: Option<String>,
}

/// How a value is written, where it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// Not at all.
    Hidden,
    /// As an object where it can be read as one, else its bytes.
    Objects,
    /// Its bytes as they are stored.
    Raw,
}

impl<'a> RecoveredRecord<'a> {
    /// The record of a write, with what is known of it and its value.
    pub fn new(write: &Recovered<'_, '_>, row: &'a ValueRow<'_>, value: &[u8], values: Values) -> Self {
        let (key, key_base64) = key_of(row.key);
        let storage_key = row.storage_key.as_ref();
        let object = row.encoding.filter(|_| values == Values::Objects).and_then(|encoding| object(value, encoding));
        let is_in_bytes = values == Values::Raw || values == Values::Objects && object.is_none();
        Self {
            record: "recovered",
            standing: write.standing.name(),
            place: row.place.name(),
            offset: row.offset,
            length: row.length,
            sha256: Sha256Digest::of(value).to_string(),
            key,
            key_base64,
            mod_revision: write.revision.main,
            sub: write.revision.sub,
            create_revision: row.create_revision,
            version: row.version,
            lease: row.lease,
            group_resource: storage_key.map(|k| k.group_resource.0.as_ref()),
            namespace: storage_key.and_then(|k| k.namespace),
            name: storage_key.map(|k| k.name).filter(|name| !name.is_empty()),
            protection: row.protection.name(),
            encoding: row.encoding.map(|encoding| encoding.name()),
            object,
            value_base64: is_in_bytes.then(|| STANDARD.encode(value)),
        }
    }
}

/// The JSON of an object; `None` where its encoding is not read here.
fn object(value: &[u8], encoding: kubernetes::Encoding) -> Option<serde_json::Value> {
    let document = kubernetes::as_document(value, encoding).ok()??;
    serde_json::from_slice(&document).ok()
}
