//! How what values begin with looks in each encoding, and how it is decoded again.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::super::begun::{BeginningOf, PassedOverForm};
use super::{codes, escapes};
use crate::evidence::packed::Packed;
use crate::kubernetes::TELLING;

/// What values begin with in a database, as far as it is the same in all of them.
pub(super) const BEGINNINGS: [&[u8]; 4] = [b"k8s\0\x0a", b"k8s:enc:", b"{\"kind\":\"", b"{\"apiVersion\":\""];
/// The kind of Secrets that are written for people. Other fields may stand before it.
const MANIFESTS: [&[u8]; 2] = [b"kind\": \"Secret", b"kind: Secret"];
/// What is packed and then written so, by signs that tell it with what stands behind them: gzip, as Helm keeps its releases, bzip2, xz, zstd.
const PACKED: [&[u8]; 3] = [b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ\0"];
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";
/// The two bytes of a zlib stream. They are too few to be told in the midst of bytes; where a text in base64 begins with them, three
/// characters say so, and that it can be unpacked.
const ZLIB: [[u8; 2]; 4] = [*b"\x78\x01", *b"\x78\x5e", *b"\x78\x9c", *b"\x78\xda"];
/// So many bytes prove a zlib stream.
const OF_ZLIB: usize = 600;
/// The shortest text that is looked for, of one that is written so, and of one that is written so twice.
const SHORTEST_TEXT: (usize, usize) = (3, 4);
/// The digits of two bytes that these begin with, in either case.
const PAIRS: [(&str, &str); 7] = [("6b", "38"), ("6B", "38"), ("7b", "22"), ("7B", "22"), ("6b", "69"), ("1f", "8b"), ("1F", "8B")];
/// The first bytes of the same in decimal numbers.
const NUMBERS: [&str; 2] = ["107", "123"];
/// What may stand behind a number.
const BEHIND: [&str; 4] = [",", " ", "\n", "\r"];
/// What may stand between two bytes in hexadecimal digits.
const BETWEEN: [&str; 9] = ["", " ", ":", "-", ",", ", ", " 0x", ",0x", ", 0x"];
/// The same in text that is written so within base64: more of it would be looked for by more than it is worth.
const BETWEEN_WITHIN: [&str; 2] = ["", " "];
/// So much text is decoded at most to see what begins.
const DECODED: usize = 2048;
/// What decodes to fewer bytes may look like a beginning by chance.
const SHORTEST: usize = 8;

/// How a text is to be read.
#[derive(Clone, Debug)]
pub(super) enum Written {
    Base64 {
        /// The characters before it stand for bits that are not all of the value; these stand for the same.
        lead: Vec<u8>,
        /// How to read what comes out, where it is text again.
        within: Option<Box<Self>>,
    },
    Hex,
    Numbers,
    Escaped,
    /// Two bytes a character, as PowerShell gives text to what writes base64.
    Wide,
    /// In a code that is told by its text alone.
    Told(BeginningOf),
}

impl Written {
    /// Each text that is looked for, with how it is to be read.
    pub(super) fn all() -> Vec<(Vec<u8>, Self)> {
        let once = |beginnings: &[&[u8]]| -> Vec<(Vec<u8>, Self)> {
            beginnings
                .iter()
                .flat_map(|beginning| base64(beginning).map(|(text, lead)| (text, Self::Base64 { lead, within: None })))
                .collect()
        };
        let mut values = once(&BEGINNINGS);
        // Of zstd the first bytes say little more than its sign, which a few characters are not.
        let is_enough = |(text, _): &(Vec<u8>, Self)| text.len() > ZSTD.len();
        values.extend(once(&PACKED).into_iter().chain(once(&[ZSTD]).into_iter().filter(is_enough)));
        // Two bits of the byte behind its two are in the third character.
        let zlib = ZLIB.iter().flat_map(|[first, level]| [0, 0x40, 0x80, 0xc0].map(|bits| base64(&[*first, *level, bits])));
        values.extend(
            zlib.filter_map(|[(text, lead), ..]| Some((text.get(..SHORTEST_TEXT.0)?.to_vec(), Self::Base64 { lead, within: None }))),
        );
        let twice = values.iter().flat_map(Self::in_base64);
        let mut all: Vec<(Vec<u8>, Self)> = twice.filter(|(text, _)| text.len() >= SHORTEST_TEXT.1).collect();
        all.extend(values.into_iter().filter(|(text, _)| text.len() >= SHORTEST_TEXT.0));
        all.extend(once(&MANIFESTS));
        all.extend(Self::within_base64());
        all.extend(Self::in_digits(&BETWEEN));
        all.extend(codes::all().into_iter().map(|(text, of)| (text, Self::Told(of))));
        all.extend(Self::escaped());
        all
    }

    /// Each text in hexadecimal digits with one of these between two, or in numbers.
    fn in_digits(between: &[&str]) -> impl Iterator<Item = (Vec<u8>, Self)> {
        let hex = PAIRS
            .iter()
            .flat_map(move |(first, second)| between.iter().map(move |between| format!("{first}{between}{second}").into_bytes()));
        let numbers = NUMBERS.iter().flat_map(|first| BEHIND.map(|behind| format!("{first}{behind}").into_bytes()));
        hex.map(|text| (text, Self::Hex)).chain(numbers.map(|text| (text, Self::Numbers)))
    }

    /// Each text in escapes.
    fn escaped() -> impl Iterator<Item = (Vec<u8>, Self)> {
        escapes::NEEDLES.into_iter().map(|text| (text.to_vec(), Self::Escaped))
    }

    /// A text in base64, at each place that its first byte may have in three.
    fn in_base64((text, within): &(Vec<u8>, Self)) -> [(Vec<u8>, Self); 3] {
        base64(text).map(|(text, lead)| (text, Self::Base64 { lead, within: Some(Box::new(within.clone())) }))
    }

    /// Each text in base64 that holds text of another form.
    fn within_base64() -> Vec<(Vec<u8>, Self)> {
        let text = BEGINNINGS.iter().chain(&MANIFESTS).filter(|text| text.iter().all(|byte| matches!(byte, b' '..=b'~')));
        let wide = text.flat_map(|text| [false, true].map(|is_big| wide(text, is_big)));
        let all = wide.map(|text| (text, Self::Wide)).chain(Self::in_digits(&BETWEEN_WITHIN)).chain(Self::escaped());
        all.flat_map(|text| Self::in_base64(&text)).filter(|(text, _)| text.len() >= SHORTEST_TEXT.1).collect()
    }

    pub(super) fn form(&self) -> PassedOverForm {
        match self {
            Self::Wide => PassedOverForm::Wide,
            Self::Base64 { .. } => PassedOverForm::Base64,
            Self::Hex => PassedOverForm::Hex,
            Self::Numbers => PassedOverForm::Numbers,
            Self::Told(_) => PassedOverForm::OtherText,
            Self::Escaped => PassedOverForm::Escaped,
        }
    }

    /// What it is that begins where the text does.
    pub(super) fn begins(&self, text: &[u8]) -> Option<BeginningOf> {
        let text = text.get(..DECODED).unwrap_or(text);
        match self {
            Self::Base64 { lead, within: None } => {
                let decode = |bytes: usize| of_base64(lead, text, bytes.saturating_mul(4).div_ceil(3));
                let decoded = decode(TELLING)?;
                let decoded = if ZLIB.iter().any(|sign| decoded.starts_with(sign)) { decode(OF_ZLIB)? } else { decoded };
                of_decoded(decoded.get(lead.len().saturating_sub(1)..)?)
            }
            Self::Base64 { lead, within: Some(within) } => {
                // The others take up to six characters for a byte.
                let longer = if matches!(**within, Self::Base64 { .. }) { 2 } else { 8 };
                let decoded = of_base64(lead, text, TELLING.saturating_mul(longer))?;
                within.begins(decoded.get(lead.len().saturating_sub(1)..)?)
            }
            Self::Hex => {
                let decoded: Zeroizing<Vec<u8>> = Zeroizing::new(of_hex(text).take(TELLING).collect());
                of_decoded(&decoded)
            }
            Self::Numbers => {
                let decoded: Zeroizing<Vec<u8>> = Zeroizing::new(of_numbers(text).take(TELLING).collect());
                of_decoded(&decoded)
            }
            Self::Escaped => escapes::begins(text),
            Self::Wide => {
                let decoded: Zeroizing<Vec<u8>> = Zeroizing::new(of_wide(text).take(TELLING).collect());
                of_decoded(&decoded)
            }
            Self::Told(of) => Some(*of),
        }
    }
}

/// Text in UTF-16, the low byte first or the high one.
fn wide(text: &[u8], is_big: bool) -> Vec<u8> {
    text.iter().flat_map(|byte| if is_big { [0, *byte] } else { [*byte, 0] }).collect()
}

/// The characters of UTF-16, as far as they are of ASCII.
fn of_wide(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let is_big = text.first() == Some(&0);
    let pairs = text.chunks_exact(2).map(move |pair| if is_big { (pair.last(), pair.first()) } else { (pair.first(), pair.last()) });
    pairs.map_while(|(low, high)| low.copied().filter(|_| high == Some(&0)))
}

/// What begins bytes that came out of an encoding.
fn of_decoded(value: &[u8]) -> Option<BeginningOf> {
    let is_word_end = |behind: &[u8]| !behind.first().is_some_and(u8::is_ascii_alphanumeric);
    if MANIFESTS.iter().any(|kind| value.strip_prefix(*kind).is_some_and(is_word_end)) {
        return Some(BeginningOf::Secret);
    }
    let is_sign = PACKED.iter().chain([&ZSTD]).any(|sign| value.starts_with(sign)) || ZLIB.iter().any(|sign| value.starts_with(sign));
    let is_packed = is_sign && Packed::is_begun(value);
    let of = if is_packed { Some(BeginningOf::Stream) } else { BeginningOf::of(value) };
    of.filter(|_| value.len() >= SHORTEST)
}

/// Bytes in base64 at each of its three alignments: the characters that are theirs alone, and others that stand for the same bits as
/// those before.
pub(in super::super) fn base64(bytes: &[u8]) -> [(Vec<u8>, Vec<u8>); 3] {
    [(0usize, 0usize), (1, 2), (2, 3)].map(|(before, skipped)| {
        let bits = before.saturating_add(bytes.len()).saturating_mul(8);
        let text = BASE64.encode([&vec![0; before][..], bytes].concat()).into_bytes();
        let whole = text.get(..bits.checked_div(6).unwrap_or(0)).unwrap_or_default();
        let (lead, text) = whole.split_at_checked(skipped).unwrap_or_default();
        (text.to_vec(), lead.to_vec())
    })
}

/// Reads both alphabets, of which the second differs in characters that are put right before, and text that is cut anywhere.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
);

