//! What `carve` says of an image.

use std::io::{self, Write};

use super::super::escape::terminal;
use super::first_screen::{named_secrets, types};
use super::headline::{in_scope, not_placed, pieces_alone, scope};
use super::key_label::distinct_labels;
use super::layout::{Screen, Tone};
use super::number::{counted, with_noun};
use super::scan::{beside_members, status_line};
use super::stored::stored;
use super::unread::{not_looked_at, warning};
use super::{against, block, file_lines, thousands};
use crate::evidence::count::{Count, Values};
use crate::evidence::words::path_word;
use crate::finding::Outcome;
use crate::report::readable::ReadableSecret;
use crate::report::{self, EvidenceReport, KeyReport, MemberReport, Render, Report};
use crate::store::MetaPage;

/// Rows of a table before the rest is only counted.
const ROWS: usize = 20;
/// Meta pages that are listed.
const META_PAGES: usize = 6;

/// What `carve` says: for each image what stands in it, then one line.
pub struct CarveText<'o> {
    out: Screen<'o>,
    is_quiet: bool,
    has_said: bool,
}

impl<'o> CarveText<'o> {
    /// `is_quiet`: only the last line.
    pub fn new(out: Screen<'o>, is_quiet: bool) -> Self {
        Self { out, is_quiet, has_said: false }
    }
}

impl Render for CarveText<'_> {
    fn member(&mut self, member: &MemberReport, report: &Report) -> io::Result<()> {
        let Some(image) = report.whole(member).filter(|_| !self.is_quiet) else { return Ok(()) };
        if std::mem::replace(&mut self.has_said, true) {
            self.out.write_all(b"\n")?;
        }
        self.out.write_all(carve(member, image, report).as_bytes())
    }

    fn end(&mut self, report: &Report, outcome: &Outcome) -> io::Result<()> {
        if !self.is_quiet {
            self.out.write_all(beside_members(report).as_bytes())?;
        }
        self.out.write_all(Tone::of_exit(outcome.exit_code()).paint(&status_line(report, outcome)).as_bytes())
    }
}

/// What `carve` says of one image.
fn carve(member: &MemberReport, evidence: &EvidenceReport, report: &Report) -> String {
    let mut out = headline(member, evidence, report);
    out.push_str(&warning(report.unread_of(member.id)));
    for part in report.parts(member) {
        block(&mut out, "File", &file_lines(&part.facts, &against(&part.anomaly_counts)));
    }
    block(&mut out, "Values", &[stored(report.parts(member))]);
    if let Some(form) = evidence.facts.image().and_then(|image| image.is) {
        out.push_str(&format!("NEXT  etcd-sleuth scan {} reads it as what it is: {}\n", path_word(&evidence.facts.path), form.in_words()));
    }
    block(&mut out, "Database", &meta_pages(evidence));
    out.push_str(&keys(&report.keys_of(member)));
    out.push_str(&not_placed(report.parts(member)));
    out.push_str(&types(&evidence.readable.types, in_scope(report)));
    let newest = |secret: &ReadableSecret| secret.revision.map_or("-".to_owned(), |revision| revision.to_string());
    out.push_str(&named_secrets(evidence, "", "newest revision", newest));
    out.push_str(&not_looked_at(report::not_looked_at(report.parts(member)), report.unread_of(member.id)));
    out
}

/// Whether Secrets can be read, and how many.
fn headline(member: &MemberReport, evidence: &EvidenceReport, report: &Report) -> String {
    let readable = &evidence.readable;
    let unmatched = report.filter.as_deref().filter(|_| evidence.is_out_of_scope());
    let pieces = pieces_alone(evidence);
    let said = match readable.total {
        Count::ZERO if pieces.is_some() => {
            format!("{} CAN BE READ FROM THESE BYTES WITHOUT ANY KEY{}\n", pieces.as_deref().unwrap_or_default(), scope(report))
        }
        Count::ZERO if unmatched.is_some() => format!("NOTHING IN THESE BYTES MATCHES: {}\n", terminal(unmatched.unwrap_or_default())),
        Count::ZERO if report.filter_without_secrets().is_some() => {
            format!("NO SECRET AMONG THE OBJECTS FOUND IN THESE BYTES ({})\n", terminal(report.filter.as_deref().unwrap_or_default()))
        }
        Count::ZERO if report.unread_of(member.id).next().is_some() || !evidence.facts.is_complete => {
            format!("NO PLAINTEXT SECRET FOUND IN WHAT COULD BE READ OF THESE BYTES{}\n", scope(report))
        }
        Count::ZERO => format!("NO PLAINTEXT SECRET FOUND IN THESE BYTES{}\n", scope(report)),
        n => format!("{} CAN BE READ FROM THESE BYTES WITHOUT ANY KEY{}\n", with_noun(n).to_uppercase(), scope(report)),
    };
    let mut out = if readable.total > 0 || pieces.is_some() { Tone::Bad } else { Tone::Open }.paint(&said);
    if readable.total > 0 && !evidence.facts.has_tree() {
        out.push_str(
            "  Whether they still exist, and whether the values are today's, bytes without their database do not say: treat as in use.\n",
        );
    }
    out
}

/// A line for each of the first keys; together they have as many values as are encrypted.
fn keys(keys: &[KeyReport]) -> String {
    let (listed, more) = keys.split_at(keys.len().min(ROWS));
    let mut out = String::new();
    for (key, label) in listed.iter().zip(distinct_labels(listed.iter().map(|key| &key.identity))) {
        let count = key.counts.total();
        out.push_str(&format!("  {:>9} {} under {label}\n", thousands(count), count.noun()));
    }
    if !more.is_empty() {
        let count: Count<Values> = more.iter().map(|key| key.counts.total()).sum();
        out.push_str(&format!("  {:>9} {} under {}\n", thousands(count), count.noun(), counted(more.len() as u64, "further key")));
    }
    out
}

/// The first meta pages of databases that stand in the bytes.
fn meta_pages(evidence: &EvidenceReport) -> Vec<String> {
    let listed: &[MetaPage] = evidence.facts.image().map(|image| image.pages.listed.as_slice()).unwrap_or_default();
    let line = |MetaPage { offset, meta, .. }: &MetaPage| {
        format!("meta page at offset {offset}: pages of {}, {} of them, transaction {}", meta.page_size, meta.high_water_mark, meta.txid)
    };
    listed.iter().take(META_PAGES).map(line).collect()
}
