//! Which revisions the tree of a damaged file may have lost.
//!
//! Bucket `key` is in the order of its revisions. So where a part of its tree is lost, it is known between which revisions the
//! writes in that part stood.

use super::standing::Doubt;
use crate::etcd::key_bucket::KeyBucket;
use crate::mvcc::Revision;
use crate::mvcc::continuity::RevisionGap;
use crate::mvcc::ranges::{ALL, Ranges};
use crate::store::{DatabaseStore, Store, revisions_behind};

/// What the tree may have lost.
#[derive(Clone, Debug)]
pub(super) struct Loss {
    /// Revisions of writes that it may have had.
    anywhere: Ranges,
    /// Those of parts whose leaves are not known either: a page anywhere may be one of them.
    subtrees: Ranges,
    /// The newest revision in it.
    last: Revision,
    /// The file is as the snapshot API sent it: whatever stands outside of the tree, the tree is that of one moment.
    is_as_sent: bool,
    /// The bytes are not those that were sent: any page may be another.
    is_not_as_sent: bool,
    /// The record of compactions is newer than the tree: all that was written up to there may have been deleted by then. But a cluster
    /// that is in use goes on.
    is_compacted_ahead: bool,
    /// A whole write that is newer than all of the tree stands outside of it: the tree, or a page of it, is older than the database.
    has_newer_outside: bool,
}

impl Loss {
    pub(super) fn of(store: &DatabaseStore<'_>) -> Self {
        let database = store.profile().facts.database();
        let is_as_sent = store.opened.is_as_sent(database.and_then(|database| database.trailer));
        let last = store.keyspace.last().unwrap_or_default();
        let subtrees = match KeyBucket::of(&store.opened.db, &store.tree) {
            None => [ALL].into_iter().collect(),
            Some(bucket) => bucket.missing_subtrees().into_iter().chain(store.gaps.iter().map(RevisionGap::range)).collect(),
        };
        let has_lost_a_meta = store.opened.db.metas().iter().any(Result::is_err) && !is_as_sent;
        let anywhere = store.lost.iter().chain(has_lost_a_meta.then(|| revisions_behind(store.keyspace.last()))).collect();
        let is_compacted_ahead = !is_as_sent && database.is_some_and(|database| database.schema.compacted() > last.main);
        let is_not_as_sent = !is_as_sent && store.profile().facts.is_changed();
        Self { anywhere, subtrees, last, is_as_sent, is_not_as_sent, is_compacted_ahead, has_newer_outside: false }
    }

    /// Takes note of a whole write outside of the tree.
    pub(super) fn see_outside(&mut self, revision: Revision) {
        self.has_newer_outside |= revision > self.last && !self.is_as_sent;
    }

    /// Whether the tree may have had a write of this revision that cannot be read in it.
    pub(super) fn may_hold(&self, revision: Revision) -> bool {
        self.anywhere.hold(revision)
    }

    /// Whether that write may be on a page of which nothing tells that it was the tree's.
    pub(super) fn may_stand_anywhere(&self, revision: Revision) -> bool {
        self.subtrees.hold(revision)
    }

    /// Why a write in the tree may not be the newest of its key; `None`: it is. `newest`: the newest of the key that stands anywhere in
    /// the file.
    pub(super) fn doubt(&self, revision: Revision, newest: Revision) -> Option<Doubt> {
        let is_lost = self.anywhere.end().is_some_and(|end| end > revision);
        let is_newest = newest <= revision || self.is_as_sent;
        let doubts = [
            (is_lost, Doubt::Lost),
            (self.is_not_as_sent, Doubt::NotAsWritten),
            (self.is_compacted_ahead, Doubt::CompactedAhead),
            (self.has_newer_outside || !is_newest, Doubt::NewerOutside),
        ];
        doubts.into_iter().find(|(holds, _)| *holds).map(|(_, doubt)| doubt)
    }
}
