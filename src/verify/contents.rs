//! What an opened value holds, as far as it proves that the opening was one.

use crate::kubernetes::{Encoding, Object, StorageKey};

/// What is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Contents {
    /// The object that the storage key names.
    Named,
    /// An object of another namespace or name.
    Other {
        /// Its namespace; empty where it has none.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// What begins as an object and is none.
    Broken,
    /// Nothing that an API server stores.
    Foreign,
}

impl Contents {
    /// Looks at opened bytes. `storage_key`: `None` where the key is no object's.
    pub(super) fn of(plaintext: &[u8], storage_key: Option<&StorageKey<'_>>) -> Self {
        let Some(encoding) = Encoding::of(plaintext) else { return Self::Foreign };
        match (Object::read(plaintext, encoding), encoding) {
            // YAML is not read, and nothing random is it.
            (_, Encoding::Yaml) => Self::Named,
            (_, Encoding::Other) => Self::Foreign,
            (Err(_), _) => Self::Broken,
            (Ok(object), _) => match storage_key {
                Some(key) if object.name != key.name || object.namespace != key.namespace.unwrap_or_default() => {
                    Self::Other { namespace: object.namespace.into_owned(), name: object.name.into_owned() }
                }
                _ => Self::Named,
            },
        }
    }
}
