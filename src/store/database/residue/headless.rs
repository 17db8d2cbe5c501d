//! Pieces of values whose beginning is lost.
//!
//! A run of pages that lost its first page to another write leaves value bytes without a key. What stands between two writes
//! in such bytes, or before the first, is of one value, with one exception: where a second, shorter run was written over
//! the middle and lost its own first page too, the two meet at a page boundary. The shorter one's
//! last page is filled up with zeros, so that is where a piece ends and the next begins.

use crate::bbolt::Pgid;
use crate::kubernetes::fragment;
use crate::row::Place;

/// Zeros before a page boundary that are taken for the filling of a last page.
pub(super) const FILLING: usize = 8;
/// So long a text within a block is taken for one.
const TEXT: usize = 512;
/// Shorter pieces are not attributed.
const SHORTEST: usize = 24;

/// A piece of a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'data> {
    pub bytes: &'data [u8],
    pub place: Place,
    pub pgid: Option<Pgid>,
    /// `None`: no rule says what it is.
    pub kind: Option<Kind>,
}

impl Piece<'_> {
    /// Whether nobody has looked at what it holds: of one that is known its value was read, a value and the beginning of one were heard, the
    /// end of a Secret is told as one. What stands behind the pages is searched there.
    pub(super) fn is_unread(&self) -> bool {
        matches!(self.kind, None | Some(Kind::ObjectEnd | Kind::Text)) && !self.place.is_behind_pages()
    }
}

/// Why a piece is taken for what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Kind {
    /// It ends as every protobuf object does.
    ObjectEnd,
    /// It ends as a Secret does.
    SecretEnd,
    /// It is text throughout.
    Text,
    /// It equals a part of a value that is known.
    Known,
    /// It is all of a value, without what framed it.
    Value,
    /// It is the beginning of a value, without what framed it.
    Beginning,
}

impl Kind {
    /// What a piece's own bytes say.
    pub(super) fn of(piece: &[u8]) -> Option<Self> {
        if piece.len() < SHORTEST {
            None
        } else if fragment::secret_at_end(piece).is_some() {
            Some(Self::SecretEnd)
        } else if fragment::ends_an_object(piece) {
            Some(Self::ObjectEnd)
        } else {
            fragment::is_text(piece).then_some(Self::Text)
        }
    }
}

/// Divides a gap into pieces. `start` is its place within bytes that began at a page boundary; `is_last`: nothing follows.
pub(super) fn pieces(gap: &[u8], start: usize, page_size: usize, is_last: bool) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut begun = 0usize;
    let mut boundary = page_size.saturating_sub(start.checked_rem(page_size).unwrap_or(0));
    while boundary < gap.len() {
        let before = gap.get(begun..boundary).unwrap_or_default();
        let piece = fragment::without_filling(before);
        let filling = before.len().saturating_sub(piece.len());
        if filling >= FILLING || filling > 0 && fragment::ends_an_object(piece) {
            pieces.push(piece);
            begun = boundary;
        }
        boundary = boundary.saturating_add(page_size);
    }
    let rest = gap.get(begun..).unwrap_or_default();
    pieces.push(if is_last { fragment::without_filling(rest) } else { without_lease(rest) });
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// Divides a block that is text at its beginning or at its end from what else it holds.
pub(super) fn text_apart(block: &[u8]) -> Vec<&[u8]> {
    let is_textual = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
    let is_long = |text: &[u8]| text.len() >= TEXT && fragment::is_text(text);
    if Kind::of(block).is_some() {
        return vec![block];
    }
    let begins = block.iter().take_while(|byte| is_textual(byte)).count();
    let ends = block.len().saturating_sub(block.iter().rev().take_while(|byte| is_textual(byte)).count());
    let (first, rest) = block.split_at_checked(begins).filter(|(text, _)| is_long(text)).unwrap_or((&[], block));
    let ends = ends.saturating_sub(first.len());
    let (middle, last) = rest.split_at_checked(ends).filter(|(_, text)| is_long(text)).unwrap_or((rest, &[]));
    [first, middle, last].into_iter().filter(|part| !part.is_empty()).collect()
}

/// A value's lease stands behind it: tag 30 and at most ten bytes.
fn without_lease(gap: &[u8]) -> &[u8] {
    (2..=11usize)
        .filter_map(|length| gap.split_at_checked(gap.len().checked_sub(length)?))
        .find(|(value, lease)| lease.first() == Some(&0x30) && fragment::ends_an_object(value))
        .map_or(gap, |(value, _)| value)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use super::*;

    const END: &[u8] = b"\x1a\0\x22\0";

    #[test]
    fn a_page_filled_up_with_zeros_ends_a_piece() {
        let page = |text: &[u8]| [text, &vec![0; 64 - text.len()]].concat();
        let gap = [vec![b'a'; 64], page(&[b"bbb", END].concat()), vec![b'c'; 64], page(b"ddd")].concat();
        let found = pieces(&gap, 0, 64, true);
        assert_eq!(found, [&[&[b'a'; 64][..], b"bbb", END].concat()[..], &[&[b'c'; 64][..], b"ddd"].concat()]);
        // Boundaries count from the start of the bytes, not of the gap.
        assert_eq!(pieces(&gap[10..], 10, 64, true)[1], found[1]);
        assert_eq!(pieces(&[0; 256], 0, 64, true), Vec::<&[u8]>::new());
    }

    #[test]
    fn text_at_either_end_of_a_block_is_told_from_the_rest() {
        let (text, noise) = ([b't'; 600], [1u8, 0xff, 0, 7].repeat(100));
        assert_eq!(text_apart(&[&noise[..], &text].concat()), [&noise[..], &text[..]]);
        assert_eq!(text_apart(&[&text[..], &noise].concat()), [&text[..], &noise[..]]);
        assert_eq!(text_apart(&[&text[..], &noise, &text].concat()), [&text[..], &noise[..], &text[..]]);
        assert_eq!(text_apart(&[&noise[..], &text[..100]].concat()).len(), 1);
        assert_eq!(text_apart(&text), [&text[..]]);
    }

    #[test]
    fn the_lease_behind_a_value_is_not_of_the_value() {
        let value = [b"some data", END].concat();
        let leased = [&value[..], &[0x30, 0x88, 0x94, 0xb2, 0x01]].concat();
        assert_eq!(pieces(&leased, 0, 64, false), [&value[..]]);
    }
}
