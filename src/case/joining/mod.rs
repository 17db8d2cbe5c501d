//! Which files belong together: told here alone, from what they are and say, whatever way they were given. As inputs, in a directory, in an
//! archive, packed, over standard input, they are parts of one member or none.
//!
//! ```text
//! finder: a directory that lacks its log or its database ─┐
//! a file by itself, or beside such a directory ───────────┼─> parts ─> pairs of a database and its log, the nearest first ─> members
//! what comes out of a packed one ─────────────────────────┘
//! ```
//! A log's first record names the member and the cluster that it is of, a database its members. A log is joined to the database that has its
//! member: first of what stands in one directory, then of what was given as one input, then of all. Where two logs fit one database, or two
//! databases one log, which of them is meant is not known, and what is read as one later is still held to what it says (`another_log.rs`).
//!
//! A link that leads out of what was given is followed only where more is right: the examiner's own log must never be taken for the
//! evidence's. etcd makes a member's ID of its URLs and the cluster's of those IDs when a cluster begins, so that two clusters of default names
//! have the same ones, and of a cluster that has changed its members since they tell nothing. So the log must also have the entry that the
//! database has applied last, of the same term, or the one that follows it; and of what its applied entries write the database must lack
//! nothing. Where the IDs are those that every cluster of one member has that was started without options, the database must have a write of
//! the log. Any other file behind a link proves itself (`proof.rs`).

mod heads;
mod proof;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use self::heads::{Heads, LogIdentity};
use super::directory::{DataDirectory, DataFile, Place};
use super::files::Files;
use super::kind::FileRole;
use crate::evidence::Evidence;
use crate::store::{StoreKind, members_of_snapshot};

pub(super) use self::proof::follow;

/// What may be a part of a member: its log without a database, or the reverse.
#[derive(Clone, Debug)]
pub(super) struct Part {
    directory: DataDirectory,
    says: Says,
}

/// Whose a part is.
#[derive(Clone, Debug)]
enum Says {
    /// A log's.
    Log(LogIdentity),
    /// One of these members.
    Database(BTreeSet<u64>),
    /// A raft snapshot of one of these members.
    Snapshot(BTreeSet<u64>),
}

/// How near to each other two parts stand, the nearest first.
#[derive(Clone, Copy, Debug)]
enum Near {
    Directory,
    Input,
    All,
}

/// What was joined of all parts.
#[derive(Debug, Default)]
pub(super) struct Joined {
    pub members: Vec<DataDirectory>,
    /// The files that are theirs.
    taken: BTreeSet<PathBuf>,
    /// Databases that were not joined, each with a log that may be theirs.
    perhaps: BTreeMap<PathBuf, PathBuf>,
}

impl Part {
    /// A directory, if it lacks one of both and says whose it is.
    pub(super) fn of(directory: &DataDirectory, files: &Files) -> Option<Self> {
        let says = match (directory.has(StoreKind::Database), directory.has(StoreKind::Segment)) {
            (false, true) => Says::Log(LogIdentity::of(&heads::open(directory, StoreKind::Segment, files))?),
            (true, false) => Says::Database(Heads::of(directory, files).members.into_iter().flatten().collect()),
            (true, true) | (false, false) => return None,
        };
        Some(Self { directory: directory.clone(), says })
    }

    /// A file, if it is a database, a segment or a raft snapshot.
    pub(super) fn of_file(input: usize, evidence: &Evidence) -> Option<Self> {
        let kind = StoreKind::of(evidence).ok().filter(|kind| *kind != StoreKind::Image)?;
        let place = Place { path: evidence.path().to_owned(), target: None };
        let file = DataFile { role: FileRole::Member(kind), place };
        let path = evidence.path().to_owned();
        let files = Files::of_archive(BTreeMap::from([(path.clone(), evidence.again())]));
        let directory = DataDirectory::of(input, path, vec![file]);
        if kind == StoreKind::RaftSnapshot {
            let says = Says::Snapshot(members_of_snapshot(evidence)?.into_iter().collect());
            return Some(Self { directory, says });
        }
        Self::of(&directory, &files)
    }

    /// The same part, which comes out of a file that is packed.
    pub(super) fn out_of(mut self, packed: &Path) -> Self {
        self.directory.packed.insert(packed.to_owned());
        self
    }

