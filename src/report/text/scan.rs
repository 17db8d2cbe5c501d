//! The first screen of a scan, and its tables.

use std::collections::BTreeMap;

use comfy_table::{Table, presets};

use super::super::escape::terminal;
use super::super::model::{EvidenceReport, KeyReport, Readable, ReadableSecret, Report, not_looked_at};
use super::{against, block, cluster_lines, file_lines, thousands};
use crate::evidence::anomaly::Bearing;
use crate::finding::Outcome;

/// Rows of a table before the rest is only counted.
const ROWS: usize = 20;

/// What a scan says of one evidence.
pub fn scan(evidence: &EvidenceReport, report: &Report) -> String {
    let mut out = String::new();
    out.push_str(&headline(evidence, &report.resources));
    let against = against(&evidence.anomaly_counts);
    block(&mut out, "File", &file_lines(&evidence.facts, &against));
    block(&mut out, "Cluster", &cluster_lines(&evidence.facts));
    if report.resources == "secrets" || evidence.readable.total > 0 || evidence.secrets.total() > 0 {
        out.push_str(&secrets(evidence));
    }
    out.push_str(&keys(&evidence.keys, evidence.secrets.encrypted));
    out.push_str(&types(&evidence.readable.types));
    out.push_str(&format!("NOT LOOKED AT: {}\n", not_looked_at([evidence]).join(", ")));
    if let Some(next) = next(evidence) {
        out.push_str(&format!("NEXT  {next}\n"));
    }
    out.push_str(&tables(evidence));
    out
}

/// The last line of a run, and the only one of a quiet one.
pub fn status_line(report: &Report, outcome: &Outcome) -> String {
    let sum = |count: fn(&Readable) -> u64| report.evidences.iter().map(|e| count(&e.readable)).fold(0, u64::saturating_add);
    let (current, older) = (sum(|r| r.current), sum(|r| r.total.saturating_sub(r.current)));
    let found = match (current, older) {
        (0, 0) => "no plaintext Secret found in: tree".to_owned(),
        _ => format!("plaintext Secrets found: current {current}, only in older revisions {older}"),
    };
    let other: Vec<_> = outcome.conditions().map(|c| c.name()).filter(|name| *name != "plaintext-found").collect();
    let other = if other.is_empty() { String::new() } else { format!("; {}", other.join(", ")) };
    let files = match (report.evidences.len(), report.not_analysed.len()) {
        (1, 0) => String::new(),
        (read, 0) => format!(" in {read} files"),
        (read, failed) => format!(" in {read} files; {failed} could not be analysed"),
    };
    format!("{found}{files}{other}   (exit {})\n", outcome.exit_code())
}

fn headline(evidence: &EvidenceReport, resources: &str) -> String {
    let (readable, existing) = (evidence.readable.total, evidence.secrets.total());
    if resources != "secrets" && evidence.secrets.total() == 0 && readable == 0 {
        return format!("NO SECRET AMONG THE OBJECTS LOOKED AT ({})\n", terminal(resources));
    }
    if readable == 0 {
        let unknown = match evidence.secrets.unknown {
            0 => String::new(),
            n => format!("; {n} are stored in a form not known here"),
        };
        return format!(
            "NO PLAINTEXT SECRET FOUND IN THE TREE OF THIS FILE\n  {} Secrets exist{unknown}. What free pages hold was not searched.\n",
            thousands(existing)
        );
    }
    let noun = if readable == 1 { "SECRET" } else { "SECRETS" };
    let deleted = evidence.readable.deleted;
    format!(
        "{} {noun} CAN BE READ FROM THIS FILE WITHOUT ANY KEY\n  {} of the {} that exist now, and {} deleted.\n",
        thousands(readable),
        thousands(readable.saturating_sub(deleted)),
        thousands(existing),
        thousands(deleted),
    )
}

fn secrets(evidence: &EvidenceReport) -> String {
    let older = evidence.readable.only_superseded;
    let deleted = evidence.readable.deleted;
    let hidden = evidence.secrets.encrypted.saturating_sub(older);
    let row = |what: &str, now: u64, gone: Option<u64>, remark: &str| {
        let cell = |n: u64| if n == 0 { "-".to_owned() } else { thousands(n) };
        format!("{what:<44}{:>9}{:>10}{remark}\n", cell(now), gone.map_or("-".to_owned(), cell))
    };
    let mut out = format!("{:<44}{:>9}{:>10}\n", "Secrets", "now", "deleted");
    out.push_str(&row("stored in plaintext", evidence.secrets.plaintext, Some(deleted), ""));
    out.push_str(&row("encrypted, older plaintext revision retained", older, None, ""));
    out.push_str(&row(
        "encrypted, no plaintext found in the tree",
        hidden,
        None,
        if hidden > 0 { "   (free pages not searched)" } else { "" },
    ));
    if evidence.secrets.unknown > 0 {
        out.push_str(&row("stored in a form not known here", evidence.secrets.unknown, None, ""));
    }
    if evidence.secrets.empty > 0 {
        out.push_str(&row("without a value", evidence.secrets.empty, None, ""));
    }
    out
}

