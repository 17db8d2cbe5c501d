//! Whose log is it? A log's first record names the member and the cluster that it is of, a database its members.
//!
//! What was given in two places is joined where the log's member is one of the database's. A link that leads out of what was given
//! is followed only where more is right: the examiner's own log must never be taken for the evidence's. etcd makes a member's ID of its
//! URLs and the cluster's of those IDs when a cluster begins, so that two clusters of default names have the same ones, and of a cluster
//! that has changed its members since they tell nothing. So the log must also have the entry that the database has applied last, of the
//! same term, or the one that follows it; and of what its applied entries write the database must lack nothing. Where the IDs are those that
//! every cluster of one member has that was started without options, the database must have a write of the log.
//!
//! Of a file only the head is read for its IDs.
//!
//! Source: etcd `server/etcdserver/api/membership/cluster.go`, `genID`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sha1::{Digest, Sha1};

use super::another_log;
use super::directory::{DataDirectory, DataFile, Place};
use super::files::Files;
use super::kind::FileRole;
use crate::evidence::Evidence;
use crate::store::{
    Agreement, DatabaseStore, ReadOptions, ResidueMode, Store, StoreKind, ids_of_log, log_has_entry, members_of_snapshot, schema_of,
};

/// The IDs that a log begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LogIdentity {
    member: u64,
    cluster: u64,
}

impl LogIdentity {
    /// Of a cluster of one member that was started without any option: everybody who tries etcd has made one.
    const OF_DEFAULTS: Self = Self { member: 0x8e9e_05c5_2164_694d, cluster: 0xcdf8_1819_4e3a_8c32 };

    /// Of the first segment that says it.
    fn of<'a>(segments: impl IntoIterator<Item = &'a Evidence>) -> Option<Self> {
        let (member, cluster) = segments.into_iter().find_map(ids_of_log)?;
        Some(Self { member, cluster })
    }
}

/// What a database, and each raft snapshot beside it, say of a member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Heads {
    /// The IDs of the cluster's members. They differ where members came or went, and where a backup was restored: its database has the
    /// members of old.
    members: Vec<Vec<u64>>,
    /// Index and term of the entry that the database has applied last.
    applied: Option<(u64, Option<u64>)>,
}

impl Heads {
    /// As far as they can be read.
    fn of(directory: &DataDirectory, files: &Files) -> Self {
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

/// Each directory that has a log and no database, with the one that has its database and no log. Where two logs fit one database, or
/// two databases one log, which of them is meant is not known.
fn pairs(members: &[DataDirectory], files: &Files) -> BTreeMap<usize, usize> {
    let alone = |has: StoreKind, lacking: StoreKind| -> Vec<(usize, &DataDirectory)> {
        members.iter().enumerate().filter(|(_, member)| member.has(has) && !member.has(lacking)).collect()
    };
    let (logs, databases) = (alone(StoreKind::Segment, StoreKind::Database), alone(StoreKind::Database, StoreKind::Segment));
    if logs.is_empty() || databases.is_empty() {
        return BTreeMap::new();
    }
    let (mut logs_of, mut databases_of) = (BTreeMap::<u64, Vec<usize>>::new(), BTreeMap::<u64, Vec<usize>>::new());
    for (index, directory) in logs {
        if let Some(log) = LogIdentity::of(&open(directory, StoreKind::Segment, files)) {
            logs_of.entry(log.member).or_default().push(index);
        }
    }
    for (index, directory) in databases {
        for id in Heads::of(directory, files).members.into_iter().flatten().collect::<BTreeSet<u64>>() {
            databases_of.entry(id).or_default().push(index);
        }
    }
    let pair = |(id, logs): (&u64, &Vec<usize>)| match (logs.as_slice(), databases_of.get(id).map(Vec::as_slice)) {
        ([log], Some([database])) => Some((*log, *database)),
        _ => None,
    };
    let mut pairs: BTreeMap<usize, usize> = logs_of.iter().filter_map(pair).collect();
    let mut logs_of_database: BTreeMap<usize, usize> = BTreeMap::new();
    for database in pairs.values() {
        let count = logs_of_database.entry(*database).or_default();
        *count = count.saturating_add(1);
    }
    pairs.retain(|_, database| logs_of_database.get(database) == Some(&1));
    pairs
}

/// The member's own files of a kind that can be opened.
fn open(directory: &DataDirectory, kind: StoreKind, files: &Files) -> Vec<Evidence> {
    directory.own(kind).filter_map(|file| files.look(path_of(file))).collect()
}

/// The ID of a cluster that begins with these members.
fn cluster_of(members: &[u64]) -> u64 {
    let ids: Vec<u8> = members.iter().flat_map(|id| id.to_be_bytes()).collect();
    Sha1::digest(&ids).iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte))
}

