//! What `keys` says: every key that is named, what one opens.

use std::io::{self, Write};

use super::super::escape::terminal;
use super::evidence_label::{evidence_label, file_name, files};
use super::headline::within;
use super::key_counts::{CountColumns, cell};
use super::key_label::{whole, whole_labels};
use super::keys_beside::beside;
use super::layout::{Screen, Tone};
use super::number::{counted, with_noun};
use super::retire::{retire, retirement_in_words};
use super::table::Table;
use super::unread::{self, ending, subject, warning};
use super::{next_steps, thousands};
use crate::collect::KeyCounts;
use crate::evidence::count::{Count, Values};
use crate::evidence::words::verb;
use crate::finding::{Condition, Outcome};
use crate::report::{EvidenceReport, KeyReport, Opens, Render, Report, not_looked_at};
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

/// The last line, and the only one of a quiet run.
pub fn keys_status(report: &Report, outcome: &Outcome) -> String {
    let said = match &report.retirement {
        _ if report.evidences.is_empty() => format!("{}, none could be read", subject(report)),
        Some(retirement) => retirement_in_words(retirement, report),
        None => match &report.opens {
            Some(found) => opens_in_words(found, report),
            None => format!("{}: {} named", subject(report), counted(report.values_by_key().len() as u64, "key")),
        },
    };
    format!("{said}{}{}", within(report), ending(report, outcome, &[Condition::KeyStillNeeded, Condition::KeyNotKnown]))
}

/// How many keys are named, and how many values need one.
fn named(keys: &[KeyReport], report: &Report) -> String {
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
    match keys.len() as u64 {
        _ if report.evidences.is_empty() => "NOTHING COULD BE READ\n".to_owned(),
        0 => format!("NO KEY IS NAMED IN {files}\n"),
        named => format!("{} NAMED IN {files}; {needed}\n", counted(named, "key").to_uppercase()),
    }
}

/// Every key.
fn keys(report: &Report) -> String {
    let keys = report.keys();
    let mut out = named(&keys, report);
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
    // A key of one name may be another one below each prefix.
    let has_prefixes = report.evidences.iter().any(|evidence| evidence.facts.prefixes.len() > 1);
    let first: &[&str] = if has_prefixes { &["prefix", "key", "file"] } else { &["key", "file"] };
    let mut rows = Table::new(&columns.titles(first, &["residue", "log", "resources"]));
    let uses = report.evidences.iter().flat_map(|evidence| &evidence.keys);
    let lines = uses.map(|used| if has_prefixes { used.by_prefix.len() } else { 1 }).fold(0, usize::saturating_add);
    let labels = whole_labels(keys.iter().map(|key| &key.identity));
    // Every key has a line, so that no more keys than lines are looked for.
    let mut shown = 0usize;
    for (key, label) in keys.iter().zip(labels).take(ROWS) {
        for evidence in &report.evidences {
            let Some(used) = evidence.keys.iter().find(|used| used.identity == key.identity).filter(|_| shown < ROWS) else { continue };
            let whole = (!has_prefixes).then_some((None, used.counts, &used.group_resources));
            let below = used.by_prefix.iter().filter(|_| has_prefixes);
            let below = below.map(|(prefix, (counts, resources))| (Some(prefix.as_deref().unwrap_or("-")), *counts, resources));
            for (prefix, counts, resources) in whole.into_iter().chain(below).take(ROWS.saturating_sub(shown)) {
                shown = shown.saturating_add(1);
                let resources: Vec<_> = resources.iter().take(4).map(|resource| terminal(resource)).collect();
                let prefix = prefix.map(|prefix| terminal(prefix).into_owned());
                let whose = prefix.into_iter().chain([label.clone(), terminal(&file_name(evidence)).into_owned()]);
                let others = [cell(counts.residue), cell(counts.log), resources.join(", ")];
                rows.add_row(whose.chain(columns.of_tree(counts)).chain(others));
            }
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
    let whoever = format!("whoever has {}", terminal(&target.text));
    // Of a key that is given by its name alone, nothing says what else it opens.
    if sum.total() == 0 && perhaps.total() > 0 {
        return format!(
            "what {whoever} opens is not known; in {} no value names it, and {} may be under it",
            files(report.evidences.len()),
            with_noun(perhaps.total())
        );
    }
    let (at_least, perhaps) = match perhaps.total() {
        Count::ZERO => ("", String::new()),
        more => ("at least ", format!("; {} more may be under it", thousands(more))),
    };
    format!(
        "{whoever} opens {at_least}{} in {}, {} of them current{perhaps}",
        with_noun(sum.total()),
        files(report.evidences.len()),
        thousands(sum.current)
    )
}

/// A sentence in capitals, but for the key's name in it.
fn in_capitals(said: &str, key: &str) -> String {
    let whoever = format!("whoever has {}", terminal(key));
    match said.split_once(&whoever) {
        Some((before, behind)) => format!("{}WHOEVER HAS {}{}", before.to_uppercase(), terminal(key), behind.to_uppercase()),
        None => said.to_uppercase(),
    }
}

/// What a key opens.
fn opens(found: &Opens, report: &Report) -> String {
    let Opens { target, perhaps, objects, more } = found;
    let sum = under_in_all(target, report);
    let mut out = format!("{}\n", in_capitals(&opens_in_words(found, report), &target.text));
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
    if !objects.is_empty() {
        let all = more.saturating_add(objects.len() as u64);
        out.push_str(&format!("Its objects, each once for every state of its values ({}):\n", thousands(all)));
    }
    for (retention, object) in objects {
        out.push_str(&format!("  {:<10} {}\n", retention.name(), terminal(object)));
    }
    if *more > 0 {
        out.push_str(&format!("  and {} more: --format jsonl lists every value\n", thousands(*more)));
    }
    let steps = match sum.total() {
        Count::ZERO => vec!["etcd-sleuth verify FILES --plan says what it takes to tell what is under it"],
        _ => vec![
            "contain: put a new key in front",
            "contain: rewrite every object",
            "contain: rotate what these objects hold: whoever has the key and a file has read them",
        ],
    };
    out.push_str(&next_steps(&steps.into_iter().map(str::to_owned).collect::<Vec<_>>()));
    out.push_str(&unread::not_looked_at(not_looked_at(&report.evidences), report.unread.iter()));
    out
}
