//! The records of a value and of a deletion.

use serde::Serialize;

use super::super::cell::{Cell, columns};
use super::timestamp;
use super::write_fields::{WriteFields, key_of};
use crate::collect::{Lines, RowKind};
use crate::report::RowContext;
use crate::row::{Row, TombstoneRow, ValueRow};
use crate::verify::Verdict;

/// One value.
#[derive(Debug, Serialize)]
pub struct ValueRecord<'a> {
    record: &'static str,
    evidence: u64,
    place: &'static str,
    retention: &'static str,
    api: u64,
    offset: Option<u64>,
    length: u64,
    pgid: Option<u64>,
    #[serde(flatten)]
    write: WriteFields<'a>,
    cluster: Option<&'a str>,
    uid: Option<&'a str>,
    incarnation: Option<i64>,
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

impl SecretRecord<'_> {
    /// `name:length` of each data item.
    fn items(&self) -> String {
        self.data.iter().map(|item| format!("{}:{}", item.name, item.length)).collect::<Vec<_>>().join(" ")
    }
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

/// A column of the table in CSV: its name, and the cell of a record.
type Column = (&'static str, fn(&ValueRecord<'_>) -> String);

impl<'a> ValueRecord<'a> {
    /// Columns of the table in CSV: the fields in their order; two of what `secret` says stand for it.
    pub(in super::super) const COLUMNS: &'static [Column] = columns!(ValueRecord:
        evidence, place, retention, api, offset, length, pgid, write.key, write.key_base64, write.mod_revision, write.sub,
        write.create_revision, write.version, write.lease, write.prefix, write.group_resource, write.namespace, write.name, cluster, uid, incarnation,
        protection, encoding, provider, provider_version, provider_name, provider_name_certain, key_id, dek_source_type,
        dek_source_sha256, annotations_sha256, fragment, duplicate, newer_than_snapshot, raft_index, raft_term, txn_branch, committed,
        applied, opened, outcome, opened_by, sealed_for;
        "secret_type" = |record| record.secret.as_ref().map(|secret| secret.r#type).cell(),
        "secret_data" = |record| record.secret.as_ref().map(SecretRecord::items).cell(),
    );

    /// The record of a value.
    pub fn new(context: RowContext<'a>, row: &'a ValueRow<'_>) -> Self {
        let envelope = row.envelope();
        let verdict = context.verdict;
        Self {
            record: "value",
            evidence: context.evidence.number(),
            place: row.place.name(),
            retention: row.retention.name(),
            api: row.api.number(),
            offset: row.offset,
            length: row.length(),
            pgid: row.pgid,
            write: WriteFields::of(row),
            cluster: context.cluster,
            uid: row.uid(),
            incarnation: row.written.counts.map(|counts| counts.create_revision),
            protection: row.form().name(),
            encoding: row.protection.encoding().map(|encoding| encoding.name()),
            provider: envelope.map(|envelope| word(envelope.provider)),
            provider_version: envelope.map(|envelope| word(envelope.version)),
            provider_name: envelope.and_then(|envelope| envelope.name).map(|name| name.name),
            provider_name_certain: envelope.and_then(|envelope| envelope.name).map(|name| name.is_certain),
            key_id: envelope.and_then(|envelope| envelope.key_id),
            dek_source_type: envelope.and_then(|envelope| envelope.dek_source_type),
            dek_source_sha256: envelope.and_then(|envelope| envelope.dek_source_sha256).map(|digest| digest.to_string()),
            annotations_sha256: envelope.and_then(|envelope| envelope.annotations_sha256).map(|digest| digest.to_string()),
            fragment: row.is_fragment(),
            duplicate: row.is_duplicate,
            newer_than_snapshot: row.is_newer_than_snapshot,
            raft_index: row.log.map(|log| log.index),
            raft_term: row.log.map(|log| log.term),
            txn_branch: row.log.and_then(|log| log.branch).map(|branch| branch.name()),
            committed: row.log.and_then(|log| log.committed),
            applied: row.log.and_then(|log| log.applied),
            opened: verdict.and_then(Verdict::opened),
            outcome: verdict.map(|verdict| verdict.answer.name()),
            opened_by: verdict.and_then(opened_by),
            sealed_for: verdict.and_then(|verdict| verdict.sealed_for.as_deref()),
            secret: row.protection.secret().map(|secret| SecretRecord {
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

/// One deletion.
#[derive(Debug, Serialize)]
pub struct TombstoneRecord<'a> {
    record: &'static str,
    evidence: u64,
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
    pub fn new(context: RowContext<'_>, row: &'a TombstoneRow<'_>) -> Self {
        let (key, key_base64) = key_of(row.key);
        Self {
            record: "tombstone",
            evidence: context.evidence.number(),
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

/// Adds the record of a row.
pub fn row_line(context: RowContext<'_>, row: &Row<'_>, lines: &mut Lines) {
    lines.add(RowKind::of(row), |out| match row {
        Row::Value(value) => super::super::serialize::line(&ValueRecord::new(context, value), out),
        Row::Tombstone(tombstone) => super::super::serialize::line(&TombstoneRecord::new(context, tombstone), out),
    });
}

/// A provider's or version's word, verbatim where it is text.
fn word(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The key that opened a value; of several local keys of its name with what tells it from the others.
fn opened_by(verdict: &Verdict) -> Option<String> {
    let key = verdict.opened_by.as_ref()?;
    Some(verdict.told_apart.as_ref().map_or(key.to_string(), |told_apart| format!("{key} ({told_apart})")))
}
