//! The key that a question is about, as it is given on the command line: `PROVIDER/NAME`, `PROVIDER/NAME/KEYID`, or a key ID.

use std::collections::BTreeSet;

use crate::envelope::{KeyIdentity, KeyPattern};
use crate::kms::{Likeness, SameKeys};

/// A key that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// As it was given.
    pub text: String,
    /// The keys that it names among those that were seen: one, or several providers' names of one KMS key.
    pub keys: Vec<KeyIdentity<'static>>,
    /// The same, to look one up: thousands of providers may name one key.
    known: BTreeSet<KeyIdentity<'static>>,
    /// How the key is written: its IDs, of an alias the key that it means today, or where none is known the text. Other ways to write it may
    /// stand in values.
    pub spellings: BTreeSet<String>,
}

/// Why text does not say which key is meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTarget {
    /// More than one key fits.
    #[error("{text} may be any of: {}", .readings.join(", "))]
    Ambiguous {
        /// As it was given.
        text: String,
        /// What fits.
        readings: Vec<String>,
    },
    /// No value names it.
    #[error("{text}: no value in these inputs names this key; named are: {}", if .seen.is_empty() { "none".to_owned() } else { .seen.join(", ") })]
    Unseen {
        /// As it was given.
        text: String,
        /// Keys that values do name.
        seen: Vec<String>,
    },
}

impl Target {
    /// Finds the key among those that values name.
    ///
    /// # Errors
    /// None fits, or more than one.
    pub fn find(text: &str, seen: &[KeyIdentity<'static>], same: &SameKeys) -> Result<Self, NoTarget> {
        // Blanks around it come with copying.
        let text = text.trim();
        let keys = KeyPattern::find(text, seen);
        // What nobody calls so, some may call by another name that is known.
        let keys = if keys.is_empty() { seen.iter().filter(|key| is_written_as(key, text, same)).collect() } else { keys };
        let is_one_id = keys.iter().all(|key| is_written_as(key, text, same));
        match keys.as_slice() {
            [] => Err(NoTarget::Unseen { text: text.to_owned(), seen: listed(seen.iter()) }),
            [one] => {
                // The same key of the KMS under another provider's name is needed as much.
                let id = one.key_id.as_deref();
                let others = seen.iter().filter(|key| *key != *one && id.is_some_and(|id| is_written_as(key, id, same)));
                Ok(Self::of(text, &keys.iter().copied().chain(others).collect::<Vec<_>>(), same))
            }
            // One key of the KMS, whatever providers call it.
            _ if is_one_id => Ok(Self::of(text, &keys, same)),
            _ => Err(NoTarget::Ambiguous { text: text.to_owned(), readings: listed(keys.into_iter()) }),
        }
    }

    /// A key that no value names, if text names one completely, so that its absence can be confirmed.
    pub fn unseen(text: &str, same: &SameKeys) -> Option<Self> {
        let text = text.trim();
        KeyPattern::parse(text).map(|_| Self::of(text, &[], same))
    }

    /// Whether values name it by an alias that means it today.
    pub fn is_meant_today(&self, seen: &[KeyIdentity<'static>], same: &SameKeys) -> bool {
        let meanings = seen.iter().filter_map(|key| same.meaning_today(key.key_id.as_deref()?));
        meanings.into_iter().any(|key| self.spellings.iter().any(|spelling| same.likeness(spelling, key) == Likeness::Same))
    }

    fn of(text: &str, keys: &[&KeyIdentity<'static>], same: &SameKeys) -> Self {
        let parsed = KeyPattern::parse(text).and_then(|pattern| pattern.key_id);
        let ids = keys.iter().filter_map(|key| key.key_id.as_deref()).chain(parsed.as_deref());
        let mut spellings: BTreeSet<String> = ids.map(|id| same.meaning_today(id).unwrap_or(id).to_owned()).collect();
        if spellings.is_empty() {
            spellings.insert(text.to_owned());
        }
        let keys: Vec<KeyIdentity<'static>> = keys.iter().map(|key| (*key).clone()).collect();
        Self { text: text.to_owned(), known: keys.iter().cloned().collect(), keys, spellings }
    }

    /// Whether a key is the one that was asked for.
    pub fn is(&self, key: &KeyIdentity<'_>) -> bool {
        self.known.contains(key)
    }

    /// Whether a key of a provider with this word may be the one that was asked for.
    pub fn may_be_of(&self, provider: &str) -> bool {
        let parsed = || KeyPattern::parse(&self.text).and_then(|pattern| pattern.provider);
        match self.keys.is_empty() {
            true => parsed().is_none_or(|word| word == provider),
            false => self.keys.iter().any(|key| key.provider == provider),
        }
    }

    /// Why a key that is not the one that was asked for may be that one all the same, written in another way; `None`: it is not.
    pub fn may_be(&self, key: &KeyIdentity<'_>, same: &SameKeys) -> Option<&'static str> {
        let id = key.key_id.as_deref().filter(|_| self.is_kms() && key.provider().is_kms() && !self.is(key))?;
        self.spellings.iter().find_map(|spelling| match same.likeness(spelling, id) {
            Likeness::Same => Some("it is known to be the same key"),
            // What is listed is of today.
            Likeness::MayBe(why) => Some(match same.meaning_today(id).map(|key| same.likeness(spelling, key)) {
                Some(Likeness::Same) => "that alias points to it today, and may have meant another key when they were written",
                Some(Likeness::Other) => "that alias points to another key today, and may have meant this one when they were written",
                Some(Likeness::MayBe(_)) | None => why,
            }),
            Likeness::Other => None,
        })
    }

    /// Whether a KMS keeps the key, or may keep it where no value names it.
    pub fn is_kms(&self) -> bool {
        let may_be = || KeyPattern::parse(&self.text).is_none_or(|pattern| pattern.may_be_of_kms());
        self.keys.iter().any(|key| key.provider().is_kms()) || (self.keys.is_empty() && may_be())
    }
}

/// Whether a key's ID is this, or is known to mean the same; or is that of the key which the text means today.
fn is_written_as(key: &KeyIdentity<'_>, text: &str, same: &SameKeys) -> bool {
    let is = |id: &str, text: &str| same.likeness(id, text) == Likeness::Same;
    key.key_id.as_deref().is_some_and(|id| is(id, text) || same.meaning_today(text).is_some_and(|today| is(id, today)))
}

fn listed<'a>(keys: impl Iterator<Item = &'a KeyIdentity<'static>>) -> Vec<String> {
    keys.map(KeyIdentity::in_words).collect()
}
