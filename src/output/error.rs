//! Why an answer cannot be written where it is to go.

use std::io;
use std::path::PathBuf;

use crate::evidence::words::path_text;

/// Why an output is not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// It stands there already, and nobody says that it is to be replaced.
    #[error("{}: exists already; --force replaces it", path_text(.0))]
    Exists(PathBuf),
    /// It is evidence, under whatever name.
    #[error("{}: is an input, and evidence is not written to", path_text(.0))]
    Input(PathBuf),
    /// Standard output leads into evidence.
    #[error("standard output: is an input, and evidence is not written to")]
    StdoutIsInput,
    /// Something else is being written there.
    #[error("{}: is another output of this run", path_text(.0))]
    Another(PathBuf),
    /// Standard output leads there.
    #[error("{}: is standard output too", path_text(.0))]
    Stdout(PathBuf),
    /// A directory, a device, a symbolic link.
    #[error("{}: is no regular file, and is not replaced", path_text(.0))]
    NoFile(PathBuf),
    /// The operating system refuses.
    #[error("{}: cannot be written: {source}", path_text(path))]
    Refused {
        /// The output.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
}

/// An error that says of which output it is.
pub(super) fn with_name(name: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{name}: {error}"))
}
