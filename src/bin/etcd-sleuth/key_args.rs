//! The arguments of `keys` and `verify`.

use std::path::PathBuf;

use etcd_sleuth::case::Plan;
use etcd_sleuth::render::RunInfo;
use etcd_sleuth::row::Resources;
use etcd_sleuth::store::{KnownNames, ReadOptions, ResidueMode};

use crate::shared_args::{Names, OUTPUT, READING, Reading, SCOPE, Writing, one_of};

const KEYS_EXAMPLES: &str = "\
Examples:
  etcd-sleuth keys a.db b.db data-dir/                    # every key that anything here names, and how much
  etcd-sleuth keys a.db b.db --retire kms/aws-a/arn:…     # what still needs it, file by file
  etcd-sleuth keys a.db b.db --opens aescbc/key1          # it leaked: what does it open

A key is given as PROVIDER/NAME, PROVIDER/NAME/KEYID, or by its whole key ID.";

const VERIFY_EXAMPLES: &str = "\
Examples:
  etcd-sleuth verify a.db --encryption-config enc.yaml
  etcd-sleuth verify a.db --aws-kms --plan                # how many calls, which keys, the IAM policy; calls nothing
  etcd-sleuth verify a.db --aws-kms=aws-b --encryption-context-for v2/aws-b cluster=prod,tier=1
  etcd-sleuth verify a.db --kms-plugin aws-b=unix:///run/kms.sock
  etcd-sleuth verify a.db --encryption-config enc.yaml --aws-kms --require-key kms/aws-b --resources secrets,configmaps";

#[derive(Clone, Debug, clap::Args)]
#[command(after_help = KEYS_EXAMPLES)]
pub(crate) struct KeysArgs {
    /// Snapshots, databases, data directories, files of a log; plain or packed (gzip, zstd, zip, tar, base64); - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Say whether this key is still needed, and by what
    #[arg(long, value_name = "KEY", conflicts_with = "opens", group = "one_key")]
    pub(crate) retire: Option<String>,
    /// With --retire: the key is meant although no value names it
    #[arg(long, requires = "retire")]
    pub(crate) confirm_unseen: bool,
    /// Two ways to write one KMS key, such as arn:…:alias/NAME=arn:…:key/ID; repeatable
    #[arg(long, value_name = "A=B", requires = "one_key")]
    pub(crate) same_key: Vec<String>,
    /// What `aws kms list-aliases` or `aws kms describe-key` printed, saved as JSON: which ways to write a key mean the same; repeatable
    #[arg(long, value_name = "FILE", requires = "one_key")]
    pub(crate) aws_keys: Vec<PathBuf>,
    /// Say what this key opens
    #[arg(long, value_name = "KEY", group = "one_key")]
    pub(crate) opens: Option<String>,
    /// An EncryptionConfiguration, for the names in it; its keys are not used
    #[arg(long, value_name = "FILE", help_heading = "Keys")]
    pub(crate) encryption_config: Vec<PathBuf>,
    #[command(flatten, next_help_heading = SCOPE)]
    pub(crate) within: Within,
    #[command(flatten, next_help_heading = READING)]
    pub(crate) reading: Reading,
    #[command(flatten, next_help_heading = OUTPUT)]
    pub(crate) writing: Writing,
}

#[derive(Debug, clap::Args)]
#[command(after_help = VERIFY_EXAMPLES)]
pub(crate) struct VerifyArgs {
    /// Snapshots, databases, data directories, files of a log; plain or packed (gzip, zstd, zip, tar, base64); - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten, next_help_heading = "Keys, and whom to ask")]
    pub(crate) holders: Holders,
    /// The key that current values are to be under [default: the first provider of the EncryptionConfiguration; of KMS v2 with the key ID
    /// that its plugin names, or the only one there is]
    #[arg(long, value_name = "KEY")]
    pub(crate) require_key: Option<String>,
    /// Only say how many calls it takes, to which keys, and which IAM policy allows them
    #[arg(long)]
    pub(crate) plan: bool,
    /// With --plan: ARN of a key that values do not name (KMS v1, an alias), for the policy; repeatable
    #[cfg(feature = "aws-kms")]
    #[arg(long, value_name = "ARN", requires_all = ["aws_kms", "plan"], value_parser = key_arn)]
    kms_key: Vec<String>,
    #[command(flatten, next_help_heading = SCOPE)]
    pub(crate) within: Within,
    #[command(flatten, next_help_heading = READING)]
    pub(crate) reading: Reading,
    #[command(flatten, next_help_heading = OUTPUT)]
    pub(crate) writing: Writing,
}

