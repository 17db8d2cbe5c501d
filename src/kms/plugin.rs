//! KMS plugins, asked over their unix socket as the API server asks them.
//!
//! | service | request | answer |
//! |---|---|---|
//! | `v1beta1.KeyManagementService/Decrypt` | version=1 `v1beta1`, cipher=2 | plain=1 |
//! | `v2.KeyManagementService/Decrypt` | ciphertext=1, uid=2, key_id=3, annotations=4 | plaintext=1 |
//!
//! `unix:///path`; a path that begins with `/@` names an abstract socket. No TLS.
//! Source: k8s.io/kms `apis/v1beta1/api.proto`, `apis/v2/api.proto`, k8s.io/apiserver `envelope/grpc_service.go`, v0.36.

mod key_words;
mod preface;
mod socket;
mod words;

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::runtime::Runtime;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Status};
use zeroize::Zeroizing;

pub use self::socket::{NoSocket, Socket};

use self::preface::Watched;
use super::key_spelling::has_one_home;
use super::{Failure, Reason, Unwrapped, Unwrapper, WrappedDek};
use crate::envelope::KmsApi;
use crate::envelope::open::DataKey;

/// Largest answer that is taken of a plugin, in bytes; a DEK or a seed has 32.
const LARGEST_ANSWER: usize = 64 << 10;

/// Longest key ID that an API server takes of a plugin, in bytes.
/// Source: k8s.io/apiserver `pkg/storage/value/encrypt/envelope/kmsv2/envelope.go`, `KeyIDMaxSize` and `ValidateKeyID`, v0.36.
const LONGEST_KEY_ID: usize = 1 << 10;

#[allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all, clippy::allow_attributes_without_reason, reason = "generated")]
mod v1beta1 {
    include!(concat!(env!("OUT_DIR"), "/v1beta1.rs"));
}

#[allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all, clippy::allow_attributes_without_reason, reason = "generated")]
mod v2 {
    include!(concat!(env!("OUT_DIR"), "/v2.rs"));
}

/// A plugin that answers for one provider of the API server.
pub struct Plugin {
    name: String,
    provider_name: String,
    socket: Socket,
    timeout: Duration,
    runtime: Runtime,
    channel: Option<Channel>,
    /// What answers at the socket does not speak HTTP/2.
    is_other: Arc<AtomicBool>,
}

impl Plugin {
    /// A plugin for the values of `provider_name`; connected to when it is asked first.
    ///
    /// # Errors
    /// No runtime can be made.
    pub fn new(provider_name: &str, socket: Socket, timeout: Duration) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let name = format!("KMS plugin {provider_name} at {socket}");
        Ok(Self { name, provider_name: provider_name.to_owned(), socket, timeout, runtime, channel: None, is_other: Arc::default() })
    }

    /// What a KMS v2 plugin says of itself: version, health, and the key it wraps with now.
    ///
    /// # Errors
    /// It does not say.
    pub fn status(&mut self) -> Result<PluginStatus, Failure> {
        let answer = self.call(async |channel| {
            let mut client = v2::key_management_service_client::KeyManagementServiceClient::new(channel);
            client.status(v2::StatusRequest {}).await.map_err(|status| failure(&status, None))
        })?;
        let v2::StatusResponse { version, healthz, key_id } = answer.into_inner();
        Ok(PluginStatus { version, healthz, key_id })
    }

    /// Makes one call, over the connection that there is or a new one.
    fn call<T>(&mut self, make: impl AsyncFnOnce(Channel) -> Result<T, Failure>) -> Result<T, Failure> {
        self.socket.look()?;
        let (socket, channel, is_other) = (&self.socket, &mut self.channel, &self.is_other);
        let is_connected = Cell::new(false);
        let call = async {
            let channel = connect(socket, channel, is_other).await?;
            is_connected.set(true);
            make(channel).await
        };
        let answer = self.runtime.block_on(async { tokio::time::timeout(self.timeout, call).await });
        let late = |_| match is_connected.get() {
            true => Failure::unanswered(Reason::PluginUnavailable),
            false => Failure::unsent(Reason::PluginUnavailable, "no connection in time"),
        };
        let answer = answer.map_err(late).flatten();
        let Err(failure) = answer else { return answer };
        if self.is_other.load(Ordering::Relaxed) {
            self.channel = None;
            return Err(Failure::new(Reason::BadAnswer, "what answers there does not speak HTTP/2"));
        }
        if failure.reason == Reason::PluginUnavailable {
            self.channel = None;
        }
        Err(failure)
    }
}

