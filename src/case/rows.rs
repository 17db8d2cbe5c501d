//! Which rows answer a question, and with what they are written.

use super::Question;
use super::verdicts::Verdicts;
use crate::kubernetes::Prefixes;
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

/// Which rows are written, and with what.
#[derive(Clone, Copy)]
pub(super) struct WantedRows<'a> {
    pub filter: &'a RowFilter<'a>,
    pub verdicts: Option<&'a Verdicts<'a>>,
    /// The UID of the cluster's namespace `kube-system`.
    pub cluster: Option<&'a str>,
}

/// Whether a row is a value under a key.
pub(super) fn is_under(row: &Row<'_>, target: &Target) -> bool {
    let Row::Value(value) = row else { return false };
    value.envelope().is_some_and(|envelope| target.is(&envelope.key()))
}
