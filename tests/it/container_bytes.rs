//! Every byte of a container is in a file of it, of the structure of its form, zero, or told: what stands in a comment, in an extra
//! field, in a frame that decoders skip, or behind the end, is never passed over.

use crate::common;

use std::fs;
use std::io::{Cursor, Write};

use common::{Fixture, evidences, of_kind, records, run_in, stderr};
use serde_json::Value;

fn scan(bytes: &[u8]) -> (Option<i32>, Vec<Value>, String) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), bytes).unwrap();
    let output = run_in(dir.path(), &["scan", "a", "--fail-on", "never", "--format", "jsonl"]);
    (output.status.code(), records(&output), stderr(&output))
}

fn reasons(all: &[Value]) -> Vec<(&str, &str)> {
    of_kind(all, "unread").into_iter().map(|one| (one["reason"].as_str().unwrap(), one["path"].as_str().unwrap())).collect()
}

fn paths(all: &[Value]) -> Vec<&str> {
    of_kind(all, "evidence").into_iter().map(|evidence| evidence["path"].as_str().unwrap()).collect()
}

/// It is read as it was, and nothing is told.
fn assert_silent(what: &str, bytes: &[u8]) {
    let (code, all, said) = scan(bytes);
    assert_eq!((code, reasons(&all), evidences(&all).len()), (Some(0), vec![], 1), "{what}: {said}");
    assert_eq!(of_kind(&all, "anomaly"), Vec::<&Value>::new(), "{what}");
}

/// What stands beside the snapshot is told with these words, and the snapshot itself is whole.
fn assert_told(what: &str, bytes: &[u8], (reason, words): (&str, &str)) {
    let (code, all, said) = scan(bytes);
    assert_eq!(code, Some(3), "{what}: {said}");
    let unread = of_kind(&all, "unread");
    let is_told = |one: &&&Value| one["reason"] == reason && one["detail"].as_str().unwrap().contains(words);
    assert!(unread.iter().any(|one| is_told(&one)), "{what}: {unread:?} {said}");
    assert_eq!(of_kind(&all, "evidence-end")[0]["complete"], true, "{what}");
    assert_eq!(of_kind(&all, "anomaly"), Vec::<&Value>::new(), "{what}");
}

