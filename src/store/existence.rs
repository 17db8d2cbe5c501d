//! Which keys exist, as far as a store tells.

use std::fmt;

use super::Unapplied;
use crate::mvcc::Keyspace;
use crate::mvcc::ranges::Ranges;

/// Whether a key exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existence {
    /// The tree has it.
    Exists,
    /// The tree is whole and does not have it, or has its deletion and lacks nothing newer.
    Deleted,
    /// What is lost of the tree, or what the log has behind it, may tell otherwise.
    Unknown,
}

/// Tells the create revision that a key has now.
type CreateRevision<'a> = dyn Fn(&[u8]) -> Option<i64> + 'a;

/// Which keys exist, as far as a tree tells.
pub struct Existing<'a> {
    pub(super) keyspace: &'a Keyspace,
    /// Revisions of writes that the tree may have had and does not.
    pub(super) lost: Ranges,
    pub(super) created: Box<CreateRevision<'a>>,
    /// What the log beside it has behind it.
    pub(super) unapplied: Option<&'a Unapplied>,
}

impl Existing<'_> {
    /// Whether a key exists.
    pub fn of(&self, key: &[u8]) -> Existence {
        match self.in_tree(key) {
            Existence::Exists if self.unapplied.is_some_and(|unapplied| unapplied.touches(key)) => Existence::Unknown,
            Existence::Deleted if self.unapplied.is_some_and(|unapplied| unapplied.writes(key)) => Existence::Unknown,
            told => told,
        }
    }

    /// Whether the tree has a key, whatever the log has behind it.
    pub fn is_in_tree(&self, key: &[u8]) -> bool {
        self.in_tree(key) == Existence::Exists
    }

    /// Whether the tree has the deletion of a key.
    pub fn has_deletion(&self, key: &[u8]) -> bool {
        self.keyspace.newest(key).is_some_and(|(_, is_deleted)| is_deleted)
    }

    fn in_tree(&self, key: &[u8]) -> Existence {
        match self.keyspace.newest(key) {
            Some((_, false)) => Existence::Exists,
            Some((deletion, true)) if self.lost.end().is_none_or(|end| end <= deletion) => Existence::Deleted,
            None if self.lost.is_empty() => Existence::Deleted,
            Some(_) | None => Existence::Unknown,
        }
    }

    /// The create revision of what now exists under a key: an object that was deleted and made again has another.
    pub fn create_revision(&self, key: &[u8]) -> Option<i64> {
        (self.created)(key)
    }
}

impl fmt::Debug for Existing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Existing").field("lost", &self.lost).finish_non_exhaustive()
    }
}
