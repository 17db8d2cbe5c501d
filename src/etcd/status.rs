//! The hash that `etcdutl snapshot status` prints, so that people can compare.

use crate::bbolt::{Db, Tree};

/// CRC-32C over every bucket in key order: its name, then key and value of each entry.
///
/// Nothing is left out, so two members of one cluster differ in it by their own bookkeeping.
/// Source: etcd `etcdutl/snapshot/v3_snapshot.go` (`Status`).
pub fn hash(db: &Db<'_>, tree: &Tree<'_>) -> u32 {
    let mut buckets: Vec<_> = tree.buckets().iter().filter(|bucket| bucket.depth == 1).collect();
    buckets.sort_by_key(|bucket| bucket.name);
    buckets.iter().fold(0, |hash, bucket| {
        let hash = crc32c::crc32c_append(hash, bucket.name);
        tree.elements(db, bucket).fold(hash, |hash, (_, element)| {
            // bbolt shows no value of a bucket within a bucket.
            let value = if element.is_bucket { &[] } else { element.value };
            crc32c::crc32c_append(crc32c::crc32c_append(hash, element.key), value)
        })
    })
}
