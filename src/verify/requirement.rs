//! Re-encryption: is everything as the configuration requires it, and what is left?

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::keyring::{Attempt, verdict_of};
use super::needs::{Began, prefix_of};
use super::{Answer, Keyring, Needs, Source, Standing};
use crate::envelope::{KeyIdentity, KeyPattern, Provider};
use crate::evidence::EvidenceId;
use crate::evidence::count::{Count, Values};
use crate::kms::{ConfiguredProvider, CurrentKeys, EncryptionConfig};
use crate::kubernetes::{GroupResource, StorageKey};
use crate::row::{EnvelopeInfo, Form, Place, Retention, ValueRow};

/// Where the requirement comes from.
#[derive(Clone, Copy)]
pub struct Required<'a> {
    /// One key for every resource in question; `None`: what the configurations say.
    pub key: Option<&'a KeyPattern>,
    /// The first that names a resource says how it is written.
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
    /// What the configuration has in the first place cannot be used.
    NotKnown,
}

/// What the values say about the requirement.
#[derive(Clone, Debug, Default)]
pub struct Requirement {
    /// Every state that is required of a value that was seen, each with its resources and how many of their current values are so.
    pub required: BTreeMap<State, BTreeMap<String, Count<Values>>>,
    /// Current values that are not so, or of which that is not proved.
    pub left: BTreeMap<Left, Count<Values>>,
    /// The same in files that were left behind: they are not what the member has now.
    pub in_leftovers: BTreeMap<Left, Count<Values>>,
    /// What is required stands in a configuration that no API server takes: what one writes with it is not known.
    pub is_refused: bool,
    /// Of the current values that are so, those that only name the key: nobody could open them.
    pub by_name: Count<Values>,
    /// Values written under another key after the required one began: by prefix and that key, how many, the first and the last revision.
    pub late: BTreeMap<Late, (Count<Values>, u64, u64)>,
}

/// Whose values were written late: of which evidence, below which prefix, under which key; `None`: in plaintext.
pub type Late = (EvidenceId, Option<String>, Option<KeyIdentity<'static>>);

/// Current values that are left.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    /// The evidence.
    pub evidence: EvidenceId,
    /// The resource.
    pub group_resource: String,
    /// The prefix of its API server; bytes that are no text are replaced.
    pub prefix: Option<String>,
    /// The namespace; `None` where the resource has none.
    pub namespace: Option<String>,
    /// What they are under.
    pub under: Under,
}

