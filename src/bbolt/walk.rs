//! The walk over a tree: which pages it reaches, and every element in it.
//!
//! Branch pages are few. They are read first, level by level, and name every leaf page without touching it. The leaf
//! pages, which are nearly all of the file, are then read once in the order in which they stand in it, on all cores.
//! Nothing here recurses: a page that is referred to twice is noted and not entered again, so that
//! cycles end and the work is bounded by the number of pages.
//!
//! ```text
//! root ─> branch pages, by level ─> leaves in key order ─sort─> leaves in file order ─> elements
//!   ^                                                                                    │
//!   └────────────────────────── buckets named by elements <──────────────────────────────┘
//! ```

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::branch::BranchElements;
use super::bucket::{Bucket, InBucket, Root, inline_elements};
use super::leaf_scan::{KeyOrder, Named, Scanned, When};
use super::loss::Hole;
use super::page::{Fault, Flags, Page, PageHeader};
use super::page_map::{PageMap, PageState};
use super::{Db, Element, LeafElements, Pgid, packing};
use crate::evidence::anomaly::{Anomalies, Class};
use crate::evidence::range;

/// Leaf pages one task reads.
const TASK: usize = 64;
/// Further pages of a run that is read at once. Runs may be made to overlap, so that the work is at most so many times the file.
pub(super) const SHORT_RUN: u32 = crate::evidence::limit::SHORT_RUN;

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

/// A tree that was walked: its buckets and leaf pages. None at all where no meta says where a tree begins.
#[derive(Clone, Debug)]
pub struct Tree<'data> {
    pub(super) buckets: Vec<Bucket<'data>>,
    leaves: Vec<Leaf<'data>>,
    /// Long runs that meet another one: how many pages are their own.
    cut_runs: BTreeMap<Pgid, u64>,
    state: PageState,
    pages_read: u64,
    /// Pages that are referred to and cannot be read as pages of a tree, by their numbers.
    pub(super) unreadable: Vec<Hole<'data>>,
    /// Other places where elements are missing, or may be.
    pub(super) holes: Vec<Hole<'data>>,
}

