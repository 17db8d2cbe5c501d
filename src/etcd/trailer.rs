//! The snapshot trailer: SHA-256 of the database, appended by the server that sent it.
//!
//! ```text
//! ┌───────────────────────────────┬─────────────────┐
//! │ database: whole pages         │ SHA-256, 32 B   │   size mod 512 = 32
//! └───────────────────────────────┴─────────────────┘
//! ```
//! Source: etcd `server/etcdserver/api/v3rpc/maintenance.go`; the rule for telling its presence by the size:
//! `etcdutl/snapshot/v3_snapshot.go` (`hasChecksum`).

use crate::evidence::digest::Sha256Digest;

/// Bytes of a trailer.
pub const LEN: usize = 32;
const UNIT: usize = 512;

/// What a snapshot's trailer says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trailer {
    /// It is the digest of the bytes before it. That detects corruption, not forgery.
    Match,
    /// It is not.
    Mismatch,
    /// There is none, as in a database copied from a data directory.
    Absent,
}

impl Trailer {
    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Mismatch => "mismatch",
            Self::Absent => "absent",
        }
    }

    /// Compares a trailer with the digest of what it stands behind.
    pub fn judge(trailer: Option<&[u8]>, payload: &Sha256Digest) -> Self {
        match trailer {
            None => Self::Absent,
            Some(bytes) if bytes == payload.0 => Self::Match,
            Some(_) => Self::Mismatch,
        }
    }
}

/// Divides content into the database and its trailer, by its size alone.
pub fn split(content: &[u8]) -> (&[u8], Option<&[u8]>) {
    let at = content.len().saturating_sub(LEN);
    match content.split_at_checked(at) {
        Some((payload, trailer)) if content.len() % UNIT == LEN && !payload.is_empty() => (payload, Some(trailer)),
        _ => (content, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailer_is_told_by_the_size_and_judged_by_the_digest() {
        let mut file = vec![7u8; 1024];
        assert_eq!(split(&file), (&file[..], None));
        let digest = Sha256Digest::of(&file);
        file.extend(digest.0);
        let (payload, trailer) = split(&file);
        assert_eq!((payload.len(), trailer.map(<[u8]>::len)), (1024, Some(32)));
        assert_eq!(Trailer::judge(trailer, &digest), Trailer::Match);
        assert_eq!(Trailer::judge(trailer, &Sha256Digest::of(b"")), Trailer::Mismatch);
        assert_eq!(Trailer::judge(None, &digest), Trailer::Absent);
        assert_eq!(split(&file[..32]).1, None);
    }
}
