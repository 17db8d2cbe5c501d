//! What all commands have in common: where the answer goes, who reads the inputs, and how it ends.

use std::mem::ManuallyDrop;
use std::path::PathBuf;

use etcd_sleuth::case::{Answer, Case, Plan, Question};
use etcd_sleuth::finding::Outcome;
use etcd_sleuth::output::Output;
use etcd_sleuth::render::text::{self, Layout, Screen};
use etcd_sleuth::render::{self, Format, OptionValue, RunInfo};
use etcd_sleuth::report::{Render, Report};

use crate::args::Global;
use crate::shared_args::Writing;
use crate::terminal::Terminal;
use crate::{reader, telling};

/// A command's own text for people, written to an output.
pub(crate) type Text<'t> = &'t dyn for<'o> Fn(Screen<'o>) -> Box<dyn Render + 'o>;

/// A run of a command.
pub(crate) struct Session<'a> {
    pub(crate) inputs: &'a [PathBuf],
    /// Files beside the inputs that are not to be written over either.
    pub(crate) also_read: &'a [PathBuf],
    pub(crate) global: &'a Global,
    pub(crate) writing: &'a Writing,
    pub(crate) run: RunInfo,
    /// The list for those who rotate.
    pub(crate) rotate_list: Option<Output>,
}

impl<'a> Session<'a> {
    /// Of these inputs, with nothing beside them.
    pub(crate) fn new(inputs: &'a [PathBuf], global: &'a Global, writing: &'a Writing, run: RunInfo) -> Self {
        Self { inputs, also_read: &[], global, writing, run, rotate_list: None }
    }

    /// Answers a question. `status`: the line that says what came of the run, where the answer itself is for machines.
    ///
    /// The program is about to end: taking a report of many keys apart would take as long as making some of it, and it is left to the system.
    pub(crate) fn answer(
        self,
        plan: &Plan,
        question: Question<'_>,
        text: Text<'_>,
        status: fn(&Report, &Outcome) -> String,
    ) -> anyhow::Result<ManuallyDrop<Answer>> {
        let Self { inputs, also_read, global, writing, mut run, rotate_list } = self;
        run.scope = plan.filter();
        run.options.insert("max-size", OptionValue::Number(global.max_size));
        let terminal = Terminal::new(global).with_rotate_list(rotate_list);
        let mut out = Output::open(writing.output.as_deref(), writing.force, &[inputs, also_read].concat())?;
        let layout = if out.is_stdout() { reader::of_stdout() } else { Layout::default() };
        let mut render = render::to(writing.format, run, &mut out, |out| text(Screen::new(out, layout)));
        let answer = Case::new(inputs, global.limits(), &terminal).run(plan, question, render.as_mut())?;
        drop(render);
        let is_beside = writing.format != Format::Text && !out.is_stdout() && !global.quiet;
        out.finish()?;
        if is_beside {
            telling::say(&status(&answer.report, &answer.outcome));
        }
        if !global.quiet {
            telling::say(&text::access_times(&answer.report.evidences));
        }
        Ok(ManuallyDrop::new(answer))
    }
}
