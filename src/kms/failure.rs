//! Why a DEK source was not unwrapped.

use std::fmt;

use super::sent::{AllSent, plain, without};

/// The reason, in the words of the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Nobody was given who could be asked.
    NoKeyGiven,
    /// The KMS says that the DEK was wrapped by another key than the one it was asked to use, or that this key cannot decrypt.
    WrongKey,
    /// The KMS knows no such key; also the answer to a wrong region or account.
    KeyNotFound,
    /// The KMS knows no such key where it was asked, and the key may be in another region.
    KeyNotFoundThere,
    /// The key is switched off.
    Disabled,
    /// The key is going to be deleted, and cannot be used meanwhile.
    PendingDeletion,
    /// The key is in another state in which it cannot be used.
    KeyUnusable,
    /// The key cannot be used where it was asked, and it may be in another region, too.
    UnusableThere,
    /// Who asked may not.
    AccessDenied,
    /// Not asked: there are no credentials to ask with, or no region to ask in.
    NotConfigured,
    /// Another encryption context than the one it was wrapped with, or changed bytes: the KMS does not tell which.
    ContextOrDamage,
    /// Too many calls, also after waiting.
    Throttled,
    /// The KMS could not be reached, or did not answer in time.
    KmsUnavailable,
    /// The plugin could not be reached, or did not answer in time.
    PluginUnavailable,
    /// There is no socket of a plugin to connect to, or whoever asks may not use it: waiting does not help.
    NoSocket,
    /// The plugin does not have the API that the value was sealed through.
    ApiNotServed,
    /// An answer that is none: garbage, too large, a DEK of a length that no DEK has.
    BadAnswer,
    /// The KMS or plugin refused for a reason that is not one of these.
    Refused,
    /// Not asked: the calls that were allowed are spent, or the run was broken off.
    NotAttempted,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 19] = [
        Self::NoKeyGiven,
        Self::WrongKey,
        Self::KeyNotFound,
        Self::KeyNotFoundThere,
        Self::Disabled,
        Self::PendingDeletion,
        Self::KeyUnusable,
        Self::UnusableThere,
        Self::AccessDenied,
        Self::NotConfigured,
        Self::ContextOrDamage,
        Self::Throttled,
        Self::KmsUnavailable,
        Self::PluginUnavailable,
        Self::NoSocket,
        Self::ApiNotServed,
        Self::BadAnswer,
        Self::Refused,
        Self::NotAttempted,
    ];

    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoKeyGiven => "no-key-given",
            Self::WrongKey => "wrong-key",
            Self::KeyNotFound => "key-not-found",
            Self::KeyNotFoundThere => "key-not-found-in-region",
            Self::Disabled => "disabled",
            Self::PendingDeletion => "pending-deletion",
            Self::KeyUnusable => "key-unusable",
            Self::UnusableThere => "key-unusable-in-region",
            Self::AccessDenied => "access-denied",
            Self::NotConfigured => "no-credentials-or-region",
            Self::ContextOrDamage => "context-mismatch-or-damaged-dek",
            Self::Throttled => "throttled",
            Self::KmsUnavailable => "kms-unavailable",
            Self::PluginUnavailable => "plugin-unavailable",
            Self::NoSocket => "no-socket",
            Self::ApiNotServed => "api-not-served",
            Self::BadAnswer => "bad-answer",
            Self::Refused => "refused",
            Self::NotAttempted => "not-attempted",
        }
    }

    /// Whether the same question may get another answer in a moment.
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Throttled | Self::KmsUnavailable | Self::PluginUnavailable)
    }

    /// Whether the next question to the same KMS will get the same answer.
    pub fn is_of_the_kms(self) -> bool {
        matches!(self, Self::KmsUnavailable | Self::PluginUnavailable | Self::Throttled | Self::NoSocket | Self::NotConfigured)
    }

    /// Whether the same holder may unwrap it where it is asked in another way, under another encryption context or in another region. Who
    /// may use a key only under its context is denied under another, and a KMS denies what it would find in another region, too.
    pub(super) fn is_of_the_way(self) -> bool {
        self.is_not_found() || matches!(self, Self::ContextOrDamage | Self::AccessDenied | Self::WrongKey | Self::Refused)
    }

    /// Whether the KMS knows no such key where it was asked.
    pub(super) fn is_not_found(self) -> bool {
        matches!(self, Self::KeyNotFound | Self::KeyNotFoundThere)
    }

    /// Whether it is the state that a KMS says its key is in.
    pub(crate) fn is_of_the_state(self) -> bool {
        matches!(self, Self::Disabled | Self::PendingDeletion | Self::KeyUnusable)
    }

    /// How much it leaves open, where several were asked in turn and none unwrapped it: what another answer of the same holder could
    /// still change is told before what cannot be changed, and that before those who could not be asked at all.
    pub(super) fn openness(self) -> u8 {
        match self {
            Self::NoKeyGiven => 0,
            Self::ApiNotServed => 1,
            Self::WrongKey | Self::KeyNotFound | Self::Disabled | Self::PendingDeletion | Self::KeyUnusable => 2,
            Self::ContextOrDamage | Self::KeyNotFoundThere | Self::UnusableThere | Self::Refused => 3,
            Self::AccessDenied
            | Self::NotConfigured
            | Self::Throttled
            | Self::KmsUnavailable
            | Self::PluginUnavailable
            | Self::NoSocket
            | Self::BadAnswer
            | Self::NotAttempted => 4,
        }
    }
}

