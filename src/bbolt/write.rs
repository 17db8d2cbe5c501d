//! Writes a database anew: the one place of this crate that makes one.
//!
//! ```text
//!  0        1        2 …
//!  ┌────────┬────────┬──────────────────┬────────┬──────────────────┬──────┬──────────────┐
//!  │ meta 0 │ meta 1 │ leaves of bucket │ its    │ leaves of the    │  …   │ root leaf:   │  high-water mark
//!  │        │        │ one, in order    │branches│ next bucket      │      │ bucket names │  = end of file
//!  └────────┴────────┴──────────────────┴────────┴──────────────────┴──────┴──────────────┘
//! ```
//! Both metas are the two copies that a snapshot has, every page is in use, and no freelist is kept, as etcd does on Linux.
//! Source of the layouts: bbolt `internal/common`; of the order: `tx.go` (`WriteTo`).

use std::io::{self, Seek, SeekFrom, Write};

use super::Pgid;
use super::meta::{self, MAGIC, NO_FREELIST, VERSION};
use super::page::{Flags, HEADER_LEN};

const ELEMENT_LEN: usize = 16;
const FLAG_BUCKET: u32 = 1;
/// bbolt's own limits (`bucket.go`).
const MAX_KEY: usize = 32_768;
const MAX_VALUE: usize = (1 << 31) - 2;

/// Why a database cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The output does not take it.
    #[error("the database cannot be written")]
    Io(#[from] io::Error),
    /// Keys that do not ascend, or that bbolt does not take.
    #[error("a key of {key_len} bytes with a value of {value_len} cannot follow the one before it")]
    Element {
        /// Bytes of the key.
        key_len: usize,
        /// Bytes of the value.
        value_len: usize,
    },
}

/// A database that is being written, bucket after bucket.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    page_size: usize,
    next: Pgid,
    buckets: Vec<(Vec<u8>, Pgid)>,
}

/// A bucket that is being written, element after element.
#[derive(Debug)]
pub struct BucketWriter<'a, W> {
    writer: &'a mut Writer<W>,
    leaf: Leaf,
    /// The first key of each page of the level below, and that page.
    below: Vec<(Vec<u8>, Pgid)>,
    last: Vec<u8>,
}

/// Elements of a leaf page.
#[derive(Debug, Default)]
struct Leaf {
    elements: Vec<(u32, usize, usize)>,
    data: Vec<u8>,
}

impl<W: Write + Seek> Writer<W> {
    /// Begins a database with pages of `page_size` bytes, a power of two.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(mut out: W, page_size: u32) -> Result<Self, WriteError> {
        let page_size = usize::try_from(page_size).unwrap_or(4096);
        out.seek(SeekFrom::Start((page_size as u64).saturating_mul(2)))?;
        Ok(Self { out, page_size, next: 2, buckets: Vec::new() })
    }

    /// Begins a bucket. Names are free of order, and each may be given once.
    pub fn bucket(&mut self, name: &[u8]) -> BucketWriter<'_, W> {
        self.buckets.push((name.to_vec(), 0));
        BucketWriter { writer: self, leaf: Leaf::default(), below: Vec::new(), last: Vec::new() }
    }

    /// Writes the root and both metas, and gives the output back, at its end.
    ///
    /// # Errors
    /// Those of the output, and names that cannot be.
    pub fn finish(mut self, txid: u64) -> Result<W, WriteError> {
        self.buckets.sort();
        let buckets = std::mem::take(&mut self.buckets);
        let mut leaf = Leaf::default();
        let mut last: &[u8] = &[];
        for (name, root) in &buckets {
            let value = [root.to_le_bytes(), [0; 8]].concat();
            check(last, name, &value)?;
            leaf.add(FLAG_BUCKET, name, &value);
            last = name;
        }
        let root = self.page(Flags::LEAF, leaf.elements.len(), &leaf.body())?;
        let end = self.next.saturating_mul(self.page_size as u64);
        self.out.seek(SeekFrom::Start(0))?;
        for slot in [0u64, 1] {
            let page = self.meta(slot, root, txid.saturating_sub(slot));
            self.out.write_all(&page)?;
        }
        self.out.seek(SeekFrom::Start(end))?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn meta(&self, slot: u64, root: Pgid, txid: u64) -> Vec<u8> {
        let size = u32::try_from(self.page_size).unwrap_or(4096);
        let mut page = header(slot, Flags::META, 0, 0);
        page.extend([MAGIC, VERSION, size, 0].into_iter().flat_map(u32::to_le_bytes));
        page.extend([root, 0, NO_FREELIST, self.next, txid].into_iter().flat_map(u64::to_le_bytes));
        let checksum = meta::fnv1a(page.get(16..).unwrap_or_default());
        page.extend(checksum.to_le_bytes());
        page.resize(self.page_size, 0);
        page
    }

    /// Writes a page with its run, and gives its number.
    fn page(&mut self, flags: Flags, count: usize, body: &[u8]) -> Result<Pgid, WriteError> {
        let (pgid, header_len) = (self.next, usize::try_from(HEADER_LEN).unwrap_or(16));
        let pages = header_len.saturating_add(body.len()).div_ceil(self.page_size.max(1));
        self.out.write_all(&header(pgid, flags, count, pages.saturating_sub(1)))?;
        self.out.write_all(body)?;
        let rest = pages.saturating_mul(self.page_size).saturating_sub(header_len).saturating_sub(body.len());
        self.out.write_all(&vec![0; rest])?;
        self.next = self.next.saturating_add(pages as u64);
        Ok(pgid)
    }
}

