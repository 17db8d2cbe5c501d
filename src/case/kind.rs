//! What a file is, told once: by its bytes where it was given by itself, by its name and place in a data directory.

use super::InputError;
use crate::evidence::Evidence;
use crate::store::{self, OpenedDatabase};

/// What a file is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FileKind {
    /// A snapshot or a database.
    Database,
    /// A raft snapshot.
    RaftSnapshot,
    /// A segment of a write-ahead log.
    Segment,
    /// Any bytes, searched by what stands in them.
    Image,
}

/// What a file is to the member that it is of. Ordered as they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FileRole {
    /// What the member works with, or a file given by itself.
    Member(FileKind),
    /// What a crash, a repair or a transfer left behind.
    Leftover(FileKind),
}

impl FileKind {
    /// What a file is by its bytes.
    ///
    /// # Errors
    /// Its bytes are of no form that is read; the error says what they look like.
    pub(super) fn of(evidence: &Evidence) -> Result<Self, InputError> {
        match OpenedDatabase::open(evidence) {
            Ok(_) => Ok(Self::Database),
            Err(_) if store::is_raft_snapshot(evidence) => Ok(Self::RaftSnapshot),
            Err(_) if store::is_segment(evidence) => Ok(Self::Segment),
            Err(reason) => Err(InputError::not_recognised(evidence, reason)),
        }
    }
}

impl FileRole {
    /// What the file is read as.
    pub(super) fn kind(self) -> FileKind {
        match self {
            Self::Member(kind) | Self::Leftover(kind) => kind,
        }
    }
}
