//! When whoever holds keys is not asked any more at a place: failures in a row that are its own, of one key, then of several, and before
//! that where nobody is reached at all.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;
use std::time::Duration;

use super::failure::Reached;
use super::sent::AllSent;
use super::{Failure, Patience, Reason, WrappedDek};
use crate::envelope::Provider;

/// After so many failures in a row nothing is asked any more that needs this key.
const FAILURES_OF_A_KEY: u32 = 3;
/// After so many keys that failed in a row no other is asked about any more.
const KEYS_IN_A_ROW: usize = 3;
/// The same where nobody has ever answered, after all the patience there is.
const SILENT_KEYS_IN_A_ROW: usize = 2;
/// After so many questions in a row that nobody got nothing is asked any more at all.
const UNREACHED_IN_A_ROW: u32 = 3;
/// So many times all the patience for one question one holder is waited for in vain in a run, and then only for what passes in a moment; and twice
/// as many, and then not at all.
const IN_VAIN: u32 = 2;
/// How often a question is put again to one who has used up all patience with another: enough for what passes in a moment.
const REPEATS_AFTER_PATIENCE: u32 = 2;

/// What is known of everybody who is asked in a run, at each place where they are, and all that was sent to them.
#[derive(Default)]
pub struct Silences {
    by_place: BTreeMap<(String, Option<String>), Silence>,
    /// Those with whom all patience was used up since they last answered, at any place.
    worn: BTreeSet<String>,
    /// What was sent: no error tells it, whatever it is about.
    pub(super) sent: AllSent,
    /// How long each was waited for in vain, whatever others it has answered meanwhile.
    in_vain: BTreeMap<String, Duration>,
}

impl Silences {
    /// What is known of one who is asked at a place: what is out of order at one says nothing of another.
    pub(super) fn of(&mut self, holder: &str, place: Option<&str>) -> &mut Silence {
        self.by_place.entry((holder.to_owned(), place.map(str::to_owned))).or_default()
    }

    /// Why one is not asked about this any more at a place, if so.
    pub(super) fn reason(&mut self, holder: &str, place: Option<&str>, about: &About) -> Option<Reason> {
        self.of(holder, place).reason(about)
    }

    /// How often a question is put again at a place while its failure may pass, at most.
    pub(super) fn repeats(&mut self, holder: &str, place: Option<&str>, about: &About, patience: Patience) -> u32 {
        let in_vain = self.in_vain.get(holder).copied().unwrap_or_default();
        let most = patience.in_all().saturating_mul(IN_VAIN);
        let is_worn = self.worn.contains(holder) || in_vain > most;
        match self.of(holder, place).may_pass(about) {
            false => 0,
            true if in_vain > most.saturating_mul(2) => 0,
            true if is_worn => REPEATS_AFTER_PATIENCE,
            true => u32::MAX,
        }
    }

    /// Takes note of how long one was waited for in vain.
    pub(super) fn wait_in_vain(&mut self, holder: &str, waited: Duration) {
        let in_vain = self.in_vain.entry(holder.to_owned()).or_default();
        *in_vain = in_vain.saturating_add(waited);
    }

    /// Takes note of an answer, or of what came instead of one after all the patience for it.
    pub(super) fn hear(&mut self, holder: &str, place: Option<&str>, about: &About, failure: Option<&Failure>) {
        match failure.filter(|failure| failure.reason.is_of_the_kms()) {
            Some(failure) if failure.reason.is_passing() => drop(self.worn.insert(holder.to_owned())),
            Some(_) => {}
            None => drop(self.worn.remove(holder)),
        }
        self.of(holder, place).hear(about, failure);
    }
}

/// The failures of one holder at one place that are its own, and not those of what it was asked.
#[derive(Default)]
pub(super) struct Silence {
    /// Failures in a row, and the last of them.
    failures: BTreeMap<About, (u32, Reason)>,
    /// What failed since the last answer.
    in_a_row: BTreeSet<About>,
    /// Questions since then that nobody got.
    unreached: u32,
    /// Whether nobody has answered, after all the patience there is.
    is_waited_out: bool,
    /// Whether anybody has ever answered.
    has_answered: bool,
    /// The last failure of any.
    last: Option<Reason>,
}

