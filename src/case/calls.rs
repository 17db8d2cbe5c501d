//! The calls of a run.

use std::path::{Path, PathBuf};

use super::{Holders, RunError};
use crate::evidence::count::{self, Count};
use crate::kms::{Asking, Budget, Ledger, Pace, Patience, Silences, WrappedDek};
use crate::output;

/// The calls of a run: one budget for all of them, what is known of those who are asked, and the ledger that notes them.
pub(super) struct Calls {
    budget: Budget,
    silences: Silences,
    ledger: Option<Ledger>,
}

impl Calls {
    /// Opens the ledger, which is no part of these inputs; nobody is called.
    pub(super) fn open(holders: &Holders<'_>, inputs: &[PathBuf]) -> Result<Self, RunError> {
        let open = |path: &Path| -> Result<Ledger, RunError> {
            output::is_no_input(path, inputs)?;
            Ok(Ledger::open(path)?)
        };
        let ledger = holders.ledger.as_deref().map(open).transpose()?;
        Ok(Self {
            budget: Budget::new(Pace::per_second(holders.rate), holders.max_calls.map(Count::new)),
            silences: Silences::default(),
            ledger,
        })
    }

    /// How the next are made.
    pub(super) fn asking<'a>(&'a mut self, is_stopped: &'a dyn Fn() -> bool, on_source: &'a dyn Fn()) -> Asking<'a> {
        let asking = Asking::new(&mut self.budget, &mut self.silences, Patience::default());
        Asking { ledger: self.ledger.as_mut(), is_stopped, on_source, ..asking }
    }

    /// Notes in the ledger DEK sources of which every value has opened.
    pub(super) fn note_opened<'a>(&mut self, sources: impl Iterator<Item = &'a WrappedDek>) -> Result<(), RunError> {
        Ok(self.ledger.as_mut().map_or(Ok(()), |ledger| ledger.note_opened(sources))?)
    }

    /// Whether a call was wanted and not made.
    pub(super) fn is_cut_short(&self) -> bool {
        self.budget.is_ended()
    }

    /// Calls that were made so far.
    pub(super) fn made(&self) -> Count<count::Calls> {
        self.budget.made()
    }
}
