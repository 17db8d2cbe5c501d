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

use rayon::prelude::*;

use super::branch::BranchElements;
use super::bucket::{Bucket, InBucket, Root, inline_elements};
use super::leaf_scan::{KeyOrder, Named, SHORT_RUN, Scanned, When};
use super::loss::Hole;
use super::page::{Fault, Flags, Page, PageHeader};
use super::page_map::{PageMap, PageState};
use super::tree::{Leaf, Tree};
use super::{Db, Element, Pgid, packing};
use crate::evidence::ahead::LEAD;
use crate::evidence::anomaly::{Anomalies, Class};
use crate::evidence::range;

/// Leaf pages one task reads.
const TASK: usize = 64;
/// Leaf pages that all tasks together read before the next ones are given out. They stand near one another, so that the file is read from its
/// beginning to its end however many threads there are.
const WINDOW: usize = 64 * TASK;

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
        let mut walk = Walk { db, state, map, anomalies, tree: Self::none() };
        let mut seen = A::default();
        walk.enter(Bucket {
            name: &[],
            depth: 0,
            root: Root::Page(root),
            named_on: db.active_page(),
            leaves: Vec::new(),
            in_key_order: true,
        });
        let (mut bucket, mut leaf) = (0, 0);
        while bucket < walk.tree.buckets.len() || leaf < walk.tree.leaves.len() {
            for index in bucket..walk.tree.buckets.len() {
                walk.visit_inline(index, &mut seen, &visit);
            }
            let mut leaves: Vec<usize> = (leaf..walk.tree.leaves.len()).collect();
            leaves.sort_unstable_by_key(|leaf| walk.tree.leaves.get(*leaf).map(|leaf| leaf.pgid));
            (bucket, leaf) = (walk.tree.buckets.len(), walk.tree.leaves.len());
            let further = walk.read_leaves(leaves, &mut seen, &visit, &merge);
            walk.follow(further);
        }
        (walk.finish(), seen)
    }
}

/// A walk that is under way.
struct Walk<'w, 'data> {
    db: &'w Db<'data>,
    /// What the pages of this tree are.
    state: PageState,
    map: &'w mut PageMap,
    anomalies: &'w mut Anomalies,
    tree: Tree<'data>,
}

/// Where leaf pages lead on to.
#[derive(Default)]
struct Further<'data> {
    /// Buckets that they name.
    named: Vec<Named<'data>>,
    /// Branch pages that stand where leaf pages should.
    strays: Vec<Leaf<'data>>,
}

