//! What is no snapshot, or a broken one, gets a message that says so: never a panic, never a file written.

use crate::common;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use common::{Fixture, evidences, of_kind, records, run_in, sleuth, stderr, text};

/// Scans a file with these bytes.
fn scan(bytes: &[u8]) -> (i32, String, String) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("input"), bytes).unwrap();
    let output = run_in(dir.path(), &["scan", "input"]);
    let (code, stdout) = text(&output);
    (code, stdout, stderr(&output))
}

/// An input that cannot be analysed: exit 1, nothing but the status on standard output, and an error that names the
/// file, says what was expected and found, and what to try.
fn refused(bytes: &[u8], found: &str) {
    let (code, _, error) = scan(bytes);
    assert_eq!(code, 1, "{error}");
    for part in ["error:", "input", "expected", found, "try:"] {
        assert!(error.contains(part), "{part:?} is missing in: {error}");
    }
}

#[test]
fn foreign_files_are_named_for_what_they_look_like() {
    refused(b"", "an empty file");
    refused(b"x", "a text file");
    refused(b"hello, this is a note\n", "a text file");
    let (code, _, error) = scan(b"SQLite format 3\0................");
    assert!(code == 3 && error.contains("not read by this program") && error.contains("kine") && error.contains("try:"), "{error}");
    refused(&[0; 8192], "zeros");
    refused(b"kind: EncryptionConfiguration\napiVersion: apiserver.config.k8s.io/v1\n", "EncryptionConfiguration");
    let (code, _, error) = scan(&[&[b'a'; 257][..], b"ustar\0", &[0; 300]].concat());
    assert!(code == 1 && error.contains("tar file: nothing can be unpacked") && error.contains("try:"), "{error}");
    refused(&[0xfe; 10_000], "none of the formats");
}

/// Another program's bbolt database is read, and said to be no etcd.
#[test]
fn another_programs_database_is_no_etcd() {
    // Two metas and an empty root leaf, as bbolt creates a database.
    let mut db = Fixture::named("plaintext").bytes.to_vec();
    let size = 4 * 4096;
    db.truncate(size);
    let fnv = |bytes: &[u8]| bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3));
    for slot in 0..2usize {
        let at = slot * 4096;
        db[at + 32..at + 40].copy_from_slice(&3u64.to_le_bytes());
        db[at + 48..at + 56].copy_from_slice(&u64::MAX.to_le_bytes());
        db[at + 56..at + 64].copy_from_slice(&4u64.to_le_bytes());
        let sum = fnv(&db[at + 16..at + 72]);
        db[at + 72..at + 80].copy_from_slice(&sum.to_le_bytes());
    }
    db[2 * 4096..].fill(0);
    db[3 * 4096..3 * 4096 + 10].copy_from_slice(&[3, 0, 0, 0, 0, 0, 0, 0, 2, 0]);
    let (code, stdout, _) = scan(&db);
    assert_eq!(code, 3, "{stdout}");
    assert!(stdout.contains("bucket-missing"), "{stdout}");
}

/// A database behind other bytes is no page where one is looked for; what stands there is said, and that it can be searched.
#[test]
fn a_database_behind_other_bytes_is_told_with_its_place() {
    let database = Fixture::named("etcd35").bytes;
    for before in [1, 7, 512, 70_000] {
        let (code, _, error) = scan(&[&vec![b'#'; before], database].concat());
        let said = [format!("at byte {before} one begins"), format!("tail -c +{}", before + 1), "etcd-sleuth carve input".to_owned()];
        assert!(code == 1 && said.iter().all(|said| error.contains(said)), "{before}: {error}");
    }
    // Without one, what is left is found by a search.
    refused(&[0xa5; 9000], "etcd-sleuth carve");
}

/// A meta with a wrong checksum is said, and of two, the pages are read.
#[test]
fn a_wrong_meta_checksum_is_said() {
    let mut db = Fixture::named("plaintext").bytes.to_vec();
    db[72] ^= 1;
    let (code, stdout, _) = scan(&db);
    assert_eq!(code, 2, "{stdout}");
    assert!(stdout.contains("meta 0 has checksum"), "{stdout}");
    db[4096 + 72] ^= 1;
    let (code, stdout, _) = scan(&db);
    assert_eq!(code, 2, "{stdout}");
    assert!(stdout.contains("no-valid-meta") && stdout.contains("no valid meta page says which pages are in use"), "{stdout}");
    // The metas alone, and not even them.
    db.truncate(2 * 4096);
    refused(&db, "without a valid meta page");
    let mut db = Fixture::named("plaintext").bytes.to_vec();
    db.truncate(4096 + 2048);
    refused(&db, "cut off at 6144 bytes");
}

