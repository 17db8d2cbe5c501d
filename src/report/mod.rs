//! Presentation: owned or serialisable views of a run, escaped for where they go.
//!
//! What may be shown is decided here and nowhere else: names, types, lengths, digests and keys' names; never a value,
//! but in [`recovered`] where the caller says so.

pub mod csv;
pub mod escape;
pub mod json;
pub mod keys;
pub mod model;
pub mod readable;
pub mod records;
pub mod recovered;
pub mod text;
pub mod verify;

pub use self::model::{DirectoryReport, EvidenceReport, KeyReport, Report};
