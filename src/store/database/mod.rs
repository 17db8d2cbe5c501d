//! A bbolt database of etcd as a store: the tree, and what etcd no longer shows.

mod first_pass;
mod identity;
mod key_tree;
mod lost_tree;
mod opened;
mod order;
mod residue;
mod seen;
mod writes;

pub use self::key_tree::KeyTree;
pub(crate) use self::key_tree::revisions_behind;
use self::lost_tree::LostTree;
pub use self::opened::{NotADatabase, OpenedDatabase};
pub use self::residue::{Account, Residue};
pub(crate) use self::writes::WriteAt;

use std::collections::BTreeSet;

use foldhash::fast::FixedState;
use hashbrown::HashSet;
use rayon::prelude::*;

use super::{Digests, Existence, Existing, Profile, Store, Task, Unapplied};
use crate::bbolt::{PageMap, Tree};
use crate::etcd::key_bucket::KeyElement;
use crate::etcd::schema;
use crate::etcd::status::Status;
use crate::mvcc::continuity::RevisionGap;
use crate::mvcc::history::History;
use crate::mvcc::ranges::Ranges;
use crate::mvcc::{KeyValue, Keyspace, Revision, RevisionKey};
use crate::row::{Found, Place, Retention};

/// A database after the first pass.
#[derive(Debug)]
pub struct DatabaseStore<'data> {
    profile: Profile<'data>,
    /// Its bytes as a database.
    pub opened: OpenedDatabase<'data>,
    /// The active tree.
    pub tree: Tree<'data>,
    /// What every page is.
    pub pages: PageMap,
    /// Of which pages that are called free it is not known whether they are.
    pub(crate) lost_tree: LostTree,
    /// The newest revision of each key.
    pub keyspace: Keyspace,
    /// Revisions that the tree should have and does not.
    pub gaps: Vec<RevisionGap<KeyElement<'data>>>,
    /// Revisions of writes that the tree may have had and does not.
    pub lost: Ranges,
    /// What etcd no longer shows.
    pub residue: Residue<'data>,
    /// The writes in the tree, where they were asked for.
    pub history: Option<History>,
    /// What the log beside it has behind it, where there is one.
    pub unapplied: Option<Unapplied>,
    /// Where it is a past of the member that it stands beside: keys of it that the member does not have any more.
    past: Option<HashSet<Vec<u8>, FixedState>>,
    order: order::Order<'data>,
    /// Pages that the walks of both trees and the search for residue read, each as often as they did. It measures their work, which is
    /// bounded by the number of pages however the file was made. What reads leaf pages of the tree again, to name the place where a revision
    /// is missing or to read etcd's own buckets, is not counted.
    pub pages_read: u64,
}

impl<'data> DatabaseStore<'data> {
    /// The KeyValue that the tree has of a write, with its page. In a tree that is out of key order it may be missed.
    pub fn find(&self, revision: Revision) -> Option<(crate::bbolt::Pgid, crate::bbolt::Element<'data>)> {
        let bucket = self.tree.bucket(schema::KEY)?;
        let find = |is_tombstone| self.tree.find(&self.opened.db, bucket, &RevisionKey { revision, is_tombstone }.to_bytes());
        find(false).or_else(|| find(true))
    }

    /// Keys that exist and go with one of these leases.
    pub fn keys_of_leases(&self, leases: &BTreeSet<i64>) -> Vec<&'data [u8]> {
        self.existing_keys(|found| found.written.lease.is_some_and(|lease| leases.contains(&lease)))
    }

    /// Says that it is a past of a member, of which this is the database: nothing in it is current.
    pub fn set_past_of(&mut self, own: &DatabaseStore<'_>) {
        let now = own.existing();
        let is_gone = |key: &[u8]| now.as_ref().is_some_and(|now| now.of(key) == Existence::Deleted);
        let gone = self.existing_keys(|_| true).into_iter().filter(|key| is_gone(key)).map(<[u8]>::to_vec).collect();
        self.past = Some(gone);
    }

    fn existing_keys(&self, is_meant: impl Fn(&Found<'data>) -> bool + Sync) -> Vec<&'data [u8]> {
        let of_task = |task: &Task| {
            let mut keys = Vec::new();
            self.each_write(task, |_, found| {
                if is_meant(&found) && (found.place, found.retention) == (Place::Tree, Retention::Current) {
                    keys.push(found.key);
                }
            });
            keys
        };
        self.task_list().par_iter().flat_map_iter(of_task).collect()
    }

    /// What a revision in the tree is to its key. What is newest here need not be what the key has now.
    fn retention(&self, at: RevisionKey, key: &[u8]) -> Retention {
        match self.keyspace.retention(at, key).into() {
            Retention::Current | Retention::Superseded if self.past.as_ref().is_some_and(|gone| gone.contains(key)) => Retention::Deleted,
            Retention::Current if self.past.is_some() => Retention::Superseded,
            Retention::Current if self.unapplied.as_ref().is_some_and(|unapplied| unapplied.touches(key)) => Retention::Newest,
            retention => retention,
        }
    }

    /// What `etcdutl snapshot status` counts over all buckets.
    pub fn status(&self) -> Status {
        Status::of(&self.opened.db, &self.tree)
    }

    fn create_revision(&self, key: &[u8]) -> Option<i64> {
        let (revision, _) = self.keyspace.newest(key).filter(|(_, is_deleted)| !is_deleted)?;
        let (_, element) = self.find(revision)?;
        KeyValue::parse(element.value).ok().filter(|kv| kv.key == key).map(|kv| kv.create_revision)
    }
}

impl<'data> Store<'data> for DatabaseStore<'data> {
    fn profile(&self) -> &Profile<'data> {
        &self.profile
    }

    fn profile_mut(&mut self) -> &mut Profile<'data> {
        &mut self.profile
    }

    fn tasks(&self) -> Vec<Task> {
        self.task_list()
    }

    fn read(&self, task: &Task, see: &mut dyn FnMut(Found<'data>)) {
        self.each_write(task, |_, found| see(found));
    }

    fn existing(&self) -> Option<Existing<'_>> {
        let one_meta_is_lost = self.opened.db.metas().iter().any(Result::is_err).then(|| revisions_behind(self.keyspace.last()));
        let lost = self.lost.iter().chain(one_meta_is_lost).collect();
        let created = Box::new(|key: &[u8]| self.create_revision(key));
        self.profile.facts.has_tree().then_some(Existing { keyspace: &self.keyspace, lost, created, unapplied: self.unapplied.as_ref() })
    }

    fn settle(&mut self, digests: Option<&Digests>) {
        self.add_digests(digests);
    }
}
