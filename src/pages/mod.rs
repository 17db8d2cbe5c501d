//! What every page of a database is, and what stands on one of them; without its values.
#![deny(clippy::arithmetic_side_effects)]

mod map;
mod page;

pub use self::map::{MappedPage, PageContent, PageMapReport, PageRun};
pub use self::page::{PageLine, PageReport};
pub use crate::bbolt::PageState;
