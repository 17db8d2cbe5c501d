//! Which prefixes API servers used: `--etcd-prefix`, by default `/registry`.
//!
//! A key such as `/any/where/secrets/prod/db` speaks for `/any/where`, because a built-in resource's word is followed by as many
//! parts as its scope asks for. That alone proves nothing, since other software names its keys as it likes: a prefix is an API
//! server's where a value below it is one that an API server stores, or where it is one of those that API servers have by default.
//! There may be several: OpenShift has two in one etcd, hosted clusters have one each, one prefix may continue another, and a proxy
//! may have put bytes of its own before them (`team-a//registry/…`). But what continues a prefix with a part that has a dot is an
//! API group, whose resources may have a built-in's plural, unless an object in clear says otherwise.

use std::collections::{BTreeMap, BTreeSet};

use super::resource::{self, Scope};
use super::{Encoding, Object};

/// Prefixes that API servers have by default.
pub(crate) const PREFIXES_BY_DEFAULT: [&str; 3] = ["/kubernetes.io", "/openshift.io", "/registry"];

/// How the prefix of what is encrypted at rest begins.
const SEALED: &[u8] = b"k8s:enc:";

/// What the keys of one evidence speak for.
#[derive(Clone, Debug, Default)]
pub struct PrefixVotes<'data>(BTreeMap<&'data [u8], Proof>);

/// What the values below a prefix prove.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Proof {
    /// Nothing.
    #[default]
    None,
    /// That an API server encrypted one.
    Sealed,
    /// That an API server wrote a built-in object.
    Object,
}

/// The prefixes in use, in order, without the slash that parts them from what follows. They are bytes, as keys are.
///
/// Where the user named some, the others that are in use are known too: what stands below them is foreign, although it may stand below
/// a named one as well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefixes {
    sorted: Vec<Prefix>,
    are_named: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Prefix {
    bytes: Vec<u8>,
    /// How many prefixes stand up to the longest one that it begins with; 0: with none.
    continues: usize,
    is_foreign: bool,
}

impl<'data> PrefixVotes<'data> {
    /// Hears one key, with its value or the beginning of it.
    pub fn observe(&mut self, key: &'data [u8], value: &[u8]) {
        let prefix = spoken_for(key);
        if let Some(prefix) = prefix {
            let known = self.0.entry(prefix).or_default();
            if *known < Proof::Object {
                *known = Proof::of(value).max(*known);
            }
        }
        // What is one of those by default is continued by no other one.
        if prefix.is_some_and(|prefix| PREFIXES_BY_DEFAULT.iter().any(|default| default.as_bytes() == prefix)) {
            return;
        }
        // Objects of API groups alone, which have no built-in's word, are an API server's too.
        if let Some(default) = PREFIXES_BY_DEFAULT.into_iter().map(str::as_bytes).find(|default| below(key, default).is_some())
            && prefix.is_none_or(|prefix| below(prefix, default).is_some_and(begins_with_group))
            && (Proof::of(value) > Proof::None || value.starts_with(b"{\"apiVersion\":\""))
        {
            self.0.entry(default).or_default();
        }
    }

    /// Takes over what another part of the same evidence heard.
    pub fn merge(&mut self, other: Self) {
        for (prefix, proof) in other.0 {
            let known = self.0.entry(prefix).or_default();
            *known = proof.max(*known);
        }
    }

    /// The prefixes of API servers: those that were given, else those that are proved.
    pub fn elect(&self, given: &[String]) -> Prefixes {
        let own = self.spelled(given);
        let proved = self.proved(&own).into_iter().map(<[u8]>::to_vec);
        if given.is_empty() { Prefixes::new(proved) } else { Prefixes::named(proved.collect(), own) }
    }

