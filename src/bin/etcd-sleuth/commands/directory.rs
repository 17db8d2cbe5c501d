//! `scan` of a data directory: the database, raft snapshots, the log, and what was left behind, as one answer.

use std::path::Path;

use etcd_sleuth::analysis::{Beside, Facts, Role, Survey, Tally};
use etcd_sleuth::evidence::anomaly::Anomalies;
use etcd_sleuth::evidence::{DataDirectory, Evidence, Part};
use etcd_sleuth::kubernetes::Prefixes;
use etcd_sleuth::report::readable::Around;
use etcd_sleuth::report::{DirectoryReport, EvidenceReport, text};

use super::scan::Scan;
use crate::guard;

/// Scans every file of a directory that etcd made.
pub(super) fn scan(scan: &mut Scan<'_>, path: &Path) -> anyhow::Result<()> {
    let directory = DataDirectory::find(path)?;
    let passed = directory.passed_over.iter().map(|passed| format!("{} ({})", passed.path.display(), passed.why));
    scan.report.passed_over.extend(passed);
    let mut files = Vec::new();
    for file in &directory.files {
        match scan.open(&file.path) {
            Ok(evidence) => files.push((file.part, evidence)),
            Err(error) => drop(scan.pass::<()>(Err(error))?),
        }
    }
    let of = |part: Part| files.iter().filter(move |(of, _)| *of == part).map(|(_, evidence)| evidence);
    let mut whole = Whole { first: scan.report.evidences.len(), ..Whole::default() };

    let mut database = None;
    for evidence in of(Part::Database) {
        let scanned = guard::input(evidence.path(), || whole.database(scan, evidence, Role::Member));
        database = scan.pass(scanned)?;
    }
    let mut snapshot_index = None;
    for evidence in of(Part::RaftSnapshot) {
        let index = guard::input(evidence.path(), || whole.raft_snapshot(scan, evidence, Role::Member));
        snapshot_index = snapshot_index.max(scan.pass(index)?.flatten());
    }
    let beside = Beside { database: database.as_ref(), snapshot_index };
    let segments: Vec<&Evidence> = of(Part::Segment).collect();
    let first = segments.first().map_or(path, |evidence| evidence.path());
    let log = guard::input(first, || whole.log(scan, &segments, beside, Role::Member));
    let log_prefixes = scan.pass(log)?.unwrap_or_default();

    for evidence in of(Part::LeftoverDatabase) {
        let scanned = guard::input(evidence.path(), || whole.database(scan, evidence, Role::Leftover));
        scan.pass(scanned)?;
    }
    for evidence in of(Part::LeftoverRaftSnapshot) {
        let scanned = guard::input(evidence.path(), || whole.raft_snapshot(scan, evidence, Role::Leftover));
        scan.pass(scanned)?;
    }
    for evidence in of(Part::LeftoverSegment) {
        let scanned = guard::input(evidence.path(), || whole.log(scan, &[evidence], beside, Role::Leftover));
        scan.pass(scanned)?;
    }
    whole.finish(
        scan,
        path,
        &Around {
            prefixes: database.as_ref().map_or(&log_prefixes, |survey| &survey.prefixes),
            existing: database.as_ref().and_then(Survey::existing),
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
    fn database(&mut self, scan: &mut Scan<'_>, evidence: &'data Evidence, role: Role) -> anyhow::Result<Survey<'data>> {
        let (mut survey, tally) = scan.database(evidence, role)??;
        match survey.facts.role {
            Role::Leftover => self.tally.expose_leftover(tally.clone()),
            Role::File | Role::Member => self.tally.merge(tally.clone()),
        }
        let anomalies = std::mem::take(&mut survey.anomalies);
        let around = Around { prefixes: &survey.prefixes, existing: survey.existing() };
        self.part(scan, EvidenceReport::of(survey.facts.clone(), anomalies, tally, &around, scan.named()))?;
        Ok(survey)
    }

    /// Gives the entry up to which a sound one holds everything.
    fn raft_snapshot(&mut self, scan: &mut Scan<'_>, evidence: &Evidence, role: Role) -> anyhow::Result<Option<u64>> {
        let report = scan.raft_snapshot(evidence, role)?;
        let index = report.facts.sound_snapshot_index();
        self.part(scan, report)?;
        Ok(index)
    }

    /// Gives the prefixes of the API server's keys that it shows.
    fn log(
        &mut self,
        scan: &mut Scan<'_>,
        segments: &[&'data Evidence],
        beside: Beside<'_, 'data>,
        role: Role,
    ) -> anyhow::Result<Prefixes> {
        let mut log = scan.survey_log(segments, beside);
        for number in 0..log.segments.len() {
            if let Some(segment) = log.segments.get_mut(number) {
                segment.facts.role = role;
            }
            let tally = scan.segment(&mut log, number)?;
            self.tally.merge(tally.clone());
            let Some(segment) = log.segments.get_mut(number) else { continue };
            let anomalies = std::mem::take(&mut segment.anomalies);
            let around = Around { prefixes: &log.prefixes, existing: None };
            self.part(scan, EvidenceReport::of(segment.facts.clone(), anomalies, tally, &around, scan.named()))?;
        }
        Ok(log.prefixes)
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
