//! `recover`: of every key its newest write, out of a file that is broken.

use std::io::Write;
use std::path::Path;
use std::slice;

use anyhow::bail;
use etcd_sleuth::case::{Case, Question, RecoverQuestion};
use etcd_sleuth::output::{Output, WholeFile};
use etcd_sleuth::render::recovered::RecoveredLines;
use etcd_sleuth::render::text;

use crate::args::{Global, RecoverArgs};
use crate::core_files;
use crate::telling;
use crate::terminal::Terminal;

pub(crate) fn recover(args: &RecoverArgs, global: &Global) -> anyhow::Result<u8> {
    core_files::switch_off();
    if !args.further.is_empty() {
        bail!("recover brings back one database, with the revisions that it had: give one file, or one data directory");
    }
    let inputs = slice::from_ref(&args.file);
    let records_path = args.output.as_deref().filter(|path| *path != Path::new("-"));
    if args.include_residue && args.db.is_some() && args.output.is_none() {
        bail!("--include-residue with --db needs -o FILE: a database cannot mark what was brought back, the records do");
    }
    let create = |path| WholeFile::create(path, args.force, inputs);
    // Before the long work, so that it is not for nothing.
    let mut records = records_path.map(create).transpose()?;
    let mut database = args.db.as_deref().map(create).transpose()?;
    let mut stdout = match records {
        None if database.is_none() || args.output.is_some() => Some(Output::open(None, false, inputs)?),
        _ => None,
    };
    let out = records.as_mut().map(|file| file as &mut dyn Write).or(stdout.as_mut().map(|out| out as &mut dyn Write));
    let question = RecoverQuestion { include_residue: args.include_residue, database: database.as_mut().map(|file| file as _) };
    let terminal = Terminal::new(global);
    let mut lines = RecoveredLines::new(out, args.values());
    let answer = Case::new(inputs, global.limits(), &terminal).run(&args.plan(), Question::Recover(question), &mut lines)?;
    stdout.map(Output::finish).transpose()?;
    // The records first: they can stand alone, and what they mark the database cannot.
    records.map(WholeFile::finish).transpose()?;
    database.map(WholeFile::finish).transpose()?;
    let db = args.db.as_deref().map(Path::to_string_lossy);
    if !global.quiet {
        telling::say(&text::access_times(&answer.report.evidences));
    }
    telling::say(&text::recovered(&answer.report, &answer.outcome, db.as_deref(), args.output.is_some(), global.quiet));
    Ok(answer.outcome.exit_code())
}
