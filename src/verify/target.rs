//! The key that a question is about, as it is given on the command line: `PROVIDER/NAME`, `PROVIDER/NAME/KEYID`, or a key ID.

use crate::envelope::{KeyIdentity, KeyPattern};

/// A key that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// As it was given.
    pub text: String,
    /// The keys that it names among those that were seen: one, or several providers' names of one KMS key.
    pub keys: Vec<KeyIdentity<'static>>,
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
    pub fn find(text: &str, seen: &[KeyIdentity<'static>]) -> Result<Self, NoTarget> {
        let keys = KeyPattern::find(text, seen);
        let is_one_id = keys.iter().all(|key| key.key_id.as_deref() == Some(text));
        match keys.as_slice() {
            [] => Err(NoTarget::Unseen { text: text.to_owned(), seen: listed(seen.iter()) }),
            [_] => Ok(Self::of(text, &keys)),
            // One key of the KMS, whatever providers call it.
            _ if is_one_id => Ok(Self::of(text, &keys)),
            _ => Err(NoTarget::Ambiguous { text: text.to_owned(), readings: listed(keys.into_iter()) }),
        }
    }

    /// A key that no value names, if text names one completely, so that its absence can be confirmed.
    pub fn unseen(text: &str) -> Option<Self> {
        KeyPattern::parse(text).map(|_| Self::of(text, &[]))
    }

    fn of(text: &str, keys: &[&KeyIdentity<'static>]) -> Self {
        Self { text: text.to_owned(), keys: keys.iter().map(|key| (*key).clone()).collect() }
    }

    /// Whether a key is the one that was asked for.
    pub fn is(&self, key: &KeyIdentity<'_>) -> bool {
        self.keys.iter().any(|known| known == key)
    }

    /// Whether a KMS keeps the key, or may keep it where no value names it.
    pub fn is_kms(&self) -> bool {
        let may_be = || KeyPattern::parse(&self.text).is_none_or(|pattern| pattern.may_be_of_kms());
        self.keys.iter().any(|key| key.provider().is_kms()) || (self.keys.is_empty() && may_be())
    }
}

fn listed<'a>(keys: impl Iterator<Item = &'a KeyIdentity<'static>>) -> Vec<String> {
    keys.map(KeyIdentity::in_words).collect()
}
