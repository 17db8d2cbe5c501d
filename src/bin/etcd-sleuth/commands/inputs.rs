//! Inputs that stay open together: files and data directories, each evidence with its number.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use etcd_sleuth::analysis::{self, Beside, Database, Facts, LogSurvey, NotADatabase, Options, Role, Scope, Survey, Tally};
use etcd_sleuth::envelope::Provider;
use etcd_sleuth::evidence::anomaly::Anomalies;
use etcd_sleuth::evidence::{DataDirectory, Evidence, Part};
use etcd_sleuth::finding::{Condition, Outcome};
use etcd_sleuth::report::readable::Around;
use etcd_sleuth::report::{EvidenceReport, Report};
use etcd_sleuth::verify::{Needs, Rows, Source};

use crate::args::Global;
use crate::guard::{self, Bug};
use crate::output;
use crate::shrinking;

/// Evidences in their order.
#[derive(Default)]
pub(super) struct Inputs {
    files: Vec<File>,
    failures: Failures,
    /// What in a data directory is not read, each with the reason.
    pub(super) passed_over: Vec<String>,
}

/// What could not be read, each with the reason.
#[derive(Default)]
struct Failures {
    reasons: Vec<String>,
    /// Whether one of them is a bug of this program.
    has_bug: bool,
}

impl Failures {
    fn tell(&mut self, error: &anyhow::Error) {
        output::error(error);
        self.reasons.push(format!("{error:#}"));
        self.has_bug |= error.downcast_ref::<Bug>().is_some();
    }
}

struct File {
    evidence: Evidence,
    part: Part,
    role: Role,
    group: usize,
}

/// Evidences after their first pass. A log has one survey for all of its segments.
pub(super) struct Surveyed<'data> {
    units: Vec<Unit<'data>>,
    contents: Vec<&'data [u8]>,
    paths: Vec<&'data Path>,
    failures: Failures,
}

