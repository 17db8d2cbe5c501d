//! What became of single values, where they were to be opened.

use crate::evidence::EvidenceId;
use crate::row::Row;
use crate::verify::{Keyring, Proof, Verdict};

/// What became of single values.
pub(super) struct Verdicts<'a> {
    pub proof: &'a Proof,
    pub keyring: &'a Keyring<'a>,
}

impl Verdicts<'_> {
    /// What became of a row's value; `None` for one that is not sealed.
    pub(super) fn of(&self, evidence: EvidenceId, row: &Row<'_>) -> Option<Verdict> {
        match row {
            Row::Value(value) => self.proof.verdict(self.keyring, evidence, value),
            Row::Tombstone(_) => None,
        }
    }
}
