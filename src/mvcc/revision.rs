//! Revisions, and the keys under which etcd stores them.
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 8 | main revision, big-endian |
//! | 8 | 1 | `_` |
//! | 9 | 8 | sub revision within the transaction, big-endian |
//! | 17 | 1 | `t`, only of a tombstone |
//!
//! Source: etcd `server/storage/mvcc/revision.go`.

use std::fmt;

use super::KeyValue;

/// A point in the history of a cluster's keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision {
    /// The number of the transaction, counted among those that wrote.
    pub main: u64,
    /// The number of the write within the transaction.
    pub sub: u64,
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sub {
            0 => write!(f, "{}", self.main),
            sub => write!(f, "{}.{sub}", self.main),
        }
    }
}

/// The key of a write in bucket `key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RevisionKey {
    /// The revision of the write.
    pub revision: Revision,
    /// Whether the write is a deletion.
    pub is_tombstone: bool,
}

impl RevisionKey {
    /// Whether etcd can have written at this revision. Its revisions are signed numbers. A transaction has at most 128 operations
    /// unless etcd was told otherwise, and never more than fit into 2 GiB.
    pub(crate) fn is_possible(self) -> bool {
        i64::try_from(self.revision.main).is_ok() && u32::try_from(self.revision.sub).is_ok()
    }

    /// The revision key of an element that is a write, in whichever bucket it stands: its key is a revision, and its value is a
    /// KeyValue of that revision. The keys of other buckets do not begin with a zero byte, as every revision below 2^56 does.
    pub(crate) fn of_write(key: &[u8], value: &[u8]) -> Option<Self> {
        let at = Self::parse(key).filter(|at| at.revision.main.leading_zeros() >= 8)?;
        let kv = KeyValue::parse(value).ok()?;
        (at.is_tombstone || u64::try_from(kv.mod_revision) == Ok(at.revision.main)).then_some(at)
    }

    /// The bytes of the key.
    pub fn to_bytes(self) -> Vec<u8> {
        let Revision { main, sub } = self.revision;
        let mark: &[u8] = if self.is_tombstone { b"t" } else { b"" };
        [&main.to_be_bytes()[..], b"_", &sub.to_be_bytes(), mark].concat()
    }

    /// Reads the bytes of a key; `None` where they are no revision.
    pub fn parse(key: &[u8]) -> Option<Self> {
        let (main, rest) = key.split_first_chunk()?;
        let (sub, mark) = rest.strip_prefix(b"_")?.split_first_chunk()?;
        let is_tombstone = match mark {
            [] => false,
            [b't'] => true,
            _ => return None,
        };
        Some(Self { revision: Revision { main: u64::from_be_bytes(*main), sub: u64::from_be_bytes(*sub) }, is_tombstone })
    }
}
