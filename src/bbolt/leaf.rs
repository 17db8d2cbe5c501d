//! Leaf pages: keys and values.
//!
//! | offset | size | field | |
//! |---|---|---|---|
//! | 0 | 4 | flags | 0x01: the value is a bucket |
//! | 4 | 4 | pos | where the key begins, counted from this element |
//! | 8 | 4 | ksize | key bytes |
//! | 12 | 4 | vsize | value bytes, right behind the key |
//!
//! Elements stand behind the page header, one after another; the data follows in the same order.
//! Source: bbolt `internal/common/page.go` (`leafPageElement`), `inode.go`.

use super::packing::{ELEMENT_LEN, Packing};
use super::page::{HEADER_LEN, PageHeader};
use crate::evidence::range;

const FLAG_BUCKET: u32 = 0x01;

/// One key and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'data> {
    /// The key.
    pub key: &'data [u8],
    /// The value.
    pub value: &'data [u8],
    /// Whether the value is a bucket.
    pub is_bucket: bool,
}

/// An element as it stands in the page, its places counted from the page's first byte and not yet held to its bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawElement {
    pub is_bucket: bool,
    pub key_at: u64,
    pub value_at: u64,
    pub end: u64,
}

impl RawElement {
    /// Reads the element with this index; `None` where the page ends before it does.
    #[inline]
    pub(super) fn read(page: &[u8], index: u64) -> Option<Self> {
        let at = HEADER_LEN.saturating_add(index.saturating_mul(ELEMENT_LEN));
        let (fields, _) = range::slice(page, at, ELEMENT_LEN)?.as_chunks();
        let [flags, pos, ksize, vsize] = fields.first_chunk()?.map(u32::from_le_bytes);
        let key_at = at.saturating_add(u64::from(pos));
        let value_at = key_at.saturating_add(u64::from(ksize));
        Some(Self { is_bucket: flags & FLAG_BUCKET != 0, key_at, value_at, end: value_at.saturating_add(u64::from(vsize)) })
    }
}

/// The elements of a leaf page, each checked against the page's bounds.
#[derive(Clone, Debug)]
pub struct LeafElements<'data> {
    packing: Packing<'data>,
}

impl<'data> LeafElements<'data> {
    /// Over the elements of `page`, a whole run that begins with `header`.
    pub fn new(page: &'data [u8], header: PageHeader) -> Self {
        Self { packing: Packing::new(page, header) }
    }

    /// What lies behind the data of the elements read so far.
    pub fn rest(&self) -> &'data [u8] {
        self.packing.rest()
    }

    /// How many bytes stand between the elements read so far; a writer leaves none.
    pub fn gaps(&self) -> u64 {
        self.packing.gaps()
    }

    /// How the elements read so far are packed.
    pub(super) fn packing(&self) -> &Packing<'data> {
        &self.packing
    }

    fn read(&mut self, index: u64) -> Result<Element<'data>, String> {
        let RawElement { is_bucket, key_at, value_at, end } = RawElement::read(self.packing.page, index)
            .ok_or_else(|| format!("element {index} of {} lies past the end of its page", self.packing.count))?;
        let (Some(key), Some(value)) = (
            range::slice(self.packing.page, key_at, value_at.saturating_sub(key_at)),
            range::slice(self.packing.page, value_at, end.saturating_sub(value_at)),
        ) else {
            return Err(format!("element {index}: key and value end at byte {end} of a run of {} bytes", self.packing.page.len()));
        };
        self.packing.place(index, key_at, end)?;
        Ok(Element { key, value, is_bucket })
    }
}

impl<'data> Iterator for LeafElements<'data> {
    type Item = Result<Element<'data>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.packing.next_index()?;
        Some(self.read(index))
    }
}
