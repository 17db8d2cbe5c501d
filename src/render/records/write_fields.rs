//! The fields in which a value and a recovered write say which write of which object they are.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::row::{ValueRow, Written};

/// A write: its key, its revision, what etcd counts, and the object that the key names.
#[derive(Debug, Serialize)]
pub(in super::super) struct WriteFields<'a> {
    pub key: Option<&'a str>,
    pub key_base64: Option<String>,
    pub mod_revision: Option<u64>,
    pub sub: Option<u64>,
    pub create_revision: Option<i64>,
    pub version: Option<i64>,
    pub lease: Option<i64>,
    pub prefix: Option<Cow<'a, str>>,
    pub group_resource: Option<&'a str>,
    pub namespace: Option<&'a str>,
    pub name: Option<&'a str>,
}

impl<'a> WriteFields<'a> {
    pub(in super::super) fn of(row: &'a ValueRow<'_>) -> Self {
        let (key, key_base64) = key_of(row.key);
        let Written { main, sub, counts, lease } = row.written;
        let storage_key = row.storage_key.as_ref();
        Self {
            key,
            key_base64,
            mod_revision: main,
            sub,
            create_revision: counts.map(|counts| counts.create_revision),
            version: counts.map(|counts| counts.version),
            lease,
            prefix: storage_key.and_then(|k| k.prefix).map(String::from_utf8_lossy),
            group_resource: storage_key.map(|k| k.group_resource.0.as_ref()),
            namespace: storage_key.and_then(|k| k.namespace),
            // Of a piece whose beginning is lost, the kind of object may be known and the name not.
            name: storage_key.map(|k| k.name).filter(|name| !name.is_empty()),
        }
    }
}

/// A key as text, or in base64 where it is none; neither of a key of no bytes.
pub(super) fn key_of(key: &[u8]) -> (Option<&str>, Option<String>) {
    match std::str::from_utf8(key) {
        Ok("") => (None, None),
        Ok(text) => (Some(text), None),
        Err(_) => (None, Some(STANDARD.encode(key))),
    }
}
