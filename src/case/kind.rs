//! What a file is to the member that it is of.

use crate::store::StoreKind;

/// What a file is to the member that it is of. Ordered as they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FileRole {
    /// What the member works with, or a file given by itself.
    Member(StoreKind),
    /// What a crash, a repair or a transfer left behind, by its name and place.
    Leftover(StoreKind),
    /// Anything else that stands in the directory: of what it is only its bytes tell.
    Stray(StoreKind),
}

impl FileRole {
    /// What the file is read as.
    pub(super) fn kind(self) -> StoreKind {
        match self {
            Self::Member(kind) | Self::Leftover(kind) | Self::Stray(kind) => kind,
        }
    }
}
