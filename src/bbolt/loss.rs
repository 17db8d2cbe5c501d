//! What a walk should have reached and could not read.
//!
//! Every page below a branch page has bounds: the separators around it. So what is lost with it is known, but for its values:
//! keys of one bucket, from the one separator to the other.

use super::tree::Leaf;
use super::{Bucket, Pgid, Tree};

/// A place in a bucket where elements are missing, or may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hole<'data> {
    pub(super) place: Leaf<'data>,
    /// Whether it is no more than a leaf.
    pub(super) is_leaf: bool,
}

impl<'data> Hole<'data> {
    /// The bounds of the keys that the bucket would have there: the first, and the first behind it; empty: none.
    pub(crate) fn bounds(&self) -> (&'data [u8], &'data [u8]) {
        (self.place.lower, self.place.upper)
    }

    fn holds(&self, key: &[u8]) -> bool {
        let (lower, upper) = self.bounds();
        lower <= key && (upper.is_empty() || key < upper)
    }

    /// Whether it is a part of the tree with leaves that nothing refers to any more.
    pub(crate) fn is_subtree(&self) -> bool {
        !self.is_leaf
    }
}

impl<'data> Tree<'data> {
    /// Whether the tree refers to this page, cannot read it, and would have this key of this bucket there.
    pub fn misses(&self, bucket: &Bucket<'data>, pgid: Pgid, key: &[u8]) -> bool {
        self.unreadable_at(pgid).iter().any(|page| page.holds(key) && self.is_of(page, bucket))
    }

    /// Whether pages may be of this tree that the walk did not come to: there is none, or a part of it cannot be read.
    pub fn lacks_pages(&self) -> bool {
        self.buckets.is_empty() || !self.unreadable.is_empty() || !self.holes.is_empty()
    }

    /// The places of a bucket that the walk should have read and could not, as far as keys are in order.
    pub(crate) fn holes(&self, bucket: &Bucket<'data>) -> Vec<Hole<'data>> {
        // The root page of a bucket looks like a leaf where it cannot be read.
        let has_leaf = self.leaves(bucket).into_iter().any(|pgid| self.unreadable_at(pgid).is_empty());
        let holes = self.unreadable.iter().chain(&self.holes).filter(|hole| self.is_of(hole, bucket));
        holes.map(|hole| Hole { is_leaf: hole.is_leaf && has_leaf, ..*hole }).collect()
    }

    fn unreadable_at(&self, pgid: Pgid) -> &[Hole<'data>] {
        let start = self.unreadable.partition_point(|page| page.place.pgid < pgid);
        let from = self.unreadable.get(start..).unwrap_or_default();
        from.get(..from.partition_point(|page| page.place.pgid == pgid)).unwrap_or_default()
    }

    fn is_of(&self, hole: &Hole<'data>, bucket: &Bucket<'data>) -> bool {
        self.buckets.get(hole.place.bucket).is_some_and(|of| of.name == bucket.name && of.depth == bucket.depth)
    }
}