fn zip_with(add: impl FnOnce(&mut zip::ZipWriter<Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut zipped = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zipped.start_file("x.db", zip::write::SimpleFileOptions::default()).unwrap();
    zipped.write_all(Fixture::named("etcd35").bytes).unwrap();
    add(&mut zipped);
    zipped.finish().unwrap().into_inner()
}

fn place_of(bytes: &[u8], sign: &[u8]) -> usize {
    (0..bytes.len()).rfind(|at| bytes[*at..].starts_with(sign)).unwrap()
}

#[test]
fn what_a_zip_has_beside_its_files_is_told() {
    let plain = zip_with(|_| {});
    assert_silent("plain", &plain);
    assert_silent("a remark", &zip_with(|zip| zip.set_comment("nightly, by cron").unwrap()));
    assert_silent("padding", &[&plain[..], &[0; 70_000]].concat());
    assert_told(
        "comment",
        &zip_with(|zip| zip.set_comment("k".repeat(500)).unwrap()),
        ("not-unpacked", "500 bytes of it stand in no file: its comment"),
    );
    for behind in [1, 300, 100_000] {
        assert_told(
            "behind its end",
            &[&plain[..], &vec![7; behind]].concat(),
            ("not-unpacked", &format!("{behind} bytes that stand in no entry")),
        );
    }
    // Its own extra field, of no known kind, and behind the packed bytes of the only file, which end before it says.
    let local = 30 + "x.db".len();
    let mut extra = plain.clone();
    extra[28..30].copy_from_slice(&304u16.to_le_bytes());
    let field = [&0xbeefu16.to_le_bytes()[..], &300u16.to_le_bytes(), &[b'k'; 300]].concat();
    extra.splice(local..local, field);
    move_directory(&mut extra, 304);
    assert_told("extra field", &extra, ("not-unpacked", "extra fields"));
    let mut longer = plain.clone();
    let directory = place_of(&longer, b"PK\x01\x02");
    longer.splice(directory..directory, vec![b'k'; 300]);
    move_directory(&mut longer, 300);
    let directory = place_of(&longer, b"PK\x01\x02");
    for at in [18, directory + 20] {
        let size = u32::from_le_bytes(longer[at..at + 4].try_into().unwrap()) + 300;
        longer[at..at + 4].copy_from_slice(&size.to_le_bytes());
    }
    assert_told("packed bytes", &longer, ("not-unpacked", "300 bytes of it stand in no file: behind the packed bytes"));
}

/// In the end of a zip's directory, where it begins.
fn move_directory(bytes: &mut [u8], by: u32) {
    let end = place_of(bytes, b"PK\x05\x06");
    let at = u32::from_le_bytes(bytes[end + 16..end + 20].try_into().unwrap()) + by;
    bytes[end + 16..end + 20].copy_from_slice(&at.to_le_bytes());
}

/// A file that has a directory's name, one behind the end, one whose directory is lost or hurt: all are read, and of the container it
/// is said that it is not whole.
#[test]
fn files_of_a_zip_are_read_wherever_they_stand() {
    let two = Fixture::named("plaintext").bytes;
    let add = |name: &'static str| {
        move |zip: &mut zip::ZipWriter<Cursor<Vec<u8>>>| {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(two).unwrap();
        }
    };
    let mut named = zip_with(add("dd"));
    for at in 0..named.len() - 2 {
        if named[at..].starts_with(b"dd") {
            named[at + 1] = b'/';
        }
    }
    let (code, all, _) = scan(&named);
    assert_eq!((code, paths(&all).len(), reasons(&all)), (Some(0), 2, vec![]), "{:?}", paths(&all));
    let both = zip_with(add("y.db"));
    let directory = (0..both.len()).find(|at| both[*at..].starts_with(b"PK\x01\x02")).unwrap();
    for cut in [directory, both.len() - 30] {
        let (code, all, said) = scan(&both[..cut]);
        assert_eq!((code, paths(&all).len()), (Some(3), 2), "{said}");
        assert!(reasons(&all).contains(&("not-whole", "a")), "{:?}", reasons(&all));
        assert!(of_kind(&all, "evidence-end").iter().all(|end| end["complete"] == true));
    }
    // An archive that was written as a stream: sizes stand behind each file.
    let mut stream = zip::ZipWriter::new_stream(Vec::new());
    stream.start_file("x.db", zip::write::SimpleFileOptions::default()).unwrap();
    stream.write_all(two).unwrap();
    let stream = stream.finish().unwrap().into_inner();
    let (code, all, said) = scan(&stream);
    assert_eq!((code, reasons(&all), paths(&all)), (Some(0), vec![], vec!["a!/x.db"]), "{said}");
    let (code, all, said) = scan(&stream[..place_of(&stream, b"PK\x01\x02")]);
    assert_eq!((code, paths(&all)), (Some(3), vec!["a!/x.db (in no directory)"]), "{said}");
    // The checksum in the directory alone is another: the file is whole.
    let mut hurt = zip_with(|_| {});
    let at = place_of(&hurt, b"PK\x01\x02") + 16;
    hurt[at] ^= 1;
    assert_told("checksum", &hurt, ("not-whole", "by the checksum in its own header it is whole"));
    // Text behind base64 says nothing of what came out of it.
    let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, Fixture::named("etcd35").bytes);
    assert_told("base64", &[text.as_bytes(), b"\n-- \nsent by mail\n"].concat(), ("not-unpacked", "behind the end of the base64"));
}

