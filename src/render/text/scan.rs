//! The first screen of a scan, and its tables.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use super::super::escape::terminal;
use super::credentials::credentials;
use super::directory::directory;
use super::findings::findings;
use super::key_label::distinct_labels;
use super::keys::beside;
use super::table::{Table, anomalies, name};
use super::{against, block, cluster_lines, compared_lines, conditions, file_lines, thousands};
use crate::evidence::anomaly::{Bearing, Class};
use crate::finding::{Condition, Outcome, Rule};
use crate::report::readable::{Exists, Readable, ReadableIn, ReadableSecret};
use crate::report::{EvidenceReport, KeyReport, MemberReport, Render, RenderPages, Report, not_looked_at};
use crate::store::ResidueMode;

/// Rows of a table before the rest is only counted.
const ROWS: usize = 20;

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
        let said = if member.whole.is_some() { directory(member, whole, report) } else { scan(whole, report) };
        self.out.write_all(said.as_bytes())
    }

    fn end(&mut self, report: &Report, outcome: &Outcome) -> io::Result<()> {
        self.out.write_all(status_line(report, outcome).as_bytes())
    }
}

impl RenderPages for ScanText<'_> {}

/// What a scan says of one evidence.
fn scan(evidence: &EvidenceReport, report: &Report) -> String {
    let mut out = String::new();
    let unmatched = report.filter.as_deref().filter(|_| evidence.is_out_of_scope());
    out.push_str(&match unmatched {
        Some(filter) => nothing_matches(evidence, filter, What::File),
        None => headline(evidence, &report.resources, What::File),
    });
    let against = against(&evidence.anomaly_counts);
    block(&mut out, "File", &file_lines(&evidence.facts, &against));
    if evidence.anomaly_counts.contains_key(&Class::InUse) {
        block(&mut out, "IN USE", &["this looks live: a process holds a lock on it. It was read as it is, without a lock".to_owned()]);
    }
    block(&mut out, "Cluster", &cluster_lines(&evidence.facts));
    block(&mut out, "Compared", &compared_lines(evidence));
    if !evidence.facts.has_tree() {
        out.push_str(&values(evidence));
    } else if unmatched.is_some() {
        // Rows of zeros would look like an answer.
    } else if report.resources == "secrets" || evidence.readable.total > 0 || evidence.secrets.total() > 0 {
        out.push_str(&secrets(evidence));
    }
    out.push_str(&keys(&evidence.keys));
    out.push_str(&types(&evidence.readable.types));
    out.push_str(&credentials([evidence]));
    out.push_str(&beside([evidence]));
    out.push_str(&format!("NOT LOOKED AT: {}\n", not_looked_at([evidence]).join(", ")));
    if let Some(next) = next(evidence, &evidence.facts.path) {
        out.push_str(&format!("NEXT  {next}\n"));
    }
    out.push_str(&tables(evidence));
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
    let found = match counts.iter().all(|(_, count)| *count == 0) {
        true if report.evidences.is_empty() => "nothing was analysed".to_owned(),
        true if outcome.held(Condition::NothingInScope) => {
            format!("nothing matches: {}", terminal(report.filter.as_deref().unwrap_or_default()))
        }
        true => format!("no plaintext Secret found in: {}", report.looked_at().join(", ")),
        false => format!("plaintext found: {}", found.join(", ")),
    };
    let other = conditions(outcome.conditions().filter(|condition| *condition != Condition::PlaintextFound));
    let files = match (report.evidences.len(), report.not_analysed.len()) {
        (1, 0) => String::new(),
        (0, failed) => format!(": {failed} could not be"),
        (read, 0) => format!(" in {read} files"),
        (read, failed) => format!(" in {read} files; {failed} could not be analysed"),
    };
    format!("{found}{files}{other}   (exit {})\n", outcome.exit_code())
}

/// What an answer is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    File,
    Directory,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::File => "FILE",
            Self::Directory => "DIRECTORY",
        }
    }
}

/// The headline where a filter leaves nothing.
pub(super) fn nothing_matches(evidence: &EvidenceReport, filter: &str, what: What) -> String {
    let outside = match evidence.passed_over().0 {
        0 => "So nothing was looked at.".to_owned(),
        n => format!("So nothing was looked at; {} objects are outside of it.", thousands(n)),
    };
    format!("NOTHING IN THIS {} MATCHES: {}\n  {outside}\n", what.name(), terminal(filter))
}

