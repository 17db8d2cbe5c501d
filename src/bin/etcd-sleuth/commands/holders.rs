//! Who holds keys, as the command line names them.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use etcd_sleuth::envelope::Provider;
use etcd_sleuth::kms::{Asking, EncryptionConfig, EncryptionContexts, Ledger, Pace, Patience, Plan, Ring, Unwrapper};
use etcd_sleuth::report::escape::terminal;
use zeroize::Zeroizing;

use crate::args::Global;
use crate::interrupt;
use crate::key_args::Holders;
use crate::output;

/// Reads configurations. What is wrong with one key is said, and the others are used.
pub(super) fn read_configs(paths: &[impl AsRef<Path>]) -> anyhow::Result<Vec<EncryptionConfig>> {
    let mut configs = Vec::new();
    for path in paths {
        let path = path.as_ref();
        let bytes = Zeroizing::new(std::fs::read(path).with_context(|| path.display().to_string())?);
        let config = EncryptionConfig::read(&bytes).with_context(|| path.display().to_string())?;
        for problem in config.problems() {
            let text = format!("{}: {problem}", path.display());
            output::say(&format!("warning: {}; the rest of it is used\n", terminal(&text)));
        }
        configs.push(config);
    }
    Ok(configs)
}

#[cfg(feature = "aws-kms")]
pub(super) fn contexts(holders: &Holders) -> anyhow::Result<EncryptionContexts> {
    let parse = |text: &str| EncryptionContexts::parse(text).map_err(anyhow::Error::msg);
    let of_all = holders.encryption_context.as_deref().map(parse).transpose().context("--encryption-context")?.unwrap_or_default();
    let mut of_provider = std::collections::BTreeMap::new();
    for pair in holders.encryption_context_for.chunks(2) {
        if let [provider, context] = pair {
            of_provider.insert(provider.clone(), parse(context).context("--encryption-context-for")?);
        }
    }
    Ok(EncryptionContexts { of_all, of_provider })
}

#[cfg(not(feature = "aws-kms"))]
#[expect(clippy::unnecessary_wraps, reason = "the other build reads arguments")]
pub(super) fn contexts(_: &Holders) -> anyhow::Result<EncryptionContexts> {
    Ok(EncryptionContexts::default())
}

/// Those who can be asked. A plugin is named for one provider, so it goes before whoever takes all that look like its own.
pub(super) fn unwrappers(holders: &Holders, contexts: EncryptionContexts) -> anyhow::Result<Vec<Box<dyn Unwrapper>>> {
    let timeout = Duration::try_from_secs_f64(holders.timeout).ok().filter(|timeout| !timeout.is_zero()).context("--timeout")?;
    let mut unwrappers = plugins(holders, timeout)?;
    unwrappers.extend(aws(holders, contexts, timeout)?);
    Ok(unwrappers)
}

/// `PROVIDER=ENDPOINT`; a provider's name may hold anything but what an endpoint begins with.
#[cfg(feature = "kms-plugin")]
fn plugin_of(text: &str) -> anyhow::Result<(&str, &str)> {
    let at = text.rfind("=unix:").or_else(|| text.rfind("=/")).or_else(|| text.rfind("=@"));
    let split = at.and_then(|at| Some((text.get(..at)?, text.get(at.saturating_add(1)..)?)));
    split.filter(|(provider, _)| !provider.is_empty()).context("--kms-plugin: expected PROVIDER=unix:///SOCKET")
}

#[cfg(feature = "kms-plugin")]
fn plugins(holders: &Holders, timeout: Duration) -> anyhow::Result<Vec<Box<dyn Unwrapper>>> {
    use etcd_sleuth::kms::plugin::{Plugin, Socket};
    let plugin = |text: &String| -> anyhow::Result<Box<dyn Unwrapper>> {
        let (provider, endpoint) = plugin_of(text)?;
        let socket = Socket::parse(endpoint).with_context(|| format!("--kms-plugin {provider}"))?;
        Ok(Box::new(Plugin::new(provider, socket, timeout)?))
    };
    holders.kms_plugin.iter().map(plugin).collect()
}

