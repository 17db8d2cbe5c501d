//! Who holds keys, as the command line names them.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use etcd_sleuth::case;
use etcd_sleuth::evidence::limit;
use etcd_sleuth::kms::{EncryptionConfig, EncryptionContexts, SameKeys, Unwrapper};
use etcd_sleuth::render::escape::terminal;
use zeroize::Zeroizing;

use crate::key_args::Holders;
use crate::telling;

/// Keys, and those who can be asked for them.
pub(crate) struct Given {
    configs: Vec<EncryptionConfig>,
    unwrappers: Vec<Box<dyn Unwrapper>>,
    contexts: EncryptionContexts,
}

impl Given {
    /// Reads configurations, and gets ready to ask. Nobody is asked.
    pub(crate) fn read(holders: &Holders) -> anyhow::Result<Self> {
        let configs = read_configs(&holders.encryption_config)?;
        let contexts = contexts(holders)?;
        let unwrappers = unwrappers(holders, contexts.clone())?;
        Ok(Self { configs, unwrappers, contexts })
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.configs.is_empty() && self.unwrappers.is_empty()
    }

    /// What of it a question takes along.
    pub(crate) fn holders(&mut self, holders: &Holders) -> case::Holders<'_> {
        case::Holders {
            configs: &self.configs,
            unwrappers: &mut self.unwrappers,
            named: named(holders),
            contexts: self.contexts.clone(),
            rate: holders.rate(),
            max_calls: Some(holders.max_calls()),
            kms_keys: Vec::new(),
            ledger: holders.ledger.clone(),
        }
    }
}

/// Reads configurations. What is wrong with one key is said, and the others are used.
pub(crate) fn read_configs(paths: &[impl AsRef<Path>]) -> anyhow::Result<Vec<EncryptionConfig>> {
    let mut configs = Vec::new();
    for path in paths {
        let path = path.as_ref();
        let bytes = bounded(path, limit::CONFIGURATION).with_context(|| path.display().to_string())?;
        let config = EncryptionConfig::read(&bytes).with_context(|| path.display().to_string())?;
        for problem in config.problems() {
            let text = format!("{}: {problem}", path.display());
            telling::say(&format!("warning: {}; no API server takes this configuration; the rest of it is used\n", terminal(&text)));
        }
        configs.push(config);
    }
    Ok(configs)
}

/// Reads what is known of keys that are written in several ways.
pub(crate) fn same_keys(pairs: &[String], saved: &[impl AsRef<Path>]) -> anyhow::Result<SameKeys> {
    let mut same = SameKeys::default();
    for pair in pairs {
        same.add_pair(pair).with_context(|| format!("--same-key {pair}"))?;
    }
    for path in saved {
        let path = path.as_ref();
        let bytes = bounded(path, limit::CONFIGURATION).with_context(|| path.display().to_string())?;
        if bytes.len() > limit::CONFIGURATION {
            bail!("{}: more than {} bytes, which no saved answer about keys has", path.display(), limit::CONFIGURATION);
        }
        same.add_saved(&bytes).with_context(|| path.display().to_string())?;
    }
    Ok(same)
}

/// A file's bytes, and one more where it has more than `most`: a device without an end is read no further.
pub(crate) fn bounded(path: &Path, most: usize) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    std::fs::File::open(path)?.take((most as u64).saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(feature = "aws-kms")]
fn contexts(holders: &Holders) -> anyhow::Result<EncryptionContexts> {
    let parse = |text: &str| EncryptionContexts::parse(text).map_err(anyhow::Error::msg);
    let mut contexts = EncryptionContexts::default();
    for context in &holders.encryption_context {
        contexts.add(parse(context).context("--encryption-context")?);
    }
    for pair in holders.encryption_context_for.chunks(2) {
        if let [whose, context] = pair {
            contexts.add_for(whose, parse(context).with_context(|| format!("--encryption-context-for {whose}"))?);
        }
    }
    Ok(contexts)
}

#[cfg(not(feature = "aws-kms"))]
#[expect(clippy::unnecessary_wraps, reason = "the other build reads arguments")]
fn contexts(_: &Holders) -> anyhow::Result<EncryptionContexts> {
    Ok(EncryptionContexts::default())
}

