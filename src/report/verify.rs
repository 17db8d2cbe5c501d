//! What a verification found, for people and for the last record.

use std::collections::BTreeMap;

use crate::analysis::Retention;
use crate::kms::{Failure, Reason};
use crate::verify::{Proof, Standing};

/// A verification.
pub struct VerifyReport<'a> {
    /// What became of every value.
    pub proof: &'a Proof<'a>,
    /// Those who were asked.
    pub asked: Vec<Asked>,
    /// Calls that were made in all.
    pub calls: u64,
    /// Whether the budget or the user ended the asking early.
    pub is_cut_short: bool,
    /// Why DEK sources were not unwrapped, and how many.
    pub failures: BTreeMap<(Reason, String), u64>,
    /// Keys that were given and that no value names.
    pub unused: Vec<String>,
    /// What is worth knowing of how keys are used.
    pub notes: Vec<String>,
    /// KMS v2 key IDs whose DEKs the KMS unwrapped with another key than the one named: the named one, and the one used.
    pub other_keys: Vec<(String, String)>,
}

/// One who was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Such as `AWS KMS`.
    pub name: String,
    /// DEK sources that it was to unwrap.
    pub sources: u64,
}

impl VerifyReport<'_> {
    /// Notes a failure.
    pub fn add_failure(&mut self, failure: &Failure) {
        let count = self.failures.entry((failure.reason, failure.detail.clone())).or_default();
        *count = count.saturating_add(1);
    }
}

/// The numbers of a verification, for the last record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Distinct DEK sources that values in scope have.
    pub dek_sources: u64,
    /// Calls that were made.
    pub calls: u64,
    /// Whether the asking was ended early.
    pub is_cut_short: bool,
    /// Encrypted values that are current.
    pub current: u64,
    /// Those that opened.
    pub current_opened: u64,
    /// Those that provably do not open.
    pub current_not_opened: u64,
    /// Keys that values are to be under.
    pub required: Vec<String>,
    /// Current values under a required key.
    pub under_required: u64,
    /// Current values that are not.
    pub not_under_required: u64,
    /// Values that were sealed for another storage key.
    pub moved: u64,
    /// Secrets whose older plaintext is today's value.
    pub same_value: u64,
    /// Secrets whose older plaintext is not.
    pub changed_value: u64,
    /// Secrets of which that cannot be told.
    pub not_comparable: u64,
}

impl Verification {
    /// Of a verification.
    pub fn of(verify: &VerifyReport<'_>, dek_sources: u64) -> Self {
        let proof = verify.proof;
        let (same_value, changed_value, not_comparable) = proof.same_values.counts();
        Self {
            dek_sources,
            calls: verify.calls,
            is_cut_short: verify.is_cut_short,
            current: proof.coverage.count(|retention, _| retention == Retention::Current),
            current_opened: proof.count(Some(Retention::Current), Standing::Opened),
            current_not_opened: proof.count(Some(Retention::Current), Standing::Unopenable),
            required: proof.requirement.required.keys().map(ToString::to_string).collect(),
            under_required: proof.requirement.met(),
            not_under_required: proof.requirement.left(),
            moved: proof.moves.len() as u64,
            same_value,
            changed_value,
            not_comparable,
        }
    }
}