impl<W: Write + Seek> BucketWriter<'_, W> {
    /// Adds an element. Keys ascend.
    ///
    /// # Errors
    /// Those of the output, and a key or value that cannot be.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), WriteError> {
        check(&self.last, key, value)?;
        // Full to nine tenths, as etcd fills its pages.
        let room = self.writer.page_size.saturating_mul(9).checked_div(10).unwrap_or(0);
        if !self.leaf.elements.is_empty()
            && self.leaf.len().saturating_add(ELEMENT_LEN).saturating_add(key.len()).saturating_add(value.len()) > room
        {
            self.end_leaf()?;
        }
        if self.leaf.elements.is_empty() {
            self.below.push((key.to_vec(), 0));
        }
        self.leaf.add(0, key, value);
        self.last.clear();
        self.last.extend_from_slice(key);
        Ok(())
    }

    fn end_leaf(&mut self) -> Result<(), WriteError> {
        let leaf = std::mem::take(&mut self.leaf);
        let pgid = self.writer.page(Flags::LEAF, leaf.elements.len(), &leaf.body())?;
        match self.below.last_mut() {
            Some((_, page)) => *page = pgid,
            // An empty bucket is one empty page.
            None => self.below.push((Vec::new(), pgid)),
        }
        Ok(())
    }

    /// Writes what is left of it, and the branch pages above its leaves.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(mut self) -> Result<(), WriteError> {
        if !self.leaf.elements.is_empty() || self.below.is_empty() {
            self.end_leaf()?;
        }
        let mut level = std::mem::take(&mut self.below);
        while level.len() > 1 {
            let mut above: Vec<(Vec<u8>, Pgid)> = Vec::new();
            let mut rest = level.as_slice();
            while let Some((first, _)) = rest.first() {
                let mut room = self.writer.page_size.saturating_mul(9).checked_div(10).unwrap_or(0);
                let fits = |(key, _): &&(Vec<u8>, Pgid)| {
                    let needs = ELEMENT_LEN.saturating_add(key.len());
                    let fits = room >= needs;
                    room = room.saturating_sub(needs);
                    fits
                };
                // Two at least, so that every level is smaller than the one below it.
                let count = rest.iter().take_while(fits).count().clamp(2, usize::from(u16::MAX).saturating_sub(1));
                // A last one alone would be a page with one child.
                let count = if rest.len().saturating_sub(count) == 1 { count.saturating_add(1) } else { count };
                let (page, more) = rest.split_at_checked(count).unwrap_or((rest, &[]));
                let pgid = self.writer.page(Flags::BRANCH, page.len(), &branch(page))?;
                above.push((first.clone(), pgid));
                rest = more;
            }
            level = above;
        }
        if let (Some((_, root)), Some((_, of_bucket))) = (level.first(), self.writer.buckets.last_mut()) {
            *of_bucket = *root;
        }
        Ok(())
    }
}

impl Leaf {
    fn len(&self) -> usize {
        ELEMENT_LEN.saturating_mul(self.elements.len().saturating_add(1)).saturating_add(self.data.len())
    }

    fn add(&mut self, flags: u32, key: &[u8], value: &[u8]) {
        self.elements.push((flags, key.len(), value.len()));
        self.data.extend_from_slice(key);
        self.data.extend_from_slice(value);
    }

    /// The elements, each with the distance from itself to its key, and their data.
    fn body(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.len());
        let mut pos = self.elements.len().saturating_mul(ELEMENT_LEN);
        for (flags, key, value) in &self.elements {
            let numbers = [*flags, number(pos), number(*key), number(*value)];
            body.extend(numbers.into_iter().flat_map(u32::to_le_bytes));
            pos = pos.saturating_sub(ELEMENT_LEN).saturating_add(*key).saturating_add(*value);
        }
        body.extend_from_slice(&self.data);
        body
    }
}

