//! Which objects are looked at.

use globset::{Glob, GlobMatcher};

use super::value::{Row, ValueRow};
use crate::kubernetes::{GroupResource, Prefixes, StorageKey};

/// Which objects are looked at.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Which resources.
    pub resources: Resources,
    /// Only in namespaces that match.
    pub namespace: Option<Pattern>,
    /// Only with names that match.
    pub name: Option<Pattern>,
}

/// A pattern for names: `*` stands for any characters, `?` for one, `[ab]` for one of several, `{a,b}` for one of several words.
#[derive(Clone, Debug)]
pub struct Pattern(GlobMatcher);

/// Why text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// The text is none.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        Glob::new(text).map(|glob| Self(glob.compile_matcher())).map_err(|e| PatternError(e.to_string()))
    }

    /// Whether a name fits.
    pub fn is_match(&self, name: &str) -> bool {
        self.0.is_match(name)
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        self.0.glob().glob()
    }
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

    /// Whether objects of a resource are among them.
    fn hold(&self, resource: &GroupResource<'_>) -> bool {
        match self {
            Self::All => true,
            Self::Secrets => resource.is_secrets(),
            Self::List(list) => list.iter().any(|word| *word == resource.0),
        }
    }
}

impl Scope {
    /// Everything.
    pub fn all() -> Self {
        Self { resources: Resources::All, ..Self::default() }
    }

    /// Whether Secrets are all that is looked at.
    pub fn is_secrets_alone(&self) -> bool {
        self.resources == Resources::Secrets
    }

    /// What it leaves out, in words, of what is looked at where nothing is said; nothing where it leaves out nothing.
    pub fn filter(&self, usual: &Resources) -> Vec<String> {
        let resources = match &self.resources {
            Resources::All => None,
            resources if resources == usual => None,
            Resources::Secrets => Some("resources secrets".to_owned()),
            Resources::List(list) => Some(format!("resources {}", list.join(","))),
        };
        let pattern = |what: &str, pattern: &Option<Pattern>| pattern.as_ref().map(|pattern| format!("{what} {}", pattern.as_str()));
        [resources, pattern("namespace", &self.namespace), pattern("name", &self.name)].into_iter().flatten().collect()
    }

    /// Whether a row is looked at.
    pub fn holds(&self, row: &Row<'_>, prefixes: &Prefixes) -> bool {
        prefixes.admit(row.key()) == Some(true)
            && match row {
                Row::Value(value) => self.holds_object(value.storage_key.as_ref()),
                Row::Tombstone(tombstone) => self.holds_object(StorageKey::of(tombstone.key, prefixes).as_ref()),
            }
    }

    /// Whether an object is among those that are looked at; `None` is what no object's key names.
    pub(crate) fn holds_object(&self, key: Option<&StorageKey<'_>>) -> bool {
        let Some(key) = key else {
            return self.resources == Resources::All && self.namespace.is_none() && self.name.is_none();
        };
        self.resources.hold(&key.group_resource)
            && self.namespace.as_ref().is_none_or(|glob| glob.is_match(key.namespace.unwrap_or_default()))
            && self.name.as_ref().is_none_or(|glob| glob.is_match(key.name))
    }

    /// Whether a value that is not held may be of an object that is looked at: its name is lost, and a name is asked for, or its key
    /// is lost, and may have been below a prefix that is not looked at.
    pub fn may_hold(&self, value: &ValueRow<'_>, prefixes: &Prefixes) -> bool {
        let asks_for_names = self.namespace.is_some() || self.name.is_some();
        let is_name_lost = asks_for_names && value.storage_key.as_ref().is_none_or(|key| key.name.is_empty());
        match (prefixes.admit(value.key), &value.storage_key) {
            (Some(false), _) => false,
            (Some(true), _) if !is_name_lost => false,
            (_, Some(key)) if is_name_lost => self.resources.hold(&key.group_resource),
            (_, None) if is_name_lost => self.resources == Resources::All,
            (_, key) => self.holds_object(key.as_ref()),
        }
    }
}
