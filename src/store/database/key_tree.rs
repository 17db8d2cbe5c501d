//! What the tree of bucket `key` says of keys, and what it lacks.

use crate::bbolt::{Db, Tree};
use crate::etcd::key_bucket::{KeyBucket, KeyElement};
use crate::etcd::{Schema, schema};
use crate::evidence::anomaly::{Anomalies, Class, Doubt};
use crate::evidence::range;
use crate::mvcc::continuity::RevisionGap;
use crate::mvcc::ranges::{ALL, END, Range, Ranges};
use crate::mvcc::succession::HistoryBreak;
use crate::mvcc::{Revision, SortedWrites, StoredWrite, continuity, succession};

/// How much of the tree of bucket `key` there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyTree {
    /// Nothing shows that any of it is missing.
    Whole,
    /// Some writes are missing, or may be.
    Partial,
    /// None: no valid meta, no such bucket, or nothing of it can be read.
    Lost,
}

/// What the tree of bucket `key` lacks.
#[derive(Clone, Debug)]
pub(super) struct Lacking<'data> {
    pub tree: KeyTree,
    /// Revisions that are missing behind the last compaction.
    pub gaps: Vec<RevisionGap<KeyElement<'data>>>,
    /// Revisions of writes that it may have had.
    pub lost: Ranges,
}

impl<'data> Lacking<'data> {
    /// Looks for what is missing, and notes it where nothing else tells of it.
    pub(super) fn find(db: &Db<'data>, tree: &Tree<'data>, writes: &SortedWrites, schema: &Schema, anomalies: &mut Anomalies) -> Self {
        let Some(bucket) = KeyBucket::of(db, tree) else {
            return Self { tree: KeyTree::Lost, gaps: Vec::new(), lost: [ALL].into_iter().collect() };
        };
        let of_holes = bucket.missing();
        let gaps = match is_compaction_known(tree, anomalies) && !writes.have_no_gap(schema.compacted()) {
            true => continuity::gaps(&bucket, schema.compacted()),
            false => Vec::new(),
        };
        note(db, writes.last(), schema.compacted(), &gaps, &of_holes.iter().copied().collect(), anomalies);
        let is_strange = anomalies.put_in_doubt(Doubt::Writes);
        let is_whole_so_far = of_holes.is_empty() && gaps.is_empty() && !is_strange && is_compaction_known(tree, anomalies);
        let is_broken = is_whole_so_far && note_breaks(db, &bucket, writes, schema, anomalies);
        let lost: Ranges =
            of_holes.into_iter().chain(gaps.iter().map(RevisionGap::range)).chain((is_strange || is_broken).then_some(ALL)).collect();
        let tree = match lost.is_empty() {
            true => KeyTree::Whole,
            false if writes.last().is_none() => KeyTree::Lost,
            false => KeyTree::Partial,
        };
        Self { tree, gaps, lost }
    }
}

/// Whether bucket `meta` could be read, which says what was compacted.
fn is_compaction_known(tree: &Tree<'_>, anomalies: &Anomalies) -> bool {
    tree.bucket(schema::META).is_some_and(|meta| tree.holes(meta).is_empty()) && !anomalies.put_in_doubt(Doubt::Compaction)
}

fn note(
    db: &Db<'_>,
    last: Option<Revision>,
    compacted: u64,
    gaps: &[RevisionGap<KeyElement<'_>>],
    of_holes: &Ranges,
    anomalies: &mut Anomalies,
) {
    // What is missing with a page is said of the page.
    for gap in gaps.iter().filter(|gap| !of_holes.meet(gap.range())) {
        anomalies.note(Class::RevisionGap, range::offset_within(db.bytes(), gap.write.key), Some(gap.write.pgid), || gap.to_string());
    }
    let last = last.unwrap_or_default();
    // Revision 1 is that of an empty database.
    if compacted > last.main.max(1) && of_holes.is_empty() {
        anomalies.note(Class::CompactionAhead, None, None, || {
            format!("compacted at revision {compacted}, and the newest in the tree is {last}: all between them was deleted, or is missing")
        });
    }
}

/// Notes writes that do not follow one another, or that should be gone; says whether there are some.
fn note_breaks(db: &Db<'_>, bucket: &KeyBucket<'_, '_>, writes: &SortedWrites, schema: &Schema, anomalies: &mut Anomalies) -> bool {
    let (finished, scheduled) = (schema.finished_compact_revision.unwrap_or(0), schema.compacted());
    let breaks = match finished == scheduled {
        true if writes.follow_one_another(scheduled) => Vec::new(),
        true => succession::breaks(bucket, scheduled),
        false => succession::not_removed(bucket, finished, scheduled),
    };
    for HistoryBreak { write, expected } in &breaks {
        anomalies.note(Class::SuccessionBroken, range::offset_within(db.bytes(), write.key), Some(write.pgid), || {
            format!("revision {} does not fit what the tree has of its key; expected: {expected}", write.at().revision)
        });
    }
    !breaks.is_empty()
}

/// The part of a database of which one meta is lost that may have been that of its last transaction.
pub(crate) fn revisions_behind(last: Option<Revision>) -> Range {
    (Revision { main: last.unwrap_or_default().main.saturating_add(1), sub: 0 }, END)
}
