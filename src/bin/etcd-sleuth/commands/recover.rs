//! `recover`: of every key its newest write, out of a file that is broken.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use etcd_sleuth::analysis::{self, Options, Recovery, Standing, Survey, Tally};
use etcd_sleuth::etcd::KeyValue;
use etcd_sleuth::etcd::rebuild::{Rebuilt, rebuild};
use etcd_sleuth::evidence::digest::Sha256Digest;
use etcd_sleuth::evidence::{Evidence, Limits};
use etcd_sleuth::finding::Outcome;
use etcd_sleuth::report::escape::terminal;
use etcd_sleuth::report::recovered::RecoveredRecord;
use etcd_sleuth::report::text::thousands;
use etcd_sleuth::report::{EvidenceReport, json};

use crate::args::{Global, RecoverArgs};
use crate::output::{self, Output, Unfinished};
use crate::shrinking;

pub(crate) fn run(args: &RecoverArgs, global: &Global) -> anyhow::Result<u8> {
    let outputs = [args.output.as_deref(), args.db.as_deref()];
    output::are_no_inputs(outputs.into_iter().flatten(), std::slice::from_ref(&args.file))?;
    shrinking::note(&args.file);
    let evidence = Evidence::open(&args.file, &global.limits())?;
    let options = Options { scope: args.scope(), prefixes: args.etcd_prefix.clone(), ..Options::default() };
    let show = !global.quiet && !global.no_progress;
    let survey = output::with_progress(show, "", |progress| analysis::survey(&evidence, &options, progress))?;
    let recovery = Recovery::of(&survey, &options.scope, args.include_residue);
    if args.output.is_some() || args.db.is_none() {
        let mut out = Output::open(args.output.as_deref(), args.force)?;
        let mut line = Vec::new();
        for write in &recovery.recovered {
            line.clear();
            json::line(&RecoveredRecord::new(write, args.values()), &mut line);
            out.write_all(&line)?;
        }
        out.finish()?;
    }
    if let Some(path) = &args.db {
        let file = output::create(path, args.force)?;
        // Half a database is none.
        let unfinished = Unfinished::at(path);
        let rebuilt = write_database(path, file, &survey, &recovery).with_context(|| path.display().to_string())?;
        unfinished.finish();
        if !global.quiet {
            eprint!("{}", of_database(path, rebuilt));
        }
    }
    if !global.quiet {
        eprint!("{}", summary(&recovery));
    }
    let mut outcome = Outcome::default();
    EvidenceReport::new(survey, Tally::default(), 0).judgement.trust(|condition| outcome.open(condition));
    Ok(outcome.exit_code())
}

/// Writes the database and its trailer, as the snapshot API does.
fn write_database(path: &Path, file: File, survey: &Survey<'_>, recovery: &Recovery<'_>) -> anyhow::Result<Rebuilt> {
    let writes = recovery.recovered.iter().map(|write| {
        let row = &write.row;
        let (main, version) = (write.revision.main.cast_signed(), row.version.unwrap_or(1));
        let create_revision = row.create_revision.unwrap_or(main);
        let lease = row.lease.unwrap_or(0);
        (write.revision, KeyValue { key: row.key, value: write.value, create_revision, mod_revision: main, version, lease })
    });
    let (mut out, rebuilt) = rebuild(BufWriter::with_capacity(1 << 20, file), &survey.database.db, &survey.tree, writes)?;
    out.flush()?;
    let digest = Sha256Digest::of(Evidence::open(path, &Limits::default())?.file());
    out.write_all(&digest.0)?;
    out.flush()?;
    out.get_ref().sync_all()?;
    Ok(rebuilt)
}

fn of_database(path: &Path, rebuilt: Rebuilt) -> String {
    let left = match rebuilt.collisions {
        0 => String::new(),
        n => format!("; {} that claim the revision of another were left out", thousands(n)),
    };
    format!(
        "wrote {}: {} keys, as a snapshot that etcdutl snapshot restore takes{left}\n",
        terminal(&path.to_string_lossy()),
        thousands(rebuilt.writes)
    )
}

fn summary(recovery: &Recovery<'_>) -> String {
    let count = |standing| recovery.recovered.iter().filter(|write| write.standing == standing).count() as u64;
    let kinds = [
        (Standing::Current, "as the tree has them"),
        (Standing::Newest, "by their newest write that can be read; what is lost may be newer, so whether they exist is not known"),
        (Standing::Deleted, "that were deleted"),
        (Standing::Residue, "that only residue has: whether they were deleted is not known"),
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
        (recovery.fragments, "pieces of values, whose rest is lost"),
    ];
    for (count, what) in left.into_iter().filter(|(count, _)| *count > 0) {
        out.push_str(&format!("left out: {} {what}\n", thousands(count)));
    }
    out
}