/// Files that were given by themselves, beside others, and may be parts of a member: databases, and the segments of each log. One that
/// is packed is not unpacked for it. Where there is no log without a database, there is nothing to join, and none of them is.
pub(super) fn files_alone(inputs: &[PathBuf], members: &[DataDirectory], files: &Files) -> Vec<DataDirectory> {
    let mut logs: Vec<(LogIdentity, DataDirectory)> = Vec::new();
    let mut databases = Vec::new();
    let is_alone = |(_, path): &(usize, &PathBuf)| inputs.len() > 1 && path.is_file() && !Evidence::is_packed(path);
    for (input, path) in inputs.iter().enumerate().filter(is_alone) {
        let Some(evidence) = files.look(path) else { continue };
        let Ok(kind) = StoreKind::of(&evidence) else { continue };
        let file = DataFile { role: FileRole::Member(kind), place: Place { path: path.clone(), target: None } };
        match kind {
            StoreKind::Database => databases.push(DataDirectory::of(input, path.clone(), vec![file])),
            StoreKind::Segment => {
                let Some(identity) = LogIdentity::of([&evidence]) else { continue };
                match logs.iter_mut().find(|(known, _)| *known == identity) {
                    Some((_, log)) => log.files.push(file),
                    None => logs.push((identity, DataDirectory::of(input, path.clone(), vec![file]))),
                }
            }
            _ => {}
        }
    }
    let is_log = |member: &DataDirectory| member.has(StoreKind::Segment) && !member.has(StoreKind::Database);
    if logs.is_empty() && !members.iter().any(is_log) {
        return Vec::new();
    }
    databases.into_iter().chain(logs.into_iter().map(|(_, log)| log)).collect()
}

/// Joins each directory that has a log and no database to the one that has its database and no log, or to the file beside it that is its
/// database.
pub(super) fn join(members: &mut Vec<DataDirectory>, inputs: &[PathBuf], files: &Files) {
    let beside = databases_beside_logs(members, files);
    let first_beside = members.len();
    members.extend(beside);
    let pairs = pairs(members, files);
    for (log, database) in &pairs {
        let (Some(mut log), Some(database), is_beside) =
            (members.get(*log).cloned(), members.get_mut(*database), *database >= first_beside)
        else {
            continue;
        };
        log.strays.retain(|stray| !database.files.iter().any(|file| file.place == *stray));
        let given = inputs.get(log.input).filter(|given| log.input == database.input && database.path.starts_with(given));
        if is_beside {
            (database.path, database.is_directory) = (log.path.clone(), log.is_directory);
        } else if let Some(given) = given {
            database.path.clone_from(given);
        }
        // A place within an archive is none that can be given.
        if !is_beside || files.is_archive() {
            let of: BTreeSet<usize> = [database.input, log.input].into();
            database.joined = of.into_iter().filter_map(|input| inputs.get(input).cloned()).collect();
        }
        database.input = database.input.min(log.input);
        database.join(log);
    }
    let is_joined: BTreeSet<usize> = pairs.values().copied().collect();
    let mut index = 0usize;
    members.retain(|_| {
        let is_kept = !pairs.contains_key(&index) && (index < first_beside || is_joined.contains(&index));
        index = index.saturating_add(1);
        is_kept
    });
}

/// Databases among the files that stand beside a log without one.
fn databases_beside_logs(members: &[DataDirectory], files: &Files) -> Vec<DataDirectory> {
    let logs = members.iter().filter(|member| member.has(StoreKind::Segment) && !member.has(StoreKind::Database));
    let database = |(log, place): (&DataDirectory, &Place)| {
        let evidence = files.look(&place.path).filter(|_| !Evidence::is_packed(&place.path))?;
        let file = DataFile { role: FileRole::Member(StoreKind::of(&evidence).ok()?), place: place.clone() };
        (file.role == FileRole::Member(StoreKind::Database)).then(|| DataDirectory::of(log.input, place.path.clone(), vec![file]))
    };
    logs.flat_map(|log| log.strays.iter().map(move |place| (log, place))).filter_map(database).collect()
}

fn path_of(file: &DataFile) -> &Path {
    &file.place.path
}
