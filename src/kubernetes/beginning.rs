//! What an object says of itself in its first bytes, wherever it ends.
//!
//! ```text
//! k8s\0  0a length  0a length apiVersion  12 length kind …        Unknown.typeMeta, before all else
//! {"kind":"…","apiVersion":"…" …                                   as the API server writes JSON
//! {"apiVersion":"…","kind":"…" …                                   as others do; of sorted fields the kind may stand far behind
//! d9 d9 f7  map  44 kind  4x …                                     CBOR, sorted: only a Secret's data stand before its kind
//! ```
//! Source: apimachinery `pkg/runtime/generated.proto`, `pkg/apis/meta/v1/types.go` (TypeMeta is inlined first).

use nom::bytes::streaming::{tag, take_while1};
use nom::combinator::{rest, verify};
use nom::multi::length_data;
use nom::number::streaming::u8;
use nom::sequence::preceded;
use nom::{Err, IResult, Parser};

/// Bytes that tell what an object is; one whose words are longer says nothing.
pub(crate) const TELLING: usize = 144;
/// The tag that CBOR values begin with.
pub(crate) const CBOR_MAGIC: &[u8] = &[0xd9, 0xd9, 0xf7];
/// The longest word that protobuf's one byte of a length can say.
const LONGEST_WORD: u8 = 0x7f;

/// What begins somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Beginning {
    /// A Secret, a list that may hold some, or an object whose kind the bytes end before.
    Secret,
    /// An object of another kind.
    Other,
}

impl Beginning {
    /// What begins these bytes; `None` where no object of the API does.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let head = bytes.get(..TELLING).unwrap_or(bytes);
        if let Some((api_version, kind)) = whole_protobuf(head) {
            return Some(Self::told(api_version, kind));
        }
        let told = protobuf(head).or_else(|e| if is_incomplete(&e) { Err(e) } else { json(head) });
        match told.or_else(|e| if is_incomplete(&e) { Err(e) } else { cbor(head) }) {
            Ok((_, (api_version, kind))) => Some(Self::told(api_version, kind)),
            Err(e) => is_incomplete(&e).then_some(Self::Secret),
        }
    }

    fn told(api_version: &[u8], kind: &[u8]) -> Self {
        match (api_version, kind) {
            (b"v1", b"Secret" | b"SecretList" | b"List" | b"") => Self::Secret,
            _ => Self::Other,
        }
    }
}

fn is_incomplete<E>(error: &Err<E>) -> bool {
    matches!(error, Err::Incomplete(_))
}

/// The words of an object: its version and its kind, empty where it is not among the first fields.
type Words<'data> = (&'data [u8], &'data [u8]);

/// The words where both are there, as in nearly every value of a database; else [`protobuf`] tells what is there.
fn whole_protobuf(bytes: &[u8]) -> Option<Words<'_>> {
    fn word(bytes: &[u8], field: u8) -> Option<(&[u8], &[u8])> {
        match bytes {
            [tag, length @ 1..=LONGEST_WORD, rest @ ..] if *tag == field => rest.split_at_checked(usize::from(*length)),
            _ => None,
        }
    }
    let [b'k', b'8', b's', 0, 0x0a, 1..=LONGEST_WORD, rest @ ..] = bytes else { return None };
    let (api_version, rest) = word(rest, 0x0a)?;
    let (kind, _) = word(rest, 0x12)?;
    (is_word(api_version) && is_word(kind)).then_some((api_version, kind))
}

fn protobuf(bytes: &[u8]) -> IResult<&[u8], Words<'_>> {
    let length = || verify(u8, |length| (1..=LONGEST_WORD).contains(length));
    let word = |field: &'static [u8]| preceded(tag(field), verify(length_data(length()), |word: &[u8]| is_word(word)));
    let words = (word(b"\x0a"), word(b"\x12"));
    preceded((tag(&b"k8s\0"[..]), tag(&b"\x0a"[..]), length()), words).parse(bytes)
}

