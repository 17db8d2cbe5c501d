//! All keys of a run, and one attempt to open a value with them.

use std::collections::BTreeMap;

use crate::envelope::open::{DekSourceId, LocalKey, Opened, Plaintext, Proof as OpeningProof, Unopened};
use crate::envelope::{Body, KeyIdentity, Provider, Sealed};
use crate::kms::{EncryptionConfig, Held, Reason, Ring};
use crate::row::ValueRow;

use super::contents::Contents;
use super::{Answer, Verdict};

/// Keys that were given, and DEK sources with what became of them.
pub struct Keyring<'a> {
    /// Local keys by provider and name, in the order given. Several keys of one name are told apart by their number here.
    local: BTreeMap<(Provider, &'a str), Vec<GivenKey<'a>>>,
    ring: &'a Ring,
}

/// A local key that was given.
struct GivenKey<'a> {
    key: &'a LocalKey,
    /// The numbers of the configurations that have it.
    configurations: Vec<usize>,
}

/// What tried to open a value: one key, in the narrowest sense that is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Opener {
    /// A local key by provider and name.
    Local(Provider, Box<str>),
    /// The DEK or seed of a source.
    Dek(DekSourceId),
}

/// Which of the local keys of one name a key is.
pub(super) struct WhichOfName {
    /// Its number among them.
    pub number: usize,
    /// What tells it from the others, where there are several.
    pub told_apart: Option<String>,
}

/// One attempt.
pub(super) enum Attempt {
    /// It opened.
    Opened {
        plaintext: Plaintext,
        opener: Opener,
        /// Of the local keys of its name, which it was.
        which: Option<Box<WhichOfName>>,
        /// The key that the KMS says it used.
        used: Option<Box<str>>,
        key: KeyIdentity<'static>,
        contents: Contents,
        is_bound: bool,
    },
    /// Nobody was asked again: by a ledger an earlier run has opened it, with this key as the KMS said.
    OpenedBefore { used: Option<Box<str>> },
    /// A key was there and did not open it.
    Failed { opener: Opener, is_bound: bool },
    /// It was not tried, or cannot be.
    Not(Answer),
}

