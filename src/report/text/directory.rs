//! What a scan says of a data directory: the evidences of one member, as one answer.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::escape::terminal;
use super::super::model::{DirectoryReport, EvidenceReport, Report, not_looked_at};
use super::findings::findings;
use super::keys::beside;
use super::scan::{What, headline, keys, next, nothing_matches, readable_table, resource_table, secrets, types, values};
use super::table::{Table, name};
use super::{against, block, cluster_lines, compared_lines, doubts, file_lines, log_sentence, snapshot_sentence, thousands};
use crate::analysis::{CredentialCounts, Kind, Role};
use crate::evidence::anomaly::{Bearing, Class};

/// Rows of a list before the rest is only counted.
const ROWS: usize = 20;

/// What a scan says of a directory whose evidences were the last of the run.
pub fn directory(directory: &DirectoryReport, report: &Report) -> String {
    let parts = report.evidences.get(directory.first..).unwrap_or_default();
    let whole = &directory.whole;
    let of = |kind: &[Kind], role| parts.iter().filter(move |part| kind.contains(&part.facts.kind) && part.facts.role == role).collect();
    let database: Vec<&EvidenceReport> = of(&[Kind::Database, Kind::Snapshot], Role::Member);
    let unmatched = report.filter.as_deref().filter(|_| parts.iter().all(EvidenceReport::is_out_of_scope));
    let mut out = match unmatched {
        Some(filter) => nothing_matches(whole, filter, What::Directory),
        None => headline(whole, &report.resources, What::Directory),
    };
    match database.as_slice() {
        [] => block(&mut out, "File", &["no member/snap/db that could be read: what exists now is not known".to_owned()]),
        found => {
            for part in found {
                block(&mut out, "File", &file_lines(&part.facts, &against(&part.anomaly_counts)));
            }
        }
    }
    block(&mut out, "Log", &log_lines(&of(&[Kind::Wal], Role::Member), database.first().copied()));
    block(&mut out, "Raft", &snapshot_lines(&of(&[Kind::RaftSnapshot], Role::Member)));
    let leftovers: Vec<&EvidenceReport> = parts.iter().filter(|part| part.facts.role == Role::Leftover).collect();
    block(&mut out, "Left", &leftover_lines(&leftovers, &directory.path));
    if parts.iter().any(|part| part.anomaly_counts.contains_key(&Class::InUse)) {
        block(&mut out, "IN USE", &["this looks live: a process holds a lock on it. It was read as it is, without a lock".to_owned()]);
    }
    block(&mut out, "Cluster", &cluster_lines(&whole.facts));
    block(&mut out, "Compared", &compared_lines(&whole.facts));
    if !whole.facts.has_tree() {
        out.push_str(&values(whole));
    } else if unmatched.is_some() {
        // Rows of zeros would look like an answer.
    } else if report.resources == "secrets" || whole.readable.total > 0 || whole.secrets.total() > 0 {
        out.push_str(&secrets(whole));
    }
    out.push_str(&keys(&whole.keys, whole.secrets.encrypted));
    out.push_str(&types(&whole.readable.types));
    out.push_str(&credentials(parts));
    out.push_str(&beside(parts));
    let not_looked_at: Vec<String> = not_looked_at(parts).into_iter().chain(passed_over(report)).collect();
    out.push_str(&format!("NOT LOOKED AT: {}\n", not_looked_at.join(", ")));
    if let Some(next) = next(whole, &directory.path) {
        out.push_str(&format!("NEXT  {next}\n"));
    }
    out.push_str(&readable_table(whole));
    out.push_str(&resource_table(whole));
    out.push_str(&findings(parts));
    out.push_str(&anomalies(parts, &directory.path));
    out
}