fn gzip_with(build: impl FnOnce(flate2::GzBuilder) -> flate2::GzBuilder, bytes: &[u8]) -> Vec<u8> {
    let mut gzip = build(flate2::GzBuilder::new()).write(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn skippable(number: u8, data: &[u8]) -> Vec<u8> {
    [&[0x50 + number, 0x2a, 0x4d, 0x18][..], &u32::try_from(data.len()).unwrap().to_le_bytes(), data].concat()
}

#[test]
fn what_gzip_and_zstd_have_beside_their_content_is_told() {
    let one = Fixture::named("etcd35").bytes;
    assert_silent("a name and a remark", &gzip_with(|gzip| gzip.filename("x.db").comment("nightly"), one));
    assert_told(
        "comment",
        &gzip_with(|gzip| gzip.comment("k".repeat(500)), one),
        ("not-unpacked", "500 bytes of it stand in no file: comments"),
    );
    assert_told("extra field", &gzip_with(|gzip| gzip.extra(vec![b'k'; 500]), one), ("not-unpacked", "extra fields"));
    // Blocks of BGZF each say their size.
    let blocks: Vec<u8> = one.chunks(4096).flat_map(|block| gzip_with(|gzip| gzip.extra(b"BC\x02\x00\x01\x02".to_vec()), block)).collect();
    assert_silent("bgzf", &blocks);

    let frame = zstd::bulk::compress(one, 1).unwrap();
    let (packed, size) = (u32::try_from(frame.len()).unwrap().to_le_bytes(), u32::try_from(one.len()).unwrap().to_le_bytes());
    assert_silent("pzstd", &[skippable(0, &packed), frame.clone()].concat());
    let table = [&packed[..], &size, &1u32.to_le_bytes(), &[0, 0xb1, 0xea, 0x92, 0x8f]].concat();
    assert_silent("seek table", &[frame.clone(), skippable(14, &table)].concat());
    let told = ("not-unpacked", "zstd frames that decoders skip");
    assert_told("behind", &[frame.clone(), skippable(3, &[b'k'; 500])].concat(), told);
    assert_told("before", &[skippable(3, &[b'k'; 500]), frame.clone()].concat(), told);
    assert_told("no seek table", &[frame.clone(), skippable(14, &[&[b'k'; 400][..], &table].concat())].concat(), told);
}

/// A tar of the snapshot, and of what is put before and behind it.
fn tar_with(before: impl FnOnce(&mut tar::Builder<Vec<u8>>), behind: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    before(&mut builder);
    let bytes = Fixture::named("etcd35").bytes;
    builder.append_data(&mut header(tar::EntryType::Regular, bytes.len()), "x.db", bytes).unwrap();
    behind(&mut builder);
    builder.into_inner().unwrap()
}

fn header(kind: tar::EntryType, size: usize) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(kind);
    header.set_size(size as u64);
    header.set_mode(0o600);
    header
}

#[test]
fn what_a_tar_has_beside_its_files_is_told() {
    let pax = |key: &'static str, value: String| tar_with(move |tar| tar.append_pax_extensions([(key, value.as_bytes())]).unwrap(), |_| {});
    for (key, value) in [("mtime", "1.25"), ("SCHILY.xattr.security.selinux", "system_u:object_r:etc_t:s0"), ("comment", "nightly")] {
        assert_silent(key, &pax(key, value.to_owned()));
    }
    for key in ["comment", "SCHILY.xattr.user.x", "VENDOR.x"] {
        assert_told(key, &pax(key, "k".repeat(500)), ("not-unpacked", "500 bytes of it stand in no file: pax headers"));
    }
    let global = |value: &str| {
        let record = format!(" comment={value}\n");
        let record = format!("{}{record}", record.len() + 2 + usize::from(record.len() > 97));
        tar_with(
            move |tar| tar.append_data(&mut header(tar::EntryType::XGlobalHeader, record.len()), "g", record.as_bytes()).unwrap(),
            |_| {},
        )
    };
    assert_silent("git archive", &global(&"a".repeat(40)));
    assert_told("global", &global(&"k".repeat(500)), ("not-unpacked", "pax headers"));
    let directory = tar_with(|_| {}, |tar| tar.append_data(&mut header(tar::EntryType::Directory, 500), "d", &[b'k'; 500][..]).unwrap());
    assert_told("a directory with bytes", &directory, ("not-unpacked", "what is no file"));
    let mut padded = tar_with(|_| {}, |tar| tar.append_data(&mut header(tar::EntryType::Regular, 0), "e", &b""[..]).unwrap());
    let size = Fixture::named("etcd35").bytes.len();
    let padding = 512 + size..512 + size.next_multiple_of(512);
    assert!(padding.len() > 64);
    padded[padding].fill(b'k');
    assert_told("padding", &padded, ("not-unpacked", "behind the ends of files"));
}

/// A link in an archive is held to what one in a directory is.
#[test]
fn links_and_devices_of_a_tar_are_told_where_nothing_is_behind_them() {
    use tar::EntryType::{Block, Char, Fifo, Link, Symlink};
    let linked = |kind, target: &'static str| {
        tar_with(
            |_| {},
            move |tar| {
                tar.append_link(&mut header(Symlink, 0), "via", "x.db").unwrap();
                match target {
                    "" => tar.append_data(&mut header(kind, 0), "d/y.db", &b""[..]).unwrap(),
                    target => tar.append_link(&mut header(kind, 0), "d/y.db", target).unwrap(),
                }
            },
        )
    };
    for (kind, target, reason) in [
        (Symlink, "../x.db", None),
        (Symlink, "../via", None),
        (Symlink, "../nothing", Some("leads-nowhere")),
        (Symlink, "../../x.db", Some("leads-elsewhere")),
        (Symlink, "/var/lib/etcd/x.db", Some("leads-elsewhere")),
        (Symlink, "y.db", Some("leads-nowhere")),
        (Link, "x.db", None),
        (Link, "nothing", Some("leads-nowhere")),
        (Block, "", Some("device")),
        (Char, "", Some("device")),
        (Fifo, "", None),
    ] {
        let (code, all, said) = scan(&linked(kind, target));
        let wanted: Vec<(&str, &str)> = reason.map(|reason| (reason, "a!/d/y.db")).into_iter().collect();
        assert_eq!((code, reasons(&all)), (Some(if wanted.is_empty() { 0 } else { 3 }), wanted), "{kind:?} {target}: {said}");
        assert_eq!(paths(&all), ["a!/x.db"]);
    }
}

