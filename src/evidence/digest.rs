//! SHA-256 of evidence.
//!
//! With `aws-kms` it comes from `aws-lc-rs`, which the SDK brings along: on a processor without instructions for SHA that is twice as fast
//! as `sha2`, with them both are alike. Without that feature nothing that can open a socket is in the program, `aws-lc` included.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use super::ahead::{Ahead, LEAD};

#[cfg(feature = "aws-kms")]
use aws_lc_rs::digest::{Context, SHA256};
#[cfg(not(feature = "aws-kms"))]
use sha2::{Digest, Sha256};

/// A SHA-256 digest, shown as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Digest(pub [u8; 32]);

impl Sha256Digest {
    /// Of one piece of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self::of_parts(&[bytes])
    }

    /// Of bytes that are given in parts.
    pub fn of_parts<B: AsRef<[u8]>>(parts: &[B]) -> Self {
        let mut hasher = Hasher::new();
        parts.iter().for_each(|part| hasher.update(part.as_ref()));
        hasher.finish()
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A SHA-256 that is under way.
#[derive(Clone)]
pub(crate) struct Hasher {
    #[cfg(feature = "aws-kms")]
    state: Context,
    #[cfg(not(feature = "aws-kms"))]
    state: Sha256,
}

#[cfg(feature = "aws-kms")]
impl Hasher {
    /// Of no bytes so far.
    pub(crate) fn new() -> Self {
        Self { state: Context::new(&SHA256) }
    }

    /// The digest of all bytes that were added.
    pub(crate) fn finish(self) -> Sha256Digest {
        let mut bytes = [0; 32];
        // The library gives 32 bytes for this algorithm.
        bytes.iter_mut().zip(self.state.finish().as_ref()).for_each(|(byte, of_digest)| *byte = *of_digest);
        Sha256Digest(bytes)
    }
}

#[cfg(not(feature = "aws-kms"))]
impl Hasher {
    /// Of no bytes so far.
    pub(crate) fn new() -> Self {
        Self { state: Sha256::new() }
    }

    /// The digest of all bytes that were added.
    pub(crate) fn finish(self) -> Sha256Digest {
        Sha256Digest(self.state.finalize().into())
    }
}

impl Hasher {
    /// Adds bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.state.update(bytes);
    }
}

/// Bytes hashed between two looks at the clock of progress.
const STEP: usize = 1 << 20;

/// Hashes `bytes` once and answers for the whole and for its first `split` bytes (all of it where `split`
/// lies past the end). `progress` counts up by the bytes hashed.
///
/// One stream cannot be hashed on several cores, so this runs on a thread of its own beside the scan.
pub(crate) fn of_whole_and_prefix(bytes: &[u8], split: usize, ahead: Ahead<'_>, progress: &AtomicU64) -> (Sha256Digest, Sha256Digest) {
    let (head, tail) = bytes.split_at_checked(split).unwrap_or((bytes, &[]));
    let mut hasher = Hasher::new();
    feed(&mut hasher, head, ahead, progress);
    let prefix = hasher.clone();
    feed(&mut hasher, tail, ahead, progress);
    (hasher.finish(), prefix.finish())
}

fn feed(hasher: &mut Hasher, bytes: &[u8], ahead: Ahead<'_>, progress: &AtomicU64) {
    let (lead, rest) = bytes.split_at_checked(LEAD).unwrap_or((bytes, &[]));
    ahead.will_need(lead);
    let mut behind_lead = rest.chunks(STEP);
    for step in bytes.chunks(STEP) {
        behind_lead.next().into_iter().for_each(|bytes| ahead.will_need(bytes));
        hasher.update(step);
        progress.fetch_add(step.len() as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use super::*;

    #[test]
    fn one_pass_gives_the_digest_of_the_whole_and_of_the_prefix() {
        let bytes = vec![7u8; 3 * STEP + 5];
        let progress = AtomicU64::new(0);
        let (whole, prefix) = of_whole_and_prefix(&bytes, STEP + 1, Ahead::default(), &progress);
        assert_eq!(whole, Sha256Digest::of(&bytes));
        assert_eq!(prefix, Sha256Digest::of(&bytes[..STEP + 1]));
        assert_eq!(progress.into_inner(), bytes.len() as u64);
        assert_eq!(Sha256Digest::of_parts(&[&bytes[..9], &[], &bytes[9..]]), whole);
        // FIPS 180-2, appendix B.1.
        assert_eq!(Sha256Digest::of(b"abc").to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
