//! `docs/public-api.txt` lists what other crates can name: every public item that leads from the root through public modules, once,
//! with its signature; where it has a second name, that one with the first. A change of it is seen in a review.
//!
//! It is read from the source. Left out are trait implementations and what macros make, but for the names of types.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::{Fields, ImplItem, Item, TraitItem, UseTree, Visibility};

/// Names from the root of the crate on.
type Names = Vec<String>;

/// Imports that follow each other, at most.
const MAX_STEPS: usize = 16;

/// A thing with a name in a module, and what is named through it.
#[derive(Default)]
struct Thing {
    is_public: bool,
    signature: String,
    /// Variants, fields and methods, by name.
    members: Vec<(String, String)>,
}

/// A module: what it defines, and what it takes from others.
#[derive(Default)]
struct Module {
    is_public: bool,
    things: BTreeMap<String, Thing>,
    /// The name that it is taken in under, whether for all, and from where.
    imports: BTreeMap<String, (bool, Names)>,
    globs: Vec<(bool, Names)>,
}

/// The module in which methods stand, the path of their type as it is written there, and each with its name and signature.
type Methods = (Names, Names, Vec<(String, String)>);

/// Every module of the library, by its path.
#[derive(Default)]
struct Library {
    modules: BTreeMap<Names, Module>,
    /// Methods, with the path of their type as it is written in a module.
    methods: Vec<Methods>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn with(path: &[String], name: &str) -> Names {
    [path, &[name.to_owned()]].concat()
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn has(attributes: &[syn::Attribute], name: &str) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident(name))
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    let is_test = |list: &syn::MetaList| list.path.is_ident("cfg") && list.tokens.to_string() == "test";
    attributes.iter().any(|attribute| attribute.meta.require_list().is_ok_and(is_test))
}

/// What is written from the line of this name on, up to a body, a value or the end of the item, on one line.
fn written(text: &str, name: &Ident, attributes: &[syn::Attribute]) -> String {
    let line = name.span().start().line - 1;
    let (mut depth, mut said, mut before) = (0i32, String::new(), ' ');
    let rest = text.lines().skip(line).map(str::trim).collect::<Vec<_>>().join("\n");
    for (at, c) in rest.char_indices() {
        let ends = depth == 0 && (matches!(c, '{' | ';' | ',') || c == '=' && before == ' ' && !rest[at..].starts_with("=>"));
        if ends || depth < 0 {
            break;
        }
        depth += match c {
            '(' | '[' | '<' => 1,
            ')' | ']' => -1,
            '>' if before != '-' => -1,
            _ => 0,
        };
        said.push(if c == '\n' { ' ' } else { c });
        before = c;
    }
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ").replace("( ", "(").replace(", )", ")");
    let said = said.trim_start_matches("pub ").to_owned();
    if has(attributes, "non_exhaustive") { format!("#[non_exhaustive] {said}") } else { said }
}

/// Fields that other crates can name.
fn fields(text: &str, fields: &Fields, of_variant: bool) -> Vec<(String, String)> {
    let named = fields.iter().filter(|field| of_variant || is_public(&field.vis));
    named.filter_map(|field| field.ident.as_ref().map(|name| (name.to_string(), format!("field {}", written(text, name, &[]))))).collect()
}

impl Library {
    /// The library as it stands in `src`.
    fn read() -> Self {
        let mut library = Self::default();
        library.file(Vec::new(), &root().join("src/lib.rs"), &root().join("src"), true);
        library
    }

    fn file(&mut self, module: Names, file: &Path, folder: &Path, is_public: bool) {
        let text = fs::read_to_string(file).unwrap();
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.items(module, &parsed.items, &text, folder, is_public);
    }

    /// Takes in the items of a module. `folder` holds the files of those below it.
    fn items(&mut self, path: Names, items: &[Item], text: &str, folder: &Path, is_public_module: bool) {
        let mut module = Module { is_public: is_public_module, ..Module::default() };
        for item in items {
            match item {
                Item::Mod(below) if is_for_tests(&below.attrs) => {}
                Item::Mod(below) => {
                    let (name, inside) = (below.ident.to_string(), folder.join(below.ident.to_string()));
                    match &below.content {
                        Some((_, items)) => self.items(with(&path, &name), items, text, &inside, is_public(&below.vis)),
                        None => {
                            let hub = inside.join("mod.rs");
                            let file = if hub.exists() { hub } else { folder.join(format!("{name}.rs")) };
                            self.file(with(&path, &name), &file, &inside, is_public(&below.vis));
                        }
                    }
                }
                Item::Use(import) => module.import(&import.tree, &[], is_public(&import.vis)),
                Item::Impl(block) if block.trait_.is_none() => {
                    if let syn::Type::Path(of) = block.self_ty.as_ref() {
                        let of = of.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
                        self.methods.push((path.clone(), of, public_methods(block, text)));
                    }
                }
                Item::Macro(made) => types_in(made.mac.tokens.clone(), &mut module),
                other => module.define(other, text),
            }
        }
        self.modules.insert(path, module);
    }

