//! Backups as people keep them: archives in containers, base64, databases behind one another, and parts of a member that are given by
//! themselves. What this program does not read of them is its own limit, and never damage.

use crate::common;

use std::fs;
use std::io::Write;
use std::path::Path;

use base64::Engine;
use common::pages::{self, Write as Put};
use common::{Fixture, evidences, of_kind, records, run_in, stderr, text, unpack_directory};
use serde_json::{Value, json};

const SEGMENT: &str = "0000000000000000-0000000000000000.wal";

fn scan(dir: &Path, args: &[&str]) -> (Option<i32>, Vec<Value>, String) {
    let output = run_in(dir, &[&["scan", "--fail-on", "never", "--format", "jsonl"], args].concat());
    (output.status.code(), records(&output), stderr(&output))
}

/// Of one file that is made for it.
fn scan_file(bytes: &[u8], args: &[&str]) -> (Option<i32>, Vec<Value>, String) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), bytes).unwrap();
    scan(dir.path(), &[&["a"], args].concat())
}

fn reasons(all: &[Value]) -> Vec<(&str, &str)> {
    of_kind(all, "unread").into_iter().map(|one| (one["reason"].as_str().unwrap(), one["path"].as_str().unwrap())).collect()
}

fn paths(all: &[Value]) -> Vec<&str> {
    of_kind(all, "evidence").into_iter().map(|evidence| evidence["path"].as_str().unwrap()).collect()
}

/// The values, without the number of their evidence.
fn values(all: &[Value]) -> Vec<String> {
    let plain = |value: &Value| {
        let mut value = value.clone();
        value.as_object_mut().unwrap().remove("evidence");
        value.to_string()
    };
    of_kind(all, "value").into_iter().map(plain).collect()
}

fn containers(all: &[Value]) -> Vec<String> {
    let of = |evidence: &Value| evidence["container"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect();
    evidences(all).first().map(of).unwrap_or_default()
}

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        tar.append_data(&mut header, name, *bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

fn tar_of(dir: &Path, name: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    tar.sparse(false);
    tar.append_dir_all(name, dir.join(name)).unwrap();
    tar.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zipped = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zipped.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zipped.write_all(bytes).unwrap();
    }
    zipped.finish().unwrap().into_inner()
}

fn base64(bytes: &[u8], width: usize, end: &str) -> Vec<u8> {
    let line = base64::engine::general_purpose::STANDARD.encode(bytes).into_bytes();
    line.chunks(width).flat_map(|chunk| [chunk, end.as_bytes()].concat()).collect()
}

/// A data directory with no more in it than a member needs.
fn small_member(dir: &Path) {
    let member = unpack_directory("killed", dir).join("member");
    fs::remove_file(member.join("wal/0.tmp")).unwrap();
}

#[test]
fn a_data_directory_in_an_archive_is_read_as_one_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    small_member(dir.path());
    let wanted = scan(dir.path(), &["killed"]).1;
    let plain = tar_of(dir.path(), "killed");
    let packed = gzip(&plain);
    for (bytes, wrapped) in [
        (plain.clone(), &["tar"][..]),
        (packed.clone(), &["gzip", "tar"]),
        (zstd::bulk::compress(&plain, 1).unwrap(), &["zstd", "tar"]),
        (zip(&[("k.tar.gz", &packed)]), &["zip", "gzip", "tar"]),
        (base64(&packed, 76, "\r\n"), &["base64", "gzip", "tar"]),
    ] {
        let (code, all, said) = scan_file(&bytes, &[]);
        assert_eq!(
            (code, reasons(&all), containers(&all)),
            (Some(0), vec![], wrapped.iter().map(|word| (*word).to_owned()).collect()),
            "{said}"
        );
        assert_eq!(values(&all), values(&wanted), "{wrapped:?}");
        assert_eq!(of_kind(&all, "summary")[0]["members"], 1);
        let path = if wrapped[0] == "zip" { "a!/k.tar.gz!/killed/member/snap/db" } else { "a!/killed/member/snap/db" };
        assert_eq!(paths(&all)[0], path);
    }
    // One of its files, by the path that it is told under.
    fs::write(dir.path().join("k.tgz"), &packed).unwrap();
    let (code, all, said) = scan(dir.path(), &["k.tgz!/killed/member/snap/db"]);
    assert_eq!((code, paths(&all)), (Some(0), vec!["k.tgz!/killed/member/snap/db"]), "{said}");
    assert_eq!(scan(dir.path(), &["k.tgz!/nothing"]).0, Some(1));
}

