//! Rows: one a value or tombstone, borrowed from the evidence.

use crate::envelope::Name;
use crate::etcd::raft;
use crate::evidence::digest::Sha256Digest;
use crate::kubernetes::{Encoding, Secret, StorageKey};
use crate::mvcc::{self, Revision};

/// Where a value stands, by the state of the page of its first byte. Ordered as the records are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// In the active tree.
    Tree,
    /// In the tree of the commit before, which only the older meta of a raw database still names.
    OtherRoot,
    /// An element of a free page's image, whose header still stands.
    FreePage,
    /// On the headerless rest of a free run that was partly written over.
    OverflowTail,
    /// On a page past the high-water mark.
    BeyondHighWater,
    /// Behind the last element of a page in use.
    Slack,
    /// Behind the payload.
    Trailing,
    /// In a write-ahead log.
    Wal,
    /// In a raft snapshot.
    RaftSnapshot,
    /// In bytes that are no database.
    Image,
}

impl Place {
    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tree => "tree",
            Self::OtherRoot => "other-root",
            Self::FreePage => "free-page",
            Self::OverflowTail => "overflow-tail",
            Self::BeyondHighWater => "beyond-high-water",
            Self::Slack => "slack",
            Self::Trailing => "trailing",
            Self::Wal => "wal",
            Self::RaftSnapshot => "raft-snapshot",
            Self::Image => "image",
        }
    }
}

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Retention {
    /// The newest revision of a key that exists.
    Current,
    /// An older retained revision of a key that exists.
    Superseded,
    /// A retained revision of a key that was deleted.
    Deleted,
    /// Anywhere that etcd no longer shows.
    Residue,
    /// In a log.
    Log,
}

impl Retention {
    /// Every one, in the order of the records.
    pub const ALL: [Self; 5] = [Self::Current, Self::Superseded, Self::Deleted, Self::Residue, Self::Log];

    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Superseded => "superseded",
            Self::Deleted => "deleted",
            Self::Residue => "residue",
            Self::Log => "log",
        }
    }

    /// Whether etcd still shows it.
    pub fn is_retained(self) -> bool {
        matches!(self, Self::Current | Self::Superseded | Self::Deleted)
    }
}

impl From<mvcc::Retention> for Retention {
    fn from(retention: mvcc::Retention) -> Self {
        match retention {
            mvcc::Retention::Current => Self::Current,
            mvcc::Retention::Superseded => Self::Superseded,
            mvcc::Retention::Deleted => Self::Deleted,
        }
    }
}

/// How a value is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protection {
    /// Readable without any key.
    Plaintext,
    /// Under a provider's envelope.
    Encrypted,
    /// No bytes.
    Empty,
    /// Under an envelope this version does not know, or bytes of no known form.
    Unknown,
}

impl Protection {
    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Encrypted => "encrypted",
            Self::Empty => "empty",
            Self::Unknown => "unknown",
        }
    }
}

/// What the envelope of a value says.
#[derive(Clone, Copy, Debug)]
pub struct Seal<'data> {
    /// The provider's word, verbatim.
    pub provider: &'data [u8],
    /// The version's word, verbatim.
    pub version: &'data [u8],
    /// The key's or provider's name.
    pub name: Option<Name<'data>>,
    /// KMS v2: what the plugin calls the key.
    pub key_id: Option<&'data str>,
    /// KMS v2: the stored integer.
    pub dek_source_type: Option<i64>,
    /// KMS: digest of the wrapped DEK or seed.
    pub dek_source_sha256: Option<Sha256Digest>,
    /// KMS v2: digest of the annotations.
    pub annotations_sha256: Option<Sha256Digest>,
}

/// A value.
#[derive(Clone, Debug)]
pub struct ValueRow<'data> {
    /// Where it stands.
    pub place: Place,
    /// What became of it.
    pub retention: Retention,
    /// First byte in the content; `None` for an empty value.
    pub offset: Option<u64>,
    /// Its bytes.
    pub length: u64,
    /// Page of its first byte's run, in a database.
    pub pgid: Option<u64>,
    /// Its key; empty where it is not known, and for the bump marker, which has none.
    pub key: &'data [u8],
    /// The revision it was written at.
    pub mod_revision: Option<u64>,
    /// Its number among the writes of that revision.
    pub sub: Option<u64>,
    /// Revision of the key's creation.
    pub create_revision: Option<i64>,
    /// Writes since the creation.
    pub version: Option<i64>,
    /// Lease; 0: none.
    pub lease: Option<i64>,
    /// The object's place, where the key is an object's.
    pub storage_key: Option<StorageKey<'data>>,
    /// How it is stored.
    pub protection: Protection,
    /// Encoding of plaintext.
    pub encoding: Option<Encoding>,
    /// What its envelope says.
    pub seal: Option<Seal<'data>>,
    /// What may be shown of a Secret in plaintext.
    pub secret: Option<Secret<'data>>,
    /// Not the whole value.
    pub fragment: bool,
    /// The tree, or an earlier row, has the same key, revision and bytes.
    pub duplicate: bool,
    /// Written after the revision that the database is at.
    pub newer_than_snapshot: bool,
    /// Where it stands in a log.
    pub log: Option<LogPosition>,
}

/// A value's place in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogPosition {
    /// Raft index of its entry.
    pub index: u64,
    /// Raft term of its entry.
    pub term: u64,
    /// The branch of the transaction it stands in, if it stands in one.
    pub branch: Option<TxnBranch>,
    /// Whether the cluster agreed on it; `None`: not known.
    pub committed: Option<bool>,
    /// Whether the database beside the log has it; `None`: not known.
    pub applied: Option<bool>,
}

/// Which of a transaction's two lists of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TxnBranch {
    /// Carried out where the comparisons hold.
    Success,
    /// Carried out where they do not.
    Failure,
}

impl From<raft::Branch> for TxnBranch {
    fn from(branch: raft::Branch) -> Self {
        match branch {
            raft::Branch::Success => Self::Success,
            raft::Branch::Failure => Self::Failure,
        }
    }
}

impl TxnBranch {
    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

/// A deletion.
#[derive(Clone, Debug)]
pub struct TombstoneRow<'data> {
    /// Where it stands.
    pub place: Place,
    /// First byte of its KeyValue in the content.
    pub offset: Option<u64>,
    /// Its page, in a database.
    pub pgid: Option<u64>,
    /// The key that was deleted.
    pub key: &'data [u8],
    /// When.
    pub revision: Revision,
}

/// A row of the second pass.
#[derive(Clone, Debug)]
pub enum Row<'data> {
    /// A value.
    Value(Box<ValueRow<'data>>),
    /// A deletion.
    Tombstone(TombstoneRow<'data>),
}
