//! What is known of an evidence after the first pass.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Account, ImageFacts, KeyTree, PassedOver, ResidueMode};
use crate::bbolt::PageCounts;
use crate::etcd::Schema;
use crate::etcd::raft::RequestKind;
use crate::etcd::trailer::{self, Trailer};
use crate::evidence::digest::Sha256Digest;
use crate::evidence::{Container, Evidence};
use crate::kubernetes::ClusterIds;

/// What the bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// What the snapshot API sends: with its trailer, or cut short of it.
    Snapshot,
    /// A whole database without a trailer: a data directory's own, or a snapshot that lost its trailer.
    Database,
    /// A segment of a write-ahead log.
    Wal,
    /// A raft snapshot.
    RaftSnapshot,
    /// Any bytes.
    Image,
}

impl Kind {
    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Database => "database",
            Self::Wal => "wal",
            Self::RaftSnapshot => "raft-snapshot",
            Self::Image => "image",
        }
    }

    /// What a file of this kind is called.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Database => "database of a data directory",
            Self::Wal => "write-ahead log",
            Self::RaftSnapshot => "raft snapshot",
            Self::Image => "read as bytes of no known form",
        }
    }

    /// Where whoever read such files has looked; a database has several places of its own.
    pub fn place_looked_at(self) -> Option<&'static str> {
        match self {
            Self::Snapshot | Self::Database => None,
            Self::Wal => Some("write-ahead log"),
            Self::RaftSnapshot => Some("raft snapshots"),
            Self::Image => Some("bytes of no known form"),
        }
    }
}

/// How the evidence came to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Given by itself.
    File,
    /// What the member of a data directory works with.
    Member,
    /// What a crash, a repair or a transfer left behind in a data directory.
    Leftover,
}

impl Role {
    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Member => "member",
            Self::Leftover => "leftover",
        }
    }
}

/// What is known of an evidence after the first pass.
#[derive(Clone, Debug)]
pub struct Facts {
    /// As it was given.
    pub path: PathBuf,
    /// Where a link in that path leads, if there is one.
    pub link_target: Option<PathBuf>,
    /// What the bytes are.
    pub kind: Kind,
    /// How it came to be looked at.
    pub role: Role,
    /// What it was packed in, outermost first.
    pub containers: Vec<Container>,
    /// Bytes of the file as given.
    pub size: u64,
    /// Whether reading it left its access time as it was; `None`: not known.
    pub keeps_access_time: Option<bool>,
    /// Its digest, unless switched off.
    pub sha256: Option<Sha256Digest>,
    /// Bytes of the content, when it was contained.
    pub content_size: Option<u64>,
    /// Its digest.
    pub content_sha256: Option<Sha256Digest>,
    /// The newest time in any object that can be read, in seconds since 1970: the file was not written before.
    pub newest_object_time: Option<i64>,
    /// Prefixes of the API server's keys.
    pub prefixes: Vec<String>,
    /// What only this kind of evidence has.
    pub content: Content,
    /// What begins in it outside of what is read of this kind of evidence, such as behind the pages of a database.
    pub outside: Vec<PassedOver>,
    /// Whether everything in it was read and understood.
    pub is_complete: bool,
}

/// What only one kind of evidence has.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Content {
    /// A snapshot or a database.
    Database(Box<DatabaseFacts>),
    /// A segment of a log.
    Log(Box<LogFacts>),
    /// A raft snapshot.
    RaftSnapshot(RaftSnapshotFacts),
    /// Any bytes.
    Image(Box<ImageFacts>),
}

