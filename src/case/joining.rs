//! Whose log is it? A log's first record names the member and the cluster that it is of, a database its members.
//!
//! What was given in two places is joined where the log's member is one of the database's. A link that leads out of what was given
//! is followed only where the cluster's ID is right too: the examiner's own log must never be taken for the evidence's. etcd makes
//! that ID of the members' IDs when a cluster begins, so of one that has changed its members since it cannot be told.
//!
//! Source: etcd `server/etcdserver/api/membership/cluster.go`, `genID`.

use std::path::{Path, PathBuf};

use sha1::{Digest, Sha1};

use super::directory::{DataDirectory, DataFile};
use crate::evidence::{Evidence, Limits};
use crate::store::{MemberContext, ReadOptions, ResidueMode, StoreKind};

/// The IDs that a log begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LogIdentity {
    member: u64,
    cluster: u64,
}

impl LogIdentity {
    /// Of the first segment that says it.
    pub(super) fn of<'a>(segments: impl Iterator<Item = &'a Path>, limits: &Limits) -> Option<Self> {
        segments.filter_map(|path| Self::of_segment(&Evidence::open(path, limits).ok()?)).next()
    }

    fn of_segment(evidence: &Evidence) -> Option<Self> {
        let stores = StoreKind::Segment.read(&[evidence], MemberContext::default(), &ReadOptions::default()).ok()?;
        let (member, cluster) = stores.first()?.profile().facts.log()?.member?;
        Some(Self { member, cluster })
    }
}

/// The IDs of a cluster's members, as a database and each raft snapshot beside it have them. They differ where members came or went,
/// and where a backup was restored: its database has the members of old.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Members(Vec<Vec<u64>>);

impl Members {
    /// Of the database of a directory, and its raft snapshots, as far as they can be read.
    pub(super) fn of(directory: &DataDirectory, limits: &Limits) -> Self {
        let of_kind = |kind| directory.own(kind).filter_map(move |file| Self::of_file(path_of(file), kind, limits));
        let mut sets: Vec<Vec<u64>> = of_kind(StoreKind::Database).chain(of_kind(StoreKind::RaftSnapshot)).collect();
        sets.iter_mut().for_each(|ids| ids.sort_unstable());
        Self(sets)
    }

    fn of_file(path: &Path, kind: StoreKind, limits: &Limits) -> Option<Vec<u64>> {
        let evidence = Evidence::open(path, limits).ok()?;
        let options = ReadOptions { residue: ResidueMode::Off, ..ReadOptions::default() };
        let stores = kind.read(&[&evidence], MemberContext::default(), &options).ok()?;
        let facts = &stores.first()?.profile().facts;
        match facts.raft_snapshot() {
            Some(snapshot) => Some(snapshot.members.clone()),
            None => {
                let members = &facts.database()?.schema.members;
                Some(members.iter().filter_map(|member| u64::from_str_radix(&member.id, 16).ok()).collect())
            }
        }
    }

    /// Whether the log's member is one of them.
    fn have(&self, log: LogIdentity) -> bool {
        self.0.iter().any(|ids| ids.contains(&log.member))
    }

    /// Whether they are also those that the log's cluster began with.
    pub(super) fn began(&self, log: LogIdentity) -> bool {
        self.0.iter().filter(|ids| ids.contains(&log.member)).any(|ids| cluster_of(ids) == log.cluster)
    }
}

/// The ID of a cluster that begins with these members.
fn cluster_of(members: &[u64]) -> u64 {
    let ids: Vec<u8> = members.iter().flat_map(|id| id.to_be_bytes()).collect();
    Sha1::digest(&ids).iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte))
}

/// Joins each directory that has a log and no database to the one that has its database and no log.
pub(super) fn join(members: &mut Vec<DataDirectory>, inputs: &[PathBuf], limits: &Limits) {
    let lacks = |member: &DataDirectory, kind| member.own(kind).next().is_none();
    let alone = |has: StoreKind, lacking: StoreKind| -> Vec<usize> {
        let fits = |member: &DataDirectory| !lacks(member, has) && lacks(member, lacking);
        members.iter().enumerate().filter(|(_, member)| fits(member)).map(|(index, _)| index).collect()
    };
    let (logs, databases) = (alone(StoreKind::Segment, StoreKind::Database), alone(StoreKind::Database, StoreKind::Segment));
    if logs.is_empty() || databases.is_empty() {
        return;
    }
    let paths = |index: usize, kind| members.get(index).into_iter().flat_map(move |member| member.own(kind)).map(path_of);
    let logs: Vec<(usize, LogIdentity)> =
        logs.into_iter().filter_map(|index| Some((index, LogIdentity::of(paths(index, StoreKind::Segment), limits)?))).collect();
    let of_database = |index: usize| Some((index, Members::of(members.get(index)?, limits)));
    let databases: Vec<(usize, Members)> = databases.into_iter().filter_map(of_database).collect();
    let mut pairs = Vec::new();
    for (log, identity) in &logs {
        let fitting: Vec<usize> = databases.iter().filter(|(_, ids)| ids.have(*identity)).map(|(index, _)| *index).collect();
        // Where two logs fit one database, or two databases one log, which of them is meant is not known.
        if let [database] = fitting.as_slice()
            && logs.iter().filter(|(_, other)| other.member == identity.member).count() == 1
        {
            pairs.push((*log, *database));
        }
    }
    for (log, database) in &pairs {
        let (Some(log), Some(database)) = (members.get(*log).cloned(), members.get_mut(*database)) else { continue };
        let given = inputs.get(log.input).filter(|given| log.input == database.input && database.path.starts_with(given));
        if let Some(given) = given {
            database.path.clone_from(given);
        }
        database.input = database.input.min(log.input);
        database.join(log);
    }
    let mut index = 0usize;
    members.retain(|_| {
        let is_joined = pairs.iter().any(|(log, _)| *log == index);
        index = index.saturating_add(1);
        !is_joined
    });
}

pub(super) fn path_of(file: &DataFile) -> &Path {
    &file.place.path
}
