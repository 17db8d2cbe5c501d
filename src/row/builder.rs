//! The one place where a find becomes a row, whatever it was read from.

use super::found::{Found, FoundContent, PieceOf};
use super::in_clear::Looks;
use super::protection::{EnvelopeInfo, Protection};
use super::value::{Extent, Row, TombstoneRow, ValueBytes, ValueRow};
use crate::envelope::{self, Annotations, Body, NameTable, Sealed};
use crate::evidence::anomaly::Class;
use crate::evidence::digest::Sha256Digest;
use crate::kubernetes::{Encoding, GroupResource, Object, Prefixes, Secret, StorageKey, Unreadable};
use crate::mvcc::Revision;

/// DEK sources that are remembered with their digest: in a file most values share a few.
const REMEMBERED: usize = 16;

/// Makes rows, with what all values of their evidence showed.
#[derive(Debug)]
pub struct Builder<'a, 'data> {
    /// The evidence's content.
    pub content: &'data [u8],
    /// Names that the values support.
    pub names: &'a NameTable<'data>,
    /// Prefixes of the API server's keys.
    pub prefixes: &'a Prefixes,
    /// Digests that were made already.
    pub digests: &'a mut Digests<'data>,
}

/// Digests of the DEK sources seen last, and of the annotations that came with them.
#[derive(Debug, Default)]
pub struct Digests<'data> {
    dek_sources: Vec<(&'data [u8], Sha256Digest)>,
    annotations: Vec<(Annotations<'data>, Option<Sha256Digest>)>,
}

impl<'data> Builder<'_, 'data> {
    /// The row of a find; `note` hears what is odd about a whole value. `None`: a deletion without its revision tells nothing.
    pub fn row(&mut self, found: &Found<'data>, mut note: impl FnMut(Class, String)) -> Option<Row<'data>> {
        let (bytes, extent, protection, storage_key) = match found.content {
            FoundContent::Tombstone(_) => return Some(Row::Tombstone(self.tombstone(found)?)),
            FoundContent::Value(value) => {
                let (protection, storage_key) = self.whole(found.key, value, &mut note);
                (value, Extent::Whole, protection, storage_key)
            }
            FoundContent::Cut(beginning) => (beginning, Extent::Beginning, self.cut(beginning), StorageKey::of(found.key, self.prefixes)),
            FoundContent::Piece(piece, of) => {
                let (protection, storage_key) = self.piece(found.key, of);
                (piece, Extent::Piece, protection, storage_key)
            }
        };
        Some(Row::Value(Box::new(ValueRow {
            place: found.place,
            retention: found.retention,
            bytes: ValueBytes(bytes),
            offset: found.offset_in(self.content),
            pgid: found.pgid,
            key: found.key,
            written: found.written,
            storage_key,
            protection,
            extent,
            is_duplicate: found.is_duplicate,
            is_newer_than_snapshot: found.is_newer_than_snapshot,
            log: found.log,
            api: found.api,
            escaped: found.escaped,
        })))
    }

    fn tombstone(&self, found: &Found<'data>) -> Option<TombstoneRow<'data>> {
        let revision = Revision { main: found.written.main?, sub: found.written.sub? };
        Some(TombstoneRow { place: found.place, offset: found.offset_in(self.content), pgid: found.pgid, key: found.key, revision })
    }

    fn whole(
        &mut self,
        key: &'data [u8],
        value: &'data [u8],
        note: &mut impl FnMut(Class, String),
    ) -> (Protection<'data>, Option<StorageKey<'data>>) {
        let storage_key = StorageKey::of(key, self.prefixes);
        match Looks::of(value) {
            Looks::Empty => (Protection::Empty, storage_key),
            Looks::Sealed(sealed) => (self.sealed(&sealed, note), storage_key),
            Looks::Plain { object, is_behind_prefix } => {
                if is_behind_prefix {
                    note(Class::EnvelopeInvalid, "what follows the prefix is an object in clear, and no ciphertext".to_owned());
                }
                match Encoding::of(object) {
                    None => (Protection::Unknown(None), storage_key),
                    Some(encoding) => self.plain((key, storage_key), object, encoding, note),
                }
            }
        }
    }

    fn plain(
        &self,
        (key, storage_key): (&'data [u8], Option<StorageKey<'data>>),
        object: &'data [u8],
        encoding: Encoding,
        note: &mut impl FnMut(Class, String),
    ) -> (Protection<'data>, Option<StorageKey<'data>>) {
        let plaintext = |secret| Protection::Plaintext { encoding: Some(encoding), secret };
        match storage_key {
            // A Secret under a key that is not of the API server's form, or not known, says itself which one it is.
            None => {
                let is_foreign = self.prefixes.admit(key) == Some(false);
                let own = key_of_secret(object, encoding).filter(|_| !is_foreign);
                (plaintext(own.as_ref().and_then(|own| read_secret(object, encoding, own, note))), own)
            }
            Some(of_key) if of_key.group_resource.is_secrets() => (plaintext(read_secret(object, encoding, &of_key, note)), Some(of_key)),
            // So does one under the key of another resource.
            Some(of_key) if Object::is_secret(object, encoding) => {
                note(Class::ObjectMisplaced, format!("a Secret under a key of {}", of_key.group_resource));
                let secrets = StorageKey { group_resource: GroupResource("secrets".into()), ..of_key };
                (plaintext(Secret::read(object, encoding).ok()), Some(secrets))
            }
            Some(of_key) => (plaintext(None), Some(with_own_group(of_key, object, encoding))),
        }
    }

    /// Reads the beginning of a value whose end is lost. What its prefix says is certain; what would follow is not there.
    fn cut(&mut self, beginning: &'data [u8]) -> Protection<'data> {
        match Looks::of(beginning) {
            Looks::Empty => Protection::Empty,
            Looks::Sealed(sealed) => self.sealed(&sealed, &mut |_, _| {}),
            Looks::Plain { object, .. } => match Encoding::of_beginning(object) {
                Some(encoding) => Protection::Plaintext { encoding: Some(encoding), secret: None },
                None => Protection::Unknown(None),
            },
        }
    }

    fn piece(&mut self, key: &'data [u8], of: PieceOf<'data>) -> (Protection<'data>, Option<StorageKey<'data>>) {
        match of {
            PieceOf::Known(value) => match self.whole(key, value, &mut |_, _| {}) {
                // What the whole value holds, the piece need not.
                (Protection::Plaintext { encoding, .. }, storage_key) => (Protection::Plaintext { encoding, secret: None }, storage_key),
                whole => whole,
            },
            PieceOf::SomeSecret(encoding) => {
                let some_secret = StorageKey { prefix: None, group_resource: GroupResource("secrets".into()), namespace: None, name: "" };
                (Protection::Plaintext { encoding: Some(encoding), secret: None }, Some(some_secret))
            }
            PieceOf::Plaintext(encoding) => (Protection::Plaintext { encoding, secret: None }, None),
        }
    }

    fn sealed(&mut self, sealed: &Sealed<'data>, note: &mut impl FnMut(Class, String)) -> Protection<'data> {
        let envelope = self.envelope(sealed, note);
        if sealed.provider.is_known() { Protection::Encrypted(envelope) } else { Protection::Unknown(Some(envelope)) }
    }

    fn envelope(&mut self, sealed: &Sealed<'data>, note: &mut impl FnMut(Class, String)) -> EnvelopeInfo<'data> {
        let name = self.names.resolve(sealed);
        let mut info = EnvelopeInfo {
            provider: sealed.provider_word,
            version: sealed.version_word,
            name,
            key_id: None,
            dek_source_type: None,
            dek_source_kind: None,
            dek_source_sha256: None,
            annotations_sha256: None,
        };
        let Some(name) = name else {
            if sealed.provider.is_known() {
                note(Class::EnvelopeInvalid, "what follows the prefix is not of the provider's form".to_owned());
            }
            return info;
        };
        match Body::parse(sealed.provider, name.body) {
            Ok(Body::Local(body)) => {
                if let Some(what) = envelope::instead_of_it(body) {
                    note(Class::EnvelopeInvalid, format!("what follows the prefix is {what}, and no ciphertext"));
                }
            }
            Ok(Body::Kms(envelope)) => {
                info.key_id = envelope.key_id;
                info.dek_source_type = envelope.dek_source_type;
                info.dek_source_kind = envelope.dek_source_kind.filter(|_| envelope.limit_passed.is_none());
                info.dek_source_sha256 = Some(self.digests.of(envelope.dek_source));
                info.annotations_sha256 = self.digests.of_annotations(&envelope.annotations);
                if let Some(limit) = envelope.limit_passed {
                    note(Class::EnvelopeInvalid, limit);
                } else if let Some(what) = envelope::instead_of_it(envelope.sealed) {
                    note(Class::EnvelopeInvalid, format!("what stands for the sealed object is {what}, and no ciphertext"));
                }
            }
            // A provider that nobody knows is said to be one already.
            Err(_) if !sealed.provider.is_known() => {}
            Err(malformed) => note(Class::EnvelopeInvalid, malformed.to_string()),
        }
        info
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

/// The key with the group that the object itself names, where the key has none.
fn with_own_group<'data>(key: StorageKey<'data>, value: &[u8], encoding: Encoding) -> StorageKey<'data> {
    if !key.group_resource.is_without_group() {
        return key;
    }
    match Object::read(value, encoding) {
        Ok(object) => StorageKey { group_resource: key.group_resource.with_group_of(&object.api_version), ..key },
        Err(_) => key,
    }
}

fn key_of_secret(value: &[u8], encoding: Encoding) -> Option<StorageKey<'_>> {
    let (namespace, name) = Object::secret_identity(value, encoding)?;
    Some(StorageKey { prefix: None, group_resource: GroupResource("secrets".into()), namespace: Some(namespace), name })
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
