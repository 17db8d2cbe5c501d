//! How a line calls a file.

use super::super::escape::terminal;
use super::number::counted;
use crate::evidence::words::path_text;
use crate::report::EvidenceReport;

/// `s5.db rev 520, snapshot`
pub(super) fn evidence_label(evidence: &EvidenceReport) -> String {
    let revision = evidence.facts.database().and_then(|database| database.revision).map_or(String::new(), |r| format!(" rev {r}"));
    format!("{}{revision}, {}", terminal(&file_name(evidence)), evidence.facts.kind.name())
}

/// Its path, as it was given; not escaped.
pub(super) fn file_name(evidence: &EvidenceReport) -> String {
    path_text(&evidence.facts.path).into_owned()
}

/// `1 file`, `2 files`
pub(super) fn files(count: usize) -> String {
    counted(count as u64, "file")
}
