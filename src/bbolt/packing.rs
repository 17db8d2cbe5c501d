//! How the data of a page's elements are packed.
//!
//! ```text
//! ┌────────┬────────────────────────┬──────────────────────────────┬───────┐
//! │ header │ elements, 16 byte each │ data of each, in their order │ zeros │
//! └────────┴────────────────────────┴──────────────────────────────┴───────┘
//! ```
//! Leaf and branch pages are written by the same loop, which leaves nothing between the data of one element and of the next,
//! into a buffer of zeros. So a page that says fewer elements than it was written with shows it.
//!
//! Source: bbolt `internal/common/inode.go` (`WriteInodeToPage`); the zeros: `tx.go` (`allocate`, `write`).

use super::db::Db;
use super::page::{HEADER_LEN, PageHeader};
use super::pgid::Pgid;
use crate::evidence::anomaly::{Anomalies, Class};
use crate::evidence::range;
use crate::evidence::words::{noun, verb};

/// Bytes of an element, of a leaf or of a branch page.
pub(super) const ELEMENT_LEN: u64 = 16;

/// The elements of a page, as far as they were read, and their data.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packing<'data> {
    pub page: &'data [u8],
    /// How many elements its header says.
    pub count: u64,
    /// The next one to be read.
    next: u64,
    /// End of the data of the elements so far: the next one may not begin before it.
    end: u64,
    /// Bytes between them.
    gaps: u64,
}

impl<'data> Packing<'data> {
    /// Of `page`, a whole run that begins with `header`.
    pub(super) fn new(page: &'data [u8], header: PageHeader) -> Self {
        Self { page, count: u64::from(header.count), next: 0, end: data_start(header), gaps: 0 }
    }

    /// The index of the next element. One stands for all that lie past the page's end, of which there may be 65,535 on any page.
    #[inline]
    pub(super) fn next_index(&mut self) -> Option<u64> {
        let index = Some(self.next).filter(|next| *next < self.count)?;
        let behind = index.saturating_add(1);
        let lies_past = HEADER_LEN.saturating_add(behind.saturating_mul(ELEMENT_LEN)) > self.page.len() as u64;
        self.next = if lies_past { self.count } else { behind };
        Some(index)
    }

    /// Takes the data of the next element, from one byte of the page up to another.
    ///
    /// # Errors
    /// They begin before the end of what precedes them.
    #[inline]
    pub(super) fn place(&mut self, index: u64, start: u64, end: u64) -> Result<(), String> {
        let gap = start
            .checked_sub(self.end)
            .ok_or_else(|| format!("element {index}: its key begins at byte {start}, before the end of what precedes it, {}", self.end))?;
        self.gaps = self.gaps.saturating_add(gap);
        self.end = end;
        Ok(())
    }

    /// What lies behind the data so far.
    pub(super) fn rest(&self) -> &'data [u8] {
        usize::try_from(self.end).ok().and_then(|end| self.page.get(end..)).unwrap_or_default()
    }

    /// How many bytes stand between the data so far.
    pub(super) fn gaps(&self) -> u64 {
        self.gaps
    }

    /// Notes what no writer leaves on a page whose elements can all be read; says whether there may have been more of them.
    /// `offset`: where the page begins in the file.
    pub(super) fn note_what_no_writer_leaves(&self, db: &Db<'data>, pgid: Pgid, offset: Option<u64>, anomalies: &mut Anomalies) -> bool {
        let slack = self.rest();
        let has_slack = !range::is_zero(slack);
        if has_slack {
            anomalies.note(Class::SlackNotZero, range::offset_within(db.bytes(), slack), Some(pgid), || {
                let bytes = noun(slack.len() as u64, "byte");
                format!(
                    "{} {bytes} behind the last element {} zero; every writer leaves zeros there",
                    slack.len(),
                    verb(slack.len() as u64, "is not", "are not all")
                )
            });
        }
        // bbolt before 1.3.3 took a page more than needed where the elements fill their pages to the last byte.
        if slack.len() as u64 > db.page_size() {
            anomalies.note(Class::OverflowTooLong, offset, Some(pgid), || {
                format!("a run of {} pages with {} bytes behind the last element", db.pages_in(self.page), slack.len())
            });
        }
        if self.gaps > 0 {
            anomalies.note(Class::ElementGap, offset, Some(pgid), || {
                format!("{} {} between elements; every writer packs them one behind the other", self.gaps, noun(self.gaps, "byte"))
            });
        }
        has_slack || self.gaps > 0
    }
}

/// Where the data begin, behind the header and the elements themselves.
pub(super) fn data_start(header: PageHeader) -> u64 {
    HEADER_LEN.saturating_add(u64::from(header.count).saturating_mul(ELEMENT_LEN))
}

/// Notes a page that has no elements, below a branch page or as one.
pub(super) fn note_empty_page(pgid: Pgid, offset: u64, anomalies: &mut Anomalies) {
    anomalies.note(Class::EmptyPage, Some(offset), Some(pgid), || {
        "no elements, in a tree of several pages; every writer takes such a page out of it".to_owned()
    });
}
