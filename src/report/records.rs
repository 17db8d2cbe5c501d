//! The records of `docs/records.md`, field by field.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::keys::{self, Retirement};
use super::model::{EvidenceReport, KeyProof, KeyReport, Report};
use super::readable::{Readable, ReadableIn};
use super::verify::Verification;
use crate::analysis::{
    ByteAccount, CredentialCounts, Facts, KeyCounts, LogFacts, Place, Retention, Row, Seal, Sum, TombstoneRow, ValueRow,
};
use crate::evidence::anomaly::Anomaly;
use crate::finding::{Finding, Outcome};
use crate::verify::Verdict;

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

/// One evidence. What its kind does not have is null.
#[derive(Debug, Serialize)]
pub struct EvidenceRecord<'a> {
    record: &'static str,
    evidence: usize,
    path: String,
    kind: &'static str,
    role: &'static str,
    container: Option<&'static str>,
    size: u64,
    sha256: Option<String>,
    content_size: Option<u64>,
    content_sha256: Option<String>,
    trailer: Option<&'static str>,
    page_size: Option<u64>,
    high_water_mark: Option<u64>,
    txid: Option<u64>,
    active_meta: Option<usize>,
    revision: Option<u64>,
    scheduled_compact_revision: Option<u64>,
    finished_compact_revision: Option<u64>,
    keys_current: Option<u64>,
    storage_version: Option<&'a str>,
    cluster_version: Option<&'a str>,
    members: Option<Vec<MemberRecord<'a>>>,
    kube_system_uid: Option<&'a str>,
    newest_object_time: Option<String>,
    pages: Option<PagesRecord>,
    complete: bool,
    // Beyond the contract's fields.
    active_meta_reason: Option<&'a str>,
    etcd_prefixes: &'a [String],
    consistent_index: Option<u64>,
    term: Option<u64>,
    leases: Option<usize>,
    alarms: Option<Vec<AlarmRecord<'a>>>,
    auth_enabled: Option<bool>,
    users: Option<&'a [String]>,
    password_hashes: Option<u64>,
    revisions: Option<u64>,
    tombstones: Option<u64>,
    log: Option<LogRecord<'a>>,
    raft_snapshot: Option<RaftSnapshotRecord>,
}

#[derive(Debug, Serialize)]
struct MemberRecord<'a> {
    id: &'a str,
    name: &'a str,
    learner: bool,
}

#[derive(Debug, Serialize)]
struct AlarmRecord<'a> {
    member: &'a str,
    alarm: &'a str,
}

#[derive(Debug, Serialize)]
struct PagesRecord {
    meta: u64,
    freelist: u64,
    reachable: u64,
    other_root: u64,
    free: u64,
    beyond_high_water: u64,
}

/// What a segment of a log holds.
#[derive(Debug, Serialize)]
struct LogRecord<'a> {
    member_id: Option<String>,
    cluster_id: Option<String>,
    records: u64,
    entries: u64,
    first_index: Option<u64>,
    last_index: Option<u64>,
    term: Option<u64>,
    commit: Option<u64>,
    overridden: u64,
    puts: u64,
    deletions: u64,
    conf_changes: u64,
    requests: BTreeMap<&'static str, u64>,
    credentials: Vec<CredentialRecord<'a>>,
    end: u64,
}

/// How often a user's credentials stand in a log. They are not shown.
#[derive(Debug, Serialize)]
struct CredentialRecord<'a> {
    user: &'a str,
    clear_text_passwords: u64,
    tokens: u64,
    password_hashes: u64,
}

#[derive(Debug, Serialize)]
struct RaftSnapshotRecord {
    index: Option<u64>,
    term: Option<u64>,
    crc_matches: Option<bool>,
    v2_values: Option<u64>,
}

