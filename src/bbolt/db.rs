//! An open database: its bytes, and what its two meta pages say of them.

use std::borrow::Cow;
use std::ops::Range;

use super::meta::{self, Meta, MetaFault};
use super::pgid::Pgid;
use crate::evidence::ahead::Ahead;
use crate::evidence::range;

/// An open bbolt database: its bytes and its two meta pages. Where neither is valid it is a set of pages, of which nothing
/// tells which are in use.
#[derive(Clone, Debug)]
pub struct Db<'data> {
    pub(super) bytes: &'data [u8],
    pub(super) page_size: u32,
    pub(super) metas: [Result<Meta, MetaFault>; 2],
    /// The slot of the active meta, and what it says; `None` where neither is valid.
    pub(super) active: Option<(usize, Meta)>,
    /// Who is told which pages are read soon.
    pub(super) ahead: Ahead<'data>,
}

impl<'data> Db<'data> {
    /// The same, of which somebody fetches ahead what is read soon.
    pub(crate) fn with_ahead(self, ahead: Ahead<'data>) -> Self {
        Self { ahead, ..self }
    }

    /// Says that these pages are read soon.
    pub(super) fn will_need(&self, pages: Range<Pgid>) {
        let at = |pgid: Pgid| usize::try_from(self.page_offset(pgid)).unwrap_or(usize::MAX).min(self.bytes.len());
        if let Some(bytes) = self.bytes.get(at(pages.start)..at(pages.end)) {
            self.ahead.will_need(bytes);
        }
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
    pub(crate) fn active_slot(&self) -> Option<usize> {
        self.active.map(|(slot, _)| slot)
    }

    /// The page of the active meta; page 0 where there is none.
    pub(super) fn active_page(&self) -> Pgid {
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
    pub(crate) fn has_twin_metas(&self) -> bool {
        matches!(&self.metas, [Ok(zero), Ok(one)]
            if zero.root == one.root && zero.freelist == one.freelist
            && zero.high_water_mark == one.high_water_mark && one.txid.checked_add(1) == Some(zero.txid))
    }

    /// Its bytes as they were if it is a snapshot of which one meta was broken since, in three parts: before that meta's page,
    /// the page, behind it. `None` where it is not one of two metas that is broken.
    pub(crate) fn with_twin_meta(&self) -> Option<[Cow<'data, [u8]>; 3]> {
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
    pub(crate) fn page_offset(&self, pgid: Pgid) -> u64 {
        pgid.saturating_mul(self.page_size())
    }
}
