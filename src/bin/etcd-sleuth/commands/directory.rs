//! `scan` of a data directory: the database, raft snapshots, the log, and what was left behind, as one answer.

use std::path::Path;

use etcd_sleuth::analysis::{Beside, Facts, LogSurvey, Role, Survey, Tally};
use etcd_sleuth::evidence::anomaly::Anomalies;
use etcd_sleuth::evidence::{DataDirectory, Part};
use etcd_sleuth::report::readable::Around;
use etcd_sleuth::report::{DirectoryReport, EvidenceReport, text};

use super::scan::Scan;

/// Scans every file of a directory that etcd made.
pub(super) fn scan(scan: &mut Scan<'_>, path: &Path) -> anyhow::Result<()> {
    let directory = DataDirectory::find(path)?;
    let passed = directory.passed_over.iter().map(|passed| format!("{} ({})", passed.path.display(), passed.why));
    scan.report.passed_over.extend(passed);
    let mut files = Vec::new();
    for file in &directory.files {
        match scan.open(&file.path) {
            Ok(evidence) => files.push((file.part, evidence)),
            Err(error) => scan.pass(Err(error))?,
        }
    }
    let of = |part: Part| files.iter().filter(move |(of, _)| *of == part).map(|(_, evidence)| evidence);
    let mut whole = Whole { first: scan.report.evidences.len(), ..Whole::default() };

    let mut database = None;
    for evidence in of(Part::Database) {
        match scan.database(evidence, Role::Member) {
            Ok(scanned) => {
                let (mut survey, tally) = scanned?;
                whole.database(scan, &mut survey, tally)?;
                database = Some(survey);
            }
            Err(error) => scan.pass(Err(error.into()))?,
        }
    }
    let mut snapshot_index = None;
    for evidence in of(Part::RaftSnapshot) {
        let report = scan.raft_snapshot(evidence, Role::Member)?;
        let sound = report.facts.raft_snapshot().filter(|snapshot| snapshot.crc_matches == Some(true));
        snapshot_index = snapshot_index.max(sound.and_then(|snapshot| snapshot.index));
        whole.part(scan, report)?;
    }
    let beside = Beside { database: database.as_ref(), snapshot_index };
    let mut log = scan.survey_log(&of(Part::Segment).collect::<Vec<_>>(), beside);
    whole.log(scan, &mut log, Role::Member)?;

    for evidence in of(Part::LeftoverDatabase) {
        match scan.database(evidence, Role::Leftover) {
            Ok(scanned) => {
                let (mut survey, tally) = scanned?;
                whole.database(scan, &mut survey, tally)?;
            }
            Err(error) => scan.pass(Err(error.into()))?,
        }
    }
    for evidence in of(Part::LeftoverRaftSnapshot) {
        let report = scan.raft_snapshot(evidence, Role::Leftover)?;
        whole.part(scan, report)?;
    }
    for evidence in of(Part::LeftoverSegment) {
        let mut leftover = scan.survey_log(&[evidence], beside);
        whole.log(scan, &mut leftover, Role::Leftover)?;
    }
    whole.finish(
        scan,
        path,
        &Around {
            prefixes: database.as_ref().map_or(&log.prefixes, |survey| &survey.prefixes),
            keyspace: database.as_ref().and_then(Survey::existing),
        },
    )
}

/// What the evidences of a directory add up to.
#[derive(Default)]
struct Whole<'data> {
    first: usize,
    tally: Tally<'data>,
    /// Those of the database, or else of the first part.
    facts: Option<Facts>,
}

impl<'data> Whole<'data> {
    fn database(&mut self, scan: &mut Scan<'_>, survey: &mut Survey<'data>, tally: Tally<'data>) -> anyhow::Result<()> {
        match survey.facts.role {
            Role::Leftover => self.tally.expose_leftover(tally.clone()),
            Role::File | Role::Member => self.tally.merge(tally.clone()),
        }
        let anomalies = std::mem::take(&mut survey.anomalies);
        let around = Around { prefixes: &survey.prefixes, keyspace: survey.existing() };
        self.part(scan, EvidenceReport::of(survey.facts.clone(), anomalies, tally, &around, scan.named()))
    }

    fn log(&mut self, scan: &mut Scan<'_>, log: &mut LogSurvey<'data>, role: Role) -> anyhow::Result<()> {
        for number in 0..log.segments.len() {
            if let Some(segment) = log.segments.get_mut(number) {
                segment.facts.role = role;
            }
            let tally = scan.segment(log, number)?;
            self.tally.merge(tally.clone());
            let Some(segment) = log.segments.get_mut(number) else { continue };
            let anomalies = std::mem::take(&mut segment.anomalies);
            let around = Around { prefixes: &log.prefixes, keyspace: None };
            self.part(scan, EvidenceReport::of(segment.facts.clone(), anomalies, tally, &around, scan.named()))?;
        }
        Ok(())
    }

    fn part(&mut self, scan: &mut Scan<'_>, report: EvidenceReport) -> anyhow::Result<()> {
        self.facts.get_or_insert_with(|| report.facts.clone());
        scan.end(&report)?;
        scan.report.evidences.push(report);
        Ok(())
    }

    fn finish(self, scan: &mut Scan<'_>, path: &Path, around: &Around<'_>) -> anyhow::Result<()> {
        let Some(facts) = self.facts else { return Ok(()) };
        let whole = EvidenceReport::of(facts, Anomalies::default(), self.tally, around, scan.named());
        let directory = DirectoryReport { path: path.to_owned(), whole, first: self.first };
        scan.text(|report| text::directory(&directory, report))?;
        scan.report.readable.push((directory.path, directory.whole.readable));
        Ok(())
    }
}
