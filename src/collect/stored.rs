//! Existing objects by how they are stored.

use crate::evidence::count::{Count, Objects, Secrets};
use crate::row::Form;

/// Secrets by how their newest revision is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SecretCounts {
    /// Readable without a key.
    pub plaintext: Count<Secrets>,
    /// Under an envelope.
    pub encrypted: Count<Secrets>,
    /// In a form not known.
    pub unknown: Count<Secrets>,
    /// Without a value.
    pub empty: Count<Secrets>,
}

/// Existing objects of a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResourceCounts {
    /// Looked at.
    pub in_scope: StorageCounts,
    /// Passed over.
    pub out_of_scope: StorageCounts,
}

/// Existing objects by how they are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StorageCounts {
    /// All of them.
    pub objects: Count<Objects>,
    /// Readable without a key.
    pub plaintext: Count<Objects>,
    /// Under an envelope.
    pub encrypted: Count<Objects>,
}

impl StorageCounts {
    /// Those that have no value, or one of a form that is not known here.
    pub fn neither(&self) -> Count<Objects> {
        self.objects.without(self.plaintext).without(self.encrypted)
    }
}

impl ResourceCounts {
    pub(super) fn merge(&mut self, other: Self) {
        self.in_scope.merge(other.in_scope);
        self.out_of_scope.merge(other.out_of_scope);
    }
}

impl StorageCounts {
    pub(super) fn merge(&mut self, other: Self) {
        self.objects.add(other.objects);
        self.plaintext.add(other.plaintext);
        self.encrypted.add(other.encrypted);
    }
}

impl SecretCounts {
    /// Counts one that is stored so.
    pub(super) fn count(&mut self, form: Form) {
        match form {
            Form::Plaintext => self.plaintext.add_one(),
            Form::Encrypted => self.encrypted.add_one(),
            Form::Unknown => self.unknown.add_one(),
            Form::Empty => self.empty.add_one(),
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.plaintext.add(other.plaintext);
        self.encrypted.add(other.encrypted);
        self.unknown.add(other.unknown);
        self.empty.add(other.empty);
    }

    /// All of them.
    pub fn total(&self) -> Count<Secrets> {
        [self.plaintext, self.encrypted, self.unknown, self.empty].into_iter().sum()
    }
}
