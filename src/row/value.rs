//! Rows: one a value or deletion, borrowed from the evidence.

use std::fmt;

use super::in_clear;
use super::place::{Api, Escaped, Place, Retention};
use super::protection::{EnvelopeInfo, Form, Protection};
use crate::kubernetes::StorageKey;
use crate::mvcc::Revision;

/// A row: what is told of one value or deletion.
#[derive(Clone, Debug)]
pub enum Row<'data> {
    /// A value, or a piece of one.
    Value(Box<ValueRow<'data>>),
    /// A deletion.
    Tombstone(TombstoneRow<'data>),
}

/// A value, or a piece of one.
#[derive(Clone, Debug)]
pub struct ValueRow<'data> {
    /// Where it stands.
    pub place: Place,
    /// What became of it.
    pub retention: Retention,
    /// Its bytes.
    pub bytes: ValueBytes<'data>,
    /// First byte in the content; `None` for an empty value, which stands nowhere.
    pub offset: Option<u64>,
    /// Page of its first byte's run, in a database.
    pub pgid: Option<u64>,
    /// Its key; empty where it is not known, and for the bump marker, which has none.
    pub key: &'data [u8],
    /// What is known of its write.
    pub written: Written,
    /// The object's place, where the key is an object's.
    pub storage_key: Option<StorageKey<'data>>,
    /// How it is protected.
    pub protection: Protection<'data>,
    /// How much of the value it is.
    pub extent: Extent,
    /// The tree, or an earlier row, has the same key, revision and bytes.
    pub is_duplicate: bool,
    /// Written after the revision that the database is at.
    pub is_newer_than_snapshot: bool,
    /// Where it stands in a log.
    pub log: Option<LogPosition>,
    /// Whose key it is.
    pub api: Api,
    /// Where it stands in another writing; its bytes are then no slice of the content.
    pub escaped: Option<Escaped>,
}

/// Bytes of a value as they are stored. They are not printed, not even for debugging.
#[derive(Clone, Copy)]
pub struct ValueBytes<'data>(pub &'data [u8]);

/// What is known of the write that a value belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Its main revision.
    pub main: Option<u64>,
    /// Its number among the writes of that revision, from 0.
    pub sub: Option<u64>,
    /// How often its key was written.
    pub counts: Option<WriteCounts>,
    /// Its lease; 0: none.
    pub lease: Option<i64>,
}

/// How often a key was written, as its KeyValue says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteCounts {
    /// Revision of the key's creation.
    pub create_revision: i64,
    /// Writes since the creation, this one included.
    pub version: i64,
}

/// How much of a value there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// Its beginning: the end is lost, or not proven to be its own.
    Beginning,
    /// Bytes of it without their beginning.
    Piece,
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

/// Whether a write was carried out. A log does not say which branch of a transaction ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CarriedOut {
    /// It was, or nothing says otherwise: it stands in no log, in an entry that was applied, or in one of which that is not known.
    Yes,
    /// It stands in the failure branch of a transaction that was applied, and the database does not have it.
    PerhapsNever,
    /// A later leader put another entry in the place of its own.
    Never,
}

impl CarriedOut {
    /// What is said of a write that was not, or perhaps not.
    pub fn in_words(self) -> Option<&'static str> {
        match self {
            Self::Yes => None,
            Self::PerhapsNever => Some("perhaps never carried out: the failure branch of a transaction"),
            Self::Never => Some("never carried out: a later leader overrode its entry"),
        }
    }
}

/// Which of a transaction's two lists of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TxnBranch {
    /// Carried out where the comparisons hold.
    Success,
    /// Carried out where they do not.
    Failure,
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

impl<'data> Row<'data> {
    /// Its key in etcd; empty where it is not known.
    pub fn key(&self) -> &'data [u8] {
        match self {
            Self::Value(value) => value.key,
            Self::Tombstone(tombstone) => tombstone.key,
        }
    }
}

impl<'data> ValueRow<'data> {
    /// Bytes of it that there are, as they stand in the content.
    pub fn length(&self) -> u64 {
        self.escaped.map_or(self.bytes.0.len() as u64, |escaped| escaped.length)
    }

    /// The object's bytes, where it is readable without a key.
    pub fn plaintext(&self) -> Option<&'data [u8]> {
        (self.form() == Form::Plaintext).then(|| in_clear::object_of(self.bytes.0))
    }

    /// How it is protected, alone.
    pub fn form(&self) -> Form {
        self.protection.form()
    }

    /// What its envelope says.
    pub fn envelope(&self) -> Option<&EnvelopeInfo<'data>> {
        self.protection.envelope()
    }

    /// Whether it is not the whole value.
    pub fn is_fragment(&self) -> bool {
        self.extent != Extent::Whole
    }

    /// Whether it counts as a value of its own where values are counted: a copy needs no key that its original does not need, nor
    /// does a piece of which not even the write is known.
    pub fn is_counted(&self) -> bool {
        !self.is_duplicate && (self.extent == Extent::Whole || self.written.counts.is_some())
    }

    /// Whether it is in an entry of a log that no database is known to have.
    pub fn is_ahead(&self) -> bool {
        self.api == Api::V3 && self.log.is_some_and(|log| log.applied.is_none())
    }

    /// Whether its write was carried out, as far as its log tells.
    pub fn carried_out(&self) -> CarriedOut {
        let Some(log) = self.log else { return CarriedOut::Yes };
        match log {
            // The database has it.
            _ if self.written.main.is_some() => CarriedOut::Yes,
            LogPosition { committed: Some(false), .. } => CarriedOut::Never,
            LogPosition { applied: Some(true), branch: Some(TxnBranch::Failure), .. } => CarriedOut::PerhapsNever,
            _ => CarriedOut::Yes,
        }
    }

    /// Whether it may be what its key has now, and that is not known: no database tells it of what the v2 API wrote.
    pub fn may_be_current(&self) -> bool {
        self.retention == Retention::Newest || self.is_ahead() || self.api == Api::V2
    }

    /// Whether it is a core Secret's.
    pub fn is_secret(&self) -> bool {
        self.storage_key.as_ref().is_some_and(|key| key.group_resource.is_secrets())
    }

    /// The object's own UID, where it can be read.
    pub fn uid(&self) -> Option<&str> {
        self.protection.secret().map(|secret| secret.object.uid.as_ref()).filter(|uid| !uid.is_empty())
    }
}

impl fmt::Debug for ValueBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
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
