//! Rows on their way out: made on all cores, written in their order.
//!
//! ```text
//! items ─> windows, one after the other ─> tasks, on all cores ─> parts ─> written and added up in order
//! ```

use std::io;

use rayon::prelude::*;

use super::Tally;
use super::classify::Digests;
use super::row::Row;
use crate::evidence::anomaly::Anomalies;

/// Tasks whose output is held at a time.
pub(super) const WINDOW: usize = 64;

/// What one task makes.
#[derive(Default)]
pub(super) struct Part<'data> {
    output: Vec<u8>,
    pub tally: Tally<'data>,
    pub anomalies: Anomalies,
    pub digests: Digests<'data>,
}

impl<'data> Part<'data> {
    /// Counts a row and writes what it is rendered as.
    pub(super) fn show(&mut self, row: &Row<'data>, render: &impl Fn(&Row<'data>, &mut Vec<u8>)) {
        self.tally.add(row);
        render(row, &mut self.output);
    }
}

/// The rows of one evidence: where they go, and what they add up to.
pub(super) struct Stream<'data, R, W> {
    render: R,
    write: W,
    tally: Tally<'data>,
    anomalies: Anomalies,
}

impl<'data, R, W> Stream<'data, R, W>
where
    R: Fn(&Row<'data>, &mut Vec<u8>) + Sync,
    W: FnMut(&[u8]) -> io::Result<()>,
{
    pub(super) fn new(render: R, write: W) -> Self {
        Self { render, write, tally: Tally::default(), anomalies: Anomalies::default() }
    }

    /// Makes the rows of all items, so many items a task.
    ///
    /// # Errors
    /// Those of the writer.
    pub(super) fn rows<T: Sync>(&mut self, items: &[T], a_task: usize, make: impl Fn(&T, &mut Part<'data>, &R) + Sync) -> io::Result<()> {
        for window in items.chunks(a_task.saturating_mul(WINDOW)) {
            let task = |items: &[T]| {
                let mut part = Part::default();
                items.iter().for_each(|item| make(item, &mut part, &self.render));
                part
            };
            let parts: Vec<Part<'data>> = window.par_chunks(a_task).map(task).collect();
            for part in parts {
                (self.write)(&part.output)?;
                self.tally.merge(part.tally);
                self.anomalies.merge(part.anomalies);
            }
        }
        Ok(())
    }

    /// The counts, with the values of exposed Secrets out of the bytes of their evidence, and what was odd.
    pub(super) fn finish(mut self, bytes: &'data [u8]) -> (Tally<'data>, Anomalies) {
        self.tally.settle(bytes);
        (self.tally, self.anomalies)
    }
}
