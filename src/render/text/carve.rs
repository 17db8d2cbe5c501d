//! What `carve` says of an image.

use std::io::{self, Write};

use super::super::escape::terminal;
use super::first_screen::types;
use super::headline::{in_scope, not_placed, scope};
use super::key_label::distinct_labels;
use super::layout::{Screen, Tone};
use super::number::with_noun;
use super::scan::status_line;
use super::table::{Table, name};
use super::unread::{not_looked_at, warning};
use super::{against, block, file_lines, thousands};
use crate::evidence::count::{Count, Fragments, Values};
use crate::finding::Outcome;
use crate::report::{EvidenceReport, MemberReport, Render, RenderPages, Report};
use crate::row::Form;
use crate::store::MetaPage;

/// Rows of a table before the rest is only counted.
const ROWS: usize = 20;

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
        self.out.write_all(Tone::of_exit(outcome.exit_code()).paint(&status_line(report, outcome)).as_bytes())
    }
}

impl RenderPages for CarveText<'_> {}

/// What `carve` says of one image.
fn carve(member: &MemberReport, evidence: &EvidenceReport, report: &Report) -> String {
    let readable = &evidence.readable;
    let unmatched = report.filter.as_deref().filter(|_| evidence.is_out_of_scope());
    let mut out = match readable.total {
        Count::ZERO if unmatched.is_some() => format!("NOTHING IN THESE BYTES MATCHES: {}\n", terminal(unmatched.unwrap_or_default())),
        Count::ZERO if report.unread_of(member.id).next().is_some() => {
            format!("NO PLAINTEXT SECRET FOUND IN WHAT COULD BE READ OF THESE BYTES{}\n", scope(report))
        }
        Count::ZERO => format!("NO PLAINTEXT SECRET FOUND IN THESE BYTES{}\n", scope(report)),
        n => format!("{} CAN BE READ FROM THESE BYTES WITHOUT ANY KEY{}\n", with_noun(n).to_uppercase(), scope(report)),
    };
    out = if readable.total > 0 { Tone::Bad } else { Tone::Open }.paint(&out);
    if readable.total > 0 && !evidence.facts.has_tree() {
        out.push_str(
            "  Whether they still exist, and whether the values are today's, bytes without their database do not say: treat as in use.\n",
        );
    }
    out.push_str(&warning(report.unread_of(member.id)));
    for part in report.parts(member) {
        block(&mut out, "File", &file_lines(&part.facts, &against(&part.anomaly_counts)));
    }
    let count = |protection| {
        let of = report.parts(member).flat_map(|part| &part.values).filter(|((_, _, kind), _)| *kind == protection);
        of.map(|(_, count)| *count).sum::<Count<Values>>()
    };
    let values = [(Form::Plaintext, "in plaintext"), (Form::Encrypted, "encrypted"), (Form::Unknown, "of no known form")];
    let values: Vec<String> = values
        .iter()
        .map(|(kind, what)| (count(*kind), what))
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{} {what}", thousands(n)))
        .collect();
    let fragments: Count<Fragments> = report.parts(member).map(|part| part.fragments.count).sum();
    let values = if values.is_empty() { "none".to_owned() } else { values.join(", ") };
    block(&mut out, "Values", &[format!("{values}; {} of them not proven whole", thousands(fragments))]);
    let metas: &[MetaPage] = evidence.facts.image().map(|image| image.pages.listed.as_slice()).unwrap_or_default();
    let lines: Vec<String> = metas
        .iter()
        .take(6)
        .map(|page| {
            let meta = &page.meta;
            format!(
                "meta page at offset {}: pages of {}, {} of them, transaction {}",
                page.offset, meta.page_size, meta.high_water_mark, meta.txid
            )
        })
        .collect();
    block(&mut out, "Database", &lines);
    let keys = evidence.keys.iter().take(ROWS);
    for (key, label) in keys.clone().zip(distinct_labels(keys.map(|key| &key.identity))) {
        let count = key.counts.total();
        out.push_str(&format!("  {:>9} {} under {label}\n", thousands(count), count.noun()));
    }
    out.push_str(&not_placed(report.parts(member)));
    out.push_str(&types(&readable.types, in_scope(report)));
    if !readable.first.is_empty() {
        let has_prefixes = evidence.facts.prefixes.len() > 1;
        let columns = ["prefix", "Secret", "type", "newest revision"];
        let mut table = Table::new(columns.get(usize::from(!has_prefixes)..).unwrap_or_default());
        for secret in readable.first.iter().take(ROWS) {
            let revision = secret.revision.map_or("-".to_owned(), |revision| revision.to_string());
            let prefix = has_prefixes.then(|| name(secret.prefix.as_deref().unwrap_or("-")).into_owned());
            table.add_row(prefix.into_iter().chain([name(&secret.label).into_owned(), name(&secret.secret_type).into_owned(), revision]));
        }
        out.push_str(&format!("\nSecrets that can be read\n{table}\n"));
        let more = readable.total.without(Count::of_len(readable.first.len().min(ROWS)));
        if more > 0 {
            out.push_str(&format!("  and {} more: --rotate-list FILE lists all of them\n", thousands(more)));
        }
    }
    let general = [
        "encrypted parts of these bytes, and compressed ones of other formats than gzip, zstd, zip, xz and bzip2",
        "values under another encoding",
    ]
    .map(str::to_owned);
    out.push_str(&not_looked_at(general.to_vec(), report.unread_of(member.id)));
    out
}
