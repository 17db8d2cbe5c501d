//! The first screen of a scan, and its tables.

use std::io::{self, Write};

use super::super::escape::terminal;
use super::credentials::credentials;
use super::directory::directory;
use super::findings::findings;
use super::first_screen::{ROWS, keys, next, readable_table, resource_table, secrets, types, values};
use super::headline::{What, headline, in_scope, no_kubernetes, nothing_matches};
use super::keys::beside;
use super::table::anomalies;
use super::unread::{self, ending, warning};
use super::{against, block, cluster_lines, compared_lines, file_lines};
use crate::evidence::anomaly::{Bearing, Class};
use crate::finding::{Condition, Outcome};
use crate::report::readable::{Readable, ReadableIn};
use crate::report::{EvidenceReport, MemberReport, Render, RenderPages, Report, not_looked_at};

/// What a scan says: for each member its first screen and its tables, then one line.
pub struct ScanText<'o> {
    out: &'o mut dyn Write,
    is_quiet: bool,
    has_said: bool,
}

impl<'o> ScanText<'o> {
    /// `is_quiet`: only the last line.
    pub fn new(out: &'o mut dyn Write, is_quiet: bool) -> Self {
        Self { out, is_quiet, has_said: false }
    }
}

impl Render for ScanText<'_> {
    fn member(&mut self, member: &MemberReport, report: &Report) -> io::Result<()> {
        let Some(whole) = report.whole(member).filter(|_| !self.is_quiet) else { return Ok(()) };
        if std::mem::replace(&mut self.has_said, true) {
            self.out.write_all(b"\n")?;
        }
        let said = if member.whole.is_some() { directory(member, whole, report) } else { scan(member, whole, report) };
        self.out.write_all(said.as_bytes())
    }

    fn end(&mut self, report: &Report, outcome: &Outcome) -> io::Result<()> {
        self.out.write_all(status_line(report, outcome).as_bytes())
    }
}

impl RenderPages for ScanText<'_> {}

/// What a scan says of one evidence.
fn scan(member: &MemberReport, evidence: &EvidenceReport, report: &Report) -> String {
    let mut out = String::new();
    let unread = report.unread_of(member.id);
    let unmatched = report.filter.as_deref().filter(|_| evidence.is_out_of_scope());
    out.push_str(&match unmatched {
        Some(filter) => nothing_matches(evidence, filter, What::File),
        None if report.is_without_kubernetes(member) => no_kubernetes(evidence, What::File),
        None => headline(evidence, report, What::File),
    });
    out.push_str(&warning(unread.clone()));
    let against = against(&evidence.anomaly_counts);
    block(&mut out, "File", &file_lines(&evidence.facts, &against));
    if evidence.anomaly_counts.contains_key(&Class::InUse) {
        block(&mut out, "IN USE", &["this looks live: a process holds a lock on it. It was read as it is, without a lock".to_owned()]);
    }
    block(&mut out, "Cluster", &cluster_lines(&evidence.facts));
    block(&mut out, "Compared", &compared_lines(evidence));
    if !evidence.facts.has_tree() {
        out.push_str(&values(evidence));
    } else if unmatched.is_some() || report.is_without_kubernetes(member) {
        // Rows of zeros would look like an answer.
    } else if report.resources == "secrets" || evidence.readable.total > 0 || evidence.secrets.total() > 0 {
        out.push_str(&secrets(evidence, in_scope(report)));
    }
    out.push_str(&keys(&evidence.keys, in_scope(report)));
    out.push_str(&types(&evidence.readable.types, in_scope(report)));
    out.push_str(&credentials([evidence]));
    out.push_str(&beside([evidence], report.filter.is_some()));
    out.push_str(&unread::not_looked_at(not_looked_at([evidence]), unread));
    if let Some(next) = next(evidence, &member.path) {
        out.push_str(&format!("NEXT  {next}\n"));
    }
    out.push_str(&tables(evidence, report));
    out
}

/// The last line of a run, and the only one of a quiet one.
pub fn status_line(report: &Report, outcome: &Outcome) -> String {
    let sum = |count: fn(&ReadableIn) -> u64| {
        let of = |r: &Readable| [&r.existing, &r.deleted, &r.unknown].into_iter().map(count).fold(0, u64::saturating_add);
        report.readable().map(|(_, readable)| of(readable)).fold(0, u64::saturating_add)
    };
    let fragments = report.evidences.iter().map(|e| e.unnamed_secrets.count).fold(0, u64::saturating_add);
    let counts = [
        ("current", sum(|r| r.current)),
        ("older revisions", sum(|r| r.retained)),
        ("residue", sum(|r| r.residue)),
        ("log", sum(|r| r.log).saturating_add(report.readable().map(|(_, readable)| readable.ahead).fold(0, u64::saturating_add))),
        ("nameless fragments", fragments),
    ];
    let found: Vec<String> =
        counts.iter().filter(|(name, count)| *count > 0 || *name == "current").map(|(name, count)| format!("{name} {count}")).collect();
    let scope = report.filter.as_deref().map_or(String::new(), |filter| format!(" in scope ({})", terminal(filter)));
    let found = match counts.iter().all(|(_, count)| *count == 0) {
        true if report.evidences.is_empty() => "nothing was analysed".to_owned(),
        true if outcome.held(Condition::NothingInScope) => {
            format!("nothing matches: {}", terminal(report.filter.as_deref().unwrap_or_default()))
        }
        true if report.members.iter().all(|member| report.is_without_kubernetes(member)) => {
            format!("no Kubernetes objects found in: {}", report.looked_at().join(", "))
        }
        true if outcome.held(Condition::NoSecretInScope) => {
            format!("no Secret in scope: {}", terminal(report.filter.as_deref().unwrap_or_default()))
        }
        true => format!("no plaintext Secret found{scope} in: {}", report.looked_at().join(", ")),
        false => format!("plaintext found{scope}: {}", found.join(", ")),
    };
    let files = match (report.evidences.len(), report.not_analysed.len()) {
        (1, 0) => String::new(),
        (0, failed) => format!(": {failed} could not be"),
        (read, 0) => format!(" in {read} files"),
        (read, failed) => format!(" in {read} files; {failed} could not be analysed"),
    };
    format!("{found}{files}{}", ending(report, outcome))
}

fn tables(evidence: &EvidenceReport, report: &Report) -> String {
    let mut out = readable_table(evidence, in_scope(report));
    out.push_str(&resource_table(evidence, report.filter.is_some()));
    out.push_str(&findings(evidence, [evidence]));
    let listed: Vec<_> = evidence.anomalies.iter().filter(|anomaly| anomaly.class.bearing() != Bearing::Note).collect();
    if !listed.is_empty() {
        let table = anomalies(listed.into_iter().take(ROWS));
        out.push_str(&format!("\nAnomalies\n{table}\n"));
    }
    out
}
