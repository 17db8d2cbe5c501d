//! What can be recovered: of every key its newest write, as far as the file shows which one that is.
//!
//! | what stands where | is brought back |
//! |---|---|
//! | the newest write of a key in the tree | yes |
//! | a write on a page that the tree refers to and cannot read, where the tree would have it | as if it stood in the tree |
//! | a write anywhere, of a revision whose part of the tree is lost with all that names its pages, or that is missing behind the last compaction | the same, where the file has no newer one of its key |
//! | a write that is newer than those, of a revision that the tree may have lost | in their place: nothing else takes the newest write of a key out |
//! | a write of such a revision that deletes them, or of which only a piece is there | takes them out |
//! | a write outside of a tree that does not have its key | only when residue is asked for, and marked |
//! | a write that a later one deletes | only when residue is asked for, and marked |
//! | an older write of a key that exists, a piece of a value | never |
//!
//! Where a revision behind a write may be lost, the write is marked: it may have been written again, or deleted. So is it where the
//! log beside the database writes or deletes its key later, or may, and where the
//! file shows that the tree, or a page of it, is older than the database; unless a trailer vouches for the tree.

mod known;
mod loss;
mod standing;

use std::io::{Seek, Write};

use self::known::{Found, Keys, Known, Others};
use self::loss::Loss;
pub use self::standing::{Doubt, Standing};
pub use crate::etcd::rebuild::{Rebuilt, WriteError};

use crate::collect::row_of;
use crate::etcd::rebuild;
use crate::evidence::anomaly;
use crate::evidence::count::{self, Count};
use crate::mvcc::{KeyValue, Revision};
use crate::row::{Digests, Place, Row, Scope, ValueRow};
use crate::store::{DatabaseStore, Store, WriteAt};

/// A write that is brought back.
#[derive(Clone, Copy, Debug)]
pub struct RecoveredWrite<'a, 'data> {
    /// What it is.
    pub standing: Standing,
    /// Its revision. Where the key in bucket `key` and the KeyValue differ, the lower.
    pub revision: Revision,
    /// Its key.
    pub key: &'data [u8],
    at: WriteAt<'a, 'data>,
}

/// What can be recovered of a database.
#[derive(Clone, Debug)]
pub struct Recovery<'a, 'data> {
    store: &'a DatabaseStore<'data>,
    /// One write a key, by revision, and of those that claim one revision, what exists first.
    pub recovered: Vec<RecoveredWrite<'a, 'data>>,
    /// The revision that the database was at, as far as it is known.
    pub revision: u64,
    /// Keys that were deleted, and left out.
    pub deleted: Count<count::Keys>,
    /// Keys that only residue has, and left out.
    pub residue: Count<count::Keys>,
    /// Keys whose newest write is there only in part, and left out.
    pub pieces: Count<count::Keys>,
}

impl<'a, 'data> Recovery<'a, 'data> {
    /// Looks through everything in `scope` that the first pass found.
    pub fn of(store: &'a DatabaseStore<'data>, scope: &Scope, with_residue: bool) -> Self {
        let mut keys = Keys::of(store, with_residue);
        let mut digests = Digests::default();
        for task in store.tasks() {
            let mut row = |found: &_| row_of(store, found, &mut digests, |_, _| {}).filter(|row| scope.holds(row, store.prefixes()));
            store.each_write(&task, |at, found| match row(&found) {
                Some(Row::Tombstone(row)) => {
                    keys.see(row.key, row.place, row.pgid, row.revision, Found::Deletion);
                }
                Some(Row::Value(row)) => {
                    let Some(main) = row.written.main else { return };
                    let revision = revision_of(store, at, &row, main);
                    let is_whole = !row.is_fragment() && row.written.sub.is_some();
                    keys.see(row.key, row.place, row.pgid, revision, if is_whole { Found::Value(at) } else { Found::Piece });
                }
                None => {}
            });
        }
        let Keys { by_key, loss, revision, .. } = keys;
        let revision = revision.max(last_revision(store));
        let none = Count::ZERO;
        let mut recovery = Self { store, recovered: Vec::new(), revision, deleted: none, residue: none, pieces: none };
        for (key, known) in by_key {
            recovery.add(key, known, &loss, with_residue);
        }
        recovery.recovered.sort_unstable_by(|a, b| (a.revision, a.standing, a.key).cmp(&(b.revision, b.standing, b.key)));
        recovery
    }

