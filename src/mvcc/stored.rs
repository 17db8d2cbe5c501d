//! What a store of writes must offer so that its history can be checked, whatever it is: bucket `key` of a bbolt file, or a table.

use super::{KeyValue, RevisionKey};

/// The writes of one store, in chunks that can be read on all cores.
pub trait StoredWrites<'data>: Sync {
    /// A write.
    type Write: StoredWrite<'data>;
    /// As much as one task reads.
    type Chunk: Sync;

    /// All chunks, in the order of the store: that of revisions, unless it is damaged. With `from`, those that hold only earlier
    /// writes may be left out.
    fn chunks(&self, from: Option<RevisionKey>) -> Vec<Self::Chunk>;

    /// The writes of a chunk, in the order of the store. What cannot be read is passed over.
    fn read(&self, chunk: &Self::Chunk) -> impl Iterator<Item = Self::Write>;
}

/// A write as it is stored. Its order is that of revisions, and between writes of one revision the same in every run.
pub trait StoredWrite<'data>: Copy + Ord + Send + Sync {
    /// The revision under which it is stored, and whether it is a deletion.
    fn at(&self) -> RevisionKey;

    /// Key and value, which are not read before they are asked for; `None` where they cannot be.
    fn key_value(&self) -> Option<KeyValue<'data>>;
}