    /// Where what a path leads to is defined: its module, and its name there.
    fn defined(&self, scope: &[String], path: &[String], steps: usize) -> Option<(Names, String)> {
        let (name, before) = path.split_last()?;
        let module = self.module(scope, before, steps)?;
        if self.modules[&module].things.contains_key(name) {
            return Some((module, name.clone()));
        }
        self.taken_in(&module, name, steps)
    }

    fn taken_in(&self, module: &[String], name: &str, steps: usize) -> Option<(Names, String)> {
        let steps = steps.checked_sub(1)?;
        let here = &self.modules[module];
        match here.imports.get(name) {
            Some((_, from)) => self.defined(module, from, steps),
            None => here.globs.iter().find_map(|(_, from)| self.defined(module, &with(from, name), steps)),
        }
    }

    /// The module that a path leads to.
    fn module(&self, scope: &[String], path: &[String], steps: usize) -> Option<Names> {
        let mut at = scope.to_vec();
        for (number, name) in path.iter().enumerate() {
            match name.as_str() {
                "crate" => at.clear(),
                "self" => {}
                "super" => drop(at.pop()?),
                name if self.modules.contains_key(&with(&at, name)) => at = with(&at, name),
                name => {
                    let (_, from) = self.modules[&at].imports.get(name).filter(|(_, from)| from != &path[..=number])?;
                    at = self.module(&at, from, steps.checked_sub(1)?)?;
                }
            }
        }
        self.modules.contains_key(&at).then_some(at)
    }

    /// Every name that leads to a thing through public modules, shortest first.
    fn reachable(&self) -> Vec<(Names, (Names, String))> {
        let (mut found, mut todo) = (Vec::new(), VecDeque::from([Names::new()]));
        while let Some(path) = todo.pop_front() {
            let module = &self.modules[&path];
            let own = module.things.iter().filter(|(_, thing)| thing.is_public).map(|(name, _)| name);
            found.extend(own.map(|name| (with(&path, name), (path.clone(), name.clone()))));
            for (name, (_, from)) in module.imports.iter().filter(|(_, (public, _))| *public) {
                match self.defined(&path, from, MAX_STEPS) {
                    Some(thing) => found.push((with(&path, name), thing)),
                    None => panic!("{}::{name} leads nowhere that is read here", path.join("::")),
                }
            }
            for (_, from) in module.globs.iter().filter(|(public, _)| *public) {
                let other = self.module(&path, from, MAX_STEPS).unwrap();
                let of_other = self.modules[&other].things.iter().filter(|(_, thing)| thing.is_public);
                found.extend(of_other.map(|(name, _)| (with(&path, name), (other.clone(), name.clone()))));
            }
            let below =
                self.modules.iter().filter(|(below, module)| module.is_public && below.split_last().is_some_and(|(_, up)| up == path));
            todo.extend(below.map(|(below, _)| below.clone()));
        }
        found.sort_by_key(|(path, _)| (path.len(), path.clone()));
        found
    }

    /// Gives every type its methods.
    fn join_methods(&mut self) {
        for (scope, of, methods) in std::mem::take(&mut self.methods) {
            if let Some((module, name)) = self.defined(&scope, &of, MAX_STEPS) {
                let thing = self.modules.get_mut(&module).and_then(|module| module.things.get_mut(&name));
                thing.into_iter().for_each(|thing| thing.members.extend(methods.iter().cloned()));
            }
        }
    }

    /// One line each, sorted.
    fn listing(mut self) -> BTreeSet<String> {
        self.join_methods();
        let mut first: BTreeMap<(Names, String), String> = BTreeMap::new();
        let mut lines = BTreeSet::new();
        for (path, defined) in self.reachable() {
            let path = path.join("::");
            if let Some(known) = first.get(&defined) {
                lines.insert(format!("{path}: use {known}"));
                continue;
            }
            let thing = &self.modules[&defined.0].things[&defined.1];
            lines.insert(format!("{path}: {}", thing.signature));
            lines.extend(thing.members.iter().map(|(name, signature)| format!("{path}::{name}: {signature}")));
            first.insert(defined, path);
        }
        lines
    }
}

impl Module {
    fn import(&mut self, tree: &UseTree, before: &[String], public: bool) {
        match tree {
            UseTree::Path(path) => self.import(&path.tree, &with(before, &path.ident.to_string()), public),
            UseTree::Group(group) => group.items.iter().for_each(|item| self.import(item, before, public)),
            UseTree::Glob(_) => self.globs.push((public, before.to_vec())),
            UseTree::Name(name) if name.ident == "self" => {
                self.imports.insert(before.last().cloned().unwrap_or_default(), (public, before.to_vec()));
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                self.imports.insert(name.clone(), (public, with(before, &name)));
            }
            UseTree::Rename(rename) => {
                self.imports.insert(rename.rename.to_string(), (public, with(before, &rename.ident.to_string())));
            }
        }
    }

