//! Secrets that can be read without a key: how many, where, and which come first.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::collect::{Exposure, FirstPlace};
use crate::evidence::count::{Count, Secrets};
use crate::kubernetes::{Encoding, Prefixes, Secret, StorageKey};
use crate::store::{Existence, Existing};

/// Secrets that can be read without a key, each counted once in every line that fits.
#[derive(Clone, Debug, Default)]
pub struct Readable {
    /// All of them.
    pub total: Count<Secrets>,
    /// Those that exist now.
    pub existing: ReadableIn,
    /// Those that were deleted.
    pub deleted: ReadableIn,
    /// Those of which neither is known: there is no tree, a part of it is lost, or the log has something newer.
    pub unknown: ReadableIn,
    /// Those that may stand in plaintext now, and of which that is not known.
    pub perhaps_current: Count<Secrets>,
    /// Those that stand in a log and that the database beside it is not known to have had: new, or never carried out.
    pub ahead: Count<Secrets>,
    /// Those that no database has, and that stand in a log alone, in writes that were perhaps never carried out.
    pub perhaps_never: Count<Secrets>,
    /// The same in writes that were never carried out.
    pub never: Count<Secrets>,
    /// Those of all that stand in raft snapshots alone.
    pub in_raft_snapshots: Count<Secrets>,
    /// Those of the existing ones that were deleted and made again, of which only an earlier incarnation can be read.
    pub replaced: Count<Secrets>,
    /// How many of each type.
    pub types: BTreeMap<String, Count<Secrets>>,
    /// The first of them, the most urgent first.
    pub first: Vec<ReadableSecret>,
}

/// Secrets by the first of these places in which one can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadableIn {
    /// In the newest revision.
    pub current: Count<Secrets>,
    /// In the newest revision that the database has, which need not be what they have now.
    pub newest: Count<Secrets>,
    /// In an older retained one.
    pub retained: Count<Secrets>,
    /// Only in residue.
    pub residue: Count<Secrets>,
    /// Only in a log, behind what the database beside it is known to have, or by the v2 API: perhaps what they have now.
    pub ahead: Count<Secrets>,
    /// Only in a log.
    pub log: Count<Secrets>,
    /// Only in a log, in a write that was perhaps never carried out.
    pub perhaps_never: Count<Secrets>,
    /// Only in a log, in a write that was never carried out.
    pub never: Count<Secrets>,
}

/// A Secret that can be read without a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadableSecret {
    /// `namespace/name`, or the whole key where it is not of that form.
    pub label: String,
    /// The prefix of its API server's keys; `None` where its key is not known, or not of an API server.
    pub prefix: Option<String>,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Such as `kubernetes.io/tls`; empty where it is not known.
    pub secret_type: String,
    /// Names and lengths of its data, in the newest revision that can be read whole.
    pub data: Vec<(String, u64)>,
    /// Whether it exists now.
    pub exists: Exists,
    /// Places in which it can be read: `current`, `newest`, `history`, `residue`, `log`, `log-perhaps-never`, `log-never`, `raft-snapshot`.
    pub places: Vec<&'static str>,
    /// Whether it can be read behind the pages of the database alone.
    pub is_behind_pages: bool,
    /// The newest revision that can be read.
    pub revision: Option<u64>,
}

/// Whether a Secret that can be read exists now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exists {
    /// It does.
    Yes,
    /// Neither is known: it is to be treated as in use.
    NotKnown,
    /// It was deleted and made again: another object has its name now.
    Replaced,
    /// It was deleted.
    Deleted,
    /// No database has it, and its write was perhaps never carried out.
    PerhapsNever,
    /// The same, and its write was never carried out.
    Never,
}

impl Exists {
    /// The word in the list for those who rotate.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::NotKnown => "not-known",
            Self::Replaced => "replaced",
            Self::Deleted => "deleted",
            Self::PerhapsNever => "perhaps-never",
            Self::Never => "never",
        }
    }
}