impl<'data> Walk<'_, 'data> {
    /// Reads leaf pages, those with long runs when it is settled which pages are theirs.
    fn read_leaves<A, V, M>(&mut self, mut leaves: Vec<usize>, seen: &mut A, visit: &V, merge: &M) -> Further<'data>
    where
        A: Default + Send,
        V: Fn(&mut A, &Bucket<'data>, Pgid, Element<'data>) + Sync,
        M: Fn(&mut A, A),
    {
        let mut further = Further::default();
        for when in [When::AtOnce, When::Settled] {
            let (mut late, mut asked) = (Vec::new(), 0);
            for window in leaves.chunks(WINDOW) {
                asked = self.ask_ahead(asked, window);
                for task in scan(self.db, &self.tree, window, when, visit) {
                    merge(seen, task.seen);
                    self.anomalies.merge(task.anomalies);
                    self.claim_overflow(&task.runs);
                    further.named.extend(task.named);
                    further.strays.extend(task.strays);
                    late.extend(task.late);
                    self.tree.pages_read = self.tree.pages_read.saturating_add(task.pages_read);
                    self.tree.unreadable.extend(task.unreadable);
                    self.tree.holes.extend(task.holes);
                }
            }
            leaves = late;
        }
        further
    }

    /// Has the pages up to these leaves fetched, and what stands some way behind them; those before `asked` are. Says up to where.
    fn ask_ahead(&self, asked: Pgid, leaves: &[usize]) -> Pgid {
        let leaf = |index: &usize| self.tree.leaves.get(*index);
        let (Some(first), Some(last)) = (leaves.first().and_then(leaf), leaves.last().and_then(leaf)) else { return asked };
        let lead = (LEAD as u64).checked_div(self.db.page_size()).unwrap_or(0);
        let end = last.pgid.saturating_add(lead);
        self.db.will_need(asked.max(first.pgid)..end);
        end
    }

    /// Reads the branch pages that leaf pages lead on to.
    fn follow(&mut self, further: Further<'data>) {
        let Further { mut named, strays } = further;
        for stray in strays {
            self.descend(stray.bucket, vec![stray]);
            if let Some(bucket) = self.tree.buckets.get_mut(stray.bucket) {
                bucket.in_key_order = false;
            }
        }
        // In the order of their names' places, for the same result with any number of tasks.
        named.sort_by_key(|n: &Named<'data>| (n.parent, n.name.as_ptr().addr()));
        for bucket in named {
            self.enter_named(bucket);
        }
    }

    fn finish(self) -> Tree<'data> {
        let Self { mut tree, map, .. } = self;
        // What stands on them is searched like any page outside the tree.
        tree.unreadable.iter().for_each(|page| map.release(page.place.pgid));
        tree.unreadable.sort_by_key(|page| page.place.pgid);
        tree
    }

    fn enter_named(&mut self, named: Named<'data>) {
        let offset = range::offset_within(self.db.bytes(), named.name).or(Some(self.db.page_offset(named.named_on)));
        let (depth, parent_inline) =
            self.tree.buckets.get(named.parent).map_or((1, false), |p| (p.depth.saturating_add(1), matches!(p.root, Root::Inline(_))));
        if parent_inline {
            self.anomalies.note(Class::NestedInlineBucket, offset, Some(named.named_on), || {
                "a bucket within an inline bucket; not entered".to_owned()
            });
            return;
        }
        match InBucket::parse(named.value) {
            Ok((_, root)) => {
                let bucket = Bucket { name: named.name, depth, root, named_on: named.named_on, leaves: Vec::new(), in_key_order: true };
                self.enter(bucket);
            }
            Err(detail) => self.anomalies.note(Class::BucketInvalid, offset, Some(named.named_on), || detail),
        }
    }

    fn enter(&mut self, bucket: Bucket<'data>) {
        let (index, root, named_on) = (self.tree.buckets.len(), bucket.root, bucket.named_on);
        self.tree.buckets.push(bucket);
        if let Root::Page(pgid) = root {
            let whole = Leaf { pgid, bucket: index, lower: &[], upper: &[] };
            if self.refer(pgid, named_on) {
                self.descend(index, vec![whole]);
            } else {
                self.tree.holes.push(Hole { place: whole, is_leaf: false });
            }
        }
    }

    /// Reads branch pages level by level; the last level is the leaves.
    fn descend(&mut self, bucket: usize, mut level: Vec<Leaf<'data>>) {
        let start = self.tree.leaves.len();
        let mut ordered = true;
        // Children that cannot be entered: of which level they are their siblings tell.
        let mut lost: Vec<Leaf<'data>> = Vec::new();
        while !level.is_empty() {
            // All leaves of a bucket are equally deep, so one page tells what its level is. Where a page
            // differs from its level, the tree is damaged: it is read all the same, out of key order.
            let is_leaf_level = level.iter().find_map(|page| self.db.header(page.pgid).ok()).is_none_or(|h| h.flags != Flags::BRANCH);
            self.tree.holes.extend(lost.drain(..).map(|place| Hole { place, is_leaf: is_leaf_level }));
            if is_leaf_level {
                self.tree.leaves.append(&mut level);
                break;
            }
            // They stand all over the file: the disk is asked for all of them at once.
            level.iter().for_each(|place| self.db.will_need(place.pgid..place.pgid.saturating_add(1)));
            let mut below = Vec::new();
            for place in level {
                match self.db.header(place.pgid) {
                    Ok(header) if header.flags == Flags::LEAF => {
                        ordered = false;
                        self.tree.leaves.push(place);
                    }
                    Ok(header) => match branch_page(self.db, place.pgid, header) {
                        Ok(page) => {
                            self.tree.branches.push(place.pgid);
                            let (children, is_whole) = self.children(place, &page);
                            for child in children {
                                let is_entered = self.refer(child.pgid, place.pgid);
                                if is_entered { &mut below } else { &mut lost }.push(child);
                            }
                            lost.extend((!is_whole).then_some(place));
                        }
                        Err(fault) => self.cannot_read(place, fault),
                    },
                    Err(fault) => self.cannot_read(place, fault),
                }
            }
            level = below;
        }
        self.tree.holes.extend(lost.into_iter().map(|place| Hole { place, is_leaf: false }));
        if let Some(bucket) = self.tree.buckets.get_mut(bucket) {
            bucket.leaves.push(start..self.tree.leaves.len());
            bucket.in_key_order &= ordered;
        }
    }

    fn cannot_read(&mut self, place: Leaf<'data>, fault: Fault) {
        self.tree.unreadable.push(Hole { place, is_leaf: false });
        fault.note(self.anomalies);
    }

    /// The children of a branch page with their bounds, and whether all of them can be read.
    fn children(&mut self, place: Leaf<'data>, page: &Page<'data>) -> (Vec<Leaf<'data>>, bool) {
        self.tree.pages_read = self.tree.pages_read.saturating_add(self.db.pages_in(page.bytes));
        self.claim_overflow(&[(place.pgid, page.header.overflow)]);
        let mut order = KeyOrder::new(place);
        let (mut children, mut is_whole): (Vec<Leaf<'data>>, bool) = (Vec::new(), true);
        let mut elements = BranchElements::new(page.bytes, page.header);
        for element in elements.by_ref() {
            let element = match element {
                Ok(element) => element,
                Err(detail) => {
                    is_whole = false;
                    self.anomalies.note(Class::ElementOutOfBounds, Some(page.offset), Some(place.pgid), || detail);
                    continue;
                }
            };
            order.check(self.db, element.key, self.anomalies);
            if let Some(previous) = children.last_mut() {
                previous.upper = element.key;
            }
            children.push(Leaf { pgid: element.child, bucket: place.bucket, lower: element.key, upper: place.upper });
        }
        if page.header.count == 0 {
            packing::note_empty_page(place.pgid, page.offset, self.anomalies);
        }
        let may_lack = is_whole && elements.packing().note_what_no_writer_leaves(self.db, place.pgid, Some(page.offset), self.anomalies);
        (children, is_whole && !may_lack && page.header.count > 0)
    }

    /// Takes possession of a page that `from` refers to; `false` where it must not be entered.
    fn refer(&mut self, pgid: Pgid, from: Pgid) -> bool {
        let high_water_mark = self.db.high_water_mark();
        let at = Some(self.db.page_offset(from));
        if pgid < 2 || pgid >= high_water_mark {
            self.anomalies.note(Class::PgidOutOfBounds, at, Some(from), || {
                format!("page {from} refers to page {pgid}; pages are 2 to {high_water_mark}, exclusive")
            });
            return false;
        }
        if self.map.claim(pgid, self.state) {
            return true;
        }
        match self.map.get(pgid) {
            None => self
                .anomalies
                .note(Class::FileTruncated, at, Some(from), || format!("page {from} refers to page {pgid}, past the end of the file")),
            // The two trees of a raw database share most pages.
            Some(owner) if owner != self.state => {}
            Some(_) => self.anomalies.note(Class::PageReferencedTwice, Some(self.db.page_offset(pgid)), Some(pgid), || {
                format!("page {pgid} is referred to again, by page {from}; not entered twice")
            }),
        }
        false
    }

    /// Takes possession of the further pages of runs. A run that meets a page with an owner ends before it: no byte is read
    /// as part of many runs, however a file's runs are made to overlap.
    fn claim_overflow(&mut self, runs: &[(Pgid, u32)]) {
        for &(head, overflow) in runs {
            for step in 1..=u64::from(overflow) {
                let pgid = head.saturating_add(step);
                if self.map.claim(pgid, self.state) {
                    continue;
                }
                if self.map.get(pgid) == Some(self.state) {
                    self.anomalies.note(Class::PageReferencedTwice, Some(self.db.page_offset(pgid)), Some(pgid), || {
                        format!("page {pgid} belongs to the run of page {head} and to another")
                    });
                }
                if overflow > SHORT_RUN {
                    self.tree.cut_runs.insert(head, step);
                }
                break;
            }
        }
    }

    /// Shows the elements of an inline bucket; does nothing with any other.
    fn visit_inline<A, V>(&mut self, index: usize, seen: &mut A, visit: &V)
    where
        V: Fn(&mut A, &Bucket<'data>, Pgid, Element<'data>) + Sync,
    {
        let Some(bucket) = self.tree.buckets.get(index) else { return };
        let Root::Inline(page) = bucket.root else { return };
        let at = range::offset_within(self.db.bytes(), page);
        let mut is_whole = true;
        let mut elements = inline_elements(page);
        for element in elements.by_ref() {
            match element {
                Ok(element) if element.is_bucket => {
                    let at = range::offset_within(self.db.bytes(), element.key);
                    self.anomalies.note(Class::NestedInlineBucket, at, Some(bucket.named_on), || {
                        "a bucket within an inline bucket; not entered".to_owned()
                    });
                }
                Ok(element) => visit(seen, bucket, bucket.named_on, element),
                Err(detail) => {
                    is_whole = false;
                    self.anomalies.note(Class::ElementOutOfBounds, at, Some(bucket.named_on), || format!("inline bucket: {detail}"));
                }
            }
        }
        if !is_whole || elements.packing().note_what_no_writer_leaves(self.db, bucket.named_on, at, self.anomalies) {
            self.tree.holes.push(Hole { place: Leaf { pgid: 0, bucket: index, lower: &[], upper: &[] }, is_leaf: true });
        }
    }
}

/// Reads leaves of a tree in file order, on all cores.
fn scan<'data, A, V>(db: &Db<'data>, tree: &Tree<'data>, leaves: &[usize], when: When, visit: &V) -> Vec<Scanned<'data, A>>
where
    A: Default + Send,
    V: Fn(&mut A, &Bucket<'data>, Pgid, Element<'data>) + Sync,
{
    let read = |mut task: Scanned<'data, A>, chunk: &[usize]| {
        for index in chunk {
            task.read_leaf(db, tree, *index, when, visit);
        }
        task
    };
    leaves.par_chunks(TASK).fold(Scanned::default, read).collect()
}

fn branch_page<'data>(db: &Db<'data>, pgid: Pgid, header: PageHeader) -> Result<Page<'data>, Fault> {
    if header.flags == Flags::BRANCH { db.run(pgid, header) } else { db.page(pgid, Flags::BRANCH) }
}
