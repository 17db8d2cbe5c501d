//! All keys of a run, and one attempt to open a value with them.

use crate::envelope::open::{DekSourceId, Opened, Plaintext, Proof as OpeningProof, Unopened};
use crate::envelope::{Body, KeyIdentity, Provider, Sealed};
use crate::kms::{ConfiguredProvider, EncryptionConfig, Held, Reason, Ring};
use crate::row::ValueRow;

use super::contents::Contents;
use super::{Answer, Verdict};

/// Keys that were given, and DEK sources with what became of them.
#[derive(Clone, Copy)]
pub struct Keyring<'a> {
    /// Configurations with their keys, in the order given.
    pub configs: &'a [EncryptionConfig],
    /// DEK sources.
    pub ring: &'a Ring,
}

/// What tried to open a value: one key, in the narrowest sense that is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Opener {
    /// A local key by provider and name.
    Local(Provider, Box<str>),
    /// The DEK or seed of a source.
    Dek(DekSourceId),
}

/// One attempt.
pub(super) enum Attempt {
    /// It opened.
    Opened { plaintext: Plaintext, opener: Opener, key: KeyIdentity<'static>, contents: Contents, is_bound: bool },
    /// A key was there and did not open it.
    Failed { opener: Opener, is_bound: bool },
    /// It was not tried, or cannot be.
    Not(Answer),
}

impl Keyring<'_> {
    /// Opens a value for somebody who asked for it.
    ///
    /// # Errors
    /// Why it does not open.
    pub fn open(&self, row: &ValueRow<'_>) -> Result<Plaintext, Answer> {
        match self.attempt(row) {
            Attempt::Opened { plaintext, .. } => Ok(plaintext),
            Attempt::Failed { .. } => Err(Answer::WrongKey),
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
            Ok(Body::Kms(envelope)) => match DekSourceId::of(&envelope) {
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
            Some(Held::Nothing { failure, .. }) => Attempt::Not(Answer::NoKey(failure.reason)),
            Some(Held::Key { key: data_key, kms_key_id }) => {
                if key.key_id.is_none() {
                    key.key_id = kms_key_id.clone().map(Into::into);
                }
                let is_bound = id.provider.binds_storage_key();
                weigh(row, Opener::Dek(id), key, is_bound, data_key.open(sealed, storage_key))
            }
        }
    }

    /// Local keys of one name: first those that the API server would use for the resource, then any other.
    fn attempt_local(
        &self,
        row: &ValueRow<'_>,
        provider: Provider,
        name: &str,
        sealed: &[u8],
        storage_key: &[u8],
        key: KeyIdentity<'static>,
    ) -> Attempt {
        let resource = row.storage_key.as_ref().map_or("", |key| key.group_resource.0.as_ref());
        let of_resource = self.configs.iter().flat_map(|config| config.providers_of(resource)).flat_map(|configured| match configured {
            ConfiguredProvider::Local(kind, keys) if *kind == provider => keys.as_slice(),
            ConfiguredProvider::Local(..) | ConfiguredProvider::Kms(_) | ConfiguredProvider::Identity => &[],
        });
        let all = self.configs.iter().flat_map(EncryptionConfig::local_keys);
        let all = all.filter_map(|(kind, named)| (kind == provider).then_some(named));
        let is_bound = provider.binds_storage_key();
        let mut last = Attempt::Not(Answer::NoKey(Reason::NoKeyGiven));
        let mut tried: Vec<*const _> = Vec::new();
        for named in of_resource.chain(all).filter(|named| named.name == name) {
            if tried.contains(&std::ptr::from_ref(named)) {
                continue;
            }
            tried.push(std::ptr::from_ref(named));
            let opener = Opener::Local(provider, name.into());
            last = weigh(row, opener, key.clone(), is_bound, named.key.open(sealed, storage_key));
            if !matches!(last, Attempt::Failed { .. }) {
                break;
            }
        }
        last
    }
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
            Attempt::Opened { plaintext: opened.plaintext, opener, key, contents, is_bound }
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
        Contents::Other { namespace, name } => (Answer::MovedCiphertext, other_key(row, namespace, name)),
    };
    Verdict { answer, opened_by: Some(key), sealed_for }
}

/// The storage key that an object of this namespace and name would have in the place of the row's.
fn other_key(row: &ValueRow<'_>, namespace: &str, name: &str) -> Option<String> {
    let key = std::str::from_utf8(row.key).ok()?;
    let storage_key = row.storage_key.as_ref()?;
    let own = [storage_key.namespace.unwrap_or_default(), storage_key.name].join("/");
    let head = key.strip_suffix(own.trim_start_matches('/'))?;
    Some(format!("{head}{}", [namespace, name].join("/").trim_start_matches('/')))
}
