//! Databases of one cluster.
#![deny(clippy::arithmetic_side_effects)]

mod history;

pub use self::history::{Comparison, History, Revisions, Writes};
