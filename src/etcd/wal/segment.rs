//! Names of segment files: `<seq>-<index>.wal`, both in 16 hexadecimal digits.
//!
//! `seq` counts segments from 0; `index` is that of the first entry that can stand in the segment. `0.tmp` and `1.tmp` are
//! preallocated and become the next segment; `*.wal.broken` is what a repair set aside.

use crate::etcd::raft::hex16;

/// The name of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SegmentName {
    /// Counts segments from 0.
    pub seq: u64,
    /// Index of the first entry that can stand in it.
    pub index: u64,
}

impl SegmentName {
    /// Reads a file's name; `None` where it is another.
    pub fn parse(name: &str) -> Option<Self> {
        let (seq, index) = name.strip_suffix(".wal")?.split_once('-')?;
        Some(Self { seq: hex16(seq)?, index: hex16(index)? })
    }
}
