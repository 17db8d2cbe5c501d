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
/// After so many questions in a row that nobody got nothing is asked any more at all.
const UNREACHED_IN_A_ROW: u32 = 3;

/// What is known of everybody who is asked in a run, at each place where they are.
#[derive(Default)]
pub struct Silences {
    by_place: BTreeMap<(String, Option<String>), Silence>,
}

impl Silences {
    /// What is known of one who is asked at a place: what is out of order at one says nothing of another.
    pub(super) fn of(&mut self, holder: &str, place: Option<&str>) -> &mut Silence {
        self.by_place.entry((holder.to_owned(), place.map(str::to_owned))).or_default()
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
    /// The last failure of any.
    last: Option<Reason>,
}

impl Silence {
    /// Why this is not asked about any more, if it is not.
    pub(super) fn reason(&self, about: &About) -> Option<Reason> {
        if self.unreached >= UNREACHED_IN_A_ROW || (self.is_waited_out && self.have_failed(|_| true)) {
            return self.last;
        }
        let is_alike = |other: &About| discriminant(other) == discriminant(about);
        match self.failures.get(about) {
            Some((count, reason)) if *count >= FAILURES_OF_A_KEY => Some(*reason),
            _ if !self.in_a_row.contains(about) && self.have_failed(is_alike) => self.last,
            _ => None,
        }
    }

    /// Whether a failure is waited out: the first one of a key. What became of other keys says nothing of it, but that nobody answers at all.
    pub(super) fn may_pass(&self, about: &About) -> bool {
        !self.failures.contains_key(about) && !self.is_waited_out
    }

    /// Takes note of an answer, or of what came instead of one.
    pub(super) fn hear(&mut self, about: &About, failure: Option<&Failure>) {
        let Some(failure) = failure.filter(|failure| failure.reason.is_of_the_kms()) else {
            self.failures.remove(about);
            self.in_a_row.clear();
            (self.unreached, self.is_waited_out) = (0, false);
            return;
        };
        self.unreached = if failure.is_unsent() { self.unreached.saturating_add(1) } else { 0 };
        self.is_waited_out = failure.is_unsent() || failure.reached == Reached::NoAnswer;
        self.last = Some(failure.reason);
        let (count, of_key) = self.failures.entry(about.clone()).or_insert((0, failure.reason));
        (*count, *of_key) = (count.saturating_add(1), failure.reason);
        self.in_a_row.insert(about.clone());
    }

    /// Whether as many as are enough have failed in a row.
    fn have_failed(&self, fits: impl Fn(&About) -> bool) -> bool {
        self.in_a_row.iter().filter(|about| fits(about)).count() >= KEYS_IN_A_ROW
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
