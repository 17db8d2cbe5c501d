//! Bucket `key`, in which bbolt keeps the writes in the order of their revisions.

use super::schema;
use crate::bbolt::{Bucket, Db, Element, Hole, Pgid, Tree};
use crate::mvcc::ranges::{ALL, END, Range};
use crate::mvcc::{KeyValue, RevisionKey, StoredWrite, StoredWrites};

/// Leaf pages one task reads.
const TASK: usize = 64;

/// The bucket, in a tree that was walked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyBucket<'a, 'data> {
    db: &'a Db<'data>,
    tree: &'a Tree<'data>,
    bucket: &'a Bucket<'data>,
}

impl<'a, 'data> KeyBucket<'a, 'data> {
    /// The bucket in a tree; `None` where the tree has none.
    pub(crate) fn of(db: &'a Db<'data>, tree: &'a Tree<'data>) -> Option<Self> {
        Some(Self { db, tree, bucket: tree.bucket(schema::KEY)? })
    }

    /// Whether the tree refers to this page, cannot read it, and would have this write there.
    pub(crate) fn misses(&self, pgid: Pgid, write: RevisionKey) -> bool {
        self.tree.misses(self.bucket, pgid, &write.to_bytes())
    }

    /// The revisions that stood, or may have stood, where elements of the bucket are missing.
    pub(crate) fn missing(&self) -> Vec<Range> {
        self.tree.holes(self.bucket).iter().map(revisions_of).collect()
    }

    /// Those of them where not even the leaf pages are known on which the elements stood.
    pub(crate) fn missing_subtrees(&self) -> Vec<Range> {
        self.tree.holes(self.bucket).iter().filter(|hole| hole.is_subtree()).map(revisions_of).collect()
    }
}

fn revisions_of(hole: &Hole<'_>) -> Range {
    let revision = |key| RevisionKey::parse(key).map(|key| key.revision);
    let (lower, upper) = hole.bounds();
    (revision(lower).unwrap_or(ALL.0), revision(upper).unwrap_or(END))
}

/// Leaf pages of the bucket; none where it is stored within the page that names it.
#[derive(Clone, Debug)]
pub struct Leaves(Vec<Pgid>);

impl<'data> StoredWrites<'data> for KeyBucket<'_, 'data> {
    type Write = KeyElement<'data>;
    type Chunk = Leaves;

    fn chunks(&self, from: Option<RevisionKey>) -> Vec<Leaves> {
        let pages = from.map_or_else(|| self.tree.leaves(self.bucket), |from| self.tree.leaves_from(self.bucket, &from.to_bytes()));
        if pages.is_empty() {
            return vec![Leaves(pages)];
        }
        pages.chunks(TASK).map(|pages| Leaves(pages.to_vec())).collect()
    }

    fn read(&self, Leaves(pages): &Leaves) -> impl Iterator<Item = KeyElement<'data>> {
        let inline = pages.is_empty().then(|| self.tree.elements(self.db, self.bucket));
        let paged = pages.iter().flat_map(|pgid| self.tree.page_elements(self.db, *pgid));
        inline.into_iter().flatten().chain(paged).filter_map(|(pgid, element)| KeyElement::parse(pgid, &element))
    }
}

/// An element of the bucket whose key is a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyElement<'data> {
    at: RevisionKey,
    /// The bytes of its key.
    pub key: &'data [u8],
    value: &'data [u8],
    /// The page it stands on.
    pub pgid: Pgid,
}

impl<'data> KeyElement<'data> {
    fn parse(pgid: Pgid, element: &Element<'data>) -> Option<Self> {
        Some(Self { at: RevisionKey::parse(element.key)?, key: element.key, value: element.value, pgid })
    }
}

impl<'data> StoredWrite<'data> for KeyElement<'data> {
    fn at(&self) -> RevisionKey {
        self.at
    }

    fn key_value(&self) -> Option<KeyValue<'data>> {
        KeyValue::parse(self.value).ok()
    }
}
