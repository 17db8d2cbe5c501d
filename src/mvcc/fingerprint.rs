//! Keys by a few bytes that stand for them.

use std::hash::BuildHasher;
use std::sync::LazyLock;

use foldhash::quality::RandomState;

/// What stands for a key: 96 bits of two hashes under two secrets of this process.
///
/// Keys are slices of the evidence and stand all over it, so that to read one for a comparison costs more than to hash it. Nobody who
/// makes a file knows the secrets, and nothing that is shown depends on them. Of ten million keys any two share theirs with a
/// probability of 10^14 / 2^97, which is less than 10^-15.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fingerprint {
    /// Even over all numbers.
    pub high: u64,
    pub low: u32,
}

/// Both are made of random bits.
static SECRETS: LazyLock<[RandomState; 2]> = LazyLock::new(|| [RandomState::default(), RandomState::default()]);

impl Fingerprint {
    pub(super) fn of(key: &[u8]) -> Self {
        let [high, low] = &*SECRETS;
        Self { high: high.hash_one(key), low: u32::try_from(low.hash_one(key) >> 32).unwrap_or(0) }
    }
}
