//! What an opened value holds, as far as it proves that the opening was one.

use crate::kubernetes::{Encoding, GroupResource, Object, StorageKey};

/// What is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Contents {
    /// The object that the storage key names.
    Named,
    /// An object of another resource, namespace or name.
    Other {
        /// Of another resource, the words of that in a key.
        resource: Option<Box<str>>,
        /// Its namespace; empty where it has none.
        namespace: Box<str>,
        /// Its name.
        name: Box<str>,
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
        let object = match (Object::read(plaintext, encoding), encoding) {
            // Of YAML only what its lines say is known, and nothing random is it.
            (_, Encoding::Yaml) => Object::outline_of_yaml(plaintext),
            (_, Encoding::Other) => return Self::Foreign,
            (Err(_), _) => return Self::Broken,
            (Ok(object), _) => object,
        };
        let Some(key) = storage_key else { return Self::Named };
        let is_of_resource = key.group_resource.may_hold(&object.api_version, &object.kind);
        let has_name = encoding != Encoding::Yaml || !object.name.is_empty();
        let is_named = !has_name || (object.name == key.name && object.namespace == key.namespace.unwrap_or_default());
        if is_of_resource && is_named {
            return Self::Named;
        }
        let resource = (!is_of_resource).then(|| GroupResource::path_of(&object.api_version, &object.kind).into());
        Self::Other { resource, namespace: object.namespace.into(), name: object.name.into() }
    }
}
