//! What a write is that is brought back, and why it may not be the last that the cluster had.

/// What a recovered write is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// The newest of a key that exists.
    Current,
    /// The newest of its key that the tree shows, or would if it could be read; and why there may have been a newer write or a deletion,
    /// so that whether it is the last that the cluster had is not known.
    Newest(Doubt),
    /// The newest before its key was deleted.
    Deleted,
    /// The newest of a key that the tree does not have, or of whose newest write only a piece is there.
    Residue,
}

impl Standing {
    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Newest(_) => "newest",
            Self::Deleted => "deleted",
            Self::Residue => "residue",
        }
    }

    /// Why there may have been a newer write or a deletion.
    pub fn doubt(self) -> Option<Doubt> {
        if let Self::Newest(doubt) = self { Some(doubt) } else { None }
    }
}

/// Why the newest write of a key in the tree may not be the last that the cluster had. Of several the first counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Doubt {
    /// The log beside the database writes or deletes the key later, or may.
    NotApplied,
    /// A part of the tree is lost, in which a later revision stood.
    Lost,
    /// The file does not match its trailer: any page may be another.
    NotAsWritten,
    /// The database was compacted at a revision that its tree does not reach.
    CompactedAhead,
    /// Writes that are newer stand outside of the tree, as a commit leaves them that was not finished, or a page that is older than the
    /// database.
    NewerOutside,
}

impl Doubt {
    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotApplied => "not-applied",
            Self::Lost => "lost",
            Self::NotAsWritten => "not-as-written",
            Self::CompactedAhead => "compacted-ahead",
            Self::NewerOutside => "newer-outside",
        }
    }
}
