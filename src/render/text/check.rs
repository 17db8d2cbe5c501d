//! What `check` says: is this backup whole, was it altered?

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::super::escape::{terminal, terminal_path};
use super::check_quiet::lines;
use super::layout::{Screen, Tone};
use super::marks::FIGURES;
use super::number::counted;
use super::table::{self, Table};
use super::unread::{self, ending, subject};
use super::verdict::{tone, verdict, worst_word};
use super::{against, block, cluster_lines, compared_lines, file_lines, thousands};
use crate::evidence::limit;
use crate::evidence::words::verb;
use crate::finding::{Condition, Outcome};
use crate::report::{EvidenceReport, Render, Report, not_looked_at};
use crate::store::{DatabaseFacts, Facts, KeyTree, Schema};

/// Rows of a table before the rest is only counted.
const ROWS: usize = 50;
/// Files that are named in one line.
const NAMED: usize = 3;

/// What `check` says: for each evidence its verdict, and what stands behind it.
pub struct CheckText<'o> {
    out: Screen<'o>,
    is_quiet: bool,
    has_said: bool,
}

impl<'o> CheckText<'o> {
    /// `is_quiet`: only one line for each file, read or not.
    pub fn new(out: Screen<'o>, is_quiet: bool) -> Self {
        Self { out, is_quiet, has_said: false }
    }
}

impl Render for CheckText<'_> {
    fn evidence_end(&mut self, evidence: &EvidenceReport) -> io::Result<()> {
        if self.is_quiet {
            return Ok(());
        }
        if std::mem::replace(&mut self.has_said, true) {
            self.out.write_all(b"\n")?;
        }
        let verdict = format!("{}: {}\n", terminal_path(&evidence.facts.path), verdict(evidence));
        self.out.write_all(tone(evidence).paint(&verdict).as_bytes())?;
        self.out.write_all(check(evidence).as_bytes())
    }

    fn end(&mut self, report: &Report, outcome: &Outcome) -> io::Result<()> {
        if self.is_quiet {
            return self.out.write_all(lines(report).as_bytes());
        }
        self.out.write_all(unread::warning(report.unread.iter()).as_bytes())?;
        let general = not_looked_at(&report.evidences).into_iter().chain(["what the values say".to_owned()]).collect();
        self.out.write_all(unread::not_looked_at(general, report.unread.iter()).as_bytes())?;
        self.out.write_all(Tone::of_exit(outcome.exit_code()).paint(&check_status(report, outcome)).as_bytes())
    }
}

/// What is said of one evidence behind its verdict.
fn check(evidence: &EvidenceReport) -> String {
    let facts = &evidence.facts;
    let mut out = String::new();
    block(&mut out, "File", &file_lines(facts, &against(&evidence.anomaly_counts)));
    block(&mut out, "sha256", &digest_lines(facts));
    let Some(database) = facts.database() else {
        out.push_str(&anomalies(evidence));
        return out;
    };
    block(
        &mut out,
        "Meta",
        &[match (database.active_meta, database.txid) {
            (Some(slot), Some(txid)) => {
                format!("meta {slot} is active, transaction {txid}: {}; page size {}", database.active_because, database.page_size)
            }
            _ => format!("none is valid: {}; page size {}, by the pages themselves", database.active_because, database.page_size),
        }],
    );
    let Some(high_water_mark) = database.high_water_mark else {
        let what = "not known without a tree; scan lists what stands on the pages, newest revisions last";
        block(&mut out, "etcd", &[what.to_owned()]);
        out.push_str(&anomalies(evidence));
        return out;
    };
    block(&mut out, "Cluster", &cluster_lines(facts));
    block(&mut out, "Compared", &compared_lines(evidence));
    let schema = &database.schema;
    let compaction = match (schema.scheduled_compact_revision, schema.finished_compact_revision) {
        (None, None) if !schema.is_whole => "compacted or not: not known".to_owned(),
        (None, None) => "never compacted".to_owned(),
        (None, Some(finished)) => format!("compacted at {finished}"),
        (Some(scheduled), Some(finished)) if scheduled == finished => format!("compacted at {finished}"),
        (Some(scheduled), finished) => format!("compaction to {scheduled} in progress, finished to {}", finished.unwrap_or(0)),
    };
    block(&mut out, "etcd", &[format!("{}; {compaction}", keys_and_revisions(database)), raft_line(&database.schema)]);
    let size = high_water_mark.saturating_mul(database.page_size);
    block(&mut out, "etcdutl", &[etcdutl_line(evidence, database, size)]);
    if database.keys_as_etcdutl_counts != database.keys_current {
        block(
            &mut out,
            "",
            &["(one of the keys that 3.6 counts is the marker of a restore with --bump-revision, which has no name and no value)"
                .to_owned()],
        );
    }
    out.push_str(&anomalies(evidence));
    out
}

/// The digests whole, for who keeps the text.
fn digest_lines(facts: &Facts) -> Vec<String> {
    let of_file = facts.sha256.map(|digest| digest.to_string());
    let of_content = facts.content_sha256.map(|digest| format!("{digest} unpacked"));
    of_file.into_iter().chain(of_content).collect()
}