impl<'a> EvidenceRecord<'a> {
    /// The record of the evidence with this number.
    pub fn new(evidence: usize, facts: &'a Facts) -> Self {
        let database = facts.database();
        let schema = database.map(|d| &d.schema);
        Self {
            record: "evidence",
            evidence,
            path: facts.path.to_string_lossy().into_owned(),
            kind: facts.kind.name(),
            role: facts.role.name(),
            container: facts.container.map(|c| c.name()),
            size: facts.size,
            sha256: facts.sha256.map(|d| d.to_string()),
            content_size: facts.content_size,
            content_sha256: facts.content_sha256.map(|d| d.to_string()),
            trailer: database.and_then(|d| d.trailer).map(|t| t.name()),
            page_size: database.map(|d| d.page_size),
            high_water_mark: database.and_then(|d| d.high_water_mark),
            txid: database.and_then(|d| d.txid),
            active_meta: database.and_then(|d| d.active_meta),
            revision: database.and_then(|d| d.revision),
            scheduled_compact_revision: schema.and_then(|s| s.scheduled_compact_revision),
            finished_compact_revision: schema.and_then(|s| s.finished_compact_revision),
            keys_current: database.map(|d| d.keys_current),
            storage_version: schema.and_then(|s| s.storage_version.as_deref()),
            cluster_version: schema.and_then(|s| s.cluster_version.as_deref()),
            members: schema.map(|s| s.members.iter().map(|m| MemberRecord { id: &m.id, name: &m.name, learner: m.is_learner }).collect()),
            kube_system_uid: database.and_then(|d| d.kube_system_uid.as_deref()),
            newest_object_time: facts.newest_object_time.and_then(timestamp),
            pages: database.map(|d| PagesRecord {
                meta: d.pages.meta,
                freelist: d.pages.freelist,
                reachable: d.pages.reachable,
                other_root: d.pages.other_root,
                free: d.pages.free,
                beyond_high_water: d.pages.beyond_high_water,
            }),
            complete: facts.is_complete,
            active_meta_reason: database.map(|d| d.active_because.as_str()),
            etcd_prefixes: &facts.prefixes,
            consistent_index: schema.and_then(|s| s.consistent_index),
            term: schema.and_then(|s| s.term),
            leases: schema.map(|s| s.leases.len()),
            alarms: schema.map(|s| s.alarms.iter().map(|a| AlarmRecord { member: &a.member, alarm: &a.kind }).collect()),
            auth_enabled: schema.and_then(|s| s.auth_enabled),
            users: schema.map(|s| s.users.as_slice()),
            password_hashes: schema.map(|s| s.password_hashes),
            revisions: database.map(|d| d.revisions),
            tombstones: database.map(|d| d.tombstones),
            log: facts.log().map(LogRecord::new),
            raft_snapshot: facts.raft_snapshot().map(|s| RaftSnapshotRecord {
                index: s.index,
                term: s.term,
                crc_matches: s.crc_matches,
                v2_values: s.v2_values,
            }),
        }
    }
}

impl<'a> LogRecord<'a> {
    fn new(log: &'a LogFacts) -> Self {
        let credential = |(user, counts): (&'a String, &CredentialCounts)| CredentialRecord {
            user,
            clear_text_passwords: counts.passwords,
            tokens: counts.tokens,
            password_hashes: counts.hashes,
        };
        Self {
            member_id: log.member.map(|(member, _)| format!("{member:x}")),
            cluster_id: log.member.map(|(_, cluster)| format!("{cluster:x}")),
            records: log.records,
            entries: log.entries,
            first_index: log.indices.map(|(first, _)| first),
            last_index: log.indices.map(|(_, last)| last),
            term: log.term,
            commit: log.commit,
            overridden: log.overridden,
            puts: log.puts,
            deletions: log.deletions,
            conf_changes: log.conf_changes,
            requests: log.requests.iter().map(|(kind, count)| (kind.name(), *count)).collect(),
            credentials: log.credentials.iter().map(credential).collect(),
            end: log.end,
        }
    }
}

/// Seconds since 1970 as RFC 3339 in UTC.
pub fn timestamp(seconds: i64) -> Option<String> {
    jiff::Timestamp::from_second(seconds).ok().map(|time| time.to_string())
}

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
    super::json::line(&ValueRecord::new(evidence, row).with_verdict(verdict), out);
}

