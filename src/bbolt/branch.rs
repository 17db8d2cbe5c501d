//! Branch pages: separators and the pages below them.
//!
//! | offset | size | field | |
//! |---|---|---|---|
//! | 0 | 4 | pos | where the key begins, counted from this element |
//! | 4 | 4 | ksize | key bytes |
//! | 8 | 8 | pgid | the page whose keys are not smaller than this one |
//!
//! Source: bbolt `internal/common/page.go` (`branchPageElement`).

use crate::evidence::number::{le_u32, le_u64};
use nom::Parser;

use super::Pgid;
use super::page::{HEADER_LEN, Page};
use crate::evidence::range;

const ELEMENT_LEN: u64 = 16;

/// One separator and the page it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BranchElement<'data> {
    /// Not larger than any key below.
    pub key: &'data [u8],
    /// The page below.
    pub child: Pgid,
}

/// The elements of a branch page, each checked against the page's bounds.
pub(super) fn elements<'data>(page: &Page<'data>) -> impl Iterator<Item = Result<BranchElement<'data>, String>> + use<'data> {
    let (bytes, count) = (page.bytes, u64::from(page.header.count));
    // One fault stands for all elements that lie past the page's end.
    let fit = (bytes.len() as u64).saturating_sub(HEADER_LEN).checked_div(ELEMENT_LEN).unwrap_or(0);
    (0..count.min(fit.saturating_add(1))).map(move |index| {
        let at = HEADER_LEN.saturating_add(index.saturating_mul(ELEMENT_LEN));
        let element =
            range::slice(bytes, at, ELEMENT_LEN).ok_or_else(|| format!("element {index} of {count} lies past the end of its page"))?;
        let read: nom::IResult<_, _> = (le_u32, le_u32, le_u64).parse(element);
        let (_, (pos, ksize, child)) = read.map_err(|_| format!("element {index} is cut off"))?;
        let start = at.saturating_add(u64::from(pos));
        let key = range::slice(bytes, start, u64::from(ksize))
            .ok_or_else(|| format!("element {index}: its key of {ksize} bytes at byte {start} leaves a run of {} bytes", bytes.len()))?;
        Ok(BranchElement { key, child })
    })
}
