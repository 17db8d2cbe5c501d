//! Objects of an API in bytes that nothing frames.

use crate::evidence::limit;
use crate::kubernetes::{CBOR_MAGIC, fragment};

/// Beginnings of JSON and CBOR are read on for so many times the bytes that they stand in.
const READ: usize = 4;
/// What objects without a frame begin with.
const BEGINNINGS: [&[u8]; 3] = [b"{\"apiVersion\":\"", b"{\"kind\":\"", CBOR_MAGIC];
/// The first byte of CBOR.
const CBOR: u8 = 0xd9;

/// Objects of an API in JSON and CBOR in bytes of no other kind: how many bytes stand before each, behind the last one, and its length.
pub(super) fn objects_in(bytes: &[u8]) -> Vec<(usize, usize)> {
    let (mut found, mut done, mut left) = (Vec::new(), 0usize, bytes.len().saturating_mul(READ));
    for at in memchr::memchr2_iter(b'{', CBOR, bytes) {
        let Some(rest) = bytes.get(at..).filter(|_| at >= done) else { continue };
        if !BEGINNINGS.iter().any(|beginning| rest.starts_with(beginning)) {
            continue;
        }
        let read = match fragment::unframed_length(rest.get(..left.min(limit::CARVED_JSON)).unwrap_or(rest)) {
            Ok(length) => {
                found.push((at.saturating_sub(done), length));
                done = at.saturating_add(length);
                length
            }
            Err(none) => none.read,
        };
        left = left.saturating_sub(read);
    }
    found
}
