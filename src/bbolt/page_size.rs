//! The page size of a file whose meta pages are lost, by the consistency of its other pages.
//!
//! Every page bears its own number, which is its place divided by the page size. So a page is consistent with one page size
//! only, and the size with which most leaf pages are consistent is the file's.

use super::leaf::RawElement;
use super::packing::ELEMENT_LEN;
use super::page::{Flags, HEADER_LEN, PageHeader};
use super::pgid::Pgid;
use crate::evidence::{limit, range};

/// The page size with which most leaf pages are consistent, the smallest of several; `None` where no leaf page is.
pub(super) fn by_consistency(bytes: &[u8]) -> Option<u32> {
    let mut best = (0, None);
    for page_size in limit::TRIED_PAGE_SIZES.map(|shift| 1u32 << shift) {
        let leaves = (2..).map_while(|pgid| page(bytes, pgid, page_size).map(|page| is_leaf(page, pgid))).filter(|is| *is).count();
        if leaves > best.0 {
            best = (leaves, Some(page_size));
        }
    }
    best.1
}

fn page(bytes: &[u8], pgid: Pgid, page_size: u32) -> Option<&[u8]> {
    range::slice(bytes, pgid.checked_mul(u64::from(page_size))?, u64::from(page_size))
}

/// Whether a page bears its number and the flags of a leaf, and its first element's key stands right behind the elements.
fn is_leaf(page: &[u8], pgid: Pgid) -> bool {
    let Ok(header) = PageHeader::parse(page) else { return false };
    let elements = HEADER_LEN.saturating_add(u64::from(header.count).saturating_mul(ELEMENT_LEN));
    header.id == pgid
        && header.flags == Flags::LEAF
        && header.count > 0
        && RawElement::read(page, 0).is_some_and(|first| first.key_at == elements && first.value_at > first.key_at)
}
