//! The second pass: the tree's values and tombstones as rows, in the order of their revisions.

use std::io;

use rayon::prelude::*;

use super::row::{Place, Protection, Row, Seal, TombstoneRow, ValueRow};
use super::tally::Tally;
use super::{Scope, Survey, survey};
use crate::bbolt::{Element, Pgid, Root, page_elements};
use crate::envelope::{EncryptedObject, KmsV1, Provider, Sealed, Stored};
use crate::etcd::{KeyValue, RevisionKey, schema};
use crate::evidence::anomaly::{Anomalies, Class};
use crate::evidence::digest::Sha256Digest;
use crate::evidence::range;
use crate::kubernetes::{Encoding, GroupResource, Object, Secret, StorageKey, Unreadable};

/// Leaf pages one task turns into rows.
const PAGES: usize = 64;
/// Elements one task turns into rows, where they had to be sorted.
const ELEMENTS: usize = 512;
/// Tasks whose output is held at a time.
const WINDOW: usize = 64;
/// DEK sources one task remembers the digest of: in a file most values share a few.
const REMEMBERED: usize = 16;

/// A second pass over a surveyed evidence.
#[derive(Clone, Copy, Debug)]
pub struct List<'a, 'data> {
    survey: &'a Survey<'data>,
    scope: &'a Scope,
}

