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

use crate::evidence::number::le_u32;
use nom::Parser;

use super::page::{HEADER_LEN, PageHeader};
use crate::evidence::range;

const ELEMENT_LEN: u64 = 16;
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

/// The elements of a leaf page, each checked against the page's bounds.
#[derive(Clone, Debug)]
pub struct LeafElements<'data> {
    page: &'data [u8],
    next: u64,
    count: u64,
    /// End of the data of the elements so far: the next one may not begin before it.
    data_end: u64,
}

impl<'data> LeafElements<'data> {
    /// Over the elements of `page`, a whole run that begins with `header`.
    pub fn new(page: &'data [u8], header: PageHeader) -> Self {
        let count = u64::from(header.count);
        let data_end = HEADER_LEN.saturating_add(count.saturating_mul(ELEMENT_LEN));
        Self { page, next: 0, count, data_end }
    }

    /// What lies behind the data of the elements read so far.
    pub fn rest(&self) -> &'data [u8] {
        usize::try_from(self.data_end).ok().and_then(|end| self.page.get(end..)).unwrap_or_default()
    }

    fn read(&mut self, index: u64) -> Result<Element<'data>, String> {
        let at = HEADER_LEN.saturating_add(index.saturating_mul(ELEMENT_LEN));
        let bytes = range::slice(self.page, at, ELEMENT_LEN)
            .ok_or_else(|| format!("element {index} of {} lies past the end of its page", self.count))?;
        let read: nom::IResult<_, _> = (le_u32, le_u32, le_u32, le_u32).parse(bytes);
        let (_, (flags, pos, ksize, vsize)) = read.map_err(|_| format!("element {index} is cut off"))?;
        let start = at.saturating_add(u64::from(pos));
        let value_start = start.saturating_add(u64::from(ksize));
        let end = value_start.saturating_add(u64::from(vsize));
        let (Some(key), Some(value)) =
            (range::slice(self.page, start, u64::from(ksize)), range::slice(self.page, value_start, u64::from(vsize)))
        else {
            return Err(format!("element {index}: key and value end at byte {end} of a run of {} bytes", self.page.len()));
        };
        if start < self.data_end {
            return Err(format!("element {index}: its key begins at byte {start}, before the end of what precedes it, {}", self.data_end));
        }
        self.data_end = end;
        Ok(Element { key, value, is_bucket: flags & FLAG_BUCKET != 0 })
    }
}

impl<'data> Iterator for LeafElements<'data> {
    type Item = Result<Element<'data>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.count {
            return None;
        }
        let index = self.next;
        self.next = index.saturating_add(1);
        Some(self.read(index))
    }
}
