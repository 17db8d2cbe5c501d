//! What a walk should have reached and could not read.
//!
//! Every page below a branch page has bounds: the separators around it. So what is lost with it is known, but for its values:
//! keys of one bucket, from the one separator to the other.

use super::walk::Leaf;
use super::{Bucket, Pgid, Tree};

impl<'data> Tree<'data> {
    /// Whether the tree refers to this page, cannot read it, and would have this key of this bucket there.
    pub fn misses(&self, bucket: &Bucket<'data>, pgid: Pgid, key: &[u8]) -> bool {
        let is_its_place = |page: &Leaf<'data>| page.pgid == pgid && page.lower <= key && (page.upper.is_empty() || key < page.upper);
        self.unreadable.iter().any(|page| is_its_place(page) && self.is_of(page, bucket))
    }

    /// Where elements of a bucket may be missing that the walk should have reached: only below this key; empty: anywhere.
    /// `None`: nowhere, as far as keys are in order.
    pub fn missing_below(&self, bucket: &Bucket<'data>) -> Option<&'data [u8]> {
        let holes = self.unreadable.iter().chain(&self.holes).filter(|place| self.is_of(place, bucket));
        holes.map(|place| place.upper).reduce(|a, b| if a.is_empty() || b.is_empty() { &[] } else { a.max(b) })
    }

    fn is_of(&self, place: &Leaf<'data>, bucket: &Bucket<'data>) -> bool {
        self.buckets.get(place.bucket).is_some_and(|of| of.name == bucket.name && of.depth == bucket.depth)
    }
}
