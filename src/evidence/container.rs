//! The one layer that backups come packed in: gzip (kops), zip (k3s, RKE, RKE2), zstd.
//!
//! | container | first bytes | source |
//! |---|---|---|
//! | gzip | `1f 8b` | RFC 1952 §2.3.1 |
//! | zstd | `28 b5 2f fd` | RFC 8878 §3.1.1 |
//! | zip | `50 4b 03 04` | APPNOTE.TXT §4.3.7 |
//!
//! Whatever of a container nothing was taken out of is [`Left`], and told. Zeros behind its end are the padding of tapes and block
//! devices, and hold nothing.

mod stream;
mod unpacked;
mod zip;

use std::fmt;

use self::stream::{Gzip, Zstd};
pub use self::unpacked::{Fault, Left, Unpacked, UnpackedFile};
use super::limit::Limits;

/// What an input was packed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Container {
    /// One or more gzip members.
    Gzip,
    /// A zip archive.
    Zip,
    /// One or more zstd frames.
    Zstd,
}

impl Container {
    /// The container that `bytes` begin like.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            [b'P', b'K', 3, 4, ..] => Some(Self::Zip),
            _ => None,
        }
    }

    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zip => "zip",
            Self::Zstd => "zstd",
        }
    }

    /// Takes the content out. One that ends early gives what came out, with the reason.
    ///
    /// # Errors
    /// [`Fault`]: nothing came out, too much would, or nothing of it is read here.
    pub fn unpack(self, bytes: &[u8], limits: &Limits) -> Result<Unpacked, Fault> {
        match self {
            Self::Gzip => stream::unpack::<Gzip>(bytes, limits),
            Self::Zstd => stream::unpack::<Zstd>(bytes, limits),
            Self::Zip => zip::unpack(bytes, limits),
        }
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
