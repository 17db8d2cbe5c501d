//! Where values come from: the rows of one evidence.

use crate::collect::{Collected, Collector};
use crate::evidence::{EvidenceId, MemberId};
use crate::row::{Row, Scope, ValueRow};
use crate::store::{Role, Store};

/// One evidence.
#[derive(Clone, Copy)]
pub struct Source<'a, 'data> {
    /// Which one.
    pub id: EvidenceId,
    /// The member that it is of: what one of its evidences shows is compared with what another does.
    pub member: MemberId,
    /// What it holds.
    pub store: &'a dyn Store<'data>,
}

impl<'data> Source<'_, 'data> {
    /// Whether it was left behind: then nothing in it is what the member has now.
    pub fn is_leftover(&self) -> bool {
        self.store.profile().facts.role == Role::Leftover
    }

    /// Shows every value in scope, on all cores and in no order.
    pub fn each(&self, scope: &Scope, look: impl Fn(&ValueRow<'data>) + Sync) -> Collected<'data> {
        Collector::new(self.store, scope).each(|row| match row {
            Row::Value(value) => look(value),
            Row::Tombstone(_) => {}
        })
    }
}
