//! Keys as a user gives them: `PROVIDER/NAME`, `PROVIDER/NAME/KEYID`, or a key ID.

use std::fmt;

use super::{KeyIdentity, Provider};

/// A key of which some parts are left open.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPattern {
    /// The provider's word; `None`: any.
    pub provider: Option<String>,
    /// The version's word; `None`: any.
    pub version: Option<String>,
    /// The key's or provider's name; `None`: any.
    pub name: Option<String>,
    /// The key ID; `None`: any, and none.
    pub key_id: Option<String>,
}

impl KeyPattern {
    /// Reads text by itself; `None` where it says too little. The first colon or slash decides what it is: a key ID of a KMS
    /// (ARNs hold both), or a provider's word. A KMS provider's name ends at the first slash, a local key's not.
    pub fn parse(text: &str) -> Option<Self> {
        // Where a key ID is to follow and none does, it was lost.
        let text = Some(text).filter(|text| !text.ends_with('/'))?;
        let split = text.split_once('/').filter(|(word, rest)| !word.is_empty() && !rest.is_empty());
        let providers = |word: &str| Provider::all().filter(|provider| provider.words().is_some_and(|words| words.0 == word)).collect();
        let providers: Vec<Provider> = split.map_or_else(Vec::new, |(word, _)| providers(word));
        if text.contains(':') && providers.is_empty() {
            return Some(Self::of_key_id(text));
        }
        let (provider, rest) = split?;
        let (name, key_id) = match rest.split_once('/').filter(|(name, _)| !name.is_empty()) {
            Some((name, key_id)) if providers.iter().any(|provider| provider.is_kms()) => (name, Some(key_id)),
            _ => (rest, None),
        };
        Some(Self { key_id: key_id.map(str::to_owned), ..Self::of_name(provider, name) })
    }

    /// Every key with this ID, whatever providers call it.
    pub fn of_key_id(key_id: &str) -> Self {
        Self { key_id: Some(key_id.to_owned()), ..Self::default() }
    }

    /// Every key with this provider's word and this name.
    pub fn of_name(provider: &str, name: &str) -> Self {
        Self { provider: Some(provider.to_owned()), name: Some(name.to_owned()), ..Self::default() }
    }

    /// A key of this provider with this name; `None` for an unknown provider.
    pub fn of_provider(provider: Provider, name: &str) -> Option<Self> {
        let (word, version) = provider.words()?;
        Some(Self { version: Some(version.to_owned()), ..Self::of_name(word, name) })
    }

    /// The keys that text names among those that values do, by the narrowest reading that fits any: a whole key ID is one key
    /// of the KMS, whatever providers call it; then what is printed exactly so; then a provider and a name, whatever the ID; then a
    /// name alone, whatever the provider.
    pub fn find<'k>(text: &str, seen: &'k [KeyIdentity<'static>]) -> Vec<&'k KeyIdentity<'static>> {
        let by_id = Self::of_key_id(text);
        let named = text.split_once('/').map(|(provider, name)| Self::of_name(provider, name));
        let readings: [&dyn Fn(&KeyIdentity<'_>) -> bool; 4] = [
            &|key| by_id.matches(key),
            &|key| key.to_string() == text || key.in_words() == text,
            &|key| named.as_ref().is_some_and(|named| named.matches(key)),
            &|key| key.name.as_deref() == Some(text),
        ];
        let fitting = readings.iter().map(|fits| seen.iter().filter(|key| fits(key)).collect::<Vec<_>>());
        fitting.into_iter().find(|keys| !keys.is_empty()).unwrap_or_default()
    }

    /// Whether a key has all the parts that are given.
    pub fn matches(&self, key: &KeyIdentity<'_>) -> bool {
        let is_open = |part: &Option<String>, of_key: Option<&str>| part.is_none() || part.as_deref() == of_key;
        is_open(&self.provider, Some(&key.provider))
            && is_open(&self.version, Some(&key.version))
            && is_open(&self.name, key.name.as_deref())
            && is_open(&self.key_id, key.key_id.as_deref())
    }

    /// Whether a KMS may keep the key: all that is not surely in the API server's configuration.
    pub fn may_be_of_kms(&self) -> bool {
        let mut local = Provider::all().filter(|provider| provider.is_local()).filter_map(|provider| provider.words());
        !local.any(|(word, _)| self.provider.as_deref() == Some(word))
    }
}

impl From<&KeyIdentity<'_>> for KeyPattern {
    /// Exactly this key, as far as its parts are known.
    fn from(key: &KeyIdentity<'_>) -> Self {
        Self {
            provider: Some(key.provider.to_string()),
            version: Some(key.version.to_string()),
            name: key.name.as_deref().map(str::to_owned),
            key_id: key.key_id.as_deref().map(str::to_owned),
        }
    }
}

/// In the form in which it is given.
impl fmt::Display for KeyPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [&self.provider, &self.name, &self.key_id].into_iter().flatten();
        f.write_str(&parts.map(String::as_str).collect::<Vec<_>>().join("/"))
    }
}
