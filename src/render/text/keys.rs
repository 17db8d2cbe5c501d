//! What `keys` says: every key that is named, what still needs one, what one opens.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::super::escape::terminal;
use super::headline::within;
use super::key_counts::{CountColumns, cell};
use super::key_label::{distinct_labels, whole};
use super::layout::{Screen, Tone};
use super::number::{counted, with_adjective, with_noun};
use super::table::Table;
use super::unread::{self, ending, subject, warning};
use super::{next_steps, thousands};
use crate::collect::KeyCounts;
use crate::evidence::count::{Count, Secrets, Values};
use crate::evidence::words::verb;
use crate::finding::{Condition, Outcome};
use crate::kubernetes::KeyMaterial;
use crate::report::retirement::{Need, Retirement, RetirementVerdict};
use crate::report::{EvidenceReport, Opens, Render, RenderPages, Report, not_looked_at};
use crate::row::Retention;
use crate::verify::Target;

/// Rows of a table before the rest is only counted.
const ROWS: usize = 40;

/// What `keys` says, and then one line.
pub struct KeysText<'o> {
    out: Screen<'o>,
    is_quiet: bool,
}

impl<'o> KeysText<'o> {
    /// `is_quiet`: only the last line.
    pub fn new(out: Screen<'o>, is_quiet: bool) -> Self {
        Self { out, is_quiet }
    }
}

impl Render for KeysText<'_> {
    fn end(&mut self, report: &Report, outcome: &Outcome) -> io::Result<()> {
        if !self.is_quiet {
            let said = match (&report.retirement, &report.opens) {
                (Some(retirement), _) => retire(retirement, report),
                (None, Some(found)) => opens(found, report),
                (None, None) => keys(report),
            };
            self.out.write_all(said.as_bytes())?;
        }
        self.out.write_all(Tone::of_exit(outcome.exit_code()).paint(&keys_status(report, outcome)).as_bytes())
    }
}

impl RenderPages for KeysText<'_> {}

/// The last line, and the only one of a quiet run.
pub fn keys_status(report: &Report, outcome: &Outcome) -> String {
    let said = match &report.retirement {
        _ if report.evidences.is_empty() => format!("{}, none could be read", subject(report)),
        Some(retirement) => retirement_in_words(retirement, report),
        None => match &report.opens {
            Some(found) => format!("whoever has {} {}", terminal(&found.target.text), opens_in_words(found, report)),
            None => format!("{}: {} named", subject(report), counted(report.keys().len() as u64, "key")),
        },
    };
    format!("{said}{}{}", within(report), ending(report, outcome, &[Condition::KeyStillNeeded, Condition::KeyNotKnown]))
}

/// Whether a key is still needed, in one sentence.
fn retirement_in_words(retirement: &Retirement, report: &Report) -> String {
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

fn files(count: usize) -> String {
    counted(count as u64, "file")
}

/// `s5.db rev 520, snapshot`
pub(super) fn evidence_label(evidence: &EvidenceReport) -> String {
    let revision = evidence.facts.database().and_then(|database| database.revision).map_or(String::new(), |r| format!(" rev {r}"));
    format!("{}{revision}, {}", terminal(&file_name(evidence)), evidence.facts.kind.name())
}

/// Objects of one kind before the rest is only counted.
const BESIDE: usize = 3;

/// Keys beside the data, a warning.
pub(super) fn beside<'a>(evidences: impl IntoIterator<Item = &'a EvidenceReport>, has_filter: bool) -> String {
    let mut objects: BTreeMap<KeyMaterial, BTreeMap<&str, Retention>> = BTreeMap::new();
    for (material, key, retention) in evidences.into_iter().flat_map(|evidence| &evidence.key_material) {
        let known = objects.entry(*material).or_default().entry(key).or_insert(*retention);
        *known = (*known).min(*retention);
    }
    let mut out = String::new();
    for (material, keys) in &objects {
        let shown: Vec<String> = keys
            .iter()
            .take(BESIDE)
            .map(|(key, retention)| match retention {
                Retention::Current => terminal(key).into_owned(),
                other => format!("{} ({})", terminal(key), other.name()),
            })
            .collect();
        let more = keys.len().checked_sub(BESIDE).filter(|more| *more > 0).map_or(String::new(), |more| format!(" and {more} more"));
        // Whoever holds the file holds them, whatever was asked for.
        let scope = if has_filter { ", in scope or not" } else { "" };
        out.push_str(&format!("KEYS BESIDE THE DATA{scope}, in plaintext: {}: {}{more}\n", material.name(), shown.join(", ")));
    }
    out
}

