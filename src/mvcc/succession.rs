//! Writes of a key that do not follow one another.
//!
//! ```text
//!            compacted
//! versions  ·  ·  3 │ 4  5  †     1  2
//!                 └─┴─┴──┴──┘     └──┘
//! ```
//! A compaction removes every write up to its revision but the newest of each key, and that one too where it is a deletion. It removes
//! nothing behind its revision. A key's version counts its writes since it was created. So each write says what the store must hold
//! of its key right before it:
//!
//! | a write | what must stand before it |
//! |---|---|
//! | up to the compaction | nothing of its key |
//! | behind the compaction, version 1 | nothing of its key, or a deletion |
//! | behind the compaction, version n | version n - 1, created at the same revision |
//! | behind the compaction, a deletion | a value |
//!
//! Source: etcd `server/storage/mvcc/key_index.go` (`put`, `tombstone`, `compact`), `kvstore_txn.go` (`put`).

use std::fmt;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::{KeyValue, RevisionKey, StoredWrite, StoredWrites, continuity};

/// A write that does not fit what the store holds of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryBreak<W> {
    /// The write.
    pub write: W,
    /// What should be instead.
    pub expected: Expected,
}

/// What a write that does not fit should find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A compaction leaves one write of each key.
    NothingBefore,
    /// A deletion deletes a value.
    ValueBefore,
    /// A value's version is one higher than that of the value before it.
    VersionBefore,
    /// A value of version 1 creates its key.
    NothingOrDeletionBefore,
    /// A compaction should have removed the write itself.
    Removed,
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingBefore => "nothing of its key before it, since a compaction leaves one write of each",
            Self::ValueBefore => "before it the value that it deletes",
            Self::VersionBefore => "before it the version that it follows",
            Self::NothingOrDeletionBefore => "before it nothing of its key, or a deletion, since it creates it",
            Self::Removed => "that a compaction had removed it",
        })
    }
}

/// What a write leaves of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyState {
    Value { version: i64, created: i64 },
    Deleted,
}

impl KeyState {
    fn after(at: RevisionKey, kv: &KeyValue<'_>) -> Self {
        if at.is_tombstone { Self::Deleted } else { Self::Value { version: kv.version, created: kv.create_revision } }
    }
}

/// All breaks, in the order of the store; that there are none, a pass over its writes may have proven already: see `writes`. `compacted`
/// is the revision of the last compaction, which must be finished; 0 where there was none.
pub fn breaks<'data, S: StoredWrites<'data>>(store: &S, compacted: u64) -> Vec<HistoryBreak<S::Write>> {
    let mut breaks = Vec::new();
    let mut keys: HashMap<&'data [u8], KeyState, FixedState> = HashMap::default();
    for chunk in &store.chunks(None) {
        for write in store.read(chunk) {
            let Some(kv) = write.key_value() else { continue };
            let state = KeyState::after(write.at(), &kv);
            let before = keys.insert(kv.key, state);
            if let Some(expected) = expected(before, state, write.at().revision.main > compacted) {
                breaks.push(HistoryBreak { write, expected });
            }
        }
    }
    breaks
}

/// Writes a running compaction must already have deleted. It deletes in revision order, so before the highest missing revision each key
/// may have only its newest write.
///
/// `finished` and `scheduled` are the revisions of the compactions that the store names. The one that is running need not be the one at
/// `scheduled`: that one may have been scheduled since. Revisions that a restore skipped were never there, so that they tell nothing of
/// what a compaction deleted.
///
/// Source: etcd `server/storage/mvcc/kvstore_compaction.go` (`scheduleCompaction`), `etcdutl/snapshot/v3_snapshot.go`.
pub(crate) fn not_removed<'data, S: StoredWrites<'data>>(store: &S, finished: u64, scheduled: u64) -> Vec<HistoryBreak<S::Write>> {
    let gaps = continuity::gaps(store, finished);
    let highest_missing = gaps.iter().rfind(|gap| gap.before.main <= scheduled && !gap.is_bump());
    let removed_before = highest_missing.map(|gap| gap.before).unwrap_or_default();
    let mut newest: HashMap<&'data [u8], S::Write, FixedState> = HashMap::default();
    let mut breaks = Vec::new();
    for chunk in &store.chunks(None) {
        for write in store.read(chunk) {
            let revision = write.at().revision;
            let Some(kv) = write.key_value().filter(|_| revision.main <= scheduled) else { continue };
            let older = newest.insert(kv.key, write).filter(|_| revision < removed_before || revision.main <= finished);
            breaks.extend(older.map(|write| HistoryBreak { write, expected: Expected::Removed }));
        }
    }
    breaks.sort_unstable_by_key(|found| found.write.at().revision);
    breaks
}

