//! `recover`: of every key its newest write, out of a file that is broken.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, bail};
use etcd_sleuth::analysis::{self, Options, Recovery, Standing, Survey, Tally};
use etcd_sleuth::etcd::rebuild::{Rebuilt, rebuild};
use etcd_sleuth::evidence::digest::Sha256Digest;
use etcd_sleuth::evidence::{Evidence, Limits};
use etcd_sleuth::finding::{Condition, Outcome};
use etcd_sleuth::report::escape::terminal;
use etcd_sleuth::report::readable::Around;
use etcd_sleuth::report::recovered::RecoveredRecord;
use etcd_sleuth::report::text::{self, thousands};
use etcd_sleuth::report::{EvidenceReport, json};

use crate::args::{Global, RecoverArgs};
use crate::core_files;
use crate::output::{self, WholeFile};
use crate::shrinking;

pub(crate) fn run(args: &RecoverArgs, global: &Global) -> anyhow::Result<u8> {
    core_files::switch_off();
    let records_path = args.output.as_deref().filter(|path| *path != Path::new("-"));
    if args.include_residue && args.db.is_some() && args.output.is_none() {
        bail!("--include-residue with --db needs -o FILE: a database cannot mark what was brought back, the records do");
    }
    shrinking::note(&args.file);
    let evidence = Evidence::open(&args.file, &global.limits())?;
    let create = |path| WholeFile::create(path, args.force, std::slice::from_ref(&args.file));
    // Before the long work, so that it is not for nothing.
    let mut records = records_path.map(create).transpose()?;
    let database = args.db.as_deref().map(create).transpose()?;
    let options = Options { scope: args.scope(), prefixes: args.etcd_prefix.clone(), ..Options::default() };
    let show = !global.quiet && !global.no_progress;
    let survey = output::with_progress(show, "", |progress| analysis::survey(&evidence, &options, progress))?;
    let recovery = Recovery::of(&survey, &options.scope, args.include_residue);

    match &mut records {
        Some(file) => write_records(&recovery, args, file)?,
        None if database.is_none() || args.output.is_some() => {
            output::stdout_is_no_input(std::slice::from_ref(&args.file))?;
            let mut out = BufWriter::with_capacity(1 << 16, io::stdout());
            write_records(&recovery, args, &mut out)?;
            out.flush()?;
        }
        None => {}
    }
    let rebuilt = database.map(|file| write_database(file, &survey, &recovery)).transpose()?;
    // The records first: they can stand alone, and what they mark the database cannot.
    if let Some(file) = records {
        file.finish()?;
    }
    let rebuilt = rebuilt.map(|(file, rebuilt)| file.finish().map(|()| rebuilt)).transpose()?;

    let around = Around { prefixes: &survey.prefixes, existing: survey.existing() };
    let report = EvidenceReport::of(survey.facts.clone(), survey.anomalies.clone(), Tally::default(), &around, 0);
    let mut outcome = Outcome::default();
    report.judgement.trust(|condition| outcome.open(condition));
    let unmatched = options.filter().filter(|_| !has_found_any(&recovery));
    if unmatched.is_some() {
        outcome.open(Condition::NothingInScope);
    }
    if recovery.recovered.iter().any(|write| write.standing == Standing::Newest) {
        outcome.open(Condition::ExistenceNotKnown);
    }
    let mut said = String::new();
    if !global.quiet {
        said.push_str(&format!("{}: {}\n", terminal(&args.file.to_string_lossy()), text::verdict(&report)));
        said.push_str(&summary(&recovery));
        if let (Some(path), Some(rebuilt)) = (&args.db, &rebuilt) {
            said.push_str(&of_database(&terminal(&path.to_string_lossy()), rebuilt, &recovery, args.output.is_some()));
        }
    }
    if let Some(filter) = unmatched {
        said.push_str(&format!("nothing matches: {}\n", terminal(&filter)));
    }
    said.push_str(&status(&recovery, &outcome));
    output::say(&said);
    Ok(outcome.exit_code())
}

