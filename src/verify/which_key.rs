//! Which of a provider's keys is required, and whether a value is under it.
//!
//! | what is required | decided by |
//! |---|---|
//! | a key, by its ARN or ID | the key that the KMS says it used, else the one that the value names |
//! | an alias | the key that it points to now, as the KMS says: what it meant when the value was written is the key that was used |
//! | a plugin's own word | the word that the value names; a key that a KMS used says nothing of it |

use crate::envelope::KeyIdentity;
use crate::kms::{CurrentKeys, is_alias, is_key_arn, is_one_key, is_word_of_plugin};

/// Which of a provider's keys is required.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WhichKey {
    /// Whatever the provider's name stands for: a local key, or KMS v1, whose values name none.
    Any,
    /// This one.
    One {
        /// As it is named.
        named: String,
        /// The key that the name means now, where a KMS says it.
        now: Option<String>,
    },
    /// One of several, and nobody says which.
    OneOfSeveral,
    /// Who could say which it is did not.
    NotTold,
}

/// How a value stands to the key that is required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stands {
    /// It is under it.
    Under,
    /// It is under another key.
    Elsewhere,
    /// It is under one of several, of which it is not known which is required.
    OneOfSeveral,
    /// What was said does not tell.
    NotTold,
}

impl WhichKey {
    /// A key by its name.
    pub(super) fn one(named: &str, current_keys: &CurrentKeys) -> Self {
        Self::One { named: named.to_owned(), now: current_keys.meaning(named).map(str::to_owned) }
    }

    /// How a value of the required provider and name stands to it. `used`: the key that the KMS says it used; `is_opened`: whether
    /// anybody opened it.
    pub(super) fn stands(&self, identity: &KeyIdentity<'_>, used: Option<&str>, is_opened: bool) -> Stands {
        let (named, now) = match self {
            Self::Any => return Stands::Under,
            Self::OneOfSeveral => return Stands::OneOfSeveral,
            Self::NotTold => return Stands::NotTold,
            Self::One { named, now } => (named.as_str(), now.as_deref().unwrap_or(named)),
        };
        let is_same_word = identity.key_id.as_deref() == Some(named);
        let are_words = |other: &str| is_word_of_plugin(named) || is_word_of_plugin(other);
        match (identity.key_id.as_deref(), used.filter(|used| is_key_arn(used))) {
            (of_value, Some(used)) => match is_one_key(now, used) {
                Some(true) => Stands::Under,
                Some(false) => Stands::Elsewhere,
                None if of_value.is_some_and(|of_value| !is_same_word && are_words(of_value)) => Stands::Elsewhere,
                None => Stands::NotTold,
            },
            (Some(_), None) if is_same_word && is_opened && is_alias(named) => Stands::NotTold,
            (Some(_), None) if is_same_word => Stands::Under,
            (Some(of_value), None) => match is_one_key(named, of_value) {
                Some(true) => Stands::Under,
                Some(false) => Stands::Elsewhere,
                None if are_words(of_value) => Stands::Elsewhere,
                None => Stands::NotTold,
            },
            (None, None) if identity.provider().is_kms() => Stands::OneOfSeveral,
            (None, None) => Stands::Elsewhere,
        }
    }
}

/// The key that a value is under: as the KMS that opened it says, where that is another than the value names.
pub(super) fn proved(identity: &KeyIdentity<'_>, used: Option<&str>) -> KeyIdentity<'static> {
    let is_named = |used: &str| identity.key_id.as_deref().is_some_and(|named| is_one_key(named, used) == Some(true));
    match used.filter(|used| (identity.key_id.is_none() || is_key_arn(used)) && !is_named(used)) {
        Some(used) => KeyIdentity { key_id: Some(used.to_owned().into()), ..identity.owned() },
        None => identity.owned(),
    }
}

/// What tells a key: its ARN; of a key with replicas in several regions, its ID.
pub(super) fn same_key(key_id: &str) -> &str {
    key_id.rsplit_once(":key/").map_or(key_id, |(_, id)| if id.starts_with("mrk-") { id } else { key_id })
}
