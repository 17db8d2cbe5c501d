//! Lines of a dump, and the bytes that they stand for together: hexadecimal digits here, other numbers and characters in [`columns`].
//!
//! ```text
//! 6b3873000a0c0a02…                                                    xxd -p
//! 00000000: 6b38 7300 0a0c 0a02 7631 1206 5365 6372  k8s.....v1..Secr   xxd
//! 00000000  6b 38 73 00 0a 0c 0a 02  76 31 12 06 53 65 63 72  |k8s…|     hexdump -C
//! 0000000 386b 0073 0c0a 020a 3176 0612 6553 7263                        hexdump, od -x: the second byte of two stands first
//! 0000000 0073386b 020a0c0a 06123176                                      od -t x4: the last byte of four stands first
//! 0000000 6b 38 73 00 0a 0c 0a 02 76 31 12 06 53 65 63 72                od -t x1
//!   0x6b, 0x38, 0x73, 0x00, 0x0a, 0x0c, 0x0a, 0x02,                      xxd -i
//!     6b:38:73:00:0a:0c:0a:02:76:31:12:06:53:65:63:                      openssl
//! ```

use std::ops::Range;

use super::super::begun::PassedOverForm;
use super::columns;
use super::decoded::Decoded;
use super::written::{hex_byte, without_separators};

/// The longest line that is read. In longer ones stands no column of offsets, nor another line's half of a beginning.
const LINE: usize = 1024;
/// So far behind a window lines are looked at.
const REACH: usize = 1 << 14;
/// So many bytes behind a window are read for what begins at its end.
const AHEAD: usize = 512;
/// The shortest offset that a colon does not mark, and the longest one.
const OFFSET: Range<usize> = 4..17;

/// Shows the bytes of all lines that follow each other, of those that begin in a window, and of a few behind it.
pub(super) fn each_run(bytes: &[u8], window: Range<usize>, mut see: impl FnMut(&Decoded)) {
    let bytes = bytes.get(..window.end.saturating_add(REACH)).unwrap_or(bytes);
    let mut run = Decoded::of(PassedOverForm::Hex);
    let mut start = first_line(bytes, window.start);
    let mut until = usize::MAX;
    while let Some(rest) = bytes.get(start..).filter(|rest| !rest.is_empty()) {
        if start >= window.end {
            until = until.min(run.bytes().len().saturating_add(AHEAD));
            if run.bytes().is_empty() || run.bytes().len() >= until {
                break;
            }
        }
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let (before, line) = line_of(rest.get(..length).unwrap_or(rest));
        let read = read(line);
        if before > 0 || read.as_ref().is_none_or(|(form, _)| *form != run.form) {
            if !run.bytes().is_empty() {
                see(&run);
            }
            run = Decoded::of(read.as_ref().map_or(PassedOverForm::Hex, |(form, _)| *form));
        }
        let place = start.saturating_add(before);
        for (byte, at) in read.into_iter().flat_map(|(_, bytes)| bytes) {
            run.push(byte, place.saturating_add(at));
        }
        start = start.saturating_add(length).saturating_add(1);
    }
    if !run.bytes().is_empty() {
        see(&run);
    }
}

/// What of the bytes before the end of a line is the line, and how many stand before it: it begins behind zeros, such as those that fill
/// another file's last block. Of one that is too long, nothing.
fn line_of(bytes: &[u8]) -> (usize, &[u8]) {
    let tail = bytes.get(bytes.len().saturating_sub(LINE)..).unwrap_or(bytes);
    let line = match memchr::memrchr(0, tail) {
        Some(zero) => tail.get(zero.saturating_add(1)..).unwrap_or_default(),
        None if tail.len() < bytes.len() => &[],
        None => tail,
    };
    (bytes.len().saturating_sub(line.len()), line)
}

/// Where the first line begins that begins in a window: behind the end of one, or behind zeros.
fn first_line(bytes: &[u8], start: usize) -> usize {
    let rest = start.checked_sub(1).and_then(|before| bytes.get(before..));
    let Some(rest) = rest else { return start };
    let at = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
    let has_zero = rest.get(..at).is_some_and(|line| memchr::memchr(0, line).is_some());
    if has_zero { start } else { start.saturating_add(at) }
}

