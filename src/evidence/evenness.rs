//! How even bytes are: what is compressed or encrypted has all of them equally often.
//!
//! It is told by how often two bytes taken from them are the same: of 256 that are equally frequent once in 256 times; of text, numbers and
//! programs at least three times as often.
//!
//! Source: W. F. Friedman, "The Index of Coincidence and Its Applications in Cryptanalysis", 1922.

/// The count of values of a byte.
const VALUES: u64 = 256;

/// How even the bytes of a block are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evenness {
    /// As those of compressed or encrypted bytes.
    Even,
    /// Perhaps as those.
    Between,
    /// As chance never makes encrypted ones.
    Uneven,
}

impl Evenness {
    /// Bytes of a block of which it can be told.
    pub(crate) const BLOCK: usize = 256;

    /// Of a block. Fewer bytes may be even by chance, and none are uneven by chance but those of very few.
    pub(crate) fn of(block: &[u8]) -> Self {
        // Of each byte, how many like it came before: half of all pairs of bytes that are the same.
        let mut before = [0u32; VALUES as usize];
        let mut same = 0u64;
        for byte in block {
            if let Some(count) = before.get_mut(usize::from(*byte)) {
                same = same.wrapping_add(u64::from(*count));
                *count = count.wrapping_add(1);
            }
        }
        let same = same.saturating_mul(2).saturating_mul(VALUES);
        let length = block.len() as u64;
        let drawn = length.saturating_mul(length.saturating_sub(1));
        // Of a block that was drawn `same` is `drawn`, and a tenth of it more or less.
        if block.len() >= Self::BLOCK && same.saturating_mul(4) <= drawn.saturating_mul(5) {
            Self::Even
        } else if same >= drawn.saturating_mul(if block.len() >= Self::BLOCK { 2 } else { 16 }) {
            Self::Uneven
        } else {
            Self::Between
        }
    }
}
