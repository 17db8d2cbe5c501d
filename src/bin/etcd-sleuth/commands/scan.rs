//! `scan`: how every Secret is stored, and what is this file?

use std::path::PathBuf;

use etcd_sleuth::case::{Plan, Question};
use etcd_sleuth::output::Output;
use etcd_sleuth::render::RunInfo;
use etcd_sleuth::render::text::{ScanText, status_line};

use crate::args::Global;
use crate::scan_args::{ScanArgs, Search};
use crate::session::{Session, Text};

pub(crate) fn scan(args: &ScanArgs, global: &Global) -> anyhow::Result<u8> {
    let text: Text<'_> = &|out| Box::new(ScanText::new(out, global.quiet));
    search(&args.search, &args.files, &args.plan(), args.run_info(), global, text)
}

/// Looks for what can be read without a key, and lists it for those who rotate where that is asked.
pub(super) fn search(search: &Search, files: &[PathBuf], plan: &Plan, run: RunInfo, global: &Global, text: Text<'_>) -> anyhow::Result<u8> {
    let Search { writing, rotate_list, .. } = search;
    let rotate_list = rotate_list.as_deref().map(|path| Output::open(Some(path), writing.force, files)).transpose()?;
    let session = Session { rotate_list, ..Session::new(files, global, writing, run) };
    let code = session.answer(plan, Question::Storage(search.fail_on), text, status_line)?.outcome.exit_code();
    Ok(if search.exit_zero && code != 1 { 0 } else { code })
}
