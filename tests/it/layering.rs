//! Every room of the library knows only rooms below it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Which rooms a room may name. Whatever is not here is not allowed.
const ALLOWED: &[(&str, &[&str])] = &[
    ("evidence", &[]),
    ("wire", &[]),
    ("bbolt", &["evidence"]),
    ("etcd", &["bbolt", "evidence", "wire"]),
    ("kubernetes", &["evidence", "wire"]),
    ("envelope", &["evidence", "wire"]),
    ("kms", &["envelope", "evidence"]),
    ("finding", &[]),
    ("analysis", &["bbolt", "envelope", "etcd", "evidence", "finding", "kubernetes"]),
    ("verify", &["analysis", "envelope", "evidence", "kms", "kubernetes"]),
    ("report", &["analysis", "bbolt", "etcd", "evidence", "finding", "kms", "kubernetes", "verify"]),
];

/// The files of a room but its unit tests, which may compare it with any other.
fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
            out.push(path);
        }
    }
}

/// Rooms that a file names after `crate::`, alone or in braces.
fn named_rooms(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut rooms = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let list = rest.strip_prefix('{').map_or(rest, |inner| inner.split('}').next().unwrap_or(inner));
        let items = if rest.starts_with('{') { list.split(',').collect::<Vec<_>>() } else { vec![list] };
        for item in items {
            let word: String = item.trim_start().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            rooms.insert(word);
        }
    }
    rooms
}

#[test]
fn no_room_names_a_room_it_may_not_know() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut edges = BTreeSet::new();
    for (room, allowed) in ALLOWED {
        let mut files = Vec::new();
        sources(&root.join(room), &mut files);
        assert!(!files.is_empty(), "{room} has no files");
        for file in files {
            for named in named_rooms(&fs::read_to_string(&file).unwrap()) {
                assert!(named == *room || allowed.contains(&named.as_str()), "{}: {room} may not know {named}", file.display());
                edges.insert((*room, named));
            }
        }
    }
    // An edge that nobody uses any more is taken out of the table.
    for (room, allowed) in ALLOWED {
        for other in *allowed {
            assert!(edges.contains(&(*room, (*other).to_owned())), "{room} is allowed to know {other}, and does not");
        }
    }
}

#[test]
fn the_map_of_the_rooms_shows_the_table() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let words = |text: &str| -> Vec<String> { text.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect() };
    let mut above = Vec::new();
    let mut shown = BTreeSet::new();
    for (rooms, names) in
        lib.lines().filter_map(|line| line.strip_prefix("//! ")?.split_once(" ─> ")).skip_while(|(rooms, _)| *rooms != "report    ")
    {
        let names: BTreeSet<String> = words(names).into_iter().filter(|name| name != "none").collect();
        assert!(names.iter().all(|name| !above.contains(name)), "{rooms} names a room above it");
        for room in words(rooms) {
            shown.insert((room.clone(), names.clone()));
            above.push(room);
        }
    }
    let table = ALLOWED.iter().map(|(room, names)| ((*room).to_owned(), names.iter().map(|name| (*name).to_owned()).collect()));
    assert_eq!(shown, table.collect(), "the picture in src/lib.rs is not the table");
}

#[test]
fn every_room_of_the_library_is_in_the_table() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let rooms: BTreeSet<&str> = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(rooms, ALLOWED.iter().map(|(room, _)| *room).collect());
}
