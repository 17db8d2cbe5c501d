//! The record of a key.

use serde::Serialize;

use super::super::cell::columns;
use crate::collect::KeyCounts;
use crate::evidence::EvidenceId;
use crate::evidence::count::{Count, DekSources, Values};
use crate::report::{KeyProof, KeyReport};

/// One key that values name, over all evidences or in one of them.
#[derive(Debug, Serialize)]
pub struct KeyRecord<'a> {
    record: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<u64>,
    group_resources: Vec<&'a str>,
    provider: &'a str,
    provider_version: &'a str,
    provider_name: Option<&'a str>,
    key_id: Option<&'a str>,
    dek_sources: Count<DekSources>,
    #[serde(flatten)]
    counts: KeyCountsRecord,
    opened: Option<Count<Values>>,
    failed: Option<Count<Values>>,
    state: Option<&'a str>,
    kms_key_id: Option<&'a str>,
    kms_key_ids: Vec<&'a str>,
    manager: Option<&'a str>,
    rotated: Option<bool>,
    deletion_date: Option<String>,
}

/// Values under a key, by what became of them.
#[derive(Debug, Serialize)]
pub(super) struct KeyCountsRecord {
    current: Count<Values>,
    newest: Count<Values>,
    superseded: Count<Values>,
    deleted: Count<Values>,
    residue: Count<Values>,
    log: Count<Values>,
}

impl From<KeyCounts> for KeyCountsRecord {
    fn from(KeyCounts { current, newest, superseded, deleted, residue, log }: KeyCounts) -> Self {
        Self { current, newest, superseded, deleted, residue, log }
    }
}

/// A column of the table in CSV: its name, and the cell of a record.
type Column = (&'static str, fn(&KeyRecord<'_>) -> String);

impl<'a> KeyRecord<'a> {
    /// Columns of the table in CSV: the fields in their order.
    pub(in super::super) const COLUMNS: &'static [Column] = columns!(KeyRecord:
        evidence, group_resources, provider, provider_version, provider_name, key_id, dek_sources, counts.current, counts.newest,
        counts.superseded, counts.deleted, counts.residue, counts.log, opened, failed, state, kms_key_id, kms_key_ids, manager, rotated, deletion_date
    );

    /// The record of a key in one evidence.
    pub fn of_use(evidence: EvidenceId, key: &'a KeyReport) -> Self {
        Self { record: "key-use", evidence: Some(evidence.number()), ..Self::new(key) }
    }

    /// The record of a key over all evidences.
    pub fn new(key: &'a KeyReport) -> Self {
        let state = key.proof.as_ref().and_then(KeyProof::state);
        Self {
            record: "key",
            evidence: None,
            group_resources: key.group_resources.iter().map(String::as_str).collect(),
            provider: &key.identity.provider,
            provider_version: &key.identity.version,
            provider_name: key.identity.name.as_deref(),
            key_id: key.identity.key_id.as_deref(),
            dek_sources: key.dek_sources.count(),
            counts: key.counts.into(),
            opened: key.proof.as_ref().map(|proof| proof.opened),
            failed: key.proof.as_ref().map(|proof| proof.failed),
            state: key.proof.as_ref().and_then(KeyProof::state_in_words),
            kms_key_id: key.proof.as_ref().and_then(KeyProof::kms_key_id),
            kms_key_ids: key.proof.iter().flat_map(|proof| &proof.kms_key_ids).map(String::as_str).collect(),
            manager: state.and_then(|state| state.manager.as_deref()),
            rotated: state.and_then(|state| state.is_rotated),
            deletion_date: state.and_then(|state| Some(jiff::Timestamp::from_second(state.deletion_date?).ok()?.to_string())),
        }
    }
}