fn log_lines(segments: &[&EvidenceReport], database: Option<&EvidenceReport>) -> Vec<String> {
    let logs: Vec<_> = segments.iter().filter_map(|segment| segment.facts.log()).collect();
    let (Some(first), Some(last)) = (logs.iter().find_map(|log| log.indices), logs.iter().rev().find_map(|log| log.indices)) else {
        return if logs.is_empty() { Vec::new() } else { vec![format!("{} segments, no entries", logs.len())] };
    };
    let sum = |count: fn(&crate::analysis::LogFacts) -> u64| logs.iter().map(|log| count(log)).fold(0, u64::saturating_add);
    let noun = if logs.len() == 1 { "segment" } else { "segments" };
    let mut line = format!(
        "{} {noun}, entries {} to {}: {} writes, {} deletions",
        logs.len(),
        first.0,
        last.1,
        thousands(sum(|log| log.puts)),
        thousands(sum(|log| log.deletions)),
    );
    let applied = database.and_then(|database| database.facts.database()?.schema.consistent_index);
    match applied.map(|applied| last.1.saturating_sub(applied)) {
        Some(ahead) if ahead > 0 => line.push_str(&format!("; {} entries ahead of the database", thousands(ahead))),
        _ => {}
    }
    let mut lines = vec![line];
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
                    0 => "a database; no plaintext Secret found in it".to_owned(),
                    total => format!("a database; {} SECRETS CAN BE READ", thousands(total)),
                },
            };
            format!("{}, {} bytes: {what}", relative(&facts.path, directory), thousands(facts.size))
        })
        .collect();
    if let Some(more) = leftovers.len().checked_sub(ROWS).filter(|n| *n > 0) {
        lines.push(format!("and {more} more"));
    }
    lines
}

/// Users of etcd whose credentials stand in the log. They are counted and named.
pub(super) fn credentials<'a>(parts: impl IntoIterator<Item = &'a EvidenceReport>) -> String {
    let mut users: BTreeMap<&str, CredentialCounts> = BTreeMap::new();
    let mut hashes = 0u64;
    for facts in parts.into_iter().map(|part| &part.facts) {
        hashes = hashes.saturating_add(facts.database().map_or(0, |database| database.schema.password_hashes));
        for (user, counts) in facts.log().into_iter().flat_map(|log| &log.credentials) {
            users.entry(user).or_default().add(*counts);
        }
    }
    let named =
        |of: fn(&CredentialCounts) -> u64| users.iter().filter(|(_, counts)| of(counts) > 0).map(|(user, _)| *user).collect::<Vec<_>>();
    let mut out = String::new();
    for (names, what) in [
        (named(|counts| counts.passwords), "PASSWORDS IN CLEAR of etcd users in the log"),
        (named(|counts| counts.tokens), "login tokens of etcd users in the log"),
        (named(|counts| counts.hashes), "password hashes of etcd users in the log"),
    ] {
        if !names.is_empty() {
            let shown: Vec<_> = names.iter().take(ROWS).map(|user| name(user)).collect();
            let more = if names.len() > ROWS { ", …" } else { "" };
            out.push_str(&format!("{what}: {} ({}{more})\n", names.len(), shown.join(", ")));
        }
    }
    if hashes > 0 {
        out.push_str(&format!("password hashes of etcd users in the database: {hashes}\n"));
    }
    out
}

fn passed_over(report: &Report) -> impl Iterator<Item = String> + '_ {
    report.passed_over.iter().map(|passed| terminal(passed).into_owned())
}

fn against_all(parts: &[&EvidenceReport]) -> String {
    let mut sums = BTreeMap::<Bearing, u64>::new();
    for (bearing, count) in parts.iter().flat_map(|part| against(&part.anomaly_counts)) {
        let sum = sums.entry(bearing).or_default();
        *sum = sum.saturating_add(count);
    }
    doubts(&sums.into_iter().collect::<Vec<_>>())
}

fn anomalies(parts: &[EvidenceReport], directory: &Path) -> String {
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
    terminal(&path.strip_prefix(directory).unwrap_or(path).to_string_lossy()).into_owned()
}
