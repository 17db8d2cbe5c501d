//! `check`: is this backup whole, was it altered?

use anyhow::bail;
use etcd_sleuth::case::Question;
use etcd_sleuth::output::Output;
use etcd_sleuth::render::text::{self, CheckText, Screen, check_status};

use crate::args::{CheckArgs, Global};
use crate::reader;
use crate::session::{Session, Text};

pub(crate) fn check(args: &CheckArgs, global: &Global) -> anyhow::Result<u8> {
    if args.limits {
        if global.quiet {
            bail!("--limits has no status line that -q could leave");
        }
        let mut out = Output::open(None, false, &[])?;
        let layout = reader::of_stdout();
        text::limits(Screen::new(&mut out, layout))?;
        out.finish()?;
        return Ok(0);
    }
    if args.writing.format.is_table() {
        let format = args.writing.format.name();
        bail!("check has no {format}: its answer is a verdict on each file, not a table; --format jsonl has the anomalies behind it");
    }
    let text: Text<'_> = &|out| Box::new(CheckText::new(out, global.quiet));
    let session = Session::new(&args.files, global, &args.writing, args.run_info());
    Ok(session.answer(&args.plan(), Question::Integrity, text, check_status)?.outcome.exit_code())
}
