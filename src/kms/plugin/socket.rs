//! Where a plugin listens: `unix:///path`, or `unix:///@name` for a name in Linux's abstract namespace.
//!
//! ```text
//! unix://HOST/path?query#fragment     what is in capitals or behind the path says nothing
//! ```
//! Source: k8s.io/kms `pkg/util/util.go`, `ParseEndpoint`, v0.36; Go, `net/url`.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;

use super::super::{Failure, Reason};

/// Where a plugin listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Socket {
    /// A socket in the file system.
    Path(PathBuf),
    /// A name in Linux's abstract namespace.
    Abstract(String),
}

/// Why text names no socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected unix:///path/of/a/socket, or unix:///@name for an abstract one")]
pub struct NoSocket;

impl Socket {
    /// Reads an endpoint as the API server does, which takes it for a URL: `%41` in its path is `A`, the scheme may be written in either
    /// case, and host, query and fragment say nothing. A path without `unix:` is taken as it stands.
    ///
    /// # Errors
    /// It is of another form.
    pub fn parse(endpoint: &str) -> Result<Self, NoSocket> {
        let url = endpoint.split_once(':').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("unix")).map(|(_, rest)| rest);
        let path = url.map_or(Ok(endpoint.as_bytes().to_vec()), path_of)?;
        match path.strip_prefix(b"/@").or_else(|| path.strip_prefix(b"@")) {
            Some([]) => Err(NoSocket),
            Some(name) => Ok(Self::Abstract(String::from_utf8_lossy(name).into_owned())),
            None if path.starts_with(b"/") && path.len() > 1 => Ok(Self::Path(PathBuf::from(OsString::from_vec(path)))),
            None => Err(NoSocket),
        }
    }

    /// Says what is wrong with a path before it is connected to.
    pub(super) fn look(&self) -> Result<(), Failure> {
        let Self::Path(path) = self else { return Ok(()) };
        let none = |what: &str| Failure::new(Reason::NoSocket, &format!("{}: {what}", path.display()));
        let found = fs::metadata(path).map_err(|error| none(&error.kind().to_string()))?;
        match std::os::unix::fs::FileTypeExt::is_socket(&found.file_type()) {
            true => Ok(()),
            false => Err(none("is no socket")),
        }
    }

    /// What tokio connects to: a leading zero byte stands for the abstract namespace.
    pub(super) fn address(&self) -> PathBuf {
        match self {
            Self::Path(path) => path.clone(),
            Self::Abstract(name) => format!("\0{name}").into(),
        }
    }
}

/// The bytes of the path in a URL, of which this is what follows the scheme.
fn path_of(rest: &str) -> Result<Vec<u8>, NoSocket> {
    if rest.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(NoSocket);
    }
    let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
    let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
    match rest.strip_prefix("//") {
        // A name of its own, which API servers do not take so, is no host.
        Some(name) if name.starts_with('@') => unescaped(name),
        Some(with_host) => unescaped(with_host.find('/').and_then(|at| with_host.get(at..)).unwrap_or_default()),
        None => unescaped(rest),
    }
}

/// The bytes of a path in a URL.
fn unescaped(path: &str) -> Result<Vec<u8>, NoSocket> {
    let is_escape = |rest: &str| rest.as_bytes().first_chunk::<2>().is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    match path.split('%').skip(1).all(is_escape) {
        true => Ok(percent_decode_str(path).collect()),
        false => Err(NoSocket),
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Abstract(name) => write!(f, "@{name}"),
        }
    }
}