/// What a KMS v2 plugin says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginStatus {
    /// Such as `v2`.
    pub version: String,
    /// `ok`, or what is wrong.
    pub healthz: String,
    /// The key it wraps with now.
    pub key_id: String,
}

impl Unwrapper for Plugin {
    fn name(&self) -> &str {
        &self.name
    }

    fn claims(&self, source: &WrappedDek) -> bool {
        source.provider_name() == self.provider_name
    }

    fn names_current_key(&self, provider_name: &str) -> bool {
        self.provider_name == provider_name
    }

    fn current_key(&mut self) -> Result<String, Failure> {
        let PluginStatus { key_id, version, healthz } = self.status()?;
        let wrong = |what: &str| Err(Failure::new(Reason::BadAnswer, what));
        match (healthz.as_str(), version.as_str()) {
            _ if key_id.is_empty() => wrong("a status without a key ID"),
            _ if key_id.len() > LONGEST_KEY_ID => wrong("a status with a key ID that is longer than API servers take"),
            ("ok", "v2" | "v2beta1") => Ok(key_id),
            ("ok", _) => wrong("a status of a version that no API server takes"),
            _ => wrong("a status that says that the plugin is not well: API servers do not take its key"),
        }
    }

    fn unwrap(&mut self, source: &WrappedDek, _way: usize) -> Result<Unwrapped, Failure> {
        let answer = self.call(async |channel| match source.id.provider.kms_api() {
            Some(KmsApi::V1Beta1) => decrypt_v1beta1(channel, source).await,
            Some(KmsApi::V2) => decrypt_v2(channel, source).await,
            None => Err(Reason::NoKeyGiven.into()),
        })?;
        let key = DataKey::new(source.id.kind, &answer)
            .map_err(|wrong| Failure::new(Reason::BadAnswer, &format!("the unwrapped DEK source has {wrong}")))?;
        Ok(Unwrapped { key, kms_key_id: None })
    }
}

async fn connect(socket: &Socket, known: &mut Option<Channel>, is_other: &Arc<AtomicBool>) -> Result<Channel, Failure> {
    if let Some(channel) = known {
        return Ok(channel.clone());
    }
    let (address, is_other) = (socket.address(), Arc::clone(is_other));
    is_other.store(false, Ordering::Relaxed);
    let connector = tower::service_fn(move |_: Uri| {
        let (address, is_other) = (address.clone(), Arc::clone(&is_other));
        async move { UnixStream::connect(address).await.map(|stream| TokioIo::new(Watched::new(stream, is_other))) }
    });
    // The address is not used for anything but the authority, which the API server calls localhost, too.
    let endpoint = Endpoint::from_static("http://localhost");
    let channel = endpoint.connect_with_connector(connector).await.map_err(|error| {
        let mut causes = std::iter::successors(std::error::Error::source(&error), |cause| cause.source());
        let of_system = causes.find_map(|cause| cause.downcast_ref::<io::Error>());
        let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        Failure::unsent(of_system.map_or(Reason::PluginUnavailable, |error| not_connected(socket, error.kind())), &cause)
    })?;
    Ok(known.insert(channel).clone())
}

/// Why there is no connection. Who listens at a path may come again; what the system does not let connect at all stays so, and a name in
/// the abstract namespace is there only while somebody listens.
fn not_connected(socket: &Socket, kind: io::ErrorKind) -> Reason {
    use io::ErrorKind as Kind;
    match kind {
        Kind::ConnectionRefused if matches!(socket, Socket::Abstract(_)) => Reason::NoSocket,
        Kind::ConnectionRefused | Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe => Reason::PluginUnavailable,
        Kind::TimedOut | Kind::WouldBlock | Kind::Interrupted | Kind::UnexpectedEof => Reason::PluginUnavailable,
        _ => Reason::NoSocket,
    }
}

async fn decrypt_v1beta1(channel: Channel, source: &WrappedDek) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut client =
        v1beta1::key_management_service_client::KeyManagementServiceClient::new(channel).max_decoding_message_size(LARGEST_ANSWER);
    let request = v1beta1::DecryptRequest { version: "v1beta1".to_owned(), cipher: source.wrapped.to_vec() };
    let answer = client.decrypt(request).await.map_err(|status| failure(&status, source.id.key_id.as_deref()))?;
    Ok(Zeroizing::new(answer.into_inner().plain))
}

