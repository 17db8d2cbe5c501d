//! Collecting: the rows of any store, streamed in their order, and what they add up to.
#![deny(clippy::arithmetic_side_effects)]

mod collector;
mod grouped;
mod key_use;
mod lines;
mod tally;

pub(crate) use self::collector::row_of;
pub use self::collector::{Collected, Collector};
pub use self::grouped::Grouped;
pub use self::key_use::{KeyCounts, KeyUse};
pub use self::lines::{Lines, RowKind};
pub use self::tally::{Exposure, FirstPlace, ResourceCounts, SecretCounts, StorageCounts, Sum, Tally};
