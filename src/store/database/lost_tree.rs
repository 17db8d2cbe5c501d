//! Pages whose tree is lost: no tree that was read has them, and it is not known whether they are free.

use std::collections::BTreeSet;

use crate::bbolt::{Db, Freelist, PageMap, PageState, Pgid};

/// The pages of which it is not known whether they are free.
#[derive(Debug, Default)]
pub(crate) struct LostTree {
    is_any: bool,
    /// Those of which the freelist says that they are.
    freed: BTreeSet<Pgid>,
}

impl LostTree {
    /// `is_any`: pages of the tree are lost.
    pub(super) fn of(db: &Db<'_>, is_any: bool) -> Self {
        let listed = || Freelist::read(db, db.active()?.freelist?).ok();
        let freed = is_any.then(listed).flatten().map(|list| list.ids().collect()).unwrap_or_default();
        Self { is_any, freed }
    }

    /// Whether a page may be of the part that is lost.
    pub(crate) fn may_have(&self, pgid: Pgid, state: PageState) -> bool {
        self.is_any && state == PageState::Free && !self.freed.contains(&pgid)
    }

    /// How many pages may be.
    pub(super) fn count(&self, pages: &PageMap) -> u64 {
        if self.is_any { pages.iter().filter(|(pgid, state)| self.may_have(*pgid, *state)).count() as u64 } else { 0 }
    }
}