pub(super) fn headline(evidence: &EvidenceReport, resources: &str, what: What) -> String {
    let what = what.name();
    let has_tree = evidence.facts.has_tree();
    let (readable, existing) = (&evidence.readable, evidence.secrets.total());
    if resources != "secrets" && existing == 0 && readable.total == 0 {
        return format!("NO SECRET AMONG THE OBJECTS LOOKED AT ({})\n", terminal(resources));
    }
    if readable.total == 0 {
        let unknown = match evidence.secrets.unknown {
            0 => String::new(),
            n => format!("; {n} are stored in a form not known here"),
        };
        let place = match evidence.facts.residue_mode() {
            Some(ResidueMode::Off) => format!("THE TREE OF THIS {what}"),
            _ => format!("THIS {what}"),
        };
        if !has_tree {
            return format!("NO PLAINTEXT SECRET FOUND IN {place}\n");
        }
        return format!("NO PLAINTEXT SECRET FOUND IN {place}\n  {} Secrets exist{unknown}.\n", thousands(existing));
    }
    let noun = if readable.total == 1 { "SECRET" } else { "SECRETS" };
    if !has_tree {
        let why = match evidence.facts.database() {
            Some(database) if database.active_meta.is_none() => "no valid meta page says which pages are in use",
            Some(_) => "the part of the file that says so is lost",
            None => "that is in the database, not in the log",
        };
        return format!(
            "{} {noun} CAN BE READ FROM THIS {what} WITHOUT ANY KEY\n  Which of them exist now is not known, {why}: treat them as in use.\n",
            thousands(readable.total)
        );
    }
    let unknown = match readable.unknown.total() {
        0 => String::new(),
        n => format!("; of {} neither is known, a part of the tree is lost: treat them as in use", thousands(n)),
    };
    let ahead = match readable.ahead {
        0 => String::new(),
        n => format!("; {} more are in the log and not in the database yet", thousands(n)),
    };
    format!(
        "{} {noun} CAN BE READ FROM THIS {what} WITHOUT ANY KEY\n  {} of the {} that exist now, and {} deleted{unknown}{ahead}.\n",
        thousands(readable.total),
        thousands(readable.existing.total()),
        thousands(existing),
        match readable.deleted.total() {
            1 => "1".to_owned(),
            n => thousands(n),
        },
    )
}

/// What is said of Secrets: how many are readable where, now and deleted.
pub(super) fn secrets(evidence: &EvidenceReport) -> String {
    let (existing, deleted, lost) = (evidence.readable.existing, evidence.readable.deleted, evidence.readable.unknown);
    let older = existing.retained.saturating_add(existing.residue).saturating_add(existing.log);
    let hidden = evidence.secrets.encrypted.saturating_sub(older);
    let cell = |n: u64| if n == 0 { "-".to_owned() } else { thousands(n) };
    let row = |what: &str, now: u64, gone: u64, remark: &str| format!("{what:<44}{:>9}{:>10}{remark}\n", cell(now), cell(gone));
    let mut out = format!("{:<44}{:>9}{:>10}\n", "Secrets", "now", "deleted");
    out.push_str(&row("stored in plaintext", evidence.secrets.plaintext, 0, ""));
    let rows = [
        ("encrypted, older plaintext still retained", existing.retained, deleted.retained),
        ("encrypted, older plaintext in free pages", existing.residue, deleted.residue),
        ("encrypted, older plaintext in the log", existing.log, deleted.log),
    ];
    for (what, now, gone) in rows.into_iter().filter(|(_, now, gone)| *now > 0 || *gone > 0) {
        out.push_str(&row(what, now, gone, ""));
    }
    out.push_str(&row("encrypted, no plaintext found here", hidden, 0, if hidden > 0 { "   (not \"safe\")" } else { "" }));
    if evidence.secrets.unknown > 0 {
        out.push_str(&row("stored in a form not known here", evidence.secrets.unknown, 0, ""));
    }
    if evidence.secrets.empty > 0 {
        out.push_str(&row("without a value", evidence.secrets.empty, 0, ""));
    }
    if lost.total() > 0 {
        out.push_str(&format!("{:<44}{:>9}\n", "perhaps among them, or deleted, and readable", thousands(lost.total())));
    }
    if evidence.readable.ahead > 0 {
        out.push_str(&row("in the log, not in the database yet", evidence.readable.ahead, 0, "   (written last, or never carried out)"));
    }
    if older > 0 {
        out.push_str(&format!("Same value as today's? Not known without keys ({}): treat as in use.\n", thousands(older)));
    }
    for (sum, what) in [(evidence.unnamed_secrets, "pieces of plaintext Secrets"), (evidence.unnamed_others, "pieces of other plaintext")] {
        if sum.count > 0 {
            out.push_str(&format!("And {} {what}, {} bytes, whose names are lost\n", thousands(sum.count), thousands(sum.bytes)));
        }
    }
    out
}

