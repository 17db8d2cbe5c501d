//! The one list of containers: how each is told by its bytes, and how it is opened.

use std::fmt;

use super::stream::{Gzip, Zstd};
use super::unpacked::{Fault, Room, Unpacked};
use super::{base64, stream, tar, text_mode, zip};

/// What an input was packed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Container {
    /// Bytes written as text.
    Base64,
    /// One or more gzip members.
    Gzip,
    /// A tar archive.
    Tar,
    /// Any bytes in which a transfer in text mode put carriage returns.
    TextMode,
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
            _ if Zstd::begins_archive(bytes) => Some(Self::Zstd),
            [b'P', b'K', 3, 4, ..] => Some(Self::Zip),
            _ if tar::begins(bytes) => Some(Self::Tar),
            _ => text_mode::begins(bytes).then_some(Self::TextMode),
        }
    }

    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::Gzip => "gzip",
            Self::Tar => "tar",
            Self::TextMode => "text-mode",
            Self::Zip => "zip",
            Self::Zstd => "zstd",
        }
    }

    /// Whether it may hold several files, each with a name.
    pub fn has_names(self) -> bool {
        matches!(self, Self::Tar | Self::Zip)
    }

    /// The first bytes of the content, where that is one file that follows on the container's first bytes.
    pub(in super::super) fn head(self, bytes: &[u8], most: u64) -> Option<Vec<u8>> {
        match self {
            Self::Gzip => Some(stream::gzip_head(bytes, most)),
            Self::Zstd => Some(stream::zstd_head(bytes, most)),
            Self::Base64 | Self::Tar | Self::TextMode | Self::Zip => None,
        }
    }

    /// Takes the content out. One that ends early gives what came out, with the reason.
    pub(super) fn unpack(self, bytes: &[u8], room: &mut Room) -> Result<Unpacked, Fault> {
        match self {
            Self::Base64 => base64::unpack(bytes, room),
            Self::Gzip => stream::unpack::<Gzip>(bytes, room),
            Self::Tar => tar::unpack(bytes),
            Self::TextMode => text_mode::unpack(bytes, room),
            Self::Zip => zip::unpack(bytes, room),
            Self::Zstd => stream::unpack::<Zstd>(bytes, room),
        }
    }
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
