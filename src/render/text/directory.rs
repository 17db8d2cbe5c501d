//! What a scan says of a data directory: the evidences of one member, as one answer.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::escape::{terminal, terminal_path};
use super::credentials::credentials;
use super::findings::findings;
use super::first_screen::{ROWS, keys, next, readable_table, resource_tables, secrets, types, values};
use super::headline::{What, did_you_mean, headline, in_scope, no_kubernetes, not_placed, nothing_matches};
use super::keys_beside::beside;
use super::number::{counted, with_noun};
use super::table::Table;
use super::unread::{self, warning};
use super::{against, block, cluster_lines, compared_lines, doubts, file_lines, log_sentence, member_name, snapshot_sentence};
use crate::evidence::Count;
use crate::evidence::anomaly::{Bearing, Class};
use crate::evidence::words::{span, verb};
use crate::report::{EvidenceReport, MemberReport, Report, not_looked_at};
use crate::store::{Facts, Kind, LogFacts, Role};

/// What a scan says of a directory: its evidences together.
pub(super) fn directory(directory: &MemberReport, whole: &EvidenceReport, report: &Report) -> String {
    let parts: Vec<&EvidenceReport> = report.parts(directory).collect();
    let of = |kind: &[Kind], role| -> Vec<&EvidenceReport> {
        parts.iter().copied().filter(|part| kind.contains(&part.facts.kind) && part.facts.role == role).collect()
    };
    let database: Vec<&EvidenceReport> = of(&[Kind::Database, Kind::Snapshot], Role::Member);
    let unmatched = report.filter.as_deref().filter(|_| parts.iter().all(|part| part.is_out_of_scope()));
    let what = what(directory, &parts);
    let mut out = match unmatched {
        Some(filter) => nothing_matches(whole, report, filter, what),
        None if report.is_without_kubernetes(directory) => no_kubernetes(whole, what),
        None => headline(directory, whole, report, what) + &did_you_mean(whole, report),
    };
    if is_replaced(&parts) {
        out.push_str("  etcd puts its next database in this one's place when it starts: read the answer of that one below\n");
    }
    if directory.others > 0 {
        let (members, have) = (counted(directory.others as u64, "other member"), verb(directory.others as u64, "has", "have"));
        out.push_str(&format!("  {members} {have} files in it: read their answers below\n"));
    }
    out.push_str(&warning(report.unread_of(directory.id)));
    if database.is_empty() {
        block(&mut out, "File", &["no member/snap/db that could be read: what exists now is not known".to_owned()]);
    }
    for part in database {
        block(&mut out, "File", &file_lines(&part.facts, &against(&part.anomaly_counts)));
    }
    block(&mut out, "Log", &log_lines(&of(&[Kind::Wal], Role::Member)));
    block(&mut out, "Raft", &snapshot_lines(&of(&[Kind::RaftSnapshot], Role::Member)));
    let leftovers: Vec<&EvidenceReport> = parts.iter().copied().filter(|part| part.facts.role == Role::Leftover).collect();
    block(&mut out, "Left", &leftover_lines(&leftovers, &directory.path));
    if parts.iter().any(|part| part.anomaly_counts.contains_key(&Class::InUse)) {
        block(&mut out, "IN USE", &["this looks live: a process holds a lock on it. It was read as it is, without a lock".to_owned()]);
    }
    let member = member_line(&of(&[Kind::Wal], Role::Member), &whole.facts);
    block(&mut out, "Cluster", &cluster_lines(&whole.facts).into_iter().chain(member).collect::<Vec<_>>());
    block(&mut out, "Compared", &compared_lines(whole));
    if !whole.facts.has_tree() {
        out.push_str(&values(whole));
    } else if unmatched.is_some() || report.is_without_kubernetes(directory) {
        // Rows of zeros would look like an answer.
    } else if report.resources == "secrets" || whole.readable.total > 0 || whole.secrets.total() > 0 {
        out.push_str(&secrets(whole, in_scope(report)));
    }
    out.push_str(&not_placed([whole]));
    out.push_str(&keys(&whole.keys, in_scope(report)));
    out.push_str(&types(&whole.readable.types, in_scope(report)));
    out.push_str(&credentials(parts.iter().copied()));
    out.push_str(&beside([whole], report.filter.is_some()));
    if let Some(next) = next(whole, directory, report) {
        out.push_str(&format!("NEXT  {next}\n"));
    }
    out.push_str(&readable_table(whole, in_scope(report)));
    out.push_str(&resource_tables(whole, report));
    out.push_str(&findings(whole, parts.iter().copied()));
    out.push_str(&anomalies(&parts, &directory.path));
    out.push_str(&unread::not_looked_at(not_looked_at(parts.iter().copied()), report.unread_of(directory.id)));
    out
}

/// What the answer is about.
fn what(directory: &MemberReport, parts: &[&EvidenceReport]) -> What {
    let is_below = |facts: &Facts| facts.path != directory.path && facts.path.starts_with(&directory.path);
    if directory.others > 0 || directory.beside > 0 || is_replaced(parts) {
        What::Member
    } else if parts.iter().all(|part| is_below(&part.facts)) {
        What::Directory
    } else {
        What::Files
    }
}

/// Whether another database in the directory is what the member goes on with.
fn is_replaced(parts: &[&EvidenceReport]) -> bool {
    parts.iter().any(|part| part.anomaly_counts.contains_key(&Class::DatabaseReplaced))
}

