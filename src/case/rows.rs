//! Which rows answer a question, and with what they are written.

use super::Question;
use super::verdicts::Verdicts;
use crate::kubernetes::{ClusterId, ClusterIds, Prefixes};
use crate::row::{ObjectName, Row};
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

impl<'a> RowFilter<'a> {
    /// The rows that answer a question which needs nothing else.
    pub(super) fn of(question: &'a Question<'_>) -> Self {
        match question {
            Question::Storage(_) => Self::All,
            Question::Object(object) => Self::Object(ObjectName::parse(&object.object)),
            Question::Integrity | Question::Pages(_) | Question::Recover(_) | Question::Keys(_) | Question::Verify(_) => Self::None,
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

/// Which rows are written, and with what.
#[derive(Clone, Copy)]
pub(super) struct WantedRows<'a> {
    pub filter: &'a RowFilter<'a>,
    pub verdicts: Option<&'a Verdicts<'a>>,
    /// Which cluster a row is of.
    pub clusters: Option<&'a ClusterIds>,
}

impl<'a> WantedRows<'a> {
    /// The UID of the namespace `kube-system` of a row's cluster.
    pub(super) fn cluster_of(&self, row: &Row<'_>) -> Option<&'a str> {
        cluster_of(self.clusters, row)
    }
}

/// The UID of the namespace `kube-system` of a row's cluster. A row whose key is not known is of the only one that there is.
pub(super) fn cluster_of<'a>(clusters: Option<&'a ClusterIds>, row: &Row<'_>) -> Option<&'a str> {
    let Row::Value(value) = row else { return None };
    let id = match value.storage_key.as_ref().and_then(|key| key.prefix) {
        Some(prefix) => clusters?.of(prefix),
        None if value.key.is_empty() => clusters?.sole(),
        None => None,
    };
    id.and_then(ClusterId::uid)
}

/// Whether a row is a value under a key.
pub(super) fn is_under(row: &Row<'_>, target: &Target) -> bool {
    let Row::Value(value) = row else { return false };
    value.envelope().is_some_and(|envelope| target.is(&envelope.key()))
}
