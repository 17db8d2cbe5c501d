//! What a piece of an object says, when its beginning is lost.
//!
//! The last field of a protobuf Secret is its type, and behind every protobuf object stand two empty fields of the message
//! around it:
//!
//! ```text
//! … data │ 1a length type (28 immutable) │ 1a 00 22 00
//!          Secret.type, Secret.immutable   Unknown.contentEncoding, contentType
//! ```
//!
//! In JSON its type is the last field, too, and a line's end stands behind it.
//!
//! Source: apimachinery `pkg/runtime/serializer/protobuf/protobuf.go` (the encoder writes empty fields too),
//! api `core/v1/generated.proto`.

use memchr::memmem;

use super::beginning::CBOR_MAGIC;
use super::encoding::{Encoding, PROTOBUF_MAGIC};
use super::json::{self, NoObjectHere};
use crate::wire::Fields;

/// What every protobuf object ends with.
pub(crate) const OBJECT_END: &[u8] = &[0x1a, 0, 0x22, 0];
/// What stands before the type of a Secret in JSON: the end of its data, and the field's name.
pub(crate) const JSON_TYPE: &[u8] = b"},\"type\":\"";
/// The longest type of a Secret that is looked for; the API server allows 253 characters and more.
const LONGEST_TYPE: usize = 127;
/// The shortest text that is taken for one: so many random bytes are text by chance in one of 10^9 pieces.
const SHORTEST_TEXT: usize = 24;

/// Takes off the zeros with which a page is filled up. The zero that an object ends with stays.
pub(crate) fn without_filling(piece: &[u8]) -> &[u8] {
    let end = piece.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    let trimmed = piece.get(..end).unwrap_or_default();
    match piece.get(..end.saturating_add(1)) {
        Some(with_zero) if ends_an_object(with_zero) => with_zero,
        _ => trimmed,
    }
}

/// The length of the protobuf object that begins these bytes; `None` where none does, or its end is not there.
pub(crate) fn object_length(bytes: &[u8]) -> Option<usize> {
    let message = bytes.strip_prefix(PROTOBUF_MAGIC)?;
    let mut fields = Fields::new(message);
    for number in 1..=4 {
        let field = fields.next()?.ok().filter(|field| field.number == number)?;
        let length = field.bytes()?.len();
        if number <= 2 && length == 0 {
            return None;
        }
    }
    bytes.len().checked_sub(fields.rest().len())
}

/// The length of the object of an API, in JSON or CBOR, that begins these bytes.
///
/// # Errors
/// None does, or its end is not there.
pub(crate) fn unframed_length(bytes: &[u8]) -> Result<usize, NoObjectHere> {
    if bytes.starts_with(CBOR_MAGIC) { json::cbor_object_length(bytes) } else { json::object_length(bytes) }
}

/// Whether a protobuf object ends where these bytes do.
pub(crate) fn ends_an_object(piece: &[u8]) -> bool {
    piece.ends_with(OBJECT_END)
}

/// The type of the Secret that ends where these bytes do, and how it is written.
pub(crate) fn secret_at_end(piece: &[u8]) -> Option<(Encoding, &str)> {
    if let Some(object) = piece.strip_suffix(OBJECT_END) {
        let immutable = object.strip_suffix(&[0x28, 0]).or_else(|| object.strip_suffix(&[0x28, 1]));
        let secret_type = [Some(object), immutable].into_iter().flatten().find_map(type_at_end)?;
        return Some((Encoding::Protobuf, secret_type));
    }
    let head = piece.strip_suffix(b"\n").unwrap_or(piece).strip_suffix(b"\"}")?;
    let last = head.get(head.len().saturating_sub(LONGEST_TYPE.saturating_add(JSON_TYPE.len()))..)?;
    let at = memmem::rfind(last, JSON_TYPE)?.saturating_add(JSON_TYPE.len());
    let text = std::str::from_utf8(last.get(at..)?).ok()?;
    is_secret_type(text).then_some((Encoding::Json, text))
}

