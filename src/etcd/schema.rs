//! What etcd keeps about itself, bucket by bucket.
//!
//! | bucket | key | value |
//! |---|---|---|
//! | `meta` | `consistent_index`, `term` | u64, big-endian |
//! | | `scheduledCompactRev`, `finishedCompactRev` | a revision, 17 bytes |
//! | | `storageVersion` (≥ 3.6) | `3.6.0` |
//! | | `confState` (≥ 3.5) | JSON |
//! | `cluster` | `clusterVersion` | `3.6.0` |
//! | | `downgrade` (≥ 3.5) | JSON: target-version, enabled |
//! | `members` | member ID, hexadecimal | JSON: id, name, peerURLs, clientURLs, isLearner |
//! | `lease` | lease ID, 8 bytes | leasepb.Lease |
//! | `alarm` | AlarmMember | empty |
//! | `auth` | `authEnabled` | one byte |
//! | `authUsers` | user name | authpb.User, with the password's bcrypt hash |
//!
//! Source: etcd `server/storage/schema/`.

use prost::Message;
use serde::Deserialize;

use super::pb::etcdserverpb::{AlarmMember, AlarmType};
use crate::bbolt::{self, Db, Tree};
use crate::evidence::anomaly::{Anomalies, Class};
use crate::evidence::range;
use crate::mvcc::{Revision, RevisionKey};
use crate::wire::Fields;

/// The bucket of all keys and their history.
pub const KEY: &[u8] = b"key";

/// The bucket of what etcd needs to go on: what it has applied, what it has compacted.
pub const META: &[u8] = b"meta";
/// Buckets that every etcd since 3.0 creates.
const ALWAYS: [&[u8]; 2] = [KEY, META];

/// What the small buckets say. Whatever is absent is `None` or empty.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// Whether all of them could be read to their ends. Otherwise what is absent here may have been lost.
    pub is_whole: bool,
    /// Raft index of the last entry applied.
    pub consistent_index: Option<u64>,
    /// Raft term of that entry.
    pub term: Option<u64>,
    /// Revision at which a compaction was begun.
    pub scheduled_compact_revision: Option<u64>,
    /// Revision at which one was completed.
    pub finished_compact_revision: Option<u64>,
    /// Version of the storage layout, since etcd 3.6.
    pub storage_version: Option<String>,
    /// Version the members agreed on.
    pub cluster_version: Option<String>,
    /// The version that a downgrade in progress goes to.
    pub downgrade_target: Option<String>,
    /// Members of the cluster, by ID.
    pub members: Vec<Member>,
    /// IDs of leases.
    pub leases: Vec<i64>,
    /// Alarms raised.
    pub alarms: Vec<Alarm>,
    /// Whether etcd's own authentication is on.
    pub auth_enabled: Option<bool>,
    /// Names of etcd's users.
    pub users: Vec<String>,
    /// How many of them have the bcrypt hash of a password; one with a certificate has none.
    pub password_hashes: u64,
}

/// A member of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its ID in hexadecimal, as etcd prints it.
    pub id: String,
    /// Its name; empty until it has started for the first time.
    pub name: String,
    /// Whether it is a learner.
    pub is_learner: bool,
}

/// An alarm raised by a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// The member's ID in hexadecimal.
    pub member: String,
    /// `NOSPACE`, `CORRUPT`, or the number of a kind not known here.
    pub kind: String,
}

/// Whether a downgrade is in progress. Source: etcd `server/etcdserver/version/downgrade.go`, `DowngradeInfo`.
#[derive(Deserialize)]
struct DowngradeJson {
    #[serde(default, rename = "target-version")]
    target_version: String,
    #[serde(default)]
    enabled: bool,
}

#[derive(Deserialize)]
struct MemberJson {
    #[serde(default)]
    name: String,
    #[serde(default, rename = "isLearner")]
    is_learner: bool,
}

