//! What a KMS says through a plugin, whose own code is mostly "unknown": the state of a key gets the same reason as from AWS.
//!
//! Source: Google's as in public reports of its Decrypt ("is not enabled, current state is: …"); HashiCorp Vault, `sdk/helper/keysutil/policy.go`
//! and `builtin/logical/transit`; Azure Key Vault's codes of errors; return values of PKCS #11; gRPC for Go, `status.Error`. Words that are not
//! here leave the plugin's own code to decide.

use super::super::Reason;
use super::super::aws_errors::reason_of_aws;

/// Codes of AWS KMS that a plugin's words may hold.
const AWS_CODES: [&str; 19] = [
    "NotFoundException",
    "DisabledException",
    "KMSInvalidStateException",
    "AccessDeniedException",
    "InvalidGrantTokenException",
    "UnrecognizedClientException",
    "ExpiredTokenException",
    "InvalidCiphertextException",
    "IncorrectKeyException",
    "InvalidKeyUsageException",
    "ThrottlingException",
    "LimitExceededException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "KeyUnavailableException",
    "DependencyTimeoutException",
    "KMSInternalException",
    "InternalFailure",
    "ServiceUnavailable",
];

/// Words of others in lower case, and what they mean; the first that stand in a message decide, the state of a key before all else. A state
/// is told by a KMS's own word for it: that a message speaks of something that is disabled proves nothing.
const WORDS: [(&str, Reason); 60] = [
    // Google says so of a project in which its API is off, which is no state of a key.
    ("api has not been used", Reason::AccessDenied),
    ("current state is: disabled", Reason::Disabled),
    ("keydisabled", Reason::Disabled),
    ("destroy_scheduled", Reason::PendingDeletion),
    ("objectisdeletedbutrecoverable", Reason::PendingDeletion),
    ("objectisbeingdeleted", Reason::PendingDeletion),
    // A key whose material is gone is one that the KMS has no more, as AWS says of it.
    ("current state is: destroyed", Reason::KeyNotFound),
    ("pending_import", Reason::KeyUnusable),
    ("pending_generation", Reason::KeyUnusable),
    ("import_failed", Reason::KeyUnusable),
    ("disallowed by policy", Reason::KeyUnusable),
    ("keynotfound", Reason::KeyNotFound),
    ("no existing key named", Reason::KeyNotFound),
    ("encryption key not found", Reason::KeyNotFound),
    ("code = notfound", Reason::KeyNotFound),
    ("rate exceeded", Reason::Throttled),
    ("rate limit", Reason::Throttled),
    ("quota exceeded", Reason::Throttled),
    ("too many requests", Reason::Throttled),
    ("code = resourceexhausted", Reason::Throttled),
    ("vault is sealed", Reason::KmsUnavailable),
    ("connection refused", Reason::KmsUnavailable),
    ("connection reset", Reason::KmsUnavailable),
    ("connection timed out", Reason::KmsUnavailable),
    ("closed network connection", Reason::KmsUnavailable),
    ("broken pipe", Reason::KmsUnavailable),
    ("no route to host", Reason::KmsUnavailable),
    ("network is unreachable", Reason::KmsUnavailable),
    ("no such host", Reason::KmsUnavailable),
    ("server misbehaving", Reason::KmsUnavailable),
    ("temporary failure", Reason::KmsUnavailable),
    ("i/o timeout", Reason::KmsUnavailable),
    ("handshake timeout", Reason::KmsUnavailable),
    ("deadline exceeded", Reason::KmsUnavailable),
    ("request canceled", Reason::KmsUnavailable),
    ("transport is closing", Reason::KmsUnavailable),
    ("rst_stream", Reason::KmsUnavailable),
    ("goaway", Reason::KmsUnavailable),
    ("service unavailable", Reason::KmsUnavailable),
    ("temporarily unavailable", Reason::KmsUnavailable),
    ("bad gateway", Reason::KmsUnavailable),
    ("gateway timeout", Reason::KmsUnavailable),
    ("gateway time-out", Reason::KmsUnavailable),
    ("code = unavailable", Reason::KmsUnavailable),
    ("code = aborted", Reason::KmsUnavailable),
    ("ckr_token_not_present", Reason::KmsUnavailable),
    ("ckr_device_removed", Reason::KmsUnavailable),
    ("ckr_device_error", Reason::KmsUnavailable),
    ("permission denied", Reason::AccessDenied),
    ("code = permissiondenied", Reason::AccessDenied),
    ("code = unauthenticated", Reason::AccessDenied),
    ("code: 403", Reason::AccessDenied),
    ("error 403", Reason::AccessDenied),
    ("ckr_pin_incorrect", Reason::AccessDenied),
    ("ckr_user_not_logged_in", Reason::AccessDenied),
    ("message authentication failed", Reason::ContextOrDamage),
    ("invalid ciphertext", Reason::ContextOrDamage),
    ("decryption failed", Reason::ContextOrDamage),
    ("code = invalidargument", Reason::ContextOrDamage),
    ("ckr_encrypted_data_invalid", Reason::ContextOrDamage),
];

