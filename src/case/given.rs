//! What was given, each as what it is.

use std::path::{Path, PathBuf};

use super::InputError;
use super::directory::{DataDirectory, Place};
use crate::report::UnreadReason;

/// What was given: a member's directory, a file by itself, or nothing that can be read.
pub(super) enum Given {
    /// A member's files, wherever they are.
    Directory(DataDirectory),
    /// A file, without what of it is a part of another one.
    File(PathBuf),
    /// What of a directory without a member is not read.
    Beside(PathBuf, Vec<(Place, UnreadReason)>),
    Nothing(InputError),
}

impl Given {
    /// A file by itself.
    pub(super) fn file(&self) -> Option<&Path> {
        if let Self::File(path) = self { Some(path) } else { None }
    }
}
