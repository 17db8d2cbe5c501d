//! What `snapshot status` of etcd's own tools prints, so that people can compare.

use crate::bbolt::{Db, Tree};

/// What is counted over every bucket, in key order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// CRC-32C over each bucket's name, then key and value of each entry. Nothing is left out, so two members of one cluster differ in it
    /// by their own bookkeeping.
    pub hash: u32,
    /// Entries of all buckets: what `etcdctl` and `etcdutl` up to 3.5 call total keys. Later ones count the keys that exist.
    pub entries: u64,
}

impl Status {
    /// Counts a walked tree. Source: etcd `etcdutl/snapshot/v3_snapshot.go` (`Status`); up to 3.4 `clientv3/snapshot/v3_snapshot.go`.
    pub fn of(db: &Db<'_>, tree: &Tree<'_>) -> Self {
        let mut buckets: Vec<_> = tree.buckets().iter().filter(|bucket| bucket.depth == 1).collect();
        buckets.sort_by_key(|bucket| bucket.name);
        buckets.iter().fold(Self::default(), |status, bucket| {
            let begun = Self { hash: crc32c::crc32c_append(status.hash, bucket.name), ..status };
            tree.elements(db, bucket).fold(begun, |Self { hash, entries }, (_, element)| {
                // bbolt shows no value of a bucket within a bucket.
                let value = if element.is_bucket { &[] } else { element.value };
                let hash = crc32c::crc32c_append(crc32c::crc32c_append(hash, element.key), value);
                Self { hash, entries: entries.saturating_add(1) }
            })
        })
    }
}