/// A transfer in text mode can be undone where it put something in, and is damage where it took something out.
#[test]
fn a_transfer_in_text_mode_is_undone_or_told_as_damage() {
    let replaced = |bytes: &[u8], from: &[u8], to: &[u8]| {
        let mut out = Vec::new();
        let mut rest = bytes;
        while let Some((first, behind)) = rest.split_first() {
            match rest.strip_prefix(from) {
                Some(behind) => {
                    out.extend_from_slice(to);
                    rest = behind;
                }
                None => {
                    out.push(*first);
                    rest = behind;
                }
            }
        }
        out
    };
    for name in ["plaintext", "defragmented"] {
        let fixture = Fixture::named(name);
        let wanted = scan_file(fixture.bytes, &[]);
        let sent = replaced(fixture.bytes, b"\n", b"\r\n");
        let (code, all, said) = scan_file(&sent, &[]);
        assert_eq!((code, containers(&all), values(&all)), (wanted.0, vec!["text-mode".to_owned()], values(&wanted.1)), "{said}");
        assert_eq!((reasons(&all), &of_kind(&all, "evidence-end")[0]["trailer"]), (vec![], &json!("match")), "{name}");
        // What came out of one transfer goes through another one, or is packed.
        let (_, all, _) = scan_file(&gzip(&replaced(&sent, b"\n", b"\r\n")), &[]);
        assert_eq!((containers(&all), values(&all)), (["gzip", "text-mode", "text-mode"].map(str::to_owned).to_vec(), values(&wanted.1)));
        // What a transfer took out is not known any more.
        let taken = replaced(fixture.bytes, b"\r\n", b"\n");
        assert!(taken.len() < fixture.bytes.len(), "{name}: the fixture has such a place");
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), &taken).unwrap();
        let (code, said) = text(&run_in(dir.path(), &["scan", "-q", "a"]));
        assert!(code == if name == "plaintext" { 2 } else { 3 } && said.contains("damaged") && !said.contains("free pages ("), "{said}");
        assert!(name != "plaintext" || said.contains(" on pages whose tree is lost"), "{said}");
        assert_eq!(run_in(dir.path(), &["check", "a"]).status.code(), Some(2));
    }
}

#[test]
fn files_of_a_tar_are_evidences_and_of_one_name_all_are_read() {
    let (one, two) = (Fixture::named("etcd35").bytes, Fixture::named("plaintext").bytes);
    let (code, all, _) = scan_file(&tar(&[("./x.db", one), ("b/y.db", two), ("empty", b"")]), &[]);
    assert_eq!((code, paths(&all), reasons(&all)), (Some(0), vec!["a!/x.db", "a!/b/y.db"], vec![]));
    let (code, all, _) = scan_file(&tar(&[("x.db", one), ("x.db", two)]), &[]);
    assert_eq!((code, paths(&all)), (Some(0), vec!["a!/x.db (replaced by 1 behind it)", "a!/x.db"]));
    // What is no file of etcd's is told, as it is of a zip.
    let (code, all, _) = scan_file(&tar(&[("x.db", one), ("x.rkestate", b"{}")]), &[]);
    assert_eq!((code, reasons(&all)), (Some(3), vec![("not-unpacked", "a!/x.rkestate")]));
    // Behind the end of another archive.
    let (code, all, _) = scan_file(&[tar(&[("x.db", one)]), tar(&[("y.db", two)])].concat(), &[]);
    assert_eq!((code, paths(&all)), (Some(0), vec!["a!/x.db", "a!/y.db"]));
    // A snapshot beside a member's directory is its own.
    let dir = tempfile::tempdir().unwrap();
    small_member(dir.path());
    fs::create_dir_all(dir.path().join("all")).unwrap();
    fs::rename(dir.path().join("killed"), dir.path().join("all/killed")).unwrap();
    fs::write(dir.path().join("all/x.db"), one).unwrap();
    let (code, all, _) = scan_file(&tar_of(dir.path(), "all"), &[]);
    let last = of_kind(&all, "evidence").pop().unwrap();
    assert_eq!(
        (code, &last["path"], &last["role"], &of_kind(&all, "summary")[0]["members"]),
        (Some(0), &"a!/all/x.db".into(), &"file".into(), &2.into())
    );
}

