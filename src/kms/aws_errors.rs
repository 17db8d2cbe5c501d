//! What AWS KMS calls its errors.

use super::Reason;

/// Every code that is known here, the longer before those that are parts of them.
#[cfg(feature = "kms-plugin")]
pub(super) const CODES: [&str; 32] = [
    "XksKeyNotFoundException",
    "NotFoundException",
    "DisabledException",
    "KMSInvalidStateException",
    "KMSAccessDeniedException",
    "AccessDeniedException",
    "InvalidGrantTokenException",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "IncompleteSignature",
    "MissingAuthenticationTokenException",
    "MissingAuthenticationToken",
    "ExpiredTokenException",
    "NotAuthorized",
    "OptInRequired",
    "InvalidCiphertextException",
    "ValidationException",
    "ValidationError",
    "IncorrectKeyException",
    "InvalidKeyUsageException",
    "ThrottlingException",
    "Throttling",
    "LimitExceededException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "KeyUnavailableException",
    "DependencyTimeoutException",
    "KMSInternalException",
    "InternalFailure",
    "ServiceUnavailable",
    "RequestExpired",
];

/// The reason behind an error code of AWS KMS, also where a plugin passes it on within its own words.
/// Source: AWS KMS API reference, errors of Decrypt and common errors.
pub(super) fn reason_of_aws(code: &str, message: &str) -> Option<Reason> {
    let is_deleting = message.contains("pending deletion") || message.contains("PendingDeletion");
    let reason = match code {
        "NotFoundException" | "XksKeyNotFoundException" => Reason::KeyNotFound,
        // KMS has two codes for a key that awaits deletion.
        "DisabledException" | "KMSInvalidStateException" if is_deleting => Reason::PendingDeletion,
        "DisabledException" => Reason::Disabled,
        "KMSInvalidStateException" if message.contains("is disabled") => Reason::Disabled,
        "KMSInvalidStateException" => Reason::KeyUnusable,
        "AccessDeniedException" | "InvalidGrantTokenException" | "KMSAccessDeniedException" => Reason::AccessDenied,
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "ExpiredTokenException"
        | "NotAuthorized"
        | "OptInRequired" => Reason::AccessDenied,
        "InvalidCiphertextException" | "ValidationException" | "ValidationError" => Reason::ContextOrDamage,
        "IncorrectKeyException" | "InvalidKeyUsageException" => Reason::WrongKey,
        "ThrottlingException" | "Throttling" | "LimitExceededException" | "TooManyRequestsException" | "RequestLimitExceeded" => {
            Reason::Throttled
        }
        "KeyUnavailableException"
        | "DependencyTimeoutException"
        | "KMSInternalException"
        | "InternalFailure"
        | "ServiceUnavailable"
        | "RequestExpired" => Reason::KmsUnavailable,
        _ => return None,
    };
    Some(reason)
}