impl Schema {
    /// Reads the small buckets of a walked tree.
    pub fn read<'data>(db: &Db<'data>, tree: &Tree<'data>, anomalies: &mut Anomalies) -> Self {
        let mut schema = Self { is_whole: true, ..Self::default() };
        for name in ALWAYS {
            if tree.bucket(name).is_none() {
                schema.is_whole = false;
                anomalies.note(Class::BucketMissing, None, None, || {
                    format!("no bucket \"{}\"; every etcd database has one", name.escape_ascii())
                });
            }
        }
        for (name, read) in READERS {
            let Some(bucket) = tree.bucket(name) else { continue };
            schema.is_whole &= tree.holes(bucket).is_empty();
            for (pgid, element) in tree.elements(db, bucket) {
                if read(&mut schema, element.key, element.value).is_none() {
                    schema.is_whole = false;
                    let offset = range::offset_within(db.bytes(), element.key).or(Some(db.page_offset(pgid)));
                    anomalies.note(Class::SchemaInvalid, offset, Some(pgid), || {
                        format!("bucket \"{}\": an entry of {} bytes cannot be read", name.escape_ascii(), element.value.len())
                    });
                }
            }
        }
        if let Some(finished) = schema.finished_compact_revision
            && schema.scheduled_compact_revision.is_none_or(|scheduled| finished > scheduled)
        {
            anomalies.note(Class::CompactionContradiction, None, None, || {
                let scheduled = schema.scheduled_compact_revision.map_or_else(
                    || "none was scheduled".to_owned(),
                    |scheduled| format!("the last that was scheduled is one to {scheduled}"),
                );
                format!("the compaction to revision {finished} is finished, and {scheduled}")
            });
        }
        schema
    }

    /// Reads them in a database of which nothing else is asked. What cannot be read of it is passed over.
    pub fn peek(db: &Db<'_>) -> Self {
        let mut schema = Self::default();
        for (name, read) in READERS {
            for element in bbolt::elements_of(db, name) {
                // `None` says that this entry cannot be read.
                let _ = read(&mut schema, element.key, element.value);
            }
        }
        schema
    }

    /// The revision of the last compaction that was at least begun; 0 where there was none.
    pub fn compacted(&self) -> u64 {
        self.scheduled_compact_revision.max(self.finished_compact_revision).unwrap_or(0)
    }

    /// The etcd version that the storage is of, such as `3.6`. Without a storage version it is of 3.5 at most, whatever version the
    /// cluster had: `etcdutl migrate` takes the storage version away, and an upgrade gives it last.
    /// Source: etcd `server/storage/schema/schema.go`, `UnsafeDetectSchemaVersion`.
    pub fn storage_of(&self) -> Option<String> {
        match (&self.storage_version, self.cluster_minor()) {
            (Some(version), _) => Some(minor(version)),
            (None, Some(cluster)) if is_stored_by(&cluster) => Some(LAST_WITHOUT.to_owned()),
            (None, cluster) => cluster,
        }
    }

    /// The version that the members agreed on, such as `3.6`.
    pub fn cluster_minor(&self) -> Option<String> {
        self.cluster_version.as_deref().map(minor)
    }
}

/// The last version of etcd that stores no storage version.
const LAST_WITHOUT: &str = "3.5";

/// Whether an etcd of this version stores a storage version: since 3.6.
fn is_stored_by(minor_version: &str) -> bool {
    let mut numbers = minor_version.split('.').map(|number| number.parse::<u64>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (3, 6)
}

fn minor(version: &str) -> String {
    version.splitn(3, '.').take(2).collect::<Vec<_>>().join(".")
}

/// Puts an entry into the schema; `None` where it cannot be read.
type Reader = fn(&mut Schema, &[u8], &[u8]) -> Option<()>;

const READERS: [(&[u8], Reader); 7] = [
    (META, read_meta),
    (b"cluster", read_cluster),
    (b"members", read_member),
    (b"lease", read_lease),
    (b"alarm", read_alarm),
    (b"auth", read_auth),
    (b"authUsers", read_user),
];

fn read_meta(schema: &mut Schema, key: &[u8], value: &[u8]) -> Option<()> {
    let compacted = || RevisionKey::parse(value).map(|key| key.revision).map(|Revision { main, .. }| main);
    match key {
        b"consistent_index" => schema.consistent_index = Some(u64::from_be_bytes(value.try_into().ok()?)),
        b"term" => schema.term = Some(u64::from_be_bytes(value.try_into().ok()?)),
        b"scheduledCompactRev" => schema.scheduled_compact_revision = Some(compacted()?),
        b"finishedCompactRev" => schema.finished_compact_revision = Some(compacted()?),
        b"storageVersion" => schema.storage_version = Some(text(value)?),
        _ => {}
    }
    Some(())
}

fn read_cluster(schema: &mut Schema, key: &[u8], value: &[u8]) -> Option<()> {
    match key {
        b"clusterVersion" => schema.cluster_version = Some(text(value)?),
        b"downgrade" => {
            let json: DowngradeJson = serde_json::from_slice(value).ok()?;
            schema.downgrade_target = json.enabled.then_some(json.target_version);
        }
        _ => {}
    }
    Some(())
}

fn read_member(schema: &mut Schema, key: &[u8], value: &[u8]) -> Option<()> {
    let json: MemberJson = serde_json::from_slice(value).ok()?;
    schema.members.push(Member { id: text(key)?, name: json.name, is_learner: json.is_learner });
    Some(())
}

fn read_lease(schema: &mut Schema, key: &[u8], _: &[u8]) -> Option<()> {
    schema.leases.push(i64::from_be_bytes(key.try_into().ok()?));
    Some(())
}

fn read_alarm(schema: &mut Schema, key: &[u8], _: &[u8]) -> Option<()> {
    let alarm = AlarmMember::decode(key).ok()?;
    let kind = AlarmType::try_from(alarm.alarm).map_or_else(|_| alarm.alarm.to_string(), |kind| kind.as_str_name().to_owned());
    schema.alarms.push(Alarm { member: format!("{:x}", alarm.member_id), kind });
    Some(())
}

fn read_auth(schema: &mut Schema, key: &[u8], value: &[u8]) -> Option<()> {
    if key == b"authEnabled" {
        schema.auth_enabled = Some(*value.first()? == 1);
    }
    Some(())
}

/// authpb.User: name = 1, password = 2 (a hash), roles = 3.
fn read_user(schema: &mut Schema, key: &[u8], value: &[u8]) -> Option<()> {
    schema.users.push(String::from_utf8_lossy(key).into_owned());
    for field in Fields::new(value) {
        let field = field.ok()?;
        let is_hash = field.number == 2 && field.bytes().is_some_and(|hash| !hash.is_empty());
        schema.password_hashes = schema.password_hashes.saturating_add(u64::from(is_hash));
    }
    Some(())
}

fn text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}