/// What should stand before a write, where something else does. `before` is what the write before it leaves of the key, `state` what it
/// leaves itself.
pub(super) fn expected(before: Option<KeyState>, state: KeyState, is_behind_compaction: bool) -> Option<Expected> {
    use KeyState::{Deleted, Value};
    let (fits, expected) = match (state, before) {
        _ if !is_behind_compaction => (before.is_none(), Expected::NothingBefore),
        (Deleted, before) => (matches!(before, Some(Value { .. })), Expected::ValueBefore),
        (Value { version, created }, before) if version > 1 => {
            (before == Some(Value { version: version.saturating_sub(1), created }), Expected::VersionBefore)
        }
        (Value { .. }, before) => (matches!(before, None | Some(Deleted)), Expected::NothingOrDeletionBefore),
    };
    (!fits).then_some(expected)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// A write to one of a few keys, or its deletion: key, main revision, what it is.
    type Write = (u8, u64, KeyState);

    /// What etcd retains of these operations after a compaction.
    fn retained(operations: &[(u8, bool)], compacted: u64) -> Vec<Write> {
        let (mut keys, mut all) = (BTreeMap::<u8, (i64, i64)>::new(), Vec::<Write>::new());
        for (key, is_deletion) in operations {
            let main = all.len() as u64 + 2;
            let (version, created) = keys.entry(*key).or_default();
            if *is_deletion {
                // Of what does not exist etcd writes no deletion.
                if std::mem::take(version) > 0 {
                    all.push((*key, main, KeyState::Deleted));
                }
                continue;
            }
            *created = if *version == 0 { main.cast_signed() } else { *created };
            *version += 1;
            all.push((*key, main, KeyState::Value { version: *version, created: *created }));
        }
        let is_kept = |(key, main, this): &Write| {
            let newest = all.iter().rfind(|(of, at, _)| of == key && *at <= compacted).map(|(_, at, _)| *at);
            *main > compacted || newest == Some(*main) && *this != KeyState::Deleted
        };
        all.iter().copied().filter(is_kept).collect()
    }

    fn breaks(writes: &[Write], compacted: u64) -> usize {
        let mut keys = BTreeMap::new();
        writes.iter().filter(|(key, main, this)| expected(keys.insert(key, *this), *this, *main > compacted).is_some()).count()
    }

    proptest! {
        #[test]
        fn what_etcd_retains_follows_and_without_a_write_that_another_follows_it_does_not(
            operations in prop::collection::vec((0u8..4, prop::bool::weighted(0.2)), 1..60),
            compacted in 0u64..70,
            lost in any::<prop::sample::Index>(),
        ) {
            let writes = retained(&operations, compacted);
            prop_assert_eq!(breaks(&writes, compacted), 0);
            if writes.is_empty() {
                return Ok(());
            }
            let mut without = writes.clone();
            let (key, main, this) = without.remove(lost.index(writes.len()));
            let next = writes.iter().find(|(of, at, _)| *of == key && *at > main).map(|(.., next)| *next);
            let before = writes.iter().rfind(|(of, at, _)| *of == key && *at < main).map(|(.., before)| *before);
            let is_missed = match next {
                // The end of what a key has is not, nor one of several values that are deleted together.
                None => false,
                Some(KeyState::Deleted) => !matches!(before, Some(KeyState::Value { .. })),
                Some(KeyState::Value { version: 1, .. }) => this == KeyState::Deleted,
                Some(KeyState::Value { .. }) => true,
            };
            prop_assert_eq!(breaks(&without, compacted) > 0, is_missed, "{:?} without {} {}", writes, key, main);
            // One that the compaction removed.
            if let Some((key, main, this)) = writes.iter().find(|(_, main, _)| *main <= compacted) {
                let mut twice = writes.clone();
                twice.insert(0, (*key, main - 1, *this));
                prop_assert!(breaks(&twice, compacted) > 0);
            }
        }
    }
}
