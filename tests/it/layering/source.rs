//! What a source file names: every path in it, wherever it stands, with the module it stands in.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// The path of a module, from the root of its crate on.
pub(crate) type Module = Vec<String>;

/// A path as it is written.
#[derive(Debug)]
pub(crate) struct Written {
    /// The module in which it stands.
    pub(crate) scope: Module,
    pub(crate) path: Vec<String>,
    /// `::name`: a crate, whatever else has this name.
    pub(crate) from_crates: bool,
    pub(crate) role: Role,
}

/// What a path is written for.
#[derive(Debug, PartialEq)]
pub(crate) enum Role {
    /// `use path as name`, for everyone who sees the module where it is public.
    Import { name: String, public: bool },
    /// `use path::*`
    Glob,
    /// In a type, an expression, a pattern, an attribute, a macro.
    Mention,
}

/// A file, parsed.
#[derive(Debug, Default)]
pub(crate) struct Source {
    pub(crate) written: Vec<Written>,
    /// The modules whose text stands in it: its own, and those in braces.
    pub(crate) modules: Vec<Module>,
}

impl Source {
    /// Parses the file of this module. What is compiled for unit tests alone is left out: it may compare with anything.
    pub(crate) fn of(module: Module, text: &str) -> syn::Result<Self> {
        let file = syn::parse_file(text)?;
        let mut reader = Reader { scope: module.clone(), source: Self { written: Vec::new(), modules: vec![module] } };
        reader.visit_file(&file);
        Ok(reader.source)
    }
}

struct Reader {
    scope: Module,
    source: Source,
}

impl Reader {
    fn add(&mut self, path: Vec<String>, from_crates: bool, role: Role) {
        self.source.written.push(Written { scope: self.scope.clone(), path, from_crates, role });
    }

    fn mention(&mut self, path: Vec<String>, from_crates: bool) {
        // One name alone is local, or was imported.
        if path.len() > 1 {
            self.add(path, from_crates, Role::Mention);
        }
    }

    fn import(&mut self, tree: &syn::UseTree, prefix: &[String], from_crates: bool, public: bool) {
        let with = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.import(&path.tree, &with(&path.ident), from_crates, public),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.import(item, prefix, from_crates, public)),
            syn::UseTree::Glob(_) => self.add(prefix.to_vec(), from_crates, Role::Glob),
            syn::UseTree::Name(name) if name.ident == "self" => {
                let last = prefix.last().cloned().unwrap_or_default();
                self.add(prefix.to_vec(), from_crates, Role::Import { name: last, public });
            }
            syn::UseTree::Name(name) => {
                self.add(with(&name.ident), from_crates, Role::Import { name: name.ident.to_string(), public });
            }
            syn::UseTree::Rename(rename) => {
                let path = if rename.ident == "self" && !prefix.is_empty() { prefix.to_vec() } else { with(&rename.ident) };
                self.add(path, from_crates, Role::Import { name: rename.rename.to_string(), public });
            }
        }
    }

    /// Paths in what a macro or an attribute is given, of which nothing is known but its tokens.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Ident(_) if !(at > 0 && is_punct(&tokens[at - 1], '.')) => {
                    let from_crates = is_separator(&tokens, at.wrapping_sub(2));
                    at = self.token_path(&tokens, at, Vec::new(), from_crates);
                    continue;
                }
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Literal(literal) => self.path_in_string(&literal.to_string()),
                _ => {}
            }
            at += 1;
        }
    }

    /// A path that begins with the name at `at`: its names, and what stands in braces behind them. Returns where it ends.
    fn token_path(&mut self, tokens: &[TokenTree], mut at: usize, mut path: Vec<String>, from_crates: bool) -> usize {
        while let Some(TokenTree::Ident(name)) = tokens.get(at) {
            if path.is_empty() || name != "self" {
                path.push(name.to_string());
            }
            at += 1;
            if !is_separator(tokens, at) {
                break;
            }
            match tokens.get(at + 2) {
                Some(TokenTree::Ident(_)) => at += 2,
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    for item in inner.split(|token| is_punct(token, ',')).filter(|item| !item.is_empty()) {
                        self.token_path(item, 0, path.clone(), from_crates);
                    }
                    return at + 3;
                }
                Some(star) if is_punct(star, '*') => {
                    self.add(path, from_crates, Role::Glob);
                    return at + 3;
                }
                _ => break,
            }
        }
        self.mention(path, from_crates);
        at
    }

    /// serde's attributes name functions and modules in strings.
    fn path_in_string(&mut self, literal: &str) {
        let text = literal.trim_matches('"');
        if ["crate::", "super::", "self::"].iter().any(|start| text.starts_with(start))
            && let Ok(path) = syn::parse_str::<syn::Path>(text)
        {
            self.visit_path(&path);
        }
    }
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

/// Whether `::` stands at `at`.
fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    [Some(at), at.checked_add(1)].into_iter().all(|at| at.and_then(|at| tokens.get(at)).is_some_and(|token| is_punct(token, ':')))
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes
        .iter()
        .any(|attribute| matches!(&attribute.meta, syn::Meta::List(list) if list.path.is_ident("cfg") && list.tokens.to_string() == "test"))
}

impl Visit<'_> for Reader {
    fn visit_item_mod(&mut self, item: &syn::ItemMod) {
        if is_for_tests(&item.attrs) {
            return;
        }
        self.scope.push(item.ident.to_string());
        if item.content.is_some() {
            self.source.modules.push(self.scope.clone());
        }
        visit::visit_item_mod(self, item);
        self.scope.pop();
    }

    fn visit_item_fn(&mut self, item: &syn::ItemFn) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &syn::ItemImpl) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_impl(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &syn::ItemUse) {
        if !is_for_tests(&item.attrs) {
            let public = !matches!(item.vis, syn::Visibility::Inherited);
            self.import(&item.tree, &[], item.leading_colon.is_some(), public);
        }
    }

    // `pub(in super::super)` says who may see, not what is seen.
    fn visit_vis_restricted(&mut self, _: &syn::VisRestricted) {}

    fn visit_path(&mut self, path: &syn::Path) {
        self.mention(path.segments.iter().map(|segment| segment.ident.to_string()).collect(), path.leading_colon.is_some());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &syn::Macro) {
        visit::visit_macro(self, item);
        self.tokens(item.tokens.clone());
    }

    fn visit_meta_list(&mut self, list: &syn::MetaList) {
        visit::visit_meta_list(self, list);
        self.tokens(list.tokens.clone());
    }
}
