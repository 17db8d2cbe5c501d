//! The first screen of a scan, and its tables.

use std::io::{self, Write};

use super::super::escape::terminal;
use super::credentials::credentials;
use super::directory::directory;
use super::findings::findings;
use super::first_screen::{ROWS, keys, next, readable_table, resource_tables, secrets, types, values};
use super::headline::{What, did_you_mean, headline, in_scope, no_kubernetes, not_placed, nothing_matches, within};
use super::keys_beside::{beside, beside_in_words};
use super::layout::{Screen, Tone};
use super::number::with_noun;
use super::table::anomalies;
use super::unread::{self, ending, subject, warning};
use super::{against, block, cluster_lines, compared_lines, file_lines, thousands};
use crate::evidence::anomaly::{Bearing, Class};
use crate::evidence::count::{Count, Secrets};
use crate::evidence::words::verb;
use crate::finding::{Condition, Outcome};
use crate::report::readable::{Readable, ReadableIn};
use crate::report::{EvidenceReport, MemberReport, Render, Report, Unread, not_looked_at};
use crate::row::{Form, Place, Retention};

/// What a scan says: for each member its first screen and its tables, then one line.
pub struct ScanText<'o> {
    out: Screen<'o>,
    is_quiet: bool,
    has_said: bool,
}

impl<'o> ScanText<'o> {
    /// `is_quiet`: only the last line.
    pub fn new(out: Screen<'o>, is_quiet: bool) -> Self {
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
        if !self.is_quiet {
            self.out.write_all(beside_members(report).as_bytes())?;
        }
        self.out.write_all(Tone::of_exit(outcome.exit_code()).paint(&status_line(report, outcome)).as_bytes())
    }
}

/// What of a directory without a member was not read, which is in no member's answer.
pub(super) fn beside_members(report: &Report) -> String {
    let is_of_none = |unread: &&Unread| !report.members.iter().any(|member| unread.member == Some(member.id));
    unread::not_looked_at(Vec::new(), report.unread.iter().filter(is_of_none).filter(|unread| !unread.reason.is_told_as_an_error()))
}

/// What a scan says of one evidence.
fn scan(member: &MemberReport, evidence: &EvidenceReport, report: &Report) -> String {
    let mut out = String::new();
    let unread = report.unread_of(member.id);
    let unmatched = report.filter.as_deref().filter(|_| evidence.is_out_of_scope());
    let what = if member.beside > 0 { What::Part } else { What::File };
    out.push_str(&match unmatched {
        Some(filter) => nothing_matches(evidence, report, filter, what),
        None if report.is_without_kubernetes(member) => no_kubernetes(evidence, what),
        None => headline(member, evidence, report, what) + &did_you_mean(evidence, report),
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
    out.push_str(&not_placed([evidence]));
    out.push_str(&keys(&evidence.keys, in_scope(report)));
    out.push_str(&types(&evidence.readable.types, in_scope(report)));
    out.push_str(&credentials([evidence]));
    out.push_str(&beside([evidence], report.filter.is_some()));
    if let Some(next) = next(evidence, member, report) {
        out.push_str(&format!("NEXT  {next}\n"));
    }
    out.push_str(&tables(evidence, report));
    out.push_str(&unread::not_looked_at(not_looked_at([evidence]), unread));
    out
}

/// The last line of a run, and the only one of a quiet one.
pub fn status_line(report: &Report, outcome: &Outcome) -> String {
    let scope = within(report);
    let filter = terminal(report.filter.as_deref().unwrap_or_default());
    let said = match readable_in_words(report) {
        Some(found) => format!("{found}{scope}"),
        None if report.evidences.is_empty() => return format!("{}, none could be read{}", subject(report), ending(report, outcome, &[])),
        None if outcome.held(Condition::NothingInScope) => format!("nothing matches: {filter}"),
        None if report.members.iter().all(|member| report.is_without_kubernetes(member)) => {
            format!("no Kubernetes objects found in: {}", report.looked_at().join(", "))
        }
        None if outcome.held(Condition::NoSecretInScope) => format!("no Secret in scope: {filter}"),
        None => format!("no plaintext Secret found{scope} in: {}", report.looked_at().join(", ")),
    };
    let keys = beside_in_words(&report.evidences);
    format!("{}: {said}{keys}{}", subject(report), ending(report, outcome, &[Condition::PlaintextFound]))
}

/// Where residue in plaintext stands in a member's evidences.
fn of_residue<'a>(parts: impl Iterator<Item = &'a EvidenceReport> + Clone) -> &'static str {
    // Bytes of no known form have no pages, and nothing in them says what is current.
    if parts.clone().all(|part| part.facts.image().is_some()) {
        return "somewhere in these bytes";
    }
    let places = parts.clone().flat_map(|evidence| evidence.values.keys());
    let plaintext = places.filter(|(_, retention, form)| (*retention, *form) == (Retention::Residue, Form::Plaintext));
    let (behind, among): (Vec<Place>, Vec<Place>) = plaintext.map(|(place, ..)| *place).partition(|place| place.is_behind_pages());
    // Where no tree is left, nothing says which pages are free.
    let has_tree = parts.clone().any(|evidence| evidence.facts.has_tree());
    let is_of_free_pages = among.iter().all(|place| matches!(place, Place::FreePage | Place::OverflowTail));
    match (behind.is_empty(), among.is_empty()) {
        _ if !has_tree => "on pages whose tree is lost",
        (false, true) => "only behind the database's pages",
        (false, false) => "only in free pages, or behind the database's pages",
        (true, _) if !is_of_free_pages && among.contains(&Place::OtherRoot) => "only in free pages, or in the tree of the commit before",
        (true, _) if !is_of_free_pages => "only in free pages, or behind what pages in use hold",
        (true, _) => "only in free pages",
    }
}