/// Which member the directory is of: its log says the ID, and the database which of several has it.
fn member_line(segments: &[&EvidenceReport], facts: &Facts) -> Option<String> {
    let (id, _) = segments.iter().find_map(|segment| segment.facts.log()?.member)?;
    let members = &facts.database()?.schema.members;
    match members.iter().find(|member| u64::from_str_radix(&member.id, 16) == Ok(id)) {
        Some(member) if members.len() > 1 => Some(format!("this is member {}", member_name(member))),
        Some(_) => None,
        None if members.is_empty() => None,
        None => Some(format!("this is member {id:x} by its log, and the database does not name it among its members")),
    }
}

fn log_lines(segments: &[&EvidenceReport]) -> Vec<String> {
    let logs: Vec<_> = segments.iter().filter_map(|segment| segment.facts.log()).collect();
    let (Some(first), Some(last)) = (logs.iter().find_map(|log| log.indices), logs.iter().rev().find_map(|log| log.indices)) else {
        let what = if logs.iter().all(|log| log.is_zero) { "zeros where records should be" } else { "no entries" };
        return if logs.is_empty() { Vec::new() } else { vec![format!("{}, {what}", counted(logs.len() as u64, "segment"))] };
    };
    let sum = |count: fn(&LogFacts) -> u64| logs.iter().map(|log| count(log)).fold(0, u64::saturating_add);
    let mut line = format!(
        "{}, {}: {}, {}",
        counted(logs.len() as u64, "segment"),
        span("entry", first.0, last.1),
        counted(sum(|log| log.puts), "write"),
        counted(sum(|log| log.deletions), "deletion"),
    );
    match sum(|log| log.ahead.unwrap_or(0)) {
        0 => {}
        ahead => line.push_str(&format!("; {} ahead of the database", counted(ahead, "entry"))),
    }
    let mut lines = vec![line];
    let elsewhere = segments.iter().find_map(|segment| segment.facts.link_target.as_deref().and_then(Path::parent));
    lines.extend(elsewhere.map(|target| format!("behind a link to {}", terminal_path(target))));
    let against = against_all(segments);
    if !against.is_empty() {
        lines.push(against);
    }
    lines.push(
        "turns over: etcd keeps the 5 newest segments and purges older ones after its snapshots; defragmenting does not touch it"
            .to_owned(),
    );
    lines
}

fn snapshot_lines(snapshots: &[&EvidenceReport]) -> Vec<String> {
    let Some(newest) = snapshots.iter().filter_map(|part| part.facts.raft_snapshot()).max_by_key(|snapshot| snapshot.index) else {
        return Vec::new();
    };
    let noun = if snapshots.len() == 1 { "raft snapshot" } else { "raft snapshots, the newest" };
    let mut lines = vec![format!("{} {noun} {}", snapshots.len(), snapshot_sentence(newest))];
    let against = against_all(snapshots);
    if !against.is_empty() {
        lines.push(against);
    }
    lines
}

fn leftover_lines(leftovers: &[&EvidenceReport], directory: &Path) -> Vec<String> {
    let mut lines: Vec<String> = leftovers
        .iter()
        .take(ROWS)
        .map(|part| {
            let facts = &part.facts;
            let what = match (facts.log(), facts.raft_snapshot()) {
                (Some(log), _) => log_sentence(log),
                (_, Some(snapshot)) => snapshot_sentence(snapshot),
                _ => match part.readable.total {
                    Count::ZERO => "a database; no plaintext Secret found in it".to_owned(),
                    total => format!("a database; {} CAN BE READ", with_noun(total).to_uppercase()),
                },
            };
            format!("{}, {}: {what}", relative(&facts.path, directory), counted(facts.content_size.unwrap_or(facts.size), "byte"))
        })
        .collect();
    if let Some(more) = leftovers.len().checked_sub(ROWS).filter(|n| *n > 0) {
        lines.push(format!("and {more} more"));
    }
    lines
}

fn against_all(parts: &[&EvidenceReport]) -> String {
    let mut sums = BTreeMap::<Bearing, u64>::new();
    for (bearing, count) in parts.iter().flat_map(|part| against(&part.anomaly_counts)) {
        let sum = sums.entry(bearing).or_default();
        *sum = sum.saturating_add(count);
    }
    doubts(&sums.into_iter().collect::<Vec<_>>())
}

fn anomalies(parts: &[&EvidenceReport], directory: &Path) -> String {
    let listed: Vec<_> = parts
        .iter()
        .flat_map(|part| part.anomalies.iter().map(move |anomaly| (part, anomaly)))
        .filter(|(_, anomaly)| anomaly.class.bearing() != Bearing::Note)
        .collect();
    if listed.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["file", "offset", "anomaly", ""]);
    for (part, anomaly) in listed.iter().take(ROWS) {
        table.add_row([
            relative(&part.facts.path, directory),
            anomaly.offset.map_or("-".to_owned(), |offset| offset.to_string()),
            anomaly.class.name().to_owned(),
            terminal(&anomaly.detail).into_owned(),
        ]);
    }
    let mut out = format!("\nAnomalies\n{table}\n");
    if let Some(more) = listed.len().checked_sub(ROWS).filter(|n| *n > 0) {
        out.push_str(&format!("  and {more} more: --format jsonl lists them\n"));
    }
    out
}

/// A file's path below the directory.
fn relative(path: &Path, directory: &Path) -> String {
    terminal_path(path.strip_prefix(directory).unwrap_or(path))
}
