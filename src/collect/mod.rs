//! Collecting: the rows of any store, streamed in their order, and what they add up to.
#![deny(clippy::arithmetic_side_effects)]

mod collector;
mod exposure;
mod grouped;
mod key_use;
mod lines;
mod ordinary;
mod stored;
mod sum;
mod tally;

pub(crate) use self::collector::row_of;
pub use self::collector::{Collected, Collector};
pub use self::exposure::{Exposure, FirstPlace};
pub use self::grouped::Grouped;
pub use self::key_use::{DistinctDekSources, KeyCounts, KeyUse, PrefixUse};
pub use self::lines::{Lines, RowKind};
pub use self::stored::{ResourceCounts, SecretCounts, StorageCounts};
pub use self::sum::Sum;
pub use self::tally::Tally;
