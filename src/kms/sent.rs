//! What was sent to a KMS is cut out of what it says: an error's text goes to screens, records and a ledger, and some KMS repeat in it
//! the wrapped key that they were given.
//!
//! A text is read in several ways, each of which leaves out what may stand between the parts of what was sent, such as blanks, quotes and
//! breaks of lines:
//!
//! | reading | takes for one unit |
//! |---|---|
//! | as it stands | a character |
//! | unescaped | a byte: a character's, or `%41`, `\x41`, `\101`, `\u0041`, `&#65;`, `\n` |
//! | base64 | one of its digits, of either alphabet, in what is unescaped |
//! | hexadecimal | a digit of either case, without `0x`; no word stands between two |
//! | numbers | a byte in decimal, signed or not, or in hexadecimal with `0x` |

use std::collections::HashSet;
use std::hash::Hash;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// So many units that stand in a row in what was sent, too, are of it.
const LEAST: usize = 16;
/// So many bytes of what was sent are looked for; API servers take DEK sources of 1,024.
const MOST: usize = 4096;
/// So many bytes are looked up together in all that was sent.
const PART: usize = 8;
const CUT: &str = "[what was sent]";

/// A character as it is kept and looked for: what a terminal would obey is a blank.
pub(super) fn plain(c: char) -> char {
    if c.is_control() { ' ' } else { c }
}

/// Text without what was sent, however it is written.
pub(super) fn without(text: &str, sent: &[u8]) -> String {
    let text: Vec<char> = text.chars().collect();
    cut(&text, &marked(&text, sent))
}

/// Which characters are of what was sent.
fn marked(text: &[char], sent: &[u8]) -> Vec<bool> {
    let sent = sent.get(..MOST).unwrap_or(sent);
    let mut is_sent = vec![false; text.len()];
    let unescaped = unescaped(text);
    let as_it_stands: Vec<Unit<char>> = text.iter().enumerate().map(|(at, c)| (*c, at..at.saturating_add(1))).collect();
    mark(&mut is_sent, &as_it_stands, &String::from_utf8_lossy(sent).chars().map(plain).collect::<Vec<_>>(), LEAST);
    mark(&mut is_sent, &unescaped, sent, LEAST);
    let digits = in_base64(&unescaped);
    // Base64 of what begins within it: in every alignment.
    for from in 0..3 {
        let form = STANDARD_NO_PAD.encode(sent.get(from..).unwrap_or_default());
        mark(&mut is_sent, &digits, form.as_bytes(), LEAST);
    }
    let form: String = sent.iter().map(|byte| format!("{byte:02x}")).collect();
    mark(&mut is_sent, &in_hexadecimal(&unescaped), form.as_bytes(), LEAST);
    // Each of them is a byte.
    mark(&mut is_sent, &numbers(text), sent, LEAST / 2);
    is_sent
}

/// The characters that are not.
fn cut(text: &[char], is_sent: &[bool]) -> String {
    let mut kept = String::new();
    let mut was_sent = false;
    for (c, is_sent) in text.iter().zip(is_sent) {
        match is_sent {
            false => kept.push(*c),
            true if !was_sent => kept.push_str(CUT),
            true => {}
        }
        was_sent = *is_sent;
    }
    kept
}

/// All that was sent in a run, to be found again in whatever is said later: the work of a text is that of its length, however much was sent.
#[derive(Default)]
pub(super) struct AllSent {
    parts: HashSet<[u8; PART]>,
}

impl AllSent {
    /// Takes note of what is sent.
    pub(super) fn add(&mut self, sent: &[u8]) {
        let sent = sent.get(..MOST).unwrap_or(sent);
        let parts = sent.windows(PART).filter_map(|part| <[u8; PART]>::try_from(part).ok());
        // What is one byte over and over stands anywhere.
        self.parts.extend(parts.filter(|part| part.iter().any(|byte| Some(byte) != part.first())));
    }