    /// The directory that it stands in.
    fn place(&self) -> &Path {
        let path = &self.directory.path;
        if self.directory.is_directory { path } else { path.parent().unwrap_or(path) }
    }

    pub(super) fn is_log(&self) -> bool {
        matches!(self.says, Says::Log(_))
    }

    /// Whose log it is, and its first file.
    fn log(&self) -> Option<(LogIdentity, PathBuf)> {
        let Says::Log(identity) = self.says else { return None };
        Some((identity, self.directory.own(StoreKind::Segment).next()?.place.path.clone()))
    }

    fn near(&self, near: Near) -> (Option<usize>, &Path) {
        match near {
            Near::Directory => (Some(self.directory.input), self.place()),
            Near::Input => (Some(self.directory.input), Path::new("")),
            Near::All => (None, Path::new("")),
        }
    }
}

/// What stands beside directories that lack their log or their database, or beside all of them, and may be it. `look` tells what a file is.
pub(super) fn beside(members: &[DataDirectory], mut look: impl FnMut(usize, &Path) -> Option<Part>) -> Vec<Part> {
    let mut parts = Vec::new();
    for member in members {
        let lacks = |part: &Part| part.directory.files.iter().all(|file| !member.has(file.role.kind()));
        for stray in &member.strays {
            let is_beside_all = !stray.path.starts_with(&member.path);
            if is_beside_all || member.lacks_a_part() {
                parts.extend(look(member.input, &stray.path).filter(|part| is_beside_all || lacks(part)));
            }
        }
    }
    parts
}

/// Joins each log to its database.
pub(super) fn join(mut parts: Vec<Part>, inputs: &[PathBuf]) -> Joined {
    let logs: Vec<(LogIdentity, PathBuf)> = parts.iter().filter_map(Part::log).collect();
    let mut joined = Joined::default();
    for near in [Near::Directory, Near::Input, Near::All] {
        let mut groups: BTreeMap<(Option<usize>, PathBuf), Vec<Part>> = BTreeMap::new();
        for part in parts.drain(..) {
            let (input, place) = part.near(near);
            groups.entry((input, place.to_owned())).or_default().push(part);
        }
        for group in groups.into_values() {
            parts.extend(joined.join_group(group, inputs));
        }
    }
    for part in &parts {
        let Says::Database(members) = &part.says else { continue };
        // A file by itself is not said to lack a log that another database has.
        let may_be = |(identity, log): &&(LogIdentity, PathBuf)| {
            members.contains(&identity.member) && (part.directory.is_directory || !joined.has(log))
        };
        let database = part.directory.own(StoreKind::Database).next().map(|file| file.place.path.clone());
        joined.perhaps.extend(database.zip(logs.iter().find(may_be).map(|(_, log)| log.clone())));
    }
    joined
}

impl Joined {
    /// Whether a file of this path was joined to something.
    pub(super) fn has(&self, path: &Path) -> bool {
        self.taken.contains(path)
    }

    /// The log that may be a database's, and was not joined to it: it fits another one too, or another log fits.
    pub(super) fn log_of(&self, database: &Path) -> Option<&Path> {
        self.perhaps.get(database).map(PathBuf::as_path)
    }

    /// The same of what was joined somewhere else.
    pub(super) fn add_unclear(&mut self, other: &Self) {
        self.perhaps.extend(other.perhaps.iter().map(|(database, log)| (database.clone(), log.clone())));
    }

    /// Leaves those of a directory's members that were not joined to anything, and of their files those.
    pub(super) fn leave(&self, members: &mut Vec<DataDirectory>) {
        members.retain(|member| !member.files.iter().any(|file| self.has(&file.place.path)));
        members.iter_mut().for_each(|member| member.strays.retain(|stray| !self.has(&stray.path)));
    }

