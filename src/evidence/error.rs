//! Why an input could not be opened at all.

use std::io;
use std::path::{Path, PathBuf};

use super::container::{self, Container};

/// An input that cannot be read; what is readable but damaged is no error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The container itself cannot be used.
    #[error("{}: {container} file: {source}", path.display())]
    Container {
        /// The input.
        path: PathBuf,
        /// What it is packed in.
        container: Container,
        /// What is wrong with it.
        source: container::Fault,
    },
    /// A directory where a file is expected.
    #[error("{}: is a directory; expected an etcd snapshot file", path.display())]
    Directory {
        /// The input.
        path: PathBuf,
    },
    /// A directory that is no etcd member's.
    #[error(
        "{}: expected an etcd data directory, with member/snap/db and member/wal/*.wal in it; found {}",
        path.display(),
        list(found)
    )]
    NotADataDirectory {
        /// The input.
        path: PathBuf,
        /// Names of what is in it, escaped; a few.
        found: Vec<String>,
    },
    /// A pipe, socket or device.
    #[error("{}: is a {kind}; expected a regular file", path.display())]
    NotAFile {
        /// The input.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// The operating system refuses.
    #[error("{}: {source}", path.display())]
    Read {
        /// The input.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// More than may be held in memory.
    #[error("{}: more than {max_size} bytes{}", path.display(), container.map_or("", |_| " when unpacked"))]
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
    /// What the user can try.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Container { source, .. } => Some(source.hint().to_owned()),
            Self::Directory { path } => Some(format!("name a file in it, for a data directory {}", path.join("member/snap/db").display())),
            Self::NotADataDirectory { .. } => {
                Some("name the directory that etcd was given as --data-dir, its member directory, or a snapshot file".to_owned())
            }
            Self::NotAFile { kind: "block device", .. } => Some("copy it to a file first (dd), so that the copy can be hashed".to_owned()),
            Self::NotAFile { .. } => Some("pipe its content in and give - as the file: … | etcd-sleuth scan -".to_owned()),
            Self::Read { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => Some("check the path; a download that was broken off may be there as <name>.part".to_owned()),
                io::ErrorKind::PermissionDenied => {
                    Some("etcd's files belong to root (mode 0600): run as a user that may read them, or read a copy".to_owned())
                }
                _ => None,
            },
            Self::TooLarge { container: None, .. } => {
                Some("save it to a file, which is not held in memory, or raise --max-size".to_owned())
            }
            Self::TooLarge { .. } => Some("unpack it to a file, which is not held in memory, or raise --max-size".to_owned()),
        }
    }
}

impl container::Fault {
    pub(super) fn at(self, path: &Path, container: Container) -> Error {
        match self {
            Self::TooLarge { max_size } => Error::TooLarge { path: path.to_owned(), container: Some(container), max_size },
            source => Error::Container { path: path.to_owned(), container, source },
        }
    }
}

/// Names in a sentence, eight at most.
fn list(names: &[String]) -> String {
    match names {
        [] => "nothing".to_owned(),
        names => {
            let more = if names.len() > 8 { ", …" } else { "" };
            format!("{}{more}", names.iter().take(8).map(String::as_str).collect::<Vec<_>>().join(", "))
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
