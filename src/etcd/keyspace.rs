//! Which revision of each key is the newest, and what that makes of the others.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::{Revision, RevisionKey};

/// What a revision in the tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Retention {
    /// The newest revision of a key that still exists.
    Current,
    /// An older revision of a key that still exists.
    Superseded,
    /// A revision of a key whose newest is a tombstone.
    Deleted,
}

/// The newest revision of every key seen. 32 bytes a key, besides the table's own.
#[derive(Clone, Debug, Default)]
pub struct Keyspace<'data> {
    newest: HashMap<&'data [u8], Newest, FixedState>,
    last: Revision,
    revisions: u64,
    tombstones: u64,
}

/// A revision with its tombstone mark in the lowest bit of the sub revision, so that it orders as the revision does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Newest {
    main: u64,
    sub_and_mark: u64,
}

impl From<RevisionKey> for Newest {
    fn from(key: RevisionKey) -> Self {
        let mark = u64::from(key.is_tombstone);
        Self { main: key.revision.main, sub_and_mark: key.revision.sub.saturating_mul(2) | mark }
    }
}

impl Newest {
    fn is_tombstone(self) -> bool {
        self.sub_and_mark & 1 == 1
    }
}

impl<'data> Keyspace<'data> {
    /// Takes note of one revision, in any order.
    pub fn observe(&mut self, at: RevisionKey, key: &'data [u8]) {
        self.last = self.last.max(at.revision);
        self.revisions = self.revisions.saturating_add(1);
        self.tombstones = self.tombstones.saturating_add(u64::from(at.is_tombstone));
        self.raise(key, at.into());
    }

    /// Takes over what another part of the same database showed.
    pub fn merge(&mut self, other: Self) {
        self.last = self.last.max(other.last);
        self.revisions = self.revisions.saturating_add(other.revisions);
        self.tombstones = self.tombstones.saturating_add(other.tombstones);
        if self.newest.len() < other.newest.len() {
            let smaller = std::mem::replace(&mut self.newest, other.newest);
            smaller.into_iter().for_each(|(key, newest)| self.raise(key, newest));
        } else {
            other.newest.into_iter().for_each(|(key, newest)| self.raise(key, newest));
        }
    }

    fn raise(&mut self, key: &'data [u8], newest: Newest) {
        let known = self.newest.entry(key).or_insert(newest);
        *known = (*known).max(newest);
    }

    /// What a revision of `key` is.
    pub fn retention(&self, at: RevisionKey, key: &[u8]) -> Retention {
        match self.newest.get(key) {
            Some(newest) if newest.is_tombstone() => Retention::Deleted,
            Some(newest) if *newest > at.into() => Retention::Superseded,
            _ => Retention::Current,
        }
    }

    /// Whether the key's newest revision is there and no tombstone.
    pub fn exists(&self, key: &[u8]) -> bool {
        self.newest.get(key).is_some_and(|newest| !newest.is_tombstone())
    }

    /// The newest revision of all, which is the database's own; `None` in an empty one.
    pub fn last(&self) -> Option<Revision> {
        (self.revisions > 0).then_some(self.last)
    }

    /// How many revisions are retained, tombstones included.
    pub fn revisions(&self) -> u64 {
        self.revisions
    }

    /// How many of them are tombstones.
    pub fn tombstones(&self) -> u64 {
        self.tombstones
    }

    /// How many keys exist. The bump marker of a restore, which has no key, is not one.
    pub fn keys_current(&self) -> u64 {
        self.keys_as_etcdutl_counts().saturating_sub(u64::from(self.exists(&[])))
    }

    /// As `etcdutl snapshot status` 3.6 counts: the bump marker is a key too.
    pub fn keys_as_etcdutl_counts(&self) -> u64 {
        self.newest.values().filter(|newest| !newest.is_tombstone()).count() as u64
    }
}
