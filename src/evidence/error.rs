//! Why an input could not be opened at all.

use std::io;
use std::path::{Path, PathBuf};

use super::container::{Container, Fault, Left};
use crate::evidence::words::path_text;

/// What is read as evidence, in words.
pub(crate) const EXPECTED: &str = "an etcd database, snapshot, log or raft snapshot";

/// An input that cannot be read; what is readable but damaged is no error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The container itself cannot be used.
    #[error("{}: {container} file: {source}", path_text(path))]
    Container {
        /// The input.
        path: PathBuf,
        /// What it is packed in.
        container: Container,
        /// What is wrong with it.
        source: Fault,
    },
    /// A directory where a file is expected.
    #[error("{}: is a directory; expected a file, plain or packed: {EXPECTED}", path_text(path))]
    Directory {
        /// The input.
        path: PathBuf,
    },
    /// A pipe, socket or device.
    #[error("{}: is a {kind}; expected a regular file", path_text(path))]
    NotAFile {
        /// The input.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// The operating system refuses.
    #[error("{}: {source}", path_text(path))]
    Read {
        /// The input.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// More than may be held in memory.
    #[error(
        "{}: more than {max_size} bytes{}, which is as much as may be held in memory",
        path_text(path),
        container.map_or("", |_| " when unpacked")
    )]
    TooLarge {
        /// The input.
        path: PathBuf,
        /// What it is packed in.
        container: Option<Container>,
        /// The bound that was passed.
        max_size: u64,
    },
}

impl Error {
    /// Whether nothing is known to be wrong with it: it is packed in a way that this program does not read, or a limit is met.
    pub fn is_no_fault(&self) -> bool {
        match self {
            Self::TooLarge { .. } => true,
            Self::Container { source, .. } => source.is_limit() || matches!(source, Fault::Unsupported(_)),
            Self::Read { source, .. } => source.kind() == io::ErrorKind::OutOfMemory,
            Self::Directory { .. } | Self::NotAFile { .. } => false,
        }
    }

    /// The input.
    pub fn path(&self) -> &Path {
        match self {
            Self::Container { path, .. }
            | Self::Directory { path }
            | Self::NotAFile { path, .. }
            | Self::Read { path, .. }
            | Self::TooLarge { path, .. } => path,
        }
    }
}

impl From<Left> for Error {
    fn from(Left { path, container, fault }: Left) -> Self {
        match fault {
            Fault::TooLarge { max_size } => Self::TooLarge { path, container: Some(container), max_size },
            source => Self::Container { path, container, source },
        }
    }
}

/// The name of a file type that is neither file nor directory.
pub(super) fn kind_name(kind: std::fs::FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "FIFO (named pipe)";
        }
        if kind.is_socket() {
            return "socket";
        }
        if kind.is_block_device() {
            return "block device";
        }
        if kind.is_char_device() {
            return "character device";
        }
    }
    let _ = kind;
    "special file"
}
