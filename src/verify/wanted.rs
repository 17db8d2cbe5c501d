//! What is required of the values of a resource: by a key that was named, or by configurations.

use std::collections::BTreeSet;
use std::fmt;

use super::keyring::{Attempt, verdict_of};
use super::needs::SeveralKeys;
use super::under::Under;
use super::which_key::{Stands, WhichKey, proved};
use super::{Answer, Keyring, Needs, Standing};
use crate::envelope::{KeyIdentity, KeyPattern, Provider};
use crate::kms::{ConfiguredProvider, CurrentKeys, EncryptionConfig, NamedKey, is_alias};
use crate::kubernetes::GroupResource;
use crate::row::{EnvelopeInfo, Form, ValueRow};

/// Where the requirement comes from.
#[derive(Clone, Copy)]
pub struct Required<'a> {
    /// One key for every resource in question; `None`: what the configurations say.
    pub key: Option<&'a KeyPattern>,
    /// Each that names a resource says how it is written. Where they do not say the same, nobody knows here which is in force.
    pub configs: &'a [EncryptionConfig],
    /// Under which keys plugins say that their providers write now.
    pub current_keys: &'a CurrentKeys,
}

/// How values are to be stored.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Without encryption: `identity` stands first.
    Plaintext,
    /// Under this key.
    Key(KeyPattern),
    /// Without encryption, since no rule names the resource: what is encrypted an API server then refuses to read.
    /// Source: k8s.io/apiserver `pkg/storage/value/encrypt/identity/identity.go`.
    NotNamed,
    /// What the configuration has in the first place cannot be used.
    NotKnown,
}

/// What is required of one resource.
pub(super) struct Wanted {
    /// As the first configuration has it.
    pub(super) first: Alternative,
    /// As the others have it, where one of them has it otherwise; each with its number.
    pub(super) others: Vec<(usize, Alternative)>,
    /// The number of the first.
    pub(super) number: usize,
    /// Whether it was asked for by name: of other resources nothing is required while none of their values is encrypted.
    pub(super) is_meant: bool,
}

/// What one configuration requires of one resource.
#[derive(PartialEq, Eq)]
pub(super) struct Alternative {
    pub(super) state: State,
    /// Which key of that name, of several that were given.
    pub(super) number: Option<usize>,
    /// Which of the keys that its provider has.
    which: WhichKey,
}

