//! When whoever holds keys is not asked any more at a place: failures in a row that are its own, of one key, then of several, and before
//! that where nobody is reached at all.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;

use super::failure::Reached;
use super::{Failure, Reason, WrappedDek};
use crate::envelope::Provider;

/// After so many failures in a row nothing is asked any more that needs this key.
const FAILURES_OF_A_KEY: u32 = 3;
/// After so many keys that failed in a row no other is asked about any more.
const KEYS_IN_A_ROW: usize = 3;
/// The same where nobody has ever answered, after all the patience there is.
const SILENT_KEYS_IN_A_ROW: usize = 2;
/// After so many questions in a row that nobody got nothing is asked any more at all.
const UNREACHED_IN_A_ROW: u32 = 3;
/// How often a question is put again to one who has used up all patience with another: enough for what passes in a moment.
const REPEATS_AFTER_PATIENCE: u32 = 2;

/// What is known of everybody who is asked in a run, at each place where they are.
#[derive(Default)]
pub struct Silences {
    by_place: BTreeMap<(String, Option<String>), Silence>,
    /// Those with whom all patience was used up since they last answered, at any place.
    worn: BTreeSet<String>,
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
    pub(super) fn repeats(&mut self, holder: &str, place: Option<&str>, about: &About) -> u32 {
        let is_worn = self.worn.contains(holder);
        match self.of(holder, place).may_pass(about) {
            false => 0,
            true if is_worn => REPEATS_AFTER_PATIENCE,
            true => u32::MAX,
        }
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
