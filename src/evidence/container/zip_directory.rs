//! The central directory of a zip: where it ends, and what stands in it beside the entries.
//!
//! | at | bytes | of its end |
//! |---|---|---|
//! | 0 | 4 | `50 4b 05 06` |
//! | 10 | 2 | entries |
//! | 12 | 4 | bytes of the directory |
//! | 20 | 2 | length of the comment |
//!
//! Source: APPNOTE.TXT §4.3.12 to §4.3.16.

use std::ops::Range;

use super::super::range;
use super::beside::Beside;
use super::zip_entry::look_beside_extra;

const END: &[u8] = b"PK\x05\x06";
const ENTRY: &[u8] = b"PK\x01\x02";
const END_64: &[u8] = b"PK\x06\x06";
const LOCATOR_64: &[u8] = b"PK\x06\x07";
/// Bytes of each without what is of any length.
const END_SIZE: usize = 22;
const ENTRY_SIZE: usize = 46;
const END_64_SIZE: usize = 56;
const LOCATOR_SIZE: usize = 20;

/// The end of a central directory.
pub(super) struct End {
    /// Where it stands, with the comment.
    pub range: Range<usize>,
}

impl End {
    /// The last one that a directory stands before, however much stands behind it.
    pub(super) fn find(bytes: &[u8]) -> Option<Self> {
        memchr::memmem::rfind_iter(bytes, END).find_map(|at| Self::at(bytes, at))
    }

    fn at(bytes: &[u8], start: usize) -> Option<Self> {
        let record = bytes.get(start..)?;
        let (entries, size) = (number(record, 10)?, u32::from(number(record, 12)?) | u32::from(number(record, 14)?) << 16);
        let end = start.checked_add(END_SIZE)?.checked_add(number(record, 20)?.into())?.min(bytes.len());
        let before = |length: usize| start.checked_sub(length).and_then(|at| bytes.get(at..)).unwrap_or_default();
        let is_one = before(LOCATOR_SIZE).starts_with(LOCATOR_64)
            || match (entries, size) {
                (0, 0) => true,
                _ => before(usize::try_from(size).ok()?).starts_with(ENTRY),
            };
        is_one.then_some(Self { range: start..end })
    }
}

/// Whether a zip ends where these bytes do, wherever in them it begins.
pub(crate) fn ends_like_zip(bytes: &[u8]) -> bool {
    End::find(bytes).is_some_and(|end| end.range.start > 0 && end.range.end == bytes.len())
}

/// Counts what stands in a directory that begins at a place and is of no entry.
pub(super) fn look_beside(bytes: &[u8], start: usize, end: &End, beside: &mut Beside) {
    let mut rest = bytes.get(start..end.range.start).unwrap_or_default();
    while let Some((extra, comment, behind)) = rest.starts_with(ENTRY).then(|| entry(rest)).flatten() {
        look_beside_extra(extra, beside);
        beside.add("comments of its files", comment);
        rest = behind;
    }
    if rest.starts_with(END_64) {
        rest = rest.get(END_64_SIZE..).unwrap_or_default();
        let locator = memchr::memmem::rfind(rest, LOCATOR_64).unwrap_or(rest.len());
        let (beside_it, behind) = rest.split_at_checked(locator).unwrap_or((rest, &[]));
        beside.add("its directory", beside_it);
        rest = behind.get(LOCATOR_SIZE..).unwrap_or_default();
    }
    beside.add("its directory", rest);
    beside.add("its comment", bytes.get(end.range.start.saturating_add(END_SIZE)..end.range.end).unwrap_or_default());
}

/// The extra fields and the comment of an entry of a directory, and what stands behind it.
fn entry(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let behind = bytes.get(ENTRY_SIZE..)?.get(number(bytes, 28)?.into()..)?;
    let (extra, behind) = behind.split_at_checked(number(bytes, 30)?.into())?;
    let (comment, behind) = behind.split_at_checked(number(bytes, 32)?.into())?;
    Some((extra, comment, behind))
}

fn number(bytes: &[u8], at: u64) -> Option<u16> {
    range::slice(bytes, at, 2).and_then(|two| two.try_into().ok()).map(u16::from_le_bytes)
}
