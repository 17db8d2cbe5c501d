//! `pages`: what every page of the file is.

use etcd_sleuth::case::PagesQuestion;
use etcd_sleuth::render::text::{PagesText, check_status};

use crate::args::{Global, PagesArgs};
use crate::session::{Session, Text};

pub(crate) fn pages(args: &PagesArgs, global: &Global) -> anyhow::Result<u8> {
    let text: Text<'_> = &|out| Box::new(PagesText::new(out, args.list));
    let session = Session { inputs: &args.files, also_read: &[], global, writing: &args.writing, run: args.run_info() };
    let question = PagesQuestion { page: args.page };
    let answer = session.tell(text, check_status, |case, render| Ok(case.pages(&args.plan(), question, render)?))?;
    Ok(answer.outcome.exit_code())
}
