//! The same files give the same answer, whatever way they are given: as inputs, in a directory, in an archive, packed or not, over standard
//! input, in base64.

use crate::common;

use std::fs;
use std::io::Write;
use std::path::Path;

use base64::Engine;
use common::raft::{bytes, segment, segment_of};
use common::{Fixture, of_kind, records, run_as, run_in, sleuth, text};
use serde_json::Value;

const SEGMENT: &str = "0000000000000000-0000000000000000.wal";

fn reasons(all: &[Value]) -> Vec<(&str, &str)> {
    of_kind(all, "unread").into_iter().map(|one| (one["reason"].as_str().unwrap(), one["path"].as_str().unwrap())).collect()
}

fn write(dir: &Path, name: &str, bytes: &[u8]) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// A member's database, and a log that goes on from it and deletes all Secrets.
struct Member {
    database: &'static [u8],
    log: Vec<u8>,
}

impl Member {
    /// The log is of a member of the database, or of another one.
    fn of(is_own: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = Fixture::named("plaintext").bytes;
        write(dir.path(), "db", database);
        let all = records(&run_in(dir.path(), &["scan", "db", "--format", "jsonl"]));
        let facts = of_kind(&all, "evidence")[0];
        let member = u64::from_str_radix(facts["members"][0]["id"].as_str().unwrap(), 16).unwrap();
        let applied = facts["consistent_index"].as_u64().unwrap();
        let member = if is_own { member } else { member ^ 1 };
        Self { database, log: segment_of((member, 8), applied + 1, &[delete("/registry/secrets/", "/registry/secrets0")], applied + 1) }
    }

    /// Both in `d`, as `x` and `y`, and in `d.tar`.
    fn in_one_place(&self) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "d/x", self.database);
        write(dir.path(), "d/y", &self.log);
        write(dir.path(), "d.tar", &tar(dir.path(), "d"));
        dir
    }
}

fn delete(key: &str, end: &str) -> Vec<u8> {
    bytes(5, &[bytes(1, key.as_bytes()), bytes(2, end.as_bytes())].concat())
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.encode(bytes).into_bytes()
}

fn tar(dir: &Path, name: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_dir_all(name, dir.join(name)).unwrap();
    tar.into_inner().unwrap()
}

fn tar_of(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    tar.append_data(&mut header, name, bytes).unwrap();
    tar.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn put(key: &str, value: &[u8]) -> Vec<u8> {
    bytes(4, &[bytes(1, key.as_bytes()), bytes(2, value)].concat())
}

/// What a run has to say of Secrets, of members, and of what was not read, whatever the paths are.
fn answer(dir: &Path, args: &[&str]) -> (Option<i32>, Value, Value, Vec<String>) {
    let output = run_in(dir, &[args, &["--format", "jsonl"]].concat());
    let all = records(&output);
    let summary = of_kind(&all, "summary")[0];
    let unread = reasons(&all).into_iter().map(|(reason, _)| reason.to_owned()).collect();
    (output.status.code(), summary["secrets_readable"].clone(), summary["members"].clone(), unread)
}

/// A directory is no file: its log has values in its entries, whatever they begin with, and in an archive it is read as on disk.
#[test]
fn a_members_directory_in_an_archive_is_carved_as_the_directory_is() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &format!("d/member/wal/{SEGMENT}"), &segment(&[put("/registry/secrets/ns/x", b"of no form")]));
    let wanted = answer(dir.path(), &["carve", "d"]);
    assert_eq!((wanted.0, &wanted.1["total"]), (Some(2), &1.into()));
    write(dir.path(), "d.tar", &tar(dir.path(), "d"));
    write(dir.path(), "d.tgz", &gzip(&tar(dir.path(), "d")));
    for archive in ["d.tar", "d.tgz"] {
        assert_eq!(answer(dir.path(), &["carve", archive]), wanted, "{archive}");
    }
}