impl<'a> Keyring<'a> {
    /// The keys of configurations, and DEK sources.
    pub fn new(configs: &'a [EncryptionConfig], ring: &'a Ring) -> Self {
        let mut local: BTreeMap<_, Vec<GivenKey<'_>>> = BTreeMap::new();
        let of_config = |(at, config): (usize, &'a EncryptionConfig)| config.local_keys().map(move |key| (at, key)).collect::<Vec<_>>();
        for (at, (provider, named)) in configs.iter().enumerate().flat_map(of_config) {
            let Some(key) = &named.key else { continue };
            let of_name = local.entry((provider, named.name.as_str())).or_default();
            match of_name.iter_mut().find(|known| known.key.is_same(key)) {
                Some(known) if known.configurations.contains(&at) => {}
                Some(known) => known.configurations.push(at),
                None => of_name.push(GivenKey { key, configurations: vec![at] }),
            }
        }
        Self { local, ring }
    }

    /// The number of a key among those of its name.
    pub(super) fn number(&self, provider: Provider, name: &str, key: &LocalKey) -> Option<usize> {
        self.local.get(&(provider, name))?.iter().position(|known| known.key.is_same(key))
    }

    /// What tells a key from the others of its name that were given: in which configurations it stands, and where that is not enough its
    /// number.
    fn told_apart(of_name: &[GivenKey<'_>], index: usize) -> Option<String> {
        let GivenKey { configurations, .. } = of_name.get(index).filter(|_| of_name.len() > 1)?;
        let numbers: Vec<String> = configurations.iter().map(|at| at.saturating_add(1).to_string()).collect();
        let word = if configurations.len() == 1 { "configuration" } else { "configurations" };
        let is_alike = |other: &GivenKey<'_>| other.configurations.iter().any(|at| configurations.contains(at));
        let alike = || of_name.iter().enumerate().filter(|(_, other)| is_alike(other));
        let number = alike().position(|(at, _)| at == index).filter(|_| alike().count() > 1);
        let number = number.map_or(String::new(), |number| format!(", key {}", number.saturating_add(1)));
        Some(format!("{word} {}{number}", numbers.join(" and ")))
    }
}

impl Keyring<'_> {
    /// Opens a value for somebody who asked for it.
    ///
    /// # Errors
    /// Why it does not open.
    pub fn open(&self, row: &ValueRow<'_>) -> Result<Plaintext, Answer> {
        match self.attempt(row) {
            Attempt::Opened { plaintext, .. } => Ok(plaintext),
            Attempt::Failed { opener: Opener::Dek(_), .. } => Err(Answer::DamagedOrOtherDek),
            Attempt::Failed { opener: Opener::Local(..), .. } => Err(Answer::WrongKey),
            Attempt::OpenedBefore { .. } => Err(Answer::OpenedBefore),
            Attempt::Not(answer) => Err(answer),
        }
    }

    /// Tries to open a value.
    pub(super) fn attempt(&self, row: &ValueRow<'_>) -> Attempt {
        if row.key.is_empty() && !row.is_fragment() {
            return Attempt::Not(Answer::NoStorageKey);
        }
        self.attempt_as(row, row.key)
    }

    /// Tries to open a value as if it stood under `storage_key`.
    pub(super) fn attempt_as(&self, row: &ValueRow<'_>, storage_key: &[u8]) -> Attempt {
        if row.is_fragment() {
            return Attempt::Not(Answer::NotWhole);
        }
        let (Some(info), Some(sealed)) = (row.envelope(), Sealed::parse(row.bytes.0)) else {
            return Attempt::Not(Answer::UnknownProvider);
        };
        let name = match info.name {
            _ if !sealed.provider.is_known() => return Attempt::Not(Answer::UnknownProvider),
            None => return Attempt::Not(Answer::EnvelopeInvalid),
            Some(name) => name,
        };
        let (provider, key) = (sealed.provider, info.key().owned());
        match Body::parse(provider, name.body) {
            Err(_) => Attempt::Not(Answer::EnvelopeInvalid),
            Ok(Body::Local(sealed)) => self.attempt_local(row, provider, name.name, sealed, storage_key, key),
            // A type that a later API server may write says how it is to be opened.
            Ok(Body::Kms(envelope)) if envelope.dek_source_kind.is_none() => Attempt::Not(Answer::UnknownProvider),
            Ok(Body::Kms(envelope)) => match DekSourceId::of(name.name, &envelope) {
                None => Attempt::Not(Answer::EnvelopeInvalid),
                Some(id) => self.attempt_dek(row, id, envelope.sealed, storage_key, key),
            },
        }
    }

    fn attempt_dek(
        &self,
        row: &ValueRow<'_>,
        id: DekSourceId,
        sealed: &[u8],
        storage_key: &[u8],
        mut key: KeyIdentity<'static>,
    ) -> Attempt {
        match self.ring.get(&id) {
            None => Attempt::Not(Answer::NoKey(Reason::NoKeyGiven)),
            Some(Held::Nothing(failure)) => Attempt::Not(Answer::NoKey(failure.reason)),
            Some(Held::OpenedBefore { kms_key_id, .. }) => Attempt::OpenedBefore { used: kms_key_id.as_deref().map(Into::into) },
            Some(Held::Key { key: data_key, kms_key_id, .. }) => {
                if key.key_id.is_none() {
                    key.key_id = kms_key_id.clone().map(Into::into);
                }
                let is_bound = id.provider.binds_storage_key();
                let mut attempt = weigh(row, Opener::Dek(id), key, is_bound, data_key.open(sealed, storage_key));
                if let Attempt::Opened { used, .. } = &mut attempt {
                    *used = kms_key_id.as_deref().map(Into::into);
                }
                attempt
            }
        }
    }

    /// Tries every key of the name. A key that opens the value is the one; of what the others say, what says most is kept.
    fn attempt_local(
        &self,
        row: &ValueRow<'_>,
        provider: Provider,
        name: &str,
        sealed: &[u8],
        storage_key: &[u8],
        key: KeyIdentity<'static>,
    ) -> Attempt {
        let is_bound = provider.binds_storage_key();
        let mut known = Attempt::Not(Answer::NoKey(Reason::NoKeyGiven));
        let of_name = self.local.get(&(provider, name)).map_or(&[][..], Vec::as_slice);
        for (index, local) in of_name.iter().enumerate() {
            let opener = Opener::Local(provider, name.into());
            match weigh(row, opener, key.clone(), is_bound, local.key.open(sealed, storage_key)) {
                Attempt::Opened { plaintext, opener, key, contents, is_bound, .. } => {
                    let which = Some(Box::new(WhichOfName { number: index, told_apart: Self::told_apart(of_name, index) }));
                    return Attempt::Opened { plaintext, opener, which, used: None, key, contents, is_bound };
                }
                // A key that makes the beginning of an object says more than one that makes nothing.
                failed @ Attempt::Failed { .. } if index == 0 => known = failed,
                Attempt::Failed { .. } => {}
                not @ (Attempt::Not(_) | Attempt::OpenedBefore { .. }) => known = not,
            }
        }
        known
    }
}

/// Whether an opening proves the key: by a tag, or by something in it that an API server stores.
pub(super) fn is_proved(opened: &Opened) -> bool {
    opened.proof == OpeningProof::Tag || Contents::of(opened.plaintext.as_ref(), None) != Contents::Foreign
}

/// An opening, weighed by what it proves and by what is in it.
fn weigh(row: &ValueRow<'_>, opener: Opener, key: KeyIdentity<'static>, is_bound: bool, result: Result<Opened, Unopened>) -> Attempt {
    let opened = match result {
        Ok(opened) => opened,
        Err(Unopened::Form { .. }) => return Attempt::Not(Answer::EnvelopeInvalid),
        Err(Unopened::Tag | Unopened::Padding) => return Attempt::Failed { opener, is_bound },
    };
    let contents = Contents::of(opened.plaintext.as_ref(), row.storage_key.as_ref());
    match (opened.proof, &contents) {
        // Padding that fits is no proof, an object within is.
        (OpeningProof::Padding, Contents::Foreign) => Attempt::Failed { opener, is_bound: false },
        // A key that makes an object's beginning is the key; the rest was changed.
        (OpeningProof::Padding, Contents::Broken) => Attempt::Not(Answer::DamagedCiphertext),
        (proof, _) => {
            let is_bound = is_bound && proof == OpeningProof::Tag;
            Attempt::Opened { plaintext: opened.plaintext, opener, which: None, used: None, key, contents, is_bound }
        }
    }
}

/// The verdict of an opening.
pub(super) fn verdict_of(contents: &Contents, key: KeyIdentity<'static>, is_bound: bool, row: &ValueRow<'_>) -> Verdict {
    let (answer, sealed_for) = match contents {
        Contents::Named => (Answer::Opened, None),
        Contents::Broken | Contents::Foreign => (Answer::NoObject, None),
        // What is sealed for its storage key was put there by an API server, whatever its name.
        Contents::Other { .. } if is_bound => (Answer::Misplaced, None),
        Contents::Other { resource, namespace, name } => (Answer::MovedCiphertext, other_key(row, resource.as_deref(), namespace, name)),
    };
    Verdict { answer, opened_by: Some(key), told_apart: None, sealed_for }
}

/// The storage key that an object of this namespace and name would have in the place of the row's; of another resource its words in a key.
fn other_key(row: &ValueRow<'_>, resource: Option<&str>, namespace: &str, name: &str) -> Option<String> {
    let key = std::str::from_utf8(row.key).ok()?;
    let storage_key = row.storage_key.as_ref()?;
    if let Some(resource) = resource {
        let parts = [resource, namespace, name].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
        return Some(format!("{}/{}", std::str::from_utf8(storage_key.prefix?).ok()?, parts.join("/")));
    }
    let own = [storage_key.namespace.unwrap_or_default(), storage_key.name].join("/");
    let head = key.strip_suffix(own.trim_start_matches('/'))?;
    Some(format!("{head}{}", [namespace, name].join("/").trim_start_matches('/')))
}

impl Attempt {
    /// Of several local keys of one name, what tells the one that opened it.
    pub(super) fn told_apart(&self) -> Option<&String> {
        match self {
            Self::Opened { which: Some(which), .. } => which.told_apart.as_ref(),
            Self::Opened { .. } | Self::OpenedBefore { .. } | Self::Failed { .. } | Self::Not(_) => None,
        }
    }

    /// The key that the KMS says it used, in this run or an earlier one.
    pub(super) fn used(&self) -> Option<&str> {
        match self {
            Self::Opened { used, .. } | Self::OpenedBefore { used } => used.as_deref(),
            Self::Failed { .. } | Self::Not(_) => None,
        }
    }

    /// Whether it opened, in this run or an earlier one.
    pub(super) fn is_or_was_opened(&self) -> bool {
        matches!(self, Self::Opened { .. } | Self::OpenedBefore { .. })
    }
}
