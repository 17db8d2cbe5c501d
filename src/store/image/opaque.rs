//! Bytes that show nothing of what they hold: compressed or encrypted in a form that has no sign, such as raw deflate, brotli, a binary
//! message of OpenPGP.
//!
//! What is compressed or encrypted has all bytes equally often. How even they are is told by how often two bytes taken from them are the
//! same: of 256 that are equally frequent once in 256 times; of text, numbers and programs at least three times as often. Windows are
//! judged each by itself, because of zeros deflate leaves bytes that are all the same.
//!
//! Source: W. F. Friedman, "The Index of Coincidence and Its Applications in Cryptanalysis", 1922.

/// Bytes that are judged together.
const WINDOW: usize = 4096;
/// Of fewer bytes it cannot be told.
const FEWEST: usize = 256;
/// The count of values of a byte.
const VALUES: u64 = 256;

/// How even the bytes of a window are.
#[derive(PartialEq, Eq)]
enum Evenness {
    /// As those of compressed or encrypted bytes.
    Even,
    /// Neither.
    Uneven,
    /// A few values are nearly all of them: nothing is told by that.
    Flat,
}

impl Evenness {
    fn of(window: &[u8]) -> Self {
        let mut counts = [0u64; 256];
        for byte in window {
            if let Some(count) = counts.get_mut(usize::from(*byte)) {
                *count = count.saturating_add(1);
            }
        }
        let pairs = |count: u64| count.saturating_mul(count.saturating_sub(1));
        let same = counts.into_iter().map(pairs).fold(0, u64::saturating_add).saturating_mul(VALUES);
        let drawn = pairs(window.len() as u64);
        if same.saturating_mul(4) <= drawn.saturating_mul(5) {
            Self::Even
        } else if same >= drawn.saturating_mul(32) {
            Self::Flat
        } else {
            Self::Uneven
        }
    }
}

/// Whether most of the bytes are as even as compressed or encrypted ones are.
pub(super) fn is_opaque(bytes: &[u8]) -> bool {
    let (mut even, mut uneven) = (0u64, 0u64);
    for window in bytes.chunks(WINDOW).filter(|window| window.len() >= FEWEST) {
        match Evenness::of(window) {
            Evenness::Even => even = even.saturating_add(1),
            Evenness::Uneven => uneven = uneven.saturating_add(1),
            Evenness::Flat => {}
        }
    }
    even > uneven
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod tests {
    use std::io::Write;

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use sha2::{Digest, Sha256};

    use super::is_opaque;

    fn words(count: u64) -> Vec<u8> {
        (0..count)
            .flat_map(|number| format!("item {} of namespace ns-{}: not ready\n", number * 7919 % 10_007, number % 13).into_bytes())
            .collect()
    }

    fn deflated(bytes: &[u8]) -> Vec<u8> {
        let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        deflate.write_all(bytes).unwrap_or_default();
        deflate.finish().unwrap_or_default()
    }

    fn drawn(count: u64) -> Vec<u8> {
        (0..count).flat_map(|number| Sha256::digest(number.to_le_bytes())).collect()
    }

    #[test]
    fn what_is_compressed_or_drawn_is_opaque_and_nothing_else() {
        let database = include_bytes!("../../../testdata/migration.db");
        let with_zeros = [&vec![0; 8 << 20][..], database, &vec![0; 4 << 20]].concat();
        for bytes in
            [deflated(database), deflated(&with_zeros), drawn(8), drawn(40_000), zstd::bulk::compress(database, 19).unwrap_or_default()]
        {
            assert!(is_opaque(&bytes), "{} bytes", bytes.len());
        }
        let numbers: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
        let program = std::fs::read(std::env::current_exe().unwrap_or_default()).unwrap_or_default();
        for bytes in [
            words(5000),
            STANDARD.encode(drawn(1000)).into_bytes(),
            numbers,
            program,
            vec![0; 9000],
            drawn(7),
            database.to_vec(),
            Vec::new(),
        ] {
            assert!(!is_opaque(&bytes), "{} bytes", bytes.len());
        }
    }
}
