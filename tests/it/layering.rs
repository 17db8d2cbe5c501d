//! Every room of the library knows only rooms below it, and only the crates that it needs; files of a room form no circles but known
//! ones. The source is parsed: a path is found wherever it stands, however it is written.

mod circles;
mod names;
mod source;
mod violations;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use circles::circles;
use names::{Named, Names, Target, room_of};

/// Which rooms a room may name. Whatever is not here is not allowed.
const ALLOWED: &[(&str, &[&str])] = &[
    ("evidence", &[]),
    ("wire", &[]),
    ("kubernetes", &["evidence", "wire"]),
    ("envelope", &["evidence", "wire"]),
    ("bbolt", &["evidence"]),
    ("mvcc", &["evidence", "wire"]),
    ("output", &["evidence"]),
    ("etcd", &["bbolt", "evidence", "mvcc", "wire"]),
    ("kms", &["envelope", "evidence"]),
    ("row", &["envelope", "evidence", "kubernetes", "mvcc"]),
    ("store", &["bbolt", "envelope", "etcd", "evidence", "kubernetes", "mvcc", "row"]),
    ("collect", &["envelope", "evidence", "kubernetes", "row", "store"]),
    ("finding", &["collect", "evidence", "row", "store"]),
    ("pages", &["bbolt", "collect", "evidence", "mvcc", "row", "store"]),
    ("recovery", &["collect", "etcd", "evidence", "mvcc", "row", "store"]),
    ("verify", &["collect", "envelope", "evidence", "kms", "kubernetes", "row", "store"]),
    ("report", &["collect", "envelope", "evidence", "finding", "kms", "kubernetes", "mvcc", "pages", "recovery", "row", "store", "verify"]),
    (
        "case",
        &[
            "collect",
            "envelope",
            "evidence",
            "finding",
            "kms",
            "kubernetes",
            "mvcc",
            "output",
            "pages",
            "recovery",
            "report",
            "row",
            "store",
            "verify",
        ],
    ),
    ("render", &["collect", "envelope", "evidence", "finding", "kubernetes", "pages", "recovery", "report", "row", "store", "verify"]),
];

/// Which crates a room may name. The standard library is not listed.
const CRATES: &[(&str, &[&str])] = &[
    ("evidence", &["aws_lc_rs", "base64", "flate2", "libc", "memchr", "memmap2", "nom", "sha2", "tar", "thiserror", "zip", "zstd"]),
    ("wire", &["thiserror"]),
    (
        "kubernetes",
        &[
            "aho_corasick",
            "base64",
            "ciborium",
            "foldhash",
            "hashbrown",
            "jiff",
            "k8s_openapi",
            "memchr",
            "nom",
            "prost",
            "serde",
            "serde_json",
            "thiserror",
            "zeroize",
        ],
    ),
    (
        "envelope",
        &[
            "aes",
            "aes_gcm",
            "cbc",
            "foldhash",
            "hashbrown",
            "hkdf",
            "memchr",
            "nom",
            "poly1305",
            "salsa20",
            "sha2",
            "subtle",
            "thiserror",
            "zeroize",
        ],
    ),
    ("bbolt", &["memchr", "nom", "rayon", "thiserror"]),
    ("mvcc", &["foldhash", "hashbrown", "memchr", "rayon"]),
    ("output", &["thiserror"]),
    ("etcd", &["crc32c", "nom", "prost", "serde", "serde_json", "thiserror"]),
    (
        "kms",
        &[
            "aws_config",
            "aws_credential_types",
            "aws_sdk_kms",
            "aws_smithy_http_client",
            "aws_smithy_types",
            "base64",
            "h2",
            "http_body_util",
            "hyper_util",
            "percent_encoding",
            "jiff",
            "rustls_native_certs",
            "serde",
            "serde_json",
            "serde_saphyr",
            "thiserror",
            "tokio",
            "tonic",
            "tower",
            "zeroize",
        ],
    ),
    ("row", &["globset", "strsim", "thiserror"]),
    ("store", &["aho_corasick", "base64", "foldhash", "hashbrown", "memchr", "rayon", "thiserror", "zeroize"]),
    ("collect", &["foldhash", "hashbrown", "rayon"]),
    ("finding", &[]),
    ("pages", &[]),
    ("recovery", &["foldhash", "hashbrown"]),
    ("verify", &["rayon", "sha2", "thiserror", "zeroize"]),
    ("report", &[]),
    ("case", &["sha1", "thiserror"]),
    ("render", &["base64", "csv", "jiff", "serde", "serde_json", "unicode_width"]),
];

/// Which crates the program names, beside the library.
const CRATES_OF_THE_PROGRAM: &[&str] =
    &["anstream", "anyhow", "clap", "clap_complete", "clap_mangen", "indicatif", "rayon", "rustix", "signal_hook", "terminal_size"];

/// Files of a room of which each needs each other, and why that is so.
const CIRCLES: &[(&[&str], &str)] = &[
    (&["bbolt/loss.rs", "bbolt/tree.rs"], "a tree has the places where parts of it are missing, and each of them is a place in it"),
    (
        &["envelope/body.rs", "envelope/kms_v1.rs", "envelope/kms_v2.rs", "envelope/open/dek_source.rs", "envelope/provider.rs"],
        "the table of providers names the reader of each body, and what is read is known by its provider",
    ),
    (&["etcd/raft/auth.rs", "etcd/raft/request.rs"], "a request may hold a credential, and its kind says which"),
    (
        &[
            "kubernetes/encoding.rs",
            "kubernetes/fragment.rs",
            "kubernetes/json.rs",
            "kubernetes/object.rs",
            "kubernetes/protobuf.rs",
            "kubernetes/secret.rs",
        ],
        "an object names its encoding, and each encoding reads objects",
    ),
];

