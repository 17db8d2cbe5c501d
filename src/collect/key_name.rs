//! A key's identity, owned: what outlives the evidence that names it.

use std::fmt;

use super::KeyIdentity;

/// A key as values name it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName {
    /// The provider's word.
    pub provider: String,
    /// The version's word.
    pub version: String,
    /// The key's or provider's name.
    pub name: Option<String>,
    /// KMS v2: what the plugin calls the key.
    pub key_id: Option<String>,
}

impl From<&KeyIdentity<'_>> for KeyName {
    fn from(identity: &KeyIdentity<'_>) -> Self {
        let word = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            provider: word(identity.provider),
            version: word(identity.version),
            name: identity.name.map(str::to_owned),
            key_id: identity.key_id.map(str::to_owned),
        }
    }
}

/// `PROVIDER/NAME`, and with a key ID `PROVIDER/NAME/KEYID`: the form in which a key is given on the command line.
impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.name.as_deref().unwrap_or("?"))?;
        self.key_id.as_ref().map_or(Ok(()), |id| write!(f, "/{id}"))
    }
}
