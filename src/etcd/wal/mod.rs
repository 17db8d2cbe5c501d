//! The write-ahead log, segment by segment.
//!
//! ```text
//! segment   <seq>-<first index>.wal, preallocated with zeros
//! ┌───────┬──────────┬───────┬─────────┬─────────┬───────┬────────────┐
//! │ crc   │ metadata │ state │ entry   │ entry   │ state │ zeros      │
//! └───────┴──────────┴───────┴─────────┴─────────┴───────┴────────────┘
//! frame     length word, record {type, crc, data}, zeros up to a multiple of eight
//! ```
//! [`Records`] reads one segment: frames, the CRC chain, where it goes on after damage. [`Log`] takes the records of
//! all segments and says what cannot follow what, what is committed, and what a later leader overrode.
//!
//! The CRC covers the data of records only. Damage in a record's type, in its length word and in its padding is told by
//! what every encoder writes: one form of each number, fields in their order, lengths that agree, zeros. So readers
//! here are stricter than etcd's.
//!
//! Source: etcd `server/storage/wal/{encoder,decoder,wal,repair,util}.go` (v3.4 to v3.7).

mod chain;
mod log;
mod reader;
mod record;
mod segment;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests;

pub use self::chain::{Chain, Verdict};
pub use self::log::Log;
pub(crate) use self::reader::begins_segment;
pub use self::reader::{Records, Seen};
pub use self::record::{Content, Invalid, Kind, Metadata, Record, SnapshotMark};
pub use self::segment::SegmentName;
