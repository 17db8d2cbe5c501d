//! What stands at an entry.

use super::Residue;
use super::entry::{Content, Entry};
use super::headless::Kind;
use crate::bbolt::Db;
use crate::kubernetes::{Encoding, fragment};
use crate::row::{Api, Found, FoundContent, PieceOf, Retention, WriteCounts, Written};

impl<'data> Residue<'data> {
    /// The find of an entry. `current`: the revision that the database is at.
    pub(in super::super) fn found(&self, db: &Db<'data>, entry: &Entry, current: Option<u64>) -> Option<Found<'data>> {
        let is_newer = entry.main().is_some_and(|main| current.is_none_or(|current| main > current));
        let written = Written { main: entry.main(), sub: entry.sub(), counts: None, lease: None };
        let nothing = Found {
            place: entry.place,
            retention: Retention::Residue,
            pgid: entry.pgid(),
            key: &[],
            written,
            content: FoundContent::Tombstone(&[]),
            is_duplicate: entry.duplicate,
            is_newer_than_snapshot: is_newer,
            log: None,
            api: Api::V3,
            escaped: None,
        };
        let Content::Headless(kind) = entry.content else {
            let write = entry.read(db)?;
            let content = match (write.is_tombstone, write.missing) {
                (true, _) => FoundContent::Tombstone(write.message),
                (false, 0) => FoundContent::Value(write.kv.value),
                (false, _) => FoundContent::Cut(write.kv.value),
            };
            let counts = WriteCounts { create_revision: write.kv.create_revision, version: write.kv.version };
            // The lease stands behind the value.
            let lease = (write.missing == 0).then_some(write.kv.lease);
            return Some(Found { key: write.kv.key, written: Written { counts: Some(counts), lease, ..written }, content, ..nothing });
        };
        let piece = entry.bytes(db);
        let known = self.known.get(piece).filter(|_| matches!(kind, Kind::Known | Kind::Value));
        let of = match (kind, known) {
            (Kind::Value, known) => {
                return Some(Found { key: known.map_or(&[], |known| known.key), content: FoundContent::Value(piece), ..nothing });
            }
            (Kind::Beginning, _) => return Some(Found { content: FoundContent::Cut(piece), ..nothing }),
            (Kind::Known, Some(known)) => PieceOf::Known(known.value),
            // Which Secret is lost with its beginning.
            (Kind::SecretEnd, _) => PieceOf::SomeSecret(fragment::encoding_of_end(piece)),
            (Kind::ObjectEnd, _) => PieceOf::Plaintext(Some(Encoding::Protobuf)),
            (Kind::Text | Kind::Known, _) => PieceOf::Plaintext(None),
        };
        Some(Found { key: known.map_or(&[], |known| known.key), content: FoundContent::Piece(piece, of), ..nothing })
    }
}