    /// What is known of a write, and its value.
    pub fn row(&self, write: &RecoveredWrite<'a, 'data>) -> Option<Box<ValueRow<'data>>> {
        let found = self.store.found_at(write.at)?;
        match row_of(self.store, &found, &mut Digests::default(), |_, _| {})? {
            Row::Value(row) => Some(row),
            Row::Tombstone(_) => None,
        }
    }

    /// A write as etcd stores it, under its revision, with counts that a writer could have come to.
    pub fn key_value(&self, write: &RecoveredWrite<'a, 'data>) -> Option<KeyValue<'data>> {
        let kv = write.at.key_value(self.store)?;
        let main = write.revision.main.cast_signed();
        let created = kv.create_revision.clamp(1, main.max(1));
        let writes_since = main.saturating_sub(created).max(0);
        let version = kv.version.clamp(1i64.saturating_add(writes_since.min(1)), writes_since.saturating_add(1));
        Some(KeyValue { create_revision: created, mod_revision: main, version, ..kv })
    }

    /// Writes a new database of what was recovered, with the small buckets of the old one.
    ///
    /// # Errors
    /// Those of `out`, and writes that bbolt does not take.
    pub fn write_database(&self, out: &mut (impl Write + Seek)) -> Result<Rebuilt, WriteError> {
        let writes = self.recovered.iter().filter_map(|write| Some((write.revision, self.key_value(write)?)));
        let (_, rebuilt) = rebuild::rebuild(out, &self.store.opened.db, &self.store.tree, self.revision, writes)?;
        Ok(rebuilt)
    }

    fn add(&mut self, key: &'data [u8], known: Known<'a, 'data>, loss: &Loss, with_residue: bool) {
        let Others { loose, lost, value, deletion } = known.others.map(|others| *others).unwrap_or_default();
        // An older write was compacted away where the file has a newer one that the tree would not have.
        let loose = loose.filter(|(revision, _)| *revision == known.newest);
        let standing = match (known.standing, loose) {
            (Some((standing, _)), Some(loose)) if loose.0 > standing => Some(loose),
            (standing, loose) => standing.or(loose),
        };
        let newest = standing.map(|standing| lost.filter(|(lost, _)| *lost > standing.0).unwrap_or(standing));
        if let Some((revision, Found::Value(at))) = newest {
            let is_touched = self.store.unapplied.as_ref().is_some_and(|unapplied| unapplied.touches(key));
            let doubt = if is_touched { Some(Doubt::NotApplied) } else { loss.doubt(revision, known.newest) };
            let standing = doubt.map_or(Standing::Current, Standing::Newest);
            self.recovered.push(RecoveredWrite { standing, revision, key, at });
            return;
        }
        let (standing, left_out) = match newest {
            Some((_, Found::Piece)) => (Standing::Residue, &mut self.pieces),
            Some(_) => (Standing::Deleted, &mut self.deleted),
            None if deletion > value.map(|(revision, _)| revision) => (Standing::Deleted, &mut self.deleted),
            None if value.is_none() => (Standing::Residue, &mut self.pieces),
            None => (Standing::Residue, &mut self.residue),
        };
        match value.filter(|_| with_residue) {
            Some((revision, at)) => self.recovered.push(RecoveredWrite { standing, revision, key, at }),
            None => left_out.add_one(),
        }
    }
}

/// The revision of a write: what the KeyValue itself says, of one that may stand under another revision.
fn revision_of<'data>(store: &DatabaseStore<'data>, at: WriteAt<'_, 'data>, row: &ValueRow<'data>, main: u64) -> Revision {
    let own = (row.place == Place::Tree).then(|| at.key_value(store)).flatten();
    let own = own.and_then(|kv| u64::try_from(kv.mod_revision).ok()).filter(|own| *own > 0);
    // A number that no writer comes to is none.
    let sub = row.written.sub.filter(|sub| u32::try_from(*sub).is_ok()).unwrap_or(0);
    Revision { main: own.unwrap_or(main).min(main), sub }
}

/// The newest revision that the tree and the record of compactions bear out.
fn last_revision(store: &DatabaseStore<'_>) -> u64 {
    let is_sound = !store.profile().anomalies.put_in_doubt(anomaly::Doubt::Revision);
    let last = store.keyspace.last().filter(|_| is_sound).map_or(0, |revision| revision.main);
    let compacted = store.profile().facts.database().and_then(|database| database.schema.scheduled_compact_revision);
    last.max(compacted.unwrap_or(0))
}