    /// Text without any of it, however it is written.
    pub(super) fn cut_out(&self, text: &str) -> String {
        let text: Vec<char> = text.chars().collect();
        let unescaped = unescaped(&text);
        let mut is_sent = vec![false; text.len()];
        let whole = |units: &[Unit<u8>]| units.iter().map(|(byte, place)| (Some(*byte), place.clone())).collect::<Vec<_>>();
        self.mark(&mut is_sent, &whole(&unescaped), LEAST);
        self.mark(&mut is_sent, &whole(&numbers(&text)), PART);
        for bytes in all_decoded(&unescaped) {
            self.mark(&mut is_sent, &bytes, PART);
            // What is within it may be in digits again.
            let known: Vec<Unit<u8>> = bytes.into_iter().filter_map(|(byte, place)| Some((byte?, place))).collect();
            all_decoded(&known).iter().for_each(|bytes| self.mark(&mut is_sent, bytes, PART));
        }
        cut(&text, &is_sent)
    }

    /// Marks where at least so many bytes in a row are of what was sent.
    fn mark(&self, is_sent: &mut [bool], bytes: &[Unit<Option<u8>>], least: usize) {
        let in_a_row = least.saturating_sub(PART).saturating_add(1);
        let is_part = |window: &[Unit<Option<u8>>]| {
            let mut part = [0; PART];
            part.iter_mut().zip(window).all(|(to, (byte, _))| {
                byte.is_some_and(|byte| {
                    *to = byte;
                    true
                })
            }) && self.parts.contains(&part)
        };
        let mut row = 0usize;
        for (at, window) in bytes.windows(PART).enumerate() {
            row = if is_part(window) { row.saturating_add(1) } else { 0 };
            let first = at.saturating_add(1).checked_sub(in_a_row).and_then(|first| bytes.get(first));
            if let (true, Some((_, first)), Some((_, last))) = (row >= in_a_row, first, window.last()) {
                is_sent.iter_mut().take(last.end).skip(first.start).for_each(|is| *is = true);
            }
        }
    }
}

/// What the digits of base64 and the hexadecimal ones in bytes stand for, from every place where they may begin.
fn all_decoded(bytes: &[Unit<u8>]) -> Vec<Vec<Unit<Option<u8>>>> {
    let (base64, hexadecimal) = (in_base64(bytes), in_hexadecimal(bytes));
    let of_base64 = (0..4).map(|from| decoded(&base64, from, 4, base64_value));
    of_base64.chain((0..2).map(|from| decoded(&hexadecimal, from, 2, hexadecimal_value))).collect()
}

/// The bytes that digits stand for from a place on, so many digits together; `None` where one is no digit.
fn decoded(digits: &[Unit<u8>], from: usize, together: usize, value: fn(u8) -> Option<u32>) -> Vec<Unit<Option<u8>>> {
    let bits = if together == 4 { 6 } else { 4 };
    let chunks = digits.get(from..).unwrap_or_default().chunks_exact(together);
    let bytes = chunks.flat_map(|chunk| {
        let number = chunk.iter().try_fold(0u32, |number, (digit, _)| Some(number.wrapping_shl(bits) | value(*digit)?));
        let place = chunk.first().map_or(0, |(_, place)| place.start)..chunk.last().map_or(0, |(_, place)| place.end);
        let count = if together == 4 { 3 } else { 1 };
        let bytes = number.map(u32::to_be_bytes);
        (0..count).map(move |at| {
            let index = 4usize.saturating_sub(count).saturating_add(at);
            (bytes.and_then(|bytes| bytes.get(index).copied()), place.clone())
        })
    });
    bytes.collect()
}

