//! What KMS answers: bounded in length, its errors turned into reasons.

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_kms::config::http::HttpResponse;
use aws_sdk_kms::config::{Intercept, RuntimeComponents};
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_types::body::SdkBody;

use super::super::aws_errors::reason_of_aws;
use super::super::{Failure, Reason};

/// Largest answer that is taken of KMS, in bytes; its own have a few hundred.
const LARGEST_ANSWER: usize = 64 << 10;

/// Cuts an answer off that is longer than any of KMS's.
#[derive(Debug)]
pub(super) struct BoundedAnswer;

#[derive(Debug, thiserror::Error)]
#[error("the answer has more than {LARGEST_ANSWER} bytes")]
struct TooLarge;

impl Intercept for BoundedAnswer {
    fn name(&self) -> &'static str {
        "BoundedAnswer"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut aws_sdk_kms::config::interceptors::BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut aws_sdk_kms::config::ConfigBag,
    ) -> Result<(), aws_sdk_kms::error::BoxError> {
        let response: &mut HttpResponse = context.response_mut();
        let announced = response.headers().get("content-length").and_then(|length| length.parse::<usize>().ok());
        if announced.is_some_and(|length| length > LARGEST_ANSWER) {
            return Err(TooLarge.into());
        }
        let body = std::mem::replace(response.body_mut(), SdkBody::taken());
        *response.body_mut() = SdkBody::from_body_1_x(http_body_util::Limited::new(body, LARGEST_ANSWER));
        Ok(())
    }
}

/// The failure behind an SDK's error.
pub(super) fn failure<E: ProvideErrorMetadata + std::error::Error + 'static>(error: &SdkError<E>) -> Failure {
    match error {
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or_default();
            let message = service.err().message().unwrap_or_default();
            let status = service.raw().status().as_u16();
            let reason = reason_of_aws(code, message).unwrap_or(match status {
                429 => Reason::Throttled,
                500.. => Reason::KmsUnavailable,
                _ if code.is_empty() && is_cut_off(error) => Reason::KmsUnavailable,
                _ if code.is_empty() => Reason::BadAnswer,
                _ => Reason::Refused,
            });
            Failure::new(reason, [code, message].join(" ").trim())
        }
        SdkError::TimeoutError(_) => Failure::unanswered(Reason::KmsUnavailable),
        SdkError::DispatchFailure(_) if is_not_connected(error) => Failure::unsent(Reason::KmsUnavailable, &causes(error)),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => Failure::unanswered(Reason::KmsUnavailable),
        SdkError::ResponseError(_) if is_cut_off(error) => Failure::new(Reason::KmsUnavailable, &causes(error)),
        SdkError::ResponseError(_) => Failure::new(Reason::BadAnswer, &causes(error)),
        // Before anything is sent only credentials or the region can be missing.
        SdkError::ConstructionFailure(_) => Failure::new(Reason::NotConfigured, &causes(error)),
        SdkError::DispatchFailure(_) if is_not_configured(error) => Failure::new(Reason::NotConfigured, &causes(error)),
        SdkError::DispatchFailure(_) => Failure::new(Reason::KmsUnavailable, &causes(error)),
        _ => Failure::new(Reason::Refused, ""),
    }
}

fn sources(error: &dyn std::error::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |cause| cause.source())
}

/// Whether there was no connection over which anything was sent: nobody listens, or nobody can be reached or found.
fn is_not_connected(error: &dyn std::error::Error) -> bool {
    const WORDS: [&str; 3] = ["client error (Connect)", "dns error", "connect timeout"];
    sources(error).any(|cause| WORDS.iter().any(|word| cause.to_string().contains(word)))
}

/// Whether the connection ended before the answer did, which is not the KMS's answer.
fn is_cut_off(error: &dyn std::error::Error) -> bool {
    const WORDS: [&str; 4] =
        ["end of file before message", "connection closed before message", "error reading a body", "unexpected end of stream"];
    sources(error).any(|cause| cause.is::<std::io::Error>() || WORDS.iter().any(|word| cause.to_string().contains(word)))
}

/// Whether the client failed over who asks, or where: no provider has credentials, the call has none, or there is no region.
fn is_not_configured(error: &dyn std::error::Error) -> bool {
    const WORDS: [&str; 3] = ["credentials", "auth scheme", "region"];
    sources(error).any(|cause| cause.is::<CredentialsError>() || WORDS.iter().any(|word| cause.to_string().contains(word)))
}

/// The innermost words of an error of the client itself.
fn causes(error: &dyn std::error::Error) -> String {
    let mut words: Vec<String> = sources(error).map(ToString::to_string).collect();
    words.dedup();
    words.split_off(words.len().saturating_sub(2)).join(": ")
}