/// A wrong trailer is an alteration, and what is readable is read.
#[test]
fn a_wrong_trailer_is_an_alteration() {
    let mut db = Fixture::named("plaintext").bytes.to_vec();
    let last = db.len() - 1;
    db[last] ^= 1;
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("input"), &db).unwrap();
    let (code, stdout) = text(&run_in(dir.path(), &["check", "input"]));
    assert_eq!(code, 2);
    assert!(stdout.starts_with("input: NOT AS WRITTEN: it DOES NOT MATCH ITS TRAILER"), "{stdout}");
    let scanned = records(&run_in(dir.path(), &["scan", "input", "--format", "jsonl"]));
    assert!(!of_kind(&scanned, "value").is_empty());
    assert_eq!(evidences(&scanned)[0]["trailer"], "mismatch");
    assert_eq!(of_kind(&scanned, "summary")[0]["conditions"].as_array().unwrap().iter().filter(|c| *c == "altered").count(), 1);
}

#[test]
fn a_broken_off_download_is_incomplete_and_the_rest_is_read() {
    let mut db = Fixture::named("migration").bytes.to_vec();
    db.truncate(db.len() / 2 + 77);
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("snapshot.db.part"), &db).unwrap();
    let (code, stdout) = text(&run_in(dir.path(), &["check", "snapshot.db.part"]));
    assert!(matches!(code, 2 | 3), "{code} {stdout}");
    assert!(stdout.contains("INCOMPLETE") && stdout.contains("file-truncated"), "{stdout}");
    fs::write(dir.path().join("head.db.part"), b"").unwrap();
    let output = run_in(dir.path(), &["scan", "head.db.part"]);
    assert!(stderr(&output).contains("broken off"), "{}", stderr(&output));
}

#[test]
fn containers_of_one_file_are_opened_and_give_the_same_values() {
    let fixture = Fixture::named("plaintext");
    let dir = tempfile::tempdir().unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(fixture.bytes).unwrap();
    let mut zipped = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zipped.start_file("db/snapshot.db", zip::write::SimpleFileOptions::default()).unwrap();
    zipped.write_all(fixture.bytes).unwrap();
    let files = [
        ("plain", fixture.bytes.to_vec()),
        ("gzip", gzip.finish().unwrap()),
        ("zstd", zstd::bulk::compress(fixture.bytes, 3).unwrap()),
        ("zip", zipped.finish().unwrap().into_inner()),
    ];
    let mut values = Vec::new();
    for (name, bytes) in &files {
        fs::write(dir.path().join(name), bytes).unwrap();
        let all = records(&run_in(dir.path(), &["scan", name, "--format", "jsonl"]));
        let evidence = evidences(&all)[0].clone();
        let container: Vec<&str> = evidence["container"].as_array().unwrap().iter().filter_map(serde_json::Value::as_str).collect();
        assert_eq!(container, if *name == "plain" { vec![] } else { vec![*name] });
        assert_eq!(evidence["size"], bytes.len());
        if *name != "plain" {
            assert_eq!(evidence["content_size"], fixture.bytes.len());
        }
        values.push(of_kind(&all, "value").into_iter().cloned().collect::<Vec<_>>());
    }
    assert!(values.iter().all(|v| *v == values[0]) && !values[0].is_empty());
}

#[test]
fn a_truncated_gzip_is_read_as_far_as_it_goes() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(Fixture::named("plaintext").bytes).unwrap();
    let mut bytes = gzip.finish().unwrap();
    bytes.truncate(bytes.len() * 9 / 10);
    let (code, stdout, _) = scan(&bytes);
    assert!(matches!(code, 2 | 3), "{stdout}");
    assert!(stdout.contains("container-damaged") && stdout.contains("ends early"), "{stdout}");
    bytes.truncate(5);
    let (code, _, error) = scan(&bytes);
    assert_eq!(code, 1);
    assert!(error.contains("gzip") && error.contains("try:"), "{error}");
}

