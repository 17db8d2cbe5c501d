//! What must stand before an answer says how it ended: a file beside it that may fail to be written.

use std::io;

use etcd_sleuth::collect::Lines;
use etcd_sleuth::evidence::EvidenceId;
use etcd_sleuth::evidence::anomaly::Anomaly;
use etcd_sleuth::finding::{Finding, Outcome};
use etcd_sleuth::report::{EvidenceReport, KeyReport, MemberReport, Render, Report, Revealed, RowWriter, Unread};
use etcd_sleuth::store::Facts;

/// Whoever writes an answer, and what is to be done before its end.
pub(crate) struct BeforeEnd<'a> {
    pub(crate) render: &'a mut dyn Render,
    pub(crate) work: &'a mut dyn FnMut(&Report) -> io::Result<()>,
}

impl Render for BeforeEnd<'_> {
    fn begin(&mut self) -> io::Result<()> {
        self.render.begin()
    }

    fn evidence(&mut self, id: EvidenceId, facts: &Facts) -> io::Result<()> {
        self.render.evidence(id, facts)
    }

    fn row_writer(&self) -> Option<RowWriter> {
        self.render.row_writer()
    }

    fn rows(&mut self, lines: &Lines) -> io::Result<()> {
        self.render.rows(lines)
    }

    fn anomaly(&mut self, id: EvidenceId, anomaly: &Anomaly) -> io::Result<()> {
        self.render.anomaly(id, anomaly)
    }

    fn evidence_end(&mut self, evidence: &EvidenceReport) -> io::Result<()> {
        self.render.evidence_end(evidence)
    }

    fn member(&mut self, member: &MemberReport, report: &Report) -> io::Result<()> {
        self.render.member(member, report)
    }

    fn key(&mut self, key: &KeyReport) -> io::Result<()> {
        self.render.key(key)
    }

    fn key_use(&mut self, id: EvidenceId, key: &KeyReport) -> io::Result<()> {
        self.render.key_use(id, key)
    }

    fn finding(&mut self, id: EvidenceId, finding: &Finding) -> io::Result<()> {
        self.render.finding(id, finding)
    }

    fn unread(&mut self, unread: &Unread) -> io::Result<()> {
        self.render.unread(unread)
    }

    fn revealed(&mut self, revealed: &Revealed<'_>) -> io::Result<()> {
        self.render.revealed(revealed)
    }

    fn end(&mut self, report: &Report, outcome: &Outcome) -> io::Result<()> {
        (self.work)(report)?;
        self.render.end(report, outcome)
    }
}