fn has_found_any(recovery: &Recovery<'_, '_>) -> bool {
    !recovery.recovered.is_empty() || [recovery.deleted, recovery.residue, recovery.pieces].iter().any(|count| *count > 0)
}

fn write_records(recovery: &Recovery<'_, '_>, args: &RecoverArgs, out: &mut impl Write) -> io::Result<()> {
    let mut line = Vec::new();
    for write in &recovery.recovered {
        if let Some((row, value)) = recovery.row(write) {
            line.clear();
            json::line(&RecoveredRecord::new(write, &row, value, args.values()), &mut line);
            out.write_all(&line)?;
        }
    }
    Ok(())
}

/// Writes the database and its trailer, as the snapshot API does.
fn write_database(file: WholeFile, survey: &Survey<'_>, recovery: &Recovery<'_, '_>) -> anyhow::Result<(WholeFile, Rebuilt)> {
    let writes = recovery.recovered.iter().filter_map(|write| Some((write.revision, recovery.key_value(write)?)));
    let (mut file, rebuilt) = rebuild(file, &survey.database.db, &survey.tree, recovery.revision, writes)?;
    file.flush()?;
    let digest = Sha256Digest::of(Evidence::open(file.working(), &Limits::default())?.file());
    file.write_all(&digest.0).context("the trailer cannot be written")?;
    Ok((file, rebuilt))
}

/// What is said of the new database.
fn of_database(path: &str, rebuilt: &Rebuilt, recovery: &Recovery<'_, '_>, has_records: bool) -> String {
    let mut out = format!(
        "wrote {path}: {} keys at revision {}, as a snapshot that etcdutl snapshot restore takes\n",
        thousands(rebuilt.writes),
        recovery.revision
    );
    if rebuilt.collisions > 0 {
        out.push_str(&format!("  left out: {} keys that claim the revision of another\n", thousands(rebuilt.collisions)));
    }
    if recovery.recovered.iter().any(|write| write.standing != Standing::Current) {
        let records = if has_records { "the records" } else { "-o FILE" };
        out.push_str(&format!("  it cannot tell which of its keys may not exist: {records} can\n"));
    }
    if !rebuilt.lost.is_empty() {
        out.push_str(&format!("  the file has lost, at least in part: {}\n", rebuilt.lost.join(", ")));
    }
    if rebuilt.lost.iter().any(|bucket| bucket.starts_with("auth")) {
        out.push_str("  CHECK: etcd starts on it without authentication unless what is left says otherwise\n");
    }
    out
}

/// What is said of the recovered keys.
fn summary(recovery: &Recovery<'_, '_>) -> String {
    let count = |standing| recovery.recovered.iter().filter(|write| write.standing == standing).count() as u64;
    let kinds = [
        (Standing::Current, "as the tree has them"),
        (
            Standing::Newest,
            "by their newest write in what can be read of the tree; what is lost may be newer, so whether they exist is not known",
        ),
        (Standing::Deleted, "that were deleted"),
        (Standing::Residue, "that only residue has whole: whether they were deleted is not known"),
    ];
    let mut out = format!("recovered {} keys\n", thousands(recovery.recovered.len() as u64));
    for (standing, what) in kinds {
        if count(standing) > 0 {
            out.push_str(&format!("  {} {what}\n", thousands(count(standing))));
        }
    }
    let left = [
        (recovery.deleted, "deleted keys (those whose value still stands somewhere: --include-residue)"),
        (recovery.residue, "keys that only residue has (--include-residue)"),
        (recovery.pieces, "keys whose newest write is there only in pieces (an older one: --include-residue)"),
    ];
    for (count, what) in left.into_iter().filter(|(count, _)| *count > 0) {
        out.push_str(&format!("left out: {} {what}\n", thousands(count)));
    }
    out
}

/// The last line, and the only one of a quiet run.
fn status(recovery: &Recovery<'_, '_>, outcome: &Outcome) -> String {
    let conditions = text::conditions(outcome.conditions());
    format!("keys recovered: {}{conditions}   (exit {})\n", thousands(recovery.recovered.len() as u64), outcome.exit_code())
}
