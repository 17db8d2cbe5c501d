//! The records of `docs/records.md`, field by field.

mod evidence;
mod key;
mod page_run;
mod plan;
mod run_info;
mod summary;
mod unread;
mod value;
mod write_fields;

use serde::Serialize;

pub use self::evidence::{EvidenceEndRecord, EvidenceRecord};
pub use self::key::KeyRecord;
pub use self::page_run::PageRunRecord;
pub use self::plan::PlanRecord;
pub use self::run_info::{OptionValue, RunInfo};
pub use self::summary::SummaryRecord;
pub use self::unread::UnreadRecord;
pub use self::value::{SecretRecord, TombstoneRecord, ValueRecord, row_line};
pub(super) use self::write_fields::WriteFields;
use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::evidence::EvidenceId;
use crate::evidence::anomaly::Anomaly;
use crate::evidence::count::{Count, Matches};
use crate::evidence::words::path_text;
use crate::finding::{About, Finding};

/// Version of the records' meaning. A new field does not raise it; a changed meaning does.
pub const SCHEMA_VERSION: u32 = 2;

/// What this build has beyond the plain one.
const FEATURES: [&str; cfg!(feature = "aws-kms") as usize + cfg!(feature = "kms-plugin") as usize] = [
    #[cfg(feature = "aws-kms")]
    "aws-kms",
    #[cfg(feature = "kms-plugin")]
    "kms-plugin",
];

/// The first record.
#[derive(Debug, Serialize)]
pub struct RunRecord<'a> {
    record: &'static str,
    schema_version: u32,
    tool: &'static str,
    tool_version: &'static str,
    features: &'static [&'static str],
    command: &'static str,
    options: &'a BTreeMap<&'static str, OptionValue>,
    scope: Option<&'a str>,
}

impl<'a> RunRecord<'a> {
    /// Of this build.
    pub fn new(run: &'a RunInfo) -> Self {
        Self {
            record: "run",
            schema_version: SCHEMA_VERSION,
            tool: env!("CARGO_PKG_NAME"),
            tool_version: env!("CARGO_PKG_VERSION"),
            features: &FEATURES,
            command: run.command,
            options: &run.options,
            scope: run.scope.as_deref(),
        }
    }
}

/// One anomaly.
#[derive(Debug, Serialize)]
pub struct AnomalyRecord<'a> {
    record: &'static str,
    evidence: u64,
    class: &'static str,
    offset: Option<u64>,
    pgid: Option<u64>,
    detail: &'a str,
}

impl<'a> AnomalyRecord<'a> {
    /// The record of an anomaly.
    pub fn new(evidence: EvidenceId, anomaly: &'a Anomaly) -> Self {
        Self {
            record: "anomaly",
            evidence: evidence.number(),
            class: anomaly.class.name(),
            offset: anomaly.offset,
            pgid: anomaly.pgid,
            detail: &anomaly.detail,
        }
    }
}

/// One finding.
#[derive(Debug, Serialize)]
pub struct FindingRecord<'a> {
    record: &'static str,
    evidence: u64,
    rule: &'static str,
    severity: &'static str,
    title: &'static str,
    why: &'static str,
    remedy: Option<&'static str>,
    references: &'static [&'static str],
    count: Count<Matches>,
    nowhere_newer: Option<Count<Matches>>,
    about: Vec<AboutRecord<'a>>,
}

/// One thing that a finding is about.
#[derive(Debug, Default, Serialize)]
struct AboutRecord<'a> {
    object: Option<&'a str>,
    key: Option<&'a str>,
    path: Option<std::borrow::Cow<'a, str>>,
    user: Option<&'a str>,
    offset: Option<u64>,
    pgid: Option<u64>,
}

impl<'a> FindingRecord<'a> {
    /// The record of a finding.
    pub fn new(evidence: EvidenceId, finding: &'a Finding) -> Self {
        let rule = finding.rule;
        Self {
            record: "finding",
            evidence: evidence.number(),
            rule: rule.code(),
            severity: rule.severity().name(),
            title: rule.title(),
            why: rule.why(),
            remedy: Some(rule.remedy()).filter(|remedy| !remedy.is_empty()),
            references: rule.references(),
            count: finding.count,
            nowhere_newer: finding.nowhere_newer,
            about: finding.about.iter().map(AboutRecord::new).collect(),
        }
    }
}

impl<'a> AboutRecord<'a> {
    fn new(about: &'a About) -> Self {
        let nothing = Self::default();
        match about {
            About::Object(object) => Self { object: Some(object), ..nothing },
            About::Key(key) => Self { key: Some(key), ..nothing },
            About::Path(path) => Self { path: Some(path_text(path)), ..nothing },
            About::User(user) => Self { user: Some(user), ..nothing },
            About::Place { offset, pgid } => Self { offset: *offset, pgid: *pgid, ..nothing },
        }
    }
}

/// Seconds since 1970 as RFC 3339 in UTC.
pub fn timestamp(seconds: i64) -> Option<String> {
    jiff::Timestamp::from_second(seconds).ok().map(|time| time.to_string())
}

/// The bytes of a path that is no text, in base64.
fn path_base64(path: &Path) -> Option<String> {
    path.to_str().is_none().then(|| STANDARD.encode(path.as_os_str().as_encoded_bytes()))
}