#[cfg(not(feature = "kms-plugin"))]
#[expect(clippy::unnecessary_wraps, reason = "the other build reads arguments")]
fn plugins(_: &Holders, _: Duration) -> anyhow::Result<Vec<Box<dyn Unwrapper>>> {
    Ok(Vec::new())
}

/// Providers that a plugin was named for.
#[cfg(feature = "kms-plugin")]
pub(super) fn plugin_names(holders: &Holders) -> Vec<String> {
    holders.kms_plugin.iter().filter_map(|text| Some(plugin_of(text).ok()?.0.to_owned())).collect()
}

#[cfg(not(feature = "kms-plugin"))]
pub(super) fn plugin_names(_: &Holders) -> Vec<String> {
    Vec::new()
}

#[cfg(feature = "aws-kms")]
fn aws(holders: &Holders, contexts: EncryptionContexts, timeout: Duration) -> anyhow::Result<Option<Box<dyn Unwrapper>>> {
    use etcd_sleuth::kms::aws::{AwsKms, AwsOptions};
    if !holders.aws_kms {
        return Ok(None);
    }
    Ok(Some(Box::new(AwsKms::new(AwsOptions {
        profile: holders.aws_profile.clone(),
        region: holders.aws_region.clone(),
        contexts,
        use_instance_metadata: holders.aws_instance_metadata,
        timeout: Some(timeout),
    })?)))
}

#[cfg(not(feature = "aws-kms"))]
#[expect(clippy::unnecessary_wraps, reason = "the other build reads arguments")]
fn aws(_: &Holders, _: EncryptionContexts, _: Duration) -> anyhow::Result<Option<Box<dyn Unwrapper>>> {
    Ok(None)
}

/// Names of keys and providers that the user gave in any way.
pub(super) fn given_names(configs: &[EncryptionConfig], holders: &Holders, contexts: &EncryptionContexts) -> Vec<(Provider, String)> {
    let mut names = names_of(configs);
    let of_kms = contexts.of_provider.keys().cloned().chain(plugin_names(holders));
    names.extend(of_kms.flat_map(|name| kms_names(&name)));
    names
}

/// The name of a KMS plugin, under every version that it may be.
pub(super) fn kms_names(name: &str) -> Vec<(Provider, String)> {
    Provider::all().filter(|provider| provider.is_kms()).map(|provider| (provider, name.to_owned())).collect()
}

/// Names that configurations give.
pub(super) fn names_of(configs: &[EncryptionConfig]) -> Vec<(Provider, String)> {
    let local = configs.iter().flat_map(EncryptionConfig::local_keys).map(|(provider, key)| (provider, key.name.clone()));
    let kms = configs.iter().flat_map(EncryptionConfig::kms_providers).map(|kms| (kms.provider, kms.name.clone()));
    local.chain(kms).collect()
}

/// Asks about every DEK source of a plan. The first interrupt ends the asking, and what is known is told.
pub(super) fn ask(plan: &Plan, unwrappers: &mut [Box<dyn Unwrapper>], holders: &Holders, global: &Global) -> anyhow::Result<Ring> {
    let mut ledger = holders.ledger.as_deref().map(Ledger::open).transpose()?;
    let bar = output::count_bar(plan.len() as u64, !global.quiet && !global.no_progress && !unwrappers.is_empty());
    let on_source = || bar.inc(1);
    let ring = interrupt::stopping(|stopped| {
        let is_stopped = || stopped.load(Ordering::Relaxed);
        let asking = Asking {
            pace: Pace::per_second(holders.rate),
            patience: Patience::default(),
            max_calls: holders.max_calls,
            ledger: ledger.as_mut(),
            is_stopped: &is_stopped,
            on_source: &on_source,
        };
        Ring::unwrap(plan, unwrappers, asking)
    })?;
    bar.finish_and_clear();
    Ok(ring)
}