/// How a Secret is written that ends where these bytes do.
pub(crate) fn encoding_of_end(piece: &[u8]) -> Encoding {
    if ends_an_object(piece) { Encoding::Protobuf } else { Encoding::Json }
}

fn type_at_end(object: &[u8]) -> Option<&str> {
    (1..=LONGEST_TYPE).find_map(|length| {
        let (head, name) = object.split_at_checked(object.len().checked_sub(length)?)?;
        let tag = [0x1a, u8::try_from(length).ok()?];
        let text = std::str::from_utf8(name).ok()?;
        (head.ends_with(&tag) && is_secret_type(text)).then_some(text)
    })
}

fn is_secret_type(text: &str) -> bool {
    let is_known = matches!(text, "Opaque") || text.split_once('/').is_some_and(|(domain, rest)| domain.contains('.') && is_word(rest));
    is_known && text.split('/').all(is_word)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// Whether the bytes are text throughout: ciphertext and compressed data are not. A character may be cut at either end.
pub(crate) fn is_text(piece: &[u8]) -> bool {
    let start = piece.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count();
    let Some(piece) = piece.get(start..).filter(|piece| piece.len() >= SHORTEST_TEXT) else { return false };
    let text = match std::str::from_utf8(piece) {
        Ok(text) => text,
        Err(e) if e.error_len().is_none() => match piece.get(..e.valid_up_to()).map(std::str::from_utf8) {
            Some(Ok(text)) => text,
            _ => return false,
        },
        Err(_) => return false,
    };
    text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_secret_tells_its_type() {
        let end = |object: &[u8]| [b"some data", object, OBJECT_END].concat();
        let in_protobuf = |text| Some((Encoding::Protobuf, text));
        assert_eq!(secret_at_end(&end(b"\x1a\x06Opaque")), in_protobuf("Opaque"));
        assert_eq!(secret_at_end(&end(b"\x1a\x11kubernetes.io/tls\x28\x01")), in_protobuf("kubernetes.io/tls"));
        assert_eq!(secret_at_end(&end(b"\x1a\x12helm.sh/release.v1")), in_protobuf("helm.sh/release.v1"));
        for other in [&b"\x1a\x07Opaque"[..], b"\x1a\x06opaque", b"Opaque", b"\x1a\x05a b/c", b""] {
            assert_eq!(secret_at_end(&end(other)), None);
        }
        assert_eq!(secret_at_end(b"\x1a\x06Opaque"), None);
        let in_json = |secret_type: &str, end: &str| format!(r#"cGFzcw=="}},"type":"{secret_type}{end}"#).into_bytes();
        for secret_type in ["Opaque", "kubernetes.io/tls"] {
            for end in ["\"}\n", "\"}"] {
                assert_eq!(secret_at_end(&in_json(secret_type, end)), Some((Encoding::Json, secret_type)));
            }
        }
        for (secret_type, end) in [("ClusterIP", "\"}\n"), ("Opaque", "\",\"x\":\"\"}"), ("Opaque", "\"}}"), ("a.b/", "\"}")] {
            assert_eq!(secret_at_end(&in_json(secret_type, end)), None, "{secret_type}{end}");
        }
    }

    #[test]
    fn filling_is_taken_off_and_the_objects_own_last_zero_is_not() {
        assert_eq!(without_filling(b"abc\x1a\0\x22\0\0\0\0"), b"abc\x1a\0\x22\0");
        assert_eq!(without_filling(b"abc\0\0"), b"abc");
        assert_eq!(without_filling(b"\0\0"), b"");
    }

    #[test]
    fn text_may_be_cut_within_a_character_but_holds_nothing_else() {
        let text = "ä: a line of text that is long enough\n".as_bytes();
        assert!(is_text(text) && is_text(&text[1..]) && is_text(&["text text text text text text ü".as_bytes()].concat()[..31]));
        assert!(!is_text(b"short") && !is_text(&[text, b"\0"].concat()) && !is_text(&[0xfe; 40]));
    }
}
