//! Buckets: named trees.
//!
//! The value of a leaf element with the bucket flag:
//!
//! | offset | size | field | |
//! |---|---|---|---|
//! | 0 | 8 | root | pgid of the bucket's tree; 0: the bucket is inline |
//! | 8 | 8 | sequence | |
//! | 16 | … | page | inline only: a leaf page image, header (id 0) and elements |
//!
//! Source: bbolt `internal/common/bucket.go` (`InBucket`), `bucket.go`.

use crate::evidence::number::le_u64;
use nom::Parser;

use super::page::{Flags, PageHeader};
use super::{LeafElements, Pgid};

/// Bytes of a bucket's header.
pub(super) const LEN: usize = 16;

/// A bucket's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InBucket {
    /// Page of its tree; 0 for an inline bucket.
    pub root: Pgid,
    /// A counter that etcd does not use.
    pub sequence: u64,
}

/// Where a bucket's keys are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root<'data> {
    /// In a tree of pages.
    Page(Pgid),
    /// In a page image within the parent's value.
    Inline(&'data [u8]),
}

/// A bucket of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket<'data> {
    /// Its name within its parent; empty for the root bucket.
    pub name: &'data [u8],
    /// 0 for the root bucket, 1 for those in it …
    pub depth: u32,
    /// Where its keys are.
    pub root: Root<'data>,
    /// The page on which it is named.
    pub named_on: Pgid,
    /// Its leaves in the order of the walk, as indexes into the tree's list.
    pub leaves: Vec<std::ops::Range<usize>>,
    /// Whether the leaves stand in key order; in a damaged tree they may not.
    pub in_key_order: bool,
}

impl InBucket {
    /// Reads a bucket's header and root from a leaf element's value.
    ///
    /// # Errors
    /// The value is too short, or its inline page has no valid header.
    pub(crate) fn parse(value: &[u8]) -> Result<(Self, Root<'_>), String> {
        let read: nom::IResult<_, _> = (le_u64, le_u64).parse(value);
        let (page, (root, sequence)) = read.map_err(|_| format!("{} bytes of a {LEN}-byte bucket header", value.len()))?;
        let bucket = Self { root, sequence };
        if root != 0 {
            return Ok((bucket, Root::Page(root)));
        }
        match PageHeader::parse(page) {
            Ok(header) if header.flags == Flags::LEAF => Ok((bucket, Root::Inline(page))),
            Ok(header) => Err(format!("inline page: expected leaf, found {}", header.flags)),
            Err(have) => Err(format!("inline page: {have} bytes of a 16-byte header")),
        }
    }
}

/// The elements of an inline bucket's page image.
pub(super) fn inline_elements(page: &[u8]) -> LeafElements<'_> {
    let none = PageHeader { id: 0, flags: Flags::LEAF, count: 0, overflow: 0 };
    LeafElements::new(page, PageHeader::parse(page).unwrap_or(none))
}
