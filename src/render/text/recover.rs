//! What `recover` says of what it brought back.

use super::super::escape::{terminal, terminal_path};
use super::number::{counted, with_adjective, with_noun};
use super::unread;
use super::verdict::verdict;
use super::{conditions, thousands};
use crate::evidence::words::verb;
use crate::finding::Outcome;
use crate::recovery::{Doubt, Standing};
use crate::report::{Recovered, Report, not_looked_at};

/// What is said of a recovery. `database`: the path of the new database; `has_records`: records were written to a file beside it.
pub fn recovered(report: &Report, outcome: &Outcome, database: Option<&str>, has_records: bool, is_quiet: bool) -> String {
    let (Some(evidence), Some(found)) = (report.evidences.first(), &report.recovered) else { return String::new() };
    let scope = match &report.filter {
        Some(filter) if found.counts.is_empty() => format!(" (nothing matches: {})", terminal(filter)),
        Some(filter) => format!(" in scope ({})", terminal(filter)),
        None => String::new(),
    };
    let mut out = String::new();
    if !is_quiet {
        out.push_str(&format!("{}: {}\n", terminal_path(&evidence.facts.path), verdict(evidence)));
        out.push_str(&summary(found, &scope));
        if let Some(path) = database {
            out.push_str(&of_database(&terminal(path), found, has_records));
        }
    }
    let general = if is_quiet { Vec::new() } else { not_looked_at([evidence]) };
    out.push_str(&unread::not_looked_at(general, report.unread.iter()));
    let keys = with_noun(found.counts.total());
    let path = terminal_path(&evidence.facts.path);
    let conditions = conditions(outcome.conditions());
    out.push_str(&format!("{path}: {keys} recovered{scope}{conditions} (exit {})\n", outcome.exit_code()));
    out
}

/// What is said of the recovered keys.
fn summary(found: &Recovered, scope: &str) -> String {
    let counts = &found.counts;
    let mut out = format!("recovered {}{scope}\n", with_noun(counts.total()));
    for (standing, count) in &counts.recovered {
        out.push_str(&format!("  {} {}\n", thousands(*count), in_words(*standing)));
    }
    let left = [
        (counts.deleted, with_adjective(counts.deleted, "deleted"), "(where the value still stands somewhere: --include-residue)"),
        (counts.residue, with_noun(counts.residue), "only in residue (--include-residue)"),
        (counts.pieces, with_noun(counts.pieces), "by their newest write, which is there only in pieces (an older one: --include-residue)"),
    ];
    for (_, keys, what) in left.into_iter().filter(|(count, ..)| *count > 0) {
        out.push_str(&format!("left out: {keys} {what}\n"));
    }
    out
}

fn in_words(standing: Standing) -> String {
    match standing {
        Standing::Current => "as the tree has them".to_owned(),
        Standing::Newest(doubt) => {
            let (place, why) = match doubt {
                Doubt::NotApplied => ("as the tree has them", "the log beside it writes or deletes them later, or may"),
                Doubt::Lost => ("by their newest write in what can be read of the tree", "a part of it is lost"),
                Doubt::NotAsWritten => ("as the tree has them", "the file does not match its trailer"),
                Doubt::CompactedAhead => ("as the tree has them", "the database was compacted at a revision that its tree does not reach"),
                Doubt::NewerOutside => ("as the tree has them", "writes that are newer stand outside of it"),
            };
            format!("{place}; {why}, so whether they are the last that the cluster had, or exist, is not known")
        }
        Standing::Deleted => "that were deleted".to_owned(),
        Standing::Residue => "that only residue has whole: whether they were deleted is not known".to_owned(),
    }
}

/// What is said of the new database.
fn of_database(path: &str, found: &Recovered, has_records: bool) -> String {
    let Some(rebuilt) = &found.rebuilt else { return String::new() };
    let mut out = format!(
        "wrote {path}: {} at revision {}, as a snapshot that etcdutl snapshot restore takes\n",
        counted(rebuilt.writes, "key"),
        found.counts.revision
    );
    if rebuilt.collisions > 0 {
        out.push_str(&format!(
            "  left out: {} that {} the revision of another\n",
            counted(rebuilt.collisions, "key"),
            verb(rebuilt.collisions, "claims", "claim")
        ));
    }
    if found.counts.total() != found.counts.of_standing(Standing::Current) {
        let records = if has_records { "the records" } else { "-o FILE" };
        out.push_str(&format!("  it cannot tell which of its keys may not exist: {records} can\n"));
    }
    if !rebuilt.lost.is_empty() {
        out.push_str(&format!("  the file has lost, at least in part: {}\n", rebuilt.lost.join(", ")));
    }
    if rebuilt.lost.iter().any(|bucket| bucket.starts_with("auth")) {
        out.push_str("  CHECK: etcd starts on it without authentication unless what is left says otherwise\n");
    }
    out
}
