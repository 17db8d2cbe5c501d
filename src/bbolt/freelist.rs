//! The freelist page: numbers of the pages that may be overwritten.
//!
//! | offset | size | field | |
//! |---|---|---|---|
//! | 0 | 16 | page header | flags 0x10; count, or 0xFFFF: the first number is the count |
//! | 16 | 8 · n | ids | ascending |
//!
//! etcd on Linux does not keep one (since 3.3): the free pages are then those that the tree does not reach.
//! Source: bbolt `internal/freelist/shared.go`, `internal/common/page.go` (`FreelistPageIds`).

use crate::evidence::number::le_u64;

use super::page::{Fault, Flags, HEADER_LEN, Page, PageHeader};
use super::{Db, Pgid};
use crate::evidence::anomaly::Class;

/// A freelist as it stands in the file.
#[derive(Clone, Debug)]
pub struct Freelist<'data> {
    /// The page and its run.
    pub page: Page<'data>,
    ids: &'data [u8],
    /// What stands behind them, up to the end of the run.
    pub(super) rest: &'data [u8],
}

impl<'data> Freelist<'data> {
    /// Reads the freelist at `pgid`.
    ///
    /// # Errors
    /// The page cannot be read, or has fewer numbers than it says.
    pub fn read(db: &Db<'data>, pgid: Pgid) -> Result<Self, Fault> {
        let page = db.page(pgid, Flags::FREELIST)?;
        let (body, count) = listed(page.bytes, page.header);
        let length = usize::try_from(count.saturating_mul(8)).unwrap_or(usize::MAX);
        let (ids, rest) = body.split_at_checked(length).ok_or_else(|| Fault {
            class: Class::FreelistInvalid,
            pgid,
            offset: page.offset,
            detail: format!("page {pgid}: {count} free pages in a run of {} bytes", page.bytes.len()),
        })?;
        Ok(Self { page, ids, rest })
    }

    /// The numbers of the free pages.
    pub fn ids(&self) -> impl Iterator<Item = Pgid> + use<'data> {
        self.ids.as_chunks::<8>().0.iter().map(|id| u64::from_le_bytes(*id))
    }
}

/// What stands behind the header of a freelist page, from the first number of a page on, and how many of them there are by its own words.
pub(super) fn listed(page: &[u8], header: PageHeader) -> (&[u8], u64) {
    let body = usize::try_from(HEADER_LEN).ok().and_then(|at| page.get(at..)).unwrap_or_default();
    match header.count {
        u16::MAX => {
            let read: nom::IResult<_, u64> = le_u64(body);
            read.unwrap_or((&[], 0))
        }
        count => (body, u64::from(count)),
    }
}
