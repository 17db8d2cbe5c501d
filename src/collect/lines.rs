//! What rows are rendered as, before it is written: bytes, each row's with its kind.

use crate::row::Row;

/// Rows as bytes, in their order.
#[derive(Debug, Default)]
pub struct Lines {
    bytes: Vec<u8>,
    ends: Vec<(RowKind, usize)>,
}

/// Which kind of row bytes are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowKind {
    /// A value's.
    Value,
    /// A deletion's.
    Tombstone,
}

impl RowKind {
    /// Of a row.
    pub fn of(row: &Row<'_>) -> Self {
        match row {
            Row::Value(_) => Self::Value,
            Row::Tombstone(_) => Self::Tombstone,
        }
    }
}

impl Lines {
    /// Adds what `write` appends for one row.
    pub fn add(&mut self, kind: RowKind, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push((kind, self.bytes.len()));
    }

    /// All bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Each row's bytes.
    pub fn iter(&self) -> impl Iterator<Item = (RowKind, &[u8])> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|(_, end)| *end));
        starts.zip(&self.ends).map(|(start, (kind, end))| (*kind, self.bytes.get(start..*end).unwrap_or_default()))
    }
}
