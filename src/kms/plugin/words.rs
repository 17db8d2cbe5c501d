//! What a KMS says through a plugin, whose own code is mostly "unknown": the state of a key gets the same reason as from AWS.
//!
//! Source: Google's as in public reports of its Decrypt ("is not enabled, current state is: …"); HashiCorp Vault, `sdk/helper/keysutil/policy.go`
//! and `builtin/logical/transit`; Azure Key Vault's codes of errors; return values of PKCS #11; gRPC for Go, `status.Error`. Words that are not
//! here leave the plugin's own code to decide.

use super::super::Reason;
use super::super::aws_errors::{CODES, reason_of_aws};
use super::key_words::state_of;

/// Words of others in lower case, and what they mean; the first that stand in a message decide. The state of a key they do not tell.
const WORDS: [(&str, Reason); 46] = [
    // Google says so of a project in which its API is off, which is no state of a key.
    ("api has not been used", Reason::AccessDenied),
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

/// How gRPC says that something is not there.
const OF_NOT_FOUND: &str = "code = notfound";

/// The reason that an error code of AWS within a message gives.
pub(super) fn of_aws(message: &str) -> Option<Reason> {
    let code = CODES.iter().find(|code| has_whole(message, code))?;
    let reason = reason_of_aws(code, message)?;
    let is_certain = !(reason.is_of_the_state() || reason.is_not_found());
    // Other services of AWS have some of these codes, and a plugin may tell of an outage in one breath.
    (is_certain || (is_of_kms(message, code) && of_outage(&message.to_lowercase()).is_none())).then_some(reason)
}

/// Whether a code of AWS is one that KMS gave: its own client says so, or the sentence behind it is one of KMS's about keys.
fn is_of_kms(message: &str, code: &str) -> bool {
    if !OF_SEVERAL_SERVICES.contains(&code) {
        return true;
    }
    let Some((before, after)) = message.split_once(code) else { return false };
    let service = before.rsplit_once("operation error ").map(|(_, service)| service);
    let is_of_client = service.is_some_and(|service| service.starts_with("KMS: ") && service.contains("https response error"));
    let is_sentence = || OF_KEYS.iter().any(|begin| after.trim_start_matches([':', ' ']).starts_with(begin));
    is_of_client || (service.is_none() && is_sentence())
}

/// Codes that other services of AWS have, too.
const OF_SEVERAL_SERVICES: [&str; 1] = ["NotFoundException"];

/// How KMS begins what it says of a key that it does not know.
const OF_KEYS: [&str; 5] = ["Key '", "Key \"", "Alias ", "Invalid keyId", "Invalid arn"];

/// The outage that words tell.
fn of_outage(message: &str) -> Option<Reason> {
    let words = WORDS.iter().find(|(words, _)| message.contains(words)).filter(|(_, reason)| reason.is_passing());
    let whole = || WHOLE_WORDS.iter().find(|(word, _)| has_whole(message, word));
    words.or_else(whole).map(|(_, reason)| *reason)
}

/// The reason that words of another KMS within a message give. `is_of_state`, `is_not_found`: the plugin's own code says that it is a matter
/// of state, or that something is not there.
pub(super) fn of_others(message: &str, is_of_state: bool, is_not_found: bool) -> Option<Reason> {
    let message = message.to_lowercase();
    let is_of_state = is_of_state || OF_STATE.iter().any(|word| message.contains(word));
    let is_not_found = is_not_found || message.contains(OF_NOT_FOUND);
    let words = || WORDS.iter().find(|(words, _)| message.contains(words)).map(|(_, reason)| *reason);
    // Who tells of an outage has not heard of the key; and of a project Google says that its API is off.
    let of_project = || words().filter(|reason| *reason == Reason::AccessDenied && message.contains("api has not been used"));
    of_outage(&message).or_else(of_project).or_else(|| state_of(&message, is_of_state, is_not_found)).or_else(words)
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
