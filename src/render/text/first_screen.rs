//! What a scan says of one evidence, or of a member's evidences together, below its headline.

use std::collections::BTreeMap;

use super::key_counts::{CountColumns, cell};
use super::key_label::distinct_labels;
use super::number::{counted, with_noun};
use super::stored::stored;
use super::table::{Table, name};
use super::thousands;
use crate::collect::{ResourceCounts, StorageCounts};
use crate::evidence::count::{Count, Secrets};
use crate::evidence::words::{noun, path_word, verb};
use crate::finding::Rule;
use crate::report::readable::{Exists, ReadableSecret};
use crate::report::{EvidenceReport, KeyReport, MemberReport, Report};
use crate::store::ResidueMode;

/// Rows of a table before the rest is only counted.
pub(super) const ROWS: usize = 20;

/// What is said of Secrets: how many are readable where, now and deleted.
pub(super) fn secrets(evidence: &EvidenceReport, in_scope: &str) -> String {
    let (existing, deleted, lost) = (evidence.readable.existing, evidence.readable.deleted, evidence.readable.unknown);
    let older = existing.retained.plus(existing.residue).plus(existing.log);
    let secrets = evidence.secrets;
    let never = existing.perhaps_never.plus(existing.never);
    let hidden = secrets.encrypted.without(older.plus(existing.ahead).plus(never));
    let not_known_in_words = match evidence.facts.database().is_some_and(|database| database.lacks_entries) {
        true => "not known: entries of the log are not there, and may write or delete them",
        false => "not known: the log goes on behind the database, and writes or deletes them, or may",
    };
    let mut table = Table::of_labels(&[&format!("Secrets{in_scope}"), "exist", "deleted"]);
    let mut row = |what: &str, there: Count<Secrets>, gone: Count<Secrets>| table.add_row([what.to_owned(), cell(there), cell(gone)]);
    row("stored in plaintext", secrets.plaintext, Count::ZERO);
    for (what, there) in [
        ("encrypted, older plaintext still retained", existing.retained),
        ("encrypted, older plaintext in free pages", existing.residue),
        ("encrypted, older plaintext in the log", existing.log),
        ("encrypted in the database; plaintext in the log behind it, or by the v2 API (may be current)", existing.ahead),
        ("encrypted; plaintext in the log, in a write that was perhaps never carried out", existing.perhaps_never),
        ("encrypted; plaintext in the log, in a write that was never carried out", existing.never),
        (hidden_in_words(evidence), hidden),
        ("stored in a form not known here", secrets.unknown),
        ("without a value", secrets.empty),
        (not_known_in_words, evidence.not_known.total()),
        ("perhaps among them, or deleted, and readable", lost.total()),
        ("in the log, not in the database yet (written last, or never carried out)", evidence.readable.ahead),
        ("in no database; in the log, in a write that was perhaps never carried out", evidence.readable.perhaps_never),
        ("in no database; in the log, in a write that was never carried out", evidence.readable.never),
    ] {
        if there > 0 {
            row(what, there, Count::ZERO);
        }
    }
    for (what, gone) in [
        ("deleted, in plaintext in history", deleted.current.plus(deleted.retained)),
        ("deleted, in plaintext in free pages", deleted.residue),
        ("deleted, in plaintext in the log", deleted.log),
        ("deleted, in plaintext in the log, in a write that was perhaps never carried out", deleted.perhaps_never),
        ("deleted, in plaintext in the log, in a write that was never carried out", deleted.never),
    ] {
        if gone > 0 {
            row(what, Count::ZERO, gone);
        }
    }
    let mut out = format!("{table}\n");
    out.push_str(&encrypted_later(older, evidence.readable.replaced));
    for (sum, what) in [(evidence.unnamed_secrets, "plaintext Secrets"), (evidence.unnamed_others, "other plaintext")] {
        if sum.count > 0 {
            let (pieces, bytes) = (with_noun(sum.count), counted(sum.bytes, "byte"));
            let names = verb(sum.count, "name is", "names are");
            out.push_str(&format!("And {pieces} of {what}, {bytes}, whose {names} lost\n"));
        }
    }
    out
}

/// Of what is encrypted, as far as it was looked for plaintext of it.
fn hidden_in_words(evidence: &EvidenceReport) -> &'static str {
    match evidence.facts.residue_mode() {
        None | Some(ResidueMode::Full) => "encrypted; no plaintext of it in this file (other copies not seen)",
        Some(ResidueMode::Pages | ResidueMode::Off) => {
            "encrypted; no plaintext of it where it was looked (--residue; other copies not seen)"
        }
    }
}

/// What a log alone says, or pages without a tree: values by how they are stored.
pub(super) fn values(evidence: &EvidenceReport) -> String {
    match evidence.values.is_empty() {
        true => String::new(),
        false => format!("Values looked at: {}\n", stored(std::iter::once(evidence))),
    }
}

