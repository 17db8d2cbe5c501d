//! What one task of the walk finds on the leaf pages it reads.

use super::bucket::Bucket;
use super::loss::Hole;
use super::page::Flags;
use super::tree::{Leaf, Tree};
use super::{Db, Element, LeafElements, Pgid, packing};
use crate::evidence::anomaly::{Anomalies, Class};
use crate::evidence::range;

/// Further pages of a run that is read at once. Runs may be made to overlap, so that the work is at most so many times the file.
pub(super) const SHORT_RUN: u32 = crate::evidence::limit::SHORT_RUN;

/// What one task found.
#[derive(Debug)]
pub(super) struct Scanned<'data, A> {
    pub seen: A,
    pub anomalies: Anomalies,
    pub runs: Vec<(Pgid, u32)>,
    pub named: Vec<Named<'data>>,
    pub strays: Vec<Leaf<'data>>,
    /// Leaves with long runs, which are read when it is settled which pages are theirs.
    pub late: Vec<usize>,
    pub pages_read: u64,
    pub unreadable: Vec<Hole<'data>>,
    /// Leaves that lack elements, or may.
    pub holes: Vec<Hole<'data>>,
}

/// A bucket as an element names it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named<'data> {
    pub name: &'data [u8],
    pub value: &'data [u8],
    pub parent: usize,
    pub named_on: Pgid,
}

impl<A: Default> Default for Scanned<'_, A> {
    fn default() -> Self {
        Self {
            seen: A::default(),
            anomalies: Anomalies::default(),
            runs: Vec::new(),
            named: Vec::new(),
            strays: Vec::new(),
            late: Vec::new(),
            pages_read: 0,
            unreadable: Vec::new(),
            holes: Vec::new(),
        }
    }
}

/// When leaves are read: runs that are long only when all are settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    AtOnce,
    Settled,
}

impl<'data, A> Scanned<'data, A> {
    pub(super) fn read_leaf<V>(&mut self, db: &Db<'data>, tree: &Tree<'data>, index: usize, when: When, visit: &V)
    where
        V: Fn(&mut A, &Bucket<'data>, Pgid, Element<'data>) + Sync,
    {
        let Some(leaf) = tree.leaves.get(index).copied() else { return };
        let Some(bucket) = tree.buckets.get(leaf.bucket) else { return };
        let page = match db.header(leaf.pgid) {
            Ok(header) if header.flags == Flags::BRANCH => return self.strays.push(leaf),
            Ok(_) => tree.leaf_page(db, leaf.pgid),
            Err(fault) => Err(fault),
        };
        let page = match page {
            Ok(page) => page,
            Err(fault) => {
                self.unreadable.push(Hole { place: leaf, is_leaf: true });
                return fault.note(&mut self.anomalies);
            }
        };
        if page.header.overflow > 0 && when == When::AtOnce {
            self.runs.push((leaf.pgid, page.header.overflow));
            if page.header.overflow > SHORT_RUN {
                return self.late.push(index);
            }
        }
        self.pages_read = self.pages_read.saturating_add(db.pages_in(page.bytes));
        let mut elements = LeafElements::new(page.bytes, page.header);
        let mut order = KeyOrder::new(leaf);
        let mut intact = true;
        for element in elements.by_ref() {
            match element {
                Ok(element) => {
                    order.check(db, element.key, &mut self.anomalies);
                    if element.is_bucket {
                        self.named.push(Named { name: element.key, value: element.value, parent: leaf.bucket, named_on: leaf.pgid });
                    } else {
                        visit(&mut self.seen, bucket, leaf.pgid, element);
                    }
                }
                Err(detail) => {
                    intact = false;
                    self.anomalies.note(Class::ElementOutOfBounds, Some(page.offset), Some(leaf.pgid), || detail);
                }
            }
        }
        let is_empty = page.header.count == 0 && !tree.is_root_page(leaf);
        if is_empty {
            packing::note_empty_page(leaf.pgid, page.offset, &mut self.anomalies);
        }
        let mut may_lack = || elements.packing().note_what_no_writer_leaves(db, leaf.pgid, Some(page.offset), &mut self.anomalies);
        if !intact || may_lack() || is_empty {
            // A root whose elements are none of a leaf may be a branch page that bears a leaf's flags.
            self.holes.push(Hole { place: leaf, is_leaf: intact || !tree.is_root_page(leaf) });
        }
    }
}

/// Checks that keys ascend within a page and stay between the parent's separators.
pub(super) struct KeyOrder<'data> {
    place: Leaf<'data>,
    previous: Option<&'data [u8]>,
}

impl<'data> KeyOrder<'data> {
    pub(super) fn new(place: Leaf<'data>) -> Self {
        Self { place, previous: None }
    }

    pub(super) fn check(&mut self, db: &Db<'data>, key: &'data [u8], anomalies: &mut Anomalies) {
        let pgid = Some(self.place.pgid);
        let at = || range::offset_within(db.bytes(), key).or(Some(db.page_offset(self.place.pgid)));
        // A branch page's first key may be empty only in files of other programs; a leaf's never.
        if key.is_empty() {
            anomalies.note(Class::EmptyKey, at(), pgid, || "a key of no bytes".to_owned());
        }
        let fault = match self.previous {
            Some(previous) if key <= previous => Some("is not larger than the key before it"),
            _ if key < self.place.lower => Some("is smaller than the parent page's separator"),
            _ if !self.place.upper.is_empty() && key >= self.place.upper => Some("is not smaller than the parent page's next separator"),
            _ => None,
        };
        if let Some(fault) = fault {
            anomalies.note(Class::KeyOrder, at(), pgid, || format!("a key of {} bytes {fault}", key.len()));
        }
        self.previous = Some(key);
    }
}
