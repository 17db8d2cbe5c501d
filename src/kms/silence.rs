//! When whoever holds keys is not asked any more at a place: failures in a row that are its own, of one key, then of several.

use std::collections::BTreeMap;

use super::{Reason, WrappedDek};
use crate::envelope::Provider;

/// After so many failures in a row nothing is asked any more that needs this key.
const FAILURES_OF_A_KEY: u32 = 3;
/// After so many keys that were given up in a row nothing is asked any more at all.
const KEYS_GIVEN_UP: u32 = 3;

/// The failures of one holder at one place that are its own, and not those of what it was asked.
#[derive(Default)]
pub(super) struct Silence<'p> {
    /// Failures in a row, and the last of them, by the key that values name, and the provider.
    failures: BTreeMap<Alike<'p>, (u32, Reason)>,
    /// Keys that were given up since the last answer.
    given_up: u32,
    /// The last failure of any key.
    last: Option<Reason>,
}

impl<'p> Silence<'p> {
    /// Why this key is not asked about any more, if it is not.
    pub(super) fn reason(&self, key: Alike<'p>) -> Option<Reason> {
        let of_key = self.failures.get(&key).filter(|(count, _)| *count >= FAILURES_OF_A_KEY).map(|(_, reason)| *reason);
        of_key.or_else(|| self.last.filter(|_| self.given_up >= KEYS_GIVEN_UP))
    }

    /// Whether a failure is waited out: the first one of a key. What became of other keys says nothing of it.
    pub(super) fn may_pass(&self, key: Alike<'p>) -> bool {
        !self.failures.contains_key(&key)
    }

    /// Takes note of an answer, or of what came instead of one.
    pub(super) fn hear(&mut self, key: Alike<'p>, failure: Option<Reason>) {
        let Some(reason) = failure.filter(|reason| reason.is_of_the_kms()) else {
            self.failures.remove(&key);
            self.given_up = 0;
            return;
        };
        self.last = Some(reason);
        let (failures, of_key) = self.failures.entry(key).or_insert((0, reason));
        (*failures, *of_key) = (failures.saturating_add(1), reason);
        if *failures == FAILURES_OF_A_KEY {
            self.given_up = self.given_up.saturating_add(1);
        }
    }
}

/// DEK sources of which one holder unwraps all, as far as is known, and in the same way: API version, provider's name and key ID.
pub(super) type Alike<'p> = (Provider, &'p str, Option<&'p str>);

/// What is alike of a DEK source.
pub(super) fn alike(source: &WrappedDek) -> Alike<'_> {
    (source.id.provider, source.provider_name(), source.id.key_id.as_deref())
}
