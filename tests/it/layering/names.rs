//! What the paths in the files of a crate lead to: another file of it, or another crate.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Module, Role, Source, Written};

/// How many imports a name may go through. Real ones take two or three; a circle of imports would never end.
const MAX_STEPS: usize = 16;

/// A crate whose files are parsed.
#[derive(Default)]
pub(crate) struct Names {
    /// By their paths below the folder of the root.
    files: BTreeMap<String, Source>,
    /// In which file the text of a module stands.
    modules: BTreeMap<Module, String>,
    /// What was imported into a module, by the name it has there.
    imports: BTreeMap<(Module, String), Imported>,
    /// The crates that Cargo.toml gives.
    crates: BTreeSet<String>,
}

struct Imported {
    path: Vec<String>,
    from_crates: bool,
}

/// What a path leads to.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Target {
    /// A path in this crate, from its root on. Empty: the root itself.
    Inside(Vec<String>),
    Crate(String),
}

/// A path of a file that leads out of it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Named {
    pub(crate) file: String,
    pub(crate) target: Target,
    /// As it is written.
    pub(crate) written: String,
    /// Everything in it is imported.
    pub(crate) glob: bool,
}

/// The module whose file this is.
fn module_of(file: &str) -> Module {
    let mut module: Module = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        module.pop();
    }
    module
}

/// The room a file is in: the first folder below the root, or the file there.
pub(crate) fn room_of(file: &str) -> &str {
    file.split('/').next().unwrap_or(file).trim_end_matches(".rs")
}

impl Names {
    /// Of the files of a crate, each by its path below the folder of the root.
    pub(crate) fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>, crates: &BTreeSet<String>) -> Self {
        let mut names = Self { crates: crates.clone(), ..Self::default() };
        for (file, text) in files {
            let source = Source::of(module_of(file), text).unwrap_or_else(|error| panic!("{file}: {error}"));
            for module in &source.modules {
                names.modules.insert(module.clone(), file.to_owned());
            }
            for written in &source.written {
                if let Role::Import { name, .. } = &written.role {
                    let imported = Imported { path: written.path.clone(), from_crates: written.from_crates };
                    names.imports.insert((written.scope.clone(), name.clone()), imported);
                }
            }
            names.files.insert(file.to_owned(), source);
        }
        names
    }

    /// Every path that leads to a place in this crate, or to a crate that Cargo.toml gives.
    pub(crate) fn all(&self) -> BTreeSet<Named> {
        let mut all = BTreeSet::new();
        for (file, source) in &self.files {
            for written in &source.written {
                if let Some(target) = self.target(written) {
                    let glob = written.role == Role::Glob;
                    all.insert(Named { file: file.clone(), target, written: written.path.join("::"), glob });
                }
            }
        }
        all
    }

    /// Which files each file needs, of those that count: where what it names is defined. What a `mod.rs` hands on of the files below
    /// it is none of its own needs.
    pub(crate) fn needs(&self, counts: impl Fn(&str, &str) -> bool) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut needs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (file, source) in &self.files {
            let of_file = needs.entry(file).or_default();
            for written in source.written.iter().filter(|written| !self.is_handed_on(file, written)) {
                if let Some(Target::Inside(path)) = self.target(written)
                    && let Some(other) = self.defining_file(&path, MAX_STEPS)
                    && other != file
                    && counts(file, other)
                {
                    of_file.insert(other);
                }
            }
        }
        needs
    }

    fn is_handed_on(&self, file: &str, written: &Written) -> bool {
        let hub = module_of(file);
        let below = |target| matches!(target, Some(Target::Inside(path)) if path.len() > hub.len() && path.starts_with(&hub));
        file.ends_with("mod.rs") && matches!(written.role, Role::Import { public: true, .. }) && below(self.target(written))
    }

    fn target(&self, written: &Written) -> Option<Target> {
        let own = match &written.role {
            Role::Import { name, .. } => Some(name.as_str()),
            Role::Glob | Role::Mention => None,
        };
        self.resolve(&written.scope, &written.path, written.from_crates, own, MAX_STEPS)
    }

    /// What a path leads to. `own` is the name that an import of this path binds: it does not lead through itself.
    fn resolve(&self, scope: &[String], path: &[String], from_crates: bool, own: Option<&str>, steps: usize) -> Option<Target> {
        let (first, mut rest) = path.split_first()?;
        let crate_of = |name: &String| self.crates.contains(name).then(|| Target::Crate(name.clone()));
        if from_crates {
            return crate_of(first);
        }
        let mut inside = match first.as_str() {
            "crate" => Vec::new(),
            "self" => scope.to_vec(),
            "super" => scope.split_last()?.1.to_vec(),
            name => return self.named(scope, name, rest, own, steps).or_else(|| crate_of(first)),
        };
        while rest.first().is_some_and(|name| name == "super") {
            inside.pop()?;
            rest = &rest[1..];
        }
        inside.extend_from_slice(rest);
        // The root by another name: `use crate as root`, named as `super::root::room`.
        self.through_root(inside, steps)
    }

    /// Follows imports that stand for the root of the crate or a room of it, in a module above.
    fn through_root(&self, inside: Vec<String>, steps: usize) -> Option<Target> {
        for at in 0..inside.len() {
            let (module, name) = (&inside[..at], &inside[at]);
            if self.modules.contains_key(&inside[..=at]) {
                continue;
            }
            if steps > 0
                && let Some(imported) = self.imports.get(&(module.to_vec(), name.clone()))
                && let Some(Target::Inside(start)) = self.resolve(module, &imported.path, imported.from_crates, Some(name), steps - 1)
                && (start.is_empty() || start.len() == 1 && at > 0)
            {
                return self.through_root([&start, &inside[at + 1..]].concat(), steps - 1);
            }
            break;
        }
        Some(Target::Inside(inside))
    }

    /// What a path leads to that begins with a name: one that was imported, or a module below.
    fn named(&self, scope: &[String], name: &str, rest: &[String], own: Option<&str>, steps: usize) -> Option<Target> {
        if own != Some(name)
            && steps > 0
            && let Some(imported) = self.imports.get(&(scope.to_vec(), name.to_owned()))
        {
            let path = [&imported.path, rest].concat();
            return self.resolve(scope, &path, imported.from_crates, Some(name), steps - 1);
        }
        let below = [scope, &[name.to_owned()]].concat();
        self.modules.contains_key(&below).then(|| Target::Inside([&below, rest].concat()))
    }

    /// The file where what a path leads to is defined, behind all that hands it on.
    fn defining_file(&self, path: &[String], steps: usize) -> Option<&str> {
        let mut module: Module = Vec::new();
        for (at, name) in path.iter().enumerate() {
            let below = [&module[..], std::slice::from_ref(name)].concat();
            if self.modules.contains_key(&below) {
                module = below;
                continue;
            }
            return match self.named(&module, name, &path[at + 1..], None, steps) {
                Some(Target::Inside(further)) if steps > 0 && further != path => self.defining_file(&further, steps - 1),
                Some(Target::Crate(_)) => None,
                _ => self.modules.get(&module).map(String::as_str),
            };
        }
        self.modules.get(&module).map(String::as_str)
    }
}
