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
mod leaf_scan;
mod loss;
mod meta;
mod packing;
mod page;
mod page_map;
mod page_size;
mod remnant;
mod walk;
mod write;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests;

pub use self::bucket::{Bucket, InBucket, Root};
pub use self::check::check;
pub use self::freelist::Freelist;
pub use self::leaf::{Element, LeafElements};
pub use self::loss::Hole;
pub use self::meta::{Meta, MetaFault};
pub use self::page::{Fault, Flags, HEADER_LEN, Page, PageHeader};
pub use self::page_map::{PageCounts, PageMap, PageState};
pub use self::remnant::{Image, ImageElement, Remnant, Tail, image_around, image_at, remnants};
pub use self::walk::{Leaf, Tree};
pub use self::write::{BucketWriter, WriteError, Writer};

use std::borrow::Cow;

use crate::evidence::anomaly::{Anomalies, Class};
use crate::evidence::range;

/// A page's number: its place in the file divided by the page size.
pub type Pgid = u64;

/// An open bbolt database: its bytes and its two meta pages. Where neither is valid it is a set of pages, of which nothing
/// tells which are in use.
#[derive(Clone, Debug)]
pub struct Db<'data> {
    bytes: &'data [u8],
    page_size: u32,
    metas: [Result<Meta, MetaFault>; 2],
    /// The slot of the active meta, and what it says; `None` where neither is valid.
    active: Option<(usize, Meta)>,
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
    /// Not even two pages.
    #[error("a bbolt database cut off at {have} bytes: its two meta pages alone are {need}")]
    TooShort {
        /// Bytes there are.
        have: u64,
        /// Bytes of its two meta pages.
        need: u64,
    },
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
        let need = u64::from(page_size).saturating_mul(2);
        if (bytes.len() as u64) < need {
            return Err(OpenError::TooShort { have: bytes.len() as u64, need });
        }
        let metas = metas_at(bytes, page_size);
        let active = match &metas {
            [Ok(zero), Ok(one)] if one.txid > zero.txid => (1, *one),
            [Ok(zero), _] => (0, *zero),
            [Err(_), Ok(one)] => (1, *one),
            [Err(meta0), Err(meta1)] => return Err(OpenError::NoValidMeta { meta0: meta0.clone(), meta1: meta1.clone() }),
        };
        let db = Self { bytes, page_size, metas, active: Some(active) };
        if let Some(pages) = db.other_page_size() {
            let fault = MetaFault::OtherPageSize { stored: page_size, pages };
            return Err(OpenError::NoValidMeta { meta0: fault.clone(), meta1: fault });
        }
        Ok(db)
    }

    /// Takes bytes that [`Db::open`] cannot open for a set of pages, where leaf pages that bear the numbers of their places
    /// say how large a page is; `None` where there are none.
    pub fn of_pages(bytes: &'data [u8]) -> Option<Self> {
        let page_size = page_size::by_consistency(bytes)?;
        let metas = metas_at(bytes, page_size).map(|meta| match meta {
            Ok(Meta { page_size: stored, .. }) if stored != page_size => Err(MetaFault::OtherPageSize { stored, pages: page_size }),
            meta => meta,
        });
        Some(Self { bytes, page_size, metas, active: None })
    }

    /// The page size with which the pages are consistent, where no root stands and it is not that of the metas.
    fn other_page_size(&self) -> Option<u32> {
        let mut roots = self.metas.iter().flatten().map(|meta| meta.root);
        if roots.any(|root| self.header(root).is_ok()) {
            return None;
        }
        page_size::by_consistency(self.bytes).filter(|pages| *pages != self.page_size)
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

    /// How many pages bytes fill, the last one perhaps in part.
    pub(crate) fn pages_in(&self, bytes: &[u8]) -> u64 {
        (bytes.len() as u64).div_ceil(self.page_size().max(1))
    }

    /// The two meta pages, each as it was judged.
    pub fn metas(&self) -> &[Result<Meta, MetaFault>; 2] {
        &self.metas
    }

    /// Which of the two is active: 0 or 1.
    pub fn active_slot(&self) -> Option<usize> {
        self.active.map(|(slot, _)| slot)
    }

    /// The page of the active meta; page 0 where there is none.
    fn active_page(&self) -> Pgid {
        u64::from(self.active_slot() == Some(1))
    }

    /// The active meta page.
    pub fn active(&self) -> Option<&Meta> {
        self.active.as_ref().map(|(_, meta)| meta)
    }

    /// First page never allocated; without a valid meta any page may have been.
    pub fn high_water_mark(&self) -> Pgid {
        self.active().map_or(self.pages_in_file(), |active| active.high_water_mark)
    }

    /// The other meta page, when it is valid.
    pub fn other(&self) -> Option<Meta> {
        let other = self.active_slot()? ^ 1;
        self.metas.get(other)?.as_ref().ok().copied()
    }

    /// Whether both metas are one copy, as only a snapshot's are: same tree, meta 0 one txid ahead.
    pub fn has_twin_metas(&self) -> bool {
        matches!(&self.metas, [Ok(zero), Ok(one)]
            if zero.root == one.root && zero.freelist == one.freelist
            && zero.high_water_mark == one.high_water_mark && one.txid.checked_add(1) == Some(zero.txid))
    }

    /// Its bytes as they were if it is a snapshot of which one meta was broken since, in three parts: before that meta's page,
    /// the page, behind it. `None` where it is not one of two metas that is broken.
    pub fn with_twin_meta(&self) -> Option<[Cow<'data, [u8]>; 3]> {
        let (lost, other) = match &self.metas {
            [Err(_), Ok(_)] => (0, 1),
            [Ok(_), Err(_)] => (1, 0),
            _ => return None,
        };
        let at = |pgid| usize::try_from(self.page_offset(pgid)).ok();
        let page = meta::twin(range::slice(self.bytes, self.page_offset(other), self.page_size())?, lost)?;
        let (before, behind) = (self.bytes.get(..at(lost)?)?, self.bytes.get(at(lost.saturating_add(1))?..)?);
        Some([before.into(), page.into(), behind.into()])
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
        for (slot, _) in (0u64..).zip(&self.metas).filter(|(_, meta)| meta.is_ok()) {
            let behind =
                range::slice(self.bytes, self.page_offset(slot).saturating_add(meta::END), self.page_size().saturating_sub(meta::END));
            if let Some(slack) = behind.filter(|slack| !range::is_zero(slack)) {
                anomalies.note(Class::SlackNotZero, range::offset_within(self.bytes, slack), Some(slot), || {
                    format!("{} bytes behind meta {slot} are not all zero; every writer leaves zeros there", slack.len())
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
        if self.active.is_none() {
            anomalies.note(Class::NoValidMeta, Some(0), None, || {
                format!(
                    "neither meta is valid: which pages are in use is not known; pages of {} bytes are read by what stands on them",
                    self.page_size
                )
            });
        }
        let (have, need) = (self.pages_in_file(), self.high_water_mark());
        if have < need {
            anomalies.note(Class::FileTruncated, Some(self.page_offset(have)), None, || {
                let rest = (self.bytes.len() as u64).saturating_sub(self.page_offset(have));
                format!("the file has {have} whole pages and {rest} bytes, its meta page says {need} pages")
            });
        }
    }
}

/// The two metas, each at the start of its page.
fn metas_at(bytes: &[u8], page_size: u32) -> [Result<Meta, MetaFault>; 2] {
    [0u64, 1].map(|slot| {
        let at = slot.saturating_mul(u64::from(page_size));
        Meta::parse(range::slice(bytes, at, meta::END).unwrap_or_default())
    })
}
