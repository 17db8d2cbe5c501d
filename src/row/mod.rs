//! Rows: what is told of one value or deletion, whatever it was read from.
//!
//! ```text
//! a store ─> Found: place, key, revision, bytes ─> Builder ─> Row: protection, object, envelope
//! ```
//! A store says what its own structure shows; the value's bytes are looked at here, in one place, so that the same bytes are told
//! alike wherever they stand.
#![deny(clippy::arithmetic_side_effects)]

mod builder;
mod found;
mod in_clear;
mod near;
mod object_name;
mod place;
mod protection;
mod scope;
mod value;

pub use self::builder::{Builder, Digests};
pub use self::found::{Found, FoundContent, PieceOf};
pub(crate) use self::near::near;
pub use self::object_name::ObjectName;
pub use self::place::{Api, Escaped, Place, Retention};
pub use self::protection::{EnvelopeInfo, Form, Protection};
pub use self::scope::{Pattern, PatternError, Resources, Scope};
pub use self::value::{CarriedOut, Extent, LogPosition, Row, TombstoneRow, TxnBranch, ValueBytes, ValueRow, WriteCounts, Written};
