//! Keys whose retained writes do not follow one another.
//!
//! ```text
//!            compacted
//! versions  ·  ·  3 │ 4  5  †     1  2
//!                 └─┴─┴──┴──┘     └──┘
//! ```
//! A compaction leaves of each key the newest write up to it, unless that is a deletion, and nothing behind it is removed. A
//! key's versions count its writes since it was created. So what stands before a write in the tree is told by the write itself:
//!
//! | a write | stands behind |
//! |---|---|
//! | up to the compaction | none of its key |
//! | behind it, version 1 | none of its key, or a deletion |
//! | behind it, version n | version n - 1, created at the same revision |
//! | behind it, a deletion | a value |
//!
//! Source: etcd `server/storage/mvcc/key_index.go` (`put`, `tombstone`, `compact`), `kvstore_txn.go` (`put`).

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use rayon::prelude::*;

use super::continuity;
use crate::bbolt::{Bucket, Db, Element, Pgid, Tree};
use crate::mvcc::{KeyValue, Revision, RevisionKey};

/// Leaf pages one task reads.
const TASK: usize = 64;

/// A write that does not follow what stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Break<'data> {
    /// Its revision.
    pub revision: Revision,
    /// Its key in the bucket.
    pub key: &'data [u8],
    /// The page it stands on.
    pub pgid: Pgid,
    /// What should be, such as that which should stand before it.
    pub wanted: &'static str,
}

/// What stands last of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    Value { version: i64, created: i64 },
    Deletion,
}

/// All of them, in the order of the tree. `compacted`: the revision of the last compaction, which was finished; 0 where there was none.
pub fn breaks<'data>(db: &Db<'data>, tree: &Tree<'data>, bucket: &Bucket<'data>, compacted: u64) -> Vec<Break<'data>> {
    let mut breaks = Vec::new();
    if !may_break(db, tree, bucket, compacted) {
        return breaks;
    }
    let mut keys: HashMap<&'data [u8], Last, FixedState> = HashMap::default();
    for (pgid, element) in tree.elements(db, bucket) {
        let Some((at, kv)) = read(&element) else { continue };
        let this = Last::of(at, &kv);
        let before = keys.insert(kv.key, this);
        if let Some(wanted) = wanted(before, this, at.revision.main > compacted) {
            breaks.push(Break { revision: at.revision, key: element.key, pgid, wanted });
        }
    }
    breaks
}

/// Of a compaction that is in progress: what it, or the one before it, should have removed. It goes from the lowest revision up, so that
/// before a revision that is missing of two writes of a key the older is gone. Which compaction it is the file does not say: a second
/// one may have been scheduled since. What a restore has bumped over was never there.
/// Source: etcd `server/storage/mvcc/kvstore_compaction.go` (`scheduleCompaction`), `etcdutl/snapshot/v3_snapshot.go`.
pub fn left_behind<'data>(db: &Db<'data>, tree: &Tree<'data>, bucket: &Bucket<'data>, finished: u64, scheduled: u64) -> Vec<Break<'data>> {
    let gaps = continuity::gaps(db, tree, bucket, finished);
    let removed = gaps.iter().rfind(|gap| gap.before.main <= scheduled && !gap.is_bump()).map(|gap| gap.before).unwrap_or_default();
    let mut newest: HashMap<&'data [u8], Break<'data>, FixedState> = HashMap::default();
    let mut breaks = Vec::new();
    for (pgid, element) in tree.elements(db, bucket) {
        let Some((at, kv)) = read(&element).filter(|(at, _)| at.revision.main <= scheduled) else { continue };
        let this = Break { revision: at.revision, key: element.key, pgid, wanted: "that a compaction had removed it" };
        let before = newest.insert(kv.key, this).filter(|_| at.revision < removed || at.revision.main <= finished);
        breaks.extend(before);
    }
    breaks.sort_unstable_by_key(|found| found.revision);
    breaks
}

