//! Bytes of pages in use that are of nothing that stands on them: a writer leaves zeros there.
//!
//! ```text
//! meta      │ header, meta                │ rest │     one that is no meta is all rest
//! freelist  │ header, numbers             │ rest │
//! branch    │ header, elements, their keys│ rest │     where elements cannot be read, also what stands between them
//! leaf      │ the same, keys and values   │ rest │     and within each small bucket that is an element of it
//! ```

use super::branch::BranchElements;
use super::bucket::{Root, inline_elements};
use super::page::{Flags, HEADER_LEN, PageHeader};
use super::{Db, Freelist, LeafElements, PageMap, PageState, Pgid, Tree, meta, packing};
use crate::evidence::range;

/// The rests that are not zeros, each with the page that it stands on. `has_leaves_with_rest`: whether leaf pages, which are nearly all
/// of them, are known to have any.
pub(crate) fn rests<'data>(db: &Db<'data>, tree: &Tree<'data>, pages: &PageMap, has_leaves_with_rest: bool) -> Vec<(Pgid, &'data [u8])> {
    let freelist = db.active().and_then(|active| Freelist::read(db, active.freelist?).ok());
    let run =
        |freelist: &Freelist<'_>| freelist.page.header.id..=freelist.page.header.id.saturating_add(freelist.page.header.overflow.into());
    let is_its_own = |freelist: &Freelist<'_>| run(freelist).all(|pgid| pages.get(pgid) == Some(PageState::Freelist));
    let of_leaves = tree.leaf_pages().filter(|_| has_leaves_with_rest).flat_map(|pgid| on_page(pgid, of_leaf(db, tree, pgid)));
    let of_buckets = tree.buckets().iter().filter_map(|bucket| match bucket.root {
        Root::Inline(page) => Some(on_page(bucket.named_on, of_inline(page))),
        Root::Page(_) => None,
    });
    let rests = of_metas(db)
        .chain(freelist.filter(is_its_own).map(|freelist| (freelist.page.header.id, freelist.rest)))
        .chain(tree.branch_pages().flat_map(|pgid| on_page(pgid, of_branch(db, tree, pgid))))
        .chain(of_buckets.flatten())
        .chain(of_leaves);
    rests.filter(|(_, rest)| !range::is_zero(rest)).collect()
}

fn on_page(pgid: Pgid, rests: Vec<&[u8]>) -> impl Iterator<Item = (Pgid, &[u8])> {
    rests.into_iter().map(move |rest| (pgid, rest))
}

fn of_metas<'data>(db: &Db<'data>) -> impl Iterator<Item = (Pgid, &'data [u8])> {
    (0u64..).zip(db.metas()).filter_map(|(slot, meta)| {
        let start = if meta.is_ok() { meta::END } else { 0 };
        let at = db.page_offset(slot).saturating_add(start);
        // The last page of a file that is cut may be a meta's.
        let length = db.page_size().min((db.bytes().len() as u64).saturating_sub(db.page_offset(slot))).saturating_sub(start);
        Some((slot, range::slice(db.bytes(), at, length)?))
    })
}

/// Of a leaf page.
fn of_leaf<'data>(db: &Db<'data>, tree: &Tree<'data>, pgid: Pgid) -> Vec<&'data [u8]> {
    let Ok(page) = tree.leaf_page(db, pgid) else { return Vec::new() };
    let data = LeafElements::new(page.bytes, page.header).flatten().map(|element| (element.key, element.value.len()));
    between(page.bytes, page.header, data)
}

/// Of a small bucket within a leaf page.
fn of_inline(page: &[u8]) -> Vec<&[u8]> {
    let Ok(header) = PageHeader::parse(page) else { return Vec::new() };
    between(page, header, inline_elements(page).flatten().map(|element| (element.key, element.value.len())))
}

/// Of a branch page.
fn of_branch<'data>(db: &Db<'data>, tree: &Tree<'data>, pgid: Pgid) -> Vec<&'data [u8]> {
    let Ok(page) = tree.own_page(db, pgid, Flags::BRANCH) else { return Vec::new() };
    let data = BranchElements::new(page.bytes, page.header).flatten().map(|element| (element.key, 0));
    between(page.bytes, page.header, data)
}

/// The bytes of a page beside the data of its elements, each a key with so many bytes of a value behind it.
fn between<'data>(page: &'data [u8], header: PageHeader, data: impl Iterator<Item = (&'data [u8], usize)>) -> Vec<&'data [u8]> {
    // A page that says more elements than fit has its data where these would be.
    let start = Some(packing::data_start(header)).filter(|start| *start <= page.len() as u64).unwrap_or(HEADER_LEN);
    let (mut rests, mut done) = (Vec::new(), start);
    let mut add = |from: u64, to: u64| rests.extend(range::slice(page, from, to.saturating_sub(from)).filter(|rest| !rest.is_empty()));
    for (key, value) in data {
        if let Some(key_at) = range::offset_within(page, key) {
            add(done, key_at);
            done = key_at.saturating_add(key.len() as u64).saturating_add(value as u64);
        }
    }
    add(done, page.len() as u64);
    rests
}
