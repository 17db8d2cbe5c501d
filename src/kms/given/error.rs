//! Why what the user names cannot be used.

use std::io;
use std::path::PathBuf;

use crate::evidence::limit;
use crate::evidence::words::path_text;
#[cfg(feature = "aws-kms")]
use crate::kms::aws::NoClient;
#[cfg(feature = "kms-plugin")]
use crate::kms::plugin::NoSocket;
use crate::kms::{NoSpelling, Unusable};

/// Why what the user names cannot be used: a file, an option, somebody to ask.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GivenError {
    /// A file cannot be read.
    #[error("{}: {source}", path_text(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A file is no EncryptionConfiguration.
    #[error("{}: {source}", path_text(path))]
    Configuration {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Unusable,
    },
    /// A file holds no answer about keys.
    #[error("{}: {source}", path_text(path))]
    Saved {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: NoSpelling,
    },
    /// A file is larger than any answer about keys.
    #[error("{}: more than {} bytes, which no saved answer about keys has", path_text(.0), limit::CONFIGURATION)]
    SavedTooLarge(PathBuf),
    /// Not two ways to write a key.
    #[error("--same-key {pair}: {source}")]
    SameKey {
        /// What was given.
        pair: String,
        /// What is wrong with it.
        source: NoSpelling,
    },
    /// No encryption context.
    #[error("--encryption-context{}: {why}", whose.as_ref().map_or(String::new(), |whose| format!("-for {whose}")))]
    Context {
        /// Whose it is; `None`: of everything.
        whose: Option<String>,
        /// What is wrong with it.
        why: String,
    },
    /// No time that a call may take.
    #[error("--timeout: expected seconds, more than 0")]
    Timeout,
    /// Neither a provider nor an endpoint.
    #[cfg(feature = "kms-plugin")]
    #[error("--kms-plugin: expected PROVIDER=unix:///SOCKET")]
    NoPlugin,
    /// An endpoint that names no socket.
    #[cfg(feature = "kms-plugin")]
    #[error("--kms-plugin {plugin}: {source}")]
    NoSocket {
        /// What was given.
        plugin: String,
        /// What is wrong with its endpoint.
        source: NoSocket,
    },
    /// No plugin can be asked at all.
    #[cfg(feature = "kms-plugin")]
    #[error(transparent)]
    Plugin(io::Error),
    /// AWS KMS cannot be asked at all.
    #[cfg(feature = "aws-kms")]
    #[error(transparent)]
    Aws(#[from] NoClient),
}