#[test]
fn what_of_a_tar_is_readable_is_read_and_the_rest_is_told() {
    let (one, two) = (Fixture::named("etcd35").bytes, Fixture::named("plaintext").bytes);
    let whole = tar(&[("x.db", one), ("y.db", two)]);
    let second = 512 + one.len().next_multiple_of(512);
    // Cut within the second file, before it, and within a packed archive.
    let (code, all, _) = scan_file(&whole[..second + 512 + 65536], &[]);
    assert_eq!((code, paths(&all), reasons(&all)), (Some(3), vec!["a!/x.db", "a!/y.db"], vec![("not-whole", "a")]));
    assert!(of_kind(&all, "anomaly").iter().any(|anomaly| anomaly["class"] == "container-damaged" && anomaly["evidence"] == 1));
    assert_eq!(
        (&of_kind(&all, "evidence-end")[0]["complete"], &of_kind(&all, "evidence-end")[1]["complete"]),
        (&true.into(), &false.into())
    );
    let (code, all, _) = scan_file(&whole[..second], &[]);
    assert_eq!((code, paths(&all), reasons(&all)), (Some(3), vec!["a!/x.db"], vec![("not-whole", "a")]));
    let packed = gzip(&whole);
    let (code, all, _) = scan_file(&packed[..packed.len() - 1000], &[]);
    assert_eq!((code, paths(&all)[0], reasons(&all)), (Some(3), "a!/x.db", vec![("not-whole", "a")]));
    // A broken header hides its own file alone.
    let mut broken = tar(&[("w.db", one), ("x.db", one), ("y.db", two)]);
    broken[second + 5] ^= 1;
    let (code, all, _) = scan_file(&broken, &[]);
    assert_eq!((code, paths(&all), reasons(&all)), (Some(3), vec!["a!/w.db", "a!/y.db"], vec![("not-unpacked", "a")]));
}

#[test]
fn sparse_files_and_links_out_of_an_archive_are_told_and_never_followed() {
    let one = Fixture::named("etcd35").bytes;
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNUSparse);
    header.as_gnu_mut().unwrap().set_real_size(0);
    header.set_size(0);
    header.set_mode(0o600);
    builder.append_data(&mut header, "sparse.db", &b""[..]).unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_size(one.len() as u64);
    header.set_mode(0o600);
    builder.append_data(&mut header, "x.db", one).unwrap();
    let (code, all, _) = scan_file(&builder.into_inner().unwrap(), &[]);
    assert_eq!((code, paths(&all), reasons(&all)), (Some(3), vec!["a!/x.db"], vec![("not-supported", "a!/sparse.db")]));
    assert!(of_kind(&all, "unread")[0]["detail"].as_str().unwrap().contains("sparse"));
    // A log behind a link: within the archive it is the member's, out of it it is not, though it is there and the right one.
    let dir = tempfile::tempdir().unwrap();
    small_member(dir.path());
    let log = fs::read(dir.path().join("killed/member/wal").join(SEGMENT)).unwrap();
    let database = fs::read(dir.path().join("killed/member/snap/db")).unwrap();
    fs::rename(dir.path().join("killed/member/wal"), dir.path().join("log")).unwrap();
    let linked = |target: &str, with_log: bool| {
        let mut builder = tar::Builder::new(tar(&[("d/member/snap/db", &database)]).split_off(0));
        let bytes = builder.get_mut();
        bytes.truncate(bytes.len() - 1024);
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, "d/member/wal", target).unwrap();
        if with_log {
            let mut header = tar::Header::new_ustar();
            header.set_size(log.len() as u64);
            builder.append_data(&mut header, format!("log/{SEGMENT}"), &log[..]).unwrap();
        }
        builder.into_inner().unwrap()
    };
    let (code, all, _) = scan_file(&linked("../../log", true), &[]);
    assert_eq!((code, reasons(&all), evidences(&all).len()), (Some(0), vec![], 2));
    let outside = dir.path().join("log");
    let (code, all, _) = scan_file(&linked(outside.to_str().unwrap(), false), &[]);
    assert_eq!((code, reasons(&all), evidences(&all).len()), (Some(3), vec![("leads-elsewhere", "a!/d/member/wal")], 1));
}