/// Appends the record of a row as a line, and says which kind it is.
pub fn row_line(evidence: usize, row: &Row<'_>, out: &mut Vec<u8>) -> &'static str {
    match row {
        Row::Value(value) => {
            super::json::line(&ValueRecord::new(evidence, value), out);
            "value"
        }
        Row::Tombstone(tombstone) => {
            super::json::line(&TombstoneRecord::new(evidence, tombstone), out);
            "tombstone"
        }
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

/// The last record.
#[derive(Debug, Serialize)]
pub struct SummaryRecord<'a> {
    record: &'static str,
    evidences: usize,
    not_analysed: &'a [String],
    secrets_current: SecretCountsRecord,
    secrets_readable: ReadableRecord,
    values: Vec<ValueCountRecord>,
    tombstones: u64,
    uncertain_names: u64,
    fragments: SumRecord,
    nameless_secret_fragments: SumRecord,
    nameless_other_fragments: SumRecord,
    bytes: BytesRecord,
    looked_at: Vec<&'static str>,
    not_looked_at: Vec<String>,
    retire: Option<RetireRecord<'a>>,
    verify: Option<VerifyRecord<'a>>,
    conditions: Vec<&'static str>,
    exit_code: u8,
}

/// Whether a key is still needed.
#[derive(Debug, Serialize)]
struct RetireRecord<'a> {
    key: &'a str,
    verdict: &'static str,
    current: u64,
    superseded: u64,
    deleted: u64,
    residue: u64,
    log: u64,
    kms_v1_current: u64,
    kms_v1_other: u64,
    doubts: &'a [String],
}

impl<'a> RetireRecord<'a> {
    fn of(retirement: &'a Retirement) -> Self {
        let (mut named, mut unknown) = (KeyCounts::default(), KeyCounts::default());
        for need in &retirement.needs {
            named.add(need.named);
            unknown.add(need.unknown);
        }
        Self {
            key: &retirement.key,
            verdict: retirement.verdict().name(),
            current: named.current,
            superseded: named.superseded,
            deleted: named.deleted,
            residue: named.residue,
            log: named.log,
            kms_v1_current: unknown.current,
            kms_v1_other: keys::total(unknown).saturating_sub(unknown.current),
            doubts: &retirement.doubts,
        }
    }
}

/// What a verification came to.
#[derive(Debug, Serialize)]
struct VerifyRecord<'a> {
    dek_sources: u64,
    calls: u64,
    cut_short: bool,
    current: u64,
    current_opened: u64,
    current_not_opened: u64,
    required: &'a [String],
    under_required: u64,
    not_under_required: u64,
    moved: u64,
    same_value: u64,
    changed_value: u64,
    not_comparable: u64,
}

impl<'a> VerifyRecord<'a> {
    fn of(verification: &'a Verification) -> Self {
        let Verification { dek_sources, calls, is_cut_short, current, current_opened, current_not_opened, .. } = *verification;
        let Verification { under_required, not_under_required, moved, same_value, changed_value, not_comparable, .. } = *verification;
        Self {
            dek_sources,
            calls,
            cut_short: is_cut_short,
            current,
            current_opened,
            current_not_opened,
            required: &verification.required,
            under_required,
            not_under_required,
            moved,
            same_value,
            changed_value,
            not_comparable,
        }
    }
}

#[derive(Debug, Serialize)]
struct SecretCountsRecord {
    plaintext: u64,
    encrypted: u64,
    unknown: u64,
    empty: u64,
}

#[derive(Debug, Serialize)]
struct ReadableRecord {
    total: u64,
    existing: u64,
    deleted: u64,
    current: u64,
    retained: u64,
    residue: u64,
    log: u64,
    ahead: u64,
}

#[derive(Debug, Serialize)]
struct SumRecord {
    count: u64,
    bytes: u64,
}

impl From<Sum> for SumRecord {
    fn from(sum: Sum) -> Self {
        Self { count: sum.count, bytes: sum.bytes }
    }
}

