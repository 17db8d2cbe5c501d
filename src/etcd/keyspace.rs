//! Which revision of each key is the newest, and what that makes of the others.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

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

/// The newest revision of every key seen. 40 bytes a key, besides the table's own.
///
/// Keys are slices of the evidence, scattered all over it, so to touch one costs more than anything else here. The table
/// therefore keeps each key's hash, and compares the bytes only of keys whose hashes agree.
#[derive(Clone, Debug, Default)]
pub struct Keyspace<'data> {
    newest: HashTable<Key<'data>>,
    last: Revision,
    revisions: u64,
    tombstones: u64,
}

#[derive(Clone, Copy, Debug)]
struct Key<'data> {
    hash: u64,
    /// As it stands in the newest revision.
    key: &'data [u8],
    newest: Newest,
}

impl Key<'_> {
    fn is(&self, hash: u64, key: &[u8]) -> bool {
        self.hash == hash && (std::ptr::eq(self.key, key) || self.key == key)
    }
}

fn hash_of(key: &[u8]) -> u64 {
    FixedState::default().hash_one(key)
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
        self.raise(Key { hash: hash_of(key), key, newest: at.into() });
    }

    /// Takes over what another part of the same database showed.
    pub fn merge(&mut self, other: Self) {
        self.last = self.last.max(other.last);
        self.revisions = self.revisions.saturating_add(other.revisions);
        self.tombstones = self.tombstones.saturating_add(other.tombstones);
        let mut smaller = other.newest;
        if self.newest.len() < smaller.len() {
            std::mem::swap(&mut self.newest, &mut smaller);
        }
        smaller.into_iter().for_each(|key| self.raise(key));
    }

    fn raise(&mut self, key: Key<'data>) {
        let entry = self.newest.entry(key.hash, |known| known.is(key.hash, key.key), |known| known.hash);
        let mut known = entry.or_insert(key);
        let known = known.get_mut();
        if known.newest < key.newest {
            *known = key;
        }
    }

    fn newest(&self, key: &[u8]) -> Option<Newest> {
        let hash = hash_of(key);
        self.newest.find(hash, |known| known.is(hash, key)).map(|known| known.newest)
    }

    /// What a revision of `key` is.
    pub fn retention(&self, at: RevisionKey, key: &[u8]) -> Retention {
        match self.newest(key) {
            Some(newest) if newest.is_tombstone() => Retention::Deleted,
            Some(newest) if newest > at.into() => Retention::Superseded,
            _ => Retention::Current,
        }
    }

    /// Whether the key's newest revision is there and no tombstone.
    pub fn exists(&self, key: &[u8]) -> bool {
        self.newest(key).is_some_and(|newest| !newest.is_tombstone())
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
        self.newest.iter().filter(|key| !key.newest.is_tombstone()).count() as u64
    }
}
