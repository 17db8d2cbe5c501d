//! What a run is asked for.

use globset::GlobMatcher;

use crate::kubernetes::StorageKey;

/// Options of a run over one evidence.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Which objects are looked at.
    pub scope: Scope,
    /// Prefixes of the API server's keys; empty: those that the keys themselves show.
    pub prefixes: Vec<String>,
    /// Whether the evidence is hashed.
    pub digest: DigestMode,
    /// How far what etcd no longer shows is looked for.
    pub residue: ResidueMode,
    /// Whether the database is to be held against others of its cluster.
    pub history: bool,
}

impl Options {
    /// What of these options leaves objects out beyond the usual, in words; `None`: nothing does.
    pub fn filter(&self) -> Option<String> {
        let Self { scope, prefixes, .. } = self;
        let resources = match &scope.resources {
            Resources::Secrets | Resources::All => None,
            Resources::List(list) => Some(format!("resources {}", list.join(","))),
        };
        let glob = |what: &str, glob: &Option<GlobMatcher>| glob.as_ref().map(|glob| format!("{what} {}", glob.glob()));
        let prefixes = (!prefixes.is_empty()).then(|| format!("prefix {}", prefixes.join(" or ")));
        let words = [resources, glob("namespace", &scope.namespace), glob("name", &scope.name), prefixes];
        let words: Vec<String> = words.into_iter().flatten().collect();
        (!words.is_empty()).then(|| words.join(", "))
    }
}

/// How far what etcd no longer shows is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    /// The word of the option.
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Pages => "pages",
            Self::Full => "full",
        }
    }

    /// A number that is larger the farther it looks.
    pub fn reach(self) -> u8 {
        match self {
            Self::Off => 0,
            Self::Pages => 1,
            Self::Full => 2,
        }
    }
}

/// Whether the evidence is hashed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DigestMode {
    /// SHA-256 of the file, and of the content its trailer is about.
    #[default]
    Sha256,
    /// Not at all: the trailer cannot be judged then.
    None,
}

/// Which objects are looked at.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Which resources.
    pub resources: Resources,
    /// Only in namespaces that match.
    pub namespace: Option<GlobMatcher>,
    /// Only with names that match.
    pub name: Option<GlobMatcher>,
}

/// Which resources are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Resources {
    /// Secrets.
    #[default]
    Secrets,
    /// Every value, also those that are no object of the API.
    All,
    /// These group-resources.
    List(Vec<String>),
}

impl Resources {
    /// From the words of the command line: `secrets`, `all`, or a list with commas.
    pub fn given(words: &str) -> Self {
        match words {
            "all" => Self::All,
            "secrets" => Self::Secrets,
            list => Self::List(list.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()),
        }
    }
}

impl Scope {
    /// Everything.
    pub fn all() -> Self {
        Self { resources: Resources::All, ..Self::default() }
    }

    /// Whether the object with this key is looked at; `None` is a key that is no object's.
    pub fn holds(&self, key: Option<&StorageKey<'_>>) -> bool {
        let Some(key) = key else {
            return self.resources == Resources::All && self.namespace.is_none() && self.name.is_none();
        };
        let resource = match &self.resources {
            Resources::All => true,
            Resources::Secrets => key.group_resource.is_secrets(),
            Resources::List(list) => list.iter().any(|word| *word == key.group_resource.0),
        };
        resource
            && self.namespace.as_ref().is_none_or(|glob| glob.is_match(key.namespace.unwrap_or_default()))
            && self.name.as_ref().is_none_or(|glob| glob.is_match(key.name))
    }
}
