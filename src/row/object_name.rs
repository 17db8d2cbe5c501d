//! One object, by the name it is asked for with.

use super::near::distance;
use crate::kubernetes::{Prefixes, StorageKey};

/// An object as it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectName<'a> {
    /// By its whole key.
    Key(&'a str),
    /// By resource, namespace and name; a Secret where no resource is given. A whole key may read like it too.
    Object {
        /// As it was given.
        text: &'a str,
        /// Such as `configmaps`.
        resource: &'a str,
        /// Its namespace.
        namespace: &'a str,
        /// Its name.
        name: &'a str,
    },
}

impl<'a> ObjectName<'a> {
    /// Reads `namespace/name`, `resource/namespace/name`, or a whole key.
    pub fn parse(text: &'a str) -> Self {
        if text.starts_with('/') {
            return Self::Key(text);
        }
        match text.split('/').collect::<Vec<_>>().as_slice() {
            [namespace, name] => Self::Object { text, resource: "secrets", namespace, name },
            [resource, namespace, name] => Self::Object { text, resource, namespace, name },
            _ => Self::Key(text),
        }
    }

    /// How like the object is of which a key of etcd is, and the name to ask for it with; `None` where they are not alike.
    pub fn like(&self, key: &[u8], prefixes: &Prefixes) -> Option<(usize, String)> {
        let slip = |wanted: &str, found: &str| if wanted == found { Some(0) } else { distance(wanted, found) };
        let (resource, namespace, name) = match self {
            Self::Key(wanted) => {
                let found = std::str::from_utf8(key).ok()?;
                return Some((slip(wanted, found)?, found.to_owned()));
            }
            Self::Object { resource, namespace, name, .. } => (*resource, *namespace, *name),
        };
        let found = StorageKey::of(key, prefixes)?;
        let (found_resource, found_namespace) = (found.group_resource.0.as_ref(), found.namespace?);
        // The same name in another namespace is like it, however that is called.
        let elsewhere = || if found.name == name { Some(1) } else { slip(namespace, found_namespace) };
        let of_namespace = if found_namespace == namespace { 0 } else { elsewhere()? };
        let far = slip(resource, found_resource)?.saturating_add(of_namespace).saturating_add(slip(name, found.name)?);
        let resource = if found.group_resource.is_secrets() { String::new() } else { format!("{found_resource}/") };
        Some((far, format!("{resource}{found_namespace}/{}", found.name)))
    }

    /// Whether a key of etcd is that of the object.
    pub fn is_of(&self, key: &[u8], prefixes: &Prefixes) -> bool {
        match self {
            Self::Key(wanted) => wanted.as_bytes() == key,
            Self::Object { text, .. } if text.as_bytes() == key => true,
            Self::Object { resource, namespace, name, .. } => StorageKey::of(key, prefixes).is_some_and(|found| {
                let is_namespaced = found.group_resource.0 == *resource && found.namespace == Some(namespace);
                // An object of the whole cluster has no namespace: `namespaces/prod` means it, `clusterroles/rbac/admin` cannot.
                let is_of_cluster = *resource == "secrets" && found.namespace.is_none() && found.group_resource.0 == *namespace;
                found.name == *name && (is_namespaced || is_of_cluster)
            }),
        }
    }
}

impl std::fmt::Display for ObjectName<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key(key) => write!(f, "the key {key}"),
            Self::Object { resource, namespace, name, .. } => write!(f, "{resource} {name} in namespace {namespace}"),
        }
    }
}
