//! bbolt's file: pages, meta pages, trees of pages, the freelist; nothing about what is stored.
//!
//! ```text
//!  0        1        2 …                                   high-water mark      end of file
//!  ┌────────┬────────┬───────┬──────────────────┬──────┬───┬┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┐
//!  │ meta 0 │ meta 1 │ leaf  │ leaf, overflow 2 │branch│ … ┊ never allocated    ┊
//!  └────────┴────────┴───────┴──────────────────┴──────┴───┴┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┘
//!  the active meta names the root bucket; a bucket's branch pages lead to its leaf pages
//! ```
//!
//! A page that is changed is written elsewhere and its old place becomes free, with all its bytes. Which page
//! is which therefore follows only from walking the tree: [`Tree::walk`], then [`PageMap`].
//!
//! All numbers are in the writer's byte order; etcd runs on little-endian machines, and a big-endian file is
//! recognised and said to be so. Source of every layout here: bbolt's `internal/common` (v1.4.3).
#![deny(clippy::arithmetic_side_effects)]

mod branch;
mod bucket;
mod check;
mod freelist;
mod leaf;
mod meta;
mod page;
mod page_map;
mod remnant;
mod walk;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests;

pub use self::bucket::{Bucket, InBucket, Root};
pub use self::check::check;
pub use self::freelist::Freelist;
pub use self::leaf::{Element, LeafElements};
pub use self::meta::{Meta, MetaFault};
pub use self::page::{Fault, Flags, HEADER_LEN, Page, PageHeader};
pub use self::page_map::{PageCounts, PageMap, PageState};
pub use self::remnant::{Image, ImageElement, Remnant, Tail, image_around, image_at, remnants};
pub use self::walk::{Leaf, Scanned, Tree};

use crate::evidence::anomaly::{Anomalies, Class};
use crate::evidence::range;

/// A page's number: its place in the file divided by the page size.
pub type Pgid = u64;

/// An open bbolt database: its bytes and its two meta pages.
#[derive(Clone, Debug)]
pub struct Db<'data> {
    bytes: &'data [u8],
    page_size: u32,
    metas: [Result<Meta, MetaFault>; 2],
    active_slot: usize,
    active: Meta,
}

/// Why bytes cannot be opened as a bbolt database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// No meta page anywhere it could be.
    #[error("not a bbolt database: no meta page where one must be")]
    NotBbolt,
    /// Written on a big-endian machine.
    #[error("a bbolt database in big-endian byte order (s390x), which this version does not read")]
    BigEndian,
    /// Meta pages, but neither is valid.
    #[error("a bbolt database without a valid meta page: meta 0 {meta0}; meta 1 {meta1}")]
    NoValidMeta {
        /// What is wrong with the one at page 0.
        meta0: MetaFault,
        /// What is wrong with the one at page 1.
        meta1: MetaFault,
    },
}

impl<'data> Db<'data> {
    /// Reads both meta pages and chooses the active one as bbolt does: the higher txid among the valid.
    ///
    /// # Errors
    /// [`OpenError`] when neither is valid.
    pub fn open(bytes: &'data [u8]) -> Result<Self, OpenError> {
        let page_size = meta::find_page_size(bytes)?;
        let slot = |index: u64| {
            let at = index.saturating_mul(u64::from(page_size));
            Meta::parse(range::slice(bytes, at, meta::END).unwrap_or_default())
        };
        let metas = [slot(0), slot(1)];
        let (active_slot, active) = match &metas {
            [Ok(zero), Ok(one)] if one.txid > zero.txid => (1, *one),
            [Ok(zero), _] => (0, *zero),
            [Err(_), Ok(one)] => (1, *one),
            [Err(meta0), Err(meta1)] => return Err(OpenError::NoValidMeta { meta0: meta0.clone(), meta1: meta1.clone() }),
        };
        Ok(Self { bytes, page_size, metas, active_slot, active })
    }

    /// The database's bytes: whole pages and what may follow them.
    pub fn bytes(&self) -> &'data [u8] {
        self.bytes
    }

    /// Bytes in a page.
    pub fn page_size(&self) -> u64 {
        u64::from(self.page_size)
    }

    /// Whole pages in the file, whatever the high-water mark says.
    pub fn pages_in_file(&self) -> u64 {
        (self.bytes.len() as u64).checked_div(self.page_size()).unwrap_or(0)
    }

    /// The two meta pages, each as it was judged.
    pub fn metas(&self) -> &[Result<Meta, MetaFault>; 2] {
        &self.metas
    }

    /// Which of the two is active: 0 or 1.
    pub fn active_slot(&self) -> usize {
        self.active_slot
    }

    /// The active meta page.
    pub fn active(&self) -> &Meta {
        &self.active
    }

    /// The other meta page, when it is valid.
    pub fn other(&self) -> Option<Meta> {
        let other = self.active_slot ^ 1;
        self.metas.get(other)?.as_ref().ok().copied()
    }

    /// Whether both metas are one copy, as only a snapshot's are: same tree, meta 0 one txid ahead.
    pub fn has_twin_metas(&self) -> bool {
        matches!(&self.metas, [Ok(zero), Ok(one)]
            if zero.root == one.root && zero.freelist == one.freelist
            && zero.high_water_mark == one.high_water_mark && one.txid.checked_add(1) == Some(zero.txid))
    }

    /// Where a page begins.
    pub fn page_offset(&self, pgid: Pgid) -> u64 {
        pgid.saturating_mul(self.page_size())
    }

    /// Notes what is odd about the meta pages and the file's size.
    pub fn note_anomalies(&self, anomalies: &mut Anomalies) {
        for (slot, meta) in (0u64..).zip(&self.metas) {
            let at = self.page_offset(slot);
            if let Err(fault) = meta {
                anomalies.note(Class::MetaInvalid, Some(at), Some(slot), || format!("meta {slot} {fault}"));
            } else if let Ok(header) = PageHeader::parse(range::slice(self.bytes, at, HEADER_LEN).unwrap_or_default())
                && (header.id != slot || header.flags != Flags::META)
            {
                anomalies.note(Class::MetaContradiction, Some(at), Some(slot), || {
                    format!("meta {slot}: page header says page {}, {}; expected page {slot}, meta", header.id, header.flags)
                });
            }
        }
        if let [Ok(zero), Ok(one)] = &self.metas
            && zero.txid == one.txid
        {
            anomalies.note(Class::MetaContradiction, Some(0), Some(0), || {
                format!("both metas bear transaction {}; a writer gives each its own", zero.txid)
            });
        }
        let (have, need) = (self.pages_in_file(), self.active().high_water_mark);
        if have < need {
            anomalies.note(Class::FileTruncated, Some(self.page_offset(have)), None, || {
                format!("the file has {have} whole pages, its meta page says {need}")
            });
        }
    }
}
