//! The records of `docs/records.md`, field by field.

mod evidence;
mod key;
mod summary;
mod value;

use serde::Serialize;

pub use self::evidence::EvidenceRecord;
pub use self::key::KeyRecord;
pub use self::summary::SummaryRecord;
pub(super) use self::value::key_of;
pub use self::value::{SecretRecord, TombstoneRecord, ValueRecord, row_line, verdict_line};
use crate::evidence::anomaly::Anomaly;
use crate::finding::Finding;

/// Version of the records' meaning. A new field does not raise it; a changed meaning does.
pub const SCHEMA_VERSION: u32 = 1;

/// What this build has beyond the plain one.
const FEATURES: [&str; cfg!(feature = "aws-kms") as usize + cfg!(feature = "kms-plugin") as usize] = [
    #[cfg(feature = "aws-kms")]
    "aws-kms",
    #[cfg(feature = "kms-plugin")]
    "kms-plugin",
];

/// The first record.
#[derive(Debug, Serialize)]
pub struct RunRecord {
    record: &'static str,
    schema_version: u32,
    tool: &'static str,
    tool_version: &'static str,
    features: &'static [&'static str],
}

impl RunRecord {
    /// Of this build.
    pub fn new() -> Self {
        Self {
            record: "run",
            schema_version: SCHEMA_VERSION,
            tool: env!("CARGO_PKG_NAME"),
            tool_version: env!("CARGO_PKG_VERSION"),
            features: &FEATURES,
        }
    }
}

impl Default for RunRecord {
    fn default() -> Self {
        Self::new()
    }
}

/// One anomaly.
#[derive(Debug, Serialize)]
pub struct AnomalyRecord<'a> {
    record: &'static str,
    evidence: usize,
    class: &'static str,
    offset: Option<u64>,
    pgid: Option<u64>,
    detail: &'a str,
}

impl<'a> AnomalyRecord<'a> {
    /// The record of an anomaly.
    pub fn new(evidence: usize, anomaly: &'a Anomaly) -> Self {
        Self {
            record: "anomaly",
            evidence,
            class: anomaly.class.name(),
            offset: anomaly.offset,
            pgid: anomaly.pgid,
            detail: &anomaly.detail,
        }
    }
}

/// One finding.
#[derive(Debug, Serialize)]
pub struct FindingRecord {
    record: &'static str,
    evidence: usize,
    rule: &'static str,
    severity: &'static str,
    title: &'static str,
    why: &'static str,
    count: u64,
}

impl FindingRecord {
    /// The record of a finding.
    pub fn new(evidence: usize, finding: &Finding) -> Self {
        let rule = finding.rule;
        Self {
            record: "finding",
            evidence,
            rule: rule.code(),
            severity: rule.severity().name(),
            title: rule.title(),
            why: rule.why(),
            count: finding.count,
        }
    }
}

/// Seconds since 1970 as RFC 3339 in UTC.
pub fn timestamp(seconds: i64) -> Option<String> {
    jiff::Timestamp::from_second(seconds).ok().map(|time| time.to_string())
}
