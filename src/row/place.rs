//! Where a value stands, and what became of it.

use crate::mvcc;

/// Where a value stands, by the state of the page of its first byte. Ordered as the records are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
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
    /// Behind the last whole page, and before the trailer.
    Trailing,
    /// In a write-ahead log.
    Wal,
    /// In a raft snapshot: a value of the v2 API.
    RaftSnapshot,
    /// In bytes that are no database.
    Image,
}

impl Place {
    /// Whether what is odd about a value there speaks against the evidence: elsewhere etcd does not read it, and any bytes may stand.
    pub fn is_read_by_etcd(self) -> bool {
        matches!(self, Self::Tree | Self::Wal | Self::RaftSnapshot)
    }

    /// Whether it is behind the pages that the database ever used: whoever put bytes there, the database did not write and delete them.
    pub fn is_behind_pages(self) -> bool {
        matches!(self, Self::BeyondHighWater | Self::Trailing)
    }

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

/// Which of etcd's two stores a key is of: nothing that one of them holds can be seen through the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Api {
    /// The tree of files that etcd up to 3.5 could serve. It has no revisions.
    V2,
    /// The keys of the database.
    #[default]
    V3,
}

impl Api {
    /// The number in the records.
    pub fn number(self) -> u64 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }
}

/// Where a value stands in a writing of its own, such as JSON's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Escaped {
    /// First byte in the content.
    pub offset: u64,
    /// Bytes that it takes there.
    pub length: u64,
}

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Retention {
    /// The newest revision of a key that exists.
    Current,
    /// The newest revision that the database has of a key which later entries of its log write or delete, or may: what the key has
    /// now is not known.
    Newest,
    /// An older retained revision of a key that exists.
    Superseded,
    /// A retained revision of a key that was deleted.
    Deleted,
    /// Anywhere that etcd no longer shows.
    Residue,
    /// In a write-ahead log or a raft snapshot.
    Log,
}

impl Retention {
    /// Every one, in the order of the records.
    pub const ALL: [Self; 6] = [Self::Current, Self::Newest, Self::Superseded, Self::Deleted, Self::Residue, Self::Log];

    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Newest => "newest",
            Self::Superseded => "superseded",
            Self::Deleted => "deleted",
            Self::Residue => "residue",
            Self::Log => "log",
        }
    }

    /// Whether etcd still shows it.
    pub fn is_retained(self) -> bool {
        matches!(self, Self::Current | Self::Newest | Self::Superseded | Self::Deleted)
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
