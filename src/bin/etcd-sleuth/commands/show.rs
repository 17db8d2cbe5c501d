//! `show`: one object, all its revisions, redacted unless asked otherwise.

use anyhow::bail;
use etcd_sleuth::case::{ObjectQuestion, Question, Reveal};
use etcd_sleuth::finding::Condition;
use etcd_sleuth::render::Format;
use etcd_sleuth::render::text::{ObjectText, QuietText, nothing_of_object, object_status, several_of_object};

use crate::args::{Global, ShowArgs};
use crate::core_files;
use crate::holders::Given;
use crate::session::{Session, Text};
use crate::telling;

pub(crate) fn show(args: &ShowArgs, global: &Global) -> anyhow::Result<u8> {
    core_files::switch_off();
    let (files, object) = args.files_and_object()?;
    if args.reveal && args.writing.format != Format::Text {
        bail!("--reveal writes one value as it is, and has no other format");
    }
    if global.quiet && args.reveal {
        bail!("--reveal writes one value, and has no status line that -q could leave");
    }
    if let Some(option) = args.holders.asking().filter(|_| !args.reveal) {
        bail!("{option} is for --reveal: without it nothing is opened and nobody is asked");
    }
    let mut given = Given::read(&args.holders)?;
    let holders = given.holders(&args.holders);
    let plan = args.plan(holders.names());
    let reveal = args.reveal.then_some(Reveal { revision: args.revision, holders });
    let takes_any_bytes = args.writing.output.as_deref().is_some_and(|path| path != std::path::Path::new("-"));
    let only = || files.first().filter(|_| files.len() == 1).cloned();
    let text: Text<'_> = &|out| match global.quiet {
        true => Box::new(QuietText::new(out, object_status)),
        false => Box::new(ObjectText::new(out, args.reveal, takes_any_bytes, only(), telling::say)),
    };
    let session =
        Session { also_read: &args.holders.encryption_config, ..Session::new(files, global, &args.writing, args.run_info(object)) };
    let question = Question::Object(ObjectQuestion { object: object.to_owned(), reveal });
    let answer = session.answer(&plan, question, text, object_status)?;
    let is_known = answer.outcome.held(Condition::NoSuchObject);
    if is_known || answer.outcome.held(Condition::ExistenceNotKnown) {
        telling::say(&nothing_of_object(object, files, &answer.report, is_known));
    }
    if answer.outcome.held(Condition::AmbiguousName) {
        telling::say(&several_of_object(object, &answer.report.namesakes));
    }
    Ok(answer.outcome.exit_code())
}