/// What a value is under that is not as required.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Under {
    /// No key.
    Plaintext,
    /// Another key.
    Key(KeyIdentity<'static>),
    /// Another key of the required one's name.
    SameName(KeyIdentity<'static>),
    /// By its name the required key, which does not open it.
    NotOpened(KeyIdentity<'static>),
    /// A key of the required provider, of which it is not known under which of its keys it writes now.
    OneOfSeveral(KeyIdentity<'static>),
    /// Whatever the log has behind the database, which writes or deletes it later, or may.
    NotApplied,
    /// A form that is not known here, or a name that cannot be read; or it is not known what is required.
    NotKnown,
}

/// What is required of one resource.
pub(super) struct Wanted {
    state: State,
    /// Which key of that name, of several that were given.
    number: Option<usize>,
    /// It is a provider that has several keys, and nobody says which of them it writes under now.
    is_one_of_several: bool,
    /// Whether it was asked for by name: of other resources nothing is required while none of their values is encrypted.
    is_meant: bool,
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
        let configured = of_config(self.configs, group_resource);
        let Some(key) = self.key else {
            let (state, key) = configured?;
            let number = key.and_then(|(provider, named)| keyring.number(provider, &named.name, named.key.as_ref()?));
            return Some(Wanted { number, ..self.settled(state, true, needs) });
        };
        let is_meant = group_resource == "secrets" || configured.is_some_and(|(state, _)| state != State::Plaintext);
        Some(self.settled(State::Key(key.clone()), is_meant, needs))
    }

    /// A provider of KMS v2 writes under one of its keys. Which it is its plugin says; else it is the only one that there is.
    fn settled(&self, state: State, is_meant: bool, needs: &Needs<'_>) -> Wanted {
        let wanted = |state, is_one_of_several| Wanted { state, number: None, is_one_of_several, is_meant };
        let (pattern, name) = match &state {
            State::Key(pattern) if pattern.key_id.is_none() && pattern.may_be_of_kms() => match &pattern.name {
                Some(name) => (pattern, name),
                None => return wanted(state, false),
            },
            State::Key(_) | State::Plaintext | State::NotKnown => return wanted(state, false),
        };
        let said = self.current_keys.of(name).filter(|_| pattern.version.as_deref() != Some(KMS_V1));
        match said.map(|said| (said.first(), said.len())) {
            Some((Some(key_id), 1)) => {
                let version = Provider::KmsV2.words().map(|(_, version)| version.to_owned());
                wanted(State::Key(KeyPattern { version, key_id: Some(key_id.clone()), ..pattern.clone() }), false)
            }
            Some(_) => wanted(state, true),
            None => {
                let is_one_of_several = needs.current_keys(pattern).len() > 1;
                wanted(state, is_one_of_several)
            }
        }
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

type LocalKeyOf<'a> = (Provider, &'a crate::kms::NamedKey);

/// What a resource is written with, and the local key where it is one; `None`: no configuration names it.
pub(super) fn of_config<'a>(configs: &'a [EncryptionConfig], group_resource: &str) -> Option<(State, Option<LocalKeyOf<'a>>)> {
    let is_word = GroupResource(group_resource.into()).is_without_group();
    let providers = |config: &'a EncryptionConfig| match is_word {
        true => config.providers_of_word(group_resource),
        false => config.providers_of(group_resource),
    };
    let first = configs.iter().find_map(|config| providers(config).into_iter().next())?;
    let of_key = |pattern: Option<KeyPattern>| pattern.map_or(State::NotKnown, State::Key);
    Some(match first {
        ConfiguredProvider::Identity => (State::Plaintext, None),
        ConfiguredProvider::Unusable => (State::NotKnown, None),
        ConfiguredProvider::Kms(kms) => (of_key(KeyPattern::of_provider(kms.provider, &kms.name)), None),
        ConfiguredProvider::Local(provider, keys) => match keys.first().filter(|named| !named.name.is_empty()) {
            Some(named) => (of_key(KeyPattern::of_provider(*provider, &named.name)), Some((*provider, named))),
            None => (State::NotKnown, None),
        },
    })
}

impl Requirement {
    /// Looks at a value. `group_resource`: its own, where the object says it; `began`: since when the required key writes.
    pub(super) fn see(
        &mut self,
        source: &Source<'_, '_>,
        row: &ValueRow<'_>,
        group_resource: &str,
        attempt: Option<&Attempt>,
        wanted: &Wanted,
        began: Option<&Began<'_>>,
    ) {
        let is_retained =
            row.place == Place::Tree && row.retention.is_retained() && (source.is_leftover() || row.retention != Retention::Deleted);
        let is_of_log = row.is_ahead();
        // What stands under a foreign key no API server writes, whatever it is.
        let is_of_server = |key: &&StorageKey<'_>| (is_retained || is_of_log) && key.prefix.is_some();
        let Some(storage_key) = row.storage_key.as_ref().filter(is_of_server) else { return };
        let is_current = row.retention == Retention::Current;
        let under = wanted.other_than(row, attempt);
        if !source.is_leftover() {
            let met = self.required.entry(wanted.state.clone()).or_default().entry(group_resource.to_owned()).or_default();
            met.add_if(is_current && under.is_none());
            let is_asked = attempt.is_none_or(|attempt| matches!(attempt, Attempt::Opened { .. }));
            self.by_name.add_if(is_current && under.is_none() && !is_asked);
        }
        if let Some(under) = under.as_ref().filter(|_| is_retained && !source.is_leftover()) {
            self.see_late(source.id, row, under, began);
        }
        // Nothing in what was left behind is current, and all that is retained in it can be read there.
        let left = match row.retention {
            _ if source.is_leftover() => under.filter(|_| is_retained),
            Retention::Current => under,
            // What the log makes of it need not be under the same key.
            Retention::Newest => Some(Under::NotApplied),
            _ => under.filter(|_| is_of_log).map(|_| Under::NotApplied),
        };
        if let Some(under) = left {
            let namespace = storage_key.namespace.map(str::to_owned);
            let prefix = storage_key.prefix.map(|prefix| String::from_utf8_lossy(prefix).into_owned());
            let left = Left { evidence: source.id, group_resource: group_resource.to_owned(), prefix, namespace, under };
            let of_source = if source.is_leftover() { &mut self.in_leftovers } else { &mut self.left };
            of_source.entry(left).or_default().add_one();
        }
    }

    /// Notes what was written otherwise after the required key began to write.
    fn see_late(&mut self, evidence: EvidenceId, row: &ValueRow<'_>, under: &Under, began: Option<&Began<'_>>) {
        let other = match under {
            Under::Plaintext => None,
            Under::Key(other) => Some(other.clone()),
            Under::SameName(_) | Under::NotOpened(_) | Under::OneOfSeveral(_) | Under::NotApplied | Under::NotKnown => return,
        };
        let began = began.and_then(|began| began.get(&(evidence, prefix_of(row)))).copied();
        if let (Some(began), Some(revision)) = (began, row.written.main)
            && revision > began
        {
            let prefix = row.storage_key.as_ref().and_then(|key| key.prefix).map(|prefix| String::from_utf8_lossy(prefix).into_owned());
            let (count, first, last) = self.late.entry((evidence, prefix, other)).or_insert((Count::ZERO, revision, revision));
            count.add_one();
            (*first, *last) = (revision.min(*first), revision.max(*last));
        }
    }

    fn count(&self, fits: impl Fn(&Under) -> bool) -> Count<Values> {
        self.left.iter().filter(|(left, _)| fits(&left.under)).map(|(_, count)| *count).sum()
    }

    /// Current values that are provably stored otherwise.
    pub fn left(&self) -> Count<Values> {
        self.count(Under::is_otherwise)
    }

    /// Current values that name the required key and provably do not open with it.
    pub fn not_opened(&self) -> Count<Values> {
        self.count(|under| matches!(under, Under::NotOpened(_)))
    }

    /// Current values of which it is not known.
    pub fn not_known(&self) -> Count<Values> {
        self.count(|under| matches!(under, Under::NotApplied | Under::NotKnown | Under::OneOfSeveral(_)))
    }

    /// Those of them that are under one of several keys of the required provider.
    pub fn one_of_several(&self) -> Count<Values> {
        self.count(|under| matches!(under, Under::OneOfSeveral(_)))
    }

    /// Current values that are as required.
    pub fn met(&self) -> Count<Values> {
        self.required.values().flat_map(BTreeMap::values).copied().sum()
    }

    /// Forgets resources of which no value at all is encrypted and that nobody meant.
    pub(super) fn keep_resources(&mut self, is_meant: impl Fn(&str) -> bool) {
        self.left.retain(|left, _| is_meant(&left.group_resource));
        self.in_leftovers.retain(|left, _| is_meant(&left.group_resource));
        for resources in self.required.values_mut() {
            resources.retain(|resource, _| is_meant(resource));
        }
        self.required.retain(|_, resources| !resources.is_empty());
    }
}

impl Wanted {
    /// The key that is wanted, where it is one.
    pub(super) fn key(&self) -> Option<&KeyPattern> {
        match &self.state {
            State::Key(key) => Some(key),
            State::Plaintext | State::NotKnown => None,
        }
    }

    pub(super) fn is_meant(&self) -> bool {
        self.is_meant
    }

    /// What a value is under, where that is not what is wanted, or where it is not known.
    fn other_than(&self, row: &ValueRow<'_>, attempt: Option<&Attempt>) -> Option<Under> {
        let identity = row.envelope().map(EnvelopeInfo::key).filter(|key| key.name.is_some());
        match (&self.state, row.form(), identity) {
            (State::NotKnown, ..) | (_, Form::Unknown | Form::Empty, _) => Some(Under::NotKnown),
            (State::Plaintext, Form::Plaintext, _) => None,
            (State::Key(_), Form::Plaintext, _) => Some(Under::Plaintext),
            (_, _, None) => Some(Under::NotKnown),
            (State::Key(key), _, Some(identity)) if key.matches(&identity) => {
                let otherwise = self.otherwise_opened(row, attempt, &identity);
                otherwise.or_else(|| self.is_one_of_several.then(|| Under::OneOfSeveral(identity.owned())))
            }
            (_, _, Some(identity)) => Some(Under::Key(identity.owned())),
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
            Attempt::Opened { number, .. } if self.number.is_some() && *number != self.number => Some(Under::SameName(identity.owned())),
            Attempt::Opened { .. } | Attempt::Not(_) => None,
        }
    }
}

impl Under {
    /// The word in the records.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Key(_) => "other-key",
            Self::SameName(_) => "other-key-of-this-name",
            Self::NotOpened(_) => "not-opened",
            Self::OneOfSeveral(_) => "one-of-several-keys",
            Self::NotApplied => "not-applied",
            Self::NotKnown => "not-known",
        }
    }

    /// The key that the values name.
    pub fn key(&self) -> Option<&KeyIdentity<'static>> {
        match self {
            Self::Key(key) | Self::SameName(key) | Self::NotOpened(key) | Self::OneOfSeveral(key) => Some(key),
            Self::Plaintext | Self::NotApplied | Self::NotKnown => None,
        }
    }

    /// Whether it is provably something else than what is required, and readable.
    pub fn is_otherwise(&self) -> bool {
        matches!(self, Self::Plaintext | Self::Key(_) | Self::SameName(_))
    }
}

/// The word in the records: `plaintext`, or the key as it is given.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plaintext => f.write_str("plaintext"),
            Self::Key(key) => key.fmt(f),
            Self::NotKnown => f.write_str("not known"),
        }
    }
}
