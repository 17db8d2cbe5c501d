//! The record of a key.

use serde::Serialize;

use super::super::model::{KeyProof, KeyReport};
use crate::analysis::KeyCounts;

/// One key that values name.
#[derive(Debug, Serialize)]
pub struct KeyRecord<'a> {
    record: &'static str,
    group_resources: Vec<&'a str>,
    provider: &'a str,
    provider_version: &'a str,
    provider_name: Option<&'a str>,
    key_id: Option<&'a str>,
    dek_sources: u64,
    current: u64,
    superseded: u64,
    deleted: u64,
    residue: u64,
    log: u64,
    opened: Option<u64>,
    failed: Option<u64>,
    state: Option<&'a str>,
    kms_key_id: Option<&'a str>,
    // Beyond the contract's fields: all of them where the KMS named several, and what else it says of the key.
    kms_key_ids: Vec<&'a str>,
    manager: Option<&'a str>,
    rotated: Option<bool>,
}

impl<'a> KeyRecord<'a> {
    /// The record of a key.
    pub fn new(key: &'a KeyReport) -> Self {
        let KeyCounts { current, superseded, deleted, residue, log } = key.counts;
        Self {
            record: "key",
            group_resources: key.group_resources.iter().map(String::as_str).collect(),
            provider: &key.identity.provider,
            provider_version: &key.identity.version,
            provider_name: key.identity.name.as_deref(),
            key_id: key.identity.key_id.as_deref(),
            dek_sources: key.dek_sources,
            current,
            superseded,
            deleted,
            residue,
            log,
            opened: key.proof.as_ref().map(|proof| proof.opened),
            failed: key.proof.as_ref().map(|proof| proof.failed),
            state: key.proof.as_ref().and_then(|proof| proof.state.as_deref()),
            kms_key_id: key.proof.as_ref().and_then(KeyProof::kms_key_id),
            kms_key_ids: key.proof.iter().flat_map(|proof| &proof.kms_key_ids).map(String::as_str).collect(),
            manager: key.proof.as_ref().and_then(|proof| proof.manager.as_deref()),
            rotated: key.proof.as_ref().and_then(|proof| proof.is_rotated),
        }
    }
}
