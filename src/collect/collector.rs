//! The one collector: rows on their way out of a store, made on all cores, written in their order, and counted.
//!
//! ```text
//! a store's tasks ─> windows, one after the other ─> tasks, on all cores ─> parts ─> written and added up in order
//! ```

use std::io;

use rayon::prelude::*;

use super::Tally;
use super::lines::Lines;
use super::ordinary::Ordinary;
use crate::evidence::anomaly::Anomalies;
use crate::row::{Builder, Digests, Form, Found, Place, Row, Scope, ValueRow};
use crate::store::{Store, Task};

/// Tasks whose output is held at a time.
const WINDOW: usize = 64;

/// Characters of a key that the detail of an anomaly names.
const LONGEST_KEY: usize = 90;

/// Reads the rows of a store that are in scope.
#[derive(Clone, Copy)]
pub struct Collector<'a, 'data> {
    store: &'a dyn Store<'data>,
    scope: &'a Scope,
}

/// What the rows of one evidence add up to.
#[derive(Clone, Debug, Default)]
pub struct Collected<'data> {
    /// Their counts.
    pub tally: Tally<'data>,
    /// What is odd about the values, where that speaks against the evidence.
    pub anomalies: Anomalies,
}

/// What one task makes.
#[derive(Default)]
struct Part<'data> {
    lines: Lines,
    collected: Collected<'data>,
    digests: Digests<'data>,
}

impl<'a, 'data> Collector<'a, 'data> {
    /// Of the objects in `scope`.
    pub fn new(store: &'a dyn Store<'data>, scope: &'a Scope) -> Self {
        Self { store, scope }
    }

    /// Shows every row to `render`, on all cores, and what it wrote to `write`, in the order of the rows.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn run<R, W>(&self, render: R, mut write: W) -> io::Result<Collected<'data>>
    where
        R: Fn(&Row<'data>, &mut Lines) + Sync,
        W: FnMut(&Lines) -> io::Result<()>,
    {
        let mut collected = Collected::default();
        for window in self.store.tasks().chunks(WINDOW) {
            let parts: Vec<Part<'data>> = window.par_iter().map(|task| self.part(task, &render)).collect();
            for part in parts {
                write(&part.lines)?;
                collected.tally.merge(part.collected.tally);
                collected.anomalies.merge(part.collected.anomalies);
            }
        }
        Ok(collected)
    }

    /// Shows every row, on all cores and in no order.
    pub fn each(&self, look: impl Fn(&Row<'data>) + Sync) -> Collected<'data> {
        // Nothing is written, so nothing fails.
        self.run(|row, _| look(row), |_| Ok(())).unwrap_or_default()
    }

    /// The same rows in their order, read as they are asked for, on the thread that asks.
    pub fn rows(self) -> impl Iterator<Item = Row<'data>> + use<'a, 'data> {
        self.store.tasks().into_iter().flat_map(move |task| {
            let (mut part, mut rows) = (Part::default(), Vec::new());
            self.store.read(&task, &mut |found| rows.extend(part.row(self.store, self.scope, &found)));
            rows
        })
    }

    fn part(&self, task: &Task, render: &impl Fn(&Row<'data>, &mut Lines)) -> Part<'data> {
        let mut part = Part::default();
        self.store.read(task, &mut |found| {
            if let Some(row) = part.row(self.store, self.scope, &found) {
                part.collected.tally.add(&row, self.store.prefixes());
                render(&row, &mut part.lines);
            }
        });
        part
    }
}

impl<'data> Part<'data> {
    /// The row of a find, if it is in scope. Key material, existing objects and anomalies are counted, in scope or not.
    fn row(&mut self, store: &dyn Store<'data>, scope: &Scope, found: &Found<'data>) -> Option<Row<'data>> {
        if let Some(ordinary) = Ordinary::of(store, scope, found) {
            ordinary.count(found, &mut self.collected.tally);
            return None;
        }
        let mut noted = Vec::new();
        let row = row_of(store, found, &mut self.digests, |class, detail| noted.push((class, detail)))?;
        let in_scope = scope.holds(&row, store.prefixes());
        let Row::Value(value) = &row else { return in_scope.then_some(row) };
        let tally = &mut self.collected.tally;
        if !in_scope && value.form() == Form::Plaintext && scope.may_hold(value, store.prefixes()) {
            tally.add_not_placed(value);
        }
        if !value.key.is_empty() {
            let resource = || value.storage_key.as_ref().map(|key| key.group_resource.clone());
            tally.add_object((value.place, value.retention), resource, value.form(), in_scope);
        }
        tally.note_key_material(value.key, value.storage_key.as_ref(), value.plaintext().unwrap_or(value.bytes.0), value.retention);
        // Whether the evidence is sound does not hang on what was asked of it. Outside of what etcd reads any bytes may stand; of bytes in
        // which nothing says what it reads, what bears a revision is a write that it may.
        if value.place.is_read_by_etcd() || value.place == Place::Image && value.written.main.is_some() {
            for (class, detail) in noted {
                self.collected.anomalies.note(class, value.offset, value.pgid, || format!("{}: {detail}", name_of(value)));
            }
        }
        in_scope.then_some(row)
    }
}

/// Which write a value is of, for people.
fn name_of(value: &ValueRow<'_>) -> String {
    let mut key = String::from_utf8_lossy(value.key).into_owned();
    if let Some((end, _)) = key.char_indices().nth(LONGEST_KEY) {
        key.truncate(end);
        key.push('…');
    }
    match value.written.main {
        Some(revision) => format!("{key}, revision {revision}"),
        None => key,
    }
}

/// The row of a find in a store.
pub(crate) fn row_of<'data>(
    store: &dyn Store<'data>,
    found: &Found<'data>,
    digests: &mut Digests<'data>,
    note: impl FnMut(crate::evidence::anomaly::Class, String),
) -> Option<Row<'data>> {
    Builder { content: store.content(), names: store.names(), prefixes: store.prefixes(), digests }.row(found, note)
}