async fn decrypt_v2(channel: Channel, source: &WrappedDek) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut client = v2::key_management_service_client::KeyManagementServiceClient::new(channel).max_decoding_message_size(LARGEST_ANSWER);
    let request = v2::DecryptRequest {
        ciphertext: source.wrapped.to_vec(),
        // The API server sends a random UID to find a call in the plugin's log; this one finds the DEK source.
        uid: format!("etcd-sleuth-{}", source.digest().to_string().chars().take(16).collect::<String>()),
        key_id: source.id.key_id.as_deref().unwrap_or_default().to_owned(),
        annotations: source.annotations.clone(),
    };
    let answer = client.decrypt(request).await.map_err(|status| failure(&status, source.id.key_id.as_deref()))?;
    Ok(Zeroizing::new(answer.into_inner().plaintext))
}

/// What came of the connection instead of an answer, where the failure is one of transport. A connection or a stream that ended, as when a
/// plugin dies or is restarted, is none; what this side finds against the protocol is a bad answer.
fn of_transport(status: &Status) -> Option<Failure> {
    let mut causes = std::iter::successors(Some(std::error::Error::source(status)?), |cause| cause.source());
    let is_refused = |error: &io::Error| matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound);
    let is_against_protocol = |error: &h2::Error| !error.is_io() && !error.is_remote();
    let text = format!("{:?} {}", status.code(), status.message());
    // A connection that was lost is made anew before a call is sent.
    let mut all = causes.clone();
    if all.any(|cause| cause.downcast_ref::<io::Error>().is_some_and(is_refused)) {
        return Some(Failure::unsent(Reason::PluginUnavailable, &text));
    }
    let is_bad = causes.any(|cause| cause.downcast_ref::<h2::Error>().is_some_and(is_against_protocol));
    Some(Failure::new(if is_bad { Reason::BadAnswer } else { Reason::PluginUnavailable }, &text))
}

/// The failure behind a gRPC status, in an answer about this key. Most plugins put their KMS's words into the message of an unknown error.
fn failure(status: &Status, key_id: Option<&str>) -> Failure {
    let message = status.message();
    if let Some(failure) = of_transport(status) {
        return failure;
    }
    let is_of_state = status.code() == Code::FailedPrecondition;
    let of_words = || words::of_others(message, is_of_state, status.code() == Code::NotFound);
    let reason = match status.code() {
        // Not the plugin's answer, but what came instead of one.
        Code::Internal if message.starts_with("Unexpected EOF") => Reason::PluginUnavailable,
        code => match (words::of_aws(message), code) {
            // A key that may live elsewhere is not known where it was asked.
            (Some(Reason::KeyNotFound), _) if !key_id.is_some_and(has_one_home) => Reason::KeyNotFoundThere,
            (Some(of_aws), _) => of_aws,
            (None, Code::OutOfRange) if message.contains("message length") => Reason::BadAnswer,
            (None, Code::Internal) if message.contains("decod") || message.contains("protocol") => Reason::BadAnswer,
            (None, Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Aborted) => Reason::PluginUnavailable,
            (None, Code::PermissionDenied | Code::Unauthenticated) => Reason::AccessDenied,
            (None, Code::Unimplemented) => Reason::ApiNotServed,
            (None, Code::ResourceExhausted) => Reason::Throttled,
            (None, Code::InvalidArgument) => of_words().unwrap_or(Reason::ContextOrDamage),
            (None, _) => of_words().unwrap_or(Reason::Refused),
        },
    };
    Failure::new(reason, &format!("{:?} {message}", status.code()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A socket that may not be used is told at once, and not after all the patience there is.
    #[test]
    fn what_the_system_does_not_let_connect_is_not_waited_for() {
        for (kind, passes) in [
            (io::ErrorKind::PermissionDenied, false),
            (io::ErrorKind::NotFound, false),
            (io::ErrorKind::Other, false),
            (io::ErrorKind::ConnectionRefused, true),
        ] {
            assert_eq!(not_connected(&Socket::Path("/kms.sock".into()), kind).is_passing(), passes, "{kind}");
        }
        assert_eq!(not_connected(&Socket::Abstract("kms".into()), io::ErrorKind::ConnectionRefused), Reason::NoSocket);
    }
}
