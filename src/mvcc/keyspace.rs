//! Which revision of each key is the newest, and what that makes of the others.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use hashbrown::HashTable;

use super::{Revision, RevisionKey};

/// What a retained revision is to its key.
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
///
/// Keys are slices of the evidence and stand all over it, so that to read one for a comparison costs more than anything else
/// here. The table therefore knows a key by a fingerprint of 128 bits under secrets of this process, which nobody who makes a file can
/// know. Of ten million keys any two share theirs with a probability of 10^14 / 2^129, which is less than 10^-24.
#[derive(Clone, Debug, Default)]
pub struct Keyspace {
    newest: HashTable<Key>,
    last: Revision,
    revisions: u64,
    tombstones: u64,
}

#[derive(Clone, Copy, Debug)]
struct Key {
    fingerprint: Fingerprint,
    newest: Newest,
}

/// A key's fingerprint: two hashes under two secrets. It differs from run to run, and nothing that is shown depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fingerprint([u64; 2]);

/// SipHash, which the standard library keys with random bits.
static SECRETS: LazyLock<[RandomState; 2]> = LazyLock::new(|| [RandomState::new(), RandomState::new()]);

impl Fingerprint {
    fn of(key: &[u8]) -> Self {
        Self(SECRETS.each_ref().map(|secret| secret.hash_one(key)))
    }

    fn hash(self) -> u64 {
        self.0[0]
    }
}

/// A revision key in 16 bytes. The tombstone mark is the lowest bit behind the sub revision, so that the order is that of revisions.
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

impl Keyspace {
    /// Takes note of one revision, in any order.
    pub fn observe(&mut self, at: RevisionKey, key: &[u8]) {
        self.last = self.last.max(at.revision);
        self.revisions = self.revisions.saturating_add(1);
        self.tombstones = self.tombstones.saturating_add(u64::from(at.is_tombstone));
        self.raise(Key { fingerprint: Fingerprint::of(key), newest: at.into() });
    }

    /// Takes over what another part of the same store showed.
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

    fn raise(&mut self, key: Key) {
        let entry =
            self.newest.entry(key.fingerprint.hash(), |known| known.fingerprint == key.fingerprint, |known| known.fingerprint.hash());
        let mut known = entry.or_insert(key);
        let known = known.get_mut();
        known.newest = known.newest.max(key.newest);
    }

    /// The newest revision of a key, and whether that is a deletion.
    pub fn newest(&self, key: &[u8]) -> Option<(Revision, bool)> {
        let Newest { main, sub_and_mark } = self.find(key)?;
        Some((Revision { main, sub: sub_and_mark >> 1 }, sub_and_mark & 1 == 1))
    }

    fn find(&self, key: &[u8]) -> Option<Newest> {
        let fingerprint = Fingerprint::of(key);
        self.newest.find(fingerprint.hash(), |known| known.fingerprint == fingerprint).map(|known| known.newest)
    }

    /// What a revision of `key` is.
    pub fn retention(&self, at: RevisionKey, key: &[u8]) -> Retention {
        match self.find(key) {
            Some(newest) if newest.is_tombstone() => Retention::Deleted,
            Some(newest) if newest > at.into() => Retention::Superseded,
            _ => Retention::Current,
        }
    }

    /// Whether the newest revision of the key is known and is no tombstone.
    pub fn exists(&self, key: &[u8]) -> bool {
        self.find(key).is_some_and(|newest| !newest.is_tombstone())
    }

    /// The newest revision of all, which is the revision of the store itself; `None` in an empty one.
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

    /// How many keys exist. The marker that a restore with `--bump-revision` leaves has an empty key, and is not counted.
    pub fn keys_current(&self) -> u64 {
        self.keys_as_etcdutl_counts().saturating_sub(u64::from(self.exists(&[])))
    }

    /// How many keys exist as `etcdutl snapshot status` 3.6 counts them: the marker of a bump is one too.
    pub fn keys_as_etcdutl_counts(&self) -> u64 {
        self.newest.iter().filter(|key| !key.newest.is_tombstone()).count() as u64
    }
}
