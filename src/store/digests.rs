//! Digests of an evidence, made beside everything else.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::etcd::trailer;
use crate::evidence::Evidence;
use crate::evidence::digest::{self, Sha256Digest};

/// Digests of one evidence.
#[derive(Clone, Copy, Debug)]
pub struct Digests {
    /// Of the file as given.
    pub file: Sha256Digest,
    /// Of its content: what was in the container, else the file itself.
    pub content: Sha256Digest,
    /// Of the content without the last 32 bytes, where it has the size of a snapshot with its trailer; else of all of it.
    pub payload: Sha256Digest,
}

/// How far the hashing of a run has come, for a display that polls it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes to hash.
    pub to_hash: AtomicU64,
    /// Bytes hashed.
    pub hashed: AtomicU64,
}

impl Digests {
    /// Hashes an evidence: its content, and the file where that is not the same.
    pub fn of(evidence: &Evidence, progress: &Progress) -> Self {
        let (payload, _) = trailer::split(evidence.content());
        let is_contained = !evidence.is_whole_file();
        let contained = if is_contained && !evidence.is_file_hashed() { evidence.file().len() } else { 0 };
        let total = (evidence.content().len() as u64).saturating_add(contained as u64);
        progress.to_hash.fetch_add(total, Ordering::Relaxed);
        let (content, payload) = digest::of_whole_and_prefix(evidence.content(), payload.len(), evidence.ahead(), &progress.hashed);
        let file = if is_contained { evidence.file_sha256(&progress.hashed) } else { content };
        Self { file, content, payload }
    }
}