fn base64_value(digit: u8) -> Option<u32> {
    Some(match digit {
        b'A'..=b'Z' => u32::from(digit.wrapping_sub(b'A')),
        b'a'..=b'z' => u32::from(digit.wrapping_sub(b'a')).saturating_add(26),
        b'0'..=b'9' => u32::from(digit.wrapping_sub(b'0')).saturating_add(52),
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

fn hexadecimal_value(digit: u8) -> Option<u32> {
    char::from(digit).to_digit(16)
}

/// What is read as one, and which characters it stands in.
type Unit<T> = (T, Range<usize>);

/// Marks where at least so many units in a row stand in this form of what was sent, too; or all of it, where that is shorter.
fn mark<T: Copy + Eq + Hash>(is_sent: &mut [bool], read: &[Unit<T>], form: &[T], least: usize) {
    // A wrapped key that is shorter is none; its whole form is looked for all the same.
    let (shortest, least) = (least / 2, least.min(form.len()));
    if least < shortest {
        return;
    }
    let known: HashSet<&[T]> = form.windows(least).collect();
    let units: Vec<T> = read.iter().map(|(unit, _)| *unit).collect();
    for (at, window) in units.windows(least).enumerate() {
        let places = read.get(at).zip(read.get(at.saturating_add(least).saturating_sub(1)));
        if let (true, Some(((_, first), (_, last)))) = (known.contains(window), places) {
            is_sent.iter_mut().take(last.end).skip(first.start).for_each(|is| *is = true);
        }
    }
}

/// The bytes of a text in which some are escaped.
fn unescaped(text: &[char]) -> Vec<Unit<u8>> {
    let mut bytes = Vec::new();
    let mut at = 0usize;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (escaped, length) = escaped(rest).unwrap_or((None, 1));
        let place = at..at.saturating_add(length);
        match (escaped, rest.first()) {
            (Some(byte), _) => bytes.push((byte, place.clone())),
            (None, Some(c)) => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes().map(|byte| (byte, place.clone()))),
            (None, None) => {}
        }
        at = place.end;
    }
    bytes
}

/// The byte that is escaped at the beginning of a text, and how many characters say so.
fn escaped(text: &[char]) -> Option<(Option<u8>, usize)> {
    let number = |from: usize, length: usize, radix: u32| {
        let digits = text.get(from..from.saturating_add(length))?;
        let value = digits.iter().try_fold(0u32, |value, c| value.checked_mul(radix)?.checked_add(c.to_digit(radix)?))?;
        Some((Some(u8::try_from(value).ok()?), from.saturating_add(length)))
    };
    match text {
        ['%', ..] => number(1, 2, 16),
        ['\\', 'x' | 'X', ..] => number(2, 2, 16),
        ['\\', 'u', ..] => number(2, 4, 16),
        ['\\', '0'..='3', ..] => number(1, 3, 8),
        ['\\', c, ..] => {
            let byte = match c {
                'a' => 7,
                'b' => 8,
                't' => b'\t',
                'n' => b'\n',
                'v' => 11,
                'f' => 12,
                'r' => b'\r',
                _ => u8::try_from(*c).ok()?,
            };
            Some((Some(byte), 2))
        }
        ['&', '#', rest @ ..] => {
            let (radix, from) = if matches!(rest, ['x' | 'X', ..]) { (16, 3) } else { (10, 2) };
            let digits = text.get(from..)?.iter().take(4).take_while(|c| c.is_digit(radix)).count();
            let (byte, length) = number(from, digits, radix).filter(|_| digits > 0)?;
            Some((byte, length.saturating_add(usize::from(text.get(length) == Some(&';')))))
        }
        _ => None,
    }
}

/// The digits of base64 in bytes, in the one alphabet.
fn in_base64(bytes: &[Unit<u8>]) -> Vec<Unit<u8>> {
    let digit = |byte: u8| match byte {
        b'-' => Some(b'+'),
        b'_' => Some(b'/'),
        b'+' | b'/' => Some(byte),
        _ => byte.is_ascii_alphanumeric().then_some(byte),
    };
    bytes.iter().filter_map(|(byte, place)| Some((digit(*byte)?, place.clone()))).collect()
}

/// The hexadecimal digits in bytes, and the letters between them that are none: no two parts of what was sent have a word between them.
fn in_hexadecimal(bytes: &[Unit<u8>]) -> Vec<Unit<u8>> {
    let at = |at: Option<usize>| at.and_then(|at| bytes.get(at)).map(|(byte, _)| byte.to_ascii_lowercase());
    let is_prefix = |index: usize, byte: u8| match byte {
        b'0' => at(index.checked_add(1)) == Some(b'x'),
        b'x' => at(index.checked_sub(1)) == Some(b'0'),
        _ => false,
    };
    let lower = bytes.iter().enumerate().map(|(index, (byte, place))| (index, byte.to_ascii_lowercase(), place));
    let said = lower.filter(|(index, byte, _)| byte.is_ascii_alphanumeric() && !is_prefix(*index, *byte));
    said.map(|(_, byte, place)| (byte, place.clone())).collect()
}

/// The numbers in a text that are bytes.
fn numbers(text: &[char]) -> Vec<Unit<u8>> {
    let mut found = Vec::new();
    let mut at = 0usize;
    for word in text.chunk_by(|one, other| one.is_ascii_alphanumeric() == other.is_ascii_alphanumeric()) {
        let place = at..at.saturating_add(word.len());
        let is_negative = at.checked_sub(1).and_then(|before| text.get(before)) == Some(&'-');
        at = place.end;
        let digits: String = word.iter().take(5).collect();
        let value = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
            Some(digits) => u8::from_str_radix(digits, 16).ok(),
            None => digits.parse::<u8>().ok(),
        };
        if let Some(value) = value {
            found.push((if is_negative { value.wrapping_neg() } else { value }, place));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

    use super::*;

    /// A blob with bytes of every kind.
    fn blob() -> Vec<u8> {
        (0..200u8).map(|number| number.wrapping_mul(37)).collect()
    }

    /// Characters with something between every so many of them.
    fn parted(text: &str, every: usize, between: &str) -> String {
        text.chars().collect::<Vec<_>>().chunks(every).map(|part| part.iter().collect::<String>()).collect::<Vec<_>>().join(between)
    }

    #[test]
    fn what_was_sent_is_cut_out_however_it_is_written_and_the_rest_is_kept() {
        let sent = blob();
        let each = |form: fn(&u8) -> String, between: &str| sent.iter().map(form).collect::<Vec<_>>().join(between);
        let base64 = STANDARD.encode(&sent);
        let printable = |byte: &u8, or: String| if byte.is_ascii_alphanumeric() { char::from(*byte).to_string() } else { or };
        let mut written = vec![
            base64.clone(),
            URL_SAFE.encode(sent.get(1..).unwrap_or_default()),
            URL_SAFE_NO_PAD.encode(sent.get(2..).unwrap_or_default()),
            base64.replace('+', "%2B").replace('/', "%2f").replace('=', "%3D"),
            base64.replace('+', "\\u002b").replace('/', "\\/"),
            base64.replace('+', "&#43;").replace('/', "&#x2F;"),
            each(|byte| format!("{byte:02x}"), ""),
            each(|byte| format!("{byte:02X}"), ""),
            each(|byte| format!("{byte:02X}"), "-"),
            each(|byte| format!("{byte:02x}"), ":"),
            each(|byte| format!("0x{byte:02x}"), ", "),
            each(|byte| format!("0x{byte:x}"), ", "),
            each(|byte| format!("\\x{byte:02x}"), ""),
            each(|byte| format!("%{byte:02X}"), ""),
            each(|byte| format!("\\{byte:03o}"), ""),
            each(|byte| format!("\\u{byte:04x}"), ""),
            each(ToString::to_string, " "),
            each(ToString::to_string, ","),
            each(|byte| byte.cast_signed().to_string(), ", "),
            format!("{sent:?}"),
            sent.iter().map(|byte| printable(byte, format!("%{byte:02x}"))).collect(),
            sent.iter().map(|byte| printable(byte, format!("\\x{byte:02x}"))).collect(),
            String::from_utf8_lossy(&sent).into_owned(),
        ];
        for (every, between) in
            [(76, "\r\n"), (64, "\\n"), (64, "\\r\\n"), (4, " "), (1, " "), (8, "\", \""), (10, "%0A"), (12, "|"), (7, "  \t")]
        {
            written.push(parted(&base64, every, between));
            written.push(parted(&each(|byte| format!("{byte:02x}"), ""), every, between));
        }
        for blob in written {
            let told =
                |blob: &str| without(&format!("cannot decrypt {blob}: key is disabled").chars().map(plain).collect::<String>(), &sent);
            let text = told(&blob);
            assert!(text.starts_with("cannot decrypt ") && text.ends_with(": key is disabled") && text.len() < 80, "{blob}: {text}");
            // Also where it was cut off.
            let text = told(&format!("{}…", blob.chars().take(120).collect::<String>()));
            assert!(text.starts_with("cannot decrypt ") && text.ends_with("is disabled") && text.len() < 90, "{blob}: {text}");
        }
        let words = "vault:v1:QUJDREVGR0hJSktMTU5P is not known";
        assert_eq!(without(words, b"vault:v1:QUJDREVGR0hJSktMTU5P"), "[what was sent] is not known");
    }

    /// What was sent with an earlier question is told as little as what was sent with this one.
    #[test]
    fn what_was_sent_earlier_is_cut_out_too() {
        let mut all = AllSent::default();
        let blobs: Vec<Vec<u8>> =
            (0..50u8).map(|number| (0..120u8).map(|at| at.wrapping_mul(number | 1).wrapping_add(at / 7) ^ number).collect()).collect();
        blobs.iter().for_each(|blob| all.add(blob));
        for blob in [&blobs[0], &blobs[17], &blobs[49]] {
            let hex: String = blob.iter().map(|byte| format!("{byte:02x}")).collect();
            for (written, between) in [
                (STANDARD_NO_PAD.encode(blob), ""),
                (STANDARD_NO_PAD.encode(&blob[1..]), ""),
                (STANDARD_NO_PAD.encode(STANDARD_NO_PAD.encode(blob)), ""),
                (STANDARD_NO_PAD.encode(blob).bytes().map(|byte| format!("{byte:02x}")).collect(), ""),
                (hex.clone(), ""),
                (hex.to_uppercase(), ""),
                (blob.iter().map(u8::to_string).collect::<Vec<_>>().join(", "), ""),
                (parted(&hex, 8, " "), ""),
                (blob.iter().map(|byte| format!("\\x{byte:02x}")).collect(), ""),
            ] {
                let text = all.cut_out(&format!("{between}cannot decrypt: {written} | the key is disabled"));
                assert!(text.starts_with("cannot decrypt: ") && text.ends_with("is disabled") && text.len() < 100, "{written}: {text}");
            }
        }
        for kept in ["arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-1111-4aaa-8aaa-000000000001 is disabled", "1, 2, 3, 4, 5, 6, 7", ""] {
            assert_eq!(all.cut_out(kept), kept);
        }
    }

    #[test]
    fn what_was_not_sent_is_kept() {
        for kept in [
            "",
            "arn:aws:kms:eu-west-1:111122223333:key/aaaaaaaa-1111-4aaa-8aaa-000000000001 is disabled",
            "1 2 3",
            "100% of \\ & &#; \\x \\u12 %4 0x \\",
            "rpc error: code = Unknown desc = Error making API request. Code: 503. Errors: * Vault is sealed",
        ] {
            for sent in [&blob()[..], b"", b"1", &[0; 200], &[b' '; 100]] {
                assert_eq!(without(kept, sent), kept);
            }
        }
    }
}
