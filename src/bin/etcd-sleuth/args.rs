//! The arguments as clap reads them.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use etcd_sleuth::case::Plan;
use etcd_sleuth::evidence::Limits;
use etcd_sleuth::render::RunInfo;
use etcd_sleuth::render::recovered::Values;
use etcd_sleuth::row::{Resources, Scope};
use etcd_sleuth::store::{KnownNames, ReadOptions};

use crate::key_args::{Holders, KeysArgs, VerifyArgs};
use crate::scan_args::{CarveArgs, ScanArgs};
use crate::shared_args::{DigestArg, Names, OUTPUT, READING, Reading, SCOPE, Writing};

/// Read an etcd snapshot offline: how is every Kubernetes Secret in it stored, and what is this file?
#[derive(Debug, Parser)]
#[command(name = "etcd-sleuth", version, propagate_version = true, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten, next_help_heading = "Every command")]
    pub(crate) global: Global,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  answered: nothing at or above the threshold, and the input was read completely
  1  error: nothing could be analysed, or wrong usage
  2  found: scan: a plaintext Secret; check: altered, damaged, divergent; keys --retire: still needed; verify: a current value
     under another key than required, or that the given keys provably do not open; show: no such object, or several of that name
  3  cannot say: nothing found, but the input was read only in part, nothing in it matches the
     filter, a key could not be asked, or standard output was closed before its end

Evidence is opened read-only: no lock, no write, no file beside it. No network but where an option names whom to ask.";

#[derive(Debug, clap::Args)]
pub(crate) struct Global {
    /// Print one status line only (for cron)
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Colours: of the verdict, of severities, of errors; auto asks the terminal and NO_COLOR
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = clap::ColorChoice::Auto, global = true)]
    pub(crate) color: clap::ColorChoice,
    /// Show no progress on standard error
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
    /// Threads that read pages, at most four a core [default: one a core]
    #[arg(long, value_name = "N", global = true)]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Largest content taken from standard input or out of a container, such as 500M or 16G
    #[arg(long, value_name = "SIZE", default_value = "8G", value_parser = Limits::parse_size, global = true)]
    pub(crate) max_size: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// How every Secret is stored, and under which key
    #[command(after_help = SCAN_EXAMPLES)]
    Scan(ScanArgs),
    /// Values in any bytes: a volume's image, a memory dump, a broken file
    #[command(after_help = CARVE_EXAMPLES)]
    Carve(CarveArgs),
    /// Integrity only: is this backup whole, was it altered?
    #[command(
        after_help = "Examples:\n  etcd-sleuth check snapshot.db\n  etcd-sleuth check -q /backups/*.db    # one line a file, for cron"
    )]
    Check(CheckArgs),
    /// Every key that anything here names, and what needs it; calls nobody
    Keys(KeysArgs),
    /// Prove which key opens what, and what still needs a key
    Verify(VerifyArgs),
    /// One object: all its revisions, redacted
    #[command(after_help = SHOW_EXAMPLES)]
    Show(ShowArgs),
    /// What can be read of a broken file, as records or as a new database
    #[command(after_help = RECOVER_EXAMPLES)]
    Recover(RecoverArgs),
    /// What every page of the file is
    #[command(
        after_help = "Examples:\n  etcd-sleuth pages snapshot.db\n  etcd-sleuth pages snapshot.db --list | less\n  etcd-sleuth pages snapshot.db --page 4711"
    )]
    Pages(PagesArgs),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one for each command
    Man {
        /// A directory for the pages, such as ~/.local/share/man/man1; those that are there are replaced
        #[arg(value_name = "DIR")]
        directory: Option<PathBuf>,
    },
}