fn branch(children: &[(Vec<u8>, Pgid)]) -> Vec<u8> {
    let (mut body, mut data) = (Vec::new(), Vec::new());
    let mut pos = children.len().saturating_mul(ELEMENT_LEN);
    for (key, child) in children {
        body.extend([number(pos), number(key.len())].into_iter().flat_map(u32::to_le_bytes));
        body.extend(child.to_le_bytes());
        data.extend_from_slice(key);
        pos = pos.saturating_sub(ELEMENT_LEN).saturating_add(key.len());
    }
    body.extend(data);
    body
}

fn header(id: Pgid, flags: Flags, count: usize, overflow: usize) -> Vec<u8> {
    let count = u16::try_from(count).unwrap_or(u16::MAX);
    [&id.to_le_bytes()[..], &flags.0.to_le_bytes(), &count.to_le_bytes(), &number(overflow).to_le_bytes()].concat()
}

/// Lengths were held to bbolt's limits before.
fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn check(last: &[u8], key: &[u8], value: &[u8]) -> Result<(), WriteError> {
    let can_be = !key.is_empty() && key.len() <= MAX_KEY && value.len() <= MAX_VALUE && key > last;
    can_be.then_some(()).ok_or(WriteError::Element { key_len: key.len(), value_len: value.len() })
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::unwrap_used, reason = "a test that panics fails")]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::super::{Db, PageMap, PageState, Tree, check};
    use super::*;
    use crate::evidence::anomaly::Anomalies;

    type Buckets = BTreeMap<Vec<u8>, BTreeMap<Vec<u8>, Vec<u8>>>;

    fn written(buckets: &Buckets, page_size: u32) -> Vec<u8> {
        let mut writer = Writer::new(Cursor::new(Vec::new()), page_size).unwrap();
        for (name, elements) in buckets {
            let mut bucket = writer.bucket(name);
            elements.iter().for_each(|(key, value)| bucket.put(key, value).unwrap());
            bucket.finish().unwrap();
        }
        writer.finish(7).unwrap().into_inner()
    }

    fn read(bytes: &[u8]) -> Buckets {
        let db = Db::open(bytes).unwrap();
        assert!(db.has_twin_metas());
        let mut anomalies = Anomalies::default();
        db.note_anomalies(&mut anomalies);
        let mut map = PageMap::new(db.pages_in_file(), db.high_water_mark());
        let root = db.active().unwrap().root;
        let (tree, ()) = Tree::walk(&db, root, PageState::Reachable, &mut map, &mut anomalies, |(), _, _, _| {}, |(), ()| {});
        check(&db, &mut map, &mut anomalies);
        assert!(anomalies.is_empty(), "{anomalies:?}");
        assert_eq!(map.counts().reachable + 2, db.pages_in_file(), "every page is in use");
        let elements = |bucket| tree.elements(&db, bucket).map(|(_, element)| (element.key.to_vec(), element.value.to_vec())).collect();
        tree.buckets().iter().skip(1).map(|bucket| (bucket.name.to_vec(), elements(bucket))).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read_again_without_an_anomaly(
            names in prop::collection::btree_set(prop::collection::vec(any::<u8>(), 1..20), 0..6),
            elements in prop::collection::btree_map(prop::collection::vec(any::<u8>(), 1..40), prop::collection::vec(any::<u8>(), 0..3000), 0..400),
            shift in 10u32..=16,
        ) {
            let mut buckets: Buckets = names.into_iter().map(|name| (name, BTreeMap::new())).collect();
            if let Some(mut first) = buckets.first_entry() {
                first.get_mut().extend(elements);
            }
            prop_assert_eq!(read(&written(&buckets, 1 << shift)), buckets);
        }
    }

    #[test]
    fn levels_of_branch_pages_grow_with_the_bucket() {
        let elements: BTreeMap<_, _> = (0..60_000u32).map(|n| (n.to_be_bytes().to_vec(), vec![7; 5])).collect();
        let buckets = Buckets::from([(b"key".to_vec(), elements)]);
        assert_eq!(read(&written(&buckets, 1024)), buckets);
    }

    #[test]
    fn keys_that_do_not_ascend_or_cannot_be_are_refused() {
        let mut writer = Writer::new(Cursor::new(Vec::new()), 4096).unwrap();
        let mut bucket = writer.bucket(b"b");
        bucket.put(b"m", b"").unwrap();
        for key in [&b""[..], b"a", b"m", &[b'x'; MAX_KEY + 1]] {
            assert!(matches!(bucket.put(key, b""), Err(WriteError::Element { .. })));
        }
    }
}
