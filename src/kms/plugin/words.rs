//! What a KMS says through a plugin, whose own code is mostly "unknown": the state of a key gets the same reason as from AWS.
//!
//! Source: Google's as in public reports of its Decrypt ("is not enabled, current state is: …"); HashiCorp Vault, `sdk/helper/keysutil/policy.go`
//! and `builtin/logical/transit`; Azure Key Vault's codes of errors; return values of PKCS #11; gRPC for Go, `status.Error`. Words that are not
//! here leave the plugin's own code to decide.

use super::super::Reason;
use super::super::aws_errors::reason_of_aws;

/// Codes of AWS KMS that a plugin's words may hold.
const AWS_CODES: [&str; 15] = [
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
    "KeyUnavailableException",
    "DependencyTimeoutException",
    "KMSInternalException",
];

/// Words of others in lower case, and what they mean; the first that stand in a message decide, the state of a key before all else.
const WORDS: [(&str, Reason); 48] = [
    // Google says so of a project in which its API is off, which is no state of a key.
    ("api has not been used", Reason::AccessDenied),
    ("current state is: disabled", Reason::Disabled),
    ("keydisabled", Reason::Disabled),
    ("disabled key", Reason::Disabled),
    ("key is disabled", Reason::Disabled),
    ("destroy_scheduled", Reason::PendingDeletion),
    ("scheduled for destruction", Reason::PendingDeletion),
    ("pending deletion", Reason::PendingDeletion),
    ("objectisdeletedbutrecoverable", Reason::PendingDeletion),
    ("objectisbeingdeleted", Reason::PendingDeletion),
    // A key whose material is gone is one that the KMS has no more, as AWS says of it.
    ("current state is: destroyed", Reason::KeyNotFound),
    ("pending_import", Reason::KeyUnusable),
    ("pending_generation", Reason::KeyUnusable),
    ("import_failed", Reason::KeyUnusable),
    ("expired key", Reason::KeyUnusable),
    ("disallowed by policy", Reason::KeyUnusable),
    ("keynotfound", Reason::KeyNotFound),
    ("no existing key named", Reason::KeyNotFound),
    ("encryption key not found", Reason::KeyNotFound),
    ("code = notfound", Reason::KeyNotFound),
    ("vault is sealed", Reason::KmsUnavailable),
    ("connection refused", Reason::KmsUnavailable),
    ("connection reset", Reason::KmsUnavailable),
    ("no such host", Reason::KmsUnavailable),
    ("i/o timeout", Reason::KmsUnavailable),
    ("handshake timeout", Reason::KmsUnavailable),
    ("deadline exceeded", Reason::KmsUnavailable),
    ("code = unavailable", Reason::KmsUnavailable),
    ("code: 503", Reason::KmsUnavailable),
    ("error 503", Reason::KmsUnavailable),
    ("ckr_token_not_present", Reason::KmsUnavailable),
    ("ckr_device_removed", Reason::KmsUnavailable),
    ("ckr_device_error", Reason::KmsUnavailable),
    ("code = resourceexhausted", Reason::Throttled),
    ("code: 429", Reason::Throttled),
    ("error 429", Reason::Throttled),
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

/// States of a key as bare words: they decide where the code says already that it is a matter of state.
const STATES: [(&str, Reason); 4] = [
    ("disabled", Reason::Disabled),
    ("scheduled", Reason::PendingDeletion),
    ("deletion", Reason::PendingDeletion),
    ("destroyed", Reason::KeyNotFound),
];

/// The reason that an error code of AWS within a message gives.
pub(super) fn of_aws(message: &str) -> Option<Reason> {
    AWS_CODES.iter().find(|code| message.contains(**code)).and_then(|code| reason_of_aws(code, message))
}

/// The reason that words of another KMS within a message give. `is_of_state`: the plugin's own code says that it is one of state.
pub(super) fn of_others(message: &str, is_of_state: bool) -> Option<Reason> {
    let message = message.to_lowercase();
    let states = STATES.iter().filter(|_| is_of_state);
    WORDS.iter().chain(states).find(|(words, _)| message.contains(words)).map(|(_, reason)| *reason)
}
