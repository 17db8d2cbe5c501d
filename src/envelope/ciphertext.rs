//! What stands where ciphertext must be, and plainly is none.
//!
//! Nonces, ciphertext and tags are bytes as if drawn at random. What chance would not make in all values of a file is none of them: a text,
//! a stream of a known form, bytes of which a few are most.

use crate::evidence::evenness::Evenness;
use crate::evidence::packed::Packed;

/// Bytes of a text that chance does not make: each is one of 98 of 256.
const TEXT: usize = 28;
/// Bytes of which it can be told that few of their values are most of them.
const FEWEST: usize = 28;

/// What bytes are instead of ciphertext, in words; `None`: they may be some.
pub(crate) fn instead_of_it(body: &[u8]) -> Option<&'static str> {
    if is_readable(body) || is_long_text(body) {
        return Some("text");
    }
    if Packed::is_begun(body) {
        return Some("packed or encrypted by another program");
    }
    let is_uneven = |block: &[u8]| block.len() >= FEWEST && Evenness::of(block) == Evenness::Uneven;
    body.chunks(Evenness::BLOCK).any(is_uneven).then_some("far from even, as only what is not encrypted is")
}

/// Whether bytes are text with a blank or a sign of punctuation in it, as no ciphertext is.
pub(super) fn is_readable(body: &[u8]) -> bool {
    let is_sign = |byte: &u8| matches!(byte, b' ' | b'\n' | b'"' | b'{' | b'=' | b':');
    let is_text = |text: &str| !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    body.iter().any(is_sign) && std::str::from_utf8(body).is_ok_and(is_text)
}

/// Whether bytes begin with a text without any, such as base64 or hexadecimal digits. With a colon it may be the end of a name.
fn is_long_text(body: &[u8]) -> bool {
    let is_of_text = |byte: &&u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    let text = body.iter().take_while(is_of_text).count();
    text >= TEXT && body.get(..text).is_some_and(|text| !text.contains(&b':'))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use std::io::Write;

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use sha2::{Digest, Sha256};

    use super::*;

    fn drawn(seed: u64, length: usize) -> Vec<u8> {
        let digests = (0..).flat_map(|number: u64| Sha256::digest([seed, number].map(u64::to_le_bytes).concat()));
        digests.take(length).collect()
    }

    #[test]
    fn what_is_plainly_no_ciphertext_is_told() {
        let json = br#"{"apiVersion":"v1","data":{"password":"TUFSS0VS"},"kind":"Secret"}"#.repeat(3);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&json).unwrap();
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        zlib.write_all(&json).unwrap();
        let numbers: Vec<u8> = (0..200u32).flat_map(u32::to_le_bytes).collect();
        for body in [
            json.clone(),
            b"kind: Secret\ndata:\n  a: YQ==\n".to_vec(),
            STANDARD.encode(drawn(1, 60)).into_bytes(),
            b"0123456789abcdef0123456789abcdef".to_vec(),
            gzip.finish().unwrap(),
            zlib.finish().unwrap(),
            zstd::encode_all(&json[..], 3).unwrap(),
            vec![0; 48],
            [drawn(2, 28), vec![0; 300]].concat(),
            numbers,
        ] {
            assert!(instead_of_it(&body).is_some(), "{}", body.escape_ascii());
        }
    }

    #[test]
    fn what_is_drawn_may_be_ciphertext() {
        for seed in 0..3000 {
            for length in [28, 32, 48, 300, 700] {
                let body = drawn(seed, length);
                assert_eq!(instead_of_it(&body), None, "{}", body.escape_ascii());
            }
        }
    }
}
