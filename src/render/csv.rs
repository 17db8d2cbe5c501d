//! CSV: a table of one kind of record, with a column for each of its fields.

use std::io::{self, Write};

use super::escape;
use super::records::{KeyRecord, OptionValue, PageRunRecord, PlanRecord, RunInfo, ValueRecord};
use crate::collect::{Lines, RowKind};
use crate::evidence::EvidenceId;
use crate::evidence::words::path_text;
use crate::finding::Outcome;
use crate::pages::{PageMapReport, PageReport};
use crate::report::{KeyReport, Render, Report, RowContext, RowWriter};
use crate::row::Row;

/// Which records the table is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CsvTable {
    /// `value` records.
    Values,
    /// `key-use` records.
    KeyUses,
    /// `page-run` records.
    PageRuns,
    /// `plan` records.
    Plans,
}

impl CsvTable {
    /// The table of a command.
    fn of(run: &RunInfo) -> Self {
        match run.command {
            "keys" => Self::KeyUses,
            "pages" => Self::PageRuns,
            "verify" if run.options.get("plan") == Some(&OptionValue::Flag(true)) => Self::Plans,
            _ => Self::Values,
        }
    }
}

/// A run as one table.
pub(super) struct Csv<'o> {
    table: CsvTable,
    out: &'o mut dyn Write,
}

impl<'o> Csv<'o> {
    pub(super) fn new(run: &RunInfo, out: &'o mut dyn Write) -> Self {
        Self { table: CsvTable::of(run), out }
    }

    fn row(&mut self, cells: impl Iterator<Item = String>) -> io::Result<()> {
        let mut line = Vec::new();
        write_row(cells, &mut line)?;
        self.out.write_all(&line)
    }
}

impl Render for Csv<'_> {
    fn begin(&mut self) -> io::Result<()> {
        let names: Vec<&str> = match self.table {
            CsvTable::Values => ValueRecord::COLUMNS.iter().map(|(name, _)| *name).collect(),
            CsvTable::KeyUses => KeyRecord::COLUMNS.iter().map(|(name, _)| *name).collect(),
            CsvTable::Plans => PlanRecord::COLUMNS.iter().map(|(name, _)| *name).collect(),
            CsvTable::PageRuns => PageRunRecord::COLUMNS.iter().map(|(name, _)| *name).collect(),
        };
        self.row(names.into_iter().map(str::to_owned))
    }

    fn row_writer(&self) -> Option<RowWriter> {
        (self.table == CsvTable::Values).then_some(value_row as RowWriter)
    }

    fn rows(&mut self, lines: &Lines) -> io::Result<()> {
        self.out.write_all(lines.as_bytes())
    }

    fn key_use(&mut self, id: EvidenceId, key: &KeyReport) -> io::Result<()> {
        if self.table != CsvTable::KeyUses {
            return Ok(());
        }
        let record = KeyRecord::of_use(id, key);
        self.row(KeyRecord::COLUMNS.iter().map(|(_, cell)| cell(&record)))
    }

    fn end(&mut self, report: &Report, _outcome: &Outcome) -> io::Result<()> {
        let plan = report.verification.as_ref().map(|verification| &verification.plan).filter(|_| self.table == CsvTable::Plans);
        for record in plan.into_iter().flat_map(PlanRecord::of) {
            self.row(PlanRecord::COLUMNS.iter().map(|(_, cell)| cell(&record)))?;
        }
        Ok(())
    }

    fn page_map(&mut self, map: &PageMapReport) -> io::Result<()> {
        for run in &map.runs {
            let record = PageRunRecord::new(map.evidence, run);
            self.row(PageRunRecord::COLUMNS.iter().map(|(_, cell)| cell(&record)))?;
        }
        Ok(())
    }

    fn page(&mut self, _page: &PageReport<'_>) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "one page is explained in text alone; without --page the table lists all of them"))
    }
}

/// A value as a line of the table; a deletion is none.
fn value_row(context: RowContext<'_>, row: &Row<'_>, lines: &mut Lines) {
    let Row::Value(value) = row else { return };
    let record = ValueRecord::new(context, value);
    // Writing to memory does not fail.
    lines.add(RowKind::Value, |out| drop(write_row(ValueRecord::COLUMNS.iter().map(|(_, cell)| cell(&record)), out)));
}

/// The list for those who rotate, one line a Secret that can be read without a key, the most urgent of each input first.
///
/// # Errors
/// None in memory; the writer's interface has them.
pub fn rotate_list(report: &Report) -> io::Result<Vec<u8>> {
    let columns = ["input", "prefix", "namespace", "name", "type", "data", "readable_in", "newest_readable_revision", "exists"];
    let mut out = Vec::new();
    write_row(columns.iter().map(|name| (*name).to_owned()), &mut out)?;
    for (input, secret) in report.readable_secrets() {
        let text = |text: &str| escape::csv_cell(text).into_owned();
        let data: Vec<String> = secret.data.iter().map(|(name, length)| format!("{name}:{length}")).collect();
        write_row(
            [
                text(&path_text(input)),
                text(secret.prefix.as_deref().unwrap_or_default()),
                text(secret.namespace.as_deref().unwrap_or_default()),
                text(&secret.name),
                text(&secret.secret_type),
                text(&data.join(" ")),
                secret.places.join(" "),
                secret.revision.map(|revision| revision.to_string()).unwrap_or_default(),
                secret.exists.name().to_owned(),
            ]
            .into_iter(),
            &mut out,
        )?;
    }
    Ok(out)
}

fn write_row(cells: impl Iterator<Item = String>, out: &mut Vec<u8>) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new().from_writer(out);
    writer.write_record(cells)?;
    writer.flush()
}