/// Bytes of all inputs' databases, by what they are; together, their content.
#[derive(Debug, Serialize)]
struct BytesRecord {
    in_use: u64,
    structure: u64,
    value: u64,
    fragment: u64,
    zero: u64,
    unattributed: u64,
    not_searched: u64,
    trailer: u64,
}

#[derive(Debug, Serialize)]
struct ValueCountRecord {
    place: &'static str,
    retention: &'static str,
    protection: &'static str,
    count: u64,
}

impl BytesRecord {
    fn of(report: &Report) -> Self {
        let sum = |part: fn(&ByteAccount) -> u64| {
            report.evidences.iter().filter_map(|e| e.facts.bytes()).map(|bytes| part(&bytes)).fold(0, u64::saturating_add)
        };
        Self {
            in_use: sum(|bytes| bytes.in_use),
            structure: sum(|bytes| bytes.outside.structure),
            value: sum(|bytes| bytes.outside.value),
            fragment: sum(|bytes| bytes.outside.fragment),
            zero: sum(|bytes| bytes.outside.zero),
            unattributed: sum(|bytes| bytes.outside.unattributed),
            not_searched: sum(|bytes| bytes.not_searched),
            trailer: sum(|bytes| bytes.trailer),
        }
    }
}

impl<'a> SummaryRecord<'a> {
    /// The record of a run.
    pub fn new(report: &'a Report, outcome: &Outcome) -> Self {
        let sum = |count: fn(&EvidenceReport) -> u64| report.evidences.iter().map(count).fold(0, u64::saturating_add);
        let readable = |count: fn(&ReadableIn) -> u64| {
            let of = |r: &Readable| count(&r.existing).saturating_add(count(&r.deleted));
            report.inputs().map(of).fold(0, u64::saturating_add)
        };
        let inputs = |count: fn(&Readable) -> u64| report.inputs().map(count).fold(0, u64::saturating_add);
        let total = |part: fn(&EvidenceReport) -> Sum| {
            let mut sum = Sum::default();
            report.evidences.iter().for_each(|e| sum.merge(part(e)));
            SumRecord::from(sum)
        };
        let mut values = BTreeMap::<(Place, Retention, _), u64>::new();
        for (kind, count) in report.evidences.iter().flat_map(|e| &e.values) {
            let known = values.entry(*kind).or_default();
            *known = known.saturating_add(*count);
        }
        Self {
            record: "summary",
            evidences: report.evidences.len(),
            not_analysed: &report.not_analysed,
            secrets_current: SecretCountsRecord {
                plaintext: report.secrets(|s| s.plaintext),
                encrypted: report.secrets(|s| s.encrypted),
                unknown: report.secrets(|s| s.unknown),
                empty: report.secrets(|s| s.empty),
            },
            secrets_readable: ReadableRecord {
                total: inputs(|r| r.total),
                existing: inputs(|r| r.existing.total()),
                deleted: inputs(|r| r.deleted.total()),
                current: readable(|r| r.current),
                retained: readable(|r| r.retained),
                residue: readable(|r| r.residue),
                log: readable(|r| r.log),
                ahead: inputs(|r| r.ahead),
            },
            values: values
                .into_iter()
                .map(|((place, retention, protection), count)| ValueCountRecord {
                    place: place.name(),
                    retention: retention.name(),
                    protection: protection.name(),
                    count,
                })
                .collect(),
            tombstones: sum(|e| e.tombstones),
            uncertain_names: sum(|e| e.uncertain_names),
            fragments: total(|e| e.fragments),
            nameless_secret_fragments: total(|e| e.unnamed_secrets),
            nameless_other_fragments: total(|e| e.unnamed_others),
            bytes: BytesRecord::of(report),
            looked_at: report.looked_at(),
            not_looked_at: report.not_looked_at(),
            retire: report.retirement.as_ref().map(RetireRecord::of),
            verify: report.verification.as_ref().map(VerifyRecord::of),
            conditions: outcome.conditions().map(|c| c.name()).collect(),
            exit_code: outcome.exit_code(),
        }
    }
}

fn key_of(key: &[u8]) -> (Option<&str>, Option<String>) {
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