#[test]
fn base64_is_told_by_what_comes_out_of_it() {
    let one = Fixture::named("etcd35").bytes;
    let wanted = values(&scan_file(one, &[]).1);
    for text in [base64(one, usize::MAX, ""), base64(one, usize::MAX, "\n"), base64(one, 76, "\n"), base64(one, 64, "\r\n")] {
        let (code, all, _) = scan_file(&text, &[]);
        assert_eq!((code, containers(&all), values(&all) == wanted), (Some(0), vec!["base64".to_owned()], true));
    }
    let (code, all, _) = scan_file(&[base64(one, 76, "\n"), b"-- \nsent by mail\n".to_vec()].concat(), &[]);
    assert!(code == Some(3) && evidences(&all)[0]["container"][0] == "base64", "{code:?}");
    // Text is text, whatever its letters.
    for other in [base64(b"nothing of etcd's", 76, "\n").repeat(90), b"abcd".repeat(900)] {
        let (code, _, said) = scan_file(&other, &[]);
        assert!(code == Some(1) && said.contains("a text file"), "{said}");
    }
}

/// What this program does not read, or not without more memory, is not read: exit code 3, alone and beside others.
#[test]
fn a_limit_and_a_form_that_is_not_read_are_no_fault_of_the_file() {
    let one = Fixture::named("etcd35").bytes;
    let mut encrypted = zip(&[("x.db", one)]);
    for header in [&b"PK\x03\x04"[..], b"PK\x01\x02"] {
        let at = (0..encrypted.len()).find(|at| encrypted[*at..].starts_with(header)).unwrap();
        // The first flag: the entry is encrypted.
        encrypted[at + if header[2] == 3 { 6 } else { 8 }] |= 1;
    }
    let delta = [&br#"[{"etcdEvent":{"kv":{"key":"L3JlZ2lzdHJ5L3NlY3JldHMvYS9i"}},"time":"2026"}]"#[..], &[7; 32]].concat();
    for (bytes, args, reason, said) in [
        (gzip(&vec![0; 1 << 21]), &["--max-size", "1M"][..], "limit", "more than 1048576 bytes"),
        (zip(&[("x.db", &vec![0; 1 << 21])]), &["--max-size", "1M"], "limit", "more than 1048576 bytes"),
        (base64(&vec![0; 1 << 21], 76, "\n"), &["--max-size", "1M"], "limit", "more than 1048576 bytes"),
        (encrypted, &[], "not-supported", "encrypted"),
        (delta.clone(), &[], "not-supported", "delta snapshot"),
        (gzip(&delta), &[], "not-supported", "delta snapshot"),
        (tar(&[("Incr-1", &delta)]), &[], "not-supported", "delta snapshot"),
        (b"\xfd7zXZ\0and so on".to_vec(), &[], "not-supported", "xz"),
        (b"age-encryption.org/v1\n".to_vec(), &[], "not-supported", "age"),
        (b"070701000000010000\0".to_vec(), &[], "not-supported", "cpio"),
        ([&[b'#'; 40], &zip(&[("x.db", one)])[..]].concat(), &[], "not-supported", "zip archive behind bytes"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), &bytes).unwrap();
        fs::write(dir.path().join("b"), one).unwrap();
        for inputs in [&["a"][..], &["a", "b"]] {
            let (code, all, error) = scan(dir.path(), &[inputs, args].concat());
            let unread: Vec<&str> = reasons(&all).into_iter().map(|(reason, _)| reason).collect();
            assert_eq!((code, unread), (Some(3), vec![reason]), "{error}");
            assert!(error.contains(said) && !error.contains("damaged") && !error.contains("fetch it again"), "{error}");
            let conditions: Vec<&Value> = of_kind(&all, "summary")[0]["conditions"].as_array().unwrap().iter().collect();
            assert!(conditions.contains(&&"not-read".into()) && !conditions.contains(&&"input-failed".into()), "{conditions:?}");
            for command in [&["scan"][..], &["check"], &["keys"], &["pages"]] {
                let (code, screen) = text(&run_in(dir.path(), &[command, &["-q"], inputs, args].concat()[..]));
                assert!(code != 0 && code != 1 || command[0] == "pages", "{command:?}: {code} {screen}");
            }
        }
    }
}

