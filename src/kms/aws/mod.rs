//! AWS KMS, asked as aws-encryption-provider asks it.
//!
//! | bytes of a DEK source | meaning |
//! |---|---|
//! | `31` (ASCII `1`) | version of the plugin's storage |
//! | the rest | `CiphertextBlob` of KMS, opaque; v1 values older than April 2018 have only this |
//!
//! Decrypt is called without a key ID, as the plugin does: the blob names its key, and KMS's answer says which that was.
//! Source: kubernetes-sigs/aws-encryption-provider `pkg/plugin/plugin.go`, `plugin_v2.go`, `pkg/kmsplugin/kms.go`.

mod answer;
mod configuration;

use std::collections::BTreeMap;

use aws_config::retry::RetryConfig;
use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_kms::Client;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::operation::RequestId;
use aws_sdk_kms::primitives::Blob;
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

use self::answer::{BoundedAnswer, failure};
pub use self::configuration::AwsOptions;
use self::configuration::configuration;
use super::{EncryptionContexts, Failure, KeyState, Reason, Unwrapped, Unwrapper, WrappedDek};
use crate::envelope::open::DataKey;

/// The plugin's version byte.
const VERSION: u8 = b'1';

/// AWS KMS.
pub struct AwsKms {
    runtime: Runtime,
    config: SdkConfig,
    /// One client a region: a key's ARN names its region where the user does not.
    clients: BTreeMap<Option<String>, Client>,
    contexts: EncryptionContexts,
    /// The access key ID that calls are signed with, as soon as one was made.
    caller: Option<String>,
    /// The number that KMS gave the last call.
    last_request: Option<String>,
}

/// Why AWS cannot be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum NoClient {
    /// The system gives no runtime.
    #[error("AWS KMS: no runtime for network calls: {0}")]
    Runtime(#[from] std::io::Error),
    /// The case's number cannot stand in a user agent.
    #[error("a case's number may hold letters, digits and !#$%&'*+-.^_`|~ only")]
    Case,
}

impl AwsKms {
    /// Reads configuration; asks nobody yet, but for what a profile names as its source of credentials when the first call is made.
    ///
    /// # Errors
    /// No runtime can be made, or the case's number is none.
    pub fn new(options: AwsOptions) -> Result<Self, NoClient> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let app_name = options.app_name().ok_or(NoClient::Case)?;
        let config = runtime.block_on(configuration(&options, app_name));
        Ok(Self { runtime, config, clients: BTreeMap::new(), contexts: options.contexts, caller: None, last_request: None })
    }

    /// Under a configuration that was made elsewhere.
    ///
    /// # Errors
    /// No runtime can be made.
    pub fn with_config(config: SdkConfig, contexts: EncryptionContexts) -> Result<Self, NoClient> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, config, clients: BTreeMap::new(), contexts, caller: None, last_request: None })
    }

    /// The client for a key's region.
    fn client(&mut self, key_id: Option<&str>) -> Client {
        let region = match self.config.region() {
            Some(_) => None,
            None => key_id.and_then(region_of).map(str::to_owned),
        };
        let (config, named) = (&self.config, region.clone());
        let make = || {
            // Who repeats a call counts it: that is for the ring.
            let builder = aws_sdk_kms::config::Builder::from(config).retry_config(RetryConfig::disabled()).interceptor(BoundedAnswer);
            Client::from_conf(named.map_or(builder.clone(), |region| builder.region(Region::new(region))).build())
        };
        self.clients.entry(region).or_insert_with(make).clone()
    }
}

impl AwsKms {
    /// Takes an answer, and remembers under which number and whose name KMS has the call.
    fn heard<T: RequestId, E>(&mut self, answer: Result<T, SdkError<E>>) -> Result<T, Failure>
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        SdkError<E>: RequestId,
    {
        let request_id = answer.as_ref().map_or_else(RequestId::request_id, RequestId::request_id);
        self.last_request = request_id.map(str::to_owned);
        if self.caller.is_none()
            && let Some(credentials) = self.config.credentials_provider()
        {
            // The client has asked for them already: these are the ones it keeps.
            let credentials = self.runtime.block_on(credentials.provide_credentials());
            self.caller = credentials.ok().map(|credentials| credentials.access_key_id().to_owned());
        }
        answer.map_err(|error| failure(&error))
    }
}

