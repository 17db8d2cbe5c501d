//! The identity of a key, as values name it: the one form in which a key is counted, compared and printed.

use std::borrow::Cow;
use std::fmt;

use super::Provider;

/// A key as values name it. Borrowed from a value while values are counted; [`KeyIdentity::owned`] outlives the evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyIdentity<'a> {
    /// The provider's word; of one that is not known whatever stands there, with `U+FFFD` for what is no text.
    pub provider: Cow<'a, str>,
    /// The version's word, alike.
    pub version: Cow<'a, str>,
    /// The key's name or, of a KMS, the provider's; `None` where it cannot be read.
    pub name: Option<Cow<'a, str>>,
    /// What the plugin of a KMS calls the key, where the envelope says it.
    pub key_id: Option<Cow<'a, str>>,
}

impl<'a> KeyIdentity<'a> {
    /// Of the words of a prefix, the name, and the key ID.
    pub fn new(provider: &'a [u8], version: &'a [u8], name: Option<&'a str>, key_id: Option<&'a str>) -> Self {
        Self {
            provider: String::from_utf8_lossy(provider),
            version: String::from_utf8_lossy(version),
            name: name.map(Cow::Borrowed),
            key_id: key_id.map(Cow::Borrowed),
        }
    }

    /// Of a provider out of the table; `None` for an unknown one, whose words would be missing.
    pub fn of_provider(provider: Provider, name: &'a str, key_id: Option<&'a str>) -> Option<Self> {
        let (word, version) = provider.words()?;
        Some(Self::new(word.as_bytes(), version.as_bytes(), Some(name), key_id))
    }

    /// The same, borrowing nothing.
    pub fn owned(&self) -> KeyIdentity<'static> {
        let owned = |text: &Cow<'_, str>| Cow::Owned(text.to_string());
        KeyIdentity {
            provider: owned(&self.provider),
            version: owned(&self.version),
            name: self.name.as_ref().map(owned),
            key_id: self.key_id.as_ref().map(owned),
        }
    }

    /// The provider that its words are those of.
    pub fn provider(&self) -> Provider {
        Provider::of_words(self.provider.as_bytes(), self.version.as_bytes())
    }

    /// The key as people read it. Unlike the printed form, which can be given back, it also says what the form leaves open:
    /// a KMS's key that the envelope does not name, and the version of a provider that is not known.
    pub fn in_words(&self) -> String {
        self.in_words_with(self.key_id.as_deref())
    }

    /// The same with something shorter in the place of the key ID.
    pub fn in_words_with(&self, key_id: Option<&str>) -> String {
        let name = self.name.as_deref().unwrap_or("(name not readable)");
        let key_id = key_id.map_or(String::new(), |id| format!("/{id}"));
        let provider = self.provider();
        let version = match (provider.hides_kms_key(), provider.is_known()) {
            (true, _) => format!(" ({} {})", self.provider.to_uppercase(), self.version),
            (false, true) => String::new(),
            (false, false) => format!(" ({})", self.version),
        };
        format!("{}/{name}{key_id}{version}", self.provider)
    }
}

/// `PROVIDER/NAME`, and with a key ID `PROVIDER/NAME/KEYID`: the form in which a key is given on the command line.
impl fmt::Display for KeyIdentity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.name.as_deref().unwrap_or("?"))?;
        self.key_id.as_ref().map_or(Ok(()), |id| write!(f, "/{id}"))
    }
}
