//! Keys by a few bytes that stand for them.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

/// What stands for a key: 96 bits of two hashes under two secrets of this process.
///
/// Keys are slices of the evidence and stand all over it, so that to read one for a comparison costs more than to hash it. Nobody who
/// makes a file knows the secrets. Of ten million keys any two share theirs with a probability of 10^14 / 2^97, which is less than
/// 10^-15. It differs from run to run, and nothing that is shown depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fingerprint {
    /// Even over all numbers.
    pub high: u64,
    pub low: u32,
}

/// SipHash, which the standard library keys with random bits.
static SECRETS: LazyLock<[RandomState; 2]> = LazyLock::new(|| [RandomState::new(), RandomState::new()]);

impl Fingerprint {
    pub(super) fn of(key: &[u8]) -> Self {
        let [high, low] = SECRETS.each_ref().map(|secret| secret.hash_one(key));
        Self { high, low: u32::try_from(low >> 32).unwrap_or(0) }
    }
}
