//! The arguments of what looks for Secrets: `scan` and `carve`.

use std::path::PathBuf;

use etcd_sleuth::case::Plan;
use etcd_sleuth::finding::FailOn;
use etcd_sleuth::render::RunInfo;
use etcd_sleuth::store::{ReadOptions, ResidueMode};

use crate::shared_args::{ANSWER, NAMED, Names, OUTPUT, READING, Reading, SCOPE, Writing, one_of};

#[derive(Debug, clap::Args)]
pub(crate) struct ScanArgs {
    /// Snapshots, databases, data directories, files of a log; plain or packed (gzip, zstd, zip, tar, base64); - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) search: Search,
    /// How far what etcd no longer shows is looked for: pages looks at free pages whose header still stands
    #[arg(long, value_parser = one_of(&ResidueMode::ALL, ResidueMode::name), default_value = ResidueMode::Full.name(), help_heading = SCOPE)]
    residue: ResidueMode,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CarveArgs {
    /// Any files, plain or packed (gzip, zstd, zip, tar, base64); - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) search: Search,
}

/// What both are asked: which objects are looked for, what counts as found, how evidence is read, where results go.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Search {
    /// Which objects: secrets, all, or a list such as secrets,configmaps,deployments.apps
    #[arg(long, value_name = "LIST", default_value = "secrets", help_heading = SCOPE)]
    resources: String,
    #[command(flatten, next_help_heading = SCOPE)]
    names: Names,
    /// From where on a plaintext Secret gives exit code 2
    #[arg(long, value_parser = one_of(&FailOn::ALL, FailOn::name), default_value = FailOn::Any.name(), help_heading = ANSWER)]
    pub(crate) fail_on: FailOn,
    /// Exit with 0 whatever is found (errors still give 1)
    #[arg(long, help_heading = ANSWER)]
    pub(crate) exit_zero: bool,
    #[command(flatten, next_help_heading = READING)]
    reading: Reading,
    /// Also write a list for those who rotate: every Secret that can be read, the most urgent first (CSV, a new file, mode 0600)
    #[arg(long, value_name = "FILE", help_heading = OUTPUT)]
    pub(crate) rotate_list: Option<PathBuf>,
    #[command(flatten, next_help_heading = OUTPUT)]
    pub(crate) writing: Writing,
}

impl ScanArgs {
    pub(crate) fn plan(&self) -> Plan {
        let plan = self.search.plan();
        Plan { read: ReadOptions { residue: self.residue, ..plan.read }, ..plan }
    }

    pub(crate) fn run_info(&self) -> RunInfo {
        self.search.note(RunInfo::of("scan")).text("residue", Some(self.residue.name()))
    }
}

impl CarveArgs {
    pub(crate) fn plan(&self) -> Plan {
        Plan { as_image: true, ..self.search.plan() }
    }

    pub(crate) fn run_info(&self) -> RunInfo {
        self.search.note(RunInfo::of("carve"))
    }
}

impl Search {
    /// Secrets are listed by name: all of them where a list is written.
    fn plan(&self) -> Plan {
        let named = if self.rotate_list.is_some() { usize::MAX } else { NAMED };
        Plan { named, ..self.reading.plan(self.names.scope(&self.resources), &self.resources) }
    }

    fn note(&self, options: RunInfo) -> RunInfo {
        let options = self
            .reading
            .note(options)
            .text("resources", Some(&self.resources))
            .text("fail-on", Some(self.fail_on.name()))
            .flag("exit-zero", self.exit_zero);
        self.names.note(options)
    }
}
