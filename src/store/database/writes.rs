//! The second pass: the tree's writes in the order of their revisions, then what stands outside the tree.

use super::DatabaseStore;
use super::order::Order;
use super::residue::Entry;
use crate::bbolt::{Element, Pgid};
use crate::mvcc::{KeyValue, RevisionKey};
use crate::row::{Api, Found, FoundContent, Place, WriteCounts, Written};
use crate::store::Task;

/// Leaf pages that one task reads.
const PAGES: usize = 64;
/// Elements, or finds outside the tree, that one task reads.
const ELEMENTS: usize = 512;

/// The list of the tree's writes.
const TREE: u8 = 0;
/// The list of what stands outside of it.
const RESIDUE: u8 = 1;

/// Where a write is found again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WriteAt<'a, 'data>(At<'a, 'data>);

#[derive(Clone, Copy, Debug)]
enum At<'a, 'data> {
    /// On a page of the tree.
    Tree(Pgid, Element<'data>),
    /// Outside of it.
    Residue(&'a Entry),
}

impl<'data> WriteAt<'_, 'data> {
    /// The write there; `None` for a piece without its beginning.
    pub(crate) fn key_value(&self, store: &DatabaseStore<'data>) -> Option<KeyValue<'data>> {
        match &self.0 {
            At::Tree(_, element) => KeyValue::parse(element.value).ok(),
            At::Residue(entry) => entry.read(&store.opened.db).map(|write| write.kv),
        }
    }
}

impl<'data> DatabaseStore<'data> {
    pub(super) fn task_list(&self) -> Vec<Task> {
        let tree: Vec<Task> = match &self.order {
            Order::Pages(pages) => Task::over(TREE, pages.len(), PAGES).collect(),
            Order::Elements(elements) => Task::over(TREE, elements.len(), ELEMENTS).collect(),
        };
        tree.into_iter().chain(Task::over(RESIDUE, self.residue.entries.len(), ELEMENTS)).collect()
    }

    /// Shows the finds of one task in their order, each with where it is found again.
    pub(crate) fn each_write<'a>(&'a self, task: &Task, mut see: impl FnMut(WriteAt<'a, 'data>, Found<'data>)) {
        let mut see_tree = |pgid, element| {
            if let Some(found) = self.in_tree(pgid, &element) {
                see(WriteAt(At::Tree(pgid, element)), found);
            }
        };
        match (task.list, &self.order) {
            (TREE, Order::Pages(pages)) => {
                let pages = pages.get(task.items.clone()).unwrap_or_default();
                let elements = pages.iter().flat_map(|pgid| self.tree.page_elements(&self.opened.db, *pgid));
                elements.for_each(|(pgid, element)| see_tree(pgid, element));
            }
            (TREE, Order::Elements(elements)) => {
                let elements = elements.get(task.items.clone()).unwrap_or_default();
                elements.iter().for_each(|(pgid, element)| see_tree(*pgid, *element));
            }
            _ => {
                for entry in self.residue.entries.get(task.items.clone()).unwrap_or_default() {
                    if let Some(found) = self.outside_tree(entry) {
                        see(WriteAt(At::Residue(entry)), found);
                    }
                }
            }
        }
    }

    /// The find at a place that was seen before.
    pub(crate) fn found_at(&self, at: WriteAt<'_, 'data>) -> Option<Found<'data>> {
        match at.0 {
            At::Tree(pgid, element) => self.in_tree(pgid, &element),
            At::Residue(entry) => self.outside_tree(entry),
        }
    }

    /// The find of an element; `None` where it cannot be read, which the first pass has noted.
    fn in_tree(&self, pgid: Pgid, element: &Element<'data>) -> Option<Found<'data>> {
        let at = RevisionKey::parse(element.key)?;
        let kv = KeyValue::parse(element.value).ok()?;
        let counts = WriteCounts { create_revision: kv.create_revision, version: kv.version };
        let written = Written { main: Some(at.revision.main), sub: Some(at.revision.sub), counts: Some(counts), lease: Some(kv.lease) };
        let content = if at.is_tombstone { FoundContent::Tombstone(element.value) } else { FoundContent::Value(kv.value) };
        Some(Found {
            place: Place::Tree,
            retention: self.retention(at, kv.key),
            pgid: Some(pgid),
            key: kv.key,
            written,
            content,
            is_duplicate: false,
            is_newer_than_snapshot: false,
            log: None,
            api: Api::V3,
            escaped: None,
        })
    }

    fn outside_tree(&self, entry: &Entry) -> Option<Found<'data>> {
        // Without a tree there is no revision that another one could be newer than.
        let revision = self.opened.db.active().map_or(Some(u64::MAX), |_| self.keyspace.last().map(|last| last.main));
        self.residue.found(&self.opened.db, entry, revision)
    }
}
