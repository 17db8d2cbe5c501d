//! What a run tells whoever started it, while it goes on.

use std::io;
use std::path::Path;

use super::InputError;
use crate::finding::Outcome;
use crate::report::{Render, Report, VerificationPlan};
use crate::store::Progress;

/// Asks those who hold keys. It is told whether it is to stop, before every call, and tells of every DEK source that is done.
pub type Ask<'a> = dyn FnMut(&dyn Fn() -> bool, &dyn Fn()) + 'a;

/// The surroundings of a run. A run itself never prints, and never looks at the environment.
pub trait Host {
    /// An input is one that was given before, under whatever name: it is read once.
    fn given_again(&self, _input: &Path, _first: &Path) {}

    /// A file is about to be opened.
    fn opening(&self, _path: &Path) {}

    /// Does work whose progress may be shown.
    fn with_progress(&self, _label: &Path, _progress: &Progress, work: &mut dyn FnMut()) {
        work();
    }

    /// An input could not be read; the run goes on with the others.
    fn failed(&self, _error: &InputError) {}

    /// Those who hold keys are about to be asked.
    fn asking(&self, _plan: &VerificationPlan) {}

    /// Asks them about so many DEK sources, which may be stopped and whose progress may be shown.
    fn while_asking(&self, _dek_sources: u64, ask: &mut Ask<'_>) {
        ask(&|| false, &|| {});
    }

    /// Everything is known, and the answer is about to say how it ended: what is to stand beside it is written now, or the run fails.
    ///
    /// # Errors
    /// What stands beside the answer cannot be written.
    fn ending(&self, _report: &Report) -> io::Result<()> {
        Ok(())
    }
}

/// Surroundings that show nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Host for Silent {}

/// Writes nothing down.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Nobody;

impl Render for Nobody {
    fn end(&mut self, _: &Report, _: &Outcome) -> io::Result<()> {
        Ok(())
    }
}