enum Unit<'data> {
    Database { number: usize, group: usize, survey: Box<Survey<'data>> },
    Log { first: usize, group: usize, survey: Box<LogSurvey<'data>> },
    Snapshot { number: usize, facts: Box<Facts>, anomalies: Anomalies },
}

impl Inputs {
    /// Opens everything that can be opened, and tells what cannot.
    pub(super) fn open(paths: &[PathBuf], global: &Global) -> Self {
        let mut inputs = Self::default();
        for (group, path) in paths.iter().enumerate() {
            let opened =
                guard::input(path, || if path.is_dir() { inputs.directory(path, group, global) } else { inputs.file(path, group, global) });
            if let Err(error) = opened {
                inputs.failures.tell(&error);
            }
        }
        inputs
    }

    fn file(&mut self, path: &Path, group: usize, global: &Global) -> anyhow::Result<()> {
        shrinking::note(path);
        let evidence = Evidence::open(path, &global.limits())?;
        let part = match Database::open(&evidence) {
            Ok(_) => Part::Database,
            Err(_) if analysis::is_raft_snapshot(&evidence) => Part::RaftSnapshot,
            Err(_) if analysis::is_segment(&evidence) => Part::Segment,
            Err(error) => return Err(error.into()),
        };
        self.files.push(File { evidence, part, role: Role::File, group });
        Ok(())
    }

    fn directory(&mut self, path: &Path, group: usize, global: &Global) -> anyhow::Result<()> {
        let directory = DataDirectory::find(path)?;
        self.passed_over.extend(directory.passed_over.iter().map(|passed| format!("{} ({})", passed.path.display(), passed.why)));
        for file in &directory.files {
            let role = match file.part {
                Part::Database | Part::RaftSnapshot | Part::Segment => Role::Member,
                Part::LeftoverDatabase | Part::LeftoverRaftSnapshot | Part::LeftoverSegment => Role::Leftover,
            };
            shrinking::note(&file.path);
            let opened = Evidence::open(&file.path, &global.limits()).map_err(anyhow::Error::from).and_then(|evidence| {
                if matches!(file.part, Part::Database | Part::LeftoverDatabase) {
                    Database::open(&evidence)?;
                }
                Ok(evidence)
            });
            match opened {
                Ok(evidence) => self.files.push(File { evidence, part: file.part, role, group }),
                Err(error) => self.failures.tell(&error),
            }
        }
        Ok(())
    }

    /// The first pass over everything. `names`: keys' names that are known.
    pub(super) fn survey(&self, options: &Options, names: &[(Provider, String)], global: &Global) -> Surveyed<'_> {
        let mut surveyed = Surveyed {
            units: Vec::new(),
            contents: self.files.iter().map(|file| file.evidence.content()).collect(),
            paths: self.files.iter().map(|file| file.evidence.path()).collect(),
            failures: Failures::default(),
        };
        let mut index = 0usize;
        while let Some(file) = self.files.get(index) {
            let rest = self.files.get(index..).unwrap_or_default();
            // The segments of a directory are one log.
            let is_of_log = |other: &&File| other.part == Part::Segment && other.group == file.group;
            let taken = if file.part == Part::Segment { rest.iter().take_while(is_of_log).count() } else { 1 };
            let evidences: Vec<&Evidence> = rest.iter().take(taken).map(|file| &file.evidence).collect();
            let survey = || Ok(Unit::survey(index, file, &evidences, &surveyed.units, options, names, global)?);
            match guard::input(file.evidence.path(), survey) {
                Ok(unit) => surveyed.units.push(unit),
                Err(error) => surveyed.failures.tell(&error),
            }
            index = index.saturating_add(taken.max(1));
        }
        surveyed
    }

    /// What is said of everything that was surveyed and counted.
    pub(super) fn report<'data>(
        &self,
        surveyed: &Surveyed<'data>,
        tallies: &BTreeMap<usize, Tally<'data>>,
        resources: &str,
    ) -> anyhow::Result<Report> {
        let mut report = Report { resources: resources.to_owned(), ..Report::default() };
        report.not_analysed = [&self.failures, &surveyed.failures].into_iter().flat_map(|failures| failures.reasons.clone()).collect();
        report.passed_over.clone_from(&self.passed_over);
        surveyed.each(|number, facts, anomalies, around| {
            let tally = tallies.get(&number).cloned().unwrap_or_default();
            report.evidences.push(EvidenceReport::of(facts.clone(), anomalies.clone(), tally, around, 0));
            Ok(())
        })?;
        Ok(report)
    }

    /// What holds of the inputs themselves.
    pub(super) fn outcome(&self, surveyed: &Surveyed<'_>, report: &Report) -> Outcome {
        let mut outcome = Outcome::default();
        if !report.not_analysed.is_empty() {
            outcome.open(Condition::InputFailed);
        }
        if self.failures.has_bug || surveyed.failures.has_bug {
            outcome.open(Condition::InternalError);
        }
        if report.evidences.is_empty() {
            outcome.open(Condition::NothingAnalysed);
        }
        for evidence in &report.evidences {
            evidence.judgement.trust(|condition| outcome.open(condition));
        }
        outcome
    }
}

