//! Which prefixes an API server used: `--etcd-prefix`, by default `/registry`.
//!
//! A key such as `/any/where/secrets/prod/db` votes for `/any/where`, because a built-in resource's word is
//! followed by as many parts as its scope asks for. OpenShift has two prefixes in one etcd. A prefix
//! that only continues another is none: custom resources may have a built-in's plural.

use std::collections::BTreeMap;

use super::resource::{self, Scope};

/// Most prefixes that are kept apart while votes are counted.
const MOST: usize = 256;

/// Votes of the keys of one evidence.
#[derive(Clone, Debug, Default)]
pub struct PrefixVotes<'data> {
    votes: BTreeMap<&'data str, u64>,
    last: &'data str,
}

/// The prefixes in use, without a slash at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefixes(Vec<String>);

impl<'data> PrefixVotes<'data> {
    /// Counts the vote of one key.
    pub fn observe(&mut self, key: &'data [u8]) {
        let Ok(key) = std::str::from_utf8(key) else { return };
        // Nearly all keys continue the prefix that the one before them voted for.
        let known = !self.last.is_empty() && key.strip_prefix(self.last).is_some_and(|rest| rest.starts_with('/'));
        let prefix = if known { Some(self.last) } else { vote(key) };
        if let Some(prefix) = prefix {
            self.add(prefix, 1);
            self.last = prefix;
        }
    }

    /// Takes over the votes of another part of the same evidence.
    pub fn merge(&mut self, other: Self) {
        other.votes.into_iter().for_each(|(prefix, votes)| self.add(prefix, votes));
    }

    fn add(&mut self, prefix: &'data str, votes: u64) {
        if self.votes.len() < MOST || self.votes.contains_key(prefix) {
            let sum = self.votes.entry(prefix).or_insert(0);
            *sum = sum.saturating_add(votes);
        }
    }

    /// The prefixes that do not merely continue another one.
    pub fn elect(&self) -> Prefixes {
        let continues = |prefix: &str| self.votes.keys().any(|other| is_below(prefix, other));
        Prefixes(self.votes.keys().filter(|prefix| !continues(prefix)).map(|prefix| (*prefix).to_owned()).collect())
    }
}

impl Prefixes {
    /// As the user gives them: with or without slashes at both ends.
    pub fn given(prefixes: &[String]) -> Self {
        Self(
            prefixes
                .iter()
                .map(|prefix| format!("/{}", prefix.trim_matches('/')))
                .map(|p| if p == "/" { String::new() } else { p })
                .collect(),
        )
    }

    /// What follows the prefix and its slash, when the key is below one.
    pub fn strip<'key>(&self, key: &'key str) -> Option<&'key str> {
        self.0.iter().find_map(|prefix| key.strip_prefix(prefix.as_str())?.strip_prefix('/'))
    }

    /// The prefixes, sorted.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

fn is_below(prefix: &str, other: &str) -> bool {
    prefix.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'))
}

/// The prefix that this key speaks for: all before the first built-in's word with the right number of parts after it.
fn vote(key: &str) -> Option<&str> {
    if !key.starts_with('/') {
        return None;
    }
    let mut at = 0usize;
    loop {
        let after = key.get(at.checked_add(1)?..)?;
        let (word, rest) = after.split_once('/')?;
        let parts = rest.split('/').count();
        let fits = match resource::by_path(word) {
            Some(built_in) if built_in.scope == Scope::Namespaced => parts == 2,
            Some(_) => parts == 1,
            None => word == "services" && parts == 3 && rest.split('/').next().is_some_and(|w| resource::below_services(w).is_some()),
        };
        if fits && at > 0 {
            return key.get(..at);
        }
        at = at.checked_add(1)?.checked_add(word.len())?;
    }
}