/// What of an evidence, or of a member, says which keys exist.
#[derive(Debug)]
pub struct ClusterContext<'a> {
    /// Prefixes of the API server's keys.
    pub prefixes: &'a Prefixes,
    /// Which keys exist; a log alone does not say.
    pub existing: Option<Existing<'a>>,
}

impl ClusterContext<'_> {
    /// Whether the key of a Secret exists. That the database does not have it says nothing of a key of the v2 API. Of a key that is
    /// no Secret's only the value says that it is one: where its newest value is another, the Secret is not among those that exist.
    fn existence(&self, key: &[u8], exposure: &Exposure<'_>) -> Existence {
        match self.existing.as_ref().map_or(Existence::Unknown, |existing| existing.of(key)) {
            Existence::Deleted if exposure.is_of_v2 || !exposure.has_key || exposure.is_behind_pages() => Existence::Unknown,
            Existence::Exists if !exposure.current && !self.is_key_of_secret(key) => Existence::Unknown,
            told => told,
        }
    }

    fn is_key_of_secret(&self, key: &[u8]) -> bool {
        StorageKey::of(key, self.prefixes).is_some_and(|key| key.group_resource.is_secrets())
    }

    fn is_in_tree(&self, key: &[u8]) -> bool {
        self.existing.as_ref().is_some_and(|existing| existing.is_in_tree(key))
    }

    fn has_deletion(&self, key: &[u8]) -> bool {
        self.existing.as_ref().is_some_and(|existing| existing.has_deletion(key))
    }

    /// Whether all that can be read of a key that exists is of earlier incarnations.
    fn is_replaced(&self, key: &[u8], exposure: &Exposure<'_>) -> bool {
        if exposure.current || exposure.ahead || exposure.has_unknown_incarnation {
            return false;
        }
        let now = self.existing.as_ref().and_then(|existing| existing.create_revision(key));
        now.is_some_and(|now| !exposure.incarnations.contains(&now))
    }

    fn exists(&self, existence: Existence, key: &[u8], exposure: &Exposure<'_>) -> Exists {
        match existence {
            Existence::Exists if self.is_replaced(key, exposure) => Exists::Replaced,
            Existence::Deleted if !exposure.ahead => match exposure.first_place() {
                _ if self.has_deletion(key) => Exists::Deleted,
                FirstPlace::PerhapsNever => Exists::PerhapsNever,
                FirstPlace::Never => Exists::Never,
                _ => Exists::Deleted,
            },
            Existence::Exists => Exists::Yes,
            Existence::Deleted | Existence::Unknown => Exists::NotKnown,
        }
    }
}

impl ReadableIn {
    /// All of them.
    pub fn total(&self) -> Count<Secrets> {
        let of_log = [self.ahead, self.log, self.perhaps_never, self.never];
        [self.current, self.newest, self.retained, self.residue].into_iter().chain(of_log).sum()
    }

    fn add(&mut self, exposure: &Exposure<'_>) {
        match exposure.first_place() {
            FirstPlace::Current => self.current.add_one(),
            FirstPlace::Newest => self.newest.add_one(),
            FirstPlace::Retained => self.retained.add_one(),
            FirstPlace::Residue => self.residue.add_one(),
            FirstPlace::Ahead => self.ahead.add_one(),
            FirstPlace::Log => self.log.add_one(),
            FirstPlace::PerhapsNever => self.perhaps_never.add_one(),
            FirstPlace::Never => self.never.add_one(),
        }
    }
}

