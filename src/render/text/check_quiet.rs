//! What `check -q` says: a line for each file that was given, in the order given, whether it could be read or not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::super::escape::{terminal, terminal_path};
use super::layout::Tone;
use super::verdict::{tone, verdict};
use crate::evidence::MemberId;
use crate::finding::{Condition, Outcome};
use crate::report::{EvidenceReport, Report, Unread};

/// Each line says what its file by itself means for the exit code.
pub(super) fn lines(report: &Report) -> String {
    let mut unread: BTreeMap<&Path, Vec<&Unread>> = BTreeMap::new();
    report.unread.iter().for_each(|one| unread.entry(&one.path).or_default().push(one));
    let mut lines: Vec<(Option<MemberId>, String)> = Vec::new();
    let mut read = BTreeSet::new();
    for member in &report.members {
        read.insert(member.id);
        for part in report.parts(member) {
            let of_part = unread.remove(part.facts.path.as_path()).unwrap_or_default();
            lines.push((Some(member.id), of_evidence(part, &of_part)));
        }
    }
    let beside = report.unread.iter().filter(|one| unread.contains_key(one.path.as_path()));
    lines.extend(beside.map(|one| (one.member, of_unread(one, !one.member.is_some_and(|member| read.contains(&member))))));
    // What stands beside a member's evidences comes behind them.
    lines.sort_by_key(|(member, _)| (member.is_none(), *member));
    lines.into_iter().map(|(_, line)| line).collect()
}

/// A file that was read, perhaps but for a part of it.
fn of_evidence(evidence: &EvidenceReport, unread: &[&Unread]) -> String {
    let mut outcome = Outcome::default();
    evidence.judgement.add_integrity_to(&mut outcome);
    let mut said = verdict(evidence);
    for unread in unread {
        outcome.open(Condition::NotRead);
        said.push_str(&format!("; {}: {}", what_became(unread), terminal(&unread.reason.to_string())));
    }
    tone(evidence).paint(&format!("{}: {said} (exit {})\n", terminal_path(&evidence.facts.path), outcome.exit_code()))
}

/// What was not read; `is_all`: nothing else of the input was.
fn of_unread(unread: &Unread, is_all: bool) -> String {
    let mut outcome = Outcome::default();
    outcome.open(if unread.reason.is_failure() { Condition::InputFailed } else { Condition::NotRead });
    if is_all && !unread.reason.is_no_fault() {
        outcome.open(Condition::NothingAnalysed);
    }
    let (path, what, code) = (terminal_path(&unread.path), what_became(unread), outcome.exit_code());
    Tone::of_exit(code).paint(&format!("{path}: {what}: {} (exit {code})\n", terminal(&unread.reason.to_string())))
}

fn what_became(unread: &Unread) -> &'static str {
    if unread.reason.is_missing() { "not there" } else { "not read" }
}
