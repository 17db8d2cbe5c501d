//! The key that a question is about, as it is given on the command line: `PROVIDER/NAME`, `PROVIDER/NAME/KEYID`, or a key ID.

use crate::collect::KeyName;

/// A key that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// As it was given.
    pub text: String,
    /// The keys that it names among those that were seen: one, or several providers' names of one KMS key.
    pub keys: Vec<KeyName>,
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
    pub fn find(text: &str, seen: &[KeyName]) -> Result<Self, NoTarget> {
        let of = |keys: Vec<&KeyName>| Self { text: text.to_owned(), keys: keys.into_iter().cloned().collect() };
        // A whole key ID is one key of the KMS, whatever providers call it.
        let by_id: Vec<_> = seen.iter().filter(|key| key.key_id.as_deref() == Some(text)).collect();
        if !by_id.is_empty() {
            return Ok(of(by_id));
        }
        let whole: Vec<_> = seen.iter().filter(|key| key.to_string() == text).collect();
        let fitting = if whole.is_empty() { seen.iter().filter(|key| names(key, text)).collect() } else { whole };
        match fitting.as_slice() {
            [] => Err(NoTarget::Unseen { text: text.to_owned(), seen: listed(seen.iter()) }),
            [_] => Ok(of(fitting)),
            _ => Err(NoTarget::Ambiguous { text: text.to_owned(), readings: listed(fitting.into_iter()) }),
        }
    }

    /// Whether a key is the one that was asked for.
    pub fn is(&self, key: &KeyName) -> bool {
        self.keys.contains(key)
    }

    /// Whether text names one key completely, so that its absence can be confirmed: a provider, a name and, of KMS v2, an ID.
    pub fn is_complete(text: &str) -> bool {
        text.contains(':') || text.split('/').filter(|part| !part.is_empty()).count() >= 2
    }
}

/// Whether text is a key's provider and name.
fn names(key: &KeyName, text: &str) -> bool {
    let Some(name) = key.name.as_deref() else { return false };
    text.strip_prefix(key.provider.as_str()).and_then(|rest| rest.strip_prefix('/')) == Some(name)
}

fn listed<'a>(keys: impl Iterator<Item = &'a KeyName>) -> Vec<String> {
    keys.map(|key| match key.version.as_str() {
        "v1" if key.provider == "kms" => format!("{key} (KMS v1)"),
        _ => key.to_string(),
    })
    .collect()
}
