//! Region, profile, endpoint and credentials, as every AWS tool takes them.

use std::time::Duration;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::error::{CredentialsError, TokenError};
use aws_credential_types::provider::token::ProvideToken;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider as TlsProvider, TlsContext, TrustStore};

use crate::kms::EncryptionContexts;

/// What the user says about AWS. Whatever is `None` is taken from the environment and the profile, as every AWS tool takes it.
#[derive(Clone, Debug, Default)]
pub struct AwsOptions {
    /// A profile of the shared configuration.
    pub profile: Option<String>,
    /// Regions to ask in, one after the other, about what names none.
    pub regions: Vec<String>,
    /// What the plugins were told as encryption context.
    pub contexts: EncryptionContexts,
    /// Names of the providers whose DEK sources are sent to AWS, and no others'; empty: all that look like AWS's.
    pub providers: Vec<String>,
    /// Whether credentials and region may be asked of the instance-metadata service.
    pub use_instance_metadata: bool,
    /// What the user agent says after `etcd-sleuth`, by which CloudTrail tells these calls from others: a case's number.
    pub case: Option<String>,
    /// The longest that one call may take; `None`: ten seconds.
    pub timeout: Option<Duration>,
}

impl AwsOptions {
    /// The name under which AWS hears of this program: `etcd-sleuth`, with a case's number `etcd-sleuth-CASE`; `None`: a user agent
    /// cannot hold the number.
    pub(super) fn app_name(&self) -> Option<AppName> {
        let case = self.case.as_deref().map_or(String::new(), |case| format!("-{case}"));
        AppName::new(format!("etcd-sleuth{case}")).ok()
    }
}

/// Configuration as every AWS tool reads it, without the instance-metadata service unless that was asked for.
pub(super) async fn configuration(options: &AwsOptions, app_name: AppName) -> SdkConfig {
    let mut profile_region = ProfileFileRegionProvider::builder();
    let mut profile_credentials = ProfileFileCredentialsProvider::builder();
    if let Some(profile) = &options.profile {
        profile_region = profile_region.profile_name(profile);
        profile_credentials = profile_credentials.profile_name(profile);
    }
    let given = options.regions.first().cloned().map(Region::new);
    let regions = RegionProviderChain::first_try(given).or_else(EnvironmentVariableRegionProvider::new()).or_else(profile_region.build());
    let regions = if options.use_instance_metadata { regions.or_default_provider() } else { regions };
    let region = regions.region().await;

    let http_client = client_without_roots();
    let mut provider = ProviderConfig::without_region().with_region(region.clone());
    if let Some(client) = &http_client {
        provider = provider.with_http_client(client.clone());
    }
    profile_credentials = profile_credentials.configure(&provider);
    if !options.use_instance_metadata {
        // A profile may name it as its source, too.
        profile_credentials = profile_credentials.with_custom_provider("Ec2InstanceMetadata", NoInstanceMetadata);
    }
    let mut credentials = CredentialsProviderChain::first_try("Environment", EnvironmentVariableCredentialsProvider::new())
        .or_else("Profile", profile_credentials.build())
        .or_else("WebIdentityToken", WebIdentityTokenCredentialsProvider::builder().configure(&provider).build())
        .or_else("EcsContainer", EcsCredentialsProvider::builder().configure(&provider).build());
    if options.use_instance_metadata {
        credentials = credentials.or_else("Ec2InstanceMetadata", ImdsCredentialsProvider::builder().configure(&provider).build());
    }

    let timeout = options.timeout.unwrap_or(Duration::from_secs(10));
    let timeouts = TimeoutConfig::builder().connect_timeout(timeout.min(Duration::from_secs(5))).operation_timeout(timeout).build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .credentials_provider(credentials)
        // KMS takes no tokens, and the default source of them would look for a region in the instance-metadata service.
        .token_provider(NoToken)
        .timeout_config(timeouts)
        .region(RegionProviderChain::first_try(region))
        .app_name(app_name);
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(client) = http_client {
        loader = loader.http_client(client);
    }
    loader.load().await
}

/// A client for a machine without certificates of authorities, such as a bare container: it can speak to no `https` address and
/// says so, where the default one panics in debug builds.
fn client_without_roots() -> Option<aws_sdk_kms::config::SharedHttpClient> {
    if !rustls_native_certs::load_native_certs().certs.is_empty() {
        return None;
    }
    let context = TlsContext::builder().with_trust_store(TrustStore::empty()).build().ok()?;
    let builder = aws_smithy_http_client::Builder::new().tls_provider(TlsProvider::Rustls(CryptoMode::AwsLc));
    Some(builder.tls_context(context).build_https())
}

/// Stands where a profile names the instance-metadata service and the user did not allow it.
#[derive(Debug)]
struct NoInstanceMetadata;

impl ProvideCredentials for NoInstanceMetadata {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let error = CredentialsError::not_loaded("the instance-metadata service was not allowed");
        future::ProvideCredentials::ready(Err(error))
    }
}

/// Has no token.
#[derive(Debug)]
struct NoToken;

impl ProvideToken for NoToken {
    fn provide_token<'a>(&'a self) -> future::ProvideToken<'a>
    where
        Self: 'a,
    {
        future::ProvideToken::ready(Err(TokenError::not_loaded("KMS takes no tokens")))
    }
}
