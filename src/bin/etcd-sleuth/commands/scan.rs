//! `scan`: how every Secret is stored, and what is this file?

use std::io::Write;
use std::path::{Path, PathBuf};

use etcd_sleuth::analysis::{
    self, Beside, CarveList, Carving, Clusters, Compared, Facts, List, LogList, LogSurvey, NotADatabase, Options, Progress, Role, Settle,
    Survey, Tally,
};
use etcd_sleuth::evidence::Evidence;
use etcd_sleuth::finding::{Condition, FailOn, Outcome};
use etcd_sleuth::kubernetes::Prefixes;
use etcd_sleuth::report::readable::Around;
use etcd_sleuth::report::records::{AnomalyRecord, EvidenceRecord};
use etcd_sleuth::report::{EvidenceReport, Report, csv, text};

use super::directory;
use super::sink::{Sink, rows};
use crate::args::{Format, Global, Looking, ScanArgs, Writing};
use crate::guard::{self, Bug};
use crate::output::{self, Output};
use crate::shrinking;

/// Secrets that can be read, listed by name in the text.
const NAMED: usize = 20;

pub(crate) fn run(args: &ScanArgs, global: &Global) -> anyhow::Result<u8> {
    // What one file holds is held against others only where there are others.
    let options = Options { history: args.files.len() > 1, ..args.options() };
    let mut scan = Scan::new(options, &args.looking, &args.writing, &args.files, global)?;
    for path in &args.files {
        let scanned = guard::input(path, || if path.is_dir() { directory::scan(&mut scan, path) } else { scan.file(path) });
        scan.pass(scanned)?;
    }
    scan.finish(args.looking.exit_zero)
}

/// A run over the inputs.
pub(super) struct Scan<'a> {
    pub(super) options: Options,
    global: &'a Global,
    fail_on: FailOn,
    sink: Sink,
    rotate_list: Option<Output>,
    clusters: Clusters,
    /// How many Secrets that can be read are listed by name.
    named: usize,
    pub(super) report: Report,
    pub(super) outcome: Outcome,
}

impl<'a> Scan<'a> {
    pub(super) fn new(
        options: Options,
        looking: &Looking,
        writing: &Writing,
        inputs: &[PathBuf],
        global: &'a Global,
    ) -> anyhow::Result<Self> {
        let rotate_list = looking.rotate_list.as_deref().map(|path| Output::open(Some(path), writing.force, inputs)).transpose()?;
        Ok(Self {
            report: Report { resources: looking.resources.clone(), filter: options.filter(), ..Report::default() },
            options,
            global,
            fail_on: looking.fail_on(),
            sink: Sink::open(writing, global, inputs)?,
            named: if rotate_list.is_some() { usize::MAX } else { NAMED },
            rotate_list,
            clusters: Clusters::default(),
            outcome: Outcome::default(),
        })
    }
}

