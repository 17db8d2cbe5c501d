//! Beginnings of values in text: base64, hexadecimal digits, escapes.
//!
//! | text | from |
//! |---|---|
//! | base64, of either alphabet, at any of its three alignments | `etcdctl get -w json`, delta snapshots, a whole file as base64 |
//! | hexadecimal digits | dumps of SQL databases |
//! | escapes | `etcdctl get -w fields`, dumps of SQL databases |
//!
//! Four to ten characters of a beginning are the same in every value, and are looked for together. What they stand for is decoded as
//! far as it says what it is. Lines may end within them.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::packed::Searcher;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, PAD};
use zeroize::Zeroizing;

use super::begun::{BeginningOf, Begun, PassedOverForm};
use crate::kubernetes::TELLING;

/// What values begin with, as far as it is the same in all of them.
const BEGINNINGS: [&[u8]; 4] = [b"k8s\0\x0a", b"k8s:enc:", b"{\"kind\":\"", b"{\"apiVersion\":\""];
/// The same with the escapes of SQL, Go, JSON and C; of JSON objects as the API server writes them.
const ESCAPED: [&[u8]; 5] =
    [br"k8s\0\n", br"k8s\x00\n", br"k8s\u0000\n", br"k8s\000\012", br#"{\"kind\":\"Secret\",\"apiVersion\":\"v1\""#];
/// The longest text that is looked for.
const LONGEST: usize = 40;
/// How far the next line may be indented, and its beginning reach.
const NEAR: usize = LONGEST + 64;
/// So far behind an escaped beginning its kind is looked for.
const ESCAPED_KIND: usize = 96;
/// So much text is decoded at most to see what begins.
const DECODED: usize = 1024;
/// What decodes to fewer bytes may look like a beginning by chance.
const SHORTEST: usize = 8;

static TEXTS: LazyLock<Texts> = LazyLock::new(Texts::new);

/// What is looked for.
struct Texts {
    /// `None` on processors without the instructions for it.
    packed: Option<Searcher>,
    patterns: Vec<(Vec<u8>, Written)>,
}

/// How a text is to be read.
#[derive(Clone, Debug)]
enum Written {
    /// The characters before it stand for bits that are not all of the value; these stand for the same.
    Base64 {
        lead: Vec<u8>,
    },
    Hex,
    Escaped,
}

impl Texts {
    fn new() -> Self {
        let mut patterns = Vec::new();
        for beginning in BEGINNINGS {
            for (before, skipped) in [(0usize, 0usize), (1, 2), (2, 3)] {
                let bits = before.saturating_add(beginning.len()).saturating_mul(8);
                let text = BASE64.encode([&vec![0; before][..], beginning].concat()).into_bytes();
                let whole = text.get(..bits.checked_div(6).unwrap_or(0)).unwrap_or_default();
                if let Some((lead, text)) = whole.split_at_checked(skipped) {
                    patterns.push((text.to_vec(), Written::Base64 { lead: lead.to_vec() }));
                }
            }
            let digits: String = beginning.iter().map(|byte| format!("{byte:02x}")).collect();
            patterns.push((digits.to_ascii_uppercase().into_bytes(), Written::Hex));
            patterns.push((digits.into_bytes(), Written::Hex));
        }
        patterns.extend(ESCAPED.iter().map(|text| (text.to_vec(), Written::Escaped)));
        Self { packed: Searcher::new(patterns.iter().map(|(text, _)| text)), patterns }
    }

    /// Shows where a text that is looked for begins.
    fn each<'a>(&'a self, bytes: &[u8], mut see: impl FnMut(Range<usize>, &'a Written)) {
        let mut found = |range: Range<usize>, pattern: usize| {
            if let Some((_, written)) = self.patterns.get(pattern) {
                see(range, written);
            }
        };
        match &self.packed {
            Some(packed) => packed.find_iter(bytes).for_each(|it| found(it.start()..it.end(), it.pattern().as_usize())),
            None => {
                for (pattern, (text, _)) in self.patterns.iter().enumerate() {
                    let ends = |at: usize| at..at.saturating_add(text.len());
                    memchr::memmem::find_iter(bytes, text).for_each(|at| found(ends(at), pattern));
                }
            }
        }
    }
}

/// Reads both alphabets, of which the second differs in characters that are put right before, and text that is cut anywhere.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    PAD.with_decode_allow_trailing_bits(true).with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
);

