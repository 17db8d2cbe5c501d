//! A page and its header.
//!
//! | offset | size | field | |
//! |---|---|---|---|
//! | 0 | 8 | id | the page's own number |
//! | 8 | 2 | flags | exactly one of 0x01 branch, 0x02 leaf, 0x04 meta, 0x10 freelist |
//! | 10 | 2 | count | elements |
//! | 12 | 4 | overflow | further pages of this run; they follow without a header |
//!
//! Source: bbolt `internal/common/page.go`.

use std::fmt;

use crate::evidence::number::{le_u16, le_u32, le_u64};
use nom::Parser;

use super::db::Db;
use super::pgid::Pgid;
use crate::evidence::anomaly::{Anomalies, Class};
use crate::evidence::range;

/// Bytes of a page header.
pub(crate) const HEADER_LEN: u64 = 16;

/// The first sixteen bytes of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageHeader {
    /// The page's own number, which must be its place.
    pub id: Pgid,
    /// Its type.
    pub flags: Flags,
    /// How many elements it has.
    pub count: u16,
    /// How many pages follow that belong to it.
    pub overflow: u32,
}

impl PageHeader {
    /// Reads a header from the start of `bytes`.
    ///
    /// # Errors
    /// The number of bytes there are, when fewer than sixteen.
    pub fn parse(bytes: &[u8]) -> Result<Self, usize> {
        let read: nom::IResult<_, _> = (le_u64, le_u16, le_u16, le_u32).parse(bytes);
        let (_, (id, flags, count, overflow)) = read.map_err(|_| bytes.len())?;
        Ok(Self { id, flags: Flags(flags), count, overflow })
    }
}

/// A page's type, as the integer that stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flags(pub u16);

impl Flags {
    /// Inner page of a tree.
    pub const BRANCH: Self = Self(0x01);
    /// Keys and values.
    pub const LEAF: Self = Self(0x02);
    /// One of the first two pages.
    pub const META: Self = Self(0x04);
    /// The list of free pages.
    pub const FREELIST: Self = Self(0x10);

    /// The type's name, unless the flags are none or several.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::BRANCH => Some("branch"),
            Self::LEAF => Some("leaf"),
            Self::META => Some("meta"),
            Self::FREELIST => Some("freelist"),
            _ => None,
        }
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "flags {:#06x}", self.0),
        }
    }
}

/// A page with all the pages of its overflow run.
#[derive(Clone, Copy, Debug)]
pub struct Page<'data> {
    /// Its header.
    pub header: PageHeader,
    /// The whole run, header included.
    pub bytes: &'data [u8],
    /// Where the run begins in the file.
    pub offset: u64,
}

/// Why a page cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The kind of fault.
    pub class: Class,
    /// The page that was asked for.
    pub pgid: Pgid,
    /// Where it stands.
    pub offset: u64,
    /// Expected and found.
    pub detail: String,
}

impl Fault {
    /// Adds it to the anomalies.
    pub fn note(self, anomalies: &mut Anomalies) {
        anomalies.note(self.class, Some(self.offset), Some(self.pgid), || self.detail);
    }
}

impl<'data> Db<'data> {
    /// The header of a page, if the page is one that a tree may refer to.
    ///
    /// # Errors
    /// The number is out of bounds, the file ends before it, or the header bears another number.
    pub fn header(&self, pgid: Pgid) -> Result<PageHeader, Fault> {
        let offset = self.page_offset(pgid);
        let fault = |class, detail| Fault { class, pgid, offset, detail };
        let high_water_mark = self.high_water_mark();
        if pgid < 2 || pgid >= high_water_mark {
            return Err(fault(Class::PgidOutOfBounds, format!("page {pgid} is referred to; pages are 2 to {high_water_mark}, exclusive")));
        }
        let bytes = range::slice(self.bytes, offset, self.page_size())
            .ok_or_else(|| fault(Class::FileTruncated, format!("page {pgid} lies past the end of the file")))?;
        let header = PageHeader::parse(bytes)
            .map_err(|have| fault(Class::FileTruncated, format!("page {pgid}: {have} bytes of a 16-byte header")))?;
        if header.id != pgid {
            return Err(fault(Class::PageIdMismatch, format!("page {pgid}: its header says page {}", header.id)));
        }
        Ok(header)
    }

    /// A page of the expected type, with its overflow run.
    ///
    /// # Errors
    /// As [`Db::header`]; the page is of another type; its run leaves the file or passes the high-water mark.
    pub fn page(&self, pgid: Pgid, expected: Flags) -> Result<Page<'data>, Fault> {
        let header = self.header(pgid)?;
        let offset = self.page_offset(pgid);
        if header.flags != expected {
            let detail = format!("page {pgid}: expected {expected}, found {}", header.flags);
            return Err(Fault { class: Class::PageType, pgid, offset, detail });
        }
        self.run(pgid, header)
    }

    /// The run of a page whose header was read.
    ///
    /// # Errors
    /// The run leaves the file or passes the high-water mark.
    pub fn run(&self, pgid: Pgid, header: PageHeader) -> Result<Page<'data>, Fault> {
        let offset = self.page_offset(pgid);
        let pages = u64::from(header.overflow).saturating_add(1);
        let end = pgid.saturating_add(pages);
        let bytes = range::slice(self.bytes, offset, pages.saturating_mul(self.page_size())).filter(|_| end <= self.high_water_mark());
        match bytes {
            Some(bytes) => Ok(Page { header, bytes, offset }),
            None => Err(Fault {
                class: Class::OverflowPastEnd,
                pgid,
                offset,
                detail: format!(
                    "page {pgid}: a run of {pages} pages; the high-water mark is {} and the file has {} pages",
                    self.high_water_mark(),
                    self.pages_in_file()
                ),
            }),
        }
    }
}
