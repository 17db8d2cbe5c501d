//! Exit codes: found, cannot say, or answered.

use std::collections::BTreeSet;

use crate::evidence::count::{Count, Fragments, Secrets};

/// From which state of a plaintext Secret on a scan counts as found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailOn {
    /// None.
    Never,
    /// In the newest revision of a Secret that exists.
    Current,
    /// In any revision that etcd still shows.
    Retained,
    /// Anywhere in the file.
    #[default]
    Any,
}

impl FailOn {
    /// Every threshold, the lowest first.
    pub const ALL: [Self; 4] = [Self::Any, Self::Retained, Self::Current, Self::Never];

    /// The word of the option.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Retained => "retained",
            Self::Current => "current",
            Self::Never => "never",
        }
    }
}

/// A reason not to exit with 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Condition {
    /// No input could be analysed.
    NothingAnalysed,
    /// A plaintext Secret at or above the threshold.
    PlaintextFound,
    /// The bytes are not those that were written.
    Altered,
    /// The structure is broken somewhere.
    Damaged,
    /// Bytes are missing.
    Incomplete,
    /// A value that etcd reads cannot be decoded.
    ValueUndecoded,
    /// It contradicts another database of its cluster.
    Divergent,
    /// One of several inputs could not be analysed.
    InputFailed,
    /// A bug of this program ended the reading of an input.
    InternalError,
    /// A Secret is stored in a form that is not known here.
    UnknownStorage,
    /// No object with the name that was asked for.
    NoSuchObject,
    /// The name that was asked for is that of several objects.
    AmbiguousName,
    /// A value that is current needs the key that is to be retired.
    KeyStillNeeded,
    /// Whether anything needs the key cannot be told.
    KeyNotKnown,
    /// A value that is current is not under the key that it should be under.
    OtherKeyThanRequired,
    /// A value that is current is provably not opened by the keys that were given.
    NotOpened,
    /// A key could not be asked, or gave no answer about a value.
    KeyNotAsked,
    /// A KMS has answered, and its answer does not tell a key that does not open a value from another fault.
    NotDecided,
    /// What is required stands in a configuration that no API server takes.
    ConfigurationRefused,
    /// Configurations that were given require different states of the same values.
    ConfigurationsDiffer,
    /// The scope that was asked for holds nothing.
    NothingInScope,
    /// Secrets can be read of which it is not known whether they are current, and that was asked.
    CurrentNotKnown,
    /// A part of what was given was not read.
    NotRead,
    /// What etcd no longer shows was left out, as was asked, and Secrets at any place were asked for.
    ResidueNotSearched,
    /// The scope that was asked for holds objects, and no Secret is among them.
    NoSecretInScope,
    /// Pieces of plaintext have lost their names, and a name was asked for: whether they are in scope cannot be told.
    ScopeNotKnown,
    /// The database of an input holds nothing of an API server.
    NoKubernetesObjects,
    /// Whether all that was recovered exists is not known.
    ExistenceNotKnown,
}

impl Condition {
    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::NothingAnalysed => "nothing-analysed",
            Self::PlaintextFound => "plaintext-found",
            Self::Altered => "altered",
            Self::Damaged => "damaged",
            Self::Incomplete => "incomplete",
            Self::ValueUndecoded => "value-undecoded",
            Self::Divergent => "divergent",
            Self::InputFailed => "input-failed",
            Self::InternalError => "internal-error",
            Self::UnknownStorage => "unknown-storage",
            Self::NoSuchObject => "no-such-object",
            Self::AmbiguousName => "ambiguous-name",
            Self::KeyStillNeeded => "key-still-needed",
            Self::KeyNotKnown => "key-not-known",
            Self::OtherKeyThanRequired => "other-key-than-required",
            Self::NotOpened => "not-opened",
            Self::KeyNotAsked => "key-not-asked",
            Self::NotDecided => "not-decided",
            Self::ConfigurationRefused => "configuration-refused",
            Self::ConfigurationsDiffer => "configurations-differ",
            Self::NothingInScope => "nothing-in-scope",
            Self::CurrentNotKnown => "current-not-known",
            Self::NotRead => "not-read",
            Self::ResidueNotSearched => "residue-not-searched",
            Self::NoSecretInScope => "no-secret-in-scope",
            Self::ScopeNotKnown => "scope-not-known",
            Self::NoKubernetesObjects => "no-kubernetes-objects",
            Self::ExistenceNotKnown => "existence-not-known",
        }
    }
}

