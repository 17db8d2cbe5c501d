//! The order in which the tree's writes are read.

use super::seen::is_key_bucket;
use crate::bbolt::{Db, Element, Pgid, Root, Tree};
use crate::etcd::schema;
use crate::evidence::anomaly::{Anomalies, Doubt};
use crate::evidence::range;
use crate::mvcc::RevisionKey;

/// What there is to read of the tree, in the order of its revisions.
#[derive(Debug)]
pub(super) enum Order<'data> {
    Pages(Vec<Pgid>),
    Elements(Vec<(Pgid, Element<'data>)>),
}

impl<'data> Order<'data> {
    /// Bucket `key` in the order of its revisions. A sound tree's leaves have that order; the elements of a damaged
    /// one are sorted, at the cost of memory, with those that stand in other buckets; those of an inline bucket are few.
    pub(super) fn of(db: &Db<'data>, tree: &Tree<'data>, anomalies: &Anomalies) -> Self {
        let bucket = tree.bucket(schema::KEY);
        let is_sound = !anomalies.put_in_doubt(Doubt::Order);
        match bucket {
            None if is_sound => return Self::Pages(Vec::new()),
            Some(bucket) if is_sound && bucket.in_key_order && matches!(bucket.root, Root::Page(_)) => {
                return Self::Pages(tree.leaves(bucket));
            }
            _ => {}
        }
        let is_write = |element: &Element<'_>| !element.is_bucket && RevisionKey::of_write(element.key, element.value).is_some();
        let misplaced = tree.buckets().iter().filter(|bucket| !is_key_bucket(bucket));
        let misplaced = misplaced.flat_map(|bucket| tree.elements(db, bucket)).filter(|(_, element)| is_write(element));
        let mut sorted: Vec<_> = bucket.into_iter().flat_map(|bucket| tree.elements(db, bucket)).chain(misplaced).collect();
        sorted.sort_by_key(|(_, element)| {
            let revision = RevisionKey::parse(element.key).map(|at| at.revision);
            let place = range::offset_within(db.bytes(), element.value);
            (revision.is_none(), revision, place.is_none(), place)
        });
        Self::Elements(sorted)
    }
}
