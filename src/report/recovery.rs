//! What a recovery brought back.

use std::collections::BTreeMap;

use crate::evidence::count::{Count, Keys};
use crate::recovery::{Rebuilt, Recovery, Standing};

/// What was recovered.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// What was brought back, and what was left out.
    pub counts: RecoveryCounts,
    /// The new database.
    pub rebuilt: Option<Rebuilt>,
}

/// Keys that were brought back or left out. Each key is counted once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveryCounts {
    /// Those that were brought back, by what their write is.
    pub recovered: BTreeMap<Standing, Count<Keys>>,
    /// The revision that the database was at, as far as it is known.
    pub revision: u64,
    /// Keys that were deleted, and left out.
    pub deleted: Count<Keys>,
    /// Keys that only residue has, and left out.
    pub residue: Count<Keys>,
    /// Keys whose newest write is there only in part, and left out.
    pub pieces: Count<Keys>,
}

impl RecoveryCounts {
    /// Of a recovery.
    pub fn of(recovery: &Recovery<'_, '_>) -> Self {
        let mut recovered = BTreeMap::new();
        for write in &recovery.recovered {
            recovered.entry(write.standing).or_insert(Count::ZERO).add_one();
        }
        let Recovery { revision, deleted, residue, pieces, .. } = *recovery;
        Self { recovered, revision, deleted, residue, pieces }
    }

    /// Keys that were brought back by a write of this standing.
    pub fn of_standing(&self, standing: Standing) -> Count<Keys> {
        self.recovered.get(&standing).copied().unwrap_or_default()
    }

    /// All keys that were brought back.
    pub fn total(&self) -> Count<Keys> {
        self.recovered.values().copied().sum()
    }

    /// Whether nothing was found at all.
    pub fn is_empty(&self) -> bool {
        self.total() == 0 && [self.deleted, self.residue, self.pieces].iter().all(|count| *count == 0)
    }
}