/// Words that mean it where they stand alone: what HTTP, gRPC and a connection call an outage.
const WHOLE_WORDS: [(&str, Reason); 6] = [
    ("429", Reason::Throttled),
    ("502", Reason::KmsUnavailable),
    ("503", Reason::KmsUnavailable),
    ("504", Reason::KmsUnavailable),
    ("aborted", Reason::KmsUnavailable),
    ("eof", Reason::KmsUnavailable),
];

/// How gRPC and Google say that it is a matter of the key's state.
const OF_STATE: [&str; 2] = ["failedprecondition", "failed_precondition"];

/// States of a key as bare words: they decide where a code says already that it is a matter of state.
const STATES: [(&str, Reason); 5] = [
    ("disabled", Reason::Disabled),
    ("scheduled", Reason::PendingDeletion),
    ("deletion", Reason::PendingDeletion),
    ("destroyed", Reason::KeyNotFound),
    ("expired", Reason::KeyUnusable),
];

/// The reason that an error code of AWS within a message gives.
pub(super) fn of_aws(message: &str) -> Option<Reason> {
    let code = AWS_CODES.iter().find(|code| has_whole(message, code))?;
    reason_of_aws(code, message)
}

/// The reason that words of another KMS within a message give. `is_of_state`: the plugin's own code says that it is one of state.
pub(super) fn of_others(message: &str, is_of_state: bool) -> Option<Reason> {
    let message = message.to_lowercase();
    let is_of_state = is_of_state || OF_STATE.iter().any(|word| message.contains(word));
    let states = || STATES.iter().filter(|_| is_of_state).find(|(word, _)| message.contains(word));
    let words = || WORDS.iter().find(|(words, _)| message.contains(words));
    let whole = || WHOLE_WORDS.iter().find(|(word, _)| has_whole(&message, word));
    // The state of a key goes before all else, but for what Google says of a project.
    let of_state = words().filter(|(_, reason)| reason.is_of_the_state() || matches!(reason, Reason::KeyNotFound | Reason::AccessDenied));
    of_state.or_else(states).or_else(words).or_else(whole).map(|(_, reason)| *reason)
}

/// Whether a word stands in a text and is no part of a longer one, of a path or of a number with a point.
fn has_whole(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '/' | '-');
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at.saturating_add(word.len())..).unwrap_or_default());
        let follows_point = before.strip_suffix('.').is_some_and(|before| before.ends_with(|c: char| c.is_ascii_digit()));
        let goes_on = after.strip_prefix('.').is_some_and(|after| after.starts_with(|c: char| c.is_ascii_digit()));
        !before.ends_with(is_part) && !follows_point && !after.starts_with(is_part) && !goes_on
    })
}