#[test]
fn a_zip_of_two_files_is_refused_by_their_names() {
    let mut zipped = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["snapshot.db", "cluster.rkestate"] {
        zipped.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zipped.write_all(b"x").unwrap();
    }
    refused(&zipped.finish().unwrap().into_inner(), "cluster.rkestate");
}

#[test]
fn a_decompression_bomb_stops_at_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("bomb.zst"), zstd::bulk::compress(&vec![0u8; 64 << 20], 3).unwrap()).unwrap();
    let output = run_in(dir.path(), &["scan", "bomb.zst", "--max-size", "1M"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("more than 1048576 bytes when unpacked"), "{}", stderr(&output));
    assert!(stderr(&output).contains("--max-size"));
}

#[test]
fn standard_input_is_read_and_bounded() {
    let fixture = Fixture::named("plaintext");
    let run = |args: &[&str]| {
        let mut child = sleuth()
            .args(args)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let bytes = fixture.bytes.to_vec();
        let writer = std::thread::spawn(move || {
            let _ = stdin.write_all(&bytes);
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        output
    };
    let (code, stdout) = text(&run(&["scan", "-"]));
    assert_eq!(code, 2, "{stdout}");
    assert!(stdout.contains("File     -,"), "{stdout}");
    let small = run(&["scan", "-", "--max-size", "1000"]);
    assert_eq!(small.status.code(), Some(3));
    assert!(stderr(&small).contains("more than 1000 bytes"), "{}", stderr(&small));
}

#[test]
fn paths_that_are_no_files_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("member")).unwrap();
    for (path, what) in [("member", "expected an etcd data directory"), ("missing.db", "No such file"), ("/dev/null", "character device")] {
        let output = run_in(dir.path(), &["scan", path]);
        assert_eq!(output.status.code(), Some(1));
        let error = stderr(&output);
        assert!(error.contains(what) && error.contains(path) && error.contains("try:"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_that_never_speaks_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("mkfifo").arg(dir.path().join("pipe")).status().unwrap();
    assert!(made.success());
    let output = sleuth().current_dir(dir.path()).args(["scan", "pipe"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("FIFO") && stderr(&output).contains("give - as the file"), "{}", stderr(&output));
}

#[cfg(unix)]
#[test]
fn an_unreadable_file_is_an_error_that_says_who_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret.db");
    fs::write(&path, b"x").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&path).is_ok() {
        // Root reads everything; `/proc/1/mem` style tricks are no test. The mapping of the error is tested below.
        let error = etcd_sleuth::evidence::Error::Read { path, source: std::io::ErrorKind::PermissionDenied.into() };
        let error = etcd_sleuth::case::InputError::from(error);
        assert!(error.hint().is_some_and(|hint| hint.contains("root")));
        return;
    }
    let output = sleuth().args([Path::new("scan"), &path]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("try: etcd's files belong to root"), "{}", stderr(&output));
}

#[test]
fn one_bad_file_does_not_stop_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let path = Fixture::named("defragmented").write_to(dir.path());
    let good = path.file_name().unwrap().to_str().unwrap().to_owned();
    fs::write(dir.path().join("bad.db"), b"nonsense").unwrap();
    let output = run_in(dir.path(), &["scan", "bad.db", &good, "--format", "jsonl", "--fail-on", "never"]);
    let all = records(&output);
    assert_eq!(output.status.code(), Some(3));
    assert!(!of_kind(&all, "value").is_empty());
    let summary = of_kind(&all, "summary")[0];
    assert_eq!(summary["conditions"], serde_json::json!(["input-failed"]));
    assert!(summary["not_analysed"][0].as_str().unwrap().contains("bad.db"));
}

#[test]
fn wrong_usage_is_exit_code_1_and_help_is_0() {
    for args in [&["scan"][..], &["nonsense"], &["scan", "x", "--format", "yaml"], &["scan", "x", "--max-size", "lots"], &[]] {
        assert_eq!(sleuth().args(args).output().unwrap().status.code(), Some(1), "{args:?}");
    }
    for args in [&["--help"][..], &["scan", "--help"], &["--version"], &["completions", "bash"], &["man"]] {
        assert_eq!(sleuth().args(args).output().unwrap().status.code(), Some(0), "{args:?}");
    }
}

/// Output files are private, never replaced unasked, and never behind a link.
#[cfg(unix)]
#[test]
fn output_files_are_private_and_not_replaced() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let dir = tempfile::tempdir().unwrap();
    let out = tempfile::tempdir().unwrap();
    Fixture::named("plaintext").write_to(dir.path());
    let target = out.path().join("values.jsonl");
    let run = |extra: &[&str], path: &Path| {
        let args = ["scan", "plaintext.db", "--format", "jsonl", "--exit-zero", "-o", path.to_str().unwrap()];
        run_in(dir.path(), &[&args[..], extra].concat())
    };
    assert_eq!(run(&[], &target).status.code(), Some(0));
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
    let again = run(&[], &target);
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("--force"));
    assert_eq!(run(&["--force"], &target).status.code(), Some(0));
    let link = out.path().join("link");
    symlink(out.path().join("elsewhere"), &link).unwrap();
    for extra in [&[][..], &["--force"]] {
        assert_eq!(run(extra, &link).status.code(), Some(1));
    }
    assert!(!out.path().join("elsewhere").exists());
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = Fixture::named("migration").write_to(dir.path());
    // What was found is found; that nothing is wrong, nobody was told.
    for (args, code) in
        [(&["scan", "--format", "jsonl", "--resources", "all"][..], 2), (&["scan", "-q"], 2), (&["check"], 3), (&["check", "-q"], 3)]
    {
        let mut child =
            sleuth().args(args).arg(&path).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), stderr(&output)), (Some(code), String::new()), "{args:?}");
    }
}

