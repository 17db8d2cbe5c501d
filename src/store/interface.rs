//! What everything above asks of a store, whichever it is.

use std::ops::Range;

use super::{Digests, Existing, Profile, Unapplied};
use crate::envelope::NameTable;
use crate::kubernetes::Prefixes;
use crate::row::Found;

/// An evidence after the first pass.
pub trait Store<'data>: Send + Sync {
    /// What is known of it.
    fn profile(&self) -> &Profile<'data>;

    /// The same, to add what is known later.
    fn profile_mut(&mut self) -> &mut Profile<'data>;

    /// The reading of its writes, divided into tasks in the order of the rows.
    fn tasks(&self) -> Vec<Task>;

    /// Shows the finds of one task in their order.
    fn read(&self, task: &Task, see: &mut dyn FnMut(Found<'data>));

    /// Its content, in which finds have their offsets.
    fn content(&self) -> &'data [u8] {
        self.profile().content
    }

    /// Names of keys that its values support.
    fn names(&self) -> &NameTable<'data> {
        &self.profile().names
    }

    /// Prefixes of the API server's keys.
    fn prefixes<'a>(&'a self) -> &'a Prefixes
    where
        'data: 'a,
    {
        &self.profile().prefixes
    }

    /// Which keys exist; `None` where nothing in it tells.
    fn existing(&self) -> Option<Existing<'_>> {
        None
    }

    /// What a log has behind the database beside it.
    fn unapplied(&self) -> Option<&Unapplied> {
        None
    }

    /// Adds its digests, and what follows from them. Called once, when everything else is known.
    fn settle(&mut self, digests: Option<&Digests>) {
        self.profile_mut().settle(digests);
    }
}

/// A part of the reading of a store, for one thread. What its numbers mean is the store's own affair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Which of the store's lists.
    pub list: u8,
    /// Which items of it.
    pub items: Range<usize>,
}

impl Task {
    /// Tasks of at most `most` items each over a list of `count`.
    pub(super) fn over(list: u8, count: usize, most: usize) -> impl Iterator<Item = Self> {
        (0..count).step_by(most.max(1)).map(move |start| Self { list, items: start..start.saturating_add(most).min(count) })
    }
}