/// The same on all cores: whether there are any. Keys are told apart by a hash, so that it may say yes without need.
fn may_break<'data>(db: &Db<'data>, tree: &Tree<'data>, bucket: &Bucket<'data>, compacted: u64) -> bool {
    let hasher = FixedState::default();
    let write = |(_, element): (Pgid, Element<'data>)| {
        let (at, kv) = read(&element)?;
        Some((hasher.hash_one(kv.key), at.revision, Last::of(at, &kv)))
    };
    let pages = tree.leaves(bucket);
    let mut writes: Vec<(u64, Revision, Last)> = match pages.is_empty() {
        true => tree.elements(db, bucket).filter_map(write).collect(),
        false => pages.par_iter().with_min_len(TASK).flat_map_iter(|pgid| tree.page_elements(db, *pgid).filter_map(write)).collect(),
    };
    writes.par_sort_unstable_by_key(|(key, revision, _)| (*key, *revision));
    let mut before: Option<(u64, Last)> = None;
    writes.into_iter().any(|(key, revision, this)| {
        let last = before.replace((key, this)).filter(|(of, _)| *of == key).map(|(_, last)| last);
        wanted(last, this, revision.main > compacted).is_some()
    })
}

fn read<'data>(element: &Element<'data>) -> Option<(RevisionKey, KeyValue<'data>)> {
    Some((RevisionKey::parse(element.key)?, KeyValue::parse(element.value).ok()?))
}

impl Last {
    fn of(at: RevisionKey, kv: &KeyValue<'_>) -> Self {
        if at.is_tombstone { Self::Deletion } else { Self::Value { version: kv.version, created: kv.create_revision } }
    }
}

/// What should stand before a write, where something else does.
fn wanted(before: Option<Last>, this: Last, is_behind: bool) -> Option<&'static str> {
    use Last::{Deletion, Value};
    let (follows, wanted) = match (this, before) {
        _ if !is_behind => (before.is_none(), "nothing of its key before it, since a compaction leaves one write of each"),
        (Deletion, before) => (matches!(before, Some(Value { .. })), "before it the value that it deletes"),
        (Value { version, created }, before) if version > 1 => {
            (before == Some(Value { version: version.saturating_sub(1), created }), "before it the version that it follows")
        }
        (Value { .. }, before) => {
            (matches!(before, None | Some(Deletion)), "before it nothing of its key, or a deletion, since it creates it")
        }
    };
    (!follows).then_some(wanted)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// A write to one of a few keys, or its deletion: key, main revision, what it is.
    type Write = (u8, u64, Last);

    /// What etcd retains of these operations after a compaction.
    fn retained(operations: &[(u8, bool)], compacted: u64) -> Vec<Write> {
        let (mut keys, mut all) = (BTreeMap::<u8, (i64, i64)>::new(), Vec::<Write>::new());
        for (key, is_deletion) in operations {
            let main = all.len() as u64 + 2;
            let (version, created) = keys.entry(*key).or_default();
            if *is_deletion {
                // Of what does not exist etcd writes no deletion.
                if std::mem::take(version) > 0 {
                    all.push((*key, main, Last::Deletion));
                }
                continue;
            }
            *created = if *version == 0 { main.cast_signed() } else { *created };
            *version += 1;
            all.push((*key, main, Last::Value { version: *version, created: *created }));
        }
        let is_kept = |(key, main, this): &Write| {
            let newest = all.iter().rfind(|(of, at, _)| of == key && *at <= compacted).map(|(_, at, _)| *at);
            *main > compacted || newest == Some(*main) && *this != Last::Deletion
        };
        all.iter().copied().filter(is_kept).collect()
    }

    fn breaks(writes: &[Write], compacted: u64) -> usize {
        let mut keys = BTreeMap::new();
        writes.iter().filter(|(key, main, this)| wanted(keys.insert(key, *this), *this, *main > compacted).is_some()).count()
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
                Some(Last::Deletion) => !matches!(before, Some(Last::Value { .. })),
                Some(Last::Value { version: 1, .. }) => this == Last::Deletion,
                Some(Last::Value { .. }) => true,
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
