//! The row of a find.

use super::super::classify::{Classified, Classifier};
use super::super::row::{Protection, Retention, Row, TombstoneRow, ValueRow};
use super::Residue;
use super::entry::{Content, Entry};
use super::headless::Kind;
use crate::bbolt::Db;
use crate::evidence::range;
use crate::kubernetes::{Encoding, GroupResource, StorageKey};
use crate::mvcc::Revision;

impl<'data> Residue<'data> {
    /// The row of an entry, and its value's bytes. `current`: the revision the database is at.
    pub(in super::super) fn row(
        &self,
        db: &Db<'data>,
        entry: &Entry,
        current: Option<u64>,
        classifier: &mut Classifier<'_, 'data>,
    ) -> Option<(Row<'data>, &'data [u8])> {
        let newer = entry.main().is_some_and(|main| current.is_none_or(|current| main > current));
        let Content::Headless(kind) = entry.content else {
            let write = entry.read(db)?;
            if write.is_tombstone {
                let offset = range::offset_within(db.bytes(), write.message);
                let revision = Revision { main: write.main, sub: write.sub? };
                let row = TombstoneRow { place: entry.place, offset, pgid: entry.pgid(), key: write.kv.key, revision };
                return Some((Row::Tombstone(row), &[]));
            }
            let value = write.kv.value;
            // What is odd about a value that etcd no longer shows is no damage to the file.
            let read = match write.missing {
                0 => classifier.read(write.kv.key, value, |_, _| {}),
                _ => classifier.read_cut(write.kv.key, value),
            };
            let mut row = value_row(db, entry, value, read, write.kv.key);
            row.create_revision = Some(write.kv.create_revision);
            row.version = Some(write.kv.version);
            row.lease = (write.missing == 0).then_some(write.kv.lease);
            row.fragment = write.missing > 0;
            row.newer_than_snapshot = newer;
            return Some((Row::Value(Box::new(row)), value));
        };
        let piece = entry.bytes(db);
        let known = self.known.get(piece).filter(|_| kind == Kind::Known);
        let read = match (kind, known) {
            (Kind::Known, Some(known)) => Classified { secret: None, ..classifier.read(known.key, known.value, |_, _| {}) },
            (Kind::SecretEnd, _) => {
                // Which Secret is lost with its beginning.
                let some_secret = StorageKey { group_resource: GroupResource("secrets".into()), namespace: None, name: "" };
                Classified { storage_key: Some(some_secret), ..plaintext(Some(Encoding::Protobuf)) }
            }
            (Kind::ObjectEnd, _) => plaintext(Some(Encoding::Protobuf)),
            (Kind::Text | Kind::Known, _) => plaintext(None),
        };
        let mut row = value_row(db, entry, piece, read, known.map_or(&[], |known| known.key));
        row.fragment = true;
        row.newer_than_snapshot = newer;
        Some((Row::Value(Box::new(row)), piece))
    }
}

fn plaintext(encoding: Option<Encoding>) -> Classified<'static> {
    Classified { storage_key: None, protection: Protection::Plaintext, encoding, seal: None, secret: None }
}

fn value_row<'data>(db: &Db<'data>, entry: &Entry, value: &'data [u8], read: Classified<'data>, key: &'data [u8]) -> ValueRow<'data> {
    ValueRow {
        place: entry.place,
        retention: Retention::Residue,
        offset: range::offset_within(db.bytes(), value),
        length: value.len() as u64,
        pgid: entry.pgid(),
        key,
        mod_revision: entry.main(),
        sub: entry.sub(),
        create_revision: None,
        version: None,
        lease: None,
        storage_key: read.storage_key,
        protection: read.protection,
        encoding: read.encoding,
        seal: read.seal,
        secret: read.secret,
        fragment: false,
        duplicate: entry.duplicate,
        newer_than_snapshot: false,
        log: None,
    }
}
