//! Bucket `key`, in which bbolt keeps the writes in the order of their revisions.

use crate::bbolt::Hole;
use crate::mvcc::RevisionKey;
use crate::mvcc::ranges::{ALL, END, Range};

/// The revisions that stood, or may have stood, where elements of the bucket are missing.
pub fn revisions_of_hole(hole: &Hole<'_>) -> Range {
    let revision = |key| RevisionKey::parse(key).map(|key| key.revision);
    let (lower, upper) = hole.bounds();
    (revision(lower).unwrap_or(ALL.0), revision(upper).unwrap_or(END))
}
