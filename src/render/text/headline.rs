//! The first line of a scan: whether Secrets can be read, and how many.

use super::super::escape::terminal;
use super::layout::Tone;
use super::number::{counted, with_noun};
use super::thousands;
use crate::collect::Sum;
use crate::evidence::count::{Count, Secrets};
use crate::evidence::words::verb;
use crate::report::readable::Readable;
use crate::report::{EvidenceReport, MemberReport, Report};
use crate::row::near;
use crate::store::{KeyTree, ResidueMode};

/// What an answer is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    File,
    Directory,
    /// Files that were given in several places.
    Files,
    /// A directory in which other members have files, too.
    Member,
    /// What stands in one input with something else, of which another answer tells.
    Part,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::File => "THIS FILE",
            Self::Directory => "THIS DIRECTORY",
            Self::Files => "THESE FILES",
            Self::Member => "THIS MEMBER'S OWN FILES",
            Self::Part => "THIS PART OF WHAT WAS GIVEN",
        }
    }
}

/// Paints the first line of a headline.
fn painted(tone: Tone, headline: &str) -> String {
    let (first, rest) = headline.split_once('\n').unwrap_or((headline, ""));
    format!("{}\n{rest}", tone.paint(first))
}

/// The headline where a filter leaves nothing.
pub(super) fn nothing_matches(evidence: &EvidenceReport, report: &Report, filter: &str, what: What) -> String {
    let outside = match evidence.passed_over().0 {
        Count::ZERO => "So nothing was looked at.".to_owned(),
        n => format!("So nothing was looked at; {} {} outside of it.", with_noun(n), verb(n, "is", "are")),
    };
    let meant = did_you_mean(evidence, report);
    painted(Tone::Open, &format!("NOTHING IN {} MATCHES: {}\n  {outside}\n{meant}", what.name(), terminal(filter)))
}

/// A line for each resource that was asked for, of which there is nothing, and that is like one that there is.
pub(super) fn did_you_mean(evidence: &EvidenceReport, report: &Report) -> String {
    let there = || evidence.resources.keys().map(String::as_str).filter(|name| !name.is_empty());
    let asked = report.resources.split(',').map(str::trim).filter(|asked| *asked != "all" && !there().any(|name| name == *asked));
    let line = |asked: &str| {
        let near = near(asked, there().chain(["secrets"]));
        (!near.is_empty() && near != [asked])
            .then(|| format!("  No object of {}: did you mean {}?\n", terminal(asked), terminal(&near.join(", "))))
    };
    asked.filter_map(line).collect()
}

/// The headline where there is nothing of Kubernetes.
pub(super) fn no_kubernetes(evidence: &EvidenceReport, what: What) -> String {
    let exist = evidence.facts.database().filter(|database| database.key_tree == KeyTree::Whole).map(|database| database.keys_current);
    let (keys, encrypted, _) = evidence.passed_over();
    let encrypted = match encrypted {
        Count::ZERO => String::new(),
        n if n == 1 => "; 1 value is encrypted as an API server encrypts: --resources all looks at it".to_owned(),
        n => format!("; {} values are encrypted as an API server encrypts: --resources all looks at them", thousands(n)),
    };
    let tree = of_tree(evidence);
    let keys = match keys {
        Count::ZERO if exist == Some(0) => "No key exists in it".to_owned(),
        Count::ZERO => "What is in it is other software's".to_owned(),
        n if n == 1 => format!("The 1 key that exists{tree} is other software's by its name, and was not looked at{encrypted}"),
        n => {
            format!("The {} keys that exist{tree} are other software's by their names, and were not looked at{encrypted}", thousands(n))
        }
    };
    let said = format!("NO KUBERNETES OBJECTS IN {}\n  {keys}; --etcd-prefix names a prefix that was not found.\n", what.name());
    painted(Tone::Open, &said)
}