pub(in super::super) fn of_base64(lead: &[u8], text: &[u8], characters: usize) -> Option<Zeroizing<Vec<u8>>> {
    let mut code = Zeroizing::new(lead.to_vec());
    code.extend(unwrapped(text, is_of_base64).take(characters).map(|byte| match byte {
        b'-' => b'+',
        b'_' => b'/',
        byte => byte,
    }));
    // One character alone is less than a byte.
    let whole = code.len().saturating_sub(usize::from(code.len() % 4 == 1));
    Some(Zeroizing::new(BASE64.decode(code.get(..whole)?).ok()?))
}

/// The characters of a code, without the ends of lines and the blanks that the next line begins with.
fn unwrapped(text: &[u8], is_of_the_code: impl Fn(u8) -> bool) -> impl Iterator<Item = u8> {
    let mut begins_a_line = false;
    text.iter()
        .copied()
        .filter(move |byte| {
            let is_end = matches!(byte, b'\r' | b'\n');
            let is_blank = begins_a_line && matches!(byte, b' ' | b'\t');
            begins_a_line = is_end || is_blank;
            !is_end && !is_blank
        })
        .take_while(move |byte| is_of_the_code(*byte))
}

pub(in super::super) fn is_of_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// The bytes that pairs of digits stand for, whatever parts them. A line may end within a pair.
fn of_hex(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (high, behind) = without_separators(rest).split_first()?;
        let low = if behind.first().is_some_and(u8::is_ascii_hexdigit) { behind } else { behind.trim_ascii_start() };
        let (low, behind) = low.split_first()?;
        rest = behind;
        byte_of(*high, *low)
    })
}

