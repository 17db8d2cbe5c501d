//! Where a plugin listens: `unix:///path`, or `unix:///@name` for a name in Linux's abstract namespace.
//!
//! ```text
//! unix://HOST/path?query#fragment     what is in capitals or behind the path says nothing
//! ```
//! Source: k8s.io/kms `pkg/util/util.go`, `ParseEndpoint`, v0.36; Go, `net/url`.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::net::Ipv6Addr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use percent_encoding::percent_decode_str;

use super::super::{Failure, Reason};

/// Where a plugin listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Socket {
    /// A socket in the file system.
    Path(PathBuf),
    /// A name in Linux's abstract namespace.
    Abstract(OsString),
}

/// Why text names no socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSocket {
    /// API servers take no endpoint of another scheme, nor a path without one.
    #[error(
        "API servers take no endpoint that does not begin with unix: write unix:///path/of/a/socket, or unix:///@name for an abstract one"
    )]
    Scheme,
    /// It is no URL.
    #[error("is no URL that an API server can read: a control character, a % without two digits behind it, or a host that is none")]
    Url,
    /// What it names stands where API servers look for no path.
    #[error(
        "names no path to an API server, which reads what stands behind unix:/// or unix:/: write unix:///path/of/a/socket, or unix:///@name for an abstract one"
    )]
    Path,
}

impl Socket {
    /// Reads an endpoint as the API server does, which takes it for a URL: `%41` in its path is `A`, the scheme may be written in either
    /// case, and host, query and fragment say nothing.
    ///
    /// # Errors
    /// It is none that an API server reads a path in.
    pub fn parse(endpoint: &str) -> Result<Self, NoSocket> {
        if endpoint.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(NoSocket::Url);
        }
        let (scheme, rest) = endpoint.split_once(':').ok_or(NoSocket::Scheme)?;
        if !scheme.eq_ignore_ascii_case("unix") {
            return Err(NoSocket::Scheme);
        }
        let path = path_of(rest)?;
        match path.strip_prefix(b"/@") {
            Some([]) => Err(NoSocket::Path),
            Some(name) => Ok(Self::Abstract(OsString::from_vec(name.to_vec()))),
            None if path.len() > 1 => Ok(Self::Path(PathBuf::from(OsString::from_vec(path)))),
            None => Err(NoSocket::Path),
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
            Self::Abstract(name) => OsString::from_vec([b"\0", name.as_bytes()].concat()).into(),
        }
    }
}

/// The bytes of the path in a URL, of which this is what follows the scheme. Without a slash in front it is no path at all.
fn path_of(rest: &str) -> Result<Vec<u8>, NoSocket> {
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    unescaped(fragment)?;
    let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
    match rest.strip_prefix("//") {
        Some(with_authority) => {
            let (authority, path) = with_authority.split_at(with_authority.find('/').unwrap_or(with_authority.len()));
            if is_authority(authority) { unescaped(path) } else { Err(NoSocket::Url) }
        }
        None if rest.starts_with('/') => unescaped(rest),
        None => Err(NoSocket::Path),
    }
}

/// Whether text is an authority of a URL, which says nothing: a host and a port, and a user in front.
fn is_authority(authority: &str) -> bool {
    let (user, host) = authority.rsplit_once('@').map_or(("", authority), |(user, host)| (user, host));
    let is_of_user = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    let is_of_host = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:\"<>".contains(c);
    let (is_host, port) = match host.strip_prefix('[').and_then(|host| host.rsplit_once(']')) {
        Some((host, port)) => (host.split_once("%25").map_or(host, |(host, _)| host).parse::<Ipv6Addr>().is_ok(), port),
        None => {
            let (host, port) = host.split_at(host.rfind(':').unwrap_or(host.len()));
            (host.chars().all(is_of_host), port)
        }
    };
    let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    user.chars().all(is_of_user) && unescaped(user).is_ok() && is_host && is_port
}

/// The bytes of a path in a URL.
fn unescaped(path: &str) -> Result<Vec<u8>, NoSocket> {
    let is_escape = |rest: &str| rest.as_bytes().first_chunk::<2>().is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    match path.split('%').skip(1).all(is_escape) {
        true => Ok(percent_decode_str(path).collect()),
        false => Err(NoSocket::Url),
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Abstract(name) => write!(f, "@{}", name.display()),
        }
    }
}
