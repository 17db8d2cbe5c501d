//! The meta pages: pages 0 and 1.
//!
//! | offset in page | size | field | |
//! |---|---|---|---|
//! | 0 | 16 | page header | id 0 or 1, flags 0x04 |
//! | 16 | 4 | magic | `0xED0CDAED` |
//! | 20 | 4 | version | 2 |
//! | 24 | 4 | page size | the writer's operating system's |
//! | 28 | 4 | flags | unused |
//! | 32 | 8 | root | pgid of the root bucket |
//! | 40 | 8 | sequence | of the root bucket |
//! | 48 | 8 | freelist | its pgid; all ones: not kept in the file |
//! | 56 | 8 | pgid | high-water mark: first page never allocated |
//! | 64 | 8 | txid | transaction that wrote it |
//! | 72 | 8 | checksum | FNV-1a 64 over bytes 16 to 72 |
//!
//! Source: bbolt `internal/common/meta.go`.

use std::fmt;

use crate::evidence::number::{le_u32, le_u64};
use nom::Parser;

use super::pgid::Pgid;
use crate::evidence::{limit, range};

/// End of the meta within its page.
pub(super) const END: u64 = 80;

pub(super) const MAGIC: u32 = 0xED0C_DAED;
pub(super) const VERSION: u32 = 2;
pub(super) const NO_FREELIST: u64 = u64::MAX;

/// A meta page's content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// Bytes in a page.
    pub page_size: u32,
    /// Page of the root bucket.
    pub root: Pgid,
    /// Page of the freelist, when it is kept in the file.
    pub freelist: Option<Pgid>,
    /// First page never allocated.
    pub high_water_mark: Pgid,
    /// The transaction that wrote it.
    pub txid: u64,
}

/// What is wrong with a meta page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetaFault {
    /// The file ends before it does.
    Missing,
    /// Other first bytes.
    Magic(u32),
    /// Another version of the format.
    Version(u32),
    /// The checksum that stands there, and that of the bytes.
    Checksum {
        /// As stored.
        stored: u64,
        /// Of the bytes.
        computed: u64,
    },
    /// No page size an operating system has.
    PageSize(u32),
    /// Another page size than that with which the file's pages are consistent.
    OtherPageSize {
        /// As stored.
        stored: u32,
        /// Of the pages.
        pages: u32,
    },
}

impl fmt::Display for MetaFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => write!(f, "lies past the end of the file"),
            Self::Magic(found) => write!(f, "has magic {found:#010x}, expected {MAGIC:#010x}"),
            Self::Version(found) => write!(f, "has version {found}, expected {VERSION}"),
            Self::Checksum { stored, computed } => {
                write!(f, "has checksum {stored:#018x}, its bytes give {computed:#018x}")
            }
            Self::PageSize(found) => write!(f, "has page size {found}, expected a power of two from 1024 to 16777216"),
            Self::OtherPageSize { stored, pages } => write!(f, "has page size {stored}, but the file's pages are of {pages} bytes"),
        }
    }
}

impl Meta {
    /// Where the next valid meta page of number 0 begins, from an offset on: there another database begins.
    pub fn find_first(bytes: &[u8], from: usize) -> Option<usize> {
        // Number 0, and the flag of a meta page.
        const HEADER: [u8; 10] = [0, 0, 0, 0, 0, 0, 0, 0, 4, 0];
        let (rest, magic) = (bytes.get(from..)?, MAGIC.to_le_bytes());
        let mut signs = memchr::memmem::find_iter(rest, &magic).filter_map(|sign| sign.checked_sub(16));
        let begins = |at: &usize| rest.get(*at..).is_some_and(|page| page.starts_with(&HEADER) && Self::parse(page).is_ok());
        signs.find(begins)?.checked_add(from)
    }

    /// Reads and validates a meta from the start of its page, in bbolt's order: magic, version, checksum.
    ///
    /// # Errors
    /// [`MetaFault`]. A page size that no system has is a fault too: bbolt would crash on it.
    pub fn parse(page: &[u8]) -> Result<Self, MetaFault> {
        let body = range::slice(page, 16, 56).ok_or(MetaFault::Missing)?;
        let read: nom::IResult<_, _> = (le_u32, le_u32, le_u32, le_u32, le_u64, le_u64, le_u64, le_u64, le_u64).parse(body);
        let (_, (magic, version, page_size, _flags, root, _sequence, freelist, high_water_mark, txid)) =
            read.map_err(|_| MetaFault::Missing)?;
        let stored: nom::IResult<_, u64> = le_u64(range::slice(page, 72, 8).ok_or(MetaFault::Missing)?);
        let (_, stored) = stored.map_err(|_| MetaFault::Missing)?;
        if magic != MAGIC {
            return Err(MetaFault::Magic(magic));
        }
        if version != VERSION {
            return Err(MetaFault::Version(version));
        }
        let computed = fnv1a(body);
        if stored != computed {
            return Err(MetaFault::Checksum { stored, computed });
        }
        if !page_size.is_power_of_two() || !limit::PAGE_SIZES.contains(&page_size) {
            return Err(MetaFault::PageSize(page_size));
        }
        let freelist = (freelist != NO_FREELIST).then_some(freelist);
        Ok(Self { page_size, root, freelist, high_water_mark, txid })
    }
}

/// The page of the copy of a snapshot's meta at `slot`, from that of the other copy: the same but for the number, the transaction,
/// of which meta 0 bears one more, and the checksum. Source: bbolt `tx.go` (`WriteTo`).
pub(super) fn twin(other: &[u8], slot: u64) -> Option<Vec<u8>> {
    let txid = Meta::parse(other).ok()?.txid;
    let txid = if slot == 0 { txid.checked_add(1)? } else { txid.checked_sub(1)? };
    let body = [other.get(16..64)?, &txid.to_le_bytes()].concat();
    Some([&slot.to_le_bytes()[..], other.get(8..16)?, &body, &fnv1a(&body).to_le_bytes(), other.get(80..)?].concat())
}

/// FNV-1a, 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>), as Go's `hash/fnv` `New64a`.
pub(super) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
