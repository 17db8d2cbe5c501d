//! Gzip within a value, as it is or in base64: how Helm keeps a release, with all its manifests, in a ConfigMap, and how `binaryData` and
//! many an operator's annotation keep what is long. And what is written in base64 twice.
//!
//! | text | from |
//! |---|---|
//! | `1f 8b 08` | RFC 1952, 2.3.1: magic, and deflate |
//! | `H4sI` | the same in base64 (RFC 4648), whatever follows |
//! | `Secret` in base64 of base64 | at each of nine alignments |

use std::ops::Range;
use std::sync::LazyLock;

use zeroize::Zeroizing;

use super::encoded::{base64, is_of_base64, of_base64};
use super::manifest;
use super::needles::Needles;
use crate::evidence::packed;

/// What may come out of all that stands in one value, for each of its bytes and at least: what repeats itself fills any room.
const OUT_OF_A_BYTE: usize = 64;
const OUT_AT_LEAST: usize = 1 << 16;
const OUT_AT_MOST: usize = 1 << 24;
/// Fewest bytes of a gzip that has anything in it: header, one block, trailer.
const SHORTEST: usize = 20;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    AsIs,
    Base64,
    /// Base64 of base64, of something that need not be packed.
    Twice,
}

static SIGNS: LazyLock<Needles<Written>> = LazyLock::new(|| Needles::new(signs()));

fn signs() -> Vec<(Vec<u8>, Written)> {
    let twice = in_base64(manifest::KIND).iter().flat_map(|text| in_base64(text)).map(|text| (text, Written::Twice)).collect::<Vec<_>>();
    [vec![(b"\x1f\x8b\x08".to_vec(), Written::AsIs), (b"H4sI".to_vec(), Written::Base64)], twice].concat()
}

/// What one of these begins with: a value without any of them has nothing for [`each`].
pub(super) fn beginnings() -> impl Iterator<Item = Vec<u8>> {
    signs().into_iter().map(|(text, _)| text)
}

/// Shows what comes out of each gzip and each text of base64 in a value, as far as it can be unpacked, and where that begins. The work is linear in the value.
pub(super) fn each(value: &[u8], mut see: impl FnMut(usize, &[u8])) {
    let mut left = value.len().saturating_mul(OUT_OF_A_BYTE).clamp(OUT_AT_LEAST, OUT_AT_MOST);
    let mut done = 0;
    SIGNS.each(value, |Range { start, .. }, written| {
        if start < done || left == 0 {
            return;
        }
        let rest = value.get(start..).unwrap_or_default();
        let decoded;
        let packed_bytes = match written {
            Written::AsIs => rest,
            Written::Twice => {
                let before = value.get(..start).unwrap_or_default();
                let first = before.iter().rposition(|byte| !is_of_base64(*byte)).map_or(0, |at| at.saturating_add(1));
                let (bytes, taken) = decode(value.get(first..).unwrap_or_default());
                done = first.saturating_add(taken);
                return see(first, &bytes);
            }
            Written::Base64 => {
                let (bytes, taken) = decode(rest);
                // The characters of a text are decoded once.
                done = start.saturating_add(taken);
                decoded = bytes;
                &decoded
            }
        };
        if packed_bytes.len() < SHORTEST {
            return;
        }
        // What is cut off, or goes on as something else, shows what came out before.
        let (out, taken) = packed::gunzip(packed_bytes, left);
        left = left.saturating_sub(out.len().max(taken));
        if !out.is_empty() {
            if *written == Written::AsIs {
                done = start.saturating_add(taken);
            }
            see(start, &out);
        }
    });
}

/// What base64 stands for, of either alphabet, in lines or not; and how many characters were taken.
fn decode(text: &[u8]) -> (Zeroizing<Vec<u8>>, usize) {
    let end = text.iter().position(|byte| !is_of_base64(*byte) && !byte.is_ascii_whitespace()).unwrap_or(text.len());
    let taken = text.get(..end).unwrap_or_default();
    let codes: Vec<u8> = taken.iter().copied().filter(|byte| is_of_base64(*byte)).collect();
    (of_base64(&[], &codes, codes.len()).unwrap_or_default(), end)
}

/// A text in base64 at each of the three alignments it may have, without the characters that hold bits of its neighbours.
pub(super) fn in_base64(text: &[u8]) -> [Vec<u8>; 3] {
    base64(text).map(|(text, _)| text)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use std::io::Write;

    use base64::Engine;

    use base64::engine::general_purpose::{STANDARD as PADDED, URL_SAFE_NO_PAD};
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn found(value: &[u8]) -> Vec<(usize, Vec<u8>)> {
        let mut all = Vec::new();
        each(value, |at, out| all.push((at, out.to_vec())));
        all
    }

    #[test]
    fn what_is_packed_comes_out_however_it_is_written() {
        let (one, other) = (b"kind: Secret and what follows it".to_vec(), b"another one, which is not like it".to_vec());
        let lines = |text: String| text.as_bytes().chunks(76).collect::<Vec<_>>().join(&b"\n"[..]);
        let written = [gzip(&one), lines(PADDED.encode(gzip(&one))), URL_SAFE_NO_PAD.encode(gzip(&one)).into_bytes()];
        for text in written {
            let value = [&b"{\"a\":\""[..], &text, b"\",\"b\":\"", PADDED.encode(gzip(&other)).as_bytes(), b"\"}"].concat();
            let behind = 6 + text.len() + 7;
            assert_eq!(found(&value), [(6, one.clone()), (behind, other.clone())]);
            assert_eq!(found(&value[..behind]), [(6, one.clone())]);
        }
        assert!(found(b"H4sI, which is a sign, and \x1f\x8b\x08").is_empty());
    }

    /// Zeros come out without an end, and signs stand without a gzip behind them.
    #[test]
    fn what_comes_out_is_bounded() {
        let bomb = gzip(&vec![0; 40 << 20]);
        let out: usize = found(&bomb).iter().map(|(_, out)| out.len()).sum();
        assert!(out <= OUT_AT_MOST && out <= bomb.len() * OUT_OF_A_BYTE);
        assert!(found(&b"H4sI".repeat(100_000)).is_empty());
        assert!(found(&b"\x1f\x8b\x08\x08\0\0\0\0\0\x03".repeat(20_000)).is_empty());
    }
}