impl Readable {
    /// Counts them, and names the first `most`.
    pub fn new<'data>(
        context: &ClusterContext<'_>,
        exposed: impl IntoIterator<Item = (Cow<'data, [u8]>, Exposure<'data>)>,
        most: usize,
    ) -> Self {
        let mut readable = Self::default();
        let mut all: Vec<(Cow<'_, [u8]>, Exposure<'_>, Exists)> = exposed
            .into_iter()
            .map(|(key, exposure)| {
                let exists = readable.count(context, &key, &exposure);
                (key, exposure, exists)
            })
            .collect();
        // What stands in plaintext now is in use; what exists may be; what was deleted may have unlocked something.
        let by_urgency = |(key, exposure, exists): &(Cow<'_, [u8]>, Exposure<'_>, Exists),
                          (other_key, other, other_exists): &(Cow<'_, [u8]>, Exposure<'_>, Exists)| {
            (!exposure.current, *exists, key).cmp(&(!other.current, *other_exists, other_key))
        };
        // A few of perhaps a hundred thousand are named: the others need no order.
        if all.len() > most {
            all.select_nth_unstable_by(most, by_urgency);
            all.truncate(most);
        }
        all.sort_unstable_by(by_urgency);
        let named = all.into_iter();
        readable.first = named.map(|(key, exposure, exists)| ReadableSecret::new(&key, &exposure, exists, context.prefixes)).collect();
        readable
    }

    /// Counts one, and says whether it exists.
    fn count(&mut self, context: &ClusterContext<'_>, key: &[u8], exposure: &Exposure<'_>) -> Exists {
        let existence = context.existence(key, exposure);
        let exists = context.exists(existence, key, exposure);
        self.total.add_one();
        self.perhaps_current.add_if(exposure.may_be_current());
        self.in_raft_snapshots.add_if(exposure.is_in_raft_snapshots_alone());
        match existence {
            Existence::Exists => {
                self.existing.add(exposure);
                self.replaced.add_if(exists == Exists::Replaced);
            }
            _ if exposure.ahead && context.existing.is_some() && !context.is_in_tree(key) => self.ahead.add_one(),
            Existence::Deleted => match exists {
                Exists::PerhapsNever => self.perhaps_never.add_one(),
                Exists::Never => self.never.add_one(),
                _ => self.deleted.add(exposure),
            },
            Existence::Unknown => self.unknown.add(exposure),
        }
        match self.types.get_mut(exposure.secret_type.as_ref()) {
            Some(known) => known.add_one(),
            None => drop(self.types.insert(exposure.secret_type.to_string(), Count::new(1))),
        }
        exists
    }
}

impl ReadableSecret {
    fn new(key: &[u8], exposure: &Exposure<'_>, exists: Exists, prefixes: &Prefixes) -> Self {
        let text = String::from_utf8_lossy(key).into_owned();
        let storage_key = StorageKey::of(key, prefixes);
        // A Secret under another resource's key is told by the whole key.
        let (namespace, name) = match storage_key.as_ref().filter(|key| key.group_resource.is_secrets()) {
            Some(StorageKey { namespace, name, .. }) => (namespace.map(str::to_owned), (*name).to_owned()),
            // An image's Secrets are told by namespace and name alone.
            None => match text.split_once('/') {
                Some((namespace, name)) if !namespace.is_empty() && !name.contains('/') => (Some(namespace.to_owned()), name.to_owned()),
                _ => (None, text.clone()),
            },
        };
        let places = [
            (exposure.current, "current"),
            (exposure.newest, "newest"),
            (exposure.superseded || exposure.deleted, "history"),
            (exposure.residue, "residue"),
            (exposure.log, "log"),
            (exposure.perhaps_never, "log-perhaps-never"),
            (exposure.never, "log-never"),
            (exposure.raft_snapshot, "raft-snapshot"),
        ];
        let prefix = storage_key.as_ref().and_then(|key| key.prefix).map(|prefix| String::from_utf8_lossy(prefix).into_owned());
        let secret = exposure.value.and_then(|value| Secret::read(value.0, Encoding::of(value.0)?).ok());
        Self {
            label: namespace.as_ref().map_or(text, |namespace| format!("{namespace}/{name}")),
            prefix,
            namespace,
            name,
            secret_type: exposure.secret_type.to_string(),
            data: secret.map(|secret| secret.data.iter().map(|item| (item.name.to_string(), item.length)).collect()).unwrap_or_default(),
            exists,
            places: places.into_iter().filter(|(held, _)| *held).map(|(_, name)| name).collect(),
            is_behind_pages: exposure.is_behind_pages(),
            revision: exposure.revision(),
        }
    }
}