impl Scan<'_> {
    /// Gives what was made of an input. One that could not be analysed is told, and the run goes on with the others.
    pub(super) fn pass<T>(&mut self, scanned: anyhow::Result<T>) -> anyhow::Result<Option<T>> {
        match scanned {
            Ok(scanned) => return Ok(Some(scanned)),
            Err(error) if output::is_broken_pipe(&error) => return Err(error),
            Err(error) => {
                output::error(&error);
                self.report.not_analysed.push(format!("{error:#}"));
                self.outcome.open(Condition::InputFailed);
                if error.downcast_ref::<Bug>().is_some() {
                    // Its records may be half written, and its number is not another's.
                    self.outcome.open(Condition::InternalError);
                    self.report.abandon();
                }
            }
        }
        Ok(None)
    }

    /// How many Secrets that can be read are listed by name.
    pub(super) fn named(&self) -> usize {
        self.named
    }

    pub(super) fn open(&self, path: &Path) -> anyhow::Result<Evidence> {
        shrinking::note(path);
        Ok(Evidence::open(path, &self.global.limits())?)
    }

    /// Shows how far `work` has come.
    pub(super) fn progress<T>(&self, path: &Path, work: impl FnOnce(&Progress) -> T) -> T {
        let show = !self.global.quiet && !self.global.no_progress;
        output::with_progress(show, &path.display().to_string(), work)
    }

    /// A file given by itself.
    fn file(&mut self, path: &Path) -> anyhow::Result<()> {
        let evidence = self.open(path)?;
        let evidence = match self.database(&evidence, Role::File) {
            Ok(scanned) => {
                let (survey, tally) = scanned?;
                EvidenceReport::new(survey, tally, self.named)
            }
            Err(_) if analysis::is_raft_snapshot(&evidence) => self.raft_snapshot(&evidence, Role::File)?,
            Err(_) if analysis::is_segment(&evidence) => {
                let mut log = self.survey_log(&[&evidence], Beside::default());
                let tally = self.segment(&mut log, 0)?;
                let around = Around { prefixes: &log.prefixes, existing: None };
                let Some(segment) = log.segments.pop() else { return Ok(()) };
                EvidenceReport::of(segment.facts, segment.anomalies, tally, &around, self.named)
            }
            Err(error) => return Err(error.into()),
        };
        self.end(&evidence)?;
        self.text(|report| text::scan(&evidence, report))?;
        self.report.add(evidence);
        Ok(())
    }

    /// The first pass over a log.
    pub(super) fn survey_log<'data>(&self, segments: &[&'data Evidence], beside: Beside<'_, 'data>) -> LogSurvey<'data> {
        let path = segments.first().map_or(Path::new(""), |evidence| evidence.path());
        self.progress(path, |progress| analysis::survey_log(segments, beside, &self.options, progress))
    }

    /// Both passes over a database: writes its rows, and gives their counts. The second pass runs beside the digest.
    pub(super) fn database<'data>(
        &mut self,
        evidence: &'data Evidence,
        role: Role,
    ) -> Result<anyhow::Result<(Survey<'data>, Tally<'data>)>, NotADatabase> {
        let number = self.report.next_number();
        let Self { options, global, sink, clusters, .. } = self;
        let show = !global.quiet && !global.no_progress;
        let format = sink.format;
        let (mut survey, listed) = output::with_progress(show, &evidence.path().display().to_string(), |progress| {
            analysis::survey_and(evidence, options, progress, |survey, settle| {
                let compared = clusters.compare(survey);
                let mut held = Held { sink, number, role, compared, settle: Some(settle), lines: Vec::new() };
                let (tally, anomalies) = List::new(survey, &options.scope).run(rows(format, number), |lines| held.rows(lines))?;
                held.settle()?;
                Ok::<_, anyhow::Error>((tally, anomalies, held.compared))
            })
        })?;
        survey.facts.role = role;
        Ok(listed.map(|(tally, anomalies, compared)| {
            clusters.keep(number, &mut survey, compared);
            survey.add_anomalies(anomalies);
            (survey, tally)
        }))
    }

    /// Writes the rows of a segment, and gives their counts.
    pub(super) fn segment<'data>(&mut self, log: &mut LogSurvey<'data>, segment: usize) -> anyhow::Result<Tally<'data>> {
        let number = self.report.next_number();
        if let Some(segment) = log.segments.get(segment) {
            self.sink.record("evidence", &EvidenceRecord::new(number, &segment.facts))?;
        }
        let sink = &mut self.sink;
        let list = LogList::new(log, &self.options.scope);
        let (tally, anomalies) = list.run(segment, rows(sink.format, number), |lines| sink.out.rows(sink.format, lines))?;
        if let Some(segment) = log.segments.get_mut(segment) {
            segment.add_anomalies(anomalies);
        }
        Ok(tally)
    }

    /// Writes the records of a raft snapshot, up to its anomalies.
    pub(super) fn raft_snapshot(&mut self, evidence: &Evidence, role: Role) -> anyhow::Result<EvidenceReport> {
        let read = |progress: &Progress| analysis::read_raft_snapshot(evidence, &self.options, progress);
        let (mut facts, anomalies) = self.progress(evidence.path(), read);
        facts.role = role;
        self.sink.record("evidence", &EvidenceRecord::new(self.report.next_number(), &facts))?;
        let around = Around { prefixes: &Prefixes::default(), existing: None };
        Ok(EvidenceReport::of(facts, anomalies, Tally::default(), &around, self.named))
    }

    /// Writes the last records of an evidence, and judges it.
    pub(super) fn end(&mut self, evidence: &EvidenceReport) -> anyhow::Result<()> {
        let number = self.report.next_number();
        for anomaly in &evidence.anomalies {
            self.sink.record("anomaly", &AnomalyRecord::new(number, anomaly))?;
        }
        evidence.judgement.add_to(&mut self.outcome, self.fail_on);
        Ok(())
    }

    /// Writes what is said to people of an input.
    pub(super) fn text(&mut self, text: impl FnOnce(&Report) -> String) -> anyhow::Result<()> {
        if self.sink.format == Format::Text && !self.sink.quiet {
            if !self.report.readable.is_empty() {
                self.sink.out.output.write_all(b"\n")?;
            }
            self.sink.out.output.write_all(text(&self.report).as_bytes())?;
        }
        Ok(())
    }

    /// Writes the rows of an image, and gives their counts.
    pub(super) fn image<'data>(&mut self, carving: &Carving<'data>) -> anyhow::Result<Tally<'data>> {
        let number = self.report.next_number();
        self.sink.record("evidence", &EvidenceRecord::new(number, &carving.facts))?;
        let sink = &mut self.sink;
        let list = CarveList::new(carving, &self.options.scope);
        Ok(list.run(rows(sink.format, number), |lines| sink.out.rows(sink.format, lines))?)
    }

    pub(super) fn finish(mut self, exit_zero: bool) -> anyhow::Result<u8> {
        if let Some(mut list) = self.rotate_list.take() {
            list.write_all(&csv::rotate_list(&self.report)?)?;
            list.finish()?;
        }
        if self.report.evidences.is_empty() {
            self.outcome.open(Condition::NothingAnalysed);
        }
        if self.report.unmatched_filter().is_some() {
            self.outcome.open(Condition::NothingInScope);
        }
        let status = text::status_line(&self.report, &self.outcome);
        self.sink.finish(&self.report, &self.outcome, &status)?;
        let code = self.outcome.exit_code();
        Ok(if exit_zero && code != 1 { 0 } else { code })
    }
}

