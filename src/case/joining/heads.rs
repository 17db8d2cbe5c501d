//! What a member's files say of whose they are. Of each only the head is read.
//!
//! Source: etcd `server/etcdserver/api/membership/cluster.go`, `genID`.

use std::path::Path;

use sha1::{Digest, Sha1};

use super::super::another_log;
use super::super::directory::{DataDirectory, DataFile};
use super::super::files::Files;
use crate::evidence::Evidence;
use crate::store::{
    Agreement, DatabaseStore, ReadOptions, ResidueMode, Store, StoreKind, ids_of_log, log_has_entry, members_of_snapshot, schema_of,
};

/// The IDs that a log begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LogIdentity {
    pub member: u64,
    cluster: u64,
}

impl LogIdentity {
    /// Of a cluster of one member that was started without any option: everybody who tries etcd has made one.
    pub(super) const OF_DEFAULTS: Self = Self { member: 0x8e9e_05c5_2164_694d, cluster: 0xcdf8_1819_4e3a_8c32 };

    /// The member's and the cluster's.
    pub(super) fn ids(self) -> (u64, u64) {
        (self.member, self.cluster)
    }

    /// Of the first segment that says it.
    pub(super) fn of<'a>(segments: impl IntoIterator<Item = &'a Evidence>) -> Option<Self> {
        let (member, cluster) = segments.into_iter().find_map(ids_of_log)?;
        Some(Self { member, cluster })
    }
}

/// What a database, and each raft snapshot beside it, say of a member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Heads {
    /// The IDs of the cluster's members. They differ where members came or went, and where a backup was restored: its database has the
    /// members of old.
    pub members: Vec<Vec<u64>>,
    /// Index and term of the entry that the database has applied last.
    applied: Option<(u64, Option<u64>)>,
}

impl Heads {
    /// As far as they can be read.
    pub(super) fn of(directory: &DataDirectory, files: &Files) -> Self {
        let mut heads = Self::default();
        for schema in open(directory, StoreKind::Database, files).iter().filter_map(schema_of) {
            heads.applied = heads.applied.or(schema.consistent_index.map(|index| (index, schema.term)));
            heads.members.push(schema.members.iter().filter_map(|member| u64::from_str_radix(&member.id, 16).ok()).collect());
        }
        heads.members.extend(open(directory, StoreKind::RaftSnapshot, files).iter().filter_map(members_of_snapshot));
        heads.members.iter_mut().for_each(|ids| ids.sort_unstable());
        heads
    }

    /// Whether the log's member is one of those that its cluster began with.
    fn began(&self, log: LogIdentity) -> bool {
        self.members.iter().filter(|ids| ids.contains(&log.member)).any(|ids| cluster_of(ids) == log.cluster)
    }

    /// Whether a log has what the database has applied last, or goes on from it.
    fn are_reached_by(&self, segments: &[Evidence]) -> bool {
        self.applied
            .is_some_and(|(index, term)| log_has_entry(segments, index, term) || log_has_entry(segments, index.saturating_add(1), None))
    }
}

/// Whether the log and the database of a directory are proven to be of one member, and nothing in them says otherwise.
pub(super) fn is_one_member(directory: &DataDirectory, files: &Files) -> bool {
    let (segments, heads) = (open(directory, StoreKind::Segment, files), Heads::of(directory, files));
    let Some(log) = LogIdentity::of(&segments).filter(|log| heads.began(*log) && heads.are_reached_by(&segments)) else { return false };
    let databases = open(directory, StoreKind::Database, files);
    let options = ReadOptions { residue: ResidueMode::Off, ..ReadOptions::default() };
    let Some(database) = databases.first().and_then(|database| DatabaseStore::read(database, &options).ok()) else { return false };
    let segments: Vec<&Evidence> = segments.iter().collect();
    let is_contradicted = || another_log::contradiction(std::iter::once(&database.profile().facts), &segments).is_some();
    match Agreement::of(&segments, &database) {
        Agreement::Proven => !is_contradicted(),
        Agreement::NotSaid => log != LogIdentity::OF_DEFAULTS && !is_contradicted(),
        Agreement::Contradicted => false,
    }
}

/// The member's own files of a kind that can be opened.
pub(super) fn open(directory: &DataDirectory, kind: StoreKind, files: &Files) -> Vec<Evidence> {
    directory.own(kind).filter_map(|file| files.look(path_of(file))).collect()
}

/// The ID of a cluster that begins with these members.
fn cluster_of(members: &[u64]) -> u64 {
    let ids: Vec<u8> = members.iter().flat_map(|id| id.to_be_bytes()).collect();
    Sha1::digest(&ids).iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte))
}

fn path_of(file: &DataFile) -> &Path {
    &file.place.path
}
