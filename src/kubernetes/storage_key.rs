//! Storage keys: where the API server puts an object.
//!
//! ```text
//! <prefix>/<resource>/[<namespace>/]<name>            built-in; the resource without its group
//! <prefix>/<group>/<resource>/[<namespace>/]<name>    custom and aggregated
//! ```
//! Source: k8s.io/apiserver `pkg/storage/etcd3/store.go`, apiextensions `pkg/registry/customresource`.

use std::borrow::Cow;

use super::Prefixes;
use super::resource::{self, GroupResource, Scope};

/// A key of etcd, read as an object's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageKey<'key> {
    /// The prefix that its API server puts before all keys; `None` where it is read in the object alone, and not in a key.
    pub prefix: Option<&'key [u8]>,
    /// What kind of object.
    pub group_resource: GroupResource<'key>,
    /// Its namespace, where the resource has namespaces.
    pub namespace: Option<&'key str>,
    /// Its name.
    pub name: &'key str,
}

impl<'key> StorageKey<'key> {
    /// Reads a key below one of the prefixes; `None` for any other key, and where what follows the prefix is no text.
    pub fn of(key: &'key [u8], prefixes: &Prefixes) -> Option<Self> {
        let (prefix, path) = prefixes.split(key)?;
        Some(Self { prefix: Some(prefix), ..Self::at(std::str::from_utf8(path).ok()?)? })
    }

    /// Reads what follows a prefix.
    fn at(path: &'key str) -> Option<Self> {
        let (first, rest) = split(path)?;
        if let Some(built_in) = resource::by_path(first) {
            return Self::scoped(Cow::Borrowed(built_in.group_resource), Some(built_in.scope), rest);
        }
        let (second, below) = split(rest).unwrap_or((rest, ""));
        let deeper = match first {
            "services" => resource::below_services(second),
            "oauth" => resource::below_oauth(second),
            _ => None,
        };
        if let Some(built_in) = deeper {
            return Self::scoped(Cow::Borrowed(built_in.group_resource), Some(built_in.scope), below);
        }
        // A group has a dot; `ranges`, `masterleases` and the like have none and are no resource of the API.
        if first.contains('.') && !below.is_empty() {
            return Self::scoped(Cow::Owned(format!("{second}.{first}")), None, below);
        }
        // OpenShift's own API servers store their resources without the group, as the core does.
        Self::scoped(Cow::Borrowed(first), None, rest)
    }

    /// `rest` is `[<namespace>/]<name>`; a scope that is not known follows from the number of parts.
    fn scoped(group_resource: Cow<'key, str>, scope: Option<Scope>, rest: &'key str) -> Option<Self> {
        let (namespace, name) = match (scope, split(rest)) {
            (Some(Scope::Cluster), _) | (None, None) => (None, rest),
            (_, Some((namespace, name))) => (Some(namespace), name),
            (Some(Scope::Namespaced), None) => return None,
        };
        (!name.is_empty()).then_some(Self { prefix: None, group_resource: GroupResource(group_resource), namespace, name })
    }
}

/// What stands before the first slash, and behind it.
fn split(path: &str) -> Option<(&str, &str)> {
    let (first, rest) = path.split_at_checked(memchr::memchr(b'/', path.as_bytes())?)?;
    Some((first, rest.get(1..)?))
}