impl Silence {
    /// Why this is not asked about any more, if it is not.
    pub(super) fn reason(&self, about: &About) -> Option<Reason> {
        let is_alike = |other: &About| discriminant(other) == discriminant(about);
        // An answer that does not come takes long: of the same key the next does not come either, and who has never answered does not answer
        // another kind of question.
        let is_of_no_use = || self.in_a_row.contains(about) || (!self.has_answered && !self.in_a_row.iter().any(is_alike));
        let is_silent = self.is_waited_out
            && (self.in_a_row.len() >= if self.has_answered { KEYS_IN_A_ROW } else { SILENT_KEYS_IN_A_ROW }
                || (self.unreached == 0 && is_of_no_use()));
        if self.unreached >= UNREACHED_IN_A_ROW || is_silent {
            return self.last;
        }
        match self.failures.get(about) {
            Some((count, reason)) if *count >= FAILURES_OF_A_KEY => Some(*reason),
            _ if !self.in_a_row.contains(about) && self.in_a_row.len() >= KEYS_IN_A_ROW => self.last,
            _ => None,
        }
    }

    /// Whether a failure is waited out: the first one of a key. What became of other keys says nothing of it, but that nobody answers at all.
    pub(super) fn may_pass(&self, about: &About) -> bool {
        !self.failures.contains_key(about) && !self.is_waited_out
    }

    pub(super) fn hear(&mut self, about: &About, failure: Option<&Failure>) {
        let Some(failure) = failure.filter(|failure| failure.reason.is_of_the_kms()) else {
            self.failures.remove(about);
            self.in_a_row.clear();
            (self.unreached, self.is_waited_out, self.has_answered) = (0, false, true);
            return;
        };
        self.unreached = if failure.is_unsent() { self.unreached.saturating_add(1) } else { 0 };
        self.is_waited_out = failure.is_unsent() || failure.reached == Reached::NoAnswer;
        self.last = Some(failure.reason);
        let (count, of_key) = self.failures.entry(about.clone()).or_insert((0, failure.reason));
        (*count, *of_key) = (count.saturating_add(1), failure.reason);
        self.in_a_row.insert(about.clone());
    }
}

/// What a question is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    /// DEK sources of which one holder unwraps all, as far as is known, and in the same way: API version, provider's name and key ID.
    Deks(Provider, Box<str>, Option<Box<str>>),
    /// The state of a key.
    Key(Box<str>),
    /// The key under which a provider writes now.
    CurrentKey(Box<str>),
}

impl About {
    /// What is alike of a DEK source.
    pub(super) fn deks(source: &WrappedDek) -> Self {
        Self::Deks(source.id.provider, source.provider_name().into(), source.id.key_id.clone())
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod tests {
    use super::*;

    /// Who answers about some keys and never about others is not waited for at each of those.
    #[test]
    fn the_patience_with_one_holder_is_bounded_in_a_run() {
        let patience = Patience { first: Duration::from_secs(1), longest: Duration::from_secs(4), repeats: 4 };
        let (mut silences, mut waited) = (Silences::default(), Duration::ZERO);
        let key = |name: String| About::Key(name.into());
        let of_one = |repeats: u32| (0..repeats).filter_map(|number| patience.wait(number)).sum::<Duration>();
        for number in 0..500 {
            let dead = key(format!("dead {number}"));
            let wait = of_one(silences.repeats("p", None, &dead, patience).min(patience.repeats));
            waited += wait;
            silences.wait_in_vain("p", wait);
            silences.hear("p", None, &dead, Some(&Reason::KmsUnavailable.into()));
            silences.hear("p", None, &key(format!("alive {number}")), None);
        }
        assert!(waited >= patience.in_all() && waited <= patience.in_all() * 6, "{waited:?}");
        // Another is waited for as ever.
        assert_eq!(silences.repeats("q", None, &key("dead".to_owned()), patience), u32::MAX);
    }
}