/// The bytes of a line, each with where in it that stands, and how they are written; `None`: it is none.
fn read(line: &[u8]) -> Option<(PassedOverForm, Vec<(u8, usize)>)> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let first = line.trim_ascii_start().first()?;
    let may_be_hex = first.is_ascii_hexdigit() || matches!(first, b'\\' | b'"' | b'\'');
    let in_hex = || hex(line).map(|bytes| (PassedOverForm::Hex, bytes));
    let in_columns = || {
        let (before, behind) = without_offset(line)?;
        let bytes = columns::bytes_of(behind)?;
        Some((PassedOverForm::Numbers, bytes.into_iter().map(|(byte, at)| (byte, before.saturating_add(at))).collect()))
    };
    let in_uuencode = || columns::of_uuencode(line).map(|bytes| (PassedOverForm::OtherText, bytes));
    let dumped = if may_be_hex { in_columns().or_else(in_hex) } else { None };
    dumped.or_else(in_uuencode)
}

/// What stands behind the offset of a line, and where.
fn without_offset(line: &[u8]) -> Option<(usize, &[u8])> {
    let length = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let behind = line.get(length..).filter(|behind| OFFSET.contains(&length) && behind.starts_with(b" "))?;
    Some((length, behind))
}

fn hex(line: &[u8]) -> Option<Vec<(u8, usize)>> {
    let Line { digits, has_offset, swapped } = Line::of(line);
    let mut bytes = Vec::new();
    let mut rest = without_separators(digits);
    while let Some((byte, behind)) = hex_byte(rest) {
        bytes.push((byte, line.len().min(offset_within(line, rest))));
        rest = without_separators(behind);
    }
    bytes.chunks_exact_mut(swapped.unwrap_or(1)).for_each(|word| {
        let places: Vec<usize> = word.iter().map(|(_, at)| *at).collect();
        word.reverse();
        word.iter_mut().zip(places).for_each(|((_, at), place)| *at = place);
    });
    (!bytes.is_empty() && (has_offset || rest.is_empty())).then_some(bytes)
}

fn offset_within(line: &[u8], rest: &[u8]) -> usize {
    crate::evidence::range::offset_within(line, rest).and_then(|at| usize::try_from(at).ok()).unwrap_or(0)
}

/// A line without its offset and its characters.
struct Line<'line> {
    digits: &'line [u8],
    has_offset: bool,
    /// Bytes of a word of which the last one stands first.
    swapped: Option<usize>,
}

impl<'line> Line<'line> {
    fn of(line: &'line [u8]) -> Self {
        let trimmed = line.trim_ascii_start();
        let trimmed = trimmed.strip_prefix(b"0x").unwrap_or(trimmed);
        let length = trimmed.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let behind = trimmed.get(length..).unwrap_or_default();
        let whole = Self { digits: line, has_offset: false, swapped: None };
        if !OFFSET.contains(&length) {
            return whole;
        }
        // Where the characters begin: behind a bar, or behind blanks that are more than those between two bytes.
        let cut = |digits: &'line [u8], gap: &[u8]| {
            let end = [&b" |"[..], b" >", gap].iter().filter_map(|mark| memchr::memmem::find(digits, mark)).min();
            digits.get(..end.unwrap_or(digits.len())).unwrap_or(digits)
        };
        if let Some(digits) = behind.strip_prefix(b":").filter(|digits| digits.first() == Some(&b' ')) {
            return Self { digits: cut(digits.trim_ascii_start(), b"  "), has_offset: true, swapped: None };
        }
        let digits = cut(behind.trim_ascii(), b"   ");
        let mut words = digits.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).map(<[u8]>::len).peekable();
        let first = words.peek().copied();
        if !behind.starts_with(b" ") || !matches!(first, Some(2 | 4 | 8 | 16)) || first == Some(length) {
            return whole;
        }
        let length = first.filter(|length| *length > 2 && words.all(|word| word == *length));
        Self { digits, has_offset: true, swapped: length.map(|length| length / 2) }
    }
}
