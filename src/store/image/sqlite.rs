//! Databases of SQLite in an image, by their first page. kine, the datastore of k3s without etcd, keeps values in rows of one.
//!
//! Source: <https://www.sqlite.org/fileformat2.html>, section 1.3.

use std::ops::Range;

use crate::evidence::range;

const MAGIC: &[u8] = b"SQLite format 3\0";
/// Databases that are remembered.
const MOST: usize = 64;

/// A database of SQLite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SqliteFile {
    start: u64,
    end: u64,
}

impl SqliteFile {
    /// The one that these bytes begin with, which stand at `at`.
    pub(super) fn at(head: &[u8], at: usize) -> Option<Self> {
        if !head.starts_with(MAGIC) {
            return None;
        }
        let page_size = match u16::from_be_bytes(*range::slice(head, 16, 2)?.first_chunk()?) {
            1 => 1 << 16,
            size => u64::from(size),
        };
        let pages = u32::from_be_bytes(*range::slice(head, 28, 4)?.first_chunk()?);
        let length = if pages == 0 { u64::MAX } else { u64::from(pages).saturating_mul(page_size) };
        Some(Self { start: at as u64, end: (at as u64).saturating_add(length) })
    }

    /// Takes over those of another part.
    pub(super) fn merge(known: &mut Vec<Self>, others: Vec<Self>) {
        known.extend(others.into_iter().take(MOST.saturating_sub(known.len())));
    }

    /// Whether a byte stands in it, as far as it was not divided into blocks elsewhere.
    pub(super) fn holds(&self, at: u64) -> bool {
        Range { start: self.start, end: self.end }.contains(&at)
    }
}
