//! Pages of a bbolt database in an image, by their own consistency: they say where a database lies or lay.

use std::ops::Range;

use super::begun::PassedOver;
use super::sqlite::SqliteFile;
use crate::bbolt::{Flags, HEADER_LEN, Meta, PageHeader};
use crate::evidence::range;

/// Pages begin at sectors.
const SECTOR: usize = 512;
/// Meta pages that are listed; more are counted.
const LISTED: usize = 64;

/// What is known of an image.
#[derive(Clone, Debug, Default)]
pub struct ImageFacts {
    /// Pages of a database that stand in it.
    pub pages: PagesFound,
    /// What it is as a whole, where it is of a form that is read.
    pub is: Option<WholeForm>,
    /// What begins in it and is no value that was found, by its form and then by what it is.
    pub passed_over: Vec<PassedOver>,
}

/// A form of files that are read, in which a search of any bytes sees less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WholeForm {
    /// A snapshot or a database.
    Database {
        /// Where the pages end that were ever used.
        end_of_pages: u64,
    },
    /// A raft snapshot.
    RaftSnapshot,
    /// A segment of a write-ahead log.
    Segment,
}

impl WholeForm {
    /// What a file of it is called.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Database { .. } => "a database",
            Self::RaftSnapshot => "a raft snapshot",
            Self::Segment => "a segment of a write-ahead log",
        }
    }
}

/// Pages found in an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PagesFound {
    /// Leaf pages with revisions of keys.
    pub leaves: u64,
    /// Meta pages whose checksum is right.
    pub metas: u64,
    /// The first of them.
    pub listed: Vec<MetaPage>,
    /// Databases of SQLite.
    pub(super) sqlite: Vec<SqliteFile>,
}

/// A meta page in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetaPage {
    /// Its first byte.
    pub offset: u64,
    /// What it says.
    pub meta: Meta,
}

impl PagesFound {
    /// Those that begin within a window.
    pub(super) fn in_window(bytes: &[u8], window: Range<usize>) -> Self {
        let mut found = Self::default();
        for at in window.step_by(SECTOR) {
            let Some(page) = bytes.get(at..) else { break };
            found.sqlite.extend(SqliteFile::at(page, at));
            match PageHeader::parse(page) {
                Ok(header) if header.flags == Flags::LEAF && is_leaf_of_revisions(page, header) => {
                    found.leaves = found.leaves.saturating_add(1);
                }
                Ok(header) if header.flags == Flags::META => {
                    if let Ok(meta) = Meta::parse(page) {
                        found.metas = found.metas.saturating_add(1);
                        found.list(MetaPage { offset: at as u64, meta });
                    }
                }
                _ => {}
            }
        }
        found
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.leaves = self.leaves.saturating_add(other.leaves);
        self.metas = self.metas.saturating_add(other.metas);
        other.listed.into_iter().for_each(|meta| self.list(meta));
        SqliteFile::merge(&mut self.sqlite, other.sqlite);
    }

    fn list(&mut self, meta: MetaPage) {
        if self.listed.len() < LISTED {
            self.listed.push(meta);
        }
    }
}

/// Whether the first element's key stands right behind the elements and is a revision.
fn is_leaf_of_revisions(page: &[u8], header: PageHeader) -> bool {
    let elements = u64::from(header.count).saturating_mul(HEADER_LEN);
    let field = |at: u64| {
        range::slice(page, HEADER_LEN.saturating_add(at), 4).and_then(|bytes| bytes.first_chunk().copied()).map(u32::from_le_bytes)
    };
    let key = range::slice(page, HEADER_LEN.saturating_add(elements), 17);
    header.count > 0
        && field(4).map(u64::from) == Some(elements)
        && matches!(field(8), Some(17 | 18))
        && key.is_some_and(|key| key.get(8) == Some(&b'_'))
}
