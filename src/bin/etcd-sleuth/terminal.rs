//! The terminal as the surroundings of a run: progress, errors, what is said before anybody is asked, and what stands beside the answer.

use std::cell::Cell;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::Ordering;

use etcd_sleuth::case::{Ask, Host, InputError};
use etcd_sleuth::output::Output;
use etcd_sleuth::render::escape::terminal;
use etcd_sleuth::render::{rotate_list, text};
use etcd_sleuth::report::{Report, VerificationPlan};
use etcd_sleuth::store::Progress;

use crate::args::Global;
use crate::{interrupt, progress, shrinking, telling};

/// What a run shows on standard error, and the list that it writes for those who rotate.
pub(crate) struct Terminal {
    is_quiet: bool,
    shows_progress: bool,
    rotate_list: Cell<Option<Output>>,
}

impl Terminal {
    pub(crate) fn new(global: &Global) -> Self {
        Self { is_quiet: global.quiet, shows_progress: !global.quiet && !global.no_progress, rotate_list: Cell::new(None) }
    }

    /// The same, with a list to write, if there is one.
    pub(crate) fn with_rotate_list(self, list: Option<Output>) -> Self {
        Self { rotate_list: Cell::new(list), ..self }
    }
}

impl Host for Terminal {
    fn given_again(&self, input: &Path, first: &Path) {
        if !self.is_quiet {
            let (input, first) = (input.to_string_lossy(), first.to_string_lossy());
            telling::say(&format!("note: {} is {}, which was given before: it is read once\n", terminal(&input), terminal(&first)));
        }
    }

    fn opening(&self, path: &Path) {
        shrinking::note(path);
    }

    fn with_progress(&self, label: &Path, progress: &Progress, work: &mut dyn FnMut()) {
        progress::with_progress(self.shows_progress, &label.display().to_string(), progress, work);
    }

    fn failed(&self, error: &InputError) {
        telling::input_error(error);
    }

    fn asking(&self, plan: &VerificationPlan) {
        if !self.is_quiet {
            telling::say(&text::announcement(plan));
        }
    }

    /// The first interrupt ends the asking, and what is known is told.
    fn while_asking(&self, dek_sources: u64, ask: &mut Ask<'_>) {
        let bar = progress::count_bar(dek_sources, self.shows_progress && dek_sources > 0);
        interrupt::stopping(|stopped| ask(&|| stopped.load(Ordering::Relaxed), &|| bar.inc(1)));
        bar.finish_and_clear();
    }

    fn ending(&self, report: &Report) -> io::Result<()> {
        let Some(mut list) = self.rotate_list.take() else { return Ok(()) };
        list.write_all(&rotate_list(report).map_err(io::Error::other)?)?;
        list.finish()
    }
}