/// How a run ended is said when what it was to write stands.
#[cfg(target_os = "linux")]
#[test]
fn no_exit_code_is_told_that_a_failing_output_makes_another() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = Fixture::named("migration").write_to(dir.path());
    for args in [
        &["scan", "--rotate-list", "list.csv"][..],
        &["scan", "-q", "--rotate-list", "list.csv"],
        &["scan", "--format", "jsonl", "-o", "list.csv"],
    ] {
        let limited = "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"";
        let program = sleuth().get_program().to_owned();
        let output = std::process::Command::new("sh")
            .args(["-c", limited])
            .arg(program)
            .args(args)
            .arg(&path)
            .current_dir(out.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &stderr(&output);
        assert!(output.status.code() == Some(1) && !said.contains("(exit ") && said.contains("list.csv"), "{args:?}: {said}");
    }
}

/// Evidence that shrinks while it is read is an error that says so.
#[cfg(target_os = "linux")]
#[test]
fn evidence_that_shrinks_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = slow_to_hash(dir.path());
    let rescued = dir.path().join("rescued.db");
    for args in [&["scan", "--format", "jsonl"][..], &["check"], &["carve"], &["recover", "--db", rescued.to_str().unwrap()]] {
        let child =
            sleuth().args(args).arg(&path).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
        let maps = format!("/proc/{}/maps", child.id());
        while !fs::read_to_string(&maps).is_ok_and(|maps| maps.contains("killed.db")) {
            std::thread::yield_now();
        }
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(8192).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {}", stderr(&output));
        let error = stderr(&output);
        assert!(error.contains("killed.db: shrank while it was read, from 3221225472 bytes to 8192"), "{error}");
        file.set_len(3 << 30).unwrap();
        assert!(!rescued.exists());
    }
}