/// What is known of a database.
#[derive(Clone, Debug)]
pub struct DatabaseFacts {
    /// What the trailer says; `None` where there is one and hashing is switched off.
    pub trailer: Option<Trailer>,
    /// Bytes behind a trailer that matches.
    pub behind_trailer: u64,
    /// Bytes in a page.
    pub page_size: u64,
    /// First page never allocated.
    pub high_water_mark: Option<u64>,
    /// Transaction of the active meta.
    pub txid: Option<u64>,
    /// 0 or 1; `None` where neither is valid, and the file was read as a set of pages.
    pub active_meta: Option<usize>,
    /// Why that one is active.
    pub active_because: String,
    /// Whether one meta is a copy of the other, as the snapshot API and `etcdutl` leave them.
    pub has_twin_metas: bool,
    /// How much there is of what says which keys exist.
    pub key_tree: KeyTree,
    /// Entries of the log beside it, which it has not applied, are missing or cannot be read: any key may be written or deleted in them.
    pub lacks_entries: bool,
    /// The log beside it writes or deletes keys in entries that it has not applied, or lacks such entries: what those keys are now is not
    /// known.
    pub is_behind_log: bool,
    /// Newest revision.
    pub revision: Option<u64>,
    /// Revisions retained, tombstones included.
    pub revisions: u64,
    /// Tombstones retained.
    pub tombstones: u64,
    /// Keys that exist.
    pub keys_current: u64,
    /// The same as `etcdutl snapshot status` of 3.6 and later counts them.
    pub keys_as_etcdutl_counts: u64,
    /// What etcd's small buckets say.
    pub schema: Schema,
    /// What the cluster calls itself and its nodes.
    pub cluster: ClusterNames,
    /// Which clusters' objects it holds.
    pub clusters: ClusterIds,
    /// Pages by state; together the content.
    pub pages: PageCounts,
    /// Those of the free ones that may be of a part of the tree that is lost.
    pub tree_lost: u64,
    /// Bytes of the database behind its last whole page.
    pub surplus: u64,
    /// How far residue was looked for.
    pub residue_mode: ResidueMode,
    /// What the bytes outside the tree are.
    pub residue: Account,
}

/// Names that a cluster gives itself and its nodes, where they can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterNames {
    /// Its name by `kubeadm`.
    pub cluster_name: Option<String>,
    /// Where its API servers are reached, by `kubeadm`.
    pub endpoint: Option<String>,
    /// How many nodes exist.
    pub nodes: u64,
    /// The first of them by name, [`ClusterNames::LISTED`] at most.
    pub node_names: Vec<String>,
}

impl ClusterNames {
    /// Nodes that are named before the rest is only counted.
    pub const LISTED: usize = 100;
}

/// What is known of a segment of a log.
#[derive(Clone, Debug, Default)]
pub struct LogFacts {
    /// Records, of any type.
    pub records: u64,
    /// Raft entries among them.
    pub entries: u64,
    /// The lowest index of an entry, and that of the last one: a later leader may have gone back.
    pub indices: Option<(u64, u64)>,
    /// The highest term of an entry or hard state.
    pub term: Option<u64>,
    /// What the last hard state calls committed.
    pub commit: Option<u64>,
    /// The member's and the cluster's ID.
    pub member: Option<(u64, u64)>,
    /// Requests by what they ask for.
    pub requests: BTreeMap<RequestKind, u64>,
    /// Writes that the entries propose.
    pub puts: u64,
    /// Deletions that they propose.
    pub deletions: u64,
    /// Changes of membership.
    pub conf_changes: u64,
    /// Entries that a later leader overrode.
    pub overridden: u64,
    /// Users of etcd whose credentials stand in it.
    pub credentials: BTreeMap<String, CredentialCounts>,
    /// Entries that the database beside it has not applied, but for those that a later leader overrode; `None`: not known.
    pub ahead: Option<u64>,
    /// The first and the last of these that write or delete a key, or may.
    pub ahead_writes: Option<(u64, u64)>,
    /// Where no write of the whole log stands in the database beside it: keys that it should have by what it has applied, and does not,
    /// where they are several.
    pub strange_keys: Option<u64>,
    /// Where the last record ends, in bytes from the start of the segment.
    pub end: u64,
    /// All of its bytes are zero.
    pub is_zero: bool,
    /// It bears no segment's name yet, and nothing was written to it.
    pub is_preallocated: bool,
}

/// What stands in a log of a user of etcd. None of it is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CredentialCounts {
    /// Passwords in clear.
    pub passwords: u64,
    /// Tokens that log in as the user while they are valid.
    pub tokens: u64,
    /// Hashes of passwords.
    pub hashes: u64,
}

impl CredentialCounts {
    /// Adds those of another part.
    pub fn add(&mut self, other: Self) {
        self.passwords = self.passwords.saturating_add(other.passwords);
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.hashes = self.hashes.saturating_add(other.hashes);
    }
}

/// What is known of a raft snapshot.
#[derive(Clone, Debug, Default)]
pub struct RaftSnapshotFacts {
    /// The last entry it stands for.
    pub index: Option<u64>,
    /// That entry's term.
    pub term: Option<u64>,
    /// Whether its CRC matches; `None` where it cannot be read.
    pub crc_matches: Option<bool>,
    /// IDs of the cluster's members at that entry.
    pub members: Vec<u64>,
    /// Values of the v2 API's keys; `None` where they cannot be read.
    pub v2_values: Option<u64>,
    /// Those of them that are not encrypted.
    pub v2_in_clear: u64,
}

