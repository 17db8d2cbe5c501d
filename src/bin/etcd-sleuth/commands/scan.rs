//! `scan`: how every Secret is stored, and what is this file?

use std::io::{self, Write};

use etcd_sleuth::case::{Plan, Question};
use etcd_sleuth::render::text::{ScanText, status_line};
use etcd_sleuth::render::{self, RunInfo};
use etcd_sleuth::report::Report;

use crate::args::Global;
use crate::output::Output;
use crate::scan_args::{Listing, Looking, ScanArgs};
use crate::session::{Session, Text};
use crate::shared_args::Writing;

pub(crate) fn scan(args: &ScanArgs, global: &Global) -> anyhow::Result<u8> {
    let text: Text<'_> = &|out| Box::new(ScanText::new(out, global.quiet));
    search(&args.files, &args.plan(), args.run_info(), (&args.looking, &args.listing, &args.writing), global, text)
}

/// Looks for what can be read without a key, and lists it for those who rotate where that is asked.
pub(super) fn search(
    files: &[std::path::PathBuf],
    plan: &Plan,
    run: RunInfo,
    (looking, listing, writing): (&Looking, &Listing, &Writing),
    global: &Global,
    text: Text<'_>,
) -> anyhow::Result<u8> {
    let mut list = listing.rotate_list.as_deref().map(|path| Output::open(Some(path), writing.force, files)).transpose()?;
    let session = Session { inputs: files, also_read: &[], global, writing, run };
    let mut write_list = |report: &Report| {
        let Some(mut list) = list.take() else { return Ok(()) };
        list.write_all(&render::rotate_list(report).map_err(io::Error::other)?)?;
        list.finish().map_err(io::Error::other)
    };
    let answer = session.answer_after(plan, Question::Storage(looking.fail_on()), (text, status_line), &mut write_list)?;
    let code = answer.outcome.exit_code();
    Ok(if looking.exit_zero && code != 1 { 0 } else { code })
}