/// Those who can be asked. A plugin is named for one provider, so it goes before whoever takes all that look like its own.
fn unwrappers(holders: &Holders, contexts: EncryptionContexts) -> anyhow::Result<Vec<Box<dyn Unwrapper>>> {
    let timeout = Duration::try_from_secs_f64(holders.timeout()).ok().filter(|timeout| !timeout.is_zero());
    let timeout = timeout.context("--timeout: expected seconds, more than 0")?;
    let mut unwrappers = plugins(holders, timeout)?;
    unwrappers.extend(aws(holders, contexts, timeout)?);
    Ok(unwrappers)
}

/// `PROVIDER=ENDPOINT`; a provider's name may hold anything but what an endpoint begins with. What begins with none is taken apart all the
/// same, so that it can be said what is wrong with it.
#[cfg(feature = "kms-plugin")]
fn plugin_of(text: &str) -> anyhow::Result<(&str, &str)> {
    let at = text.to_ascii_lowercase().rfind("=unix:").or_else(|| text.rfind("=/")).or_else(|| text.rfind('='));
    let split = at.and_then(|at| Some((text.get(..at)?, text.get(at.saturating_add(1)..)?)));
    split.filter(|(provider, _)| !provider.is_empty()).context("--kms-plugin: expected PROVIDER=unix:///SOCKET")
}

#[cfg(feature = "kms-plugin")]
fn plugins(holders: &Holders, timeout: Duration) -> anyhow::Result<Vec<Box<dyn Unwrapper>>> {
    use etcd_sleuth::kms::plugin::{Plugin, Socket};
    let plugin = |text: &String| -> anyhow::Result<Box<dyn Unwrapper>> {
        let (provider, endpoint) = plugin_of(text)?;
        let socket = Socket::parse(endpoint).with_context(|| format!("--kms-plugin {provider}={endpoint}"))?;
        Ok(Box::new(Plugin::new(provider, socket, timeout)?))
    };
    holders.kms_plugin.iter().map(plugin).collect()
}

#[cfg(not(feature = "kms-plugin"))]
#[expect(clippy::unnecessary_wraps, reason = "the other build reads arguments")]
fn plugins(_: &Holders, _: Duration) -> anyhow::Result<Vec<Box<dyn Unwrapper>>> {
    Ok(Vec::new())
}

/// Providers that somebody was named for.
fn named(holders: &Holders) -> Vec<String> {
    [plugin_names(holders), aws_names(holders)].concat()
}

#[cfg(feature = "kms-plugin")]
fn plugin_names(holders: &Holders) -> Vec<String> {
    holders.kms_plugin.iter().filter_map(|text| Some(plugin_of(text).ok()?.0.to_owned())).collect()
}

#[cfg(not(feature = "kms-plugin"))]
fn plugin_names(_: &Holders) -> Vec<String> {
    Vec::new()
}

#[cfg(feature = "aws-kms")]
fn aws_names(holders: &Holders) -> Vec<String> {
    holders.aws_kms.clone().unwrap_or_default()
}

#[cfg(not(feature = "aws-kms"))]
fn aws_names(_: &Holders) -> Vec<String> {
    Vec::new()
}

#[cfg(feature = "aws-kms")]
fn aws(holders: &Holders, contexts: EncryptionContexts, timeout: Duration) -> anyhow::Result<Option<Box<dyn Unwrapper>>> {
    use etcd_sleuth::kms::aws::{AwsKms, AwsOptions};
    let Some(providers) = holders.aws_kms.clone() else { return Ok(None) };
    Ok(Some(Box::new(AwsKms::new(AwsOptions {
        profile: holders.aws_profile.clone(),
        regions: holders.aws_region.clone(),
        contexts,
        providers,
        case: holders.case.clone(),
        use_instance_metadata: holders.aws_instance_metadata,
        timeout: Some(timeout),
    })?)))
}

#[cfg(not(feature = "aws-kms"))]
#[expect(clippy::unnecessary_wraps, reason = "the other build reads arguments")]
fn aws(_: &Holders, _: EncryptionContexts, _: Duration) -> anyhow::Result<Option<Box<dyn Unwrapper>>> {
    Ok(None)
}