/// Rows of an evidence whose own record, with its digest, has to come first and cannot be written yet.
struct Held<'a> {
    sink: &'a mut Sink,
    number: usize,
    role: Role,
    compared: Option<Vec<Compared>>,
    settle: Option<Settle<'a>>,
    lines: Vec<u8>,
}

impl Held<'_> {
    /// Bytes that are held before the digest is waited for.
    const MOST: usize = 32 << 20;

    fn rows(&mut self, lines: &[u8]) -> std::io::Result<()> {
        if self.settle.is_none() || self.lines.len().saturating_add(lines.len()) > Self::MOST {
            self.settle()?;
            return self.sink.out.rows(self.sink.format, lines);
        }
        self.lines.extend_from_slice(lines);
        Ok(())
    }

    fn settle(&mut self) -> std::io::Result<()> {
        if let Some(settle) = self.settle.take() {
            let facts = settle();
            let compared = self.compared.clone().map(|compared| analysis::settled(compared, &facts));
            let facts = Facts { role: self.role, compared, ..facts };
            self.sink.record("evidence", &EvidenceRecord::new(self.number, &facts))?;
            self.sink.out.rows(self.sink.format, &std::mem::take(&mut self.lines))?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics fails")]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Args, Command};

    #[test]
    fn a_panic_over_one_input_leaves_the_others_their_answer_and_is_said_in_the_result() {
        guard::install();
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out.jsonl");
        let good = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/migration.db");
        let args = ["etcd-sleuth", "scan", "--no-progress", "--format", "jsonl", "-o", out.to_str().unwrap(), good.to_str().unwrap()];
        let Args { global, command: Command::Scan(args) } = Args::try_parse_from(args).unwrap() else { panic!("a scan") };
        let mut scan = Scan::new(args.options(), &args.looking, &args.writing, &args.files, &global).unwrap();
        for is_bad in [false, true, false] {
            let scanned = guard::input(&good, || {
                assert!(!is_bad, "hunter2");
                scan.file(&good)
            });
            scan.pass(scanned).unwrap();
        }
        assert_eq!(scan.finish(false).unwrap(), 2, "plaintext was found in the others");
        let records: Vec<serde_json::Value> =
            std::fs::read_to_string(&out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let numbers: Vec<u64> =
            records.iter().filter(|record| record["record"] == "evidence").map(|record| record["evidence"].as_u64().unwrap()).collect();
        assert_eq!(numbers, [0, 2], "the number of the one that was given up is nobody's");
        let summary = records.last().unwrap();
        assert!(summary["conditions"].as_array().unwrap().iter().any(|condition| condition == "internal-error"), "{summary}");
        assert!(!summary.to_string().contains("hunter2"));
        assert_eq!(summary["not_analysed"].as_array().unwrap().len(), 1, "{summary}");
    }
}