/// Why there is no key: the reason, and what the other side called it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Failure {
    /// The reason.
    pub reason: Reason,
    /// In the other side's words, without control characters; empty where it had none. What a [`Ring`](super::Ring) holds is cut, and has
    /// nothing of what was sent in it.
    pub detail: String,
    /// How far the call came.
    pub(super) reached: Reached,
}

/// How far a call came that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Reached {
    /// There was no connection over which anything was sent.
    Nobody,
    /// It was sent, and nothing came back in time.
    NoAnswer,
    /// Something came back: an answer, or the end of the connection.
    #[default]
    Answer,
}

/// Longest detail that is told, in characters, and longest that is looked through for what was sent.
const LONGEST_DETAIL: usize = 300;
const LONGEST_HEARD: usize = 4096;

impl Failure {
    /// A failure with the other side's words.
    pub fn new(reason: Reason, detail: &str) -> Self {
        Self { detail: detail.chars().map(plain).take(LONGEST_HEARD).collect(), ..Self::from(reason) }
    }

    /// The same where nobody got the call.
    #[cfg(any(feature = "aws-kms", feature = "kms-plugin"))]
    pub(super) fn unsent(reason: Reason, detail: &str) -> Self {
        Self { reached: Reached::Nobody, ..Self::new(reason, detail) }
    }

    /// The same where nobody answered in time.
    #[cfg(any(feature = "aws-kms", feature = "kms-plugin"))]
    pub(super) fn unanswered(reason: Reason) -> Self {
        Self { reached: Reached::NoAnswer, ..Self::new(reason, "no answer in time") }
    }

    /// Whether nothing was sent: a call that nobody got is none.
    pub(super) fn is_unsent(&self) -> bool {
        self.reached == Reached::Nobody || matches!(self.reason, Reason::NotConfigured | Reason::NoSocket)
    }

    /// The same as it may be told: short, and without any of what was sent, with this question and before it.
    #[must_use]
    pub(super) fn without<'s>(self, sent: impl Iterator<Item = &'s [u8]>, before: &AllSent) -> Self {
        let detail = before.cut_out(&sent.fold(self.detail, |detail, sent| without(&detail, sent)));
        Self { detail: detail.chars().take(LONGEST_DETAIL).collect(), ..self }
    }
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Self { reason, detail: String::new(), reached: Reached::default() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.reason.name().replace('-', " ");
        if self.detail.is_empty() { f.write_str(&words) } else { write!(f, "{words} ({})", self.detail) }
    }
}
