//! One question to one who holds keys: within the budget, repeated while its failure may pass, and noted in the ledger.

use std::time::{Duration, Instant};

use super::failure::Reached;
use super::ledger::Call;
use super::pace::pause;
use super::silence::About;
use super::{Budget, Failure, Ledger, LedgerError, Patience, Reason, Silences, Unwrapper, WrappedDek};

/// How a KMS is asked.
pub struct Asking<'a> {
    /// How many calls, and how fast.
    pub budget: &'a mut Budget,
    /// How failures that pass are waited out.
    pub patience: Patience,
    /// Who is not asked any more.
    pub silences: &'a mut Silences,
    /// Notes every call.
    pub ledger: Option<&'a mut Ledger>,
    /// Whether the run is broken off; looked at before every call.
    pub is_stopped: &'a dyn Fn() -> bool,
    /// Told after every DEK source, for progress.
    pub on_source: &'a dyn Fn(),
}

/// A question, but for its words.
pub(super) struct Question<'a> {
    pub about: About,
    /// Where it is asked; `None`: whoever is asked has one place only.
    pub place: Option<String>,
    pub operation: &'static str,
    /// The DEK source that it is about, if it is about one.
    pub source: Option<&'a WrappedDek>,
    /// The key that it is about, where that is known before.
    pub key_id: Option<&'a str>,
}

impl<'a> Asking<'a> {
    /// Asks until all is asked, notes nothing, and tells nobody.
    pub fn new(budget: &'a mut Budget, silences: &'a mut Silences, patience: Patience) -> Self {
        Self { budget, patience, silences, ledger: None, is_stopped: &|| false, on_source: &|| {} }
    }

    /// Puts a question. `outcome`: how the ledger calls an answer, and the key that the KMS says it used.
    ///
    /// # Errors
    /// The ledger cannot be written. The call that could not be noted was made; no further one is.
    pub(super) fn put<T>(
        &mut self,
        question: &Question<'_>,
        unwrapper: &mut dyn Unwrapper,
        ask: impl Fn(&mut dyn Unwrapper) -> Result<T, Failure>,
        outcome: impl Fn(&T) -> (&'static str, Option<&str>),
    ) -> Result<Result<T, Failure>, LedgerError> {
        let Question { about, place, operation, source, key_id } = question;
        let (holder, place) = (unwrapper.name().to_owned(), place.as_deref());
        if let Some(reason) = self.silences.reason(&holder, place, about) {
            return Ok(Err(Failure::new(reason, "so several times in a row, and not asked any more")));
        }
        let most_repeats = self.silences.repeats(&holder, place, about, self.patience);
        let mut waited = Duration::ZERO;
        let began = Instant::now();
        let mut repeats = 0u32;
        loop {
            if !self.budget.take(self.is_stopped) {
                return Ok(Err(Reason::NotAttempted.into()));
            }
            source.iter().flat_map(|source| source.sent()).for_each(|sent| self.silences.sent.add(sent));
            let sent = source.iter().flat_map(|source| source.sent());
            let answer = ask(unwrapper).map_err(|failure| failure.without(sent, &self.silences.sent));
            match &mut self.ledger {
                _ if answer.as_ref().is_err_and(Failure::is_unsent) => self.budget.give_back(),
                Some(ledger) => {
                    let outcome = answer.as_ref().map(&outcome);
                    ledger.note(&Call { operation, source: *source, key_id: *key_id, outcome, ..Call::of(unwrapper) })?;
                }
                None => {}
            }
            let failure = match answer {
                Ok(answer) => {
                    self.silences.hear(&holder, place, about, None);
                    return Ok(Ok(answer));
                }
                Err(failure) => failure,
            };
            self.budget.learn(failure.reason);
            // To wait for an answer in vain is patience, too.
            let is_waited_out = failure.reached != Reached::Answer && began.elapsed() >= self.patience.in_all();
            match self.patience.wait(repeats).filter(|_| !is_waited_out) {
                Some(wait) if failure.reason.is_passing() && repeats < most_repeats => {
                    pause(wait, self.is_stopped);
                    waited = waited.saturating_add(wait);
                }
                _ => {
                    self.silences.wait_in_vain(&holder, waited);
                    self.silences.hear(&holder, place, about, Some(&failure));
                    return Ok(Err(failure));
                }
            }
            repeats = repeats.saturating_add(1);
        }
    }
}