/// Which objects, and how far residue is looked for.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Within {
    /// Which objects: secrets, all, or a list such as secrets,configmaps,deployments.apps
    #[arg(long, value_name = "LIST", default_value = "all")]
    pub(crate) resources: String,
    #[command(flatten)]
    names: Names,
    /// How far what etcd no longer shows is looked for: pages looks at free pages whose header still stands
    #[arg(long, value_parser = one_of(&ResidueMode::ALL, ResidueMode::name), default_value = ResidueMode::Full.name())]
    residue: ResidueMode,
}

/// Who holds keys.
#[derive(Debug, clap::Args)]
pub(crate) struct Holders {
    /// An EncryptionConfiguration in YAML or JSON, with its keys; what several disagree about is not known
    #[arg(long, value_name = "FILE")]
    pub(crate) encryption_config: Vec<PathBuf>,
    /// Ask AWS KMS: region, profile, endpoint and credentials as every AWS tool takes them; with providers' names about nothing of others,
    /// else about all that looks like AWS's
    #[cfg(feature = "aws-kms")]
    #[arg(long, value_name = "PROVIDER,…", num_args = 0.., require_equals = true, value_delimiter = ',', value_parser = name)]
    pub(crate) aws_kms: Option<Vec<String>>,
    /// A profile of the shared AWS configuration
    #[cfg(feature = "aws-kms")]
    #[arg(long, value_name = "NAME", requires = "aws_kms")]
    pub(crate) aws_profile: Option<String>,
    /// Where to ask about what names no region (KMS v1, a key ID that is no ARN); several are tried in turn [default: as configured]
    #[cfg(feature = "aws-kms")]
    #[arg(long, value_name = "REGION,…", value_delimiter = ',', value_parser = name, requires = "aws_kms")]
    pub(crate) aws_region: Vec<String>,
    /// Also ask the instance-metadata service for credentials and region
    #[cfg(feature = "aws-kms")]
    #[arg(long, requires = "aws_kms")]
    pub(crate) aws_instance_metadata: bool,
    /// Encryption context that AWS providers' plugins were given, or none; repeated: tried in turn
    #[cfg(feature = "aws-kms")]
    #[arg(long, value_name = "K=V,…", requires = "aws_kms")]
    pub(crate) encryption_context: Vec<String>,
    /// The same of one PROVIDER, of one of its API versions (v1/PROVIDER, v2/PROVIDER), or of a key ID; the narrowest that fits is tried
    #[cfg(feature = "aws-kms")]
    #[arg(long, value_names = ["WHOSE", "K=V,…"], num_args = 2, action = clap::ArgAction::Append, requires = "aws_kms")]
    pub(crate) encryption_context_for: Vec<String>,
    /// Ask the KMS plugin of a provider over its socket
    #[cfg(feature = "kms-plugin")]
    #[arg(long, value_name = "PROVIDER=unix:///SOCKET")]
    pub(crate) kms_plugin: Vec<String>,
    /// Number of the case: AWS then hears of etcd-sleuth-CASE, and CloudTrail tells these calls from others
    #[cfg(feature = "aws-kms")]
    #[arg(long, value_name = "CASE", requires = "aws_kms")]
    pub(crate) case: Option<String>,
    /// Calls a second; the quota is shared with production, and the first throttled call halves it [default: 20]
    #[arg(long, value_name = "N")]
    rate: Option<f64>,
    /// At most so many calls in all [default: 1000]
    #[arg(long, value_name = "N")]
    max_calls: Option<u64>,
    /// Seconds that one call may take [default: 10]
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<f64>,
    /// Note every call in this file, never a key; what it says has opened is not asked about again, where it is the same bytes
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: Option<PathBuf>,
}

impl Within {
    fn plan(&self, reading: &Reading, names: KnownNames) -> Plan {
        let plan = reading.plan(self.names.scope(&self.resources), &self.resources);
        Plan { usual: Resources::All, read: ReadOptions { residue: self.residue, names, ..plan.read }, ..plan }
    }

    fn note(&self, options: RunInfo) -> RunInfo {
        self.names.note(options.text("resources", Some(&self.resources)).text("residue", Some(self.residue.name())))
    }
}