pub(super) fn keys(keys: &[KeyReport]) -> String {
    if keys.is_empty() {
        return String::new();
    }
    // The sum of the rows below it.
    let title =
        match keys.iter().filter(|key| key.identity.provider().is_known()).map(|key| key.counts.current).fold(0, u64::saturating_add) {
            0 => "Encrypted values need".to_owned(),
            n => format!("The {} encrypted now need", thousands(n)),
        };
    let has_log = keys.iter().any(|key| key.counts.log > 0);
    let log = |cell: &str| if has_log { format!("{cell:>9}") } else { String::new() };
    let labels = distinct_labels(keys.iter().map(|key| &key.identity));
    let width = labels.iter().map(|label| label.chars().count()).fold(42, usize::max).saturating_add(2);
    // What bears a prefix of no known provider is not counted as encrypted, so it stands by itself.
    let (known, unknown): (Vec<_>, Vec<_>) = keys.iter().zip(&labels).partition(|(key, _)| key.identity.provider().is_known());
    let head = |title: &str| format!("{title:<width$}{:>9}{:>10}{:>10}{}\n", "current", "older", "residue", log("log"));
    let row = |(key, label): &(&KeyReport, &String)| {
        let older = key.counts.superseded.saturating_add(key.counts.deleted);
        let doubt = if key.uncertain > 0 { format!("   name not certain for {}", key.uncertain) } else { String::new() };
        let cell = |n: u64| if n == 0 { "-".to_owned() } else { thousands(n) };
        let (current, residue) = (cell(key.counts.current), cell(key.counts.residue));
        let (older, log) = (cell(older), log(&cell(key.counts.log)));
        format!("  {label:<0$}{current:>9}{older:>10}{residue:>10}{log}{doubt}\n", width.saturating_sub(2))
    };
    let mut out = String::new();
    for (title, keys) in [(title.as_str(), known), ("Under providers not known to this version", unknown)] {
        if !keys.is_empty() {
            out.push_str(&head(title));
            out.extend(keys.iter().take(ROWS).map(row));
        }
        if let Some(more) = keys.len().checked_sub(ROWS).filter(|n| *n > 0) {
            out.push_str(&format!("  and {more} more keys\n"));
        }
    }
    let statics = keys.iter().filter(|key| key.identity.provider().is_local()).count();
    if statics > 0 {
        let noun = if statics == 1 { "static key, kept in a file" } else { "static keys, kept in a file" };
        out.push_str(&format!("{statics} {noun} of the API server: was it beside this backup?\n"));
    }
    out
}

pub(super) fn types(types: &BTreeMap<String, u64>) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, count) in types {
        let known = counts.entry(short_type(name)).or_default();
        *known = known.saturating_add(*count);
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let shown: Vec<String> = counts.iter().take(12).map(|(kind, count)| format!("{} {count}", name(kind))).collect();
    if shown.is_empty() { String::new() } else { format!("Readable, by type: {}\n", shown.join(", ")) }
}

/// The names people use for the built-in types.
fn short_type(secret_type: &str) -> &str {
    match secret_type {
        "" => "(type not read)",
        "bootstrap.kubernetes.io/token" => "bootstrap",
        "helm.sh/release.v1" => "helm",
        "kubernetes.io/basic-auth" => "basic-auth",
        "kubernetes.io/dockercfg" | "kubernetes.io/dockerconfigjson" => "registry",
        "kubernetes.io/service-account-token" => "sa-token",
        "kubernetes.io/ssh-auth" => "ssh-auth",
        "kubernetes.io/tls" => "tls",
        other => other,
    }
}

