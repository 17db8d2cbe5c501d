//! Under which key providers of KMS v2 write now: the API server takes it from the status of the plugin, and so it is asked of the plugin.

use std::collections::{BTreeMap, BTreeSet};

use super::asking::{Asking, Question};
use super::silence::About;
use super::state::DESCRIBED;
use super::{Failure, LedgerError, Reason, Unwrapper};

/// What the plugins say of the providers that were asked about.
#[derive(Debug, Default)]
pub struct CurrentKeys {
    said: BTreeMap<String, BTreeSet<String>>,
    /// Providers of which one who could be asked said nothing: another key than those that are known may be current.
    not_said: BTreeSet<String>,
    /// Who said nothing, and why.
    pub silent: Vec<(String, Failure)>,
}

impl CurrentKeys {
    /// How many calls it takes.
    pub fn calls(providers: &BTreeSet<String>, unwrappers: &[Box<dyn Unwrapper>]) -> usize {
        let asked = unwrappers.iter().map(|unwrapper| providers.iter().filter(|name| unwrapper.names_current_key(name)).count());
        asked.fold(0, usize::saturating_add)
    }

    /// Asks every plugin of these providers.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn ask(providers: &BTreeSet<String>, unwrappers: &mut [Box<dyn Unwrapper>], asking: &mut Asking<'_>) -> Result<Self, LedgerError> {
        let mut keys = Self::default();
        for unwrapper in unwrappers {
            for provider in providers.iter().filter(|name| unwrapper.names_current_key(name)).collect::<Vec<_>>() {
                let about = About::CurrentKey(provider.as_str().into());
                let question = Question { about, place: None, operation: "Status", source: None, key_id: None };
                match asking.put(&question, unwrapper.as_mut(), |unwrapper| unwrapper.current_key(), |_| DESCRIBED)? {
                    Ok(key_id) => drop(keys.said.entry(provider.clone()).or_default().insert(key_id)),
                    // One that serves KMS v1 alone has no status.
                    Err(failure) if failure.reason == Reason::ApiNotServed => {}
                    Err(failure) => {
                        keys.not_said.insert(provider.clone());
                        keys.silent.push((unwrapper.name().to_owned(), failure));
                    }
                }
            }
        }
        Ok(keys)
    }

    /// The key IDs that plugins of a provider say; several where they do not agree.
    pub fn of(&self, provider_name: &str) -> Option<&BTreeSet<String>> {
        self.said.get(provider_name)
    }

    /// Whether one who could be asked about a provider did not say it.
    pub(crate) fn is_left_open(&self, provider_name: &str) -> bool {
        self.not_said.contains(provider_name)
    }

    /// Every provider that was told of, with what its plugins say.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &BTreeSet<String>)> {
        self.said.iter().map(|(provider, keys)| (provider.as_str(), keys))
    }
}
