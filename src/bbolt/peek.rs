//! One bucket of a database of which nothing else is asked: only the pages that lead to it are read.

use std::collections::BTreeSet;

use super::branch::BranchElements;
use super::bucket::{InBucket, Root, inline_elements};
use super::page::Flags;
use super::{Db, Element, LeafElements, Pgid};

/// The elements of a bucket right below the root bucket, in no particular order. What cannot be read is passed over.
pub(crate) fn elements_of<'data>(db: &Db<'data>, bucket: &[u8]) -> Vec<Element<'data>> {
    let Some(active) = db.active() else { return Vec::new() };
    let named = below(db, Root::Page(active.root)).into_iter().find(|element| element.is_bucket && element.key == bucket);
    let root = named.and_then(|named| InBucket::parse(named.value).ok());
    root.map_or_else(Vec::new, |(_, root)| below(db, root))
}

/// The elements below a root. A page is entered once.
fn below<'data>(db: &Db<'data>, root: Root<'data>) -> Vec<Element<'data>> {
    let root = match root {
        Root::Inline(page) => return inline_elements(page).filter_map(Result::ok).collect(),
        Root::Page(pgid) => pgid,
    };
    let (mut found, mut entered, mut waiting) = (Vec::new(), BTreeSet::new(), vec![root]);
    while let Some(pgid) = waiting.pop() {
        if !entered.insert(pgid) {
            continue;
        }
        waiting.extend(enter(db, pgid, &mut found));
    }
    found
}

/// Adds the elements of a leaf page, or gives the pages below a branch page.
fn enter<'data>(db: &Db<'data>, pgid: Pgid, found: &mut Vec<Element<'data>>) -> Vec<Pgid> {
    let page = db.header(pgid).and_then(|header| db.run(pgid, header));
    match page {
        Ok(page) if page.header.flags == Flags::LEAF => {
            found.extend(LeafElements::new(page.bytes, page.header).filter_map(Result::ok));
            Vec::new()
        }
        Ok(page) if page.header.flags == Flags::BRANCH => {
            BranchElements::new(page.bytes, page.header).filter_map(Result::ok).map(|element| element.child).collect()
        }
        Ok(_) | Err(_) => Vec::new(),
    }
}
