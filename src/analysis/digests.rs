//! Digests of an evidence that has no trailer.

use std::sync::atomic::Ordering;

use super::Progress;
use super::facts::Facts;
use super::options::DigestMode;
use crate::evidence::Evidence;
use crate::evidence::digest::{self, Sha256Digest};

/// Digest of a file as given, and of its content.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole {
    file: Sha256Digest,
    content: Sha256Digest,
}

/// Hashes an evidence, unless that is switched off.
pub(super) fn of(evidence: &Evidence, mode: DigestMode, progress: &Progress) -> Option<Whole> {
    if mode == DigestMode::None {
        return None;
    }
    let is_contained = evidence.container().is_some();
    let contained = if is_contained { evidence.file().len() } else { 0 };
    progress.to_hash.fetch_add((evidence.content().len() as u64).saturating_add(contained as u64), Ordering::Relaxed);
    let whole = |bytes: &[u8]| digest::of_whole_and_prefix(bytes, 0, &progress.hashed).0;
    let content = whole(evidence.content());
    Some(Whole { file: if is_contained { whole(evidence.file()) } else { content }, content })
}

impl Facts {
    /// Takes the digests over.
    pub(super) fn add_digests(&mut self, digests: Option<Whole>) {
        self.sha256 = digests.map(|digests| digests.file);
        self.content_sha256 = digests.filter(|_| self.content_size.is_some()).map(|digests| digests.content);
    }
}
