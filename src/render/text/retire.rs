//! What `keys --retire` says: whether a key is still needed.

use super::super::escape::terminal;
use super::evidence_label::{evidence_label, file_name, files};
use super::key_counts::{CountColumns, cell};
use super::key_label::whole;
use super::layout::Tone;
use super::number::{with_adjective, with_noun};
use super::table::Table;
use super::unread::{self, warning};
use super::{next_steps, thousands};
use crate::collect::KeyCounts;
use crate::evidence::count::{Count, Secrets, Values};
use crate::evidence::words::{path_word, verb};
use crate::report::retirement::{Need, Retirement, RetirementVerdict};
use crate::report::{Report, not_looked_at};

/// Names of the key before the rest is left out.
const NAMES: usize = 40;

/// Whether a key is still needed.
pub(super) fn retire(retirement: &Retirement, report: &Report) -> String {
    let maybe: Count<Values> = retirement.needs.iter().map(|need| need.unknown.current).sum();
    let mut out = retire_headline(retirement, report) + &warning(report.unread.iter());
    out.push_str(&format!("  {}\n", terminal(&retirement.key)));
    for named in retirement.named.iter().filter(|named| named.to_string() != retirement.key).take(NAMES) {
        out.push_str(&format!("  that is {}\n", whole(named)));
    }
    if maybe > 0 {
        out.push_str(&format!("  {} more may need it: KMS v1 does not say which key wrapped them.\n", thousands(maybe)));
    }
    // The first doubt is that of KMS v1, and was just said.
    for doubt in retirement.doubts.iter().skip(usize::from(maybe > 0)) {
        out.push_str(&format!("  {}.\n", terminal(doubt)));
    }
    out.push_str("  Offline: key names are what the plugin or configuration wrote; nothing was opened.\n");
    let has_unknown = retirement.needs.iter().any(|need| need.unknown.total() > 0);
    out.push_str(&needs_table(retirement, report, has_unknown));
    let what = named_by(retirement, report);
    for need in retirement.needs.iter().filter(|need| need.named.current > 0) {
        let Some(evidence) = report.evidence(need.evidence) else { continue };
        out.push_str(&format!(
            "If it is deleted: {} restored: {} unreadable, which can fail every LIST that includes {}.\n",
            terminal(&file_name(evidence)),
            what.all(need.named.current),
            verb(need.named.current, "it", "one of them")
        ));
    }
    let newest = report.evidences.iter().filter_map(|evidence| evidence.facts.database()?.revision).max();
    let after = newest.map_or("writes after these files were taken".to_owned(), |revision| format!("writes after revision {revision}"));
    out.push_str(&next(retirement, report, has_unknown));
    let beyond = ["other clusters", "other uses of the key", after.as_str()].map(str::to_owned);
    let general = not_looked_at(&report.evidences).into_iter().chain(beyond).collect();
    out.push_str(&unread::not_looked_at(general, report.unread.iter()));
    out
}

/// Whether a key is still needed, in one sentence.
pub(super) fn retirement_in_words(retirement: &Retirement, report: &Report) -> String {
    let (key, read) = (terminal(&retirement.key), files(report.evidences.len()));
    match retirement.verdict() {
        RetirementVerdict::StillNeeded(current) => {
            let needing = retirement.needs.iter().filter(|need| need.named.current > 0).count();
            let what = named_by(retirement, report);
            format!("{key} is still needed by {} in {} of {read}", what.current(current), thousands(needing as u64))
        }
        RetirementVerdict::HistoryOnly(all) => {
            format!("{key} is named by {} in {read}, none of them current: history, residue or logs", with_noun(all))
        }
        RetirementVerdict::NothingNamesIt => format!("{key} is named by no value in {read}"),
        RetirementVerdict::CannotSay => format!("{key}: whether anything in {read} needs it cannot be said"),
    }
}

/// Whether a key is still needed, in the first line.
fn retire_headline(retirement: &Retirement, report: &Report) -> String {
    let (tone, said) = match retirement.verdict() {
        RetirementVerdict::StillNeeded(current) => {
            let values = named_by(retirement, report).current(current);
            let name = verb(current, "names", "name");
            (Tone::Bad, format!("DO NOT DELETE: {values} in {} {name} this key.\n", files_with_current(retirement, report)))
        }
        RetirementVerdict::HistoryOnly(all) => {
            (Tone::Said, format!("ONLY HISTORY, RESIDUE OR LOGS NAME THIS KEY: {}, none of them current.\n", with_noun(all)))
        }
        RetirementVerdict::NothingNamesIt => {
            (Tone::Said, format!("NO VALUE IN {} NAMES THIS KEY.\n", files(report.evidences.len()).to_uppercase()))
        }
        RetirementVerdict::CannotSay => (Tone::Open, "CANNOT SAY whether anything needs this key.\n".to_owned()),
    };
    tone.paint(&said)
}