/// Plaintext Secrets that a scan found, by the narrowest [`FailOn`] that counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Secrets whose newest revision is in plaintext.
    pub current: Count<Secrets>,
    /// Secrets with a retained revision in plaintext that is not the newest, or not known to be it, or of a Secret that was deleted.
    pub retained: Count<Secrets>,
    /// Secrets in plaintext only where etcd no longer shows them: residue, logs.
    pub residue: Count<Secrets>,
    /// Pieces of Secrets whose names are lost.
    pub fragments: Count<Fragments>,
}

impl Found {
    /// Whether any of it is at or above the threshold.
    pub fn reaches(&self, fail_on: FailOn) -> bool {
        match fail_on {
            FailOn::Never => false,
            FailOn::Current => self.current > 0,
            FailOn::Retained => self.current > 0 || self.retained > 0,
            FailOn::Any => self.current > 0 || self.retained > 0 || self.residue > 0 || self.fragments > 0,
        }
    }
}

/// All conditions that held in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    conditions: BTreeSet<Condition>,
    /// Conditions that count as found by the command that ran.
    found: BTreeSet<Condition>,
}

impl Outcome {
    /// A condition that answers what was asked: exit code 2.
    pub fn found(&mut self, condition: Condition) {
        self.conditions.insert(condition);
        self.found.insert(condition);
    }

    /// A condition that leaves the answer open: exit code 3.
    pub fn open(&mut self, condition: Condition) {
        self.conditions.insert(condition);
    }

    /// Whether a condition held.
    pub fn held(&self, condition: Condition) -> bool {
        self.conditions.contains(&condition)
    }

    /// Every condition that held.
    pub fn conditions(&self) -> impl Iterator<Item = Condition> + '_ {
        self.conditions.iter().copied()
    }

    /// The exit code. Precedence 1, 2, 3, 0: damage never hides a finding, and 0 is never given for an input that
    /// was read in part.
    pub fn exit_code(&self) -> u8 {
        match () {
            () if self.held(Condition::NothingAnalysed) => 1,
            () if !self.found.is_empty() => 2,
            () if !self.conditions.is_empty() => 3,
            () => 0,
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use super::*;

    #[test]
    fn damage_never_hides_a_finding_and_an_error_hides_both() {
        let mut outcome = Outcome::default();
        assert_eq!(outcome.exit_code(), 0);
        outcome.open(Condition::Damaged);
        assert_eq!(outcome.exit_code(), 3);
        outcome.found(Condition::PlaintextFound);
        assert_eq!(outcome.exit_code(), 2);
        outcome.open(Condition::NothingAnalysed);
        assert_eq!(outcome.exit_code(), 1);
        assert_eq!(outcome.conditions().count(), 3);
    }

    #[test]
    fn the_threshold_counts_what_is_at_or_above_it() {
        let reached = |found: Found| [FailOn::Never, FailOn::Current, FailOn::Retained, FailOn::Any].map(|fail_on| found.reaches(fail_on));
        assert_eq!(reached(Found { current: Count::new(1), ..Found::default() }), [false, true, true, true]);
        assert_eq!(reached(Found { retained: Count::new(1), ..Found::default() }), [false, false, true, true]);
        assert_eq!(reached(Found { residue: Count::new(1), ..Found::default() }), [false, false, false, true]);
        assert_eq!(reached(Found { fragments: Count::new(1), ..Found::default() }), [false, false, false, true]);
        assert_eq!(reached(Found::default()), [false; 4]);
    }
}