/// In an archive one member that is refused is a line, and the others are read.
#[test]
fn a_member_that_is_refused_does_not_hide_the_others() {
    let one = Fixture::named("etcd35").bytes;
    let zeros = vec![0; 1 << 21];
    let (code, all, _) = scan_file(&zip(&[("big", &zeros), ("x.db", one)]), &["--max-size", "1M"]);
    assert_eq!((code, paths(&all), reasons(&all)), (Some(3), vec!["a!/x.db"], vec![("limit", "a!/big")]));
    let (code, all, _) = scan_file(&tar(&[("big.gz", &gzip(&zeros)), ("x.db", one), ("x.xz", b"\xfd7zXZ\0..")]), &["--max-size", "1M"]);
    assert_eq!((code, paths(&all)), (Some(3), vec!["a!/x.db"]));
    assert_eq!(reasons(&all), [("not-supported", "a!/x.xz"), ("limit", "a!/big.gz")]);
    // One in the other, without end.
    let mut deep = one.to_vec();
    for _ in 0..9 {
        deep = gzip(&deep);
    }
    let (code, all, said) = scan_file(&deep, &[]);
    assert_eq!((code, reasons(&all)), (Some(3), vec![("limit", "a")]), "{said}");
}

#[test]
fn databases_behind_one_another_are_evidences_each() {
    let (one, two) = (Fixture::named("etcd35").bytes, Fixture::named("plaintext").bytes);
    let member = Fixture::named("killed").bytes;
    let wanted: Vec<String> = [one, two].iter().flat_map(|bytes| values(&scan_file(bytes, &[]).1)).collect();
    for bytes in [[one, two].concat(), gzip(&[one, two].concat()), [gzip(one), gzip(two)].concat()] {
        let (code, all, _) = scan_file(&bytes, &[]);
        let second = format!("a!/from byte {}", one.len());
        assert_eq!((code, paths(&all), values(&all) == wanted), (Some(0), vec!["a", second.as_str()], true));
        assert!(of_kind(&all, "evidence-end").iter().all(|end| end["trailer"] == "match" && end["complete"] == true));
        let files: Vec<&Value> = of_kind(&all, "evidence-end").into_iter().map(|end| &end["sha256"]).collect();
        assert_eq!(files[0], files[1]);
    }
    // A member's own, which ends in pages that were never used.
    let (code, all, _) = scan_file(&[member, one].concat(), &[]);
    assert_eq!((code, evidences(&all).len()), (Some(0), 2));
    // Other bytes behind it are told.
    let (code, all, _) = scan_file(&gzip(&[one, b"and more"].concat()), &[]);
    assert_eq!((code, evidences(&all).len()), (Some(0), 1));
    assert_eq!(of_kind(&all, "anomaly")[0]["detail"], "the trailer matches; 8 bytes stand behind it");
}

/// The size beside a member's path is the member's.
#[test]
fn a_file_in_an_archive_has_its_own_size() {
    let (dir, one) = (tempfile::tempdir().unwrap(), Fixture::named("fresh").bytes);
    let archive = tar(&[("backup/one.db", one), ("backup/notes", &[7; 40_000])]);
    fs::write(dir.path().join("a.tar"), &archive).unwrap();
    let (_, screen) = text(&run_in(dir.path(), &["scan", "a.tar"]));
    let number = etcd_sleuth::render::text::thousands;
    let (member, whole) = (number(one.len() as u64), number(archive.len() as u64));
    let line = screen.lines().find(|line| line.starts_with("File ")).unwrap();
    assert!(line.contains(&format!("a.tar!/backup/one.db, {member} bytes, out of tar, {whole} bytes, sha256 ")), "{line}");
}

