//! Places in the evidence.

use std::ops::Range;

/// Where `part` begins within `whole`, in bytes, when it is a slice of it.
///
/// Every borrowed view in the crate is a slice of one evidence; its place is the difference of the
/// two addresses. An empty slice has no place.
pub(crate) fn offset_within(whole: &[u8], part: &[u8]) -> Option<u64> {
    if part.is_empty() {
        return None;
    }
    let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    let end = start.checked_add(part.len())?;
    (end <= whole.len()).then_some(start as u64)
}

/// `len` bytes of `whole` from `offset`, or `None` where they are not all there.
pub fn slice(whole: &[u8], offset: u64, len: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    let end = usize::try_from(offset.checked_add(len)?).ok()?;
    whole.get(start..end)
}

/// The parts of `whole` that stand in none of the ranges.
pub(crate) fn beside(whole: &[u8], mut ranges: Vec<Range<u64>>) -> Vec<&[u8]> {
    ranges.sort_unstable_by_key(|range| range.start);
    ranges.push(whole.len() as u64..whole.len() as u64);
    let (mut parts, mut done) = (Vec::new(), 0);
    for Range { start, end } in ranges {
        let start = start.min(whole.len() as u64);
        parts.extend(slice(whole, done, start.saturating_sub(done)).filter(|part| !part.is_empty()));
        done = done.max(end);
    }
    parts
}

/// Whether every byte is zero.
pub fn is_zero(bytes: &[u8]) -> bool {
    // Each byte is the one before it, and the first one is zero: a comparison of memory with itself, which is fast in every build.
    match bytes {
        [0, rest @ ..] => bytes.starts_with(rest),
        [] => true,
        _ => false,
    }
}

/// Whether bytes are no more than what fills up a file: zeros, as devices and programs leave them, and before or behind them one end of a line, as
/// shells and editors do.
pub(crate) fn is_padding(bytes: &[u8]) -> bool {
    let bytes = [&b"\r\n"[..], b"\n"].iter().find_map(|end| bytes.strip_prefix(*end)).unwrap_or(bytes);
    let bytes = [&b"\r\n"[..], b"\n"].iter().find_map(|end| bytes.strip_suffix(*end)).unwrap_or(bytes);
    is_zero(bytes)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use super::*;

    #[test]
    fn a_slice_knows_its_place_and_a_stranger_has_none() {
        let whole = [1u8, 2, 3, 4];
        assert_eq!(offset_within(&whole, &whole[1..3]), Some(1));
        assert_eq!(offset_within(&whole[..2], &whole[1..3]), None);
        assert_eq!(offset_within(&whole, &[]), None);
        assert_eq!(slice(&whole, 3, 2), None);
        assert_eq!(slice(&whole, u64::MAX, 2), None);
    }

    #[test]
    fn what_stands_in_no_range_is_beside_them() {
        let whole = [1u8, 2, 3, 4, 5, 6];
        assert_eq!(beside(&whole, vec![4..5, 1..3, 2..3]), [&whole[..1], &whole[3..4], &whole[5..]]);
        assert_eq!(beside(&whole, Vec::new()), [&whole[..]]);
        assert_eq!(beside(&whole, vec![0..9, 12..13]), Vec::<&[u8]>::new());
    }

    #[test]
    fn zeros_and_the_end_of_a_line_are_padding() {
        for padding in ["", "\n", "\r\n", "\0\0", "\n\0\0", "\0\n", "\0\r\n", "\n\0\n"] {
            assert!(is_padding(padding.as_bytes()), "{padding:?}");
        }
        for other in ["\n\n\n", " ", "\r", "\0\n\0", "\na"] {
            assert!(!is_padding(other.as_bytes()), "{other:?}");
        }
    }

    #[test]
    fn one_set_bit_anywhere_is_not_zero() {
        let mut bytes = vec![0u8; 131];
        assert!(is_zero(&bytes));
        for at in [0, 63, 64, 127, 130] {
            bytes[at] = 1;
            assert!(!is_zero(&bytes), "{at}");
            bytes[at] = 0;
        }
    }
}
