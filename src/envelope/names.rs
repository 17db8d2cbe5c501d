//! Which of the bytes behind the prefix are the key's or provider's name.
//!
//! The name ends at a colon, but may hold colons itself: k3s and RKE2 call a rotated key
//! `aescbckey-2026-01-01T00:00:00Z`. Every colon therefore gives one *reading*. Readings fall away by structure (an
//! AES-CBC payload is a multiple of 16 bytes long, a KMS v1 length must fit), then by what the values of one file
//! have in common (KMS v2 aside, whose names the API server's validation keeps free of colons): a longer reading that
//! several different values share is the name, since what follows a name is random. What remains open is said to be so. Names given by the user go before all of this.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::ciphertext::is_readable;
use super::{Provider, Sealed};

/// Longest name looked for, in bytes.
const LONGEST: usize = 256;
/// Most readings of one value.
const MOST_READINGS: usize = 16;
/// Random bytes agree by chance in so many bytes only once in 2^48 pairs.
const BEYOND_CHANCE: usize = 6;
/// A shorter agreement counts only where at least one in so many values shows it.
const SHARE: u64 = 64;

/// A name as read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'data> {
    /// The name.
    pub name: &'data str,
    /// What follows its colon.
    pub body: &'data [u8],
    /// Whether no other reading remains.
    pub is_certain: bool,
}

/// The names that the values of one evidence support.
#[derive(Clone, Debug, Default)]
pub struct NameTable<'data> {
    support: HashMap<(Provider, &'data str), Support, FixedState>,
    /// Names that are known from elsewhere, and need no support, by their lengths: so a value is not held against each of them.
    given: BTreeMap<Provider, BTreeMap<usize, BTreeSet<String>>>,
}

#[derive(Clone, Copy, Debug)]
struct Support {
    values: u64,
    /// First bytes after the name in the first value seen, to tell copies of one value from different values.
    first: [u8; 8],
    is_shared: bool,
}

impl Support {
    fn add(&mut self, other: Support) {
        self.values = self.values.saturating_add(other.values);
        self.is_shared |= other.is_shared || self.first != other.first;
    }
}

impl<'data> NameTable<'data> {
    /// Takes note of every reading of a value.
    pub fn observe(&mut self, sealed: &Sealed<'data>) {
        if !sealed.provider.has_names_with_colons() {
            return;
        }
        for (name, body) in readings(sealed) {
            let first = body.first_chunk().copied().unwrap_or_default();
            self.note((sealed.provider, name), Support { values: 1, first, is_shared: false });
        }
    }

    /// Names that are known to be in use: an EncryptionConfiguration lists them. They go before all that values could show.
    pub fn give(&mut self, names: impl IntoIterator<Item = (Provider, String)>) {
        for (provider, name) in names {
            self.given.entry(provider).or_default().entry(name.len()).or_default().insert(name);
        }
    }

    /// Takes over what another part of the same evidence supports.
    pub fn merge(&mut self, other: Self) {
        other.support.into_iter().for_each(|(name, support)| self.note(name, support));
    }

    fn note(&mut self, name: (Provider, &'data str), support: Support) {
        self.support.entry(name).and_modify(|known| known.add(support)).or_insert(support);
    }

    /// The name of a value; `None` where no reading fits its provider's form.
    pub fn resolve(&self, sealed: &Sealed<'data>) -> Option<Name<'data>> {
        if !sealed.provider.has_names_with_colons() {
            return plain_name(sealed.rest).filter(|name| sealed.provider.fits(name.body));
        }
        if let Some(name) = self.given_name(sealed) {
            return Some(name);
        }
        let mut readings = readings(sealed);
        let (mut name, mut body) = readings.next()?;
        // What follows a name is ciphertext. Of text nobody knows where the name ends, and no more of it is shown than the shortest.
        if is_readable(body) {
            return Some(Name { name, body, is_certain: false });
        }
        let mut is_certain = true;
        let mut longest = None;
        for (longer, rest) in readings {
            if self.is_supported(sealed.provider, name, longer) {
                (name, body, is_certain, longest) = (longer, rest, true, None);
            } else {
                is_certain = false;
                longest = Some((longer, rest));
            }
        }
        // A name no other value bears: nothing to compare with, so the longest reading, and not certain.
        if let Some((longer, rest)) = longest
            && self.values(sealed.provider, name) <= 1
        {
            (name, body) = (longer, rest);
        }
        Some(Name { name, body, is_certain })
    }

    /// The longest given name that the value begins with.
    fn given_name(&self, sealed: &Sealed<'data>) -> Option<Name<'data>> {
        self.given.get(&sealed.provider)?.iter().rev().find_map(|(length, given)| {
            let (name, body) = sealed.rest.split_at_checked(*length)?;
            let body = body.strip_prefix(b":").filter(|body| sealed.provider.fits(body))?;
            let name = std::str::from_utf8(name).ok()?;
            given.contains(name).then_some(Name { name, body, is_certain: true })
        })
    }

    fn is_supported(&self, provider: Provider, shorter: &str, longer: &str) -> bool {
        let Some(support) = self.support.get(&(provider, longer)) else { return false };
        let more = longer.len().saturating_sub(shorter.len());
        let share = support.values.saturating_mul(SHARE) >= self.values(provider, shorter);
        support.is_shared && (more >= BEYOND_CHANCE || share)
    }

    fn values(&self, provider: Provider, name: &str) -> u64 {
        self.support.get(&(provider, name)).map_or(0, |support| support.values)
    }
}

/// A name that holds no colon.
fn plain_name(rest: &[u8]) -> Option<Name<'_>> {
    let head = rest.get(..LONGEST.min(rest.len()))?;
    let at = head.iter().position(|byte| *byte == b':').filter(|at| *at > 0)?;
    let name = std::str::from_utf8(rest.get(..at)?).ok()?;
    Some(Name { name, body: rest.get(at.checked_add(1)?..)?, is_certain: true })
}

/// Every division of `rest` into a name, a colon, and a body of the provider's form; the shortest name first.
fn readings<'data>(sealed: &Sealed<'data>) -> impl Iterator<Item = (&'data str, &'data [u8])> + use<'data> {
    let (provider, rest) = (sealed.provider, sealed.rest);
    let head = rest.get(..LONGEST.min(rest.len())).unwrap_or_default();
    // Names come from YAML or JSON: text. The first byte that is none ends the search.
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(e) => head.get(..e.valid_up_to()).and_then(|valid| std::str::from_utf8(valid).ok()).unwrap_or_default(),
    };
    let text = text.split(char::is_control).next().unwrap_or_default();
    text.match_indices(':').take(MOST_READINGS).filter_map(move |(at, _)| {
        let name = text.get(..at).filter(|name| !name.is_empty())?;
        let body = rest.get(at.checked_add(1)?..)?;
        let behind_colon = name.split_once(':').map_or("", |(_, behind)| behind);
        (provider.fits(body) && behind_colon.bytes().all(is_of_a_longer_name)).then_some((name, body))
    })
}

/// What stands behind a colon within a name: times, versions, numbers. Whatever else has a colon in it is no name.
fn is_of_a_longer_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'.' | b'-' | b'_' | b'+')
}