/// The bytes that decimal numbers stand for, with commas, blanks or ends of lines between them.
fn of_numbers(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        let between = rest.iter().take_while(|byte| matches!(byte, b',' | b' ' | b'\t' | b'\r' | b'\n')).count();
        let number = rest.get(between..)?;
        let (digits, behind) = number.split_at_checked(number.iter().take_while(|byte| byte.is_ascii_digit()).count())?;
        rest = behind;
        std::str::from_utf8(digits).ok()?.parse().ok()
    })
}

/// The byte that two digits stand for, and what is behind them.
pub(super) fn hex_byte(text: &[u8]) -> Option<(u8, &[u8])> {
    let ([high, low], behind) = text.split_first_chunk()?;
    Some((byte_of(*high, *low)?, behind))
}

fn byte_of(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16)?).ok();
    digit(high)?.checked_mul(16)?.checked_add(digit(low)?)
}

/// Takes off what may stand between the bytes of a list in hexadecimal digits.
pub(super) fn without_separators(mut text: &[u8]) -> &[u8] {
    loop {
        text = match text {
            [b'0', b'x' | b'X', behind @ ..] | [b'\\', b'x' | b'X', behind @ ..] => behind,
            [b' ' | b'\t' | b'\r' | b'\n' | b':' | b',' | b';' | b'-' | b'"' | b'\'', behind @ ..] => behind,
            _ => return text,
        };
    }
}
