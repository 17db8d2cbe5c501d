//! Who holds keys, as the command line names them.

use std::path::Path;

use etcd_sleuth::case;
#[cfg(feature = "aws-kms")]
use etcd_sleuth::kms::EncryptionContexts;
#[cfg(feature = "aws-kms")]
use etcd_sleuth::kms::aws::AwsOptions;
use etcd_sleuth::kms::{EncryptionConfig, GivenError, HolderOptions, Unwrapper};
use etcd_sleuth::render::escape::terminal;

use crate::key_args::Holders;
use crate::telling;

/// Keys, and those who can be asked for them.
pub(crate) struct Given {
    configs: Vec<EncryptionConfig>,
    options: HolderOptions,
    unwrappers: Vec<Box<dyn Unwrapper>>,
}

impl Given {
    /// Reads configurations, and gets ready to ask. Nobody is asked.
    pub(crate) fn read(holders: &Holders) -> Result<Self, GivenError> {
        let configs = read_configs(&holders.encryption_config)?;
        let options = options(holders)?;
        let unwrappers = options.unwrappers()?;
        Ok(Self { configs, options, unwrappers })
    }

    pub(crate) fn is_nothing(&self) -> bool {
        self.configs.is_empty() && self.unwrappers.is_empty()
    }

    /// What of it a question takes along.
    pub(crate) fn holders(&mut self, holders: &Holders) -> case::Holders<'_> {
        case::Holders {
            configs: &self.configs,
            unwrappers: &mut self.unwrappers,
            named: self.options.names(),
            contexts: self.options.contexts(),
            rate: holders.rate(),
            max_calls: Some(holders.max_calls()),
            kms_keys: Vec::new(),
            ledger: holders.ledger.clone(),
        }
    }
}

/// Reads configurations. What is wrong with one key is said, and the others are used.
pub(crate) fn read_configs(paths: &[impl AsRef<Path>]) -> Result<Vec<EncryptionConfig>, GivenError> {
    let read = |path: &Path| {
        let config = EncryptionConfig::open(path)?;
        for problem in config.problems() {
            let text = format!("{}: {problem}", path.display());
            telling::say(&format!("warning: {}; no API server takes this configuration; the rest of it is used\n", terminal(&text)));
        }
        Ok(config)
    };
    paths.iter().map(|path| read(path.as_ref())).collect()
}

#[cfg_attr(not(feature = "aws-kms"), expect(clippy::unnecessary_wraps, reason = "the other build reads arguments"))]
fn options(holders: &Holders) -> Result<HolderOptions, GivenError> {
    Ok(HolderOptions {
        #[cfg(feature = "kms-plugin")]
        plugins: holders.kms_plugin.clone(),
        #[cfg(feature = "aws-kms")]
        aws: holders.aws_kms.clone().map(|providers| aws(holders, providers)).transpose()?,
        timeout: holders.timeout(),
    })
}

#[cfg(feature = "aws-kms")]
fn aws(holders: &Holders, providers: Vec<String>) -> Result<AwsOptions, GivenError> {
    let named = holders.encryption_context_for.chunks(2);
    let named = named.filter_map(|pair| if let [whose, context] = pair { Some((whose.as_str(), context.as_str())) } else { None });
    Ok(AwsOptions {
        profile: holders.aws_profile.clone(),
        regions: holders.aws_region.clone(),
        contexts: EncryptionContexts::given(&holders.encryption_context, named)?,
        providers,
        case: holders.case.clone(),
        use_instance_metadata: holders.aws_instance_metadata,
        timeout: None,
    })
}
