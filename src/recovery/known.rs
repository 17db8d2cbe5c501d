//! What a database shows of each key: its newest write, in the tree and elsewhere.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::loss::Loss;
use crate::etcd::key_bucket::KeyBucket;
use crate::mvcc::{Revision, RevisionKey};
use crate::row::Place;
use crate::store::{DatabaseStore, WriteAt};

/// All keys, as the writes that are found tell of them.
pub(super) struct Keys<'a, 'data> {
    bucket: Option<KeyBucket<'a, 'data>>,
    with_residue: bool,
    /// What the tree may have lost.
    pub loss: Loss,
    /// The newest revision of a write that the tree has, or may have had.
    pub revision: u64,
    /// What is known of each key.
    pub by_key: HashMap<&'data [u8], Known<'a, 'data>, FixedState>,
}

/// What is known of a key.
#[derive(Default)]
pub(super) struct Known<'a, 'data> {
    /// The newest write or deletion that stands in the tree, or would if it could be read.
    pub standing: Option<(Revision, Found<'a, 'data>)>,
    /// The newest of all that is found anywhere.
    pub newest: Revision,
    /// What few keys have.
    pub others: Option<Box<Others<'a, 'data>>>,
}

/// What else is known of a key.
#[derive(Default)]
pub(super) struct Others<'a, 'data> {
    /// The newest that would stand in the tree if its page is one of those of which nothing tells any more.
    pub loose: Option<(Revision, Found<'a, 'data>)>,
    /// The newest of those that the tree may have lost.
    pub lost: Option<(Revision, Found<'a, 'data>)>,
    /// The newest whole value: anywhere where it may be brought back, else of those that do not stand in the tree.
    pub value: Option<(Revision, WriteAt<'a, 'data>)>,
    /// The newest deletion that does not stand in the tree.
    pub deletion: Option<Revision>,
}

/// A write as it was found; of one revision the later in this list counts.
#[derive(Clone, Copy)]
pub(super) enum Found<'a, 'data> {
    Piece,
    Value(WriteAt<'a, 'data>),
    Deletion,
}

impl<'a, 'data> Keys<'a, 'data> {
    /// No keys yet. `with_residue`: what is not in the tree, or was deleted, is to be kept too.
    pub(super) fn of(store: &'a DatabaseStore<'data>, with_residue: bool) -> Self {
        let bucket = KeyBucket::of(&store.opened.db, &store.tree);
        Self { bucket, with_residue, loss: Loss::of(store), revision: 0, by_key: HashMap::default() }
    }

    /// Takes note of a write of a key.
    pub(super) fn see(&mut self, key: &'data [u8], place: Place, pgid: Option<u64>, revision: Revision, found: Found<'a, 'data>) {
        let stands = place == Place::Tree || self.is_missed(pgid, revision, &found);
        let is_loose = !stands && self.loss.may_stand_anywhere(revision);
        if stands || is_loose || self.loss.may_hold(revision) {
            self.revision = self.revision.max(revision.main);
        }
        if key.is_empty() {
            return;
        }
        let known = self.by_key.entry(key).or_default();
        if place != Place::Tree && !matches!(found, Found::Piece) {
            self.loss.see_outside(revision);
        }
        known.newest = known.newest.max(revision);
        if stands {
            raise(&mut known.standing, revision, found);
        }
        if stands && !self.with_residue {
            return;
        }
        let others = known.others.get_or_insert_default();
        if is_loose {
            raise(&mut others.loose, revision, found);
        } else if !stands && self.loss.may_hold(revision) {
            raise(&mut others.lost, revision, found);
        }
        match found {
            Found::Value(at) if others.value.is_none_or(|(newest, _)| newest < revision) => others.value = Some((revision, at)),
            Found::Deletion if !stands => others.deletion = others.deletion.max(Some(revision)),
            _ => {}
        }
    }

    /// Whether the tree refers to the page of a write, cannot read it, and would have the write there.
    fn is_missed(&self, pgid: Option<u64>, revision: Revision, found: &Found<'a, 'data>) -> bool {
        let write = RevisionKey { revision, is_tombstone: matches!(found, Found::Deletion) };
        self.bucket.zip(pgid).is_some_and(|(bucket, pgid)| bucket.misses(pgid, write))
    }
}

fn raise<'a, 'data>(newest: &mut Option<(Revision, Found<'a, 'data>)>, revision: Revision, found: Found<'a, 'data>) {
    let rank = |found: &Found<'_, '_>| match found {
        Found::Piece => 0u8,
        Found::Value(_) => 1,
        Found::Deletion => 2,
    };
    if newest.as_ref().is_none_or(|(known, of)| (*known, rank(of)) < (revision, rank(&found))) {
        *newest = Some((revision, found));
    }
}
