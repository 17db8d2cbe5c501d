//! The one way out: what a run tells, piece by piece, to whoever writes it down.

use std::io;

use super::{EvidenceReport, KeyReport, MemberReport, Report, Unread};
use crate::collect::Lines;
use crate::evidence::EvidenceId;
use crate::evidence::anomaly::Anomaly;
use crate::finding::{Finding, Outcome};
use crate::kubernetes::Encoding;
use crate::pages::{PageMapReport, PageReport};
use crate::recovery::RecoveredWrite;
use crate::row::{CarriedOut, Retention, Row, ValueRow};
use crate::store::Facts;
use crate::verify::Verdict;

/// A row on its way out: its evidence, and what became of the value where it was to be opened.
#[derive(Clone, Copy, Debug)]
pub struct RowContext<'a> {
    /// Its evidence.
    pub evidence: EvidenceId,
    /// The UID of its cluster's namespace `kube-system`, where that can be read.
    pub cluster: Option<&'a str>,
    /// What became of it.
    pub verdict: Option<&'a Verdict>,
}

/// Writes a row as bytes. It is called on all cores; what it wrote comes back in the order of the rows.
pub type RowWriter = fn(RowContext<'_>, &Row<'_>, &mut Lines);

/// A value in clear, of an object that somebody asked to see.
pub struct Revealed<'a> {
    /// The object, as it was asked for.
    pub object: &'a str,
    /// The revision; `None`: not known.
    pub revision: Option<u64>,
    /// What became of it.
    pub retention: Retention,
    /// Whether its write was carried out.
    pub carried_out: CarriedOut,
    /// Whether a key opened it.
    pub is_opened: bool,
    /// How the bytes are written.
    pub encoding: Encoding,
    /// The bytes.
    pub bytes: &'a [u8],
}

/// What is written of a run. The calls come in this order: `begin`; for each member, for each of its evidences, `evidence`, `rows` as
/// often as there are some, `page_map` or `page` where pages were asked for, `recovered` for each write that was brought back, `anomaly` for each, `evidence_end`, and behind its evidences
/// `member`; when all members were told, `key`, `key_use`, `finding` and `unread` for each; last `end`. Where one value is to be revealed,
/// evidences are not told: there come `begin`, `member` for each, `revealed`, and then the same from `key` on. An evidence whose reading a
/// bug ended has no `evidence_end`. A run that ends with an error has no `end`.
///
/// # Errors
/// Those of the output.
pub trait Render {
    /// A run begins.
    fn begin(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// An evidence, as far as it is known before its rows are read.
    fn evidence(&mut self, _id: EvidenceId, _facts: &Facts) -> io::Result<()> {
        Ok(())
    }

    /// How a row is written; `None`: rows are not asked for.
    fn row_writer(&self) -> Option<RowWriter> {
        None
    }

    /// Rows that were written.
    fn rows(&mut self, _lines: &Lines) -> io::Result<()> {
        Ok(())
    }

    /// All pages of a database; called where they were asked for.
    fn page_map(&mut self, _map: &PageMapReport) -> io::Result<()> {
        Ok(())
    }

    /// One page; called where it was asked for.
    fn page(&mut self, _page: &PageReport<'_>) -> io::Result<()> {
        Ok(())
    }

    /// A write that was brought back, by revision; called where that was asked for.
    fn recovered(&mut self, _write: &RecoveredWrite<'_, '_>, _row: &ValueRow<'_>) -> io::Result<()> {
        Ok(())
    }

    /// An anomaly.
    fn anomaly(&mut self, _id: EvidenceId, _anomaly: &Anomaly) -> io::Result<()> {
        Ok(())
    }

    /// An evidence of which everything is known.
    fn evidence_end(&mut self, _evidence: &EvidenceReport) -> io::Result<()> {
        Ok(())
    }

    /// A member of which everything is known, and all that was read so far.
    fn member(&mut self, _member: &MemberReport, _report: &Report) -> io::Result<()> {
        Ok(())
    }

    /// A key, over all evidences.
    fn key(&mut self, _key: &KeyReport) -> io::Result<()> {
        Ok(())
    }

    /// A key in one evidence.
    fn key_use(&mut self, _id: EvidenceId, _key: &KeyReport) -> io::Result<()> {
        Ok(())
    }

    /// A finding.
    fn finding(&mut self, _id: EvidenceId, _finding: &Finding) -> io::Result<()> {
        Ok(())
    }

    /// Something that was not read.
    fn unread(&mut self, _unread: &Unread) -> io::Result<()> {
        Ok(())
    }

    /// A value that somebody asked to see. It is called at most once, and never unless it was asked for.
    fn revealed(&mut self, _revealed: &Revealed<'_>) -> io::Result<()> {
        Ok(())
    }

    /// The run is over.
    fn end(&mut self, report: &Report, outcome: &Outcome) -> io::Result<()>;
}