/// What needs the key, file by file.
fn needs_table(retirement: &Retirement, report: &Report, has_unknown: bool) -> String {
    let columns = CountColumns::of(retirement.needs.iter().flat_map(|need| [need.named, need.unknown]));
    let mut titles = columns.titles(&["file"], &["residue/log"]);
    if has_unknown {
        titles.push("KMS v1, key unknown: current");
        titles.extend(columns.titles(&[], &["residue/log"]).into_iter().skip(1));
    }
    let mut rows = Table::new(&titles);
    let cells = |counts: KeyCounts| columns.of_tree(counts).chain([cell(counts.residue.plus(counts.log))]);
    for need in &retirement.needs {
        let Some(evidence) = report.evidence(need.evidence) else { continue };
        let mut row = vec![evidence_label(evidence)];
        row.extend(cells(need.named));
        if has_unknown {
            row.extend(cells(need.unknown));
        }
        rows.add_row(row);
    }
    format!("{rows}\n")
}

/// What to do next: what keeps things as they are first, then what stops the harm, last what tidies up. Nothing is to be deleted
/// while anything needs the key, or while that is not known.
fn next(retirement: &Retirement, report: &Report, has_unknown: bool) -> String {
    let of_needs = |needs: fn(&Need) -> bool| {
        let needing = retirement.needs.iter().filter(|need| needs(need));
        let files = needing.filter_map(|need| report.evidence(need.evidence));
        let files: Vec<String> = files.map(|evidence| path_word(&evidence.facts.path)).collect();
        if files.is_empty() { "FILES".to_owned() } else { files.join(" ") }
    };
    let mut steps = Vec::new();
    match retirement.verdict() {
        RetirementVerdict::StillNeeded(_) => {
            let files = of_needs(|need| need.named.current > 0);
            let is_one = retirement.needs.iter().filter(|need| need.named.current > 0).count() == 1;
            let (it, its) = if is_one {
                ("it by a new snapshot", "its restore point is")
            } else {
                ("them by new snapshots", "their restore points are")
            };
            steps.push(format!("preserve: keep the key as long as {files} may be restored"));
            steps.push("contain: put another key in front, rewrite what is under this one, take a new snapshot and ask again".to_owned());
            steps.push(format!("clean up: once nothing holds {files}, replace {it}; {its} lost"));
        }
        RetirementVerdict::CannotSay => {
            steps.push("preserve: keep the key, enabled or at least restorable, until the answer is known".to_owned());
        }
        RetirementVerdict::HistoryOnly(_) => {
            steps.push("preserve: keep the key as long as an older revision or the log of these files may be wanted back".to_owned());
            steps.push(contain(retirement));
        }
        RetirementVerdict::NothingNamesIt => {
            steps.push("preserve: ask the same of every other member, backup and cluster".to_owned());
            steps.push(contain(retirement));
        }
    }
    if has_unknown {
        let files = of_needs(|need| need.unknown.total() > 0);
        steps.push(format!("etcd-sleuth verify {files} --aws-kms --plan says what it takes to settle the values of KMS v1"));
    }
    next_steps(&steps)
}

/// What takes a key out of use and can be undone.
fn contain(retirement: &Retirement) -> String {
    match retirement.is_kms {
        true => "contain: disable the key, which can be undone, and watch for calls to it".to_owned(),
        false => "contain: take the key out of a copy of the configuration first, and watch for errors".to_owned(),
    }
}

/// What the current values that name a key are: of a Secret, one is current.
#[derive(Clone, Copy)]
enum NamedBy {
    Secrets,
    Values,
}

impl NamedBy {
    fn all(self, values: Count<Values>) -> String {
        match self {
            Self::Secrets => with_noun(values.one_each::<Secrets>()),
            Self::Values => with_noun(values),
        }
    }

    fn current(self, values: Count<Values>) -> String {
        match self {
            Self::Secrets => with_adjective(values.one_each::<Secrets>(), "current"),
            Self::Values => with_adjective(values, "current"),
        }
    }
}

fn named_by(retirement: &Retirement, report: &Report) -> NamedBy {
    let resources: Vec<_> = retirement
        .needs
        .iter()
        .filter(|need| need.named.current > 0)
        .filter_map(|need| report.evidence(need.evidence))
        .flat_map(|evidence| &evidence.keys)
        .filter(|key| retirement.named.contains(&key.identity))
        .flat_map(|key| &key.group_resources)
        .collect();
    // What stands under no object's key has no resource.
    if !resources.is_empty() && resources.iter().all(|resource| *resource == "secrets") { NamedBy::Secrets } else { NamedBy::Values }
}

fn files_with_current(retirement: &Retirement, report: &Report) -> String {
    let files: Vec<String> = retirement
        .needs
        .iter()
        .filter(|need| need.named.current > 0)
        .filter_map(|need| report.evidence(need.evidence).map(file_name))
        .collect();
    terminal(&files.join(", ")).into_owned()
}
