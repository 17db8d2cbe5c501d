//! What an object says of itself in its first bytes, wherever it ends.
//!
//! ```text
//! k8s\0  0a length  0a length apiVersion  12 length kind …        Unknown.typeMeta, before all else
//! {"kind":"…","apiVersion":"…" …                                   as the API server writes JSON
//! {"apiVersion":"…","kind":"…" …                                   as others do; of sorted fields the kind may stand far behind
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
        match protobuf(head).or_else(|e| if is_incomplete(&e) { Err(e) } else { json(head) }) {
            Ok((_, (api_version, kind))) => Some(match (api_version, kind) {
                (b"v1", b"Secret" | b"SecretList" | b"List" | b"") => Self::Secret,
                _ => Self::Other,
            }),
            Err(e) => is_incomplete(&e).then_some(Self::Secret),
        }
    }
}

fn is_incomplete<E>(error: &Err<E>) -> bool {
    matches!(error, Err::Incomplete(_))
}

/// The words of an object: its version and its kind, empty where it is not among the first fields.
type Words<'data> = (&'data [u8], &'data [u8]);

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
            (b"{}", None),
            (b"other", None),
        ] {
            assert_eq!(Beginning::of(bytes), told, "{}", bytes.escape_ascii());
        }
    }
}
