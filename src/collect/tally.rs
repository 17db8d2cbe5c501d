//! Counts over the rows of one evidence: what the first screen and the summary say.

use std::borrow::Cow;
use std::collections::BTreeMap;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::exposure::Exposure;
use super::grouped::Grouped;
use super::key_use::KeyUse;
use super::stored::{ResourceCounts, SecretCounts};
use super::sum::Sum;
use crate::envelope::KeyIdentity;
use crate::evidence::count::{Count, Fragments, Tombstones, Unit, Values};
use crate::kubernetes::{GroupResource, KeyMaterial, Prefixes, StorageKey};
use crate::row::{EnvelopeInfo, Form, Place, Retention, Row, ValueRow};

type Map<K, V> = HashMap<K, V, FixedState>;

/// What the rows of one evidence add up to.
#[derive(Clone, Debug, Default)]
pub struct Tally<'data> {
    /// Secrets that can be read somewhere, by their key.
    pub exposed: Map<Cow<'data, [u8]>, Exposure<'data>>,
    /// Secrets that exist, by how their newest revision is stored.
    pub secrets: SecretCounts,
    /// Secrets of the database of which it is not known what they are now, by how their newest revision there is stored.
    pub not_known: SecretCounts,
    /// Keys that rows in scope name.
    pub keys: Grouped<KeyIdentity<'data>, KeyUse<'data>>,
    /// Existing objects of every resource, in scope or not; the empty name is for keys that are no object's.
    pub resources: Grouped<GroupResource<'data>, ResourceCounts>,
    /// Values in scope by place, what became of them, and how they are stored.
    pub values: BTreeMap<(Place, Retention, Form), Count<Values>>,
    /// Those of them that count as values of their own, as [`keys`](Self::keys) counts them, by how they are stored.
    pub counted: BTreeMap<Form, Count<Values>>,
    /// Those of these that are not whole.
    pub counted_fragments: Count<Fragments>,
    /// Fragments among all values.
    pub fragments: Sum,
    /// Fragments of plaintext Secrets of which not even the key is known.
    pub unnamed_secrets: Sum,
    /// Fragments of plaintext of which nothing else is known.
    pub unnamed_others: Sum,
    /// Fragments of plaintext whose name is lost, where the scope asks for a name: whether they are in scope cannot be told.
    pub not_placed: Sum,
    /// The same of Secrets alone.
    pub secret_values: BTreeMap<(Retention, Form), Count<Values>>,
    /// Tombstones in scope.
    pub tombstones: Count<Tombstones>,
    /// Values of objects in scope of which the form is not known: which key they need, if any, is not known either.
    pub unknown_forms: Count<Values>,
    /// Encrypted values in scope with more than one reading of their key's name.
    pub uncertain_names: Count<Values>,
    /// Objects in plaintext, in scope or not, that hold keys, by their key in etcd; where they stand, the most urgent place.
    pub key_material: BTreeMap<(KeyMaterial, &'data [u8]), Retention>,
}

/// Objects with key material that are remembered.
const KEY_MATERIAL: usize = 1_000;

impl<'data> Tally<'data> {
    /// Values of Secrets of one retention and form.
    pub fn secrets_of_form(&self, retention: Retention, form: Form) -> Count<Values> {
        self.secret_values.get(&(retention, form)).copied().unwrap_or_default()
    }

    /// Counts a row that is looked at, of an evidence with these prefixes.
    pub fn add(&mut self, row: &Row<'data>, prefixes: &Prefixes) {
        let value = match row {
            Row::Tombstone(_) => return self.tombstones.add_one(),
            Row::Value(value) => value,
        };
        self.values.entry((value.place, value.retention, value.form())).or_default().add_one();
        if value.is_fragment() {
            self.fragments.add(value.length());
        }
        let is_nameless = value.is_fragment() && value.storage_key.as_ref().is_none_or(|key| key.name.is_empty());
        match (value.is_secret(), is_nameless) {
            (true, true) => self.unnamed_secrets.add(value.length()),
            (true, false) => self.add_secret(value, prefixes),
            (false, true) if value.form() == Form::Plaintext => self.unnamed_others.add(value.length()),
            (false, _) => {}
        }
        if value.is_counted() {
            self.counted.entry(value.form()).or_default().add_one();
            self.counted_fragments.add_if(value.is_fragment());
            if let Some(envelope) = value.envelope() {
                self.add_key(value, envelope);
            }
            // What names no key, and is not known to need none, may need any.
            let names_none = value.envelope().is_none_or(|envelope| envelope.name.is_none());
            if value.form() == Form::Unknown && names_none && value.storage_key.is_some() {
                self.unknown_forms.add_one();
            }
        }
    }

    /// Counts a fragment of plaintext of which it cannot be told whether it is in scope.
    pub(crate) fn add_not_placed(&mut self, value: &ValueRow<'data>) {
        self.not_placed.add(value.length());
    }

