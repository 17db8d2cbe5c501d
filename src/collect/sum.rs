//! Fragments: how many, and how many bytes.

use crate::evidence::count::{Count, Fragments};

/// How many fragments, and how many bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub count: Count<Fragments>,
    /// Their bytes together.
    pub bytes: u64,
}

impl Sum {
    pub(super) fn add(&mut self, bytes: u64) {
        self.merge(Self { count: Count::new(1), bytes });
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: Self) {
        self.count.add(other.count);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}
