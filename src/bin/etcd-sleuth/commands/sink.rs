//! Where results go: records or text, to standard output or a file.

use std::io::Write;
use std::path::PathBuf;

use etcd_sleuth::analysis::Row;
use etcd_sleuth::finding::Outcome;
use etcd_sleuth::report::records::{FindingRecord, KeyRecord, RunRecord, SummaryRecord, row_line};
use etcd_sleuth::report::{Report, csv, json};

use crate::args::{Format, Global, Writing};
use crate::output::{self, Output};

/// Where a run's results go, in the format that was asked for.
pub(super) struct Sink {
    pub(super) format: Format,
    pub(super) quiet: bool,
    pub(super) out: Rows,
}

/// The part of the sink that rows are streamed into.
pub(super) struct Rows {
    pub(super) output: Output,
    grouped: json::Grouped,
}

impl Sink {
    pub(super) fn open(writing: &Writing, global: &Global, inputs: &[PathBuf]) -> anyhow::Result<Self> {
        let output = Output::open(writing.output.as_deref(), writing.force, inputs)?;
        let mut sink = Self { format: writing.format, quiet: global.quiet, out: Rows { output, grouped: json::Grouped::default() } };
        sink.record("run", &RunRecord::new())?;
        if sink.format == Format::Csv {
            sink.out.output.write_all(&csv::header()?)?;
        }
        Ok(sink)
    }

    pub(super) fn record<T: serde::Serialize>(&mut self, kind: &'static str, record: &T) -> std::io::Result<()> {
        let mut bytes = Vec::new();
        match self.format {
            Format::Jsonl => {
                json::line(record, &mut bytes);
                self.out.output.write_all(&bytes)
            }
            Format::Json => {
                json::value(record, &mut bytes);
                self.out.grouped.add(kind, &bytes);
                Ok(())
            }
            Format::Text | Format::Csv => Ok(()),
        }
    }

    /// Writes the last records, and the line that says what came of the run.
    pub(super) fn finish(mut self, report: &Report, outcome: &Outcome, status: &str) -> anyhow::Result<()> {
        for key in &report.keys() {
            self.record("key", &KeyRecord::new(key))?;
        }
        for (index, evidence) in report.evidences.iter().enumerate() {
            let number = report.number_of(index);
            for finding in &evidence.judgement.findings {
                self.record("finding", &FindingRecord::new(number, finding))?;
            }
        }
        self.record("summary", &SummaryRecord::new(report, outcome))?;
        if self.format == Format::Json {
            self.out.grouped.write(&mut self.out.output)?;
        }
        if self.format == Format::Text {
            self.out.output.write_all(status.as_bytes())?;
        } else if !self.out.output.is_stdout() && !self.quiet {
            output::say(status);
        }
        self.out.output.finish()
    }
}

impl Rows {
    /// Takes the lines of `value` and `tombstone` records that one task wrote.
    pub(super) fn rows(&mut self, format: Format, lines: &[u8]) -> std::io::Result<()> {
        match format {
            Format::Text => Ok(()),
            Format::Jsonl => self.output.write_all(lines),
            Format::Json => {
                for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                    self.grouped.add(kind_of(line), line);
                }
                Ok(())
            }
            Format::Csv => {
                for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && kind_of(line) == "value") {
                    self.output.write_all(&csv::row(line)?)?;
                }
                Ok(())
            }
        }
    }
}

/// A row's record begins with its kind.
fn kind_of(line: &[u8]) -> &'static str {
    if line.starts_with(b"{\"record\":\"tombstone\"") { "tombstone" } else { "value" }
}

/// How a row of the evidence with this number is written.
pub(super) fn rows(format: Format, number: usize) -> impl Fn(&Row<'_>, &mut Vec<u8>) + Sync {
    move |row, out| {
        if format != Format::Text {
            row_line(number, row, out);
        }
    }
}
