//! Pages whose tree is lost: no tree that was read has them, and it is not known whether they are free.

use std::collections::BTreeSet;

use crate::bbolt::{Freelist, PageState, Pgid};
use crate::store::DatabaseStore;

/// The pages of which it is not known whether they are free.
pub(super) struct LostTree {
    is_any: bool,
    /// Those of which the freelist says that they are.
    freed: BTreeSet<Pgid>,
}

impl LostTree {
    pub(super) fn of(store: &DatabaseStore<'_>) -> Self {
        let (db, is_any) = (&store.opened.db, store.tree.lacks_pages());
        let listed = || Freelist::read(db, db.active()?.freelist?).ok();
        let freed = is_any.then(listed).flatten().map(|list| list.ids().collect()).unwrap_or_default();
        Self { is_any, freed }
    }

    /// Whether a page may be of the part that is lost.
    pub(super) fn may_have(&self, pgid: Pgid, state: PageState) -> bool {
        self.is_any && state == PageState::Free && !self.freed.contains(&pgid)
    }
}