impl<'data> Tree<'data> {
    /// Walks the tree below `root`, gives each page it reaches `state` in `map`, and shows every element
    /// that is not a bucket to `visit`: in file order within a task, in any order between tasks.
    ///
    /// Pages that `map` already gives to another tree are not entered. Those that cannot be read are free in the end, since
    /// nothing of the tree hangs from them.
    pub fn walk<A, V, M>(
        db: &Db<'data>,
        root: Pgid,
        state: PageState,
        map: &mut PageMap,
        anomalies: &mut Anomalies,
        visit: V,
        merge: M,
    ) -> (Self, A)
    where
        A: Default + Send,
        V: Fn(&mut A, &Bucket<'data>, Pgid, Element<'data>) + Sync,
        M: Fn(&mut A, A),
    {
        let mut tree = Self { state, ..Self::none() };
        let mut seen = A::default();
        let whole =
            Bucket { name: &[], depth: 0, root: Root::Page(root), named_on: db.active_page(), leaves: Vec::new(), in_key_order: true };
        let mut strays = Vec::new();
        let mut named = Vec::new();
        let (mut bucket, mut leaf) = (0, 0);
        tree.enter(db, whole, map, anomalies);
        while bucket < tree.buckets.len() || leaf < tree.leaves.len() {
            for index in bucket..tree.buckets.len() {
                if !tree.visit_inline(db, index, &mut seen, anomalies, &visit) {
                    tree.holes.push(Hole { place: Leaf { pgid: 0, bucket: index, lower: &[], upper: &[] }, is_leaf: true });
                }
            }
            let mut leaves: Vec<Leaf<'data>> = tree.leaves.get(leaf..).unwrap_or_default().to_vec();
            leaves.sort_unstable_by_key(|leaf| leaf.pgid);
            (bucket, leaf) = (tree.buckets.len(), tree.leaves.len());
            for when in [When::AtOnce, When::Settled] {
                let mut late = Vec::new();
                for task in tree.scan(db, &leaves, when, &visit) {
                    merge(&mut seen, task.seen);
                    anomalies.merge(task.anomalies);
                    tree.claim_overflow(db, &task.runs, map, anomalies);
                    named.extend(task.named);
                    strays.extend(task.strays);
                    late.extend(task.late);
                    tree.pages_read = tree.pages_read.saturating_add(task.pages_read);
                    tree.unreadable.extend(task.unreadable);
                    tree.holes.extend(task.holes);
                }
                leaves = late;
            }
            for stray in strays.drain(..) {
                tree.descend(db, stray.bucket, vec![stray], map, anomalies);
                if let Some(bucket) = tree.buckets.get_mut(stray.bucket) {
                    bucket.in_key_order = false;
                }
            }
            // In the order of their names' places, for the same result with any number of tasks.
            named.sort_by_key(|n: &Named<'data>| (n.parent, n.name.as_ptr().addr()));
            for bucket in named.drain(..) {
                tree.enter_named(db, bucket, map, anomalies);
            }
        }
        // What stands on them is searched like any page outside the tree.
        tree.unreadable.iter().for_each(|page| map.release(page.place.pgid));
        tree.unreadable.sort_by_key(|page| page.place.pgid);
        (tree, seen)
    }

    /// The tree of a database without a valid meta.
    pub fn none() -> Self {
        Self {
            buckets: Vec::new(),
            leaves: Vec::new(),
            cut_runs: BTreeMap::new(),
            state: PageState::Reachable,
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

    fn enter_named(&mut self, db: &Db<'data>, named: Named<'data>, map: &mut PageMap, anomalies: &mut Anomalies) {
        let offset = range::offset_within(db.bytes(), named.name).or(Some(db.page_offset(named.named_on)));
        let (depth, parent_inline) =
            self.buckets.get(named.parent).map_or((1, false), |p| (p.depth.saturating_add(1), matches!(p.root, Root::Inline(_))));
        if parent_inline {
            anomalies.note(Class::NestedInlineBucket, offset, Some(named.named_on), || {
                "a bucket within an inline bucket; not entered".to_owned()
            });
            return;
        }
        match InBucket::parse(named.value) {
            Ok((_, root)) => {
                let bucket = Bucket { name: named.name, depth, root, named_on: named.named_on, leaves: Vec::new(), in_key_order: true };
                self.enter(db, bucket, map, anomalies);
            }
            Err(detail) => anomalies.note(Class::BucketInvalid, offset, Some(named.named_on), || detail),
        }
    }

    fn enter(&mut self, db: &Db<'data>, bucket: Bucket<'data>, map: &mut PageMap, anomalies: &mut Anomalies) {
        let (index, root, named_on) = (self.buckets.len(), bucket.root, bucket.named_on);
        self.buckets.push(bucket);
        if let Root::Page(pgid) = root {
            let whole = Leaf { pgid, bucket: index, lower: &[], upper: &[] };
            if self.refer(db, pgid, named_on, map, anomalies) {
                self.descend(db, index, vec![whole], map, anomalies);
            } else {
                self.holes.push(Hole { place: whole, is_leaf: false });
            }
        }
    }

    /// Reads branch pages level by level; the last level is the leaves.
    fn descend(&mut self, db: &Db<'data>, bucket: usize, mut level: Vec<Leaf<'data>>, map: &mut PageMap, anomalies: &mut Anomalies) {
        let start = self.leaves.len();
        let mut ordered = true;
        // Children that cannot be entered: of which level they are their siblings tell.
        let mut lost: Vec<Leaf<'data>> = Vec::new();
        while !level.is_empty() {
            // All leaves of a bucket are equally deep, so one page tells what its level is. Where a page
            // differs from its level, the tree is damaged: it is read all the same, out of key order.
            let is_leaf_level = level.iter().find_map(|page| db.header(page.pgid).ok()).is_none_or(|h| h.flags != Flags::BRANCH);
            self.holes.extend(lost.drain(..).map(|place| Hole { place, is_leaf: is_leaf_level }));
            if is_leaf_level {
                self.leaves.append(&mut level);
                break;
            }
            let mut below = Vec::new();
            for place in level {
                match db.header(place.pgid) {
                    Ok(header) if header.flags == Flags::LEAF => {
                        ordered = false;
                        self.leaves.push(place);
                    }
                    Ok(header) => match branch_page(db, place.pgid, header) {
                        Ok(page) => {
                            let (children, is_whole) = self.children(db, place, &page, map, anomalies);
                            for child in children {
                                let is_entered = self.refer(db, child.pgid, place.pgid, map, anomalies);
                                if is_entered { &mut below } else { &mut lost }.push(child);
                            }
                            lost.extend((!is_whole).then_some(place));
                        }
                        Err(fault) => self.cannot_read(place, fault, anomalies),
                    },
                    Err(fault) => self.cannot_read(place, fault, anomalies),
                }
            }
            level = below;
        }
        self.holes.extend(lost.into_iter().map(|place| Hole { place, is_leaf: false }));
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            bucket.leaves.push(start..self.leaves.len());
            bucket.in_key_order &= ordered;
        }
    }

    fn cannot_read(&mut self, place: Leaf<'data>, fault: Fault, anomalies: &mut Anomalies) {
        self.unreadable.push(Hole { place, is_leaf: false });
        fault.note(anomalies);
    }

    /// The children of a branch page with their bounds, and whether all of them can be read.
    fn children(
        &mut self,
        db: &Db<'data>,
        place: Leaf<'data>,
        page: &Page<'data>,
        map: &mut PageMap,
        anomalies: &mut Anomalies,
    ) -> (Vec<Leaf<'data>>, bool) {
        self.pages_read = self.pages_read.saturating_add(db.pages_in(page.bytes));
        self.claim_overflow(db, &[(place.pgid, page.header.overflow)], map, anomalies);
        let mut order = KeyOrder::new(place);
        let (mut children, mut is_whole): (Vec<Leaf<'data>>, bool) = (Vec::new(), true);
        let mut elements = BranchElements::new(page.bytes, page.header);
        for element in elements.by_ref() {
            let element = match element {
                Ok(element) => element,
                Err(detail) => {
                    is_whole = false;
                    anomalies.note(Class::ElementOutOfBounds, Some(page.offset), Some(place.pgid), || detail);
                    continue;
                }
            };
            order.check(db, element.key, anomalies);
            if let Some(previous) = children.last_mut() {
                previous.upper = element.key;
            }
            children.push(Leaf { pgid: element.child, bucket: place.bucket, lower: element.key, upper: place.upper });
        }
        if page.header.count == 0 {
            packing::note_empty_page(place.pgid, page.offset, anomalies);
        }
        let may_lack = is_whole && elements.packing().note_what_no_writer_leaves(db, place.pgid, Some(page.offset), anomalies);
        (children, is_whole && !may_lack && page.header.count > 0)
    }

    /// Takes possession of a page that `from` refers to; `false` where it must not be entered.
    fn refer(&self, db: &Db<'data>, pgid: Pgid, from: Pgid, map: &mut PageMap, anomalies: &mut Anomalies) -> bool {
        let high_water_mark = db.high_water_mark();
        let at = Some(db.page_offset(from));
        if pgid < 2 || pgid >= high_water_mark {
            anomalies.note(Class::PgidOutOfBounds, at, Some(from), || {
                format!("page {from} refers to page {pgid}; pages are 2 to {high_water_mark}, exclusive")
            });
            return false;
        }
        if map.claim(pgid, self.state) {
            return true;
        }
        match map.get(pgid) {
            None => anomalies
                .note(Class::FileTruncated, at, Some(from), || format!("page {from} refers to page {pgid}, past the end of the file")),
            // The two trees of a raw database share most pages.
            Some(owner) if owner != self.state => {}
            Some(_) => anomalies.note(Class::PageReferencedTwice, Some(db.page_offset(pgid)), Some(pgid), || {
                format!("page {pgid} is referred to again, by page {from}; not entered twice")
            }),
        }
        false
    }

    /// Takes possession of the further pages of runs. A run that meets a page with an owner ends before it: no byte is read
    /// as part of many runs, however a file's runs are made to overlap.
    fn claim_overflow(&mut self, db: &Db<'data>, runs: &[(Pgid, u32)], map: &mut PageMap, anomalies: &mut Anomalies) {
        for &(head, overflow) in runs {
            for step in 1..=u64::from(overflow) {
                let pgid = head.saturating_add(step);
                if map.claim(pgid, self.state) {
                    continue;
                }
                if map.get(pgid) == Some(self.state) {
                    anomalies.note(Class::PageReferencedTwice, Some(db.page_offset(pgid)), Some(pgid), || {
                        format!("page {pgid} belongs to the run of page {head} and to another")
                    });
                }
                if overflow > SHORT_RUN {
                    self.cut_runs.insert(head, step);
                }
                break;
            }
        }
    }

    /// A leaf page with as much of its run as is its own.
    pub(super) fn leaf_page(&self, db: &Db<'data>, pgid: Pgid) -> Result<Page<'data>, Fault> {
        let mut page = db.page(pgid, Flags::LEAF)?;
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

    /// The bytes behind the last element of a leaf page in use.
    pub(crate) fn page_slack(&self, db: &Db<'data>, pgid: Pgid) -> Option<&'data [u8]> {
        let page = self.leaf_page(db, pgid).ok()?;
        let mut elements = LeafElements::new(page.bytes, page.header);
        elements.by_ref().all(|element| element.is_ok()).then(|| elements.rest())
    }

    /// Whether a leaf page is the whole tree of its bucket, which may be empty.
    pub(super) fn is_root_page(&self, leaf: Leaf<'data>) -> bool {
        self.buckets.get(leaf.bucket).is_none_or(|bucket| matches!(bucket.root, Root::Page(root) if root == leaf.pgid))
    }

    /// `false` where elements cannot be read.
    fn visit_inline<A, V>(&self, db: &Db<'data>, index: usize, seen: &mut A, anomalies: &mut Anomalies, visit: &V) -> bool
    where
        V: Fn(&mut A, &Bucket<'data>, Pgid, Element<'data>) + Sync,
    {
        let Some(bucket) = self.buckets.get(index) else { return true };
        let Root::Inline(page) = bucket.root else { return true };
        let mut intact = true;
        let mut elements = inline_elements(page);
        for element in elements.by_ref() {
            match element {
                Ok(element) if element.is_bucket => {
                    anomalies.note(Class::NestedInlineBucket, range::offset_within(db.bytes(), element.key), Some(bucket.named_on), || {
                        "a bucket within an inline bucket; not entered".to_owned()
                    })
                }
                Ok(element) => visit(seen, bucket, bucket.named_on, element),
                Err(detail) => {
                    intact = false;
                    anomalies.note(Class::ElementOutOfBounds, range::offset_within(db.bytes(), page), Some(bucket.named_on), || {
                        format!("inline bucket: {detail}")
                    })
                }
            }
        }
        let at = range::offset_within(db.bytes(), page);
        intact && !elements.packing().note_what_no_writer_leaves(db, bucket.named_on, at, anomalies)
    }

    /// Reads leaves in file order, on all cores.
    fn scan<A, V>(&self, db: &Db<'data>, leaves: &[Leaf<'data>], when: When, visit: &V) -> Vec<Scanned<'data, A>>
    where
        A: Default + Send,
        V: Fn(&mut A, &Bucket<'data>, Pgid, Element<'data>) + Sync,
    {
        let read = |mut task: Scanned<'data, A>, chunk: &[Leaf<'data>]| {
            for leaf in chunk {
                if let Some(bucket) = self.buckets.get(leaf.bucket) {
                    task.read_leaf(db, self, *leaf, bucket, when, visit);
                }
            }
            task
        };
        leaves.par_chunks(TASK).fold(Scanned::default, read).collect()
    }
}

fn branch_page<'data>(db: &Db<'data>, pgid: Pgid, header: PageHeader) -> Result<Page<'data>, Fault> {
    if header.flags == Flags::BRANCH { db.run(pgid, header) } else { db.page(pgid, Flags::BRANCH) }
}