/// How many Secrets of a member can be read without a key in each place, by the first place that each can be read in.
fn places_of(report: &Report, member: &MemberReport, readable: &Readable) -> [(Count<Secrets>, &'static str); 8] {
    let sum = |count: fn(&ReadableIn) -> Count<Secrets>| -> Count<Secrets> {
        [&readable.existing, &readable.deleted, &readable.unknown].into_iter().map(count).sum()
    };
    let logged = sum(|r| r.log.plus(r.ahead)).plus(readable.ahead);
    [
        (sum(|r| r.current), "now"),
        (sum(|r| r.newest), "that may have been changed or deleted since"),
        (sum(|r| r.retained), "in history"),
        (sum(|r| r.residue), of_residue(report.parts(member))),
        (logged.without(readable.in_raft_snapshots), "only in the log"),
        (readable.in_raft_snapshots, "only in raft snapshots"),
        (sum(|r| r.perhaps_never).plus(readable.perhaps_never), "only in the log and perhaps never carried out"),
        (sum(|r| r.never).plus(readable.never), "only in the log and never carried out"),
    ]
}

/// How many Secrets can be read without a key, by the first place that each can be read in; `None`: not one.
fn readable_in_words(report: &Report) -> Option<String> {
    let inputs = |count: fn(&Readable) -> Count<Secrets>| report.readable().map(|(_, readable)| count(readable)).sum::<Count<Secrets>>();
    let of_members = report.members.iter().filter_map(|member| Some(places_of(report, member, &report.whole(member)?.readable)));
    // By place, and of one place by its words in the order of the members.
    let mut by_place: Vec<(usize, &str, Count<Secrets>)> = Vec::new();
    for (order, (n, words)) in of_members.flat_map(|places| places.into_iter().enumerate()).filter(|(_, (n, _))| *n > 0) {
        match by_place.iter_mut().find(|(_, known, _)| *known == words) {
            Some((.., count)) => count.add(n),
            None => by_place.push((order, words, n)),
        }
    }
    by_place.sort_by_key(|(order, ..)| *order);
    let places: Vec<String> = by_place.iter().map(|(_, words, n)| format!("{} {words}", thousands(*n))).collect();
    let pieces = match report.evidences.iter().map(|e| e.unnamed_secrets.count).sum() {
        Count::ZERO => None,
        n => {
            let whose = verb(n, "of a Secret whose name is lost", "of Secrets whose names are lost");
            Some(format!("{} {whose}", with_noun(n)))
        }
    };
    let secrets = match inputs(|r| r.total) {
        Count::ZERO => None,
        n => Some(format!("{} readable without a key: {}", with_noun(n), places.join(", "))),
    };
    let said: Vec<String> = secrets.into_iter().chain(pieces).collect();
    (!said.is_empty()).then(|| said.join("; "))
}

fn tables(evidence: &EvidenceReport, report: &Report) -> String {
    let mut out = readable_table(evidence, in_scope(report));
    out.push_str(&resource_tables(evidence, report));
    out.push_str(&findings(evidence, [evidence]));
    let listed: Vec<_> = evidence.anomalies.iter().filter(|anomaly| anomaly.class.bearing() != Bearing::Note).collect();
    if !listed.is_empty() {
        let table = anomalies(listed.into_iter().take(ROWS));
        out.push_str(&format!("\nAnomalies\n{table}\n"));
    }
    out
}