impl Required<'_> {
    /// Whether it is what a configuration says that no API server takes.
    pub(super) fn is_refused(&self) -> bool {
        self.key.is_none() && self.configs.iter().any(EncryptionConfig::is_refused)
    }

    /// What is required of a resource; `None`: nothing.
    pub(super) fn of(&self, group_resource: &str, keyring: &Keyring<'_>, needs: &Needs<'_>) -> Option<Wanted> {
        if GroupResource(group_resource.into()).is_never_encrypted() {
            return None;
        }
        if let Some(key) = self.key {
            let configured = of_configs(self.configs, group_resource).find(|(_, (state, _))| *state != State::NotNamed);
            let is_meant = group_resource == "secrets" || configured.is_some_and(|(_, (state, _))| state != State::Plaintext);
            let wanted = || self.settled(State::Key(key.clone()), needs);
            let alternatives = self
                .keys_of_name(key, group_resource, keyring)
                .into_iter()
                .map(|(at, number)| (at, Alternative { number: Some(number), ..wanted() }));
            return Some(Wanted::of(alternatives, is_meant).unwrap_or_else(|| Wanted::by_one(wanted(), is_meant)));
        }
        let configured: Vec<_> = of_configs(self.configs, group_resource).collect();
        if configured.iter().all(|(_, (state, _))| *state == State::NotNamed) {
            return (!self.configs.is_empty() && !self.is_refused()).then(|| Wanted::by_one(Alternative::any(State::NotNamed), false));
        }
        let alternatives = configured.into_iter().map(|(at, (state, key))| {
            let number = key.and_then(|(provider, named)| keyring.number(provider, &named.name, named.key.as_ref()?));
            (at, Alternative { number, ..self.settled(state, needs) })
        });
        Wanted::of(alternatives, true)
    }

    /// Where several local keys of the required name were given, each that may be meant: its configuration, and its number among them.
    /// Of the rules of the resource it is the first one of that name; where no rule has one, it may be any.
    fn keys_of_name(&self, key: &KeyPattern, group_resource: &str, keyring: &Keyring<'_>) -> Vec<(usize, usize)> {
        let number = |(provider, named): (Provider, &NamedKey)| {
            let is_named = provider.words().map(|(word, _)| word) == key.provider.as_deref() && key.name.as_ref() == Some(&named.name);
            keyring.number(provider, &named.name, named.key.as_ref().filter(|_| is_named)?)
        };
        let configs = || self.configs.iter().enumerate();
        let all: Vec<(usize, usize)> =
            configs().flat_map(|(at, config)| config.local_keys().filter_map(number).map(move |number| (at, number))).collect();
        if all.iter().map(|(_, number)| number).collect::<BTreeSet<_>>().len() < 2 {
            return Vec::new();
        }
        let in_rule = |config| providers_of(config, group_resource).into_iter().flat_map(ConfiguredProvider::local_keys).find_map(number);
        let in_rules: Vec<(usize, usize)> = configs().filter_map(|(at, config)| Some((at, in_rule(config)?))).collect();
        if in_rules.is_empty() { all } else { in_rules }
    }

    /// A provider of KMS v2 writes under one of its keys. Which it is the user names, or its plugin says; else it is the only one that
    /// there is.
    fn settled(&self, state: State, needs: &Needs<'_>) -> Alternative {
        let State::Key(pattern) = &state else { return Alternative::any(state) };
        let which = self.which(pattern, needs);
        let said = pattern.name.as_deref().and_then(|name| self.said(pattern, name));
        let state = match said {
            // What the plugin says is shown, too.
            Some(key_id) if pattern.key_id.is_none() => {
                let version = Provider::KmsV2.words().map(|(_, version)| version.to_owned());
                State::Key(KeyPattern { version, key_id: Some(key_id.to_owned()), ..pattern.clone() })
            }
            _ => state,
        };
        Alternative { state, number: None, which }
    }

    /// The one key that plugins say a provider writes under now, where they say one.
    fn said(&self, pattern: &KeyPattern, name: &str) -> Option<&str> {
        let may_say = pattern.version.as_deref() != Some(KMS_V1) && pattern.may_be_of_kms() && !self.current_keys.is_left_open(name);
        let said = self.current_keys.of(name).filter(|said| may_say && said.len() == 1);
        said?.first().map(String::as_str)
    }

    fn which(&self, pattern: &KeyPattern, needs: &Needs<'_>) -> WhichKey {
        let one = |named: &str| WhichKey::one(named, self.current_keys);
        if let Some(key_id) = &pattern.key_id {
            return one(key_id);
        }
        let Some(name) = pattern.name.as_deref().filter(|_| pattern.may_be_of_kms()) else { return WhichKey::Any };
        if pattern.version.as_deref() != Some(KMS_V1) {
            match (self.said(pattern, name), self.current_keys.of(name)) {
                _ if self.current_keys.is_left_open(name) => return WhichKey::NotTold,
                (Some(key_id), _) => return one(key_id),
                (None, Some(_)) => return WhichKey::OneOfSeveral,
                (None, None) => {}
            }
        }
        match needs.current_key(pattern) {
            Ok(Some(key_id)) => one(key_id),
            Ok(None) => WhichKey::Any,
            Err(SeveralKeys) => WhichKey::OneOfSeveral,
        }
    }

    /// Names of required keys that mean whatever their KMS makes of them now, each with its provider: the KMS is asked.
    pub fn names_to_ask(&self, needs: &Needs<'_>) -> BTreeSet<(String, String)> {
        let of_configs = || self.configs.iter().flat_map(EncryptionConfig::kms_providers);
        let patterns: Vec<KeyPattern> = match self.key {
            Some(key) => vec![key.clone()],
            None => of_configs().filter_map(|kms| KeyPattern::of_provider(kms.provider, &kms.name)).collect(),
        };
        let names = patterns.iter().filter_map(|pattern| match self.which(pattern, needs) {
            WhichKey::One { named, .. } if is_alias(&named) => Some((pattern.name.clone().unwrap_or_default(), named)),
            _ => None,
        });
        names.collect()
    }

    /// Providers of KMS v2 that are required without saying under which key: their plugins are asked.
    pub fn providers_to_ask(key: Option<&KeyPattern>, configs: &[EncryptionConfig]) -> BTreeSet<String> {
        let of_configs = || configs.iter().flat_map(EncryptionConfig::kms_providers).filter(|kms| kms.provider == Provider::KmsV2);
        match key {
            Some(key) if key.key_id.is_some() || !key.may_be_of_kms() => BTreeSet::new(),
            Some(key) => key.name.iter().cloned().collect(),
            None => of_configs().map(|kms| kms.name.clone()).collect(),
        }
    }
}

/// The word for KMS v1, whose values name no key.
const KMS_V1: &str = "v1";

type LocalKeyOf<'a> = (Provider, &'a NamedKey);

/// What a resource is written with by each configuration, with the number of the configuration, and the local key where it is one. An API
/// server whose configuration does not name it writes it in plaintext.
pub(super) fn of_configs<'a>(
    configs: &'a [EncryptionConfig],
    group_resource: &'a str,
) -> impl Iterator<Item = (usize, (State, Option<LocalKeyOf<'a>>))> {
    let first = move |config| providers_of(config, group_resource).into_iter().next();
    configs.iter().enumerate().map(move |(at, config)| (at, first(config).map_or((State::NotNamed, None), of_provider)))
}

/// The providers of a resource by a configuration, in their order.
fn providers_of<'a>(config: &'a EncryptionConfig, group_resource: &str) -> Vec<&'a ConfiguredProvider> {
    match GroupResource(group_resource.into()).is_without_group() {
        true => config.providers_of_word(group_resource),
        false => config.providers_of(group_resource),
    }
}

