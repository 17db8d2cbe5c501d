//! What every page of the file is: exactly one state a page.

use super::pgid::Pgid;

/// What a page is, seen from the meta pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PageState {
    /// Page 0 or 1.
    Meta,
    /// Of the active meta's freelist.
    Freelist,
    /// In the active meta's tree.
    Reachable,
    /// Only in the tree of the other meta.
    OtherRoot,
    /// May be overwritten; still holds what was written there last.
    Free,
    /// Never allocated.
    BeyondHighWater,
}

impl PageState {
    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Freelist => "freelist",
            Self::Reachable => "reachable",
            Self::OtherRoot => "other-root",
            Self::Free => "free",
            Self::BeyondHighWater => "beyond-high-water",
        }
    }
}

/// The state of every whole page in the file, one byte a page.
#[derive(Clone, Debug)]
pub struct PageMap {
    states: Vec<PageState>,
}

/// How many pages are in each state; together, the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageCounts {
    /// Pages 0 and 1.
    pub meta: u64,
    /// Of the active freelist.
    pub freelist: u64,
    /// In the active tree.
    pub reachable: u64,
    /// Only in the other meta's tree.
    pub other_root: u64,
    /// Free.
    pub free: u64,
    /// Never allocated.
    pub beyond_high_water: u64,
}

impl PageCounts {
    /// All pages.
    pub fn total(&self) -> u64 {
        [self.meta, self.freelist, self.reachable, self.other_root, self.free, self.beyond_high_water]
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}

impl PageMap {
    /// Every page free, but the metas and those past the high-water mark.
    pub fn new(pages: u64, high_water_mark: Pgid) -> Self {
        let state = |pgid| match pgid {
            0 | 1 => PageState::Meta,
            _ if pgid >= high_water_mark => PageState::BeyondHighWater,
            _ => PageState::Free,
        };
        Self { states: (0..pages).map(state).collect() }
    }

    /// A page's state; `None` past the end of the file.
    pub fn get(&self, pgid: Pgid) -> Option<PageState> {
        self.states.get(usize::try_from(pgid).ok()?).copied()
    }

    /// Gives a free page its state. Says `false` where it has one already, and leaves it.
    pub(super) fn claim(&mut self, pgid: Pgid, state: PageState) -> bool {
        match usize::try_from(pgid).ok().and_then(|at| self.states.get_mut(at)) {
            Some(slot) if *slot == PageState::Free => {
                *slot = state;
                true
            }
            _ => false,
        }
    }

    /// Makes a page free again that turned out to be none of the tree that claimed it.
    pub(super) fn release(&mut self, pgid: Pgid) {
        if let Some(slot) = usize::try_from(pgid).ok().and_then(|at| self.states.get_mut(at)) {
            *slot = PageState::Free;
        }
    }

    /// All pages in file order.
    pub fn iter(&self) -> impl Iterator<Item = (Pgid, PageState)> + '_ {
        (0u64..).zip(self.states.iter().copied())
    }

    /// How many pages are in each state.
    pub fn counts(&self) -> PageCounts {
        let mut counts = PageCounts::default();
        for state in &self.states {
            let count = match state {
                PageState::Meta => &mut counts.meta,
                PageState::Freelist => &mut counts.freelist,
                PageState::Reachable => &mut counts.reachable,
                PageState::OtherRoot => &mut counts.other_root,
                PageState::Free => &mut counts.free,
                PageState::BeyondHighWater => &mut counts.beyond_high_water,
            };
            *count = count.saturating_add(1);
        }
        counts
    }
}
