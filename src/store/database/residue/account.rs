//! The account of bytes: outside the tree every byte is exactly one thing.

/// Bytes outside the tree, by what they are. Together they are all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Headers and elements of pages, revision keys, keys and the framing of values, entries of etcd's other buckets.
    pub structure: u64,
    /// Whole values.
    pub value: u64,
    /// Fragments of values.
    pub fragment: u64,
    /// Zeros around them.
    pub zero: u64,
    /// Bytes that no rule attributes.
    pub unattributed: u64,
}

impl Account {
    /// All bytes.
    pub fn total(&self) -> u64 {
        [self.structure, self.value, self.fragment, self.zero, self.unattributed].into_iter().fold(0, u64::saturating_add)
    }

    /// Adds `total` bytes: what `used` does not name is zeros.
    pub(super) fn add(&mut self, total: usize, used: Self) {
        let zero = (total as u64).saturating_sub(used.total());
        self.merge(Self { zero, ..used });
    }

    /// Takes bytes out of the structure they were counted in.
    pub(super) fn take(&mut self, bytes: u64) {
        self.structure = self.structure.saturating_sub(bytes);
    }

    /// Makes a fragment of bytes that were not attributed.
    pub(super) fn attribute(&mut self, bytes: u64) {
        self.unattributed = self.unattributed.saturating_sub(bytes);
        self.fragment = self.fragment.saturating_add(bytes);
    }

    /// Adds another account.
    pub fn merge(&mut self, other: Self) {
        self.structure = self.structure.saturating_add(other.structure);
        self.value = self.value.saturating_add(other.value);
        self.fragment = self.fragment.saturating_add(other.fragment);
        self.zero = self.zero.saturating_add(other.zero);
        self.unattributed = self.unattributed.saturating_add(other.unattributed);
    }
}
