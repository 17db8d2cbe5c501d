//! What a recovery brought back, counted.

use std::collections::BTreeMap;

use crate::recovery::{Recovery, Standing};

/// Keys that were brought back or left out. Each key is counted once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveryCounts {
    /// Those that were brought back, by what their write is.
    pub recovered: BTreeMap<Standing, u64>,
    /// The revision that the database was at, as far as it is known.
    pub revision: u64,
    /// Keys that were deleted, and left out.
    pub deleted: u64,
    /// Keys that only residue has, and left out.
    pub residue: u64,
    /// Keys whose newest write is there only in part, and left out.
    pub pieces: u64,
}

impl RecoveryCounts {
    /// Of a recovery.
    pub fn of(recovery: &Recovery<'_, '_>) -> Self {
        let mut recovered = BTreeMap::new();
        for write in &recovery.recovered {
            let count: &mut u64 = recovered.entry(write.standing).or_default();
            *count = count.saturating_add(1);
        }
        let Recovery { revision, deleted, residue, pieces, .. } = *recovery;
        Self { recovered, revision, deleted, residue, pieces }
    }

    /// Keys that were brought back by a write of this standing.
    pub fn of_standing(&self, standing: Standing) -> u64 {
        self.recovered.get(&standing).copied().unwrap_or(0)
    }

    /// All keys that were brought back.
    pub fn total(&self) -> u64 {
        self.recovered.values().copied().fold(0, u64::saturating_add)
    }

    /// Whether nothing was found at all.
    pub fn is_empty(&self) -> bool {
        self.total() == 0 && [self.deleted, self.residue, self.pieces].iter().all(|count| *count == 0)
    }
}
