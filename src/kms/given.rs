//! Those who hold keys, and what is known of keys, as the user names them.

mod error;
mod files;

use std::time::Duration;

pub use self::error::GivenError;
#[cfg(feature = "aws-kms")]
use super::aws::{AwsKms, AwsOptions};
#[cfg(feature = "kms-plugin")]
use super::plugin::{Plugin, Socket};
use super::{EncryptionContexts, Unwrapper};

/// Those who can be asked, as the user names them. Nobody is asked yet.
#[derive(Clone, Debug)]
pub struct HolderOptions {
    /// Plugins, each as `PROVIDER=ENDPOINT`.
    #[cfg(feature = "kms-plugin")]
    pub plugins: Vec<String>,
    /// AWS KMS; of the two timeouts the one below counts.
    #[cfg(feature = "aws-kms")]
    pub aws: Option<AwsOptions>,
    /// Seconds that one call may take.
    pub timeout: f64,
}

impl HolderOptions {
    /// Those who can be asked. A plugin is named for one provider, so it goes before whoever takes all that look like its own.
    ///
    /// # Errors
    /// One of them is not named as it has to be, or nobody can be asked on this system.
    pub fn unwrappers(&self) -> Result<Vec<Box<dyn Unwrapper>>, GivenError> {
        self.timeout()?;
        Ok(in_turn([
            #[cfg(feature = "kms-plugin")]
            self.plugins()?,
            #[cfg(feature = "aws-kms")]
            self.aws()?,
        ]))
    }

    /// Providers that somebody was named for.
    pub fn names(&self) -> Vec<String> {
        in_turn([
            #[cfg(feature = "kms-plugin")]
            self.plugins.iter().filter_map(|text| Some(plugin_of(text)?.0.to_owned())).collect(),
            #[cfg(feature = "aws-kms")]
            self.aws.iter().flat_map(|aws| aws.providers.clone()).collect(),
        ])
    }

    /// Encryption contexts that AWS is given.
    pub fn contexts(&self) -> EncryptionContexts {
        #[cfg(feature = "aws-kms")]
        let contexts = self.aws.as_ref().map(|aws| aws.contexts.clone()).unwrap_or_default();
        #[cfg(not(feature = "aws-kms"))]
        let contexts = EncryptionContexts::default();
        contexts
    }

    fn timeout(&self) -> Result<Duration, GivenError> {
        Duration::try_from_secs_f64(self.timeout).ok().filter(|timeout| !timeout.is_zero()).ok_or(GivenError::Timeout)
    }

    #[cfg(feature = "kms-plugin")]
    fn plugins(&self) -> Result<Vec<Box<dyn Unwrapper>>, GivenError> {
        let timeout = self.timeout()?;
        let plugin = |text: &String| -> Result<Box<dyn Unwrapper>, GivenError> {
            let (provider, endpoint) = plugin_of(text).ok_or(GivenError::NoPlugin)?;
            let socket = Socket::parse(endpoint).map_err(|source| GivenError::NoSocket { plugin: text.clone(), source })?;
            Ok(Box::new(Plugin::new(provider, socket, timeout).map_err(GivenError::Plugin)?))
        };
        self.plugins.iter().map(plugin).collect()
    }

    #[cfg(feature = "aws-kms")]
    fn aws(&self) -> Result<Vec<Box<dyn Unwrapper>>, GivenError> {
        let Some(aws) = self.aws.clone() else { return Ok(Vec::new()) };
        let kms = AwsKms::new(AwsOptions { timeout: Some(self.timeout()?), ..aws })?;
        // Whose plugin is named, is sent to nobody else who is not.
        #[cfg(feature = "kms-plugin")]
        let kms = kms.but_for(self.plugins.iter().filter_map(|text| Some(plugin_of(text)?.0.to_owned())));
        Ok(vec![Box::new(kms)])
    }
}

/// `PROVIDER=ENDPOINT`; a provider's name may hold anything but what an endpoint begins with. What begins with none is taken apart all the
/// same, so that it can be said what is wrong with it.
#[cfg(feature = "kms-plugin")]
fn plugin_of(text: &str) -> Option<(&str, &str)> {
    let at = text.to_ascii_lowercase().rfind("=unix:").or_else(|| text.rfind("=/")).or_else(|| text.rfind('='))?;
    let (provider, endpoint) = (text.get(..at)?, text.get(at.saturating_add(1)..)?);
    (!provider.is_empty()).then_some((provider, endpoint))
}

/// Of several lists one; a build without any of the features has none.
fn in_turn<T, const N: usize>(lists: [Vec<T>; N]) -> Vec<T> {
    lists.into_iter().flatten().collect()
}