/// The rules that paths are held to.
struct Rules<'a> {
    rooms: &'a [(&'a str, &'a [&'a str])],
    crates: &'a [(&'a str, &'a [&'a str])],
}

/// What a table says of a room.
fn entry<'a>(table: &[(&str, &'a [&'a str])], room: &str) -> &'a [&'a str] {
    table.iter().find(|(name, _)| *name == room).map_or(&[], |(_, allowed)| allowed)
}

impl Rules<'_> {
    /// Why a file may not name this, if it may not.
    fn objection(&self, named: &Named) -> Option<String> {
        let room = room_of(&named.file);
        let objection = match &named.target {
            Target::Inside(path) => match path.first() {
                None => named.glob.then(|| format!("{room} may not know every room"))?,
                Some(other) if other == room || entry(self.rooms, room).contains(&other.as_str()) => return None,
                Some(other) => format!("{room} may not know {other}"),
            },
            Target::Crate(name) if entry(self.crates, room).contains(&name.as_str()) => return None,
            Target::Crate(name) => format!("{room} may not know the crate {name}"),
        };
        Some(format!("{}: {objection}, named as {}", named.file, named.written))
    }

    /// What these tables allow and nobody uses any more.
    fn unused(&self, all: &BTreeSet<Named>) -> Vec<String> {
        let used: BTreeSet<(&str, &str)> = all
            .iter()
            .filter_map(|named| match &named.target {
                Target::Inside(path) => Some((room_of(&named.file), path.first()?.as_str())),
                Target::Crate(name) => Some((room_of(&named.file), name.as_str())),
            })
            .collect();
        let allowed = self.rooms.iter().chain(self.crates).flat_map(|(room, others)| others.iter().map(|other| (*room, *other)));
        allowed
            .filter(|edge| !used.contains(edge))
            .map(|(room, other)| format!("{room} is allowed to know {other}, and does not"))
            .collect()
    }
}

/// Circles that are not known, and known ones that are none any more.
fn circles_but(known: &[(&[&str], &str)], needs: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<String> {
    let found = circles(needs);
    let known: BTreeSet<BTreeSet<&str>> = known.iter().map(|(files, _)| files.iter().copied().collect()).collect();
    let new = found.iter().filter(|circle| !known.contains(*circle)).map(|circle| format!("need each other: {circle:?}"));
    let old = known.iter().filter(|circle| !found.contains(*circle)).map(|circle| format!("no longer a circle: {circle:?}"));
    new.chain(old).collect()
}

/// The crates of `[dependencies]` and of those of one system, as the source names them.
fn dependencies() -> BTreeSet<String> {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let mut of_source = false;
    let mut crates = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            of_source = line == "[dependencies]" || line.starts_with("[target.") && line.ends_with(".dependencies]");
        } else if let Some((name, _)) = line.split_once(" = ").filter(|(name, _)| of_source && !name.starts_with('#')) {
            crates.insert(name.replace('-', "_"));
        }
    }
    assert!(crates.contains("nom") && crates.contains("rustix") && !crates.contains("tempfile"), "{crates:?}");
    crates
}

/// The files below a folder of `src`, unit tests left out: they may compare a room with any other.
fn files(folder: &Path, prefix: &str, out: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            files(&path, &format!("{prefix}{name}/"), out);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            out.insert(format!("{prefix}{name}"), fs::read_to_string(&path).unwrap());
        }
    }
}

fn names_below(folder: &str, crates: &BTreeSet<String>, is_part: impl Fn(&str) -> bool) -> Names {
    let mut read = BTreeMap::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), "", &mut read);
    Names::of(read.iter().filter(|(file, _)| is_part(file)).map(|(file, text)| (file.as_str(), text.as_str())), crates)
}

fn library() -> Names {
    names_below("src", &dependencies(), |file| file != "lib.rs" && room_of(file) != "bin")
}

/// The program's files. It knows the library as one crate.
fn program() -> Names {
    names_below("src/bin/etcd-sleuth", &dependencies(), |_| true)
}

#[test]
fn no_room_names_a_room_or_a_crate_it_may_not_know() {
    let all = library().all();
    let rules = Rules { rooms: ALLOWED, crates: CRATES };
    let said: Vec<String> = all.iter().filter_map(|named| rules.objection(named)).chain(rules.unused(&all)).collect();
    assert!(said.is_empty(), "{}", said.join("\n"));
}

#[test]
fn the_program_names_no_crates_but_those_listed() {
    let target = |named: Named| if let Target::Crate(name) = named.target { Some(name) } else { None };
    let named: BTreeSet<String> = program().all().into_iter().filter_map(target).collect();
    assert_eq!(named, CRATES_OF_THE_PROGRAM.iter().map(|name| (*name).to_owned()).collect());
}

#[test]
fn files_form_no_circles_but_those_listed() {
    let (library, program) = (library(), program());
    let mut said = circles_but(CIRCLES, &library.needs(|file, other| room_of(file) == room_of(other)));
    said.extend(circles_but(&[], &program.needs(|_, _| true)));
    assert!(said.is_empty(), "{}", said.join("\n"));
}

#[test]
fn the_map_of_the_rooms_shows_the_table() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let words = |text: &str| -> Vec<String> { text.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect() };
    let mut above = Vec::new();
    let mut shown = BTreeSet::new();
    for (rooms, names) in
        lib.lines().filter_map(|line| line.strip_prefix("//! ")?.split_once(" ─> ")).skip_while(|(rooms, _)| *rooms != "render    ")
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
