//! The record of a run of pages.

use serde::Serialize;

use super::super::cell::Cell;
use crate::evidence::EvidenceId;
use crate::pages::PageRun;

/// Neighbouring pages of one state.
#[derive(Debug, Serialize)]
pub struct PageRunRecord {
    record: &'static str,
    evidence: u64,
    pgid: u64,
    count: u64,
    state: &'static str,
    tree_lost: bool,
    content: Option<&'static str>,
}

/// A column of the table in CSV: its name, and the cell of a record.
type Column = (&'static str, fn(&PageRunRecord) -> String);

impl PageRunRecord {
    /// Columns of the table in CSV: the fields in their order.
    pub(in super::super) const COLUMNS: &'static [Column] = &[
        ("evidence", |record| record.evidence.cell()),
        ("pgid", |record| record.pgid.cell()),
        ("count", |record| record.count.cell()),
        ("state", |record| record.state.cell()),
        ("tree_lost", |record| record.tree_lost.cell()),
        ("content", |record| record.content.cell()),
    ];

    /// The record of a run of pages.
    pub fn new(evidence: EvidenceId, run: &PageRun) -> Self {
        Self {
            record: "page-run",
            evidence: evidence.number(),
            pgid: run.pgid,
            count: run.count,
            state: run.state.name(),
            tree_lost: run.tree_lost,
            content: run.content.name(),
        }
    }
}
