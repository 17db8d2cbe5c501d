//! AWS KMS, asked as aws-encryption-provider asks it.
//!
//! | bytes of a DEK source | meaning |
//! |---|---|
//! | `31` (ASCII `1`) | version of the plugin's storage |
//! | the rest | `CiphertextBlob` of KMS, opaque; v1 values older than April 2018 have only this |
//!
//! Decrypt is called without a key ID, as the plugin does: the blob names its key, and KMS's answer says which that was.
//! A key ID that is an ARN names its region, and is asked about there. What names none is asked about in the regions that are configured.
//! Source: kubernetes-sigs/aws-encryption-provider `pkg/plugin/plugin.go`, `plugin_v2.go`, `pkg/kmsplugin/kms.go`.

mod answer;
mod configuration;

use std::collections::{BTreeMap, BTreeSet};

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
use super::iam::{UsedKey, decrypt_policy};
use super::key_spelling::{has_one_home, is_key_id, is_multi_region_key, region_of};
use super::{EncryptionContext, EncryptionContexts, Failure, KeyState, Reason, Unwrapped, Unwrapper, WrappedDek};
use crate::envelope::open::DataKey;

/// The plugin's version byte.
const VERSION: u8 = b'1';

/// AWS KMS.
pub struct AwsKms {
    runtime: Runtime,
    config: SdkConfig,
    clients: BTreeMap<Option<String>, Client>,
    /// Where to ask about what names no region.
    regions: Vec<String>,
    contexts: EncryptionContexts,
    /// Whose DEK sources are sent; empty: everybody's that look like AWS's.
    providers: BTreeSet<String>,
    /// Whose are not, where that is everybody: those of whom somebody else was named.
    others: BTreeSet<String>,
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
        let AwsOptions { regions, contexts, providers, .. } = options;
        let kms = Self::with_runtime(runtime, config, contexts);
        Ok(kms.in_regions(regions).for_providers(providers))
    }

    /// Under a configuration that was made elsewhere.
    ///
    /// # Errors
    /// No runtime can be made.
    pub fn with_config(config: SdkConfig, contexts: EncryptionContexts) -> Result<Self, NoClient> {
        Ok(Self::with_runtime(tokio::runtime::Builder::new_current_thread().enable_all().build()?, config, contexts))
    }

    fn with_runtime(runtime: Runtime, config: SdkConfig, contexts: EncryptionContexts) -> Self {
        let regions = config.region().map(|region| region.as_ref().to_owned()).into_iter().collect();
        let (clients, providers, others) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
        Self { runtime, config, clients, regions, contexts, providers, others, caller: None, last_request: None }
    }

    /// The same, asked in these regions about what names none; without any, in the configured one.
    #[must_use]
    pub fn in_regions(self, regions: Vec<String>) -> Self {
        if regions.is_empty() { self } else { Self { regions, ..self } }
    }

    /// The same, asked about DEK sources of these providers alone.
    #[must_use]
    pub fn for_providers(self, providers: impl IntoIterator<Item = String>) -> Self {
        Self { providers: providers.into_iter().collect(), ..self }
    }

    /// The same, not asked about these providers, for which somebody else was named, unless it is for them by name.
    #[must_use]
    pub fn but_for(self, others: impl IntoIterator<Item = String>) -> Self {
        Self { others: others.into_iter().collect(), ..self }
    }

    /// Whether it is for a provider, as far as the user says.
    fn is_for(&self, provider_name: &str) -> bool {
        if self.providers.is_empty() { !self.others.contains(provider_name) } else { self.providers.contains(provider_name) }
    }

    /// The client for a region; `None`: there is none to ask in, which the client says of itself.
    fn client(&mut self, region: Option<&str>) -> Client {
        let region = region.map(str::to_owned);
        let (config, named) = (&self.config, region.clone());
        let make = || {
            // Who repeats a call counts it: that is for the ring.
            let builder = aws_sdk_kms::config::Builder::from(config).retry_config(RetryConfig::disabled()).interceptor(BoundedAnswer);
            Client::from_conf(named.map_or(builder.clone(), |region| builder.region(Region::new(region))).build())
        };
        self.clients.entry(region).or_insert_with(make).clone()
    }

    /// The client for the first region to ask about a key in.
    fn client_of(&mut self, key_id: &str) -> Client {
        let region = self.place_of_key(key_id);
        self.client(region.as_deref())
    }

    /// Where to ask about a key, one place after the other: where its ARN says, and replicas where the user says, too.
    fn regions_of(&self, key_id: Option<&str>) -> Vec<Option<String>> {
        let named = key_id.and_then(region_of);
        let configured = self.regions.iter().map(String::as_str).filter(|region| named != Some(*region));
        let configured = configured.filter(|_| named.is_none() || key_id.is_some_and(is_multi_region_key));
        let regions: Vec<Option<String>> = named.into_iter().chain(configured).map(|region| Some(region.to_owned())).collect();
        if regions.is_empty() { vec![None] } else { regions }
    }

    /// Every way to ask about a DEK source: in each region under each encryption context.
    fn ways_of(&self, source: &WrappedDek) -> Vec<(Option<String>, EncryptionContext)> {
        let contexts = self.contexts.of(source);
        let regions = self.regions_of(source.id.key_id.as_deref());
        regions.iter().flat_map(|region| contexts.iter().map(move |context| (region.clone(), context.clone()))).collect()
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
        // Other plugins use keys of AWS, too, and write text. It would not open, and is nothing that AWS is to be sent.
        let is_of_plugin = blob(source).is_some_and(|blob| !is_text(blob));
        // KMS v1 names no key.
        let is_named = || source.id.key_id.as_deref().is_none_or(is_aws_key);
        is_of_plugin && self.is_for(source.provider_name()) && (!self.providers.is_empty() || is_named())
    }

    fn ways(&self, source: &WrappedDek) -> usize {
        self.ways_of(source).len()
    }

    fn place(&self, source: &WrappedDek, way: usize) -> Option<String> {
        self.ways_of(source).into_iter().nth(way).and_then(|(region, _)| region)
    }

    fn regions(&self) -> Option<&[String]> {
        Some(&self.regions)
    }

    fn policy(&self, sources: &[&WrappedDek], given: &[String]) -> Option<String> {
        let under = |source: &WrappedDek| {
            let key_id = source.id.key_id.clone();
            self.contexts.of(source).into_iter().map(move |context| UsedKey { key_id: key_id.clone(), context })
        };
        Some(decrypt_policy(&sources.iter().copied().flat_map(under).collect(), given))
    }

    fn describes(&self, provider_name: &str, key_id: &str) -> bool {
        is_aws_key(key_id) && self.is_for(provider_name)
    }

    fn place_of_key(&self, key_id: &str) -> Option<String> {
        self.regions_of(Some(key_id)).into_iter().next().flatten()
    }

    fn describe(&mut self, key_id: &str) -> Result<KeyState, Failure> {
        let client = self.client_of(key_id);
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
        let client = self.client_of(key_id);
        let answer = self.runtime.block_on(client.get_key_rotation_status().key_id(key_id).send());
        Ok(self.heard(answer)?.key_rotation_enabled)
    }

    fn request_id(&self) -> Option<&str> {
        self.last_request.as_deref()
    }

    fn caller(&self) -> Option<&str> {
        self.caller.as_deref()
    }

    fn unwrap(&mut self, source: &WrappedDek, way: usize) -> Result<Unwrapped, Failure> {
        let (region, context) = self.ways_of(source).into_iter().nth(way).ok_or(Reason::NotAttempted)?;
        let client = self.client(region.as_deref());
        let blob = blob(source).ok_or(Reason::ContextOrDamage)?;
        let call = client.decrypt().ciphertext_blob(Blob::new(blob));
        let call = call.set_encryption_context((!context.is_empty()).then(|| context.into_iter().collect()));
        let answer = self.runtime.block_on(call.send());
        let is_at_home = is_at_home(source.id.key_id.as_deref(), region.as_deref());
        let answer = self.heard(answer).map_err(|failure| match failure.reason {
            Reason::KeyNotFound if !is_at_home => Failure { reason: Reason::KeyNotFoundThere, ..failure },
            _ => failure,
        })?;
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

/// Whether a key can be in this region alone.
fn is_at_home(key_id: Option<&str>, region: Option<&str>) -> bool {
    key_id.is_some_and(|key_id| has_one_home(key_id) && region_of(key_id) == region)
}

/// Whether bytes are text, in lines or not, with zero bytes at its end or not: so write other plugins, and AWS's blob is binary.
fn is_text(bytes: &[u8]) -> bool {
    let is_of_text = |c: char| !c.is_control() || matches!(c, '\0' | '\t' | '\n' | '\r');
    std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(is_of_text))
}

/// Whether a KMS v2 key ID is one of the forms that AWS takes: an ARN, an alias, a UUID, a multi-region key.
fn is_aws_key(key_id: &str) -> bool {
    (key_id.starts_with("arn:") && key_id.split(':').nth(2) == Some("kms"))
        || key_id.starts_with("alias/")
        || key_id.starts_with("mrk-")
        || is_key_id(key_id)
}
