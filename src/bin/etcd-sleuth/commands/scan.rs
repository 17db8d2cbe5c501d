//! `scan`: how every Secret is stored, and what is this file?

use std::io::Write;
use std::path::Path;

use etcd_sleuth::analysis::{self, List, Options};
use etcd_sleuth::evidence::Evidence;
use etcd_sleuth::finding::{Condition, Outcome};
use etcd_sleuth::report::records::{AnomalyRecord, EvidenceRecord, FindingRecord, KeyRecord, RunRecord, SummaryRecord, row_line};
use etcd_sleuth::report::{EvidenceReport, Report, csv, json, text};

use crate::args::{Format, Global, ScanArgs};
use crate::output::{self, Output};

/// Secrets that can be read, listed by name in the text.
const NAMED: usize = 20;

pub(crate) fn run(args: &ScanArgs, global: &Global) -> anyhow::Result<u8> {
    let options = args.options();
    let mut sink = Sink::open(args, global)?;
    let mut report = Report { resources: args.resources.clone(), ..Report::default() };
    let mut outcome = Outcome::default();
    for path in &args.files {
        match scan_one(path, &options, global, &mut sink, &report) {
            Ok(evidence) => {
                evidence.judgement.add_to(&mut outcome, args.fail_on());
                report.evidences.push(evidence);
            }
            Err(error) if output::is_broken_pipe(&error) => return Err(error),
            Err(error) => {
                output::error(&error);
                report.not_analysed.push(format!("{error:#}"));
                outcome.open(Condition::InputFailed);
            }
        }
    }
    if report.evidences.is_empty() {
        outcome.open(Condition::NothingAnalysed);
    }
    sink.finish(&report, &outcome)?;
    let code = outcome.exit_code();
    Ok(if args.exit_zero && code != 1 { 0 } else { code })
}

fn scan_one(path: &Path, options: &Options, global: &Global, sink: &mut Sink, report: &Report) -> anyhow::Result<EvidenceReport> {
    let number = report.evidences.len();
    let evidence = Evidence::open(path, &global.limits())?;
    let show = !global.quiet && !global.no_progress;
    let label = path.display().to_string();
    let mut survey = output::with_progress(show, &label, |progress| analysis::survey(&evidence, options, progress))?;
    sink.record("evidence", &EvidenceRecord::new(number, &survey.facts))?;
    let (tally, anomalies) = List::new(&survey, &options.scope).run(
        |row, out| {
            if sink.format != Format::Text {
                row_line(number, row, out);
            }
        },
        |lines| sink.out.rows(sink.format, lines),
    )?;
    survey.add_anomalies(anomalies);
    let evidence = EvidenceReport::new(survey, tally, NAMED);
    for anomaly in &evidence.anomalies {
        sink.record("anomaly", &AnomalyRecord::new(number, anomaly))?;
    }
    if sink.format == Format::Text && !sink.quiet {
        if number > 0 {
            sink.out.output.write_all(b"\n")?;
        }
        sink.out.output.write_all(text::scan(&evidence, report).as_bytes())?;
    }
    Ok(evidence)
}

/// Where a scan's results go, in the format that was asked for.
struct Sink {
    format: Format,
    quiet: bool,
    out: Rows,
}

/// The part of the sink that rows are streamed into.
struct Rows {
    output: Output,
    grouped: json::Grouped,
}

impl Sink {
    fn open(args: &ScanArgs, global: &Global) -> anyhow::Result<Self> {
        let output = Output::open(args.writing.output.as_deref(), args.writing.force)?;
        let mut sink = Self { format: args.writing.format, quiet: global.quiet, out: Rows { output, grouped: json::Grouped::default() } };
        sink.record("run", &RunRecord::new())?;
        if sink.format == Format::Csv {
            sink.out.output.write_all(&csv::header()?)?;
        }
        Ok(sink)
    }

    fn record<T: serde::Serialize>(&mut self, kind: &'static str, record: &T) -> std::io::Result<()> {
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

    fn finish(mut self, report: &Report, outcome: &Outcome) -> anyhow::Result<()> {
        for key in &report.keys() {
            self.record("key", &KeyRecord::new(key))?;
        }
        for (number, evidence) in report.evidences.iter().enumerate() {
            for finding in &evidence.judgement.findings {
                self.record("finding", &FindingRecord::new(number, finding))?;
            }
        }
        self.record("summary", &SummaryRecord::new(report, outcome))?;
        let status = text::status_line(report, outcome);
        if self.format == Format::Json {
            self.out.grouped.write(&mut self.out.output)?;
        }
        if self.format == Format::Text {
            self.out.output.write_all(status.as_bytes())?;
        } else if !self.out.output.is_stdout() && !self.quiet {
            eprint!("{status}");
        }
        self.out.output.finish()
    }
}

impl Rows {
    /// Takes the lines of `value` and `tombstone` records that one task wrote.
    fn rows(&mut self, format: Format, lines: &[u8]) -> std::io::Result<()> {
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