fn json(bytes: &[u8]) -> IResult<&[u8], Words<'_>> {
    let word = || take_while1(is_of_a_word);
    let kind_first = (preceded(tag(&b"{\"kind\":\""[..]), word()), preceded(tag(&b"\",\"apiVersion\":\""[..]), word()));
    if let done @ (Ok(_) | Err(Err::Incomplete(_))) = kind_first.map(|(kind, version)| (version, kind)).parse(bytes) {
        return done;
    }
    let (behind, version) = preceded(tag(&b"{\"apiVersion\":\""[..]), word()).parse(bytes)?;
    let mut kind = preceded(tag(&b"\",\"kind\":\""[..]), word());
    match kind.parse(behind) {
        Ok((behind, kind)) => Ok((behind, (version, kind))),
        Err(_) => preceded(tag(&b"\""[..]), rest).map(|_| (version, &b""[..])).parse(behind),
    }
}

/// The version stands far behind: only of an object that is none of core's by its kind it need not be known.
fn cbor(bytes: &[u8]) -> IResult<&[u8], Words<'_>> {
    let of_map = verify(u8, |header: &u8| matches!(header, 0xa2..=0xb7 | 0xbf));
    let (behind, name) = preceded((tag(CBOR_MAGIC), of_map), cbor_word).parse(bytes)?;
    match name {
        b"kind" => cbor_word(behind).map(|(behind, kind)| (behind, (&b"v1"[..], kind))),
        _ => Ok((behind, (b"v1", b""))),
    }
}

/// A short text, or bytes as which Kubernetes writes one.
fn cbor_word(bytes: &[u8]) -> IResult<&[u8], &[u8]> {
    let length = verify(u8, |header: &u8| matches!(header, 0x42..=0x57 | 0x62..=0x77)).map(|header: u8| header & 0x1f);
    verify(length_data(length), |word: &[u8]| is_word(word)).parse(bytes)
}

fn is_word(word: &[u8]) -> bool {
    word.iter().all(|byte| is_of_a_word(*byte))
}

fn is_of_a_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_says_in_its_first_bytes_what_it_is() {
        for (bytes, told) in [
            (&b"k8s\0\x0a\x0c\x0a\x02v1\x12\x06Secret\x12\x90"[..], Some(Beginning::Secret)),
            (b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12", Some(Beginning::Other)),
            (b"k8s\0\x0a\x15\x0a\x07apps/v1\x12\x0aDeployment", Some(Beginning::Other)),
            (b"k8s\0\x0a\x0c\x0a\x02v1\x12\x06Sec", Some(Beginning::Secret)),
            (b"k8s\0", Some(Beginning::Secret)),
            (b"k8s\0\x0a\xff\xff", None),
            (b"k8s\0\x0b\x0c\x0a\x02v1", None),
            (b"k8s\0\x0a\x0c\x0a\x02\x00\x01\x12\x06Secret", None),
            (br#"{"kind":"Secret","apiVersion":"v1","metadata":{"#, Some(Beginning::Secret)),
            (br#"{"apiVersion":"v1","kind":"Secret","metadata":{"#, Some(Beginning::Secret)),
            (br#"{"apiVersion":"v1","data":{"password":"c2"#, Some(Beginning::Secret)),
            (br#"{"apiVersion":"v1","kind":"Pod","metadata":{"#, Some(Beginning::Other)),
            (br#"{"apiVersion":"example.com/v1","data":{"#, Some(Beginning::Other)),
            (br#"{"kind":"Secr"#, Some(Beginning::Secret)),
            (br#"{"kind":"List","apiVersion":"v1","items":["#, Some(Beginning::Secret)),
            (br#"{"kind":"Secret","name":"v1"}"#, None),
            (br#"{"kind":"{"kind":"{"#, None),
            (b"\xd9\xd9\xf7\xa4\x44kind\x46Secret\x44type\x46Opaque", Some(Beginning::Secret)),
            (b"\xd9\xd9\xf7\xa5\x44data\xa1\x48password\xd6\x42hi", Some(Beginning::Secret)),
            (b"\xd9\xd9\xf7\xa3\x64kind\x69ConfigMap\x68metadata", Some(Beginning::Other)),
            (b"\xd9\xd9\xf7\xa4\x44ki", Some(Beginning::Secret)),
            (b"\xd9\xd9\xf7\x01\x44kind", None),
            (b"\xd9\xd9\xf7\xa4\x44\xff\xff\xff\xff", None),
            (b"{}", None),
            (b"other", None),
        ] {
            assert_eq!(Beginning::of(bytes), told, "{}", bytes.escape_ascii());
        }
    }
}
