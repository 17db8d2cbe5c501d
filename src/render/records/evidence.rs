//! The record of an evidence.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use super::{path_base64, timestamp};
use crate::evidence::EvidenceId;
use crate::evidence::words::path_text;
use crate::kubernetes::ClusterId;
use crate::report::{Compared, Comparison, EvidenceReport};
use crate::store::{CredentialCounts, DatabaseFacts, Facts, KeyTree, LogFacts, RaftSnapshotFacts, Schema};

/// One evidence, as far as it is known before its rows are read. What its kind does not have is null.
#[derive(Debug, Serialize)]
pub struct EvidenceRecord<'a> {
    record: &'static str,
    evidence: u64,
    path: String,
    path_base64: Option<String>,
    link_target: Option<String>,
    kind: &'static str,
    role: &'static str,
    container: Vec<&'static str>,
    size: u64,
    access_time_kept: Option<bool>,
    content_size: Option<u64>,
    page_size: Option<u64>,
    high_water_mark: Option<u64>,
    txid: Option<u64>,
    active_meta: Option<usize>,
    revision: Option<u64>,
    scheduled_compact_revision: Option<u64>,
    finished_compact_revision: Option<u64>,
    buckets_whole: Option<bool>,
    keys_current: Option<u64>,
    storage_version: Option<&'a str>,
    cluster_version: Option<&'a str>,
    downgrade_target: Option<&'a str>,
    members: Option<Vec<MemberRecord<'a>>>,
    kube_system_uid: Option<&'a str>,
    clusters: Option<Vec<ClusterRecord<'a>>>,
    cluster_name: Option<&'a str>,
    control_plane_endpoint: Option<&'a str>,
    nodes: Option<u64>,
    node_names: Option<&'a [String]>,
    newest_object_time: Option<String>,
    pages: Option<PagesRecord>,
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

/// What of an evidence is known last.
#[derive(Debug, Serialize)]
pub struct EvidenceEndRecord {
    record: &'static str,
    evidence: u64,
    sha256: Option<String>,
    content_sha256: Option<String>,
    trailer: Option<&'static str>,
    complete: bool,
    compared: Option<Vec<ComparedRecord>>,
    snapshot_status: Option<StatusRecord>,
}

/// What `snapshot status` of etcd's own tools prints.
#[derive(Debug, Serialize)]
struct StatusRecord {
    hash: String,
    revision: u64,
    total_keys: u64,
    total_keys_up_to_3_5: u64,
    total_size: u64,
}

#[derive(Debug, Serialize)]
struct MemberRecord<'a> {
    id: &'a str,
    name: &'a str,
    learner: bool,
}

/// Whose objects stand below a prefix.
#[derive(Debug, Serialize)]
struct ClusterRecord<'a> {
    prefix: Cow<'a, str>,
    kube_system_uid: Option<&'a str>,
}

