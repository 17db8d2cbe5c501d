//! Branch pages: separators and the pages below them.
//!
//! | offset | size | field | |
//! |---|---|---|---|
//! | 0 | 4 | pos | where the key begins, counted from this element |
//! | 4 | 4 | ksize | key bytes |
//! | 8 | 8 | pgid | the page whose keys are not smaller than this one |
//!
//! Elements stand behind the page header, one after another; the keys follow in the same order.
//! Source: bbolt `internal/common/page.go` (`branchPageElement`), `inode.go`.

use crate::evidence::number::{le_u32, le_u64};
use nom::Parser;

use super::packing::{ELEMENT_LEN, Packing};
use super::page::{HEADER_LEN, PageHeader};
use super::pgid::Pgid;
use crate::evidence::range;

/// One separator and the page it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BranchElement<'data> {
    /// Not larger than any key below.
    pub key: &'data [u8],
    /// The page below.
    pub child: Pgid,
}

/// The elements of a branch page, each checked against the page's bounds.
#[derive(Clone, Debug)]
pub(super) struct BranchElements<'data> {
    packing: Packing<'data>,
}

impl<'data> BranchElements<'data> {
    /// Over the elements of `page`, a whole run that begins with `header`.
    pub(super) fn new(page: &'data [u8], header: PageHeader) -> Self {
        Self { packing: Packing::new(page, header) }
    }

    /// How the elements read so far are packed.
    pub(super) fn packing(&self) -> &Packing<'data> {
        &self.packing
    }

    fn read(&mut self, index: u64) -> Result<BranchElement<'data>, String> {
        let at = HEADER_LEN.saturating_add(index.saturating_mul(ELEMENT_LEN));
        let element = range::slice(self.packing.page, at, ELEMENT_LEN)
            .ok_or_else(|| format!("element {index} of {} lies past the end of its page", self.packing.count))?;
        let read: nom::IResult<_, _> = (le_u32, le_u32, le_u64).parse(element);
        let (_, (pos, ksize, child)) = read.map_err(|_| format!("element {index} is cut off"))?;
        let start = at.saturating_add(u64::from(pos));
        let key = range::slice(self.packing.page, start, u64::from(ksize)).ok_or_else(|| {
            format!("element {index}: its key of {ksize} bytes at byte {start} leaves a run of {} bytes", self.packing.page.len())
        })?;
        self.packing.place(index, start, start.saturating_add(u64::from(ksize)))?;
        Ok(BranchElement { key, child })
    }
}

impl<'data> Iterator for BranchElements<'data> {
    type Item = Result<BranchElement<'data>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.packing.next_index()?;
        Some(self.read(index))
    }
}
