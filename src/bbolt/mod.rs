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
mod db;
mod freelist;
mod leaf;
mod leaf_scan;
mod loss;
mod meta;
mod open;
mod packing;
mod page;
mod page_map;
mod page_size;
mod peek;
mod pgid;
mod remnant;
mod rest;
mod tree;
mod walk;
mod write;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests;

pub use self::bucket::{Bucket, Root};
pub use self::check::check;
pub use self::db::Db;
pub use self::freelist::Freelist;
pub use self::leaf::{Element, LeafElements};
pub(crate) use self::loss::Hole;
pub use self::meta::{Meta, MetaFault};
pub use self::open::OpenError;
pub(crate) use self::page::HEADER_LEN;
pub use self::page::{Fault, Flags, Page, PageHeader};
pub use self::page_map::{PageCounts, PageMap, PageState};
pub(crate) use self::peek::elements_of;
pub use self::pgid::Pgid;
pub use self::remnant::{Image, ImageElement};
pub(crate) use self::remnant::{Remnant, Tail, image_around, image_at, remnants};
pub(crate) use self::rest::rests;
pub use self::tree::Tree;
pub use self::write::{BucketWriter, WriteError, Writer};
