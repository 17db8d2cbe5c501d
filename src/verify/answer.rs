//! What became of a value that a key was to open.

use crate::envelope::KeyIdentity;
use crate::kms::Reason;

/// What became of it, in the words of the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Answer {
    /// It opened, and the object within is the one that its storage key names.
    Opened,
    /// It opened, and the object within has another name than its storage key.
    Misplaced,
    /// It opened, and holds no object.
    NoObject,
    /// The key that was given is not the one it was sealed with: it opens nothing.
    WrongKey,
    /// The key opens other values, but not this one, and no other storage key fits.
    DamagedCiphertext,
    /// A key of this name opens other values, but not this one: another key of the name sealed it, or it was damaged.
    OtherKeyOrDamaged,
    /// The DEK that a KMS gave opens nothing: what it is to open was damaged or altered, or it is another DEK.
    DamagedOrOtherDek,
    /// It was sealed for another storage key.
    MovedCiphertext,
    /// Nobody was asked again: the ledger has the digest of the same bytes under the same storage key, as of what an earlier run has opened.
    OpenedBefore,
    /// There is no key.
    NoKey(Reason),
    /// A fragment.
    NotWhole,
    /// Its storage key is not known, and it is sealed for one.
    NoStorageKey,
    /// A provider or version that is not known here.
    UnknownProvider,
    /// What follows its prefix is not of the provider's form.
    EnvelopeInvalid,
}

/// What an answer means for the question whether the given keys open a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// They do.
    Opened,
    /// Nobody was asked again: a ledger says that an earlier run has opened it. Whoever can write a ledger can write that.
    OpenedBefore,
    /// They provably do not.
    Unopenable,
    /// The KMS was asked, and its answer, or the DEK that it gave, fits a key that does not open it as well as another fault.
    Undecided,
    /// The KMS was asked, and gave no key for a reason that says nothing of the value.
    Refused,
    /// It could not be asked.
    NotAsked,
}

impl Standing {
    /// Whether the given keys open a value, as this run has proved.
    pub fn is_opened(self) -> bool {
        self == Self::Opened
    }

    /// The same, or a ledger says that an earlier run has opened it: nobody has to look into it.
    pub fn is_or_was_opened(self) -> bool {
        matches!(self, Self::Opened | Self::OpenedBefore)
    }
}

impl Answer {
    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Misplaced => "opened-misplaced",
            Self::NoObject => "opened-no-object",
            Self::WrongKey => "wrong-key",
            Self::DamagedCiphertext => "damaged-ciphertext",
            Self::OtherKeyOrDamaged => "other-key-or-damaged",
            Self::DamagedOrOtherDek => "damaged-or-other-dek",
            Self::MovedCiphertext => "moved-ciphertext",
            Self::OpenedBefore => "opened-before",
            Self::NoKey(reason) => reason.name(),
            Self::NotWhole => "not-whole",
            Self::NoStorageKey => "storage-key-not-known",
            Self::UnknownProvider => "unknown-provider",
            Self::EnvelopeInvalid => "envelope-invalid",
        }
    }

    /// Whether it was not opened because nobody was given who could.
    pub fn is_for_want_of_a_key(self) -> bool {
        matches!(self, Self::NoKey(Reason::NoKeyGiven))
    }

    /// Whether the KMS does not let whoever asked use the key.
    pub fn is_denied(self) -> bool {
        matches!(self, Self::NoKey(Reason::AccessDenied))
    }

    /// What it means.
    pub fn standing(self) -> Standing {
        match self {
            Self::Opened | Self::Misplaced | Self::NoObject => Standing::Opened,
            Self::OpenedBefore => Standing::OpenedBefore,
            Self::WrongKey | Self::DamagedCiphertext | Self::OtherKeyOrDamaged | Self::MovedCiphertext | Self::EnvelopeInvalid => {
                Standing::Unopenable
            }
            Self::DamagedOrOtherDek => Standing::Undecided,
            Self::NoKey(reason) => match reason {
                Reason::WrongKey | Reason::KeyNotFound | Reason::Disabled | Reason::PendingDeletion | Reason::KeyUnusable => {
                    Standing::Unopenable
                }
                Reason::ContextOrDamage => Standing::Undecided,
                Reason::KeyNotFoundThere | Reason::UnusableThere | Reason::AccessDenied | Reason::BadAnswer | Reason::Refused => {
                    Standing::Refused
                }
                Reason::NoKeyGiven
                | Reason::NotConfigured
                | Reason::Throttled
                | Reason::KmsUnavailable
                | Reason::PluginUnavailable
                | Reason::NoSocket
                | Reason::ApiNotServed
                | Reason::NotAttempted => Standing::NotAsked,
            },
            Self::NotWhole | Self::NoStorageKey | Self::UnknownProvider => Standing::NotAsked,
        }
    }
}

/// What is said of one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What became of it.
    pub answer: Answer,
    /// The key that opened it. Of KMS v1 its key ID is the one that the KMS says it used.
    pub opened_by: Option<KeyIdentity<'static>>,
    /// Of several local keys of that name what tells the one that opened it.
    pub told_apart: Option<String>,
    /// Of moved ciphertext, the storage key it was sealed for.
    pub sealed_for: Option<String>,
}

impl Verdict {
    /// On a value that did not open.
    pub(super) fn of(answer: Answer) -> Self {
        Self { answer, opened_by: None, told_apart: None, sealed_for: None }
    }

    /// `opened` of the records: null where it is not known.
    pub fn opened(&self) -> Option<bool> {
        match self.answer.standing() {
            Standing::Opened => Some(true),
            Standing::Unopenable => Some(false),
            Standing::OpenedBefore | Standing::Undecided | Standing::Refused | Standing::NotAsked => None,
        }
    }
}