impl Facts {
    /// Those that any evidence has; digests are added when they are known.
    pub(super) fn of(evidence: &Evidence, kind: Kind, content: Content) -> Self {
        Self {
            path: evidence.path().to_owned(),
            link_target: None,
            kind,
            role: Role::File,
            containers: evidence.containers().to_vec(),
            size: evidence.file().len() as u64,
            keeps_access_time: evidence.keeps_access_time(),
            sha256: None,
            content_size: (!evidence.is_whole_file()).then(|| evidence.content().len() as u64),
            content_sha256: None,
            newest_object_time: None,
            prefixes: Vec::new(),
            outside: Vec::new(),
            content,
            is_complete: false,
        }
    }

    /// Those of a database.
    pub fn database(&self) -> Option<&DatabaseFacts> {
        match &self.content {
            Content::Database(facts) => Some(facts),
            _ => None,
        }
    }

    /// Whether a tree says what etcd shows, at least in part; only a database has one.
    pub fn has_tree(&self) -> bool {
        self.database().is_some_and(|database| database.key_tree != KeyTree::Lost)
    }

    /// Whether a database's trailer says that its bytes are not those that were sent.
    pub fn is_changed(&self) -> bool {
        self.database().is_some_and(|database| database.trailer == Some(Trailer::Mismatch))
    }

    /// How far residue was looked for in a database.
    pub fn residue_mode(&self) -> Option<ResidueMode> {
        self.database().map(|database| database.residue_mode)
    }

    /// Those of a log.
    pub fn log(&self) -> Option<&LogFacts> {
        match &self.content {
            Content::Log(facts) => Some(facts),
            _ => None,
        }
    }

    /// Those of an image.
    pub fn image(&self) -> Option<&ImageFacts> {
        match &self.content {
            Content::Image(facts) => Some(facts),
            _ => None,
        }
    }

    /// Those of a raft snapshot.
    pub fn raft_snapshot(&self) -> Option<&RaftSnapshotFacts> {
        match &self.content {
            Content::RaftSnapshot(facts) => Some(facts),
            _ => None,
        }
    }

    /// The entry up to which a raft snapshot that matches its CRC holds everything.
    pub(crate) fn sound_snapshot_index(&self) -> Option<u64> {
        self.raft_snapshot().filter(|snapshot| snapshot.crc_matches == Some(true)).and_then(|snapshot| snapshot.index)
    }
}

/// Bytes of an evidence's content by what they are. Together they are the content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByteAccount {
    /// Pages in use: the metas, the tree, the freelist.
    pub in_use: u64,
    /// Everything outside of them that was searched.
    pub outside: Account,
    /// What was not searched, by option.
    pub not_searched: u64,
    /// The snapshot's trailer.
    pub trailer: u64,
}

impl Facts {
    /// Whether bytes of a database were not searched, as was asked.
    pub fn leaves_residue_out(&self) -> bool {
        self.bytes().is_some_and(|bytes| bytes.not_searched > 0)
    }

    /// What the bytes of a database's content are.
    pub fn bytes(&self) -> Option<ByteAccount> {
        let database = self.database()?;
        let content = self.content_size.unwrap_or(self.size);
        let pages = &database.pages;
        let whole = pages.total().saturating_mul(database.page_size);
        // What has the place of a trailer is none where it stands behind one.
        let last = content.saturating_sub(whole).saturating_sub(database.surplus);
        let (trailer, behind) = if database.behind_trailer > 0 { (trailer::LEN as u64, last) } else { (last, 0) };
        let outside_pages = [pages.free, pages.other_root, pages.beyond_high_water].into_iter().fold(0, u64::saturating_add);
        let outside_tree = outside_pages.saturating_mul(database.page_size).saturating_add(database.surplus);
        let mut outside = database.residue;
        let not_searched = match database.residue_mode {
            ResidueMode::Full => {
                outside.unattributed = outside.unattributed.saturating_add(behind);
                0
            }
            _ => outside_tree.saturating_add(last).saturating_sub(trailer).saturating_sub(outside.total()),
        };
        let in_use = content.saturating_sub(trailer).saturating_sub(outside.total()).saturating_sub(not_searched);
        Some(ByteAccount { in_use, outside, not_searched, trailer })
    }
}
