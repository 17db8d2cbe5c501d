//! How one value is stored, wherever it was found: in the tree, on a free page, in a log.

use super::row::{Protection, Seal};
use crate::envelope::{Annotations, Body, NameTable, Sealed, Stored};
use crate::evidence::anomaly::Class;
use crate::evidence::digest::Sha256Digest;
use crate::kubernetes::{Encoding, GroupResource, Object, Prefixes, Secret, StorageKey, Unreadable};

/// DEK sources that are remembered with their digest: in a file most values share a few.
const REMEMBERED: usize = 16;

/// Reads values with what all values of their evidence showed.
#[derive(Debug)]
pub(super) struct Classifier<'a, 'data> {
    pub names: &'a NameTable<'data>,
    pub prefixes: &'a Prefixes,
    pub digests: &'a mut Digests<'data>,
}

/// What a value's own bytes and its key say.
#[derive(Debug)]
pub(super) struct Classified<'data> {
    pub storage_key: Option<StorageKey<'data>>,
    pub protection: Protection,
    pub encoding: Option<Encoding>,
    pub seal: Option<Seal<'data>>,
    pub secret: Option<Secret<'data>>,
}

/// Digests of the DEK sources seen last, and of the annotations that came with them.
#[derive(Debug, Default)]
pub(super) struct Digests<'data> {
    dek_sources: Vec<(&'data [u8], Sha256Digest)>,
    annotations: Vec<(Annotations<'data>, Option<Sha256Digest>)>,
}

impl<'data> Classifier<'_, 'data> {
    /// Reads a value; `note` hears what is odd about it.
    pub(super) fn read(&mut self, key: &'data [u8], value: &'data [u8], mut note: impl FnMut(Class, String)) -> Classified<'data> {
        let stored = Stored::of(value);
        let (protection, encoding) = protection(&stored);
        let storage_key = StorageKey::of(key, self.prefixes).or_else(|| key_of_secret(&stored, encoding));
        let seal = match &stored {
            Stored::Sealed(sealed) => Some(self.seal(sealed, &mut note)),
            Stored::Empty | Stored::Plain(_) => None,
        };
        let secret = match (encoding, &storage_key) {
            (Some(encoding), Some(key)) if key.group_resource.is_secrets() => read_secret(value, encoding, key, &mut note),
            _ => None,
        };
        Classified { storage_key, protection, encoding, seal, secret }
    }

    /// Reads the beginning of a value whose end is lost. What its prefix says is certain; what would follow is not there.
    pub(super) fn read_cut(&mut self, key: &'data [u8], beginning: &'data [u8]) -> Classified<'data> {
        let stored = Stored::of(beginning);
        let storage_key = StorageKey::of(key, self.prefixes);
        let (protection, encoding) = match &stored {
            Stored::Plain(value) => match Encoding::of_beginning(value) {
                Some(encoding) => (Protection::Plaintext, Some(encoding)),
                None => (Protection::Unknown, None),
            },
            other => protection(other),
        };
        let seal = match &stored {
            Stored::Sealed(sealed) => Some(self.seal(sealed, &mut |_, _| {})),
            Stored::Empty | Stored::Plain(_) => None,
        };
        Classified { storage_key, protection, encoding, seal, secret: None }
    }

    fn seal(&mut self, sealed: &Sealed<'data>, note: &mut impl FnMut(Class, String)) -> Seal<'data> {
        let name = self.names.resolve(sealed);
        let mut seal = Seal {
            provider: sealed.provider_word,
            version: sealed.version_word,
            name,
            key_id: None,
            dek_source_type: None,
            dek_source_sha256: None,
            annotations_sha256: None,
        };
        let Some(name) = name else {
            if sealed.provider.is_known() {
                note(Class::EnvelopeInvalid, "what follows the prefix is not of the provider's form".to_owned());
            }
            return seal;
        };
        match Body::parse(sealed.provider, name.body) {
            Ok(Body::Local(_)) => {}
            Ok(Body::Kms(envelope)) => {
                seal.key_id = envelope.key_id;
                seal.dek_source_type = envelope.dek_source_type;
                seal.dek_source_sha256 = Some(self.digests.of(envelope.dek_source));
                seal.annotations_sha256 = self.digests.of_annotations(&envelope.annotations);
                if let Some(limit) = envelope.limit_passed {
                    note(Class::EnvelopeInvalid, limit);
                }
            }
            Err(malformed) => note(Class::EnvelopeInvalid, malformed.to_string()),
        }
        seal
    }
}

impl<'data> Digests<'data> {
    fn of(&mut self, dek_source: &'data [u8]) -> Sha256Digest {
        if let Some((_, digest)) = self.dek_sources.iter().find(|(known, _)| *known == dek_source) {
            return *digest;
        }
        let digest = Sha256Digest::of(dek_source);
        if self.dek_sources.len() < REMEMBERED {
            self.dek_sources.push((dek_source, digest));
        }
        digest
    }

    fn of_annotations(&mut self, annotations: &Annotations<'data>) -> Option<Sha256Digest> {
        if let Some((_, digest)) = self.annotations.iter().find(|(known, _)| known.are_those_of(annotations)) {
            return *digest;
        }
        let digest = annotations.sha256();
        if self.annotations.len() < REMEMBERED {
            self.annotations.push((*annotations, digest));
        }
        digest
    }
}

fn protection(stored: &Stored<'_>) -> (Protection, Option<Encoding>) {
    match stored {
        Stored::Empty => (Protection::Empty, None),
        Stored::Sealed(sealed) if !sealed.provider.is_known() => (Protection::Unknown, None),
        Stored::Sealed(_) => (Protection::Encrypted, None),
        Stored::Plain(value) => match Encoding::of(value) {
            Some(encoding) => (Protection::Plaintext, Some(encoding)),
            None => (Protection::Unknown, None),
        },
    }
}

/// A Secret under a key that is not of the API server's form, or not known, says itself which one it is.
fn key_of_secret<'data>(stored: &Stored<'data>, encoding: Option<Encoding>) -> Option<StorageKey<'data>> {
    let Stored::Plain(value) = stored else { return None };
    let (namespace, name) = Object::secret_identity(value, encoding?)?;
    Some(StorageKey { group_resource: GroupResource("secrets".into()), namespace: Some(namespace), name })
}

fn read_secret<'data>(
    value: &'data [u8],
    encoding: Encoding,
    key: &StorageKey<'data>,
    note: &mut impl FnMut(Class, String),
) -> Option<Secret<'data>> {
    match Secret::read(value, encoding) {
        Ok(secret) => {
            if secret.object.name != key.name || Some(secret.object.namespace.as_ref()) != key.namespace {
                note(Class::ObjectMisplaced, "the Secret's own namespace and name are not those of its key".to_owned());
            }
            Some(secret)
        }
        Err(Unreadable::Encoding(_)) => None,
        Err(reason) => {
            note(Class::ObjectInvalid, reason.to_string());
            None
        }
    }
}