pub(super) fn keys(keys: &[KeyReport], in_scope: &str) -> String {
    if keys.is_empty() {
        return String::new();
    }
    // The sum of the rows below it.
    let known = keys.iter().filter(|key| key.identity.provider().is_known());
    let title = match known.map(|key| key.counts.current).sum() {
        Count::ZERO => format!("Encrypted values{in_scope} need"),
        n => format!("The {}{in_scope} encrypted now need", thousands(n)),
    };
    let columns = CountColumns::of(keys.iter().map(|key| key.counts));
    let has_log = keys.iter().any(|key| key.counts.log > 0);
    let labels = distinct_labels(keys.iter().map(|key| &key.identity));
    // What bears a prefix of no known provider is not counted as encrypted, so it stands by itself.
    let (known, unknown): (Vec<_>, Vec<_>) = keys.iter().zip(&labels).partition(|(key, _)| key.identity.provider().is_known());
    let row = |(key, label): &(&KeyReport, &String)| {
        let doubt = if key.uncertain > 0 { format!(" (name not certain for {})", thousands(key.uncertain)) } else { String::new() };
        let log = has_log.then(|| cell(key.counts.log));
        [format!("  {label}{doubt}")].into_iter().chain(columns.of_tree(key.counts)).chain([cell(key.counts.residue)]).chain(log)
    };
    let mut out = String::new();
    for (title, keys) in [(title.as_str(), known), ("Under providers not known to this version", unknown)] {
        if keys.is_empty() {
            continue;
        }
        let after: &[&str] = if has_log { &["residue", "log"] } else { &["residue"] };
        let mut table = Table::of_labels(&columns.titles(&[title], after));
        keys.iter().take(ROWS).for_each(|key| table.add_row(row(key)));
        out.push_str(&format!("{table}\n"));
        if let Some(more) = keys.len().checked_sub(ROWS).filter(|n| *n > 0) {
            out.push_str(&format!("  and {} more {}\n", thousands(more as u64), noun(more as u64, "key")));
        }
    }
    let statics = keys.iter().filter(|key| key.identity.provider().is_local()).count();
    if statics > 0 {
        let (stand, their) = if statics == 1 { ("stands", "its") } else { ("stand", "their") };
        let keys = if statics == keys.len() && statics == 1 { "This key".to_owned() } else { format!("{statics} of these keys") };
        out.push_str(&format!(
            "{keys} {stand} in the API server's EncryptionConfiguration; if that file was copied too, count {their} Secrets as readable\n"
        ));
    }
    out
}