/// The headline of an answer; where a filter was given, it is about what is in scope alone, and says so.
pub(super) fn headline(member: &MemberReport, evidence: &EvidenceReport, report: &Report, what: What) -> String {
    let is_all_read = evidence.facts.is_complete && report.unread_of(member.id).next().is_none();
    let tone = match evidence.readable.total {
        Count::ZERO if evidence.unnamed_secrets.count > 0 => Tone::Bad,
        Count::ZERO if is_all_read && evidence.secrets.unknown == 0 => Tone::Said,
        Count::ZERO => Tone::Open,
        _ => Tone::Bad,
    };
    let left_out = match evidence.facts.leaves_residue_out() {
        true => {
            "  RESIDUE WAS NOT SEARCHED, as --residue asks: etcd no longer shows what stands there, and whoever has the file can read it.\n"
        }
        false => "",
    };
    painted(tone, &[in_words(evidence, report, what, is_all_read).as_str(), left_out].concat())
}

fn in_words(evidence: &EvidenceReport, report: &Report, what: What, is_all_read: bool) -> String {
    let what = what.name();
    let has_tree = evidence.facts.has_tree();
    let (readable, existing) = (&evidence.readable, evidence.secrets.total());
    let scope = scope(report);
    let in_scope = in_scope(report);
    if report.resources != "secrets" && evidence.secret_values == 0 && readable.total == 0 && evidence.unnamed_secrets.count == 0 {
        let words = report.filter.as_deref().unwrap_or(&report.resources);
        return format!("NO SECRET AMONG THE OBJECTS LOOKED AT ({})\n", terminal(words));
    }
    if let Some(pieces) = pieces_alone(evidence) {
        return format!("{pieces} CAN BE READ FROM {what} WITHOUT ANY KEY{scope}\n");
    }
    if readable.total == 0 {
        return none_found(evidence, report, what, is_all_read);
    }
    let secrets = with_noun(readable.total).to_uppercase();
    if !has_tree {
        let why = match evidence.facts.database() {
            Some(database) if database.active_meta.is_none() => "no valid meta page says which pages are in use",
            Some(_) => "the part of the file that says so is lost",
            None if evidence.facts.raft_snapshot().is_some() => "that is in the database, not in a raft snapshot",
            None => "that is in the database, not in the log",
        };
        return format!(
            "{secrets} CAN BE READ FROM {what} WITHOUT ANY KEY{scope}\n  Which of them exist now is not known, {why}: treat them as in use.\n",
        );
    }
    let replaced = match readable.replaced {
        Count::ZERO => String::new(),
        n => {
            let of_them = if n == readable.existing.total() { String::new() } else { format!("{} of them ", thousands(n)) };
            format!(" ({of_them}{} before being deleted and made again)", verb(n, "as it was", "as they were"))
        }
    };
    let unknown = match readable.unknown.total() {
        Count::ZERO => String::new(),
        n if evidence.not_known.total() > 0 => {
            format!("; of {} neither is known, {}: treat them as in use", thousands(n), why_not_known(evidence))
        }
        n => format!("; of {} neither is known: treat them as in use", thousands(n)),
    };
    let ahead = match readable.ahead {
        Count::ZERO => String::new(),
        n => format!("; {} more {} in the log and not in the database yet", thousands(n), verb(n, "is", "are")),
    };
    let never = never_carried_out(readable);
    let tree = of_tree(evidence);
    format!(
        "{secrets} CAN BE READ FROM {what} WITHOUT ANY KEY{scope}\n  {} of the {}{in_scope} that {}{tree}{replaced}, and {} deleted{unknown}{ahead}{never}.\n",
        thousands(readable.existing.total()),
        thousands(existing),
        verb(existing, "exists", "exist"),
        thousands(readable.deleted.total()),
    )
}

/// Secrets that stand in writes that were never carried out, or perhaps never, and nowhere else.
fn never_carried_out(readable: &Readable) -> String {
    let each = [(readable.perhaps_never, "perhaps never"), (readable.never, "never")].into_iter().filter(|(n, _)| *n > 0);
    let in_words = |(n, how): (Count<Secrets>, &str)| {
        let (stands, were) = (verb(n, "stands", "stand"), verb(n, "a write that was", "writes that were"));
        format!("; {} more {stands} in the log alone, in {were} {how} carried out", thousands(n))
    };
    each.map(in_words).collect()
}