    fn define(&mut self, item: &Item, text: &str) {
        let (name, visibility, attributes) = match item {
            Item::Const(item) => (&item.ident, &item.vis, &item.attrs),
            Item::Static(item) => (&item.ident, &item.vis, &item.attrs),
            Item::Fn(item) => (&item.sig.ident, &item.vis, &item.attrs),
            Item::Type(item) => (&item.ident, &item.vis, &item.attrs),
            Item::Struct(item) => (&item.ident, &item.vis, &item.attrs),
            Item::Enum(item) => (&item.ident, &item.vis, &item.attrs),
            Item::Trait(item) => (&item.ident, &item.vis, &item.attrs),
            _ => return,
        };
        if is_for_tests(attributes) {
            return;
        }
        let members = match item {
            Item::Struct(item) => fields(text, &item.fields, false),
            Item::Enum(item) => item.variants.iter().flat_map(|variant| variant_lines(variant, text)).collect(),
            Item::Trait(item) => item.items.iter().filter_map(|item| trait_line(item, text)).collect(),
            _ => Vec::new(),
        };
        let mut signature = written(text, name, attributes);
        if let Item::Struct(syn::ItemStruct { fields: Fields::Unnamed(of), .. }) = item
            && !of.unnamed.iter().any(|field| is_public(&field.vis))
        {
            signature.truncate(signature.find('(').unwrap_or(signature.len()));
        }
        let thing = Thing { is_public: is_public(visibility), signature, members };
        self.things.insert(name.to_string(), thing);
    }
}

fn variant_lines(variant: &syn::Variant, text: &str) -> Vec<(String, String)> {
    let name = variant.ident.to_string();
    let own = (name.clone(), format!("variant {}", written(text, &variant.ident, &variant.attrs)));
    let below = fields(text, &variant.fields, true).into_iter().map(|(field, line)| (format!("{name}::{field}"), line));
    [own].into_iter().chain(below).collect()
}

fn trait_line(item: &TraitItem, text: &str) -> Option<(String, String)> {
    let name = match item {
        TraitItem::Const(item) => &item.ident,
        TraitItem::Fn(item) => &item.sig.ident,
        TraitItem::Type(item) => &item.ident,
        _ => return None,
    };
    Some((name.to_string(), written(text, name, &[])))
}

fn public_methods(block: &syn::ItemImpl, text: &str) -> Vec<(String, String)> {
    let named = block.items.iter().filter_map(|item| match item {
        ImplItem::Const(item) if is_public(&item.vis) => Some((&item.ident, &item.attrs)),
        ImplItem::Fn(item) if is_public(&item.vis) => Some((&item.sig.ident, &item.attrs)),
        _ => None,
    });
    named.map(|(name, attributes)| (name.to_string(), written(text, name, attributes))).collect()
}

/// Public types that stand in a macro's rules.
fn types_in(tokens: TokenStream, module: &mut Module) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for token in &tokens {
        if let TokenTree::Group(group) = token {
            types_in(group.stream(), module);
        }
    }
    for three in tokens.windows(3) {
        if let [TokenTree::Ident(public), TokenTree::Ident(kind), TokenTree::Ident(name)] = three
            && public == "pub"
            && ["struct", "enum"].iter().any(|word| kind == word)
        {
            let thing = Thing { is_public: true, signature: format!("{kind} {name}, made by a macro"), members: Vec::new() };
            module.things.insert(name.to_string(), thing);
        }
    }
}

#[test]
fn the_public_api_is_the_one_that_is_listed() {
    let listed = root().join("docs/public-api.txt");
    let lines: Vec<String> = Library::read().listing().into_iter().collect();
    let now = lines.join("\n") + "\n";
    if std::env::var_os("ETCD_SLEUTH_UPDATE").is_some() {
        fs::write(&listed, &now).unwrap();
    }
    let before = fs::read_to_string(&listed).unwrap_or_default();
    let (before, now): (BTreeSet<&str>, BTreeSet<&str>) = (before.lines().collect(), now.lines().collect());
    let gone = before.difference(&now).map(|line| format!("- {line}"));
    let new = now.difference(&before).map(|line| format!("+ {line}"));
    let changes: Vec<String> = gone.chain(new).collect();
    let how = "ETCD_SLEUTH_UPDATE=1 cargo test --test it public_api puts in the new list";
    assert!(changes.is_empty(), "the public API is not the one in docs/public-api.txt; {how}:\n{}", changes.join("\n"));
}

/// What the reading must see: second names, methods in another file than their type, fields, variants, no private thing.
#[test]
fn the_listing_is_read_through_what_is_handed_on() {
    let lines = Library::read().listing();
    for line in [
        "case::open: use open",
        "case::Case::run: fn run(&self, plan: &Plan, question: Question<'_>, render: &mut dyn Render) -> Result<Answer, RunError>",
        "case::Plan::hash: field hash: bool",
        "finding::Rule: enum Rule, made by a macro",
        "report::Render::row_writer: fn row_writer(&self) -> Option<RowWriter>",
    ] {
        assert!(lines.contains(line), "{line}\n{lines:#?}");
    }
    assert!(!lines.iter().any(|line| line.contains("case::run::") || line.contains("Judging")));
}