    /// Those that are proved, and with them what continues one that is `known`.
    fn proved(&self, known: &BTreeSet<Vec<u8>>) -> Vec<&'data [u8]> {
        let mut all: BTreeMap<&[u8], Option<(&'data [u8], Proof)>> = known.iter().map(|known| (known.as_slice(), None)).collect();
        for (prefix, proof) in &self.0 {
            all.entry(prefix).or_insert(Some((prefix, *proof)));
        }
        let (mut shorter, mut proved) = (Vec::<&[u8]>::new(), Vec::new());
        for (prefix, heard) in all {
            // In their order, what is continued stands before what continues it.
            while shorter.pop_if(|last| !prefix.starts_with(last)).is_some() {}
            if let Some((heard, proof)) = heard {
                let is_default = PREFIXES_BY_DEFAULT.iter().any(|default| default.as_bytes() == prefix);
                let is_group = proof < Proof::Object && shorter.iter().any(|other| below(prefix, other).is_some_and(begins_with_group));
                if !is_default && (proof == Proof::None || is_group) {
                    continue;
                }
                proved.push(heard);
            }
            shorter.push(prefix);
        }
        proved
    }

    /// As the user gives them. A prefix is bytes: one that an API server uses as it is given is meant, and no other spelling of it; else each
    /// that differs in slashes at its ends alone.
    fn spelled(&self, given: &[String]) -> BTreeSet<Vec<u8>> {
        let spellings = given.iter().flat_map(|given| {
            let bare = given.trim_matches('/');
            if self.0.get(given.as_bytes()).is_some_and(|proof| *proof > Proof::None) {
                return vec![given.clone().into_bytes()];
            }
            let is_spelling = |prefix: &&&[u8]| trim_slashes(prefix) == bare.as_bytes();
            let seen: Vec<Vec<u8>> = self.0.keys().filter(is_spelling).map(|prefix| prefix.to_vec()).collect();
            let all = match bare {
                "" => vec![String::new()],
                bare => vec![given.clone(), given.trim_end_matches('/').to_owned(), format!("/{bare}"), bare.to_owned()],
            };
            if seen.is_empty() { all.into_iter().map(String::into_bytes).collect() } else { seen }
        });
        spellings.collect()
    }
}

fn trim_slashes(mut prefix: &[u8]) -> &[u8] {
    while let [b'/', rest @ ..] | [rest @ .., b'/'] = prefix {
        prefix = rest;
    }
    prefix
}

impl Proof {
    fn of(value: &[u8]) -> Self {
        match Encoding::of_beginning(value) {
            _ if value.starts_with(SEALED) => Self::Sealed,
            Some(Encoding::Protobuf | Encoding::Cbor) => Self::Object,
            // Anyone may write JSON. The API server writes a built-in's kind first, without blanks, and gives it a UID.
            Some(Encoding::Json) if value.starts_with(b"{\"kind\":\"") => match Object::read(value, Encoding::Json) {
                Ok(object) if !object.api_version.is_empty() && !object.uid.is_empty() => Self::Object,
                _ => Self::None,
            },
            _ => Self::None,
        }
    }
}

impl Prefixes {
    /// These prefixes.
    pub fn new(prefixes: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self::of(prefixes.into_iter().map(|bytes| (bytes, false)).collect(), false)
    }

    /// Those that the user named, of all that are in use.
    fn named(in_use: BTreeSet<Vec<u8>>, named: BTreeSet<Vec<u8>>) -> Self {
        let foreign = in_use.into_iter().map(|bytes| (bytes, true));
        Self::of(foreign.chain(named.into_iter().map(|bytes| (bytes, false))).collect(), true)
    }

    /// By their bytes, each with whether it is foreign.
    fn of(prefixes: BTreeMap<Vec<u8>, bool>, are_named: bool) -> Self {
        let (mut sorted, mut open) = (Vec::<Prefix>::new(), Vec::<usize>::new());
        for (bytes, is_foreign) in prefixes {
            let is_open =
                |up_to: &usize| up_to.checked_sub(1).and_then(|at| sorted.get(at)).is_some_and(|last| bytes.starts_with(&last.bytes));
            while open.pop_if(|up_to| !is_open(up_to)).is_some() {}
            let continues = open.last().copied().unwrap_or(0);
            sorted.push(Prefix { bytes, continues, is_foreign });
            open.push(sorted.len());
        }
        Self { sorted, are_named }
    }

