//! Revisions: the keys of bucket `key`.
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
use crate::evidence::number::be_u64;
use nom::Parser;
use nom::bytes::complete::tag;
use nom::character::complete::char;
use nom::combinator::{eof, opt};

/// A point in the history of a cluster's keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision {
    /// Counts transactions that wrote.
    pub main: u64,
    /// Counts the writes within one.
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

/// A key of bucket `key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RevisionKey {
    /// The revision.
    pub revision: Revision,
    /// Whether it marks a deletion.
    pub is_tombstone: bool,
}

impl RevisionKey {
    /// Whether a writer can have come so far. etcd's numbers are signed; it takes 128 operations in one transaction unless it is told
    /// otherwise, and never more than 2 GiB of them.
    pub fn is_possible(self) -> bool {
        i64::try_from(self.revision.main).is_ok() && u32::try_from(self.revision.sub).is_ok()
    }

    /// Whether an element of any bucket is a write of bucket `key`, by its key and by its KeyValue, which say the same. No
    /// name in another bucket begins with a zero byte, as every revision below 2^56 does.
    pub fn of_write(key: &[u8], value: &[u8]) -> Option<Self> {
        let at = Self::parse(key).filter(|at| at.revision.main.leading_zeros() >= 8)?;
        let kv = KeyValue::parse(value).ok()?;
        (at.is_tombstone || u64::try_from(kv.mod_revision) == Ok(at.revision.main)).then_some(at)
    }

    /// The bbolt key of it.
    pub fn to_bytes(self) -> Vec<u8> {
        let Revision { main, sub } = self.revision;
        let mark: &[u8] = if self.is_tombstone { b"t" } else { b"" };
        [&main.to_be_bytes()[..], b"_", &sub.to_be_bytes(), mark].concat()
    }

    /// Reads a bbolt key; `None` where it is no revision.
    pub fn parse(key: &[u8]) -> Option<Self> {
        let read: nom::IResult<_, _> = (be_u64, tag(&b"_"[..]), be_u64, opt(char('t')), eof).parse(key);
        let (_, (main, _, sub, mark, _)) = read.ok()?;
        Some(Self { revision: Revision { main, sub }, is_tombstone: mark.is_some() })
    }
}
