//! One find outside the tree, small enough to keep millions of: 32 bytes.

use std::ops::Range;

use super::headless::{Kind, Piece};
use super::known::Match;
use crate::bbolt::{Db, Pgid};
use crate::evidence::{limit, range};
use crate::mvcc::residue::Write;
use crate::row::Place;

/// Where a find stands; the bytes themselves say the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// First byte of its KeyValue, or of a headless piece.
    offset: u64,
    main: u64,
    sub: u32,
    length: u32,
    pgid: u32,
    pub(in super::super) place: Place,
    pub(in super::super) content: Content,
    pub(in super::super) duplicate: bool,
}

/// What stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Content {
    /// A KeyValue.
    Value,
    /// A KeyValue whose value is cut short.
    Cut,
    /// The KeyValue of a deletion.
    Tombstone,
    /// Bytes of a value that has lost what framed it, or its beginning too.
    Headless(Kind),
}

/// Stands for a number that is not known, and sorts behind all that are.
const NONE: u32 = u32::MAX;

impl Entry {
    /// Of a write.
    ///
    /// # Errors
    /// Which of its numbers is larger than any that etcd writes.
    pub(super) fn write(db: &Db<'_>, place: Place, pgid: Option<Pgid>, write: &Write<'_>) -> Result<Self, String> {
        let number = |sub: u64| {
            let number = u32::try_from(sub).ok().filter(|sub| u64::from(*sub) <= limit::RESIDUE_SUB);
            number.ok_or_else(|| format!("write {sub} of revision {}; those up to {} are kept", write.main, limit::RESIDUE_SUB))
        };
        let length = write.message.len();
        let content = match (write.is_tombstone, write.missing) {
            (true, _) => Content::Tombstone,
            (false, 0) => Content::Value,
            (false, _) => Content::Cut,
        };
        Ok(Self {
            offset: range::offset_within(db.bytes(), write.message).unwrap_or(0),
            main: write.main,
            sub: write.sub.map(number).transpose()?.unwrap_or(NONE),
            length: u32::try_from(length)
                .map_err(|_| format!("a write of {length} bytes; those up to {} are kept", limit::RESIDUE_WRITE))?,
            pgid: page(pgid),
            place,
            content,
            duplicate: false,
        })
    }

    /// Of a headless piece, with the value it was matched to.
    pub(super) fn headless(db: &Db<'_>, piece: &Piece<'_>, known: Option<&Match<'_>>) -> Option<Self> {
        Some(Self {
            offset: range::offset_within(db.bytes(), piece.bytes)?,
            main: known.and_then(|known| known.main).unwrap_or(u64::MAX),
            sub: NONE,
            length: u32::try_from(piece.bytes.len()).ok()?,
            pgid: page(piece.pgid),
            place: piece.place,
            content: Content::Headless(piece.kind?),
            duplicate: piece.kind == Some(Kind::Value) && known.is_some(),
        })
    }

    /// The range of a write, or of a value; `None`: a piece does not tell what it is of.
    pub(super) fn reads(&self) -> Option<Range<u64>> {
        let is_told = matches!(self.content, Content::Value | Content::Cut | Content::Tombstone | Content::Headless(Kind::Value));
        is_told.then(|| self.offset..self.offset.saturating_add(u64::from(self.length)))
    }

    /// The bytes it is made of.
    pub(in super::super) fn bytes<'data>(&self, db: &Db<'data>) -> &'data [u8] {
        range::slice(db.bytes(), self.offset, u64::from(self.length)).unwrap_or_default()
    }

    /// The write, read again; `None` for a headless piece.
    pub(in super::super) fn read<'data>(&self, db: &Db<'data>) -> Option<Write<'data>> {
        match self.content {
            Content::Headless(_) => None,
            content => Write::again(self.main, self.sub(), content == Content::Tombstone, self.bytes(db)),
        }
    }

    pub(in super::super) fn main(&self) -> Option<u64> {
        (self.main != u64::MAX).then_some(self.main)
    }

    pub(in super::super) fn sub(&self) -> Option<u64> {
        (self.sub != NONE).then_some(u64::from(self.sub))
    }

    pub(in super::super) fn pgid(&self) -> Option<Pgid> {
        (self.pgid != NONE).then_some(u64::from(self.pgid))
    }

    /// By place, revision and offset; what is not known comes last.
    pub(super) fn order(&self, db: &Db<'_>) -> (Place, u64, u32, u64) {
        let value = match self.content {
            Content::Value | Content::Cut => self.read(db).and_then(|write| range::offset_within(db.bytes(), write.kv.value)),
            Content::Tombstone | Content::Headless(_) => Some(self.offset),
        };
        (self.place, self.main, self.sub, value.unwrap_or(u64::MAX))
    }
}

fn page(pgid: Option<Pgid>) -> u32 {
    pgid.and_then(|pgid| u32::try_from(pgid).ok()).unwrap_or(NONE)
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_entry_is_as_small_as_the_documentation_says() {
        assert!(size_of::<super::Entry>() <= 32, "{}", size_of::<super::Entry>());
    }
}