/// No Secret can be read: what was looked at, and how many exist.
fn none_found(evidence: &EvidenceReport, report: &Report, what: &str, is_all_read: bool) -> String {
    let (scope, in_scope, existing) = (scope(report), in_scope(report), evidence.secrets.total());
    let unknown = match evidence.secrets.unknown {
        Count::ZERO => String::new(),
        n => format!("; {} {} stored in a form not known here", thousands(n), verb(n, "is", "are")),
    };
    let place = match evidence.facts.residue_mode() {
        Some(ResidueMode::Off) => format!("THE TREE OF {what}"),
        _ if !is_all_read => format!("WHAT COULD BE READ OF {what}"),
        _ => what.to_owned(),
    };
    if !evidence.facts.has_tree() {
        return format!("NO PLAINTEXT SECRET FOUND IN {place}{scope}\n");
    }
    let exist = format!("{}{in_scope} {}{}", with_noun(existing), verb(existing, "exists", "exist"), of_tree(evidence));
    let not_known = match evidence.not_known.total() {
        Count::ZERO => String::new(),
        n => format!("; of {}{in_scope} it is not known, {}", thousands(n), why_not_known(evidence)),
    };
    format!("NO PLAINTEXT SECRET FOUND IN {place}{scope}\n  {exist}{unknown}{not_known}.\n")
}

/// Where what exists was counted, if that is not all of the tree.
fn of_tree(evidence: &EvidenceReport) -> &'static str {
    match evidence.facts.database().map(|database| database.key_tree) {
        Some(KeyTree::Partial) => " in what can be read of the tree",
        _ => "",
    }
}

/// Why it is not known what keys are now that the database has.
fn why_not_known(evidence: &EvidenceReport) -> &'static str {
    match evidence.facts.database().is_some_and(|database| database.lacks_entries) {
        true => "entries of its log that may write or delete them are not there",
        false => "the database has not applied all of its log",
    }
}

/// Pieces of Secrets whose names are lost, where nothing else of Secrets can be read.
pub(super) fn pieces_alone(evidence: &EvidenceReport) -> Option<String> {
    let pieces = evidence.unnamed_secrets.count;
    let of = verb(pieces, "A SECRET WHOSE NAME IS LOST", "SECRETS WHOSE NAMES ARE LOST");
    (evidence.readable.total == 0 && pieces > 0).then(|| format!("{} OF {of}", with_noun(pieces).to_uppercase()))
}

/// What a headline says of the scope, where a filter was given.
pub(super) fn scope(report: &Report) -> String {
    report.filter.as_deref().map_or(String::new(), |filter| format!(", IN SCOPE: {}", terminal(filter)))
}

/// What the last line says of it.
pub(super) fn within(report: &Report) -> String {
    report.filter.as_deref().map_or(String::new(), |filter| format!(" in scope ({})", terminal(filter)))
}

/// Pieces of plaintext of which it cannot be told whether they are in scope; nothing where there are none.
pub(super) fn not_placed<'a>(evidences: impl IntoIterator<Item = &'a EvidenceReport>) -> String {
    let mut sum = Sum::default();
    evidences.into_iter().for_each(|evidence| sum.merge(evidence.not_placed));
    match sum.count {
        Count::ZERO => String::new(),
        n if n == 1 => {
            format!("A piece of plaintext of {} has lost its name: whether it is in scope cannot be told\n", counted(sum.bytes, "byte"))
        }
        n => format!(
            "{} pieces of plaintext, {}, have lost their names: whether they are in scope cannot be told\n",
            thousands(n),
            counted(sum.bytes, "byte")
        ),
    }
}

/// What counts say of the scope, where a filter was given.
pub(super) fn in_scope(report: &Report) -> &'static str {
    if report.filter.is_some() { " in scope" } else { "" }
}
