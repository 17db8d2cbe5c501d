//! How a value is protected, with what its own bytes say of it.

use crate::envelope::Name;
use crate::envelope::open::{DekSourceId, DekSourceKind};
use crate::evidence::digest::Sha256Digest;
use crate::kubernetes::{Encoding, Secret};

/// How a value is protected, and what can be told of it without a key.
#[derive(Clone, Debug)]
pub enum Protection<'data> {
    /// Readable without any key.
    Plaintext {
        /// How it is written; `None` for a piece of which that is not known.
        encoding: Option<Encoding>,
        /// What may be shown of a Secret; `None` for every other object, and for a Secret that cannot be read.
        secret: Option<Secret<'data>>,
    },
    /// Under the envelope of a known provider.
    Encrypted(EnvelopeInfo<'data>),
    /// No bytes.
    Empty,
    /// Bytes of no known form, or under a provider or version that is not known here, whose words are then given.
    Unknown(Option<EnvelopeInfo<'data>>),
}

/// How a value is protected, alone: what counts are kept by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// See [`Protection::Plaintext`].
    Plaintext,
    /// See [`Protection::Encrypted`].
    Encrypted,
    /// See [`Protection::Empty`].
    Empty,
    /// See [`Protection::Unknown`].
    Unknown,
}

/// What the envelope of a value says.
#[derive(Clone, Copy, Debug)]
pub struct EnvelopeInfo<'data> {
    /// The provider's word, verbatim.
    pub provider: &'data [u8],
    /// The version's word, verbatim.
    pub version: &'data [u8],
    /// The key's or provider's name; `None` where what follows the prefix is not of the provider's form.
    pub name: Option<Name<'data>>,
    /// KMS v2: what the plugin calls the key.
    pub key_id: Option<&'data str>,
    /// KMS v2: the stored integer.
    pub dek_source_type: Option<i64>,
    /// KMS: what is wrapped; `None` where its type is not known, or the envelope passes the API server's limits.
    pub dek_source_kind: Option<DekSourceKind>,
    /// KMS: digest of the wrapped DEK or seed.
    pub dek_source_sha256: Option<Sha256Digest>,
    /// KMS v2: digest of the annotations.
    pub annotations_sha256: Option<Sha256Digest>,
}

impl EnvelopeInfo<'_> {
    /// Which DEK source a KMS is asked about for it; `None` where nobody can be.
    pub fn dek_source(&self) -> Option<DekSourceId> {
        Some(DekSourceId {
            provider: self.key().provider(),
            provider_name: self.name?.name.into(),
            kind: self.dek_source_kind?,
            key_id: self.key_id.map(Box::from),
            wrapped: self.dek_source_sha256?,
            annotations: self.annotations_sha256,
        })
    }
}

impl<'data> Protection<'data> {
    /// The form alone.
    pub fn form(&self) -> Form {
        match self {
            Self::Plaintext { .. } => Form::Plaintext,
            Self::Encrypted(_) => Form::Encrypted,
            Self::Empty => Form::Empty,
            Self::Unknown(_) => Form::Unknown,
        }
    }

    /// What its envelope says, where it has one.
    pub fn envelope(&self) -> Option<&EnvelopeInfo<'data>> {
        match self {
            Self::Encrypted(envelope) | Self::Unknown(Some(envelope)) => Some(envelope),
            Self::Plaintext { .. } | Self::Empty | Self::Unknown(None) => None,
        }
    }

    /// How plaintext is written, where that is known.
    pub fn encoding(&self) -> Option<Encoding> {
        match self {
            Self::Plaintext { encoding, .. } => *encoding,
            Self::Encrypted(_) | Self::Empty | Self::Unknown(_) => None,
        }
    }

    /// What may be shown of a plaintext Secret.
    pub fn secret(&self) -> Option<&Secret<'data>> {
        match self {
            Self::Plaintext { secret, .. } => secret.as_ref(),
            Self::Encrypted(_) | Self::Empty | Self::Unknown(_) => None,
        }
    }
}

impl Form {
    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Encrypted => "encrypted",
            Self::Empty => "empty",
            Self::Unknown => "unknown",
        }
    }
}
