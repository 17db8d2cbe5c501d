//! Lines of hexadecimal digits, and the bytes that they stand for together.
//!
//! ```text
//! 6b3873000a0c0a02…                                                    xxd -p
//! 00000000: 6b38 7300 0a0c 0a02 7631 1206 5365 6372  k8s.....v1..Secr   xxd
//! 00000000  6b 38 73 00 0a 0c 0a 02  76 31 12 06 53 65 63 72  |k8s…|     hexdump -C
//! 0000000 386b 0073 0c0a 020a 3176 0612 6553 7263                        hexdump, od -x: the second byte of two stands first
//! 0000000 6b 38 73 00 0a 0c 0a 02 76 31 12 06 53 65 63 72                od -t x1
//!   0x6b, 0x38, 0x73, 0x00, 0x0a, 0x0c, 0x0a, 0x02,                      xxd -i
//!     6b:38:73:00:0a:0c:0a:02:76:31:12:06:53:65:63:                      openssl
//! ```

use std::ops::Range;

use zeroize::Zeroizing;

use super::written::{hex_byte, without_separators};

/// The longest line that is read. In longer ones stands no column of offsets, nor another line's half of a beginning.
const LINE: usize = 1024;
/// So many bytes behind a window are read for what begins at its end.
const AHEAD: usize = 512;
/// The shortest offset that a colon does not mark, and the longest one.
const OFFSET: Range<usize> = 4..17;

/// The bytes of successive lines.
#[derive(Default)]
pub(super) struct Dumped {
    bytes: Zeroizing<Vec<u8>>,
    /// Of each byte the place of its digits.
    places: Vec<usize>,
}

impl Dumped {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the digits of a byte stand.
    pub(super) fn place(&self, at: usize) -> Option<usize> {
        self.places.get(at).copied()
    }
}

/// Shows the bytes of all lines that follow each other, of those that begin in a window, and of a few behind it.
pub(super) fn each_run(bytes: &[u8], window: Range<usize>, mut see: impl FnMut(&Dumped)) {
    let mut run = Dumped::default();
    let mut flush = |run: &mut Dumped| {
        if !run.bytes.is_empty() {
            see(run);
            *run = Dumped::default();
        }
    };
    let mut start = first_line(bytes, window.start);
    let mut until = usize::MAX;
    while let Some(rest) = bytes.get(start..).filter(|rest| !rest.is_empty()) {
        if start >= window.end {
            until = until.min(run.bytes.len().saturating_add(AHEAD));
            if run.bytes.is_empty() || run.bytes.len() >= until {
                break;
            }
        }
        let length = memchr::memchr(b'\n', rest.get(..LINE).unwrap_or(rest));
        let length = length.or_else(|| (rest.len() <= LINE).then_some(rest.len()));
        if !length.and_then(|length| rest.get(..length)).is_some_and(|line| add(line, start, &mut run)) {
            flush(&mut run);
        }
        let Some(next) = length.or_else(|| memchr::memchr(b'\n', rest)) else { break };
        start = start.saturating_add(next).saturating_add(1);
    }
    flush(&mut run);
}

/// Where the first line begins that begins in a window.
fn first_line(bytes: &[u8], start: usize) -> usize {
    let Some(before) = start.checked_sub(1) else { return 0 };
    bytes.get(before..).and_then(|rest| memchr::memchr(b'\n', rest)).map_or(bytes.len(), |at| start.saturating_add(at))
}

/// Adds the bytes of a line; `false`: it is none.
fn add(line: &[u8], start: usize, run: &mut Dumped) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if !line.trim_ascii_start().first().is_some_and(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'\\' | b'"' | b'\'')) {
        return false;
    }
    let Line { digits, has_offset, is_swapped } = Line::of(line);
    let known = run.bytes.len();
    let mut rest = without_separators(digits);
    while let Some((byte, behind)) = hex_byte(rest) {
        run.bytes.push(byte);
        run.places.push(start.saturating_add(line.len().min(offset_within(line, rest))));
        rest = without_separators(behind);
    }
    let is_one = run.bytes.len() > known && (has_offset || rest.is_empty());
    if !is_one {
        run.bytes.truncate(known);
        run.places.truncate(known);
    } else if is_swapped {
        run.bytes.get_mut(known..).into_iter().flat_map(|bytes| bytes.chunks_exact_mut(2)).for_each(<[u8]>::reverse);
    }
    is_one
}

fn offset_within(line: &[u8], rest: &[u8]) -> usize {
    crate::evidence::range::offset_within(line, rest).and_then(|at| usize::try_from(at).ok()).unwrap_or(0)
}

/// A line without its offset and its characters.
struct Line<'line> {
    digits: &'line [u8],
    has_offset: bool,
    is_swapped: bool,
}

impl<'line> Line<'line> {
    fn of(line: &'line [u8]) -> Self {
        let trimmed = line.trim_ascii_start();
        let trimmed = trimmed.strip_prefix(b"0x").unwrap_or(trimmed);
        let length = trimmed.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let behind = trimmed.get(length..).unwrap_or_default();
        let whole = Self { digits: line, has_offset: false, is_swapped: false };
        if !OFFSET.contains(&length) {
            return whole;
        }
        // Where the characters begin: behind a bar, or behind blanks that are more than those between two bytes.
        let cut = |digits: &'line [u8], gap: &[u8]| {
            let end = [&b" |"[..], b" >", gap].iter().filter_map(|mark| memchr::memmem::find(digits, mark)).min();
            digits.get(..end.unwrap_or(digits.len())).unwrap_or(digits)
        };
        if let Some(digits) = behind.strip_prefix(b":").filter(|digits| digits.first() == Some(&b' ')) {
            return Self { digits: cut(digits.trim_ascii_start(), b"  "), has_offset: true, is_swapped: false };
        }
        let digits = cut(behind.trim_ascii(), b"   ");
        let mut words = digits.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).map(<[u8]>::len).peekable();
        let first = words.peek().copied();
        if !behind.starts_with(b" ") || !matches!(first, Some(2 | 4)) || first == Some(length) {
            return whole;
        }
        Self { digits, has_offset: true, is_swapped: words.all(|word| word == 4) }
    }
}