    /// Looks for keys in a value, looked at or not; `object`: what of it is the object.
    pub(crate) fn note_key_material(&mut self, key: &'data [u8], at: Option<&StorageKey<'_>>, object: &[u8], retention: Retention) {
        if let Some(material) = KeyMaterial::of(key, at, object) {
            self.add_key_material((material, key), retention);
        }
    }

    fn add_key_material(&mut self, object: (KeyMaterial, &'data [u8]), retention: Retention) {
        self.key_material.entry(object).and_modify(|known| *known = retention.min(*known)).or_insert(retention);
        if self.key_material.len() > KEY_MATERIAL {
            self.key_material.pop_last();
        }
    }

    /// Counts an object, looked at or not, where the value is the newest that a database has of its key.
    pub(crate) fn add_object(
        &mut self,
        (place, retention): (Place, Retention),
        resource: impl FnOnce() -> Option<GroupResource<'data>>,
        form: Form,
        in_scope: bool,
    ) {
        if place != Place::Tree || !matches!(retention, Retention::Current | Retention::Newest) {
            return;
        }
        let Some(counts) = self.resources.entry(&resource().unwrap_or(GroupResource(Cow::Borrowed("")))) else { return };
        let counts = if in_scope { &mut counts.in_scope } else { &mut counts.out_of_scope };
        counts.objects.add_one();
        match form {
            Form::Plaintext => counts.plaintext.add_one(),
            Form::Encrypted => counts.encrypted.add_one(),
            Form::Empty | Form::Unknown => {}
        }
    }

    fn add_secret(&mut self, value: &ValueRow<'data>, prefixes: &Prefixes) {
        self.secret_values.entry((value.retention, value.form())).or_default().add_one();
        match value.retention {
            Retention::Current => self.secrets.count(value.form()),
            Retention::Newest => self.not_known.count(value.form()),
            Retention::Superseded | Retention::Deleted | Retention::Residue | Retention::Log => {}
        }
        if value.form() == Form::Plaintext {
            let (identity, has_key) = identity(value, prefixes);
            self.exposed.entry(identity).or_default().add(value, has_key);
        }
    }

    fn add_key(&mut self, value: &ValueRow<'data>, envelope: &EnvelopeInfo<'data>) {
        if let Some(key) = self.keys.entry(&envelope.key()) {
            key.add(value, envelope);
        }
        if envelope.name.is_some_and(|name| !name.is_certain) {
            self.uncertain_names.add_one();
        }
    }

    /// Takes over what can be read in what was left behind, and nothing of what is stored in it otherwise.
    pub(crate) fn expose_leftover(&mut self, other: Self) {
        for (key, exposure) in other.exposed {
            self.exposed.entry(key).and_modify(|known| known.merge(&exposure)).or_insert(exposure);
        }
    }

    /// Takes over the counts of another part of the same evidence.
    pub fn merge(&mut self, other: Self) {
        for (key, exposure) in other.exposed {
            self.exposed.entry(key).and_modify(|known| known.merge(&exposure)).or_insert(exposure);
        }
        self.secrets.merge(other.secrets);
        self.not_known.merge(other.not_known);
        self.keys.merge(other.keys, KeyUse::merge);
        self.resources.merge(other.resources, ResourceCounts::merge);
        add_all(&mut self.values, other.values);
        add_all(&mut self.counted, other.counted);
        self.counted_fragments.add(other.counted_fragments);
        self.fragments.merge(other.fragments);
        self.unnamed_secrets.merge(other.unnamed_secrets);
        self.unnamed_others.merge(other.unnamed_others);
        self.not_placed.merge(other.not_placed);
        add_all(&mut self.secret_values, other.secret_values);
        self.tombstones.add(other.tombstones);
        self.unknown_forms.add(other.unknown_forms);
        self.uncertain_names.add(other.uncertain_names);
        other.key_material.into_iter().for_each(|(object, retention)| self.add_key_material(object, retention));
    }
}

/// What tells a Secret from others: its key; in an image, and where several API servers may have stored it, its namespace and name. Also
/// whether it is a key.
fn identity<'data>(value: &ValueRow<'data>, prefixes: &Prefixes) -> (Cow<'data, [u8]>, bool) {
    let Some(StorageKey { prefix, namespace: Some(namespace), name, .. }) = &value.storage_key else {
        return (Cow::Borrowed(value.key), true);
    };
    let named = || format!("{namespace}/{name}").into_bytes();
    match value.place {
        // Where an image holds several clusters, a key that is there says which one's it is.
        Place::Image if prefix.is_some() && prefixes.only().is_none() => (Cow::Borrowed(value.key), true),
        Place::Image => (Cow::Owned(named()), false),
        _ if !value.key.is_empty() => (Cow::Borrowed(value.key), true),
        _ => match prefixes.only() {
            Some(prefix) => (Cow::Owned([prefix, b"/secrets/", &named()].concat()), true),
            None => (Cow::Owned(named()), false),
        },
    }
}

fn add_all<K: Ord, U: Unit>(counts: &mut BTreeMap<K, Count<U>>, more: BTreeMap<K, Count<U>>) {
    for (kind, count) in more {
        counts.entry(kind).or_insert(Count::ZERO).add(count);
    }
}