fn keys(keys: &[KeyReport], encrypted_now: u64) -> String {
    if keys.is_empty() {
        return String::new();
    }
    let mut out = format!("{:<44}{:>9}{:>10}\n", format!("The {} encrypted now need", thousands(encrypted_now)), "current", "older");
    for key in keys.iter().take(ROWS) {
        let older = key.counts.superseded.saturating_add(key.counts.deleted);
        let doubt = if key.uncertain > 0 { format!("   name not certain for {}", key.uncertain) } else { String::new() };
        let cell = |n: u64| if n == 0 { "-".to_owned() } else { thousands(n) };
        out.push_str(&format!("  {:<42}{:>9}{:>10}{doubt}\n", key_label(key), cell(key.counts.current), cell(older)));
    }
    if let Some(more) = keys.len().checked_sub(ROWS).filter(|n| *n > 0) {
        out.push_str(&format!("  and {more} more keys\n"));
    }
    out
}

/// `kms v2 aws-b   …000000000002`
fn key_label(key: &KeyReport) -> String {
    let name = key.identity.name.as_deref().map_or("(name not readable)".into(), terminal);
    let version = match key.identity.version.as_str() {
        "v1" if key.identity.provider != "kms" => String::new(),
        version => format!(" {}", terminal(version)),
    };
    let id = match (&key.identity.key_id, key.identity.provider.as_str(), key.identity.version.as_str()) {
        (Some(id), _, _) => format!("  {}", tail(&terminal(id))),
        (None, "kms", "v1") => " (KMS key not named)".to_owned(),
        _ => String::new(),
    };
    format!("{}{version} {name}{id}", terminal(&key.identity.provider))
}

/// The last characters of a key ID, which tell ARNs apart.
fn tail(text: &str) -> String {
    let count = text.chars().count();
    match count.checked_sub(14) {
        Some(skip) if skip > 0 => format!("…{}", text.chars().skip(skip).collect::<String>()),
        _ => text.to_owned(),
    }
}

fn types(types: &BTreeMap<String, u64>) -> String {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, count) in types {
        let known = counts.entry(short_type(name)).or_default();
        *known = known.saturating_add(*count);
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let shown: Vec<String> = counts.iter().take(12).map(|(name, count)| format!("{} {count}", terminal(name))).collect();
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

fn next(evidence: &EvidenceReport) -> Option<String> {
    let path = terminal(&evidence.facts.path.to_string_lossy()).into_owned();
    if evidence.judgement.findings.iter().any(|finding| matches!(finding.rule.code(), "file-altered" | "file-damaged" | "file-incomplete"))
    {
        return Some(format!("etcd-sleuth check {path}"));
    }
    let first = evidence.readable.first.first()?;
    Some(format!("etcd-sleuth show {path} {}   # one object: its revisions, redacted", terminal(&first.label)))
}

fn tables(evidence: &EvidenceReport) -> String {
    let mut out = String::new();
    if !evidence.readable.first.is_empty() {
        let mut table = table(&["Secret", "type", "readable in"]);
        for secret in &evidence.readable.first {
            table.add_row([terminal(&secret.label).into_owned(), terminal(&secret.secret_type).into_owned(), readable_in(secret)]);
        }
        out.push_str(&format!("\nSecrets that can be read\n{table}\n"));
        if let Some(more) = evidence.readable.total.checked_sub(evidence.readable.first.len() as u64).filter(|n| *n > 0) {
            out.push_str(&format!("  and {} more: --format csv lists every value\n", thousands(more)));
        }
    }
    let others: Vec<_> =
        evidence.resources.iter().map(|(name, counts)| (name, counts.out_of_scope)).filter(|(_, counts)| counts.objects > 0).collect();
    if !others.is_empty() {
        let mut table = table(&["resource", "objects", "unencrypted", "encrypted"]);
        for (resource, counts) in others.iter().take(ROWS) {
            let name = if resource.is_empty() { "(keys that are no object's)".into() } else { terminal(resource) };
            table.add_row([name.into_owned(), thousands(counts.objects), thousands(counts.plaintext), thousands(counts.encrypted)]);
        }
        out.push_str(&format!("\nOther objects, not looked at (--resources all)\n{table}\n"));
        if let Some(more) = others.len().checked_sub(ROWS).filter(|n| *n > 0) {
            out.push_str(&format!("  and {more} more resources\n"));
        }
    }
    let listed: Vec<_> = evidence.anomalies.iter().filter(|anomaly| anomaly.class.bearing() != Bearing::Note).collect();
    if !listed.is_empty() {
        let mut table = table(&["offset", "page", "anomaly", ""]);
        for anomaly in listed.iter().take(ROWS) {
            let number = |n: Option<u64>| n.map_or("-".to_owned(), |n| n.to_string());
            table.add_row([
                number(anomaly.offset),
                number(anomaly.pgid),
                anomaly.class.name().to_owned(),
                terminal(&anomaly.detail).into_owned(),
            ]);
        }
        out.push_str(&format!("\nAnomalies\n{table}\n"));
    }
    out
}

fn readable_in(secret: &ReadableSecret) -> String {
    let states = [(secret.current, "current"), (secret.superseded, "older revision"), (secret.deleted, "deleted, retained")];
    states.iter().filter(|(held, _)| *held).map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}

/// A table without lines between its cells.
pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    table
}
