//! Whether a value is whole where the blocks that it stands in may be of different writes.
//!
//! A block is written at once. What passes from one into the next is held together by nothing but its own form, and by what
//! follows it.

use crate::envelope::{self, Stored};
use crate::evidence::range;
use crate::kubernetes::fragment;
use crate::mvcc::residue::parse_write;

/// Blocks in which file systems place files, and memory its pages.
pub(super) const BLOCK: u64 = 4096;
/// Zeros behind a value that are taken for the filling of its page.
const FILLING: usize = 8;
/// Encrypted bytes do not end in so many zeros.
const ZERO_END: usize = 16;

/// Whether a value is whole beyond doubt: within one block, or of a form that says its own length, or followed by what
/// follows a value. `bytes` begin at a block.
pub(super) fn is_proven(bytes: &[u8], message: &[u8], value: &[u8]) -> bool {
    let Some(start) = range::offset_within(bytes, value) else { return true };
    let end = start.saturating_add(value.len() as u64);
    if block_of(start) == block_of(end.saturating_sub(1)) {
        return true;
    }
    match own_length(value) {
        Some(length) => return length == Some(value.len()),
        None if has_lost_its_end(value) => return false,
        None => {}
    }
    let behind = range::offset_within(bytes, message)
        .and_then(|offset| usize::try_from(offset).ok()?.checked_add(message.len()))
        .and_then(|end| bytes.get(end..))
        .unwrap_or_default();
    let to_the_end_of_the_block = BLOCK.saturating_sub(end.checked_rem(BLOCK).unwrap_or(0));
    let filling = usize::try_from(to_the_end_of_the_block).unwrap_or(0).min(32);
    parse_write(behind).is_some() || filling >= FILLING && behind.get(..filling).is_some_and(range::is_zero)
}

/// Whether a value that passes a block ends otherwise than its beginning says.
pub(super) fn contradicts_itself(bytes: &[u8], value: &[u8]) -> bool {
    let Some(start) = range::offset_within(bytes, value) else { return false };
    let last = start.saturating_add(value.len() as u64).saturating_sub(1);
    block_of(start) != block_of(last) && (own_length(value).is_some_and(|length| length.is_none()) || has_lost_its_end(value))
}

/// The end of the block in which the byte before `offset` stands.
pub(super) fn end_of_block(offset: u64) -> u64 {
    block_of(offset.saturating_sub(1)).saturating_add(1).saturating_mul(BLOCK)
}

fn block_of(offset: u64) -> u64 {
    offset.checked_div(BLOCK).unwrap_or(0)
}

/// The length that a value's own form gives it: `None` where its form gives none, `Some(None)` where its end is another's.
fn own_length(value: &[u8]) -> Option<Option<usize>> {
    if value.starts_with(b"k8s\0") {
        return Some(fragment::object_length(value));
    }
    if value.starts_with(b"{\"apiVersion\":\"") || value.starts_with(b"{\"kind\":\"") {
        let length = fragment::unframed_length(value).ok();
        return (length.is_some() || !value.trim_ascii_end().ends_with(b"}")).then_some(length);
    }
    value.starts_with(b"k8s:enc:kms:v2:").then(|| {
        // Of a data key, not of a seed, the last field is left out.
        let (length, is_whole) = envelope::extent(value);
        (is_whole || length == value.len()).then_some(length)
    })
}

fn has_lost_its_end(value: &[u8]) -> bool {
    let end = value.get(value.len().saturating_sub(ZERO_END)..).unwrap_or_default();
    matches!(Stored::of(value), Stored::Sealed(_)) && range::is_zero(end)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod tests {
    use super::*;

    /// A value of `length` bytes at byte 4000 of blocks, with `behind` after it.
    fn placed(value: &[u8], behind: &[u8]) -> (Vec<u8>, std::ops::Range<usize>) {
        let mut bytes = [&[1; 4000][..], value, behind].concat();
        bytes.resize(4 * 4096, 7);
        (bytes, 4000..4000 + value.len())
    }

    fn proven(value: &[u8], behind: &[u8]) -> bool {
        let (bytes, range) = placed(value, behind);
        let value = bytes.get(range).unwrap();
        is_proven(&bytes, value, value)
    }

    #[test]
    fn what_passes_a_block_needs_a_witness() {
        assert!(proven(&[9; 90], b""));
        assert!(!proven(&[9; 5000], b"other bytes"));
        assert!(proven(&[9; 5000], &[0; 40]));
        // Behind the last seven bytes of a block stands the next one.
        assert!(!proven(&[9; 4185], &[0; 40]) && proven(&[9; 4184], &[0; 40]));
    }

    #[test]
    fn a_value_that_says_where_it_ends_is_held_to_that() {
        let mut json = br#"{"kind":"Config","apiVersion":"v1","text":""#.to_vec();
        json.resize(5000, b'a');
        let whole = [&json[..], b"\"}"].concat();
        assert!(proven(&whole, b"other bytes") && !proven(&json, &[0; 40]));
        let (bytes, range) = placed(&json, &[0; 40]);
        assert!(contradicts_itself(&bytes, &bytes[range]));
        let (bytes, range) = placed(&whole, &[0; 40]);
        assert!(!contradicts_itself(&bytes, &bytes[range]));
        let mut sealed = b"k8s:enc:aescbc:v1:key:".to_vec();
        sealed.resize(5000, 9);
        assert!(proven(&sealed, &[0; 40]));
        sealed.resize(6000, 0);
        assert!(!proven(&sealed, &[0; 40]));
    }

    #[test]
    fn a_value_under_a_data_key_of_kms_v2_ends_with_its_last_field() {
        let field = |tag: u8, length: u8| [&[tag, length][..], &vec![9; usize::from(length)]].concat();
        let data = [&[0x0a, 0x88, 0x27][..], &[9; 5000]].concat();
        let value = [b"k8s:enc:kms:v2:name:".to_vec(), data, field(0x12, 30), field(0x1a, 60)].concat();
        let (bytes, range) = placed(&value, &[0; 40]);
        assert!(!contradicts_itself(&bytes, &bytes[range]) && proven(&value, &[0; 40]));
        // Its last fields are another's.
        let mut cut = value.clone();
        cut.truncate(5023);
        cut.resize(value.len(), 0xff);
        let (bytes, range) = placed(&cut, &[0; 40]);
        assert!(contradicts_itself(&bytes, &bytes[range]));
    }
}