/// Notes what begins within a window in text.
pub(super) fn begun(bytes: &[u8], window: Range<usize>, begun: &mut Vec<Begun>) {
    let reach = window.start..window.end.saturating_add(LONGEST).min(bytes.len());
    let Some(text) = bytes.get(reach) else { return };
    let mut note = |at: usize, written: &Written| {
        if let Some(of) = bytes.get(at..).filter(|_| window.contains(&at)).and_then(|rest| written.begins(rest)) {
            begun.push(Begun { at: at as u64, form: written.form(), of });
        }
    };
    TEXTS.each(text, |range, written| note(window.start.saturating_add(range.start), written));
    for newline in memchr::memchr_iter(b'\n', text) {
        at_end_of_line(bytes, window.start.saturating_add(newline), &mut note);
    }
}

/// Shows what begins at the end of a line and goes on on the next one.
fn at_end_of_line(bytes: &[u8], newline: usize, see: &mut impl FnMut(usize, &Written)) {
    let behind = newline.saturating_add(1);
    let behind = bytes.get(behind..behind.saturating_add(NEAR).min(bytes.len())).unwrap_or_default().trim_ascii_start();
    let before = bytes.get(newline.saturating_sub(LONGEST)..newline).unwrap_or_default();
    let before = before.strip_suffix(b"\r").unwrap_or(before);
    let is_code = |byte: Option<&u8>| byte.is_some_and(|byte| is_of_base64(*byte));
    if !is_code(before.last()) || !is_code(behind.first()) || !is_code(behind.get(1)) {
        return;
    }
    let joined = [before, behind.get(..LONGEST).unwrap_or(behind)].concat();
    let start = newline.saturating_sub(LONGEST);
    TEXTS.each(&joined, |range, written| {
        if range.start < before.len() && range.end > before.len() {
            see(start.saturating_add(range.start), written);
        }
    });
}

impl Written {
    fn form(&self) -> PassedOverForm {
        match self {
            Self::Base64 { .. } => PassedOverForm::Base64,
            Self::Hex => PassedOverForm::Hex,
            Self::Escaped => PassedOverForm::Escaped,
        }
    }

    /// What it is that begins where the text does.
    fn begins(&self, text: &[u8]) -> Option<BeginningOf> {
        let text = text.get(..DECODED).unwrap_or(text);
        match self {
            Self::Base64 { lead } => {
                let characters = TELLING.saturating_mul(4).div_ceil(3);
                let mut code = Zeroizing::new(lead.clone());
                code.extend(unwrapped(text, is_of_base64).take(characters).map(|byte| match byte {
                    b'-' => b'+',
                    b'_' => b'/',
                    byte => byte,
                }));
                // One character alone is less than a byte.
                let whole = code.len().saturating_sub(usize::from(code.len() % 4 == 1));
                let decoded = Zeroizing::new(BASE64.decode(code.get(..whole)?).ok()?);
                let value = decoded.get(lead.len().saturating_sub(1)..).filter(|value| value.len() >= SHORTEST)?;
                BeginningOf::of(value)
            }
            Self::Hex => {
                let digits = Zeroizing::new(unwrapped(text, |byte| byte.is_ascii_hexdigit()).take(TELLING * 2).collect::<Vec<u8>>());
                let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
                let decoded = Zeroizing::new(digits.chunks_exact(2).map_while(byte).collect::<Vec<u8>>());
                BeginningOf::of(&decoded).filter(|_| decoded.len() >= SHORTEST)
            }
            Self::Escaped => {
                let head = text.get(..ESCAPED_KIND).unwrap_or(text);
                let is_secret = memchr::memmem::find(head, b"Secret").is_some();
                Some(if is_secret { BeginningOf::Secret } else { BeginningOf::Other })
            }
        }
    }
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

fn is_of_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    const SECRET: &[u8] = b"k8s\0\x0a\x0c\x0a\x02v1\x12\x06Secret\x12\xfb\xff\xbe";