impl<'data> Unit<'data> {
    /// The first pass over a file, or over the segments of a log, of which it is the first.
    fn survey(
        number: usize,
        file: &'data File,
        segments: &[&'data Evidence],
        before: &[Unit<'data>],
        options: &Options,
        names: &[(Provider, String)],
        global: &Global,
    ) -> Result<Self, NotADatabase> {
        let File { evidence, part, role, group } = file;
        Ok(match part {
            Part::Database | Part::LeftoverDatabase => {
                let mut survey = progress(evidence, global, |progress| analysis::survey(evidence, options, progress))?;
                survey.facts.role = *role;
                survey.names.give(names.iter().cloned());
                Unit::Database { number, group: *group, survey: Box::new(survey) }
            }
            Part::RaftSnapshot | Part::LeftoverRaftSnapshot => {
                let (mut facts, anomalies) =
                    progress(evidence, global, |progress| analysis::read_raft_snapshot(evidence, options, progress));
                facts.role = *role;
                Unit::Snapshot { number, facts: Box::new(facts), anomalies }
            }
            Part::Segment | Part::LeftoverSegment => {
                let beside = beside(before, *group);
                let mut survey = progress(evidence, global, |progress| analysis::survey_log(segments, beside, options, progress));
                survey.segments.iter_mut().for_each(|segment| segment.facts.role = *role);
                survey.give_names(names);
                Unit::Log { first: number, group: *group, survey: Box::new(survey) }
            }
        })
    }

    /// Whether it is, or holds, the evidence of this number.
    fn holds(&self, number: usize) -> bool {
        match self {
            Unit::Database { number: of, .. } | Unit::Snapshot { number: of, .. } => *of == number,
            Unit::Log { first, survey, .. } => (*first..first.saturating_add(survey.segments.len())).contains(&number),
        }
    }
}

fn beside<'a, 'data>(units: &'a [Unit<'data>], group: usize) -> Beside<'a, 'data> {
    let mut beside = Beside::default();
    for unit in units {
        match unit {
            Unit::Database { group: of, survey, .. } if *of == group && survey.facts.role != Role::Leftover => {
                beside.database = Some(survey)
            }
            Unit::Snapshot { facts, .. } if facts.role == Role::Member => {
                beside.snapshot_index = beside.snapshot_index.max(facts.sound_snapshot_index());
            }
            _ => {}
        }
    }
    beside
}

fn progress<T>(evidence: &Evidence, global: &Global, work: impl FnOnce(&analysis::Progress) -> T) -> T {
    let show = !global.quiet && !global.no_progress;
    output::with_progress(show, &evidence.path().display().to_string(), work)
}

impl<'data> Surveyed<'data> {
    /// The evidences whose rows are read.
    pub(super) fn sources(&self) -> Vec<Source<'_, 'data>> {
        let mut sources = Vec::new();
        let mut add = |number: usize, group: usize, rows| {
            let content = self.contents.get(number).copied().unwrap_or_default();
            sources.push(Source { number, group, content, rows });
        };
        for unit in &self.units {
            match unit {
                Unit::Database { number, group, survey } => add(*number, *group, Rows::Database(survey)),
                Unit::Log { first, group, survey } => {
                    (0..survey.segments.len()).for_each(|index| add(first.saturating_add(index), *group, Rows::Log(survey, index)));
                }
                Unit::Snapshot { .. } => {}
            }
        }
        sources
    }

    /// Shows each evidence: its number, facts and anomalies, and what stands around its rows.
    pub(super) fn each(&self, mut show: impl FnMut(usize, &Facts, &Anomalies, &Around<'_>) -> anyhow::Result<()>) -> anyhow::Result<()> {
        for unit in &self.units {
            match unit {
                Unit::Database { number, survey, .. } => {
                    let around = Around { prefixes: &survey.prefixes, existing: survey.existing() };
                    show(*number, &survey.facts, &survey.anomalies, &around)?;
                }
                Unit::Log { first, survey, .. } => {
                    for (index, segment) in survey.segments.iter().enumerate() {
                        let around = Around { prefixes: &survey.prefixes, existing: None };
                        show(first.saturating_add(index), &segment.facts, &segment.anomalies, &around)?;
                    }
                }
                Unit::Snapshot { number, facts, anomalies } => {
                    let around = Around { prefixes: &etcd_sleuth::kubernetes::Prefixes::default(), existing: None };
                    show(*number, facts, anomalies, &around)?;
                }
            }
        }
        Ok(())
    }

    /// Reads every value in scope: what they need, and each evidence's counts. An evidence that cannot be read is taken out.
    pub(super) fn count(&mut self, scope: &Scope) -> (Needs<'data>, BTreeMap<usize, Tally<'data>>) {
        let (mut needs, mut tallies) = (Needs::default(), BTreeMap::new());
        let path_of = |number: usize| self.paths.get(number).copied().unwrap_or(Path::new(""));
        let read = |source: &Source<'_, 'data>| (source.number, guard::input(path_of(source.number), || Ok(needs.read(source, scope))));
        let counted: Vec<_> = self.sources().iter().map(read).collect();
        for (number, counted) in counted {
            match counted {
                Ok((tally, anomalies)) => {
                    self.add_anomalies(number, anomalies);
                    tallies.insert(number, tally);
                }
                Err(error) => {
                    self.failures.tell(&error);
                    self.units.retain(|unit| !unit.holds(number));
                }
            }
        }
        (needs, tallies)
    }

    /// Adds what the second pass found odd.
    fn add_anomalies(&mut self, number: usize, found: Anomalies) {
        for unit in &mut self.units {
            match unit {
                Unit::Database { number: of, survey, .. } if *of == number => return survey.add_anomalies(found),
                Unit::Log { first, survey, .. } => {
                    let segment = number.checked_sub(*first).and_then(|index| survey.segments.get_mut(index));
                    if let Some(segment) = segment {
                        return segment.add_anomalies(found);
                    }
                }
                _ => {}
            }
        }
    }
}
