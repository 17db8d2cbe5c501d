//! What a configuration says: providers for lists of resources.

use crate::envelope::Provider;
use crate::envelope::open::LocalKey;

/// Providers for a list of resources.
pub struct Rule {
    /// As they stand: `secrets`, `deployments.apps`, `*.apps`, `*.`, `*.*`.
    pub resources: Vec<String>,
    /// In their order.
    pub providers: Vec<ConfiguredProvider>,
}

/// One of a rule's providers.
pub enum ConfiguredProvider {
    /// Objects as they are.
    Identity,
    /// Keys in the file; the first writes.
    Local(Provider, Vec<NamedKey>),
    /// A KMS plugin.
    Kms(KmsProvider),
    /// What cannot be used, in its place: what stands behind it is not the first.
    Unusable,
}

impl ConfiguredProvider {
    /// Its local keys, in their order.
    pub fn local_keys(&self) -> impl Iterator<Item = (Provider, &NamedKey)> {
        let (provider, keys) = match self {
            Self::Local(provider, keys) => (*provider, keys.as_slice()),
            Self::Identity | Self::Kms(_) | Self::Unusable => (Provider::Unknown, &[][..]),
        };
        keys.iter().map(move |key| (provider, key))
    }
}

/// A key in the file.
pub struct NamedKey {
    /// Its name.
    pub name: String,
    /// The key; `None`: what stands there is none. Its name is all the same the one that is written.
    pub key: Option<LocalKey>,
}

/// A KMS plugin as the file names it. It is not asked because it stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsProvider {
    /// The provider of this `apiVersion`.
    pub provider: Provider,
    /// The provider's name.
    pub name: String,
    /// Where the API server found the plugin.
    pub endpoint: String,
}
