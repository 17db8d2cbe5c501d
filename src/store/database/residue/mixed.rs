//! Images that are not the bytes of one write.
//!
//! While a snapshot is read slowly, or where a power failure kept part of a write from the disk, one run goes on as
//! another:
//!
//! ```text
//! ┌ leaf A ─────────────┬─────┬─────┬─────┐
//! │ header, elements    │  …  │  …  │  …  │   A is copied up to here, then written over by B, then the rest is copied:
//! ├ leaf A ─────────────┼─────┼─────┼─────┤
//! │ header, elements    │  …  │ B's third and fourth page
//! └─────────────────────┴─────┴───────────┘
//! ```
//! From which block on it is B is nowhere written. So a value that passes a block has to be proven, else only what stands
//! in its first block is surely of it; the blocks behind are each of one write, and are told by their own bytes.

use std::ops::Range;

use super::account::Account;
use super::frameless::Gap;
use super::gathered::{Gathered, is_contradicted, place};
use crate::bbolt::{Db, HEADER_LEN, Image, ImageElement};
use crate::evidence::range;
use crate::mvcc::RevisionKey;
use crate::mvcc::residue::{Write, next_write};
use crate::row::Place;
use crate::store::whole;

/// Whether the value of an element ends otherwise than it begins.
pub(super) fn contradicts(db: &Db<'_>, element: &ImageElement<'_>) -> bool {
    let passes_a_block = element.missing == 0 && element.value.len() as u64 > whole::BLOCK;
    passes_a_block && Write::of_stored(element.key, element.value, element.missing).is_some_and(|write| is_contradicted(db, &write))
}

/// Whether an image that begins with a write has an element that is whole and none.
pub(super) fn holds_others(elements: &[ImageElement<'_>]) -> bool {
    let is_none = |element: &&ImageElement<'_>| Write::of_stored(element.key, element.value, element.missing).is_none();
    elements.first().is_some_and(|first| RevisionKey::parse(first.key).is_some())
        && elements.iter().filter(|element| element.missing == 0).any(|element| is_none(&element))
}

impl<'data> Gathered<'data> {
    /// An image of several writes, with so many bytes right behind it in which the last may go on.
    pub(super) fn mixed_image(&mut self, db: &Db<'data>, image: &Image<'data>, behind: u64) {
        let first = db.page_offset(image.pgid);
        let end = first.saturating_add(image.bytes.len() as u64);
        let elements = image.elements(db.page_size());
        let is_of_keys = elements.as_ref().and_then(|elements| elements.first()).is_some_and(|e| RevisionKey::parse(e.key).is_some());
        let (proven, elements) = match elements {
            None => (HEADER_LEN, Vec::new()),
            Some(_) if is_of_keys => (image.data_start(), Vec::new()),
            Some(mut elements) => {
                // What stands in the first block is of one write.
                let block = whole::end_of_block(first.saturating_add(1)).min(end).saturating_sub(first);
                elements.retain(|element| element.end() <= block);
                (elements.last().map_or(image.data_start().min(block), ImageElement::end), elements)
            }
        };
        let mut used = Account { structure: proven, ..Account::default() };
        self.elements(db, image, elements, &mut used);
        let places = (place(image.state, Place::FreePage), place(image.state, Place::OverflowTail));
        used.merge(self.mixed(db, places.0, places.1, first.saturating_add(proven)..end.saturating_add(behind), end));
        self.account.add(usize::try_from(behind).unwrap_or(usize::MAX).saturating_add(image.bytes.len()), used);
    }

    /// Bytes of several writes; up to `doubtful` each block may be of another. What begins with its key is at `here`, what
    /// has lost its beginning at `headless`.
    pub(super) fn mixed(&mut self, db: &Db<'data>, here: Place, headless: Place, range: Range<u64>, doubtful: u64) -> Account {
        let mut used = Account::default();
        let Some(bytes) = range::slice(db.bytes(), 0, range.end) else { return used };
        self.pages_read = self.pages_read.saturating_add(range.end.saturating_sub(range.start).div_ceil(db.page_size().max(1)));
        let mut at = range.start;
        while at < range.end {
            let Some((begin, write, key_bytes)) = usize::try_from(at).ok().and_then(|at| next_write(bytes, at)) else {
                self.between(db, headless, at..range.end, doubtful, &mut used);
                break;
            };
            let begin = begin as u64;
            self.between(db, headless, at..begin, doubtful, &mut used);
            let message = begin.saturating_add(key_bytes as u64);
            let length = if write.missing == 0 && whole::is_proven(bytes, write.message, write.kv.value) {
                write.message.len() as u64
            } else {
                let value = range::offset_within(bytes, write.kv.value).unwrap_or(message.saturating_add(1));
                whole::end_of_block(value).min(range.end).saturating_sub(message)
            };
            let there =
                range::slice(bytes, message, length).and_then(|there| Write::again(write.main, write.sub, write.is_tombstone, there));
            at = message.saturating_add(length);
            used.structure = used.structure.saturating_add(at.saturating_sub(begin));
            if let Some(write) = there {
                self.write(db, message.checked_div(db.page_size()), here, &write, &mut used);
            }
        }
        used
    }

    /// Bytes between writes: block by block as far as that is doubtful, then as those of any tail.
    fn between(&mut self, db: &Db<'data>, place: Place, range: Range<u64>, doubtful: u64, used: &mut Account) {
        let border = doubtful.clamp(range.start, range.end);
        for (range, is_of_blocks) in [(range.start..border, true), (border..range.end, false)] {
            let Some(bytes) = range::slice(db.bytes(), range.start, range.end.saturating_sub(range.start)) else { return };
            let gap = Gap {
                bytes,
                place,
                is_on_pages: true,
                page_size: usize::try_from(db.page_size()).unwrap_or(usize::MAX),
                in_page: range.start.checked_rem(db.page_size()).and_then(|at| usize::try_from(at).ok()).unwrap_or(0),
                is_last: true,
                is_of_blocks,
            };
            self.gap(db, gap, used);
        }
    }
}
