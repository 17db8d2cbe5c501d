//! The same files give the same answer, whatever way they are given: as inputs, in a directory, in an archive, packed or not, over standard
//! input, in base64.

use crate::common;

use std::fs;
use std::io::Write;
use std::path::Path;

use common::raft::{bytes, segment};
use common::{of_kind, records, run_in, text};
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

fn tar(dir: &Path, name: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_dir_all(name, dir.join(name)).unwrap();
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
