//! The enumerated words of `docs/records.schema.json` are those that the code has, and no others. The source of each type that names them
//! is read: a type whose values hold something has no list of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use syn::visit::Visit;
use syn::{ImplItem, Item, Type};

/// A method of a type whose text has words: the file, the type, the method.
type Source = (&'static str, &'static str, &'static str);

/// A list in the schema, and where its words come from.
const LISTS: &[(&str, &[Source])] = &[
    ("place", &[("row/place.rs", "Place", "name")]),
    ("retention", &[("row/place.rs", "Retention", "name")]),
    ("protection", &[("row/protection.rs", "Form", "name")]),
    ("evidence/properties/kind", &[("store/facts.rs", "Kind", "name")]),
    ("evidence/properties/role", &[("store/facts.rs", "Role", "name")]),
    ("evidence/properties/container/items", &[("evidence/container/format.rs", "Container", "name")]),
    ("evidence-end/properties/trailer", &[("etcd/trailer.rs", "Trailer", "name")]),
    ("page-run/properties/state", &[("bbolt/page_map.rs", "PageState", "name")]),
    ("page-run/properties/content", &[("pages/map.rs", "PageContent", "name")]),
    ("value/properties/encoding", &[("kubernetes/encoding.rs", "Encoding", "name")]),
    ("value/properties/txn_branch", &[("row/value.rs", "TxnBranch", "name")]),
    ("recovered/properties/standing", &[("recovery/standing.rs", "Standing", "name")]),
    ("recovered/properties/doubt", &[("recovery/standing.rs", "Doubt", "name")]),
    ("recovered/properties/encoding", &[("kubernetes/encoding.rs", "Encoding", "name")]),
    ("finding/properties/severity", &[("finding/rule.rs", "Severity", "name")]),
    ("unread/properties/reason", &[("report/unread.rs", "UnreadReason", "name"), ("store/image/begun.rs", "PassedOverForm", "name")]),
    ("unread/properties/of", &[("store/image/begun.rs", "BeginningOf", "name")]),
    ("summary/properties/looked_at/items", &[("store/facts.rs", "Kind", "place_looked_at"), ("report/model.rs", "Report", "looked_at")]),
    ("summary/properties/retire/oneOf/1/properties/verdict", &[("report/retirement.rs", "RetirementVerdict", "name")]),
    ("summary/properties/verify/oneOf/1/properties/left/items/properties/why", &[("verify/under.rs", "Under", "name")]),
    ("summary/properties/conditions/items", &[("finding/outcome.rs", "Condition", "name")]),
];

/// Lists that have no such method: of what a build has, of the commands, and of what macros name, which `records` holds to the code.
const OTHERS: [&str; 4] =
    ["run/properties/features/items", "run/properties/command", "anomaly/properties/class", "finding/properties/rule"];

/// What only `recover` leaves out, which writes no record of it: the reason, and its word.
const OF_RECOVER: [(&str, &str); 3] =
    [("NotApplied", "not-applied"), ("MissingEntries", "missing-entries"), ("NotRecovered", "not-recovered")];

fn source(path: &str) -> syn::File {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(path)).unwrap();
    syn::parse_file(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every string in some code.
#[derive(Default)]
struct Strings(BTreeSet<String>);

impl Visit<'_> for Strings {
    fn visit_lit_str(&mut self, literal: &syn::LitStr) {
        self.0.insert(literal.value());
    }
}

/// The strings of a method.
fn words((path, of, method): Source) -> BTreeSet<String> {
    let mut strings = Strings::default();
    for item in source(path).items {
        let Item::Impl(block) = item else { continue };
        let is_of = matches!(&*block.self_ty, Type::Path(name) if name.path.is_ident(of));
        for item in block.items.iter().filter(|_| is_of && block.trait_.is_none()) {
            if let ImplItem::Fn(function) = item
                && function.sig.ident == method
            {
                strings.visit_block(&function.block);
            }
        }
    }
    assert!(!strings.0.is_empty(), "{of}::{method} of {path} names no word");
    strings.0
}

/// The lists of words below a part of the schema, each with its place in it.
fn lists(part: &Value, place: &str, found: &mut Vec<(String, BTreeSet<String>)>) {
    match part {
        Value::Object(map) => {
            let list = map.get("enum").and_then(Value::as_array).into_iter().flatten();
            let list: BTreeSet<String> = list.filter_map(Value::as_str).map(str::to_owned).collect();
            if !list.is_empty() {
                found.push((place.to_owned(), list));
            }
            map.iter().for_each(|(name, part)| lists(part, format!("{place}/{name}").trim_start_matches('/'), found));
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(index, part)| lists(part, &format!("{place}/{index}"), found)),
        _ => {}
    }
}

#[test]
fn every_list_of_words_in_the_schema_is_that_of_the_code() {
    let schema = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/records.schema.json")).unwrap();
    let mut found = Vec::new();
    lists(&serde_json::from_slice::<Value>(&schema).unwrap()["$defs"], "", &mut found);
    for (place, in_schema) in &found {
        let Some((_, sources)) = LISTS.iter().find(|(known, _)| known == place) else {
            assert!(OTHERS.contains(&place.as_str()), "nothing holds {place} to the code");
            continue;
        };
        let mut in_code: BTreeSet<String> = sources.iter().flat_map(|source| words(*source)).collect();
        if place == "unread/properties/reason" {
            OF_RECOVER.iter().for_each(|(_, word)| assert!(in_code.remove(*word), "{word}"));
        }
        assert_eq!(*in_schema, in_code, "{place}: in the schema, and in the code");
    }
    assert_eq!(LISTS.len() + OTHERS.len(), found.len(), "a list is held that the schema does not have");
}

/// Reasons that some code makes.
struct Made<'a>(&'a mut BTreeSet<String>);

impl Visit<'_> for Made<'_> {
    fn visit_path(&mut self, path: &syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let [.., of, variant] = names.as_slice()
            && of == "UnreadReason"
        {
            self.0.insert(variant.clone());
        }
        syn::visit::visit_path(self, path);
    }
}

/// So these words can be in no record.
#[test]
fn what_only_a_recovery_leaves_out_is_made_by_it_alone() {
    let (mut of_recover, mut of_others) = (BTreeSet::new(), BTreeSet::new());
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/case")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let made = if name == "recover.rs" { &mut of_recover } else { &mut of_others };
        if name.ends_with(".rs") {
            Made(made).visit_file(&source(&format!("case/{name}")));
        }
    }
    for (reason, _) in OF_RECOVER {
        assert!(of_recover.contains(reason) && !of_others.contains(reason), "{reason}");
    }
}