impl<'a> ClusterRecord<'a> {
    fn new((prefix, id): (&'a [u8], &'a ClusterId)) -> Self {
        Self { prefix: String::from_utf8_lossy(prefix), kube_system_uid: id.uid() }
    }
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

/// How a database stands to those before it of the same cluster that agree with each other.
#[derive(Debug, Serialize)]
struct ComparedRecord {
    evidence: u64,
    databases: u64,
    shared: u64,
    differing: u64,
    only_here: u64,
    only_there: u64,
}

impl ComparedRecord {
    fn new(other: &Compared) -> Self {
        let Comparison { shared, differing, only_here, only_there } = other.comparison;
        Self {
            evidence: other.evidence.number(),
            databases: other.databases,
            shared,
            differing: differing.count,
            only_here: only_here.count,
            only_there: only_there.count,
        }
    }
}

impl<'a> EvidenceRecord<'a> {
    /// The record of the evidence with this number.
    pub fn new(evidence: EvidenceId, facts: &'a Facts) -> Self {
        let database = facts.database();
        let schema = database.map(|d| &d.schema);
        let counted = |count: fn(&DatabaseFacts) -> u64| database.filter(|d| d.key_tree != KeyTree::Lost).map(count);
        // Of an empty list it is known that there is nothing only where all was read.
        let named = |count: fn(&Schema) -> usize| schema.filter(|schema| schema.is_whole || count(schema) > 0);
        let names = database.map(|d| &d.cluster);
        Self {
            record: "evidence",
            evidence: evidence.number(),
            path: path_text(&facts.path).into_owned(),
            path_base64: path_base64(&facts.path),
            link_target: facts.link_target.as_ref().map(|target| path_text(target).into_owned()),
            kind: facts.kind.name(),
            role: facts.role.name(),
            container: facts.containers.iter().map(|c| c.name()).collect(),
            size: facts.size,
            access_time_kept: facts.keeps_access_time,
            content_size: facts.content_size,
            page_size: database.map(|d| d.page_size),
            high_water_mark: database.and_then(|d| d.high_water_mark),
            txid: database.and_then(|d| d.txid),
            active_meta: database.and_then(|d| d.active_meta),
            revision: database.and_then(|d| d.revision),
            scheduled_compact_revision: schema.and_then(|s| s.scheduled_compact_revision),
            finished_compact_revision: schema.and_then(|s| s.finished_compact_revision),
            buckets_whole: schema.map(|s| s.is_whole),
            keys_current: counted(|d| d.keys_current),
            storage_version: schema.and_then(|s| s.storage_version.as_deref()),
            cluster_version: schema.and_then(|s| s.cluster_version.as_deref()),
            downgrade_target: schema.and_then(|s| s.downgrade_target.as_deref()),
            members: named(|s| s.members.len())
                .map(|s| s.members.iter().map(|m| MemberRecord { id: &m.id, name: &m.name, learner: m.is_learner }).collect()),
            kube_system_uid: database.and_then(|d| d.clusters.sole()).and_then(ClusterId::uid),
            clusters: database.map(|d| d.clusters.iter().map(ClusterRecord::new).collect()),
            cluster_name: names.and_then(|names| names.cluster_name.as_deref()),
            control_plane_endpoint: names.and_then(|names| names.endpoint.as_deref()),
            nodes: names.map(|names| names.nodes),
            node_names: names.map(|names| names.node_names.as_slice()),
            newest_object_time: facts.newest_object_time.and_then(timestamp),
            pages: database.map(PagesRecord::new),
            active_meta_reason: database.map(|d| d.active_because.as_str()),
            etcd_prefixes: &facts.prefixes,
            consistent_index: schema.and_then(|s| s.consistent_index),
            term: schema.and_then(|s| s.term),
            leases: schema.filter(|s| s.is_whole).map(|s| s.leases.len()),
            alarms: named(|s| s.alarms.len()).map(|s| s.alarms.iter().map(|a| AlarmRecord { member: &a.member, alarm: &a.kind }).collect()),
            auth_enabled: schema.and_then(|s| s.auth_enabled),
            users: named(|s| s.users.len()).map(|s| s.users.as_slice()),
            password_hashes: schema.filter(|s| s.is_whole).map(|s| s.password_hashes),
            revisions: counted(|d| d.revisions),
            tombstones: counted(|d| d.tombstones),
            log: facts.log().map(LogRecord::new),
            raft_snapshot: facts.raft_snapshot().map(RaftSnapshotRecord::new),
        }
    }
}

impl PagesRecord {
    fn new(database: &DatabaseFacts) -> Self {
        let pages = &database.pages;
        Self {
            meta: pages.meta,
            freelist: pages.freelist,
            reachable: pages.reachable,
            other_root: pages.other_root,
            free: pages.free,
            beyond_high_water: pages.beyond_high_water,
        }
    }
}

impl RaftSnapshotRecord {
    fn new(snapshot: &RaftSnapshotFacts) -> Self {
        let RaftSnapshotFacts { index, term, crc_matches, v2_values, .. } = *snapshot;
        Self { index, term, crc_matches, v2_values }
    }
}

impl EvidenceEndRecord {
    /// The record of an evidence of which everything is known.
    pub fn new(evidence: &EvidenceReport) -> Self {
        let facts = &evidence.facts;
        Self {
            record: "evidence-end",
            evidence: evidence.id.number(),
            sha256: facts.sha256.map(|digest| digest.to_string()),
            content_sha256: facts.content_sha256.map(|digest| digest.to_string()),
            trailer: facts.database().and_then(|database| database.trailer).map(|trailer| trailer.name()),
            complete: facts.is_complete,
            compared: evidence.compared.as_ref().map(|others| others.iter().map(ComparedRecord::new).collect()),
            snapshot_status: StatusRecord::of(evidence),
        }
    }
}

impl StatusRecord {
    fn of(evidence: &EvidenceReport) -> Option<Self> {
        let status = evidence.status.filter(|_| evidence.facts.is_complete)?;
        let database = evidence.facts.database()?;
        Some(Self {
            hash: format!("{:x}", status.hash),
            revision: database.revision.unwrap_or(0),
            total_keys: database.keys_as_etcdutl_counts,
            total_keys_up_to_3_5: status.entries,
            total_size: database.high_water_mark?.saturating_mul(database.page_size),
        })
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