/// A packed database behind another one is read as it would be by itself; one of a form that is not read is named as that.
#[test]
fn what_is_packed_behind_a_database_is_read_or_named() {
    let (one, two) = (Fixture::named("etcd35").bytes, Fixture::named("plaintext").bytes);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header(tar::EntryType::Regular, two.len()), "y.db", two).unwrap();
    let zipped = {
        let mut zipped = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zipped.start_file("y.db", zip::write::SimpleFileOptions::default()).unwrap();
        zipped.write_all(two).unwrap();
        zipped.finish().unwrap().into_inner()
    };
    for (packed, name) in [
        (gzip_with(|gzip| gzip, two), ""),
        (zstd::bulk::compress(two, 1).unwrap(), ""),
        (zipped, "!/y.db"),
        (archive.into_inner().unwrap(), "!/y.db"),
    ] {
        let (code, all, said) = scan(&[one, &packed].concat());
        let second = format!("a!/from byte {}{name}", one.len());
        assert_eq!((code, paths(&all), reasons(&all)), (Some(0), vec!["a", &second], vec![]), "{said}");
        assert!(of_kind(&all, "value").iter().any(|value| value["evidence"] == 1 && value["protection"] == "plaintext"));
    }
    for (packed, what) in [(&b"\xfd7zXZ\0and so on"[..], "xz"), (b"BZh91AY&SYand so on", "bzip2")] {
        assert_told(what, &[one, packed].concat(), ("not-supported", what));
    }
}

/// What is put beside a snapshot is no alarm in an archive where it is none in a directory.
#[test]
fn lists_beside_a_snapshot_are_no_alarm() {
    let beside = |name: &'static str, bytes: &'static [u8]| {
        tar_with(|_| {}, move |tar| tar.append_data(&mut header(tar::EntryType::Regular, bytes.len()), name, bytes).unwrap())
    };
    for (name, bytes) in [
        ("revision.json", &b"{\"clusterId\":1}"[..]),
        ("manifest.json", b"{}"),
        ("metadata.json", b"{}"),
        ("x.db.sha256", b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef  x.db\n"),
    ] {
        assert_silent(name, &beside(name, bytes));
    }
    for (name, bytes) in [
        ("x.rkestate", &b"{}"[..]),
        ("manifest.json", b"\xff\0\x01"),
        ("token", b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
    ] {
        assert_told(name, &beside(name, bytes), ("not-unpacked", "not a file of etcd"));
    }
}
