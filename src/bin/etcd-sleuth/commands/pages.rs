//! `pages`: what every page of the file is.

use anyhow::bail;
use etcd_sleuth::case::{PagesQuestion, Question};
use etcd_sleuth::render::Format;
use etcd_sleuth::render::text::{PagesText, QuietText, check_status};

use crate::args::{Global, PagesArgs};
use crate::session::{Session, Text};

pub(crate) fn pages(args: &PagesArgs, global: &Global) -> anyhow::Result<u8> {
    if global.quiet && args.page.is_some() {
        bail!("--page explains one page, and has no status line that -q could leave");
    }
    if args.list && args.writing.format != Format::Text {
        bail!("--list is for text: every other format lists all runs of pages anyway");
    }
    if args.page.is_some() && args.writing.format != Format::Text {
        bail!("--page explains one page in text, and has no other format; without it every page is listed");
    }
    let text: Text<'_> = &|out| match global.quiet {
        true => Box::new(QuietText::new(out, check_status)),
        false => Box::new(PagesText::new(out, args.list)),
    };
    let session = Session::new(&args.files, global, &args.writing, args.run_info());
    let question = Question::Pages(PagesQuestion { page: args.page });
    Ok(session.answer(&args.plan(), question, text, check_status)?.outcome.exit_code())
}