impl KeysArgs {
    pub(crate) fn plan(&self, names: KnownNames) -> Plan {
        self.within.plan(&self.reading, names)
    }

    pub(crate) fn run_info(&self) -> RunInfo {
        let options = RunInfo::of("keys").text("retire", self.retire.as_deref()).text("opens", self.opens.as_deref());
        let options = options.flag("confirm-unseen", self.confirm_unseen).paths("encryption-config", &self.encryption_config);
        let options = options.list("same-key", &self.same_key).paths("aws-keys", &self.aws_keys);
        self.within.note(self.reading.note(options))
    }
}

/// A name in a list.
#[cfg(feature = "aws-kms")]
fn name(text: &str) -> Result<String, &'static str> {
    if text.is_empty() { Err("expected a name, or several with commas between them") } else { Ok(text.to_owned()) }
}

/// The ARN of one key: a policy over a pattern would allow more than the values need.
#[cfg(feature = "aws-kms")]
fn key_arn(text: &str) -> Result<String, &'static str> {
    match etcd_sleuth::kms::is_key_arn(text) {
        true => Ok(text.to_owned()),
        false => Err("expected the ARN of one key, arn:aws:kms:REGION:ACCOUNT:key/ID; no alias, and no pattern"),
    }
}

impl VerifyArgs {
    pub(crate) fn plan(&self, names: KnownNames) -> Plan {
        self.within.plan(&self.reading, names)
    }

    /// Keys that the user names for the policy.
    pub(crate) fn kms_keys(&self) -> Vec<String> {
        #[cfg(feature = "aws-kms")]
        let keys = self.kms_key.clone();
        #[cfg(not(feature = "aws-kms"))]
        let keys = Vec::new();
        keys
    }

    pub(crate) fn run_info(&self) -> RunInfo {
        let options = RunInfo::of("verify")
            .text("require-key", self.require_key.as_deref())
            .flag("plan", self.plan)
            .list("kms-key", &self.kms_keys());
        self.within.note(self.reading.note(self.holders.note(options)))
    }
}

impl Holders {
    pub(crate) fn rate(&self) -> f64 {
        self.rate.unwrap_or(20.0)
    }

    pub(crate) fn max_calls(&self) -> u64 {
        self.max_calls.unwrap_or(1_000)
    }

    pub(crate) fn timeout(&self) -> f64 {
        self.timeout.unwrap_or(10.0)
    }

    /// The first option that says whom to ask, or how: where nobody is asked it cannot act.
    pub(crate) fn asking(&self) -> Option<&'static str> {
        let given = [
            ("--rate", self.rate.is_some()),
            ("--max-calls", self.max_calls.is_some()),
            ("--timeout", self.timeout.is_some()),
            ("--ledger", self.ledger.is_some()),
            #[cfg(feature = "aws-kms")]
            ("--aws-kms", self.aws_kms.is_some()),
            #[cfg(feature = "kms-plugin")]
            ("--kms-plugin", !self.kms_plugin.is_empty()),
        ];
        given.into_iter().find(|(_, is_given)| *is_given).map(|(name, _)| name)
    }

    /// Whom a run may ask, and how often; never a key.
    pub(crate) fn note(&self, options: RunInfo) -> RunInfo {
        let options =
            options.paths("encryption-config", &self.encryption_config).decimal("rate", self.rate()).decimal("timeout", self.timeout());
        let options = options.number("max-calls", Some(self.max_calls()));
        let options = options.text("ledger", self.ledger.as_ref().map(|path| path.to_string_lossy()));
        #[cfg(feature = "aws-kms")]
        let options = match &self.aws_kms {
            Some(providers) if !providers.is_empty() => options.list("aws-kms", providers),
            given => options.flag("aws-kms", given.is_some()),
        };
        #[cfg(feature = "aws-kms")]
        let options = options
            .text("aws-profile", self.aws_profile.as_deref())
            .list("aws-region", &self.aws_region)
            .flag("aws-instance-metadata", self.aws_instance_metadata)
            .text("case", self.case.as_deref())
            .list("encryption-context", &self.encryption_context)
            .list("encryption-context-for", &self.encryption_context_for);
        #[cfg(feature = "kms-plugin")]
        let options = options.list("kms-plugin", &self.kms_plugin);
        options
    }
}