/// What a search of any bytes does not see in a file of a form that is read is not read, and every way to ask says so.
#[test]
fn what_carve_does_not_see_in_a_log_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "a.wal", &segment(&[put("/registry/secrets/ns/x", b"of no form")]));
    write(dir.path(), "a.gz", &gzip(&segment(&[put("/registry/secrets/ns/x", b"of no form")])));
    for name in ["a.wal", "a.gz"] {
        let output = run_in(dir.path(), &["carve", name, "--format", "jsonl"]);
        let all = records(&output);
        assert_eq!((output.status.code(), reasons(&all)), (Some(3), vec![("not-seen", name)]));
        assert!(of_kind(&all, "unread")[0]["advice"].as_str().unwrap().ends_with(&format!("etcd-sleuth scan {name}")));
        let (code, quiet) = text(&run_in(dir.path(), &["carve", "-q", name]));
        assert!(code == 3 && quiet.contains(&format!("{name} as a segment of a write-ahead log: etcd-sleuth scan reads it")), "{quiet}");
    }
}

/// A database and its log are one member, whatever they are called, packed in and given as; so that no Secret is told to be there that the log
/// deletes.
#[test]
fn a_database_and_its_log_are_joined_whatever_way_they_are_given() {
    let dir = tempfile::tempdir().unwrap();
    let Member { database, log } = Member::of(true);
    write(dir.path(), &format!("whole/member/wal/{SEGMENT}"), &log);
    write(dir.path(), "whole/member/snap/db", database);
    let scan = |inputs: &[&str]| answer(dir.path(), &[&["scan", "--fail-on", "never"], inputs].concat());
    let wanted = scan(&["whole"]);
    let (_, secrets, members, unread) = &wanted;
    assert!(secrets["existing"] == 0 && secrets["total"].as_u64() > Some(0) && *members == 1 && unread.is_empty(), "{wanted:?}");
    let forms = |bytes: &[u8]| [bytes.to_vec(), gzip(bytes), base64(bytes)];
    for (number, (database, log)) in forms(database).iter().flat_map(|one| forms(&log).map(|other| (one.clone(), other))).enumerate() {
        for (kind, [first, second]) in [["x", "y"], [SEGMENT, "db"], ["member/wal/y", "z"], ["a/y", "b/x"]].into_iter().enumerate() {
            let [first, second] = [first, second].map(|name| format!("in-{number}-{kind}/{name}"));
            write(dir.path(), &first, &log);
            write(dir.path(), &second, &database);
            let folder = format!("in-{number}-{kind}");
            let archive = format!("{folder}.tgz");
            write(dir.path(), &archive, &gzip(&tar(dir.path(), &folder)));
            for inputs in [&[folder.as_str()][..], &[&archive], &[&first, &second], &[&second, &first]] {
                assert_eq!(scan(inputs), wanted, "{inputs:?}");
            }
        }
    }
}

/// Standard input is a file as any other is, and one that is given twice is given once.
#[test]
fn standard_input_is_joined_as_a_file_is() {
    let dir = tempfile::tempdir().unwrap();
    let Member { database, log } = Member::of(true);
    write(dir.path(), "x", database);
    write(dir.path(), "y", &log);
    write(dir.path(), "y.tar", &tar_of("member/wal/y.wal", &log));
    let scan = |inputs: &[&str], stdin: Option<&str>| {
        let mut command = sleuth();
        if let Some(stdin) = stdin {
            command.stdin(fs::File::open(dir.path().join(stdin)).unwrap());
        }
        let output = run_as(command, dir.path(), &[&["scan", "--fail-on", "never", "--format", "jsonl"], inputs].concat());
        let all = records(&output);
        let summary = of_kind(&all, "summary")[0];
        (output.status.code(), summary["secrets_readable"].clone(), summary["members"].clone(), of_kind(&all, "unread").len())
    };
    let wanted = scan(&["x", "y"], None);
    assert_eq!((&wanted.2, wanted.3), (&1.into(), 0));
    for (inputs, stdin) in [(["x", "-"], "y"), (["-", "x"], "y"), (["-", "y"], "x"), (["y.tar", "-"], "x"), (["x", "-"], "y.tar")] {
        assert_eq!(scan(&inputs, Some(stdin)), wanted, "{inputs:?} with {stdin}");
    }
    assert_eq!(scan(&["-", "-"], Some("x")), scan(&["x"], None));
}