fn of_provider(first: &ConfiguredProvider) -> (State, Option<LocalKeyOf<'_>>) {
    let of_key = |pattern: Option<KeyPattern>| pattern.map_or(State::NotKnown, State::Key);
    match first {
        ConfiguredProvider::Identity => (State::Plaintext, None),
        ConfiguredProvider::Unusable => (State::NotKnown, None),
        ConfiguredProvider::Kms(kms) => (of_key(KeyPattern::of_provider(kms.provider, &kms.name)), None),
        ConfiguredProvider::Local(provider, keys) => match keys.first().filter(|named| !named.name.is_empty()) {
            Some(named) => (of_key(KeyPattern::of_provider(*provider, &named.name)), Some((*provider, named))),
            None => (State::NotKnown, None),
        },
    }
}

impl Wanted {
    /// What configurations require, each with its number; `None`: there is none.
    fn of(alternatives: impl IntoIterator<Item = (usize, Alternative)>, is_meant: bool) -> Option<Self> {
        let mut alternatives = alternatives.into_iter();
        let (number, first) = alternatives.next()?;
        let others: Vec<_> = alternatives.collect();
        let is_disputed = others.iter().any(|(_, other)| *other != first);
        Some(Self { first, others: if is_disputed { others } else { Vec::new() }, number, is_meant })
    }

    fn by_one(first: Alternative, is_meant: bool) -> Self {
        Self { first, others: Vec::new(), number: 0, is_meant }
    }

    /// Whether any key will do that its provider's name stands for.
    pub(super) fn is_any_of_name(&self) -> bool {
        self.others.is_empty() && self.first.which == WhichKey::Any
    }

    /// The key that is wanted, where it is one.
    pub(super) fn key(&self) -> Option<&KeyPattern> {
        match &self.first.state {
            State::Key(key) if self.others.is_empty() => Some(key),
            State::Key(_) | State::Plaintext | State::NotNamed | State::NotKnown => None,
        }
    }
}

impl Alternative {
    /// A state that any key fits, or none.
    fn any(state: State) -> Self {
        Self { state, number: None, which: WhichKey::Any }
    }

    /// What a value is under, where that is not what is wanted, or where it is not known.
    pub(super) fn other_than(&self, row: &ValueRow<'_>, attempt: Option<&Attempt>) -> Option<Under> {
        let identity = row.envelope().map(EnvelopeInfo::key).filter(|key| key.name.is_some());
        match (&self.state, row.form(), identity) {
            (State::NotKnown, ..) | (_, Form::Unknown | Form::Empty, _) => Some(Under::NotKnown),
            (State::Plaintext | State::NotNamed, Form::Plaintext, _) => None,
            (State::Key(_), Form::Plaintext, _) => Some(Under::Plaintext),
            (_, _, None) => Some(Under::NotKnown),
            (State::NotNamed, _, Some(identity)) => Some(Under::NotNamed(identity.owned())),
            (State::Key(key), _, Some(identity)) => {
                let of_provider = KeyPattern { key_id: None, ..key.clone() };
                let (used, is_opened) = (attempt.and_then(Attempt::used), attempt.is_some_and(Attempt::is_or_was_opened));
                let stands = if of_provider.matches(&identity) { self.which.stands(&identity, used, is_opened) } else { Stands::Elsewhere };
                let otherwise = || self.otherwise_opened(row, attempt, &identity);
                match stands {
                    Stands::Under => otherwise(),
                    Stands::Elsewhere => Some(Under::Key(proved(&identity, used))),
                    Stands::OneOfSeveral => Some(otherwise().unwrap_or_else(|| Under::OneOfSeveral(identity.owned()))),
                    Stands::NotTold => Some(otherwise().unwrap_or_else(|| Under::NotTold(identity.owned()))),
                }
            }
            (State::Plaintext, _, Some(identity)) => Some(Under::Key(identity.owned())),
        }
    }

    /// The same of a value that names the required key, by what came of opening it.
    fn otherwise_opened(&self, row: &ValueRow<'_>, attempt: Option<&Attempt>, identity: &KeyIdentity<'_>) -> Option<Under> {
        let is_unopenable = |answer: Answer| answer.standing() == Standing::Unopenable;
        match attempt? {
            Attempt::Failed { .. } => Some(Under::NotOpened(identity.owned())),
            Attempt::Not(answer) if is_unopenable(*answer) => Some(Under::NotOpened(identity.owned())),
            Attempt::Opened { contents, key, is_bound, .. } if is_unopenable(verdict_of(contents, key.clone(), *is_bound, row).answer) => {
                Some(Under::NotOpened(identity.owned()))
            }
            Attempt::Opened { which, .. } if self.number.is_some() && which.as_ref().map(|which| which.number) != self.number => {
                Some(Under::SameName(identity.owned()))
            }
            Attempt::Opened { .. } | Attempt::OpenedBefore { .. } | Attempt::Not(_) => None,
        }
    }
}

/// The word in the records: `plaintext`, or the key as it is given.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plaintext => f.write_str("plaintext"),
            Self::NotNamed => f.write_str("not encrypted"),
            Self::Key(key) => key.fmt(f),
            Self::NotKnown => f.write_str("not known"),
        }
    }
}
