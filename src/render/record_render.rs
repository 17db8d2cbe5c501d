//! A run as records, wherever they go.

use std::io;

use serde::Serialize;

use super::records::{
    AnomalyRecord, EvidenceEndRecord, EvidenceRecord, FindingRecord, KeyRecord, PageRunRecord, PlanRecord, RunInfo, RunRecord,
    SummaryRecord, UnreadRecord, row_line,
};
use crate::collect::Lines;
use crate::evidence::EvidenceId;
use crate::evidence::anomaly::Anomaly;
use crate::finding::{Finding, Outcome};
use crate::pages::{PageMapReport, PageReport};
use crate::report::{EvidenceReport, KeyReport, Render, Report, RowWriter, Unread};
use crate::store::Facts;

/// Where records go.
pub(super) trait RecordSink {
    /// Takes a record.
    fn record<T: Serialize>(&mut self, kind: &'static str, record: &T) -> io::Result<()>;

    /// Takes `value` and `tombstone` records that were written already, each as a line of JSON.
    fn rows(&mut self, lines: &Lines) -> io::Result<()>;

    /// The last record was taken.
    fn end(&mut self) -> io::Result<()>;
}

/// Tells a run as records.
pub(super) struct RecordRender<S> {
    run: RunInfo,
    sink: S,
}

impl<S: RecordSink> RecordRender<S> {
    pub(super) fn new(run: RunInfo, sink: S) -> Self {
        Self { run, sink }
    }
}

impl<S: RecordSink> Render for RecordRender<S> {
    fn begin(&mut self) -> io::Result<()> {
        self.sink.record("run", &RunRecord::new(&self.run))
    }

    fn evidence(&mut self, id: EvidenceId, facts: &Facts) -> io::Result<()> {
        self.sink.record("evidence", &EvidenceRecord::new(id, facts))
    }

    fn row_writer(&self) -> Option<RowWriter> {
        Some(row_line)
    }

    fn rows(&mut self, lines: &Lines) -> io::Result<()> {
        self.sink.rows(lines)
    }

    fn anomaly(&mut self, id: EvidenceId, anomaly: &Anomaly) -> io::Result<()> {
        self.sink.record("anomaly", &AnomalyRecord::new(id, anomaly))
    }

    fn evidence_end(&mut self, evidence: &EvidenceReport) -> io::Result<()> {
        self.sink.record("evidence-end", &EvidenceEndRecord::new(evidence))
    }

    fn key(&mut self, key: &KeyReport) -> io::Result<()> {
        self.sink.record("key", &KeyRecord::new(key))
    }

    fn key_use(&mut self, id: EvidenceId, key: &KeyReport) -> io::Result<()> {
        self.sink.record("key-use", &KeyRecord::of_use(id, key))
    }

    fn finding(&mut self, id: EvidenceId, finding: &Finding) -> io::Result<()> {
        self.sink.record("finding", &FindingRecord::new(id, finding))
    }

    fn unread(&mut self, unread: &Unread) -> io::Result<()> {
        self.sink.record("unread", &UnreadRecord::new(unread))
    }

    fn end(&mut self, report: &Report, outcome: &Outcome) -> io::Result<()> {
        if let Some(plan) = report.verification.as_ref().map(|verification| &verification.plan) {
            for record in PlanRecord::of(plan) {
                self.sink.record("plan", &record)?;
            }
        }
        self.sink.record("summary", &SummaryRecord::new(report, outcome))?;
        self.sink.end()
    }

    fn page_map(&mut self, map: &PageMapReport) -> io::Result<()> {
        map.runs.iter().try_for_each(|run| self.sink.record("page-run", &PageRunRecord::new(map.evidence, run)))
    }

    fn page(&mut self, _page: &PageReport<'_>) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "one page is explained in text alone; without --page the records list all of them"))
    }
}
