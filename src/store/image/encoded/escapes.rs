//! Bytes written as escapes, all of them or those that are no characters.
//!
//! | escape | written by |
//! |---|---|
//! | `\x00` | Go, Python, C, `bash` |
//! | `\u0000` | JSON, Java |
//! | `\000`, `\0` | PostgreSQL, MySQL, C |
//! | `\n`, `\f` … | all of these |
//! | `%00` | URLs |
//! | `=00` | mail (quoted-printable), which ends its lines with `=` |
//! | `&#123;`, `&#x7b;` | HTML, XML |
//!
//! Each may stand in a text that is escaped once more, with as many backslashes.

use zeroize::Zeroizing;

use super::super::begun::BeginningOf;
use crate::kubernetes::TELLING;

/// What values begin with, up to the second escape.
pub(super) const NEEDLES: [&[u8]; 26] = [
    br"k8s\",
    br"k8s%00",
    br"\x6b\",
    br"\x6B\",
    br"\x7b\",
    br"\x7B\",
    br"\u006b\",
    br"\u006B\",
    br"\u007b\",
    br"\u007B\",
    br"\153\",
    br"\173\",
    br"%6b%38",
    br"%6B%38",
    br"%7b%22",
    br"%7B%22",
    br"k8s%3Aenc%3A",
    b"k8s=00",
    b"=6B=38",
    b"=7B=22",
    b"&#107;",
    b"&#123;",
    b"&#x6b;",
    b"&#x6B;",
    b"&#x7b;",
    b"&#x7B;",
];
/// Bytes that tell whether to read on.
const FIRST: usize = 4;

/// Digits of such a number, with zeros before it.
const OF_ENTITY: usize = 8;

/// What it is that begins where escapes do.
pub(super) fn begins(text: &[u8]) -> Option<BeginningOf> {
    let head: Zeroizing<Vec<u8>> = Zeroizing::new(decoded(text).take(FIRST).collect());
    if !matches!(head.as_slice(), b"k8s\0" | b"k8s:") && !head.starts_with(b"{") {
        return None;
    }
    let value: Zeroizing<Vec<u8>> = Zeroizing::new(decoded(text).take(TELLING).collect());
    let lossy = || {
        // What wrote it may have dropped what is no character.
        let is_secret = memchr::memmem::find(&value, b"Secret").is_some();
        value.starts_with(b"k8s\0\x0a").then_some(if is_secret { BeginningOf::Secret } else { BeginningOf::Other })
    };
    BeginningOf::of(&value).or_else(lossy)
}

/// The bytes that a text with escapes stands for.
fn decoded(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (byte, behind) = next(rest)?;
        rest = behind;
        Some(byte)
    })
}

fn next(text: &[u8]) -> Option<(u8, &[u8])> {
    let (first, behind) = text.split_first()?;
    let escape = match first {
        b'%' => radix(behind, 2, 16),
        b'\\' => escaped(behind),
        b'&' => entity(behind),
        b'=' => radix(behind, 2, 16).or_else(|| next(behind.strip_prefix(b"\r").unwrap_or(behind).strip_prefix(b"\n")?)),
        _ => None,
    };
    Some(escape.unwrap_or((*first, behind)))
}

/// What stands for a byte behind an ampersand.
fn entity(text: &[u8]) -> Option<(u8, &[u8])> {
    let text = text.strip_prefix(b"#")?;
    let (number, base) = match text.split_first()? {
        (b'x' | b'X', number) => (number, 16),
        _ => (text, 10),
    };
    let digits = number.iter().take(OF_ENTITY).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (byte, behind) = radix(number, digits, base)?;
    Some((byte, behind.strip_prefix(b";")?))
}

/// What stands for a byte behind a backslash.
fn escaped(text: &[u8]) -> Option<(u8, &[u8])> {
    let backslashes = text.iter().take_while(|byte| **byte == b'\\').count();
    let (letter, behind) = text.get(backslashes..)?.split_first()?;
    let byte = match letter {
        b'x' | b'X' => return radix(behind, 2, 16),
        b'u' => return radix(behind, 4, 16),
        b'0'..=b'7' => return octal(text.get(backslashes..)?),
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'f' => 0x0c,
        b'v' => 0x0b,
        b'a' => 0x07,
        b'e' => 0x1b,
        b'Z' => 0x1a,
        b'"' | b'\'' | b'/' => *letter,
        _ => return None,
    };
    Some((byte, behind))
}

/// Three digits, or the zero that stands for itself.
fn octal(text: &[u8]) -> Option<(u8, &[u8])> {
    radix(text, 3, 8).or_else(|| text.strip_prefix(b"0").map(|behind| (0, behind)))
}

fn radix(text: &[u8], digits: usize, radix: u32) -> Option<(u8, &[u8])> {
    let (number, behind) = text.split_at_checked(digits)?;
    let number = std::str::from_utf8(number).ok().filter(|number| number.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    Some((u8::try_from(u32::from_str_radix(number, radix).ok()?).ok()?, behind))
}