const SCAN_EXAMPLES: &str = "\
Examples:
  etcd-sleuth scan snapshot.db
  etcd-sleuth scan /backups/*.db.gz -q                    # one status line; see the exit code
  etcd-sleuth scan /var/lib/etcd                          # a data directory: database, log, raft snapshots, leftovers
  etcd-sleuth scan snapshot.db --format jsonl -o values.jsonl
  etcd-sleuth scan snapshot.db --resources secrets,configmaps --namespace 'prod-*'
  kubectl exec -n kube-system etcd-0 -- cat /tmp/snap.db | etcd-sleuth scan -";

const CARVE_EXAMPLES: &str = "\
Examples:
  etcd-sleuth carve volume.img
  etcd-sleuth carve core.etcd --resources all --format jsonl -o found.jsonl
  zcat disk.dd.gz | etcd-sleuth carve -                   # held in memory, see --max-size

A value is called a fragment unless it is proven whole: it lies within one block of the file system, its own form says
where it ends, or what follows a value follows it.";

const SHOW_EXAMPLES: &str = "\
Examples:
  etcd-sleuth show snapshot.db prod/db-password           # a Secret
  etcd-sleuth show snapshot.db configmaps/prod/settings
  etcd-sleuth show snapshot.db /registry/secrets/prod/db-password
  etcd-sleuth show snapshot.db prod/db-password --reveal -o db-password.json   # with its values
  etcd-sleuth show snapshot.db prod/db-password --reveal --encryption-config enc.yaml";

const RECOVER_EXAMPLES: &str = "\
Examples:
  etcd-sleuth recover damaged.db -o rescued.jsonl                    # what there is, without the values
  etcd-sleuth recover damaged.db -o rescued.jsonl --reveal           # with them, as objects where they can be read
  etcd-sleuth recover damaged.db --db rescued.db                     # a new snapshot: etcdutl snapshot restore rescued.db
  etcd-sleuth recover emptied.db --db rescued.db -o rescued.jsonl --include-residue   # also what the tree no longer has

What was deleted is brought back by --include-residue alone, and marked in the records, as is what may have been deleted
or written again on a page that is lost. A new database holds every value, and cannot mark any.";

#[derive(Debug, clap::Args)]
pub(crate) struct CheckArgs {
    /// Snapshots, databases, data directories, files of a log; plain or packed (gzip, zstd, zip, tar, base64); - is standard input
    #[arg(required_unless_present = "limits", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Print every limit of this tool, and what is said of a file that passes it
    #[arg(long, conflicts_with_all = ["files", "format", "output", "force", "etcd_prefix", "digest"])]
    pub(crate) limits: bool,
    #[command(flatten, next_help_heading = READING)]
    pub(crate) reading: Reading,
    #[command(flatten, next_help_heading = OUTPUT)]
    pub(crate) writing: Writing,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// Snapshots, databases, data directories, files of a log (- is standard input), and last the object: namespace/name of a Secret,
    /// resource/namespace/name, or a whole key
    #[arg(value_names = ["FILE", "OBJECT"], num_args = 2.., required = true)]
    files_and_object: Vec<PathBuf>,
    /// Print the object's values in clear: the newest revision that is stored in plaintext, or that a key opens
    #[arg(long)]
    pub(crate) reveal: bool,
    /// With --reveal: this revision instead of the newest
    #[arg(long, value_name = "N", requires = "reveal")]
    pub(crate) revision: Option<u64>,
    #[command(flatten, next_help_heading = "Keys, with --reveal")]
    pub(crate) holders: Holders,
    #[command(flatten, next_help_heading = READING)]
    pub(crate) reading: Reading,
    #[command(flatten, next_help_heading = OUTPUT)]
    pub(crate) writing: Writing,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RecoverArgs {
    /// A snapshot or database, whole or broken, or a data directory, of which the database is read; - is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Further inputs are refused with the reason.
    #[arg(hide = true)]
    pub(crate) further: Vec<PathBuf>,
    /// Write a new database with what was recovered, values included (mode 0600)
    #[arg(long, value_name = "FILE")]
    pub(crate) db: Option<PathBuf>,
    /// Write the values into the records: objects where they can be read as such, else base64
    #[arg(long)]
    reveal: bool,
    /// With --reveal: all values as they are stored, in base64
    #[arg(long, requires = "reveal")]
    raw: bool,
    /// Also bring back what was deleted, and what the tree does not have
    #[arg(long)]
    pub(crate) include_residue: bool,
    /// Which objects: all, secrets, or a list such as secrets,configmaps,deployments.apps
    #[arg(long, value_name = "LIST", default_value = "all", help_heading = SCOPE)]
    resources: String,
    #[command(flatten, next_help_heading = SCOPE)]
    names: Names,
    /// Prefix of the API server's keys, such as /registry; all other keys are foreign then, and not looked at [default: what the keys
    /// show]
    #[arg(long, value_name = "PREFIX", help_heading = READING)]
    pub(crate) etcd_prefix: Vec<String>,
    /// Write the records (JSON Lines) to a new file (mode 0600) instead of standard output
    #[arg(short, long, value_name = "FILE", help_heading = OUTPUT)]
    pub(crate) output: Option<PathBuf>,
    /// Replace output files that exist
    #[arg(long, help_heading = OUTPUT)]
    pub(crate) force: bool,
}

impl RecoverArgs {
    pub(crate) fn values(&self) -> Values {
        match (self.reveal, self.raw) {
            (false, _) => Values::Hidden,
            (true, false) => Values::Objects,
            (true, true) => Values::Raw,
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct PagesArgs {
    /// Snapshots, databases, or data directories, of which the databases are read; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Also list every run of pages
    #[arg(long)]
    pub(crate) list: bool,
    /// Explain this page: its header, its elements and what is stored on it, without the values
    #[arg(long, value_name = "N", conflicts_with = "list")]
    pub(crate) page: Option<u64>,
    #[command(flatten, next_help_heading = OUTPUT)]
    pub(crate) writing: Writing,
}

impl Global {
    pub(crate) fn limits(&self) -> Limits {
        Limits { max_size: self.max_size }
    }
}

impl CheckArgs {
    pub(crate) fn plan(&self) -> Plan {
        self.reading.plan(Scope::all(), "all")
    }

    pub(crate) fn run_info(&self) -> RunInfo {
        self.reading.note(RunInfo::of("check"))
    }
}

impl ShowArgs {
    /// The last word is the object, all before it are files.
    pub(crate) fn files_and_object(&self) -> anyhow::Result<(&[PathBuf], &str)> {
        let (object, files) = self.files_and_object.split_last().context("expected FILE… OBJECT")?;
        match (object.to_str(), files) {
            (_, []) => bail!("expected FILE… OBJECT: which object is to be shown?"),
            (None, _) => bail!("the object's name is no text"),
            (Some(object), files) => Ok((files, object)),
        }
    }

    pub(crate) fn plan(&self, names: KnownNames) -> Plan {
        let plan = self.reading.plan(Scope::all(), "all");
        Plan { read: ReadOptions { names, ..plan.read }, ..plan }
    }

    pub(crate) fn run_info(&self, object: &str) -> RunInfo {
        self.holders.note(self.reading.note(RunInfo::of("show"))).text("object", Some(object))
    }
}

impl PagesArgs {
    pub(crate) fn plan(&self) -> Plan {
        let reading = Reading { etcd_prefix: Vec::new(), digest: DigestArg::None, careful: false };
        reading.plan(Scope::all(), "all")
    }

    pub(crate) fn run_info(&self) -> RunInfo {
        RunInfo::of("pages").number("page", self.page).flag("list", self.list)
    }
}

impl RecoverArgs {
    pub(crate) fn plan(&self) -> Plan {
        let reading = Reading { etcd_prefix: self.etcd_prefix.clone(), digest: DigestArg::Sha256, careful: false };
        let plan = reading.plan(self.names.scope(&self.resources), &self.resources);
        Plan { usual: Resources::All, ..plan }
    }
}
