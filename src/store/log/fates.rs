//! What became of the entries of a log.

use crate::etcd::wal;

/// What decides about the entries of a log.
pub(super) struct Fates {
    pub(super) log: wal::Log,
    pub(super) committed: Option<u64>,
    pub(super) applied: Option<u64>,
}

impl Fates {
    /// Whether the cluster agreed on an entry, and whether the database beside the log has it; `None`: not known.
    pub(super) fn of(&self, segment: usize, offset: u64, index: u64) -> (Option<bool>, Option<bool>) {
        if !self.log.is_in_order() {
            return (None, None);
        }
        if self.log.is_overridden(segment, offset, index) {
            return (Some(false), Some(false));
        }
        let reaches = |bound: Option<u64>| bound.filter(|bound| index <= *bound).map(|_| true);
        (reaches(self.committed), reaches(self.applied))
    }
}
