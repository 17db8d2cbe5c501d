//! Values under a key, in the columns of a table.

use super::thousands;
use crate::collect::KeyCounts;
use crate::evidence::{Count, Unit};

/// The columns that a table has: one for what may be current only where there is such a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct CountColumns {
    has_newest: bool,
}

impl CountColumns {
    /// Those that these counts need.
    pub(super) fn of(counts: impl IntoIterator<Item = KeyCounts>) -> Self {
        Self { has_newest: counts.into_iter().any(|counts| counts.newest > 0) }
    }

    /// Their titles, and what follows them.
    pub(super) fn titles<'t>(self, before: &[&'t str], after: &[&'t str]) -> Vec<&'t str> {
        let perhaps = self.has_newest.then_some("perhaps current");
        let own = ["current"].into_iter().chain(perhaps).chain(["older"]);
        before.iter().copied().chain(own).chain(after.iter().copied()).collect()
    }

    /// The cells of the tree's values.
    pub(super) fn of_tree(self, counts: KeyCounts) -> impl Iterator<Item = String> {
        let perhaps = self.has_newest.then_some(counts.newest);
        [counts.current].into_iter().chain(perhaps).chain([counts.superseded.plus(counts.deleted)]).map(cell)
    }
}

/// A count; a dash where there is nothing.
pub(super) fn cell<U: Unit>(count: Count<U>) -> String {
    if count == 0 { "-".to_owned() } else { thousands(count) }
}