/// What there is to read, in the order of its revisions.
enum Order<'data> {
    Pages(Vec<Pgid>),
    Elements(Vec<(Pgid, Element<'data>)>),
}

/// What one task makes.
#[derive(Default)]
struct Part<'data> {
    output: Vec<u8>,
    tally: Tally<'data>,
    anomalies: Anomalies,
    dek_sources: Vec<(&'data [u8], Sha256Digest)>,
}

impl<'a, 'data> List<'a, 'data> {
    /// Rows of the objects in `scope`.
    pub fn new(survey: &'a Survey<'data>, scope: &'a Scope) -> Self {
        Self { survey, scope }
    }

    /// Shows every row to `render`, on all cores, and what it wrote to `write`, in the order of the rows.
    /// Returns the counts and what the values showed to be odd.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn run<R, W>(&self, render: R, mut write: W) -> io::Result<(Tally<'data>, Anomalies)>
    where
        R: Fn(&Row<'data>, &mut Vec<u8>) + Sync,
        W: FnMut(&[u8]) -> io::Result<()>,
    {
        let mut tally = Tally::default();
        let mut anomalies = Anomalies::default();
        let db = &self.survey.database.db;
        let mut add = |parts: Vec<Part<'data>>| -> io::Result<()> {
            for part in parts {
                write(&part.output)?;
                tally.merge(part.tally);
                anomalies.merge(part.anomalies);
            }
            Ok(())
        };
        match self.order() {
            Order::Pages(pages) => {
                for window in pages.chunks(PAGES.saturating_mul(WINDOW)) {
                    let elements = |task: &[Pgid]| task.iter().flat_map(|pgid| page_elements(db, *pgid)).collect::<Vec<_>>();
                    add(window.par_chunks(PAGES).map(|task| self.task(elements(task), &render)).collect())?;
                }
            }
            Order::Elements(elements) => {
                for window in elements.chunks(ELEMENTS.saturating_mul(WINDOW)) {
                    add(window.par_chunks(ELEMENTS).map(|task| self.task(task.to_vec(), &render)).collect())?;
                }
            }
        }
        Ok((tally, anomalies))
    }

    /// Every row in order, with its value's bytes, for a caller that looks for a few.
    pub fn rows(&self, mut show: impl FnMut(Row<'data>, Option<&'data [u8]>)) {
        let mut part = Part::default();
        let mut look = |(pgid, element): (Pgid, Element<'data>)| {
            if let Some(row) = self.row(pgid, element, &mut part) {
                show(row, KeyValue::parse(element.value).ok().map(|kv| kv.value));
            }
        };
        match self.order() {
            Order::Pages(pages) => pages.into_iter().flat_map(|pgid| page_elements(&self.survey.database.db, pgid)).for_each(&mut look),
            Order::Elements(elements) => elements.into_iter().for_each(&mut look),
        }
    }

    /// Bucket `key` in the order of its revisions. A sound tree's leaves have that order; the elements of a damaged
    /// one are sorted, at the cost of memory, and those of an inline bucket are few.
    fn order(&self) -> Order<'data> {
        let Survey { database, tree, anomalies, .. } = self.survey;
        let Some(bucket) = tree.bucket(schema::KEY) else { return Order::Pages(Vec::new()) };
        if matches!(bucket.root, Root::Page(_)) && bucket.in_key_order && anomalies.count(Class::KeyOrder) == 0 {
            return Order::Pages(tree.leaves(bucket));
        }
        let mut sorted: Vec<_> = tree.elements(&database.db, bucket).collect();
        sorted.sort_by_key(|(_, element)| {
            let revision = RevisionKey::parse(element.key).map(|at| at.revision);
            let place = range::offset_within(database.db.bytes(), element.value);
            (revision.is_none(), revision, place.is_none(), place)
        });
        Order::Elements(sorted)
    }

    fn task<R>(&self, elements: Vec<(Pgid, Element<'data>)>, render: &R) -> Part<'data>
    where
        R: Fn(&Row<'data>, &mut Vec<u8>) + Sync,
    {
        let mut part = Part::default();
        for (pgid, element) in elements {
            if let Some(row) = self.row(pgid, element, &mut part) {
                part.tally.add(&row);
                render(&row, &mut part.output);
            }
        }
        part
    }

    /// The row of an element; `None` where it cannot be read (the first pass has noted it) or is not in scope.
    fn row(&self, pgid: Pgid, element: Element<'data>, part: &mut Part<'data>) -> Option<Row<'data>> {
        let at = RevisionKey::parse(element.key)?;
        let kv = KeyValue::parse(element.value).ok()?;
        let bytes = self.survey.database.db.bytes();
        let storage_key = std::str::from_utf8(kv.key).ok().and_then(|key| StorageKey::parse(key, &self.survey.prefixes));
        if at.is_tombstone {
            let offset = range::offset_within(bytes, element.value);
            let row = TombstoneRow { place: Place::Tree, offset, pgid, key: kv.key, revision: at.revision };
            return self.scope.holds(storage_key.as_ref()).then_some(Row::Tombstone(row));
        }
        let stored = Stored::of(kv.value);
        let storage_key = storage_key.or_else(|| key_of_secret(&stored));
        let in_scope = self.scope.holds(storage_key.as_ref());
        let retention = self.survey.keyspace.retention(at, kv.key).into();
        let (protection, encoding) = protection(&stored);
        if retention == super::Retention::Current && !kv.key.is_empty() {
            let resource = storage_key.as_ref().map(|key| key.group_resource.clone());
            part.tally.add_resource(resource, protection, in_scope);
        }
        if !in_scope {
            return None;
        }
        let offset = range::offset_within(bytes, kv.value);
        let place = (offset, pgid);
        let seal = match &stored {
            Stored::Sealed(sealed) => Some(self.seal(sealed, place, part)),
            Stored::Empty | Stored::Plain(_) => None,
        };
        let secret = match (encoding, &storage_key) {
            (Some(encoding), Some(key)) if key.group_resource.is_secrets() => read_secret(kv.value, encoding, key, place, part),
            _ => None,
        };
        Some(Row::Value(Box::new(ValueRow {
            place: Place::Tree,
            retention,
            offset,
            length: kv.value.len() as u64,
            pgid,
            key: kv.key,
            revision: at.revision,
            create_revision: kv.create_revision,
            version: kv.version,
            lease: kv.lease,
            storage_key,
            protection,
            encoding,
            seal,
            secret,
        })))
    }

    fn seal(&self, sealed: &Sealed<'data>, place: (Option<u64>, Pgid), part: &mut Part<'data>) -> Seal<'data> {
        let name = self.survey.names.resolve(sealed);
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
            if sealed.provider != Provider::Unknown {
                part.note(Class::EnvelopeInvalid, place, || "what follows the prefix is not of the provider's form".to_owned());
            }
            return seal;
        };
        match sealed.provider {
            Provider::KmsV1 => seal.dek_source_sha256 = KmsV1::parse(name.body).map(|v1| part.digest(v1.wrapped_dek)),
            Provider::KmsV2 => match EncryptedObject::parse(name.body) {
                Ok(object) => {
                    seal.key_id = Some(object.key_id);
                    seal.dek_source_type = Some(object.dek_source_type);
                    seal.dek_source_sha256 = Some(part.digest(object.dek_source));
                    seal.annotations_sha256 = object.annotations_sha256();
                    if let Some(limit) = object.limit_passed() {
                        part.note(Class::EnvelopeInvalid, place, || limit.to_string());
                    }
                }
                Err(damage) => part.note(Class::EnvelopeInvalid, place, || format!("EncryptedObject: {damage}")),
            },
            Provider::AesCbc | Provider::AesGcm | Provider::Secretbox | Provider::Unknown => {}
        }
        seal
    }
}

