//! What stands at a find.

use super::find::Find;
use crate::kubernetes::fragment;
use crate::row::{Api, Found, FoundContent, PieceOf, Place, Retention, WriteCounts, Written};

/// Finds that one task reads.
pub(super) const TASK: usize = 512;

impl Find {
    /// The find, with its bytes.
    pub(super) fn found<'data>(&self, content: &'data [u8]) -> Option<Found<'data>> {
        let read = self.read(content)?;
        let counts = read.create_revision.zip(read.version).map(|(create_revision, version)| WriteCounts { create_revision, version });
        let found = match (read.is_tombstone, self.is_whole) {
            (true, _) => FoundContent::Tombstone(self.message(content)),
            (false, true) => FoundContent::Value(read.value),
            (false, false) if self.is_tail() => FoundContent::Piece(read.value, PieceOf::SomeSecret(fragment::encoding_of_end(read.value))),
            (false, false) => FoundContent::Cut(read.value),
        };
        Some(Found {
            place: Place::Image,
            retention: Retention::Residue,
            pgid: None,
            key: read.key,
            written: Written { main: read.mod_revision, sub: read.sub, counts, lease: read.lease },
            content: found,
            is_duplicate: self.is_duplicate,
            is_newer_than_snapshot: false,
            log: None,
            api: Api::V3,
            escaped: None,
        })
    }
}
