//! The bytes of one input, which all evidences out of it share.

use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;

use super::ahead::Ahead;
use super::digest::{self, Sha256Digest};
use super::mapping::Mapping;

/// Bytes that evidences are of.
#[derive(Debug)]
pub(super) struct Whole {
    pub bytes: Bytes,
    sha256: OnceLock<Sha256Digest>,
}

#[derive(Debug)]
pub(super) enum Bytes {
    Mapped(Mapping),
    Memory(Vec<u8>),
}

impl Whole {
    /// Bytes that are no file.
    pub(super) fn made(bytes: Vec<u8>) -> Self {
        Self::given(Bytes::Memory(bytes))
    }

    /// A file, or standard input.
    pub(super) fn given(bytes: Bytes) -> Self {
        Self { bytes, sha256: OnceLock::new() }
    }

    /// Its digest, made once. `hashed` counts up by the bytes hashed.
    pub(super) fn sha256(&self, hashed: &AtomicU64) -> Sha256Digest {
        *self.sha256.get_or_init(|| digest::of_whole_and_prefix(self.as_slice(), 0, self.ahead(), hashed).0)
    }

    /// Whether that was made already.
    pub(super) fn is_hashed(&self) -> bool {
        self.sha256.get().is_some()
    }

    /// Who is told which of them are read soon.
    pub(super) fn ahead(&self) -> Ahead<'_> {
        match &self.bytes {
            Bytes::Mapped(mapping) => Ahead::of(mapping),
            Bytes::Memory(_) => Ahead::default(),
        }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Mapped(mapping) => mapping.bytes(),
            Bytes::Memory(bytes) => bytes,
        }
    }
}