/// A database with so many zeros behind it, as a member preallocates them, that hashing them takes a second.
#[cfg(target_os = "linux")]
fn slow_to_hash(dir: &Path) -> PathBuf {
    let path = Fixture::named("killed").write_to(dir);
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(3 << 30).unwrap();
    path
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_run_leaves_no_half_file() {
    use std::os::unix::process::ExitStatusExt;

    let dir = tempfile::tempdir().unwrap();
    let path = slow_to_hash(dir.path());
    let (records, older) = (dir.path().join("records.jsonl"), dir.path().join("older"));
    fs::write(&older, b"an older one").unwrap();
    let (records, older) = (records.to_str().unwrap(), older.to_str().unwrap());
    let recover = ["recover", "-o", records, "--force", "--db", older];
    let scan = ["scan", "--format", "jsonl", "--rotate-list", records, "-o", older, "--force"];
    let interrupted =
        [(recover, "INT", 2), (recover, "TERM", 15), (recover, "HUP", 1), (recover, "QUIT", 3), (recover, "XCPU", 24)].into_iter();
    let interrupted = interrupted.map(|(args, signal, number)| (args.to_vec(), signal, number));
    for (args, signal, number) in interrupted.chain([(scan.to_vec(), "TERM", 15)]) {
        let mut child = sleuth().args(&args).arg(&path).spawn().unwrap();
        while !Path::new(&format!("{records}.partial")).exists() {
            std::thread::yield_now();
        }
        assert!(std::process::Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().signal(), Some(number), "{args:?}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "the evidence, and the older file: {args:?} {signal}");
        assert_eq!(fs::read(older).unwrap(), b"an older one");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_to_be_ignored_is_ignored() {
    let dir = tempfile::tempdir().unwrap();
    let path = slow_to_hash(dir.path());
    let records = dir.path().join("records.jsonl");
    let script = "trap '' HUP INT; exec \"$@\"";
    let mut child = std::process::Command::new("sh")
        .args(["-c", script, "sh", sleuth().get_program().to_str().unwrap()])
        .arg("recover")
        .arg(&path)
        .arg("-o")
        .arg(&records)
        .spawn()
        .unwrap();
    while !dir.path().join("records.jsonl.partial").exists() {
        std::thread::yield_now();
    }
    for signal in ["-HUP", "-INT"] {
        assert!(std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    }
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(fs::metadata(&records).unwrap().len() > 1000);
}

/// What cannot be written to its end is not left, and takes the place of nothing.
#[cfg(target_os = "linux")]
#[test]
fn an_unfinished_output_is_not_left() {
    let dir = tempfile::tempdir().unwrap();
    let path = Fixture::named("plaintext").write_to(dir.path());
    let config = common::testdata().join("keys/migration.encryption-config.yaml");
    let (new, older) = (dir.path().join("new"), dir.path().join("older"));
    fs::write(&older, b"an older one").unwrap();
    let (path, config, older) = (path.to_str().unwrap(), config.to_str().unwrap(), older.to_str().unwrap());
    for args in [
        &["scan", "--format", "jsonl", "--resources", "all", "-o"][..],
        &["scan", "--rotate-list"],
        &["carve", "--format", "jsonl", "-o"],
        &["keys", "--format", "jsonl", "-o"],
        &["verify", "--format", "jsonl", "--encryption-config", config, "-o"],
        &["recover", "-o"],
        &["recover", "--db"],
    ] {
        for output in [new.to_str().unwrap(), older] {
            // No file may be larger than one block of 512 bytes: as on a disk that is full.
            let script = "ulimit -f 1; exec \"$@\"";
            let program = sleuth().get_program().to_str().unwrap().to_owned();
            let command = [&[program.as_str()], args, &[output, "--force", path]].concat();
            let run = std::process::Command::new("sh").args(["-c", script, "sh"]).args(command).output().unwrap();
            assert_eq!(run.status.code(), Some(1), "{args:?}: {}", stderr(&run));
            assert!(stderr(&run).contains("File too large"), "{args:?}: {}", stderr(&run));
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "the evidence, and the older file: {args:?}");
            assert_eq!(fs::read(older).unwrap(), b"an older one", "{args:?}");
        }
    }
}

/// Standard output into evidence or into another output is refused.
#[cfg(unix)]
#[test]
fn standard_output_into_evidence_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = Fixture::named("migration").write_to(dir.path());
    let before = fs::read(&path).unwrap();
    let out = dir.path().join("out");
    for (command, into) in [
        (&["recover", "migration.db"][..], "migration.db"),
        (&["scan", "migration.db"], "migration.db"),
        (&["check", "migration.db"], "migration.db"),
        (&["pages", "migration.db"], "migration.db"),
        (&["show", "migration.db", "default/x"], "migration.db"),
        (&["recover", "migration.db", "-o", "-", "--db", "out", "--force"], "out"),
        (&["scan", "migration.db", "--rotate-list", "out", "--force"], "out"),
    ] {
        let stdout = fs::OpenOptions::new().append(true).create(true).open(dir.path().join(into)).unwrap();
        let run = sleuth().args(command).current_dir(dir.path()).stdout(stdout).output().unwrap();
        assert!(fs::read(&path).unwrap() == before, "{command:?}");
        // `show` found no such object before it came to the output.
        assert!(matches!(run.status.code(), Some(1)) || command[0] == "show", "{command:?}: {}", stderr(&run));
        assert_eq!(fs::metadata(&out).map_or(0, |found| found.len()), 0, "{command:?}");
        let _ = fs::remove_file(&out);
    }
}

#[test]
fn nothing_is_written_into_a_directory_that_is_evidence() {
    let dir = tempfile::tempdir().unwrap();
    common::unpack_directory("killed", dir.path());
    let files = || walk(dir.path());
    let before = files();
    for args in [
        &["scan", "killed", "-o", "killed/member/out"][..],
        &["scan", "killed", "-o", "killed/member/../out"],
        &["scan", "killed", "--rotate-list", "killed/member/snap/list.csv"],
        &["keys", "killed", "-o", "./killed/out"],
    ] {
        let run = run_in(dir.path(), args);
        assert_eq!(run.status.code(), Some(1), "{args:?}");
        assert!(stderr(&run).contains("evidence is not written to"), "{args:?}: {}", stderr(&run));
        assert_eq!(files(), before, "{args:?}");
    }
}

fn walk(dir: &Path) -> Vec<PathBuf> {
    let (mut found, mut left) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(next) = left.pop() {
        let entries: Vec<_> = fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()).collect();
        left.extend(entries.iter().filter(|path| path.is_dir()).cloned());
        found.extend(entries);
    }
    found.sort();
    found
}

#[cfg(unix)]
#[test]
fn one_file_is_not_two_outputs() {
    let dir = tempfile::tempdir().unwrap();
    let path = Fixture::named("migration").write_to(dir.path());
    let same = dir.path().join("same");
    fs::create_dir(&same).unwrap();
    std::os::unix::fs::symlink(&same, dir.path().join("link")).unwrap();
    for (there, one, other) in
        [(false, "same/x", "same/x"), (false, "same/x", "link/x"), (true, "same/x", "same/x"), (true, "link/x", "same/../same/x")]
    {
        for command in [["recover", "-o", one, "--db", other], ["scan", "-o", one, "--rotate-list", other]] {
            if there {
                fs::write(same.join("x"), b"an older one").unwrap();
            }
            let run = sleuth().args(command).arg("--force").arg(&path).current_dir(dir.path()).output().unwrap();
            assert_eq!(run.status.code(), Some(1), "{command:?}: {}", stderr(&run));
            assert!(stderr(&run).contains("is another output of this run"), "{command:?}: {}", stderr(&run));
            assert_eq!(fs::read(same.join("x")).ok().as_deref(), there.then_some(&b"an older one"[..]), "{command:?}");
            assert_eq!(fs::read_dir(&same).unwrap().count(), usize::from(there));
        }
    }
}

#[test]
fn what_a_lost_part_of_the_tree_would_tell_is_not_guessed() {
    let dir = tempfile::tempdir().unwrap();
    let sound = Fixture::named("migration").bytes;
    let path = dir.path().join("half.db");
    fs::write(&path, &sound[..sound.len() / 2]).unwrap();
    let (code, screen) = text(&run_in(dir.path(), &["scan", "half.db"]));
    assert!(code == 2 && screen.contains("Which of them exist now is not known, the part of the file that says so is lost"), "{screen}");
    assert!(!screen.contains("deleted") && !screen.contains("NOT AS WRITTEN") && screen.contains("INCOMPLETE"), "{screen}");
    let (_, screen) = text(&run_in(dir.path(), &["check", "half.db"]));
    assert!(screen.contains("which keys exist is not known: the tree that says so is lost"), "{screen}");
    assert!(screen.contains("is not to be compared") && !screen.contains("hash"), "{screen}");
    let out = tempfile::tempdir().unwrap();
    let list = out.path().join("list.csv");
    run_in(dir.path(), &["scan", "half.db", "--rotate-list", list.to_str().unwrap()]);
    let list = fs::read_to_string(list).unwrap();
    assert!(list.lines().count() > 20 && list.lines().skip(1).all(|line| line.ends_with(",not-known")), "{list}");

    // With one leaf lost, what the tree has still tells of its keys; of what it has not nothing is known.
    let sound = common::mutate::Mutant::of("migration").without_trailer();
    let (mut unknown, mut deleted) = (0, 0);
    for index in 0..sound.leaves.len() {
        let mut mutant = common::mutate::Mutant::of("migration").without_trailer();
        mutant.set_child(index as u64, 1 << 40);
        fs::write(&path, &mutant.bytes).unwrap();
        let (_, screen) = text(&run_in(dir.path(), &["scan", "half.db"]));
        let all = records(&run_in(dir.path(), &["scan", "half.db", "--format", "jsonl"]));
        let readable = &of_kind(&all, "summary")[0]["secrets_readable"];
        let of = |field: &str| readable[field].as_u64().unwrap();
        assert_eq!(of("existing") + of("deleted") + of("not_known") + of("ahead"), of("total"));
        unknown += u64::from(screen.contains("neither is known: treat them as in use"));
        // In truth six were deleted, and 62 exist.
        assert!(of("deleted") <= 6 && of("existing") + of("not_known") + 6 >= of("total"), "{screen}");
        deleted += of("deleted");
        // Behind a deletion that is there, a key may have been created again on the last leaf.
        assert!(index + 1 < sound.leaves.len() || of("deleted") == 0, "{screen}");
    }
    assert!(unknown > 20 && deleted > 0, "{unknown} {deleted}");
}

/// `check -q` has a line for every file, in the order given: also for one that cannot be read, and for one that is read but for a part.
#[test]
fn a_quiet_check_has_a_line_for_every_input_in_its_order() {
    let dir = tempfile::tempdir().unwrap();
    let whole = Fixture::named("migration").bytes;
    fs::write(dir.path().join("a.db"), whole).unwrap();
    fs::write(dir.path().join("junk.db"), b"no database at all, but text").unwrap();
    fs::create_dir(dir.path().join("empty")).unwrap();
    fs::write(dir.path().join("cut.db"), &whole[..whole.len() / 2]).unwrap();
    // What no reader makes a row of stands behind the trailer.
    let within = br#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"a","namespace":"b"},"data":{"c":"ZA=="}}"#;
    fs::write(dir.path().join("within.db"), [whole, &within[..]].concat()).unwrap();
    let alone = |name: &str| {
        let output = run_in(dir.path(), &["check", "-q", name]);
        let (code, said) = text(&output);
        assert!(said.lines().count() == 1 && said.ends_with(&format!(" (exit {code})\n")), "{name}: {said}");
        (code, said)
    };
    let names = ["junk.db", "a.db", "missing.db", "cut.db", "empty", "within.db"];
    let (codes, lines): (Vec<i32>, Vec<String>) = names.iter().map(|name| alone(name)).unzip();
    for (index, name) in names.iter().enumerate() {
        assert!(lines[index].starts_with(&format!("{name}: ")), "{}", lines[index]);
        assert_eq!(codes[index] == 1, ["junk.db", "missing.db", "empty"].contains(name), "{}", lines[index]);
    }
    for from in 0..names.len() {
        let order = |of: &[String]| [&of[from..], &of[..from]].concat();
        let given = order(&names.map(str::to_owned));
        let given: Vec<&str> = given.iter().map(String::as_str).collect();
        let (_, said) = text(&run_in(dir.path(), &[&["check", "-q"], &given[..]].concat()));
        let verdicts = |text: &str| -> Vec<String> {
            // What others of its cluster say of a file is not in its line where it stands alone.
            text.lines().map(|line| line.split(':').next().unwrap().to_owned()).collect()
        };
        assert_eq!(verdicts(&said), verdicts(&order(&lines).concat()), "{said}");
        for name in ["junk.db", "missing.db", "empty"] {
            assert!(order(&lines).iter().any(|line| line.starts_with(name) && said.contains(line.as_str())), "{said}");
        }
    }
}

/// What is taken is said in the same words wherever something else was found.
#[test]
fn every_error_says_what_is_taken() {
    use etcd_sleuth::evidence::{Evidence, Limits};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("junk.db");
    fs::write(&path, b"no database at all, but text").unwrap();
    let of_run = stderr(&run_in(dir.path(), &["scan", "junk.db"]));
    let taken = of_run.split("expected ").nth(1).unwrap().split(';').next().unwrap().to_owned();
    assert!(["database", "snapshot", "log"].iter().all(|word| taken.contains(word)), "{taken}");
    let of_library = etcd_sleuth::store::StoreKind::of(&Evidence::open(&path, &Limits::default()).unwrap()).unwrap_err().to_string();
    let of_directory = Evidence::open(dir.path(), &Limits::default()).unwrap_err().to_string();
    assert!(of_library.contains(&format!("expected {taken}; ")) && of_directory.contains(&taken), "{of_library} {of_directory}");
}
