//! Under which key providers write now: of KMS v2 the API server takes it from the status of the plugin, and so it is asked of the plugin;
//! what an alias means now is asked of its KMS.

use std::collections::{BTreeMap, BTreeSet};

use super::asking::{Asking, Question};
use super::key_spelling::alias_beside;
use super::silence::About;
use super::state::DESCRIBED;
use super::{Failure, Held, KeyState, LedgerError, Plan, Reason, Ring, Unwrapper, WrappedDek, is_key_arn};
use crate::envelope::Provider;

/// What the plugins say of the providers that were asked about, and a KMS of names.
#[derive(Debug, Default)]
pub struct CurrentKeys {
    said: BTreeMap<String, BTreeSet<String>>,
    /// Providers of which one who could be asked said nothing: another key than those that are known may be current.
    not_said: BTreeSet<String>,
    /// What the KMS says of the key that a name means now; `None` where it did not say it.
    meant: BTreeMap<String, Option<KeyState>>,
    /// Who said nothing, and why.
    pub silent: Vec<Silent>,
}

/// Who did not say under which key a provider writes now, or what a name means.
#[derive(Clone, Debug)]
pub struct Silent {
    /// Who was asked, or was to be.
    pub asked: String,
    /// The name that was asked about; `None`: about the key that is current.
    pub name: Option<String>,
    /// Why it was not said.
    pub failure: Failure,
}

impl CurrentKeys {
    /// How many calls it takes to ask each about its providers.
    pub fn calls(providers: &BTreeSet<String>, unwrapper: &dyn Unwrapper) -> usize {
        providers.iter().filter(|name| unwrapper.names_current_key(name)).count()
    }

    /// Asks every plugin of these providers.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn ask(
        providers: &BTreeSet<String>,
        plan: &Plan,
        unwrappers: &mut [Box<dyn Unwrapper>],
        asking: &mut Asking<'_>,
    ) -> Result<Self, LedgerError> {
        let mut keys = Self::default();
        let mut not_served = Vec::new();
        // A plugin that serves KMS v1 alone has no status. Where values are of KMS v2, one that can be asked about them has.
        let has_status =
            |provider: &str| plan.sources().any(|source| source.id.provider == Provider::KmsV2 && source.provider_name() == provider);
        for unwrapper in unwrappers {
            for provider in providers.iter().filter(|name| unwrapper.names_current_key(name)).collect::<Vec<_>>() {
                let about = About::CurrentKey(provider.as_str().into());
                let question = Question { about, place: None, operation: "Status", source: None, key_id: None };
                match asking.put(&question, unwrapper.as_mut(), |unwrapper| unwrapper.current_key(), |_| DESCRIBED)? {
                    Ok(key_id) => drop(keys.said.entry(provider.clone()).or_default().insert(key_id)),
                    Err(failure) if failure.reason == Reason::ApiNotServed && !has_status(provider) => {}
                    Err(failure) if failure.reason == Reason::ApiNotServed => {
                        not_served.push((provider, unwrapper.name().to_owned(), failure))
                    }
                    Err(failure) => {
                        keys.not_said.insert(provider.clone());
                        keys.silent.push(Silent { asked: unwrapper.name().to_owned(), name: None, failure });
                    }
                }
            }
        }
        for (provider, asked, failure) in not_served {
            if !keys.said.contains_key(provider) {
                keys.not_said.insert(provider.clone());
                keys.silent.push(Silent { asked, name: None, failure });
            }
        }
        Ok(keys)
    }

    /// Asks what names mean now, each of a provider, of the first who knows such. An alias without a region is asked about where the keys
    /// of the provider are that were used; where those are in several places nobody can say which is meant.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub fn ask_names(
        &mut self,
        names: &BTreeSet<(String, String)>,
        (plan, ring): (&Plan, &Ring),
        unwrappers: &mut [Box<dyn Unwrapper>],
        asking: &mut Asking<'_>,
    ) -> Result<(), LedgerError> {
        for (provider, name) in names {
            let of_provider = |source: &&WrappedDek| provider.is_empty() || source.provider_name() == provider;
            let used = plan.sources().filter(of_provider).filter_map(|source| {
                let (Held::Key { kms_key_id, .. } | Held::OpenedBefore { kms_key_id, .. }) = ring.get(&source.id)? else { return None };
                kms_key_id.as_deref()
            });
            let provider = plan.sources().find(of_provider).map_or(provider.as_str(), WrappedDek::provider_name);
            let spelled: BTreeSet<String> = used.filter_map(|used| alias_beside(name, used)).collect();
            let state = match spelled.first().filter(|_| spelled.len() == 1) {
                Some(spelled) => KeyState::describe(provider, spelled, unwrappers, asking)?,
                None => None,
            };
            let state = match state {
                Some((_, Ok(state))) => Some(state),
                Some((asked, Err(failure))) => {
                    self.silent.push(Silent { asked, name: Some(name.clone()), failure });
                    None
                }
                None => None,
            };
            self.meant.insert(name.clone(), state);
        }
        Ok(())
    }

    /// The key IDs that plugins of a provider say; several where they do not agree.
    pub fn of(&self, provider_name: &str) -> Option<&BTreeSet<String>> {
        self.said.get(provider_name)
    }

    /// Whether one who could be asked about a provider did not say it.
    pub(crate) fn is_left_open(&self, provider_name: &str) -> bool {
        self.not_said.contains(provider_name)
    }

    /// The ARN of the key that a name means now, where its KMS says it.
    pub(crate) fn meaning(&self, name: &str) -> Option<&str> {
        self.meant.get(name)?.as_ref()?.arn.as_deref().filter(|arn| is_key_arn(arn))
    }

    /// What the KMS has said of keys that names mean now, each by its ARN.
    pub fn states(&self) -> impl Iterator<Item = (&str, &KeyState)> {
        self.meant.values().flatten().filter_map(|state| Some((state.arn.as_deref()?, state)))
    }

    /// What names mean now, as far as it was said.
    pub fn meanings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.meant.keys().filter_map(|name| Some((name.as_str(), self.meaning(name)?)))
    }

    /// Whether the calls that were allowed, or the patience of whoever runs it, did not last for it.
    pub fn is_cut_short(&self) -> bool {
        self.silent.iter().any(|silent| silent.failure.reason == Reason::NotAttempted)
    }

    /// Every provider that was told of, with what its plugins say.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &BTreeSet<String>)> {
        self.said.iter().map(|(provider, keys)| (provider.as_str(), keys))
    }
}
