//! How pages are numbered.

/// A page's number: its place in the file divided by the page size.
pub type Pgid = u64;