    /// These and those of another part of the same member. A named one that only one of the two has in one spelling is the same.
    pub fn and(&self, others: &Self) -> Self {
        let own = |prefixes: &Self| prefixes.iter().map(<[u8]>::to_vec).collect::<BTreeSet<_>>();
        let (mine, theirs) = (own(self), own(others));
        if !self.are_named {
            return Self::new(mine.into_iter().chain(theirs));
        }
        let both: BTreeSet<Vec<u8>> = mine.intersection(&theirs).cloned().collect();
        let named = if both.is_empty() { mine.into_iter().chain(theirs).collect() } else { both };
        let foreign = self.sorted.iter().chain(&others.sorted).filter(|prefix| prefix.is_foreign).map(|prefix| prefix.bytes.clone());
        Self::named(foreign.collect(), named)
    }

    /// The prefix of a key, and what follows it and its slash; of several the longest.
    pub fn split<'key>(&self, key: &'key [u8]) -> Option<(&'key [u8], &'key [u8])> {
        // Of those up to the key, the last one begins with every one that the key begins with.
        let mut up_to = self.sorted.partition_point(|prefix| prefix.bytes.as_slice() <= key);
        while let Some(index) = up_to.checked_sub(1) {
            let prefix = self.sorted.get(index)?;
            if let Some(rest) = below(key, &prefix.bytes) {
                return (!prefix.is_foreign).then_some((key.get(..prefix.bytes.len())?, rest));
            }
            up_to = prefix.continues;
        }
        None
    }

    /// Whether what stands under a key is looked at, so far as prefixes were named: others are foreign, whatever they hold. `None`: the
    /// key is lost (empty), and may have been a foreign one.
    pub fn admit(&self, key: &[u8]) -> Option<bool> {
        match key {
            _ if !self.are_named => Some(true),
            [] => (!self.sorted.iter().any(|prefix| prefix.is_foreign)).then_some(true),
            key => Some(self.split(key).is_some()),
        }
    }

    /// The prefixes, in order; no foreign one.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.sorted.iter().filter(|prefix| !prefix.is_foreign).map(|prefix| prefix.bytes.as_slice())
    }

    /// The prefix, where there is one alone.
    pub fn only(&self) -> Option<&[u8]> {
        let mut own = self.iter();
        own.next().filter(|_| own.next().is_none())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// The prefixes as text.
    pub fn texts(&self) -> Vec<String> {
        self.iter().map(|prefix| String::from_utf8_lossy(prefix).into_owned()).collect()
    }
}

/// What follows a prefix and its slash.
fn below<'key>(key: &'key [u8], prefix: &[u8]) -> Option<&'key [u8]> {
    key.strip_prefix(prefix)?.strip_prefix(b"/")
}

/// Whether the first part of a path is an API group, which has a dot.
fn begins_with_group(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').next().is_some_and(|part| part.contains(&b'.'))
}

/// The prefix that this key speaks for: all before the first built-in's word with the right number of parts after it.
fn spoken_for(key: &[u8]) -> Option<&[u8]> {
    // From the end: a name, a namespace, the word, and before that the word of services.
    let mut rest = Some(key);
    let mut next = || {
        let text = rest?;
        let slash = memchr::memrchr(b'/', text);
        rest = slash.and_then(|at| text.get(..at));
        text.get(slash.map_or(0, |at| at.saturating_add(1))..)
    };
    let [name, second] = [next()?, next()?];
    let [third, fourth] = [next().unwrap_or_default(), next().unwrap_or_default()];
    let scope = |word: &[u8]| std::str::from_utf8(word).ok().and_then(resource::by_path).map(|built_in| built_in.scope);
    let is_below_services = || fourth == b"services" && std::str::from_utf8(third).is_ok_and(|w| resource::below_services(w).is_some());
    let object: &[&[u8]] = match () {
        () if name.is_empty() => return None,
        () if is_below_services() => &[fourth, third, second, name],
        () if scope(third) == Some(Scope::Namespaced) => &[third, second, name],
        () if scope(second) == Some(Scope::Cluster) => &[second, name],
        () => return None,
    };
    let length = object.iter().fold(0usize, |length, part| length.saturating_add(part.len()).saturating_add(1));
    key.get(..key.len().checked_sub(length)?)
}