    /// Joins what of parts that stand near each other is one member. What is left is given back.
    fn join_group(&mut self, parts: Vec<Part>, inputs: &[PathBuf]) -> Vec<Part> {
        let pairs = pairs(&parts);
        let snapshots = snapshots(&parts, &pairs);
        let mut left: Vec<Option<Part>> = parts.into_iter().map(Some).collect();
        for (pair, (logs, database)) in pairs.into_iter().enumerate() {
            let mut take = |index: usize| left.get_mut(index).and_then(Option::take);
            let Some(database) = take(database) else { continue };
            let beside = snapshots.iter().filter(|(_, of)| *of == pair).map(|(snapshot, _)| *snapshot);
            let others: Vec<DataDirectory> = logs.into_iter().chain(beside).filter_map(&mut take).map(|part| part.directory).collect();
            self.members.push(one_member(database.directory, others, inputs));
        }
        for member in &mut self.members {
            self.taken.extend(member.files.iter().map(|file| file.place.path.clone()));
            member.strays.retain(|stray| !member.files.iter().any(|file| file.place == *stray));
        }
        left.into_iter().flatten().collect()
    }
}

/// Of each database that one log fits, and that fits no other one: the parts of the log, and the database. The segments of a log may be files
/// each by itself.
fn pairs(parts: &[Part]) -> Vec<(Vec<usize>, usize)> {
    let mut logs: Vec<(LogIdentity, Vec<usize>)> = Vec::new();
    let mut databases: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (index, part) in parts.iter().enumerate() {
        match &part.says {
            Says::Snapshot(_) => {}
            Says::Database(members) => members.iter().for_each(|id| databases.entry(*id).or_default().push(index)),
            Says::Log(identity) => {
                let is_of_it = |(known, of): &&mut (LogIdentity, Vec<usize>)| {
                    known == identity && of.iter().all(|one| parts.get(*one).is_some_and(|one| !one.directory.is_directory))
                };
                match logs.iter_mut().find(is_of_it).filter(|_| !part.directory.is_directory) {
                    Some((_, log)) => log.push(index),
                    None => logs.push((*identity, vec![index])),
                }
            }
        }
    }
    let fits = |(identity, log): &(LogIdentity, Vec<usize>)| match databases.get(&identity.member).map(Vec::as_slice) {
        Some([database]) if logs.iter().filter(|(other, _)| other.member == identity.member).count() == 1 => Some((log.clone(), *database)),
        _ => None,
    };
    let pairs: Vec<(Vec<usize>, usize)> = logs.iter().filter_map(fits).collect();
    let is_of_one_log = |database: usize| pairs.iter().filter(|(_, other)| *other == database).count() == 1;
    pairs.iter().filter(|(_, database)| is_of_one_log(*database)).cloned().collect()
}

/// Of each raft snapshot that one pair's member may have written, and no other one's: it, and the pair.
fn snapshots(parts: &[Part], pairs: &[(Vec<usize>, usize)]) -> Vec<(usize, usize)> {
    let member_of = |(logs, _): &(Vec<usize>, usize)| parts.get(*logs.first()?)?.log().map(|(identity, _)| identity.member);
    let members: Vec<Option<u64>> = pairs.iter().map(member_of).collect();
    let mut found = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let Says::Snapshot(of) = &part.says else { continue };
        let mut fitting = members.iter().enumerate().filter(|(_, member)| member.is_some_and(|member| of.contains(&member)));
        if let (Some((pair, _)), None) = (fitting.next(), fitting.next()) {
            found.push((index, pair));
        }
    }
    found
}

/// A database, its log and its raft snapshots as one, told under the directory that has all of them.
fn one_member(mut database: DataDirectory, logs: Vec<DataDirectory>, inputs: &[PathBuf]) -> DataDirectory {
    let of: BTreeSet<usize> = logs.iter().chain([&database]).map(|part| part.input).collect();
    match of.len() {
        1 => {
            let paths = logs.iter().chain([&database]).map(|part| if part.is_directory { Some(&*part.path) } else { part.path.parent() });
            let common = paths.flatten().map(Path::to_path_buf).reduce(|one, other| common(&one, &other));
            database.path = common.unwrap_or(database.path);
        }
        _ => database.joined = of.iter().filter_map(|input| inputs.get(*input).cloned()).collect(),
    }
    database.input = of.into_iter().next().unwrap_or(database.input);
    database.is_directory = true;
    logs.into_iter().for_each(|log| database.join(log));
    database
}

/// The directory that holds both.
fn common(one: &Path, other: &Path) -> PathBuf {
    one.components().zip(other.components()).take_while(|(one, other)| one == other).map(|(one, _)| one).collect()
}