    fn found(text: &[u8]) -> Vec<(u64, PassedOverForm, BeginningOf)> {
        let mut all = Vec::new();
        begun(text, 0..text.len(), &mut all);
        all.iter().map(|begun| (begun.at, begun.form, begun.of)).collect()
    }

    #[test]
    fn base64_is_told_at_any_alignment_and_in_lines_of_any_width() {
        for (value, of) in [
            (SECRET, BeginningOf::Secret),
            (b"k8s\0\x0a\x0f\x0a\x02v1\x12\x09ConfigMap\x12", BeginningOf::Other),
            (b"k8s:enc:aescbc:v1:key1:0123456789abcdef", BeginningOf::Sealed),
            (br#"{"kind":"Secret","apiVersion":"v1","metadata":{}}"#, BeginningOf::Secret),
            (br#"{"apiVersion":"v1","kind":"Pod","metadata":{}}"#, BeginningOf::Other),
        ] {
            for before in 0..6usize {
                let bytes = [&[0xfb; 6][..before], value].concat();
                // The first character that is the value's alone.
                let at = (before * 8).div_ceil(6) as u64;
                for text in [STANDARD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
                    let it = found(text.as_bytes());
                    assert_eq!(it, [(at, PassedOverForm::Base64, of)], "{text}");
                    for (width, end) in (4..77).flat_map(|width| [(width, "\n"), (width, "\r\n"), (width, "\n    ")]) {
                        let lines: Vec<&[u8]> = text.as_bytes().chunks(width).collect();
                        let it = found(&lines.join(end.as_bytes()));
                        assert!(width < 21 || it.len() == 1 && it[0].2 == of, "{width} {end:?} {text} {it:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn hexadecimal_digits_and_escapes_are_told() {
        let digits: String = SECRET.iter().map(|byte| format!("{byte:02x}")).collect();
        for text in [format!("X'{digits}'"), format!("\\x{}", digits.to_uppercase())] {
            assert_eq!(found(text.as_bytes()), [(2, PassedOverForm::Hex, BeginningOf::Secret)], "{text}");
        }
        for width in 11..61 {
            let lines: Vec<&[u8]> = digits.as_bytes().chunks(width).collect();
            assert_eq!(found(&lines.join(&b"\n"[..])), [(0, PassedOverForm::Hex, BeginningOf::Secret)], "{width}");
        }
        for text in [r"k8s\0\n\f\n\x02v1\x12\x06Secret", r"k8s\x00\n\f\n\x02v1", r"k8s\u0000\n\f", r"k8s\000\012\014Secret"] {
            let of = if text.contains("Secret") { BeginningOf::Secret } else { BeginningOf::Other };
            assert_eq!(found(text.as_bytes()), [(0, PassedOverForm::Escaped, of)], "{text}");
        }
    }

    #[test]
    fn text_that_only_looks_alike_is_none() {
        for text in ["azhzAAbbbbbbbbbbbbbbbbbb", "the words k8s and enc", "6b3873000b0c", "eyJhbGciOiJSUzI1NiJ9", "azhz\nAA"] {
            assert_eq!(found(text.as_bytes()), [], "{text}");
        }
    }

    #[test]
    fn what_begins_in_one_window_is_noted_there_alone() {
        let text = STANDARD.encode([&[0; 30][..], SECRET].concat());
        let whole = found(text.as_bytes());
        for border in 1..text.len() {
            let mut all = Vec::new();
            begun(text.as_bytes(), 0..border, &mut all);
            begun(text.as_bytes(), border..text.len(), &mut all);
            assert_eq!(all.len(), whole.len(), "{border}");
        }
    }
}
