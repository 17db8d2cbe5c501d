//! The arguments that several commands take: which objects, how evidence is read, where results go.

use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use etcd_sleuth::case::Plan;
use etcd_sleuth::render::{Format, RunInfo};
use etcd_sleuth::row::{Pattern, Resources, Scope};
use etcd_sleuth::store::ReadOptions;

/// Headings of the help, in the order in which every command has them.
pub(crate) const SCOPE: &str = "What is looked at";
pub(crate) const ANSWER: &str = "Exit code";
pub(crate) const READING: &str = "How evidence is read";
pub(crate) const OUTPUT: &str = "Output";

/// Secrets that can be read, listed by name in the text.
pub(crate) const NAMED: usize = 20;

/// Which namespaces and names.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Names {
    /// Only objects in namespaces that match
    #[arg(long, value_name = "GLOB", value_parser = Pattern::parse)]
    namespace: Option<Pattern>,
    /// Only objects with names that match
    #[arg(long, value_name = "GLOB", value_parser = Pattern::parse)]
    name: Option<Pattern>,
}

impl Names {
    /// The objects of these resources with such names.
    pub(crate) fn scope(&self, resources: &str) -> Scope {
        Scope { resources: Resources::given(resources), namespace: self.namespace.clone(), name: self.name.clone() }
    }
}

/// How evidence is read.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Reading {
    /// Prefix of the API server's keys, such as /registry; all other keys are foreign then, and not looked at [default: what the keys
    /// show]
    #[arg(long, value_name = "PREFIX")]
    pub(crate) etcd_prefix: Vec<String>,
    /// Whether the file is hashed; without it the trailer cannot be judged
    #[arg(long, value_enum, default_value_t = DigestArg::Sha256)]
    pub(crate) digest: DigestArg,
    /// Take no short way where nothing is odd: slower, and the answer is the same
    #[arg(long, hide = true)]
    pub(crate) careful: bool,
}

/// Where results go.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Writing {
    /// text for people; jsonl, json, csv for machines (docs/records.md)
    #[arg(short, long, value_parser = one_of(&Format::ALL, Format::name), default_value = Format::Text.name())]
    pub(crate) format: Format,
    /// Write to a new file (mode 0600) instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace output files that exist
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum DigestArg {
    Sha256,
    None,
}

/// One of the words by which the library calls its own.
pub(crate) fn one_of<T: Copy + Send + Sync + 'static>(all: &'static [T], name: fn(T) -> &'static str) -> impl TypedValueParser<Value = T> {
    let named = move |word: String| all.iter().copied().find(|one| name(*one) == word).ok_or("not one of them");
    PossibleValuesParser::new(all.iter().map(|one| name(*one))).try_map(named)
}

impl Reading {
    pub(crate) fn plan(&self, scope: Scope, resources: &str) -> Plan {
        let read = ReadOptions { prefixes: self.etcd_prefix.clone(), is_careful: self.careful, ..ReadOptions::default() };
        let hash = matches!(self.digest, DigestArg::Sha256);
        Plan { scope, resources: resources.to_owned(), usual: Resources::Secrets, read, hash, as_image: false, named: NAMED }
    }

    pub(crate) fn note(&self, options: RunInfo) -> RunInfo {
        let digest = self.digest.to_possible_value().map(|value| value.get_name().to_owned());
        options.list("etcd-prefix", &self.etcd_prefix).text("digest", digest)
    }
}

impl Names {
    pub(crate) fn note(&self, options: RunInfo) -> RunInfo {
        let text = |pattern: &Option<Pattern>| pattern.as_ref().map(|pattern| pattern.as_str().to_owned());
        options.text("namespace", text(&self.namespace)).text("name", text(&self.name))
    }
}
