//! When whoever holds keys is not asked any more: failures in a row that are its own, of one key, then of several.

use std::collections::BTreeMap;

use super::Reason;

/// After so many failures in a row nothing is asked any more that needs this key.
const FAILURES_OF_A_KEY: u32 = 3;
/// After so many keys that were given up in a row nothing is asked any more at all.
const KEYS_GIVEN_UP: u32 = 3;

/// The failures of one holder that are its own, and not those of what it was asked.
#[derive(Default)]
pub(super) struct Silence {
    /// Failures in a row, by the key that values name.
    failures: BTreeMap<Option<Box<str>>, u32>,
    /// Keys that were given up since the last answer.
    given_up: u32,
    reason: Option<Reason>,
}

impl Silence {
    /// Why this key is not asked about any more, if it is not.
    pub(super) fn reason(&self, key: &Option<Box<str>>) -> Option<Reason> {
        let is_silent = self.given_up >= KEYS_GIVEN_UP || self.of(key) >= FAILURES_OF_A_KEY;
        self.reason.filter(|_| is_silent)
    }

    /// Whether a failure is waited out: the first one of a key, where no other key was given up before it.
    pub(super) fn may_pass(&self, key: &Option<Box<str>>) -> bool {
        self.given_up == 0 && self.of(key) == 0
    }

    /// Takes note of an answer, or of what came instead of one.
    pub(super) fn hear(&mut self, key: &Option<Box<str>>, failure: Option<Reason>) {
        let Some(reason) = failure.filter(|reason| reason.is_of_the_kms()) else {
            self.failures.remove(key);
            self.given_up = 0;
            return;
        };
        self.reason = Some(reason);
        let failures = self.failures.entry(key.clone()).or_default();
        *failures = failures.saturating_add(1);
        if *failures == FAILURES_OF_A_KEY {
            self.given_up = self.given_up.saturating_add(1);
        }
    }

    fn of(&self, key: &Option<Box<str>>) -> u32 {
        self.failures.get(key).copied().unwrap_or_default()
    }
}