impl Unwrapper for AwsKms {
    fn name(&self) -> &str {
        "AWS KMS"
    }

    fn claims(&self, source: &WrappedDek) -> bool {
        match source.id.key_id.as_deref() {
            Some(key_id) => source.wrapped.first() == Some(&VERSION) && is_aws_key(key_id),
            // KMS v1 names no key. Other plugins write text there, AWS's blob is binary.
            None => blob(source).is_some_and(|blob| blob.iter().any(|byte| !byte.is_ascii_graphic())),
        }
    }

    fn describes(&self, key_id: &str) -> bool {
        is_aws_key(key_id)
    }

    fn describe(&mut self, key_id: &str) -> Result<KeyState, Failure> {
        let client = self.client(Some(key_id));
        let answer = self.runtime.block_on(client.describe_key().key_id(key_id).send());
        let key = self.heard(answer)?.key_metadata.ok_or(Reason::BadAnswer)?;
        Ok(KeyState {
            arn: key.arn,
            state: key.key_state.map(|state| state.as_str().to_owned()),
            manager: key.key_manager.map(|manager| manager.as_str().to_owned()),
            is_rotated: None,
            deletion_date: key.deletion_date.map(|date| date.secs()),
        })
    }

    fn is_rotated(&mut self, key_id: &str) -> Result<bool, Failure> {
        let client = self.client(Some(key_id));
        let answer = self.runtime.block_on(client.get_key_rotation_status().key_id(key_id).send());
        Ok(self.heard(answer)?.key_rotation_enabled)
    }

    fn request_id(&self) -> Option<&str> {
        self.last_request.as_deref()
    }

    fn caller(&self) -> Option<&str> {
        self.caller.as_deref()
    }

    fn unwrap(&mut self, source: &WrappedDek) -> Result<Unwrapped, Failure> {
        let client = self.client(source.id.key_id.as_deref());
        let blob = blob(source).ok_or(Reason::ContextOrDamage)?;
        let context = self.contexts.of(source.provider_name()).clone();
        let call = client.decrypt().ciphertext_blob(Blob::new(blob));
        let call = call.set_encryption_context((!context.is_empty()).then(|| context.into_iter().collect()));
        let answer = self.runtime.block_on(call.send());
        let answer = self.heard(answer)?;
        let kms_key_id = answer.key_id;
        let plaintext = Zeroizing::new(answer.plaintext.map(Blob::into_inner).unwrap_or_default());
        let key = DataKey::new(source.id.kind, &plaintext)
            .map_err(|wrong| Failure::new(Reason::BadAnswer, &format!("the unwrapped DEK source has {wrong}")))?;
        Ok(Unwrapped { key, kms_key_id })
    }
}

/// The blob of KMS within a DEK source.
fn blob(source: &WrappedDek) -> Option<&[u8]> {
    match source.wrapped.split_first() {
        Some((&VERSION, blob)) if !blob.is_empty() => Some(blob),
        // The plugin wrote no version before KMS v2.
        Some(_) if source.id.provider.hides_kms_key() => Some(&source.wrapped),
        _ => None,
    }
}

/// Whether a KMS v2 key ID is one of the forms that AWS takes: an ARN, an alias, a UUID, a multi-region key.
fn is_aws_key(key_id: &str) -> bool {
    let is_uuid = || key_id.len() == 36 && key_id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    (key_id.starts_with("arn:") && key_id.split(':').nth(2) == Some("kms"))
        || key_id.starts_with("alias/")
        || key_id.starts_with("mrk-")
        || is_uuid()
}

/// The region that an ARN names.
fn region_of(key_id: &str) -> Option<&str> {
    key_id.strip_prefix("arn:")?.split(':').nth(2).filter(|region| !region.is_empty())
}
