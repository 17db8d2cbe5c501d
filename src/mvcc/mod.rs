//! What etcd's multi-version store holds, wherever it is stored: writes, each with its revision, key and value, and what a history of
//! them must be like.
//!
//! ```text
//! revision (main, sub)        ──> KeyValue {key, create and mod revision, version, value, lease}
//! revision (main, sub), 't'   ──> KeyValue {key}                                  a tombstone
//! ```
//! How a store keeps them is not known here: whoever reads one, `etcd` and `store`, hands over the bytes of keys and values.
#![deny(clippy::arithmetic_side_effects)]

pub mod comparison;
pub mod continuity;
mod fingerprint;
pub mod framing;
pub mod history;
mod key_value;
mod keyspace;
pub mod ranges;
pub mod residue;
mod revision;
pub mod shared_history;
mod stored;
pub mod succession;
mod write;
mod writes;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests;

pub use self::history::History;
pub use self::key_value::KeyValue;
pub use self::keyspace::{Keyspace, Retention};
pub use self::revision::{Revision, RevisionKey};
pub use self::stored::{StoredWrite, StoredWrites};
pub(crate) use self::writes::{SortedWrites, Writes};