/// What is packed with a part of a member stays what it is beside it.
#[test]
fn what_stands_beside_a_part_is_still_read() {
    let dir = tempfile::tempdir().unwrap();
    let Member { database, log } = Member::of(true);
    let other = Fixture::named("migration").bytes;
    for (name, bytes) in [("d/x", database), ("d/other", other), ("d/notes", b"of somebody"), ("w", &log)] {
        write(dir.path(), name, bytes);
    }
    write(dir.path(), "d.tar", &tar(dir.path(), "d"));
    for database in ["d", "d.tar"] {
        let output = run_in(dir.path(), &["scan", database, "w", "--fail-on", "never", "--format", "jsonl"]);
        let all = records(&output);
        let summary = of_kind(&all, "summary")[0];
        let unread: Vec<&str> = reasons(&all).into_iter().map(|(_, path)| path).collect();
        assert_eq!((output.status.code(), &summary["members"], of_kind(&all, "evidence").len()), (Some(3), &2.into(), 3), "{database}");
        assert!(matches!(unread.as_slice(), [path] if path.ends_with("d/notes")), "{unread:?}");
    }
}

/// A log of another member is joined to nothing.
#[test]
fn what_does_not_fit_is_not_joined() {
    let dir = Member::of(false).in_one_place();
    for inputs in [&["d"][..], &["d.tar"], &["d/x", "d/y"]] {
        let (_, _, members, _) = answer(dir.path(), &[&["scan"], inputs].concat());
        assert_eq!(members, 2, "{inputs:?}");
    }
}

/// What is searched as any bytes is what it is alone, whatever is given beside it.
#[test]
fn files_that_are_carved_are_never_joined() {
    let dir = Member::of(true).in_one_place();
    for inputs in [&["d"][..], &["d.tar"], &["d/x", "d/y"]] {
        let all = records(&run_in(dir.path(), &[&["carve", "--format", "jsonl"], inputs].concat()));
        assert!(of_kind(&all, "evidence").iter().all(|evidence| evidence["kind"] == "image"), "{inputs:?}");
        assert_eq!((of_kind(&all, "evidence").len(), &of_kind(&all, "summary")[0]["members"]), (2, &2.into()), "{inputs:?}");
    }
}

/// Where a log fits two databases, which of them it is of is not known: each that it is not joined to says so, and how to read the two alone.
#[test]
fn a_log_that_fits_several_databases_is_named_with_each() {
    let dir = tempfile::tempdir().unwrap();
    let Member { database, log } = Member::of(true);
    for (name, bytes) in [("far/a", database), ("far/b", database), ("far/y", &log[..])] {
        write(dir.path(), name, bytes);
    }
    // What stands in one directory goes together, and what stands elsewhere lacks its log.
    for (name, bytes) in [("near/db", database), ("near/y", &log[..]), ("near/other/db", database)] {
        write(dir.path(), name, bytes);
    }
    for (name, lacking) in [("far", 2), ("near", 1)] {
        write(dir.path(), &format!("{name}.tar"), &tar(dir.path(), name));
        for input in [name.to_owned(), format!("{name}.tar")] {
            let output = run_in(dir.path(), &["check", &input, "--format", "jsonl"]);
            let all = records(&output);
            let unread = of_kind(&all, "unread");
            assert_eq!((output.status.code(), unread.len()), (Some(3), lacking), "{input}: {unread:?}");
            for one in unread {
                assert!(one["reason"] == "no-log" && one["detail"].as_str().unwrap().contains(&format!("{name}/y, and several")), "{one}");
                let advice = one["advice"].as_str().unwrap().replace('\'', "");
                let (_, inputs) = advice.split_once("etcd-sleuth scan ").unwrap();
                let inputs: Vec<&str> = inputs.split(' ').collect();
                let (_, secrets, members, unread) = answer(dir.path(), &[&["scan"], &inputs[..]].concat());
                assert_eq!((&secrets["existing"], members, unread), (&0.into(), 1.into(), vec![]), "{advice}");
            }
        }
    }
}
