//! What a value is under that is not as it is required.

use crate::envelope::KeyIdentity;

/// What a value is under that is not as required.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Under {
    /// No key.
    Plaintext,
    /// Another key.
    Key(KeyIdentity<'static>),
    /// Another key of the required one's name.
    SameName(KeyIdentity<'static>),
    /// By its name the required key, which does not open it.
    NotOpened(KeyIdentity<'static>),
    /// A key of the required provider, of which it is not known under which of its keys it writes now.
    OneOfSeveral(KeyIdentity<'static>),
    /// By its name a key of the required provider, of which who could say whether it is the required one did not.
    NotTold(KeyIdentity<'static>),
    /// A key, though no rule names the resource: API servers with this configuration cannot read it.
    NotNamed(KeyIdentity<'static>),
    /// No key, in a Secret below a key that no API server writes, so that none rewrites it.
    OutOfReach,
    /// What one of the configurations that were given requires, and another one does not; of several local keys of one name with what tells
    /// the one that opens it.
    Disputed(Option<String>),
    /// Whatever the log has behind the database, which writes or deletes it later, or may; or it was written by the v2 API, of whose keys
    /// nothing tells what they have now.
    NotApplied,
    /// A form that is not known here, or a name that cannot be read; or it is not known what is required.
    NotKnown,
}

impl Under {
    /// The word in the records.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Key(_) => "other-key",
            Self::SameName(_) => "other-key-of-this-name",
            Self::NotOpened(_) => "not-opened",
            Self::NotNamed(_) => "not-named",
            Self::OutOfReach => "out-of-reach",
            Self::Disputed(_) => "disputed",
            Self::OneOfSeveral(_) => "one-of-several-keys",
            Self::NotTold(_) => "key-not-told",
            Self::NotApplied => "not-applied",
            Self::NotKnown => "not-known",
        }
    }

    /// The key that the values name.
    pub fn key(&self) -> Option<&KeyIdentity<'static>> {
        match self {
            Self::Key(key)
            | Self::SameName(key)
            | Self::NotOpened(key)
            | Self::OneOfSeveral(key)
            | Self::NotTold(key)
            | Self::NotNamed(key) => Some(key),
            Self::Plaintext | Self::OutOfReach | Self::Disputed(_) | Self::NotApplied | Self::NotKnown => None,
        }
    }

    /// Whether an API server can read it, and writes it anew as it is required.
    pub fn can_be_rewritten(&self) -> bool {
        self.is_otherwise() && !matches!(self, Self::NotNamed(_))
    }

    /// Whether it is provably something else than what is required.
    pub fn is_otherwise(&self) -> bool {
        matches!(self, Self::Plaintext | Self::Key(_) | Self::SameName(_) | Self::NotNamed(_))
    }
}
