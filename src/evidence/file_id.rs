//! Which file something is, whatever names lead to it.

use std::fs::{self, Metadata};
use std::path::Path;

/// A file or a directory of a file system: device and inode. Where it has neither, nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// Of what a path leads to, behind links.
    pub fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().as_ref().and_then(Self::of_metadata)
    }

    /// Of an open file, or of one that was looked at.
    #[cfg(unix)]
    pub fn of_metadata(found: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;

        Some(Self { device: found.dev(), inode: found.ino() })
    }

    /// Of an open file, or of one that was looked at.
    #[cfg(not(unix))]
    pub fn of_metadata(_: &Metadata) -> Option<Self> {
        None
    }
}
