//! Which revision of each key is the newest, and what that makes of the others.

use super::fingerprint::Fingerprint;
use super::write::Write;
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

/// Keys that one look into the index leaves to be looked at, on average.
const KEYS_A_BUCKET: usize = 8;

/// The newest revision of every key seen: of 32 bytes a write, those that are a key's last, in the order of their fingerprints, which are
/// even over all numbers; so the first bits of one say where it stands.
#[derive(Clone, Debug, Default)]
pub struct Keyspace {
    newest: Vec<Write>,
    /// Where the keys begin whose fingerprints have the same first bits, and where the last of them end.
    buckets: Vec<usize>,
    last: Revision,
    revisions: u64,
    tombstones: u64,
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
    /// Of the newest write of each key, in the order of the fingerprints; and of how many writes there are.
    pub(super) fn of_sorted(newest: Vec<Write>, last: Revision, revisions: u64, tombstones: u64) -> Self {
        let count = newest.len().div_ceil(KEYS_A_BUCKET);
        let mut buckets = vec![0; count.saturating_add(1)];
        for key in &newest {
            if let Some(next) = bucket(key.fingerprint(), count).checked_add(1).and_then(|next| buckets.get_mut(next)) {
                *next = usize::saturating_add(*next, 1);
            }
        }
        let mut begin = 0usize;
        for keys in &mut buckets {
            begin = begin.saturating_add(*keys);
            *keys = begin;
        }
        Self { newest, buckets, last, revisions, tombstones }
    }

    /// The newest revision of a key, and whether that is a deletion.
    pub fn newest(&self, key: &[u8]) -> Option<(Revision, bool)> {
        let Newest { main, sub_and_mark } = self.find(key)?;
        Some((Revision { main, sub: sub_and_mark >> 1 }, sub_and_mark & 1 == 1))
    }

    fn find(&self, key: &[u8]) -> Option<Newest> {
        let fingerprint = Fingerprint::of(key);
        let bucket = bucket(fingerprint, self.buckets.len().saturating_sub(1));
        let (begin, end) = (self.buckets.get(bucket)?, self.buckets.get(bucket.saturating_add(1))?);
        let keys = self.newest.get(*begin..*end)?;
        keys.iter().find(|known| known.fingerprint() == fingerprint).map(|known| known.at().into())
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
        self.newest.iter().filter(|key| !key.is_tombstone()).count() as u64
    }
}

/// Which of so many buckets a fingerprint belongs to.
fn bucket(fingerprint: Fingerprint, buckets: usize) -> usize {
    let scaled = u128::from(fingerprint.high).saturating_mul(buckets as u128) >> 64;
    usize::try_from(scaled).unwrap_or(0)
}
