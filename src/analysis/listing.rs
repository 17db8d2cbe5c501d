//! The second pass: the tree's values and tombstones as rows, in the order of their revisions.

use std::io;

use super::classify::Classifier;
use super::residue::Entry;
use super::row::{Place, Row, TombstoneRow, ValueRow};
use super::stream::{Part, Stream};
use super::{Scope, Survey, Tally, survey};
use crate::bbolt::{Db, Element, Pgid, Root};
use crate::etcd::schema;
use crate::evidence::anomaly::{Anomalies, Class};
use crate::evidence::range;
use crate::kubernetes::StorageKey;
use crate::mvcc::{KeyValue, RevisionKey};

/// Leaf pages one task turns into rows.
const PAGES: usize = 64;
/// Elements one task turns into rows, where they had to be sorted.
const ELEMENTS: usize = 512;

/// A second pass over a surveyed evidence.
#[derive(Clone, Copy, Debug)]
pub struct List<'a, 'data> {
    survey: &'a Survey<'data>,
    scope: &'a Scope,
}

/// Where a row was found.
#[derive(Clone, Copy, Debug)]
pub(super) enum At<'a, 'data> {
    Tree(Pgid, Element<'data>),
    Residue(&'a Entry),
}

impl<'data> At<'_, 'data> {
    /// The write there; `None` for a headless piece.
    pub(super) fn key_value(&self, db: &Db<'data>) -> Option<KeyValue<'data>> {
        match self {
            Self::Tree(_, element) => KeyValue::parse(element.value).ok(),
            Self::Residue(entry) => entry.read(db).map(|write| write.kv),
        }
    }
}

/// What there is to read, in the order of its revisions.
enum Order<'data> {
    Pages(Vec<Pgid>),
    Elements(Vec<(Pgid, Element<'data>)>),
}

impl<'a, 'data> List<'a, 'data> {
    /// Rows of the objects in `scope`.
    pub fn new(survey: &'a Survey<'data>, scope: &'a Scope) -> Self {
        Self { survey, scope }
    }

    /// Shows every row to `render`, on all cores, and what it wrote to `write`, in the order of the rows.
    /// Returns the counts and what the values showed to be odd.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn run<R, W>(&self, render: R, write: W) -> io::Result<(Tally<'data>, Anomalies)>
    where
        R: Fn(&Row<'data>, &mut Vec<u8>) + Sync,
        W: FnMut(&[u8]) -> io::Result<()>,
    {
        let (db, tree) = (&self.survey.database.db, &self.survey.tree);
        let mut stream = Stream::new(render, write);
        let show = |(pgid, element), part: &mut Part<'data>, render: &R| {
            if let Some(row) = self.row(pgid, element, part) {
                part.show(&row, render);
            }
        };
        match self.order() {
            Order::Pages(pages) => stream.rows(&pages, PAGES, |pgid, part, render| {
                tree.page_elements(db, *pgid).for_each(|element| show(element, part, render));
            })?,
            Order::Elements(elements) => stream.rows(&elements, ELEMENTS, |element, part, render| show(*element, part, render))?,
        }
        stream.rows(&self.survey.residue.entries, ELEMENTS, |entry, part, render| {
            if let Some((row, _)) = self.residue_row(entry, part) {
                part.show(&row, render);
            }
        })?;
        Ok(stream.finish(db.bytes()))
    }

    /// Every row in order, with its value's bytes, for a caller that looks for a few.
    pub fn rows(&self, mut show: impl FnMut(Row<'data>, Option<&'data [u8]>)) {
        self.rows_at(|_, row, value| show(row, value));
    }

    /// Every row in order, with where it is found again.
    pub(super) fn rows_at(&self, mut show: impl FnMut(At<'a, 'data>, Row<'data>, Option<&'data [u8]>)) {
        let mut part = Part::default();
        let mut look = |(pgid, element): (Pgid, Element<'data>)| {
            if let Some(row) = self.row(pgid, element, &mut part) {
                show(At::Tree(pgid, element), row, KeyValue::parse(element.value).ok().map(|kv| kv.value));
            }
        };
        match self.order() {
            Order::Pages(pages) => {
                pages.into_iter().flat_map(|pgid| self.survey.tree.page_elements(&self.survey.database.db, pgid)).for_each(&mut look)
            }
            Order::Elements(elements) => elements.into_iter().for_each(&mut look),
        }
        for entry in &self.survey.residue.entries {
            if let Some((row, value)) = self.residue_row(entry, &mut part) {
                show(At::Residue(entry), row, Some(value));
            }
        }
    }

    /// The row there once more, with its value's bytes.
    pub(super) fn row_at(&self, at: At<'a, 'data>) -> Option<(Row<'data>, &'data [u8])> {
        let mut part = Part::default();
        match at {
            At::Tree(pgid, element) => Some((self.row(pgid, element, &mut part)?, KeyValue::parse(element.value).ok()?.value)),
            At::Residue(entry) => self.residue_row(entry, &mut part),
        }
    }

    /// Bucket `key` in the order of its revisions. A sound tree's leaves have that order; the elements of a damaged
    /// one are sorted, at the cost of memory, with those that stand in other buckets; those of an inline bucket are few.
    fn order(&self) -> Order<'data> {
        let Survey { database, tree, anomalies, .. } = self.survey;
        let bucket = tree.bucket(schema::KEY);
        let is_sound = [Class::KeyOrder, Class::RevisionMisplaced].into_iter().all(|class| anomalies.count(class) == 0);
        match bucket {
            None if is_sound => return Order::Pages(Vec::new()),
            Some(bucket) if is_sound && bucket.in_key_order && matches!(bucket.root, Root::Page(_)) => {
                return Order::Pages(tree.leaves(bucket));
            }
            _ => {}
        }
        let is_write = |element: &Element<'_>| !element.is_bucket && RevisionKey::of_write(element.key, element.value).is_some();
        let misplaced =
            tree.buckets().iter().filter(|bucket| !survey::is_key_bucket(bucket) && anomalies.count(Class::RevisionMisplaced) > 0);
        let misplaced = misplaced.flat_map(|bucket| tree.elements(&database.db, bucket)).filter(|(_, element)| is_write(element));
        let mut sorted: Vec<_> = bucket.into_iter().flat_map(|bucket| tree.elements(&database.db, bucket)).chain(misplaced).collect();
        sorted.sort_by_key(|(_, element)| {
            let revision = RevisionKey::parse(element.key).map(|at| at.revision);
            let place = range::offset_within(database.db.bytes(), element.value);
            (revision.is_none(), revision, place.is_none(), place)
        });
        Order::Elements(sorted)
    }

    /// The row of a find outside the tree, with its value's bytes; `None` where it is not in scope.
    fn residue_row(&self, entry: &Entry, part: &mut Part<'data>) -> Option<(Row<'data>, &'data [u8])> {
        let Survey { database, names, prefixes, residue, facts, .. } = self.survey;
        let mut classifier = Classifier { names, prefixes, digests: &mut part.digests };
        // Without a tree there is no revision that another one could be newer than.
        let current = database.db.active().map_or(Some(u64::MAX), |_| facts.database().and_then(|d| d.revision));
        let row = residue.row(&database.db, entry, current, &mut classifier)?;
        if let (Row::Value(value), bytes) = &row {
            part.tally.note_key_material(value.key, value.storage_key.as_ref(), bytes, value.retention);
        }
        let in_scope = match &row.0 {
            Row::Value(value) => self.scope.holds(value.storage_key.as_ref()),
            Row::Tombstone(tombstone) => self.scope.holds(StorageKey::of(tombstone.key, prefixes).as_ref()),
        };
        in_scope.then_some(row)
    }

    /// The row of an element; `None` where it cannot be read (the first pass has noted it) or is not in scope.
    fn row(&self, pgid: Pgid, element: Element<'data>, part: &mut Part<'data>) -> Option<Row<'data>> {
        let at = RevisionKey::parse(element.key)?;
        let kv = KeyValue::parse(element.value).ok()?;
        let bytes = self.survey.database.db.bytes();
        if at.is_tombstone {
            let offset = range::offset_within(bytes, element.value);
            let row = TombstoneRow { place: Place::Tree, offset, pgid: Some(pgid), key: kv.key, revision: at.revision };
            let storage_key = StorageKey::of(kv.key, &self.survey.prefixes);
            return self.scope.holds(storage_key.as_ref()).then_some(Row::Tombstone(row));
        }
        let mut noted = Vec::new();
        let read = Classifier { names: &self.survey.names, prefixes: &self.survey.prefixes, digests: &mut part.digests }.read(
            kv.key,
            kv.value,
            |class, detail| noted.push((class, detail)),
        );
        let in_scope = self.scope.holds(read.storage_key.as_ref());
        let retention = self.survey.keyspace.retention(at, kv.key).into();
        if retention == super::Retention::Current && !kv.key.is_empty() {
            let resource = read.storage_key.as_ref().map(|key| key.group_resource.clone());
            part.tally.add_resource(resource, read.protection, in_scope);
        }
        part.tally.note_key_material(kv.key, read.storage_key.as_ref(), kv.value, retention);
        if !in_scope {
            return None;
        }
        let offset = range::offset_within(bytes, kv.value);
        for (class, detail) in noted {
            part.anomalies.note(class, offset, Some(pgid), || detail);
        }
        Some(Row::Value(Box::new(ValueRow {
            place: Place::Tree,
            retention,
            offset,
            length: kv.value.len() as u64,
            pgid: Some(pgid),
            key: kv.key,
            mod_revision: Some(at.revision.main),
            sub: Some(at.revision.sub),
            create_revision: Some(kv.create_revision),
            version: Some(kv.version),
            lease: Some(kv.lease),
            storage_key: read.storage_key,
            protection: read.protection,
            encoding: read.encoding,
            seal: read.seal,
            secret: read.secret,
            fragment: false,
            duplicate: false,
            newer_than_snapshot: false,
            log: None,
        })))
    }
}

impl Survey<'_> {
    /// Adds what the second pass found odd.
    pub fn add_anomalies(&mut self, anomalies: Anomalies) {
        self.anomalies.merge(anomalies);
        self.facts.is_complete = survey::is_complete(&self.anomalies);
    }
}