/// Every key.
fn keys(report: &Report) -> String {
    let keys = report.keys();
    let current: Count<Values> = keys.iter().map(|key| key.counts.current).sum();
    let perhaps: Count<Values> = keys.iter().map(|key| key.perhaps_current).sum();
    let files = files(report.evidences.len()).to_uppercase();
    let need = || {
        let values = with_noun(current);
        format!("{values} that {} current {} one", verb(current, "is", "are"), verb(current, "needs", "need"))
    };
    let needed = match report.has_tree() {
        true if perhaps > 0 => format!("{}, and {} that may be", need(), thousands(perhaps)),
        true => need(),
        false => "which values are current is not known".to_owned(),
    };
    let mut out = match keys.len() as u64 {
        _ if report.evidences.is_empty() => "NOTHING COULD BE READ\n".to_owned(),
        0 => format!("NO KEY IS NAMED IN {files}\n"),
        named => format!("{} NAMED IN {files}; {needed}\n", counted(named, "key").to_uppercase()),
    };
    out.push_str(&warning(report.unread.iter()));
    if let Some(filter) = &report.filter {
        out.push_str(&format!("  In scope: {}; values outside of it are not counted.\n", terminal(filter)));
    }
    out.push_str(&beside(&report.evidences, report.filter.is_some()));
    let end = unread::not_looked_at(not_looked_at(&report.evidences), report.unread.iter());
    if keys.is_empty() {
        return out + &end;
    }
    let columns = CountColumns::of(keys.iter().map(|key| key.counts));
    let mut rows = Table::new(&columns.titles(&["key", "file"], &["residue", "log", "resources"]));
    let lines = report.evidences.iter().map(|evidence| evidence.keys.len()).fold(0, usize::saturating_add);
    let labels = distinct_labels(keys.iter().map(|key| &key.identity));
    // Every key has a line, so that no more keys than lines are looked for.
    let mut shown = 0usize;
    for (key, label) in keys.iter().zip(labels).take(ROWS) {
        for evidence in &report.evidences {
            let Some(used) = evidence.keys.iter().find(|used| used.identity == key.identity).filter(|_| shown < ROWS) else { continue };
            shown = shown.saturating_add(1);
            let resources: Vec<_> = used.group_resources.iter().take(4).map(|resource| terminal(resource)).collect();
            let whose = [label.clone(), terminal(&file_name(evidence)).into_owned()];
            let others = [cell(used.counts.residue), cell(used.counts.log), resources.join(", ")];
            rows.add_row(whose.into_iter().chain(columns.of_tree(used.counts)).chain(others));
        }
    }
    out.push_str(&format!("{rows}\n"));
    if let Some(more) = lines.checked_sub(ROWS).filter(|more| *more > 0) {
        let has = verb(more as u64, "line: --format csv has it", "lines: --format csv has all of them");
        out.push_str(&format!("  and {} more {has}\n", thousands(more as u64)));
    }
    out.push_str("  Offline: key names are what the plugin or configuration wrote; nothing was opened.\n");
    out.push_str(&next_steps(&["etcd-sleuth keys FILES --retire KEY".to_owned(), "etcd-sleuth verify FILES --plan …".to_owned()]));
    out + &end
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

/// Whether a key is still needed.
fn retire(retirement: &Retirement, report: &Report) -> String {
    let maybe: Count<Values> = retirement.needs.iter().map(|need| need.unknown.current).sum();
    let mut out = retire_headline(retirement, report) + &warning(report.unread.iter());
    out.push_str(&format!("  {}\n", terminal(&retirement.key)));
    for named in retirement.named.iter().filter(|named| named.to_string() != retirement.key).take(ROWS) {
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

/// What one evidence has under a key.
fn under(target: &Target, evidence: &EvidenceReport) -> KeyCounts {
    let mut counts = KeyCounts::default();
    evidence.keys.iter().filter(|key| target.is(&key.identity)).for_each(|key| counts.add(key.counts));
    counts
}

/// What all evidences have under it.
fn under_in_all(target: &Target, report: &Report) -> KeyCounts {
    let mut sum = KeyCounts::default();
    report.evidences.iter().for_each(|evidence| sum.add(under(target, evidence)));
    sum
}

/// What a key opens, in one sentence.
fn opens_in_words(Opens { target, perhaps, .. }: &Opens, report: &Report) -> String {
    let sum = under_in_all(target, report);
    let (at_least, perhaps) = match perhaps.total() {
        Count::ZERO => ("", String::new()),
        more => ("at least ", format!("; {} more may be under it", thousands(more))),
    };
    format!(
        "opens {at_least}{} in {}, {} of them current{perhaps}",
        with_noun(sum.total()),
        files(report.evidences.len()),
        thousands(sum.current)
    )
}

/// What a key opens.
fn opens(found: &Opens, report: &Report) -> String {
    let Opens { target, perhaps, objects, more } = found;
    let sum = under_in_all(target, report);
    let mut out = format!("WHOEVER HAS {} {}\n", terminal(&target.text), opens_in_words(found, report).to_uppercase());
    out.push_str(&warning(report.unread.iter()));
    for key in &target.keys {
        out.push_str(&format!("  {}\n", whole(key)));
    }
    for doubt in perhaps.in_words() {
        out.push_str(&format!("  {}.\n", terminal(&doubt)));
    }
    out.push_str("  Offline: by what the values name; nothing was opened.\n");
    let columns = CountColumns::of([sum]);
    let mut rows = Table::new(&columns.titles(&["file"], &["residue", "log"]));
    for evidence in &report.evidences {
        let counts = under(target, evidence);
        let others = [cell(counts.residue), cell(counts.log)];
        rows.add_row([evidence_label(evidence)].into_iter().chain(columns.of_tree(counts)).chain(others));
    }
    out.push_str(&format!("{rows}\n"));
    for (retention, object) in objects {
        out.push_str(&format!("  {:<10} {}\n", retention.name(), terminal(object)));
    }
    if *more > 0 {
        out.push_str(&format!("  and {} more: --format jsonl lists every value\n", thousands(*more)));
    }
    let contain = [
        "contain: put a new key in front",
        "contain: rewrite every object",
        "contain: rotate what these objects hold: whoever has the key and a file has read them",
    ];
    out.push_str(&next_steps(&contain.map(str::to_owned)));
    out.push_str(&unread::not_looked_at(not_looked_at(&report.evidences), report.unread.iter()));
    out
}

/// What to do next: what keeps things as they are first, then what stops the harm, last what tidies up. Nothing is to be deleted
/// while anything needs the key, or while that is not known.
fn next(retirement: &Retirement, report: &Report, has_unknown: bool) -> String {
    let of_needs = |needs: fn(&Need) -> bool| {
        let needing = retirement.needs.iter().filter(|need| needs(need));
        let files: Vec<String> = needing.filter_map(|need| report.evidence(need.evidence).map(file_name)).collect();
        if files.is_empty() { "FILES".to_owned() } else { terminal(&files.join(" ")).into_owned() }
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

fn file_name(evidence: &EvidenceReport) -> String {
    evidence.facts.path.display().to_string()
}
