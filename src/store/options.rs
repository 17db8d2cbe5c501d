//! How an evidence is read.

use crate::envelope::Provider;

/// How an evidence is read.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// Prefixes of the API server's keys; empty: those that the keys themselves show.
    pub prefixes: Vec<String>,
    /// Names of keys and providers that are known to be in use.
    pub names: KnownNames,
    /// How far what etcd no longer shows is looked for.
    pub residue: ResidueMode,
    /// Whether a database is to be held against others of its cluster: a [`Case`](crate::case::Case) does so wherever it reads several.
    pub history: bool,
    /// Whether everything is looked at by itself, also where all of it together proves that nothing is odd. The answer is the same.
    pub is_careful: bool,
}

/// Names of keys and providers that are known to be in use, as a configuration or whoever asks gives them.
#[derive(Clone, Debug, Default)]
pub struct KnownNames(pub(crate) Vec<(Provider, String)>);

/// How far what etcd no longer shows is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResidueMode {
    /// Not at all.
    Off,
    /// On pages whose header still stands.
    Pages,
    /// Everywhere in the file.
    #[default]
    Full,
}

impl ResidueMode {
    /// Every mode, the least first.
    pub const ALL: [Self; 3] = [Self::Off, Self::Pages, Self::Full];

    /// The word of the option.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Pages => "pages",
            Self::Full => "full",
        }
    }
}