pub(super) fn types(types: &BTreeMap<String, Count<Secrets>>, in_scope: &str) -> String {
    let mut counts: BTreeMap<&str, Count<Secrets>> = BTreeMap::new();
    for (name, count) in types {
        counts.entry(short_type(name)).or_default().add(*count);
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let shown: Vec<String> = counts.iter().take(12).map(|(kind, count)| format!("{} {count}", name(kind))).collect();
    if shown.is_empty() { String::new() } else { format!("Readable{in_scope}, by type: {}\n", shown.join(", ")) }
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

/// What to do next with a member. Where there are several, each has a list of its own name.
pub(super) fn next(evidence: &EvidenceReport, member: &MemberReport, report: &Report) -> Option<String> {
    let path = member.given().iter().map(|path| path_word(path)).collect::<Vec<_>>().join(" ");
    let is_doubted = |rule: Rule| matches!(rule, Rule::FileAltered | Rule::FileDamaged | Rule::FileIncomplete);
    if evidence.judgement.findings.iter().any(|finding| is_doubted(finding.rule)) {
        // Without its pages a file is bytes.
        let has_revisions = evidence.facts.database().is_none_or(|database| database.revision.is_some());
        let carve = if has_revisions { String::new() } else { format!("; etcd-sleuth carve {path}") };
        return Some(format!("etcd-sleuth check {path}{carve}"));
    }
    evidence.readable.first.first()?;
    // Members are told one by one, so this one is the first where none was told before it.
    let list = match report.members.len() {
        0 => "rotate.csv".to_owned(),
        before => format!("rotate-{}.csv", before.saturating_add(1)),
    };
    Some(format!("etcd-sleuth scan {path}{} --rotate-list {list}", report.scope_options))
}

/// What is said of Secrets whose older plaintext can be read.
fn encrypted_later(older: Count<Secrets>, replaced: Count<Secrets>) -> String {
    let mut out = String::new();
    if older > 0 {
        let (were, all) = if older == 1 { ("was", "it".to_owned()) } else { ("were", format!("all {}", thousands(older))) };
        out.push_str(&format!(
            "{} of these {were} encrypted later; without keys it cannot be told whether the old value still works: rotate {all}\n",
            thousands(older)
        ));
    }
    if replaced > 0 {
        let were =
            verb(replaced, "was deleted and made again: only the one before it", "were deleted and made again: only those before them");
        out.push_str(&format!("{} of them {were} can be read\n", thousands(replaced)));
    }
    out
}

/// Secrets that can be read, the first of them by name, and where each can.
pub(super) fn readable_table(evidence: &EvidenceReport, in_scope: &str) -> String {
    named_secrets(evidence, in_scope, "readable in", readable_in)
}

/// Secrets that can be read, the first of them by name, with a column that says one thing more of each.
pub(super) fn named_secrets(evidence: &EvidenceReport, in_scope: &str, more: &str, more_of: fn(&ReadableSecret) -> String) -> String {
    let mut out = String::new();
    if !evidence.readable.first.is_empty() {
        let has_prefixes = evidence.facts.prefixes.len() > 1;
        let columns = ["prefix", "Secret", "type", more];
        let mut table = Table::new(columns.get(usize::from(!has_prefixes)..).unwrap_or_default());
        for secret in evidence.readable.first.iter().take(ROWS) {
            let prefix = has_prefixes.then(|| name(secret.prefix.as_deref().unwrap_or("-")).into_owned());
            let cells = [name(&secret.label).into_owned(), name(&secret.secret_type).into_owned(), more_of(secret)];
            table.add_row(prefix.into_iter().chain(cells));
        }
        out.push_str(&format!("\nSecrets{in_scope} that can be read\n{table}\n"));
        let more = evidence.readable.total.without(Count::of_len(evidence.readable.first.len().min(ROWS)));
        if more > 0 {
            out.push_str(&format!("  and {} more: --rotate-list FILE lists all of them\n", thousands(more)));
        }
    }
    out
}

/// Where a Secret can be read, in words.
fn readable_in(secret: &ReadableSecret) -> String {
    let place = |name: &&'static str| match *name {
        "newest" => "the database's newest revision",
        "history" if secret.exists == Exists::Deleted => "retained",
        "history" => "older revision",
        "residue" if secret.is_behind_pages => "behind the database's pages",
        "residue" => "free pages",
        "log-perhaps-never" => "the log, perhaps never carried out",
        "log-never" => "the log, never carried out",
        "raft-snapshot" => "raft snapshots",
        name => name,
    };
    let places: Vec<&str> = secret.places.iter().map(place).collect();
    let state = match secret.exists {
        // The advice to rewrite every Secret does not help there.
        Exists::Yes if secret.prefix.is_none() => "a key that no API server writes, nor rewrites: ",
        Exists::Yes => "",
        Exists::NotKnown if secret.places.contains(&"newest") => "perhaps deleted or changed: ",
        Exists::NotKnown => "",
        Exists::Replaced => "deleted and made again, the one before: ",
        Exists::Deleted => "deleted: ",
        // The place says it.
        Exists::PerhapsNever | Exists::Never => "",
    };
    format!("{state}{}", places.join(", "))
}

/// Objects by resource: those that were looked at, where others than Secrets were, and those that were not.
pub(super) fn resource_tables(evidence: &EvidenceReport, report: &Report) -> String {
    let passed_over = match report.filter {
        Some(_) => "Objects that are not in scope, not looked at",
        None => "Other objects, not looked at (--resources all)",
    };
    let looked_at = if report.resources == "secrets" { String::new() } else { by_resource(evidence, "Objects looked at", |c| c.in_scope) };
    looked_at + &by_resource(evidence, passed_over, |counts| counts.out_of_scope)
}

/// Where not all of them fit, the resources with the most unencrypted objects come first.
fn by_resource(evidence: &EvidenceReport, title: &str, of: fn(&ResourceCounts) -> StorageCounts) -> String {
    let all = evidence.resources.iter().map(|(name, counts)| (name, of(counts)));
    let mut resources: Vec<_> = all.filter(|(_, counts)| counts.objects > 0).collect();
    if resources.is_empty() {
        return String::new();
    }
    if resources.len() > ROWS {
        resources.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.plaintext));
    }
    // Those of which neither can be said have a column where there are some, so that each row adds up.
    let has_neither = resources.iter().any(|(_, counts)| counts.neither() > 0);
    let header = ["resource", "objects", "unencrypted", "encrypted", "empty or not known"];
    let columns = if has_neither { header.len() } else { header.len().saturating_sub(1) };
    let mut table = Table::new(header.get(..columns).unwrap_or_default());
    for (resource, counts) in resources.iter().take(ROWS) {
        let resource = if resource.is_empty() { "(keys that are no object's)".into() } else { name(resource) };
        let figures = [counts.objects, counts.plaintext, counts.encrypted, counts.neither()].map(thousands);
        table.add_row(std::iter::once(resource.into_owned()).chain(figures).take(columns));
    }
    let mut out = format!("\n{title}\n{table}\n");
    match resources.len().saturating_sub(ROWS) {
        0 => {}
        1 => out.push_str("  and 1 more resource\n"),
        more => out.push_str(&format!("  and {more} more {}\n", noun(more as u64, "resource"))),
    }
    out
}