/// What to do next with the input that was given as `path`.
pub(super) fn next(evidence: &EvidenceReport, path: &Path) -> Option<String> {
    let path = terminal(&path.to_string_lossy()).into_owned();
    if evidence
        .judgement
        .findings
        .iter()
        .any(|finding| matches!(finding.rule, Rule::FileAltered | Rule::FileDamaged | Rule::FileIncomplete))
    {
        return Some(format!("etcd-sleuth check {path}"));
    }
    evidence.readable.first.first()?;
    Some(format!("etcd-sleuth scan {path} --rotate-list rotate.csv"))
}

fn tables(evidence: &EvidenceReport) -> String {
    let mut out = readable_table(evidence);
    out.push_str(&resource_table(evidence));
    out.push_str(&findings(evidence, [evidence]));
    let listed: Vec<_> = evidence.anomalies.iter().filter(|anomaly| anomaly.class.bearing() != Bearing::Note).collect();
    if !listed.is_empty() {
        let table = anomalies(listed.into_iter().take(ROWS));
        out.push_str(&format!("\nAnomalies\n{table}\n"));
    }
    out
}

/// Secrets that can be read, the first of them by name.
pub(super) fn readable_table(evidence: &EvidenceReport) -> String {
    let mut out = String::new();
    if !evidence.readable.first.is_empty() {
        let mut table = Table::new(&["Secret", "type", "readable in"]);
        for secret in evidence.readable.first.iter().take(ROWS) {
            table.add_row([name(&secret.label).into_owned(), name(&secret.secret_type).into_owned(), readable_in(secret)]);
        }
        out.push_str(&format!("\nSecrets that can be read\n{table}\n"));
        if let Some(more) = evidence.readable.total.checked_sub(evidence.readable.first.len().min(ROWS) as u64).filter(|n| *n > 0) {
            out.push_str(&format!("  and {} more: --rotate-list FILE lists all of them\n", thousands(more)));
        }
    }
    out
}

/// Objects of other resources.
pub(super) fn resource_table(evidence: &EvidenceReport) -> String {
    let mut out = String::new();
    let others: Vec<_> =
        evidence.resources.iter().map(|(name, counts)| (name, counts.out_of_scope)).filter(|(_, counts)| counts.objects > 0).collect();
    if !others.is_empty() {
        let mut table = Table::new(&["resource", "objects", "unencrypted", "encrypted"]);
        for (resource, counts) in others.iter().take(ROWS) {
            let resource = if resource.is_empty() { "(keys that are no object's)".into() } else { name(resource) };
            table.add_row([resource.into_owned(), thousands(counts.objects), thousands(counts.plaintext), thousands(counts.encrypted)]);
        }
        out.push_str(&format!("\nOther objects, not looked at (--resources all)\n{table}\n"));
        if let Some(more) = others.len().checked_sub(ROWS).filter(|n| *n > 0) {
            out.push_str(&format!("  and {more} more resources\n"));
        }
    }
    out
}

/// What a log alone says, or pages without a tree: values by how they are stored.
pub(super) fn values(evidence: &EvidenceReport) -> String {
    let mut counts = BTreeMap::<&str, u64>::new();
    for ((_, _, protection), count) in &evidence.values {
        let known = counts.entry(protection.name()).or_default();
        *known = known.saturating_add(*count);
    }
    let shown: Vec<String> = counts.iter().map(|(name, count)| format!("{} {name}", thousands(*count))).collect();
    if shown.is_empty() { String::new() } else { format!("Values looked at: {}\n", shown.join(", ")) }
}

/// Where a Secret can be read, in words.
fn readable_in(secret: &ReadableSecret) -> String {
    let place = |name: &&'static str| match *name {
        "history" if secret.exists == Exists::Deleted => "retained",
        "history" => "older revision",
        "residue" => "free pages",
        name => name,
    };
    let places: Vec<&str> = secret.places.iter().map(place).collect();
    let state = match secret.exists {
        Exists::Yes => "",
        Exists::Replaced => "deleted and made again, the one before: ",
        Exists::Deleted => "deleted: ",
    };
    format!("{state}{}", places.join(", "))
}
