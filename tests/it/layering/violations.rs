//! What the layering test must refuse, each in a small crate of its own.

use std::collections::BTreeSet;

use super::names::Names;
use super::{Rules, circles_but};

/// Two rooms, of which `upper` may know `lower`, and `lower` may know `nom`.
const RULES: Rules<'_> = Rules { rooms: &[("lower", &[]), ("upper", &["lower"]), ("side", &[])], crates: &[("lower", &["nom"])] };

fn names(files: &[(&str, &str)]) -> Names {
    let rest = [("lower/mod.rs", "pub struct Low;"), ("upper/mod.rs", "pub mod part; pub struct Up;"), ("side/mod.rs", "")];
    let given: Vec<&str> = files.iter().map(|(file, _)| *file).collect();
    let all = files.iter().copied().chain(rest.into_iter().filter(|(file, _)| !given.contains(file)));
    Names::of(all, &BTreeSet::from(["nom".to_owned(), "serde".to_owned()]))
}

/// What is said of a file with this text.
fn objections(file: &str, text: &str) -> Vec<String> {
    names(&[(file, text)]).all().iter().filter_map(|named| RULES.objection(named)).collect()
}

#[track_caller]
fn refused(file: &str, text: &str, wanted: &str) {
    let said = objections(file, text);
    assert!(said.iter().any(|said| said.contains(wanted)), "{text}: {said:?}");
}

#[track_caller]
fn accepted(file: &str, text: &str) {
    assert_eq!(objections(file, text), Vec::<String>::new(), "{text}");
}

#[test]
fn a_room_above_is_found_however_its_path_is_written() {
    for text in [
        "use crate::upper::Up;",
        "use crate::{nothing, upper::Up};",
        "use crate::{lower::{Low, inner}, upper::Up};",
        "use super::super::upper::Up;",
        "use super::super::{lower, upper::{self}};",
        "use crate::upper as harmless;",
        "use crate as root; fn f() { root::upper::f() }",
        "use super::super as root; type T = Vec<root::upper::Up>;",
        "fn f(x: &dyn super::super::upper::Trait) {}",
        "fn f() { if let crate::upper::Up = g() {} }",
        "fn f() -> <crate::upper::Up as Iterator>::Item { g() }",
        "fn f() { use super::super::upper::Up; }",
        "mod inner { use super::super::super::upper::Up; }",
        "mod inner { mod deeper { fn f() { self::super::super::super::super::upper::f() } } }",
        "fn f() { println!(\"{}\", super::super::upper::f()); }",
        "fn f() { assert!(x.y && [1].contains(&crate::upper::LIMIT)); }",
        "macro_rules! m { () => { $crate::upper::f() } }",
        "m! { use crate::{lower::Low, upper::{Up, other}}; }",
        "#[derive(crate::upper::Derive)] struct S;",
        "struct S { #[serde(with = \"crate::upper::hex\")] field: u8 }",
    ] {
        refused("lower/part.rs", text, "lower may not know upper");
    }
    refused("lower/mod.rs", "use super::upper::Up;", "lower may not know upper");
    refused("lower/part.rs", "use crate::*;", "every room");
    refused("lower/part.rs", "use super::super::*;", "every room");
    refused("lower/part.rs", "m! { use crate::*; }", "every room");
    // By way of a name in the module above.
    let files = [("lower/mod.rs", "pub mod part; use super as root;"), ("lower/part.rs", "fn f() { super::root::upper::f() }")];
    let said: Vec<String> = names(&files).all().iter().filter_map(|named| RULES.objection(named)).collect();
    assert!(said.iter().any(|said| said.contains("lower may not know upper")), "{said:?}");
}

#[test]
fn a_crate_is_found_however_its_path_is_written() {
    for text in [
        "use serde::Serialize;",
        "use ::serde::Serialize;",
        "use serde as quiet; fn f() { quiet::f() }",
        "fn f(x: impl serde::Serialize) {}",
        "#[derive(Clone, serde::Serialize)] struct S;",
        "fn f() { println!(\"{}\", ::serde::f()); }",
        "pub use {nom::IResult, serde::Serialize};",
    ] {
        refused("lower/part.rs", text, "lower may not know the crate serde");
    }
}

#[test]
fn what_is_allowed_is_not_refused() {
    for text in [
        "use nom::{IResult, bytes};",
        "use super::Low; use crate::lower::Low as Other; use self::inner::x;",
        "pub(in super::super) fn f() {}",
        "// use crate::upper::Up;\nconst TEXT: &str = \"crate::upper::Up\";",
        "#[cfg(test)] mod tests { use crate::upper::Up; }",
        // A module and a value may be called as a crate is.
        "mod serde { pub fn f() {} } fn f() { serde::f() }",
        "fn f(serde: &str) { serde.len(); g!(serde.len()) }",
    ] {
        accepted("lower/part.rs", text);
    }
    accepted("upper/part.rs", "use crate::lower::Low; use super::Up; use super::super::lower;");
}

#[test]
fn an_edge_that_nobody_uses_is_told() {
    let unused = RULES.unused(&names(&[("upper/part.rs", "use crate::lower::Low;")]).all());
    assert_eq!(unused, ["lower is allowed to know nom, and does not"]);
}

#[test]
fn a_circle_of_files_is_found_through_what_hands_names_on() {
    let hub = ("lower/mod.rs", "mod a; mod b; pub use a::A; pub use b::B;");
    let circle = [hub, ("lower/a.rs", "use super::B; pub struct A;"), ("lower/b.rs", "pub struct B(super::a::A);")];
    assert_eq!(circles_but(&[], &names(&circle).needs(|_, _| true)), ["need each other: {\"lower/a.rs\", \"lower/b.rs\"}"]);
    assert!(circles_but(&[(&["lower/b.rs", "lower/a.rs"], "known")], &names(&circle).needs(|_, _| true)).is_empty());
    // Handing on is no need, so this is none.
    let line = [hub, ("lower/a.rs", "use super::B; pub struct A;"), ("lower/b.rs", "pub struct B;")];
    assert_eq!(circles_but(&[], &names(&line).needs(|_, _| true)), Vec::<String>::new());
    let said = circles_but(&[(&["lower/a.rs", "lower/b.rs"], "known once")], &names(&line).needs(|_, _| true));
    assert_eq!(said, ["no longer a circle: {\"lower/a.rs\", \"lower/b.rs\"}"]);
    // A hub that itself defines what a file below needs, and needs that file.
    let hub = [("lower/mod.rs", "mod a; use a::A; pub struct Low(A);"), ("lower/a.rs", "pub struct A(Box<super::Low>);")];
    assert_eq!(circles_but(&[], &names(&hub).needs(|_, _| true)), ["need each other: {\"lower/a.rs\", \"lower/mod.rs\"}"]);
}