/// What etcd's own buckets say beside the keys. Of a part that could not be read, nothing is said to be absent.
fn raft_line(schema: &Schema) -> String {
    let absent = |word: &'static str| if schema.is_whole { word } else { "not known" };
    let number = |number: Option<u64>| number.map_or(absent("not stored").to_owned(), |number| number.to_string());
    let named = |names: &[String]| match (names, schema.is_whole) {
        ([], _) => absent("none").to_owned(),
        (names, true) => list(names),
        (names, false) => format!("{}, perhaps more", list(names)),
    };
    let alarms: Vec<String> = schema.alarms.iter().map(|alarm| format!("{} on {}", alarm.kind, alarm.member)).collect();
    let leases = if schema.is_whole { schema.leases.len().to_string() } else { "not known".to_owned() };
    format!(
        "raft index {}, term {}; leases: {leases}; {}; users: {}; alarms: {}",
        number(schema.consistent_index),
        number(schema.term),
        match schema.auth_enabled {
            Some(true) => "auth on",
            None if !schema.is_whole => "auth: not known",
            Some(false) | None => "auth off",
        },
        named(&schema.users),
        named(&alarms),
    )
}

/// What `etcdutl snapshot status` prints of it.
fn etcdutl_line(evidence: &EvidenceReport, database: &DatabaseFacts, size: u64) -> String {
    match evidence.status.filter(|_| evidence.facts.is_complete) {
        Some(status) => format!(
            "snapshot status prints: hash {:x}, revision {}, total keys {} (etcdutl of 3.6 and later) or {} (etcdctl and etcdutl up to \
             3.5), total size {size} bytes{}",
            status.hash,
            database.revision.unwrap_or(0),
            database.keys_as_etcdutl_counts,
            status.entries,
            database.schema.storage_version.as_ref().map(|v| format!(", version {}", terminal(v))).unwrap_or_default(),
        ),
        None => "what snapshot status prints of a file of which not all could be read, if anything, is not to be compared".to_owned(),
    }
}

fn keys_and_revisions(database: &DatabaseFacts) -> String {
    let lost = match database.key_tree {
        KeyTree::Lost => return "which keys exist is not known: the tree that says so is lost".to_owned(),
        KeyTree::Partial => " in what can be read of the tree",
        KeyTree::Whole => "",
    };
    let behind = match (database.lacks_entries, database.is_behind_log) {
        (true, _) => ", before entries of its log that are not there,",
        (false, true) => ", before what its log writes or deletes behind it,",
        (false, false) => "",
    };
    format!(
        "{} {}{lost}{behind} in {}, {} of them {}",
        counted(database.keys_current, "key"),
        verb(database.keys_current, "exists", "exist"),
        counted(database.revisions, "retained revision"),
        thousands(database.tombstones),
        verb(database.tombstones, "a tombstone", "tombstones")
    )
}

/// What came of a check, in one line.
pub fn check_status(report: &Report, outcome: &Outcome) -> String {
    let said = match report.evidences.as_slice() {
        [] => format!("{}, none could be read", subject(report)),
        [only] => format!("{}: {}", terminal_path(&only.facts.path), verdict(only)),
        several => {
            let mut files = BTreeMap::<&str, Vec<&EvidenceReport>>::new();
            several.iter().for_each(|file| files.entry(worst_word(file)).or_default().push(file));
            let counts: Vec<String> = files.into_iter().map(|(word, files)| format!("{} {word}{}", files.len(), named(&files))).collect();
            format!("{}: {}", counted(several.len() as u64, "file"), counts.join(", "))
        }
    };
    let said_by_verdict = [Condition::Altered, Condition::Damaged, Condition::Incomplete, Condition::ValueUndecoded, Condition::Divergent];
    format!("{said}{}", ending(report, outcome, &said_by_verdict))
}

/// Names of files that something is said against, where there are few.
fn named(files: &[&EvidenceReport]) -> String {
    let is_accused = files.iter().any(|file| !matches!(tone(file), Tone::Said));
    match files.len() {
        1..=NAMED if is_accused => {
            let paths: Vec<String> = files.iter().map(|file| terminal_path(&file.facts.path)).collect();
            format!(" ({})", paths.join(", "))
        }
        _ => String::new(),
    }
}

/// Every limit of the tool.
///
/// # Errors
/// The output cannot be written.
pub fn limits(mut out: Screen<'_>) -> io::Result<()> {
    let mut table = Table::new(&["limit", &format!("{FIGURES}at most"), "past it"]);
    for limit in limit::ALL {
        table.add_row([limit.what.to_owned(), limit.value.map_or("none".to_owned(), thousands), limit.past_it.to_owned()]);
    }
    writeln!(out, "{table}")?;
    out.flush()
}

fn anomalies(evidence: &EvidenceReport) -> String {
    if evidence.anomalies.is_empty() {
        return String::new();
    }
    let table = table::anomalies(evidence.anomalies.iter().take(ROWS));
    let mut out = format!("\n{table}\n");
    if let Some(more) = evidence.anomalies.len().checked_sub(ROWS).filter(|n| *n > 0) {
        out.push_str(&format!("  and {more} more: scan --format jsonl lists them\n"));
    }
    out
}

fn list(items: &[String]) -> String {
    items.iter().map(|item| terminal(item).into_owned()).collect::<Vec<_>>().join(", ")
}
