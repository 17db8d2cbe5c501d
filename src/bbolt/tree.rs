//! A tree after the walk over it: its buckets, their leaf pages, what they hold, and where parts of it are missing.

use std::collections::BTreeMap;

use super::bucket::{Bucket, Root, inline_elements};
use super::loss::Hole;
use super::page::{Fault, Flags, Page};
use super::{Db, Element, LeafElements, Pgid};
use crate::evidence::range;

/// A tree that was walked: its buckets and leaf pages. None at all where no meta says where a tree begins.
#[derive(Clone, Debug)]
pub struct Tree<'data> {
    pub(super) buckets: Vec<Bucket<'data>>,
    /// The leaf pages of all buckets; each bucket has ranges of them.
    pub(super) leaves: Vec<Leaf<'data>>,
    /// The branch pages of all buckets.
    pub(super) branches: Vec<Pgid>,
    /// Long runs that meet another one: how many pages are their own.
    pub(super) cut_runs: BTreeMap<Pgid, u64>,
    pub(super) pages_read: u64,
    /// Pages that are referred to and cannot be read as pages of a tree, by their numbers.
    pub(super) unreadable: Vec<Hole<'data>>,
    /// Other places where elements are missing, or may be.
    pub(super) holes: Vec<Hole<'data>>,
}

/// A leaf page as its parent sees it, not yet touched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaf<'data> {
    /// The page.
    pub pgid: Pgid,
    /// Index of its bucket.
    pub(super) bucket: usize,
    /// No key on it is smaller.
    pub(super) lower: &'data [u8],
    /// Every key on it is smaller; empty: no bound.
    pub(super) upper: &'data [u8],
}

impl<'data> Tree<'data> {
    /// The tree of a database without a valid meta.
    pub fn none() -> Self {
        Self {
            buckets: Vec::new(),
            leaves: Vec::new(),
            branches: Vec::new(),
            cut_runs: BTreeMap::new(),
            pages_read: 0,
            unreadable: Vec::new(),
            holes: Vec::new(),
        }
    }

    /// The buckets, the root bucket first, each before those in it.
    pub fn buckets(&self) -> &[Bucket<'data>] {
        &self.buckets
    }

    /// The bucket of this name right below the root bucket.
    pub fn bucket(&self, name: &[u8]) -> Option<&Bucket<'data>> {
        self.buckets.iter().find(|bucket| bucket.depth == 1 && bucket.name == name)
    }

    /// Pages whose elements the walk read, each as often as it read them: the measure of its work.
    pub fn pages_read(&self) -> u64 {
        self.pages_read
    }

    /// A bucket's leaf pages, in key order unless [`Bucket::in_key_order`] is false.
    pub fn leaves(&self, bucket: &Bucket<'data>) -> Vec<Pgid> {
        bucket.leaves.iter().filter_map(|range| self.leaves.get(range.clone())).flatten().map(|leaf| leaf.pgid).collect()
    }

    /// Those of them that may have keys from this one on.
    pub(crate) fn leaves_from(&self, bucket: &Bucket<'data>, key: &[u8]) -> Vec<Pgid> {
        let leaves = bucket.leaves.iter().filter_map(|range| self.leaves.get(range.clone()));
        let from = |leaves: &'_ [Leaf<'data>]| match leaves.partition_point(|leaf| leaf.lower <= key) {
            behind if bucket.in_key_order => behind.saturating_sub(1),
            _ => 0,
        };
        leaves.flat_map(|leaves| leaves.get(from(leaves)..).unwrap_or_default()).map(|leaf| leaf.pgid).collect()
    }

    /// The leaf pages of all buckets.
    pub(crate) fn leaf_pages(&self) -> impl Iterator<Item = Pgid> + '_ {
        self.leaves.iter().map(|leaf| leaf.pgid)
    }

    /// The branch pages of all buckets.
    pub(super) fn branch_pages(&self) -> impl Iterator<Item = Pgid> + '_ {
        self.branches.iter().copied()
    }

    /// The element of a bucket with this key, and its page. In a tree that is out of key order an element may be missed.
    pub fn find(&self, db: &Db<'data>, bucket: &Bucket<'data>, key: &[u8]) -> Option<(Pgid, Element<'data>)> {
        let found = |(pgid, element): (Pgid, Element<'data>)| (element.key == key).then_some((pgid, element));
        if matches!(bucket.root, Root::Inline(_)) {
            return self.elements(db, bucket).find_map(found);
        }
        bucket.leaves.iter().filter_map(|range| self.leaves.get(range.clone())).find_map(|leaves| {
            let behind = leaves.partition_point(|leaf| leaf.lower <= key);
            let leaf = leaves.get(behind.checked_sub(1)?)?;
            self.page_elements(db, leaf.pgid).find_map(found)
        })
    }

    /// The elements of a bucket in key order, with the page each stands on. Unreadable ones are passed over:
    /// the walk has noted them.
    pub fn elements<'a>(
        &'a self,
        db: &'a Db<'data>,
        bucket: &Bucket<'data>,
    ) -> impl Iterator<Item = (Pgid, Element<'data>)> + use<'a, 'data> {
        let inline = match bucket.root {
            Root::Inline(page) => Some((bucket.named_on, inline_elements(page))),
            Root::Page(_) => None,
        };
        let paged = self.leaves(bucket).into_iter().flat_map(|pgid| self.page_elements(db, pgid));
        let inline = inline.into_iter().flat_map(|(pgid, elements)| elements.filter_map(move |e| Some((pgid, e.ok()?))));
        inline.chain(paged)
    }

    /// A leaf page with as much of its run as is its own.
    pub(super) fn leaf_page(&self, db: &Db<'data>, pgid: Pgid) -> Result<Page<'data>, Fault> {
        self.own_page(db, pgid, Flags::LEAF)
    }

    /// The same of a page of this type.
    pub(super) fn own_page(&self, db: &Db<'data>, pgid: Pgid, flags: Flags) -> Result<Page<'data>, Fault> {
        let mut page = db.page(pgid, flags)?;
        if let Some(pages) = self.cut_runs.get(&pgid) {
            page.bytes = range::slice(page.bytes, 0, pages.saturating_mul(db.page_size())).unwrap_or(page.bytes);
        }
        Ok(page)
    }

    /// The elements of one leaf page, each with its page; none where the page or the element cannot be read.
    pub(crate) fn page_elements(&self, db: &Db<'data>, pgid: Pgid) -> impl Iterator<Item = (Pgid, Element<'data>)> + use<'data> {
        let page = self.leaf_page(db, pgid).ok();
        let elements = page.into_iter().flat_map(|page| LeafElements::new(page.bytes, page.header));
        elements.filter_map(move |element| Some((pgid, element.ok()?)))
    }

    /// Whether a leaf page is the whole tree of its bucket, which may be empty.
    pub(super) fn is_root_page(&self, leaf: Leaf<'data>) -> bool {
        self.buckets.get(leaf.bucket).is_none_or(|bucket| matches!(bucket.root, Root::Page(root) if root == leaf.pgid))
    }
}