#[test]
fn a_database_and_its_log_that_are_given_as_files_are_one_member() {
    let dir = tempfile::tempdir().unwrap();
    small_member(dir.path());
    let wanted = scan(dir.path(), &["killed"]).1;
    let count = |all: &[Value], kind: &str| evidences(all).iter().filter(|evidence| evidence["kind"] == kind).count();
    fs::rename(dir.path().join("killed/member/snap/db"), dir.path().join("x.db")).unwrap();
    fs::rename(dir.path().join("killed/member/wal"), dir.path().join("log")).unwrap();
    let segment = format!("log/{SEGMENT}");
    for inputs in [["x.db", "log"], ["log", "x.db"], ["x.db", &segment], [&segment, "x.db"]] {
        let (code, all, _) = scan(dir.path(), &inputs);
        assert_eq!((code, reasons(&all), &of_kind(&all, "summary")[0]["members"]), (Some(0), vec![], &1.into()), "{inputs:?}");
        assert_eq!((count(&all, "database"), count(&all, "wal")), (1, count(&wanted, "wal")));
        let ahead = |all: &[Value]| of_kind(all, "summary")[0]["secrets_readable"]["ahead"].clone();
        assert_eq!(ahead(&all), ahead(&wanted));
        let (_, screen) = text(&run_in(dir.path(), &[&["scan"][..], &inputs].concat()));
        assert!(screen.lines().next().unwrap().contains(" THESE FILES"), "{screen}");
    }
    // Side by side in one place, whatever the database is called.
    for name in ["db", "x.db"] {
        let flat = dir.path().join("flat");
        fs::create_dir(&flat).unwrap();
        fs::copy(dir.path().join("x.db"), flat.join(name)).unwrap();
        fs::copy(dir.path().join(&segment), flat.join(SEGMENT)).unwrap();
        let files = [name, SEGMENT].map(|file| (file, fs::read(flat.join(file)).unwrap()));
        let files: Vec<(&str, &[u8])> = files.iter().map(|(file, bytes)| (*file, bytes.as_slice())).collect();
        let in_directory = scan(dir.path(), &["flat"]);
        for (code, all, _) in [in_directory, scan_file(&tar(&files), &[]), scan_file(&zip(&files), &[])] {
            assert_eq!((code, reasons(&all), &of_kind(&all, "summary")[0]["members"]), (Some(0), vec![], &1.into()), "{name}");
            assert_eq!((count(&all, "database"), count(&all, "wal")), (1, 1), "{name}");
        }
        fs::remove_dir_all(&flat).unwrap();
    }
    // Another cluster's is not.
    fs::write(dir.path().join("y.db"), Fixture::named("etcd35").bytes).unwrap();
    let (_, all, _) = scan(dir.path(), &["y.db", &segment]);
    assert_eq!(of_kind(&all, "summary")[0]["members"], 2);
}

/// What one input holds besides has an answer of its own, so that no answer speaks for all of it.
#[test]
fn a_headline_speaks_for_its_own_part_alone() {
    let dir = tempfile::tempdir().unwrap();
    let write = |key: &str, value: &[u8]| Put { main: 2, key: key.as_bytes().to_vec(), value: value.to_vec() };
    let config = pages::database(&[pages::root(3), pages::leaf(3, &[write("/registry/configmaps/a/b", b"k8s\0\n\0\x12\0").entry()])]);
    let (key, value) = common::sealed::secret("a");
    let secret = pages::database(&[pages::root(3), pages::leaf(3, &[write(&key, &value).entry()])]);
    fs::write(dir.path().join("both.db"), [&config[..], &secret].concat()).unwrap();
    for member in ["members/a/member/snap", "members/b/member/snap"] {
        fs::create_dir_all(dir.path().join(member)).unwrap();
        fs::write(dir.path().join(member).join("db"), if member.contains("/a/") { &config } else { &secret }).unwrap();
    }
    for (input, own) in [("both.db", "THIS PART OF WHAT WAS GIVEN"), ("members", "THIS MEMBER'S OWN FILES")] {
        let (code, screen) = text(&run_in(dir.path(), &["scan", input]));
        let first = screen.lines().next().unwrap();
        assert!(code == 2 && first.starts_with("NO PLAINTEXT SECRET FOUND IN ") && first.ends_with(own), "{screen}");
    }
}
