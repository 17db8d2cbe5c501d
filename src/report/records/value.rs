//! The records of a value and of a deletion.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::timestamp;
use crate::analysis::{Row, Seal, TombstoneRow, ValueRow};
use crate::verify::Verdict;

/// One value.
#[derive(Debug, Serialize)]
pub struct ValueRecord<'a> {
    record: &'static str,
    evidence: usize,
    place: &'static str,
    retention: &'static str,
    offset: Option<u64>,
    length: u64,
    pgid: Option<u64>,
    key: Option<&'a str>,
    key_base64: Option<String>,
    mod_revision: Option<u64>,
    sub: Option<u64>,
    create_revision: Option<i64>,
    version: Option<i64>,
    lease: Option<i64>,
    group_resource: Option<&'a str>,
    namespace: Option<&'a str>,
    name: Option<&'a str>,
    protection: &'static str,
    encoding: Option<&'static str>,
    provider: Option<String>,
    provider_version: Option<String>,
    provider_name: Option<&'a str>,
    provider_name_certain: Option<bool>,
    key_id: Option<&'a str>,
    dek_source_type: Option<i64>,
    dek_source_sha256: Option<String>,
    annotations_sha256: Option<String>,
    fragment: bool,
    duplicate: bool,
    newer_than_snapshot: bool,
    raft_index: Option<u64>,
    raft_term: Option<u64>,
    txn_branch: Option<&'static str>,
    committed: Option<bool>,
    applied: Option<bool>,
    opened: Option<bool>,
    outcome: Option<&'static str>,
    opened_by: Option<String>,
    sealed_for: Option<&'a str>,
    secret: Option<SecretRecord<'a>>,
}

/// What may be shown of a Secret.
#[derive(Debug, Serialize)]
pub struct SecretRecord<'a> {
    r#type: &'a str,
    immutable: bool,
    created: Option<String>,
    data: Vec<DataRecord<'a>>,
    owners: Vec<OwnerRecord<'a>>,
    managers: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct DataRecord<'a> {
    name: &'a str,
    length: u64,
}

#[derive(Debug, Serialize)]
struct OwnerRecord<'a> {
    kind: &'a str,
    name: &'a str,
}

impl<'a> ValueRecord<'a> {
    /// The record of a value.
    pub fn new(evidence: usize, row: &'a ValueRow<'_>) -> Self {
        let (key, key_base64) = key_of(row.key);
        let seal = row.seal.as_ref();
        let storage_key = row.storage_key.as_ref();
        Self {
            record: "value",
            evidence,
            place: row.place.name(),
            retention: row.retention.name(),
            offset: row.offset,
            length: row.length,
            pgid: row.pgid,
            key,
            key_base64,
            mod_revision: row.mod_revision,
            sub: row.sub,
            create_revision: row.create_revision,
            version: row.version,
            lease: row.lease,
            group_resource: storage_key.map(|k| k.group_resource.0.as_ref()),
            namespace: storage_key.and_then(|k| k.namespace),
            // Of a piece whose beginning is lost, the kind of object may be known and the name not.
            name: storage_key.map(|k| k.name).filter(|name| !name.is_empty()),
            protection: row.protection.name(),
            encoding: row.encoding.map(|e| e.name()),
            provider: seal.map(|s| word(s.provider)),
            provider_version: seal.map(|s| word(s.version)),
            provider_name: seal.and_then(|s| s.name).map(|n| n.name),
            provider_name_certain: seal.and_then(|s| s.name).map(|n| n.is_certain),
            key_id: seal.and_then(|s| s.key_id),
            dek_source_type: seal.and_then(|s| s.dek_source_type),
            dek_source_sha256: seal.and_then(|s: &Seal<'_>| s.dek_source_sha256).map(|d| d.to_string()),
            annotations_sha256: seal.and_then(|s| s.annotations_sha256).map(|d| d.to_string()),
            fragment: row.fragment,
            duplicate: row.duplicate,
            newer_than_snapshot: row.newer_than_snapshot,
            raft_index: row.log.map(|log| log.index),
            raft_term: row.log.map(|log| log.term),
            txn_branch: row.log.and_then(|log| log.branch).map(|branch| branch.name()),
            committed: row.log.and_then(|log| log.committed),
            applied: row.log.and_then(|log| log.applied),
            opened: None,
            outcome: None,
            opened_by: None,
            sealed_for: None,
            secret: row.secret.as_ref().map(|secret| SecretRecord {
                r#type: &secret.secret_type,
                immutable: secret.immutable,
                created: secret.object.created.and_then(timestamp),
                data: secret.data.iter().map(|item| DataRecord { name: &item.name, length: item.length }).collect(),
                owners: secret.object.owners.iter().map(|o| OwnerRecord { kind: &o.kind, name: &o.name }).collect(),
                managers: secret.object.managers.iter().map(AsRef::as_ref).collect(),
            }),
        }
    }
}

impl<'a> ValueRecord<'a> {
    /// Adds what became of the value when it was to be opened.
    pub fn with_verdict(mut self, verdict: Option<&'a Verdict>) -> Self {
        self.opened = verdict.and_then(Verdict::opened);
        self.outcome = verdict.map(|verdict| verdict.answer.name());
        self.opened_by = verdict.and_then(|verdict| verdict.opened_by.as_ref()).map(ToString::to_string);
        self.sealed_for = verdict.and_then(|verdict| verdict.sealed_for.as_deref());
        self
    }
}

/// One deletion.
#[derive(Debug, Serialize)]
pub struct TombstoneRecord<'a> {
    record: &'static str,
    evidence: usize,
    place: &'static str,
    offset: Option<u64>,
    pgid: Option<u64>,
    key: Option<&'a str>,
    key_base64: Option<String>,
    mod_revision: u64,
    sub: u64,
}

impl<'a> TombstoneRecord<'a> {
    /// The record of a tombstone.
    pub fn new(evidence: usize, row: &'a TombstoneRow<'_>) -> Self {
        let (key, key_base64) = key_of(row.key);
        Self {
            record: "tombstone",
            evidence,
            place: row.place.name(),
            offset: row.offset,
            pgid: row.pgid,
            key,
            key_base64,
            mod_revision: row.revision.main,
            sub: row.revision.sub,
        }
    }
}

/// Appends the record of a value with what became of it as a line.
pub fn verdict_line(evidence: usize, row: &ValueRow<'_>, verdict: Option<&Verdict>, out: &mut Vec<u8>) {
    super::super::json::line(&ValueRecord::new(evidence, row).with_verdict(verdict), out);
}

/// Appends the record of a row as a line, and says which kind it is.
pub fn row_line(evidence: usize, row: &Row<'_>, out: &mut Vec<u8>) -> &'static str {
    match row {
        Row::Value(value) => {
            super::super::json::line(&ValueRecord::new(evidence, value), out);
            "value"
        }
        Row::Tombstone(tombstone) => {
            super::super::json::line(&TombstoneRecord::new(evidence, tombstone), out);
            "tombstone"
        }
    }
}

pub(crate) fn key_of(key: &[u8]) -> (Option<&str>, Option<String>) {
    match std::str::from_utf8(key) {
        Ok("") => (None, None),
        Ok(text) => (Some(text), None),
        Err(_) => (None, Some(STANDARD.encode(key))),
    }
}

/// A provider's or version's word, verbatim where it is text.
fn word(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
