//! Which rows answer a question.

use super::Question;
use crate::kubernetes::{Prefixes, StorageKey};
use crate::row::Row;
use crate::verify::Target;

/// The rows that are written.
pub(super) enum RowFilter<'a> {
    /// None.
    None,
    /// All that are in scope.
    All,
    /// Values under a key.
    Under(&'a Target),
    /// Those of one object.
    Object(ObjectName<'a>),
}

/// An object as it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectName<'a> {
    /// By its whole key.
    Key(&'a str),
    /// By resource, namespace and name; a Secret where no resource is given.
    Object {
        /// Such as `configmaps`.
        resource: &'a str,
        /// Its namespace.
        namespace: &'a str,
        /// Its name.
        name: &'a str,
    },
}

impl<'a> RowFilter<'a> {
    /// The rows that answer a question which needs nothing else.
    pub(super) fn of(question: &'a Question<'_>) -> Self {
        match question {
            Question::Storage(_) => Self::All,
            Question::Object(object) => Self::Object(ObjectName::parse(&object.object)),
            Question::Integrity | Question::Keys(_) | Question::Verify(_) => Self::None,
        }
    }

    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    pub(super) fn lets_through(&self, row: &Row<'_>, prefixes: &Prefixes) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Under(target) => is_under(row, target),
            Self::Object(object) => object.is_of(row.key(), prefixes),
        }
    }
}

/// Whether a row is a value under a key.
pub(super) fn is_under(row: &Row<'_>, target: &Target) -> bool {
    let Row::Value(value) = row else { return false };
    value.envelope().is_some_and(|envelope| target.is(&envelope.key()))
}

impl<'a> ObjectName<'a> {
    /// Reads `namespace/name`, `resource/namespace/name`, or a whole key.
    pub fn parse(text: &'a str) -> Self {
        if text.starts_with('/') {
            return Self::Key(text);
        }
        match text.split('/').collect::<Vec<_>>().as_slice() {
            [namespace, name] => Self::Object { resource: "secrets", namespace, name },
            [resource, namespace, name] => Self::Object { resource, namespace, name },
            _ => Self::Key(text),
        }
    }

    /// Whether a key of etcd is that of the object.
    pub(super) fn is_of(&self, key: &[u8], prefixes: &Prefixes) -> bool {
        let Ok(key) = std::str::from_utf8(key) else { return false };
        match self {
            Self::Key(wanted) => *wanted == key,
            Self::Object { resource, namespace, name } => StorageKey::parse(key, prefixes).is_some_and(|found| {
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
            Self::Object { resource, namespace, name } => write!(f, "{resource} {name} in namespace {namespace}"),
        }
    }
}