impl<'data> Part<'data> {
    fn note(&mut self, class: Class, (offset, pgid): (Option<u64>, Pgid), detail: impl FnOnce() -> String) {
        self.anomalies.note(class, offset, Some(pgid), detail);
    }

    fn digest(&mut self, dek_source: &'data [u8]) -> Sha256Digest {
        if let Some((_, digest)) = self.dek_sources.iter().find(|(known, _)| *known == dek_source) {
            return *digest;
        }
        let digest = Sha256Digest::of(dek_source);
        if self.dek_sources.len() < REMEMBERED {
            self.dek_sources.push((dek_source, digest));
        }
        digest
    }
}

fn protection(stored: &Stored<'_>) -> (Protection, Option<Encoding>) {
    match stored {
        Stored::Empty => (Protection::Empty, None),
        Stored::Sealed(sealed) if sealed.provider == Provider::Unknown => (Protection::Unknown, None),
        Stored::Sealed(_) => (Protection::Encrypted, None),
        Stored::Plain(value) => match Encoding::of(value) {
            Some(encoding) => (Protection::Plaintext, Some(encoding)),
            None => (Protection::Unknown, None),
        },
    }
}

/// A Secret under a key that is not of the API server's form says itself which one it is.
fn key_of_secret<'data>(stored: &Stored<'data>) -> Option<StorageKey<'data>> {
    let Stored::Plain(value) = stored else { return None };
    let object = Object::read(value, Encoding::Protobuf).ok()?;
    let (std::borrow::Cow::Borrowed(name), std::borrow::Cow::Borrowed(namespace)) = (object.name, object.namespace) else { return None };
    let is_secret = object.kind == "Secret" && object.api_version == "v1";
    is_secret.then_some(StorageKey { group_resource: GroupResource("secrets".into()), namespace: Some(namespace), name })
}

fn read_secret<'data>(
    value: &'data [u8],
    encoding: Encoding,
    key: &StorageKey<'data>,
    place: (Option<u64>, Pgid),
    part: &mut Part<'data>,
) -> Option<Secret<'data>> {
    match Secret::read(value, encoding) {
        Ok(secret) => {
            if secret.object.name != key.name || Some(secret.object.namespace.as_ref()) != key.namespace {
                part.note(Class::ObjectMisplaced, place, || "the Secret's own namespace and name are not those of its key".to_owned());
            }
            Some(secret)
        }
        Err(Unreadable::Encoding(_)) => None,
        Err(reason) => {
            part.note(Class::ObjectInvalid, place, || reason.to_string());
            None
        }
    }
}

impl Survey<'_> {
    /// Adds what the second pass found odd.
    pub fn add_anomalies(&mut self, anomalies: Anomalies) {
        self.anomalies.merge(anomalies);
        self.facts.is_complete = survey::is_complete(&self.anomalies);
    }
}
