//! What the operating system sees of a run: evidence is opened to read, nothing is created, no socket is opened.

#![cfg(target_os = "linux")]

use crate::common;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Fixture, of_kind, records, run_in, unpack_directory};

/// Calls that neither write, create, lock nor connect, whatever their arguments are.
const HARMLESS: &str = "access close dup dup2 dup3 epoll_create1 epoll_ctl epoll_pwait epoll_wait eventfd2 execve faccessat faccessat2 \
    fadvise64 fstat fstatfs getcwd getdents64 lseek lstat newfstatat pipe2 poll ppoll pread64 preadv read readlink \
    readlinkat readv stat statfs statx";

/// Why a traced call is none that a run may make; `None` where it may.
fn objection(call: &str) -> Option<&'static str> {
    let (name, arguments) = call.split_once('(')?;
    let has = |word: &str| arguments.contains(word);
    let first = arguments.split([',', '<', ')']).next().unwrap_or_default();
    match name {
        "open" | "openat" | "openat2" => {
            let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND", "O_TMPFILE"].into_iter().any(has);
            (writes || !has("O_RDONLY")).then_some("opens for more than reading")
        }
        "write" | "writev" => (!matches!(first, "1" | "2")).then_some("writes elsewhere than to standard output and error"),
        "mmap" => (has("MAP_SHARED") && has("PROT_WRITE")).then_some("maps a file to write to it"),
        "fcntl" => (!["F_GETFD", "F_SETFD", "F_GETFL", "F_DUPFD"].into_iter().any(has)).then_some("locks, or changes how a file is open"),
        "ioctl" => (!["TCGETS", "TIOCGWINSZ"].into_iter().any(has)).then_some("controls a device"),
        // A thread that the end of the process met before its call was known.
        "???" => None,
        name if HARMLESS.split(' ').any(|known| known == name) => None,
        _ => Some("is no call that only reads"),
    }
}

/// Every call of every thread of a run in `dir` that is about files, descriptors or the network.
fn trace(dir: &Path, args: &[&str]) -> Vec<String> {
    trace_with(dir, args, Stdio::null())
}

/// The same, with something on standard input.
fn trace_with(dir: &Path, args: &[&str], stdin: Stdio) -> Vec<String> {
    let out = tempfile::tempdir().unwrap();
    let status = Command::new("strace")
        .args(["-ff", "-qq", "-y", "-s", "256", "-e", "trace=%file,%desc,%network", "-e", "signal=none", "-o"])
        .arg(out.path().join("calls"))
        .arg(env!("CARGO_BIN_EXE_etcd-sleuth"))
        .args(args)
        .current_dir(dir)
        .stdin(stdin)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("strace is installed");
    assert!(matches!(status.code(), Some(0 | 2 | 3)), "{args:?}: {status}");
    let threads = fs::read_dir(out.path()).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    threads.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn objections(calls: &[String]) -> Vec<String> {
    calls.iter().filter_map(|call| objection(call).map(|why| format!("{why}: {call}"))).collect()
}

/// A run opens the evidence to read, creates nothing and opens no socket.
#[test]
#[ignore = "needs strace"]
fn a_run_only_reads_and_opens_no_socket() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for name in ["migration", "killed"] {
        Fixture::named(name).write_to(dir.path());
        files.push(format!("{name}.db"));
    }
    fs::write(dir.path().join("packed.db.zst"), zstd::bulk::compress(Fixture::named("kinds").bytes, 3).unwrap()).unwrap();
    files.push("packed.db.zst".to_owned());
    fs::copy(common::testdata().join("keys/migration.encryption-config.yaml"), dir.path().join("keys.yaml")).unwrap();
    for file in &files {
        let all = records(&run_in(dir.path(), &["scan", file, "--format", "jsonl"]));
        let key = of_kind(&all, "value").iter().find_map(|value| value["key"].as_str()).unwrap().to_owned();
        for args in [
            &["scan", file][..],
            &["scan", file, "--format", "jsonl", "--resources", "all"],
            &["scan", file, "--format", "json"],
            &["scan", file, "--format", "csv", "--threads", "3"],
            &["scan", file, "-q", "--digest", "none"],
            &["check", file],
            &["pages", file, "--list"],
            &["show", file, &key],
            &["carve", file],
            &["carve", file, "--resources", "all", "--format", "jsonl"],
            &["keys", file],
            &["keys", file, "--format", "jsonl"],
            &["verify", file, "--encryption-config", "keys.yaml"],
            &["verify", file, "--encryption-config", "keys.yaml", "--plan"],
            &["recover", file],
        ] {
            let calls = trace(dir.path(), args);
            assert!(calls.iter().any(|call| call.starts_with("openat(") && call.contains(&format!("\"{file}\""))), "{args:?}: no trace");
            assert_eq!(objections(&calls), Vec::<String>::new(), "{args:?}");
        }
    }
}

#[test]
#[ignore = "needs strace"]
fn a_data_directory_is_opened_to_read_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = unpack_directory("killed", dir.path());
    let wal = path.join("member/wal/0000000000000000-0000000000000000.wal");
    for args in [
        &["scan", "killed"][..],
        &["scan", "killed", "--format", "jsonl", "--resources", "all"],
        &["scan", wal.to_str().unwrap(), "--format", "csv"],
        &["keys", "killed"],
        &["verify", "killed", "--plan"],
    ] {
        let calls = trace(dir.path(), args);
        assert!(calls.iter().any(|call| call.starts_with("openat(") && call.contains(".wal\"")), "{args:?}: no trace");
        assert_eq!(objections(&calls), Vec::<String>::new(), "{args:?}");
    }
}

#[test]
#[ignore = "needs strace"]
fn standard_input_is_held_and_laid_down_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let path = Fixture::named("migration").write_to(dir.path());
    fs::copy(common::testdata().join("keys/migration.encryption-config.yaml"), dir.path().join("keys.yaml")).unwrap();
    for args in [
        &["scan", "-"][..],
        &["carve", "-"],
        &["check", "-"],
        &["keys", "-"],
        &["recover", "-"],
        &["pages", "-", "--list"],
        &["show", "-", "nowhere/nothing"],
        &["verify", "-", "--encryption-config", "keys.yaml"],
    ] {
        // A pipe, which cannot be mapped.
        let mut cat = Command::new("cat").arg(&path).stdout(Stdio::piped()).spawn().unwrap();
        let calls = trace_with(dir.path(), args, cat.stdout.take().unwrap().into());
        assert!(cat.wait().unwrap().success());
        assert!(calls.iter().any(|call| call.starts_with("read(0<pipe:")), "{args:?}: no trace");
        assert_eq!(objections(&calls), Vec::<String>::new(), "{args:?}");
    }
}

#[test]
#[ignore = "needs strace"]
fn recover_writes_to_the_outputs_it_is_given_and_beside_nothing() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    Fixture::named("migration").write_to(dir.path());
    let [db, list] = ["rescued.db", "rescued.jsonl"].map(|name| out.path().join(name).to_str().unwrap().to_owned());
    for (args, outputs) in [
        (&["-o", list.as_str(), "--force"][..], &[&list][..]),
        (&["--db", db.as_str(), "--force"], &[&db]),
        (&["-o", list.as_str(), "--db", db.as_str(), "--include-residue", "--force"], &[&list, &db]),
    ] {
        let calls = trace(dir.path(), &[&["recover", "migration.db"], args].concat());
        let found = objections(&calls);
        assert_eq!(found.iter().find(|why| !outputs.iter().any(|output| why.contains(output.as_str()))), None, "{args:?}");
        for output in outputs {
            let is_created = |why: &&String| why.contains("O_CREAT") && why.contains(output.as_str());
            assert!(found.iter().any(|why| is_created(&why)), "{args:?}: {found:?}");
        }
        // Nor is anything left beside them.
        let left: Vec<_> = fs::read_dir(out.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.iter().all(|path| [&db, &list].contains(&&path.to_str().unwrap().to_owned())), "{left:?}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}

#[test]
#[ignore = "needs strace"]
fn the_trace_would_show_a_file_that_is_created() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    Fixture::named("migration").write_to(dir.path());
    let target = out.path().join("values.csv");
    let calls = trace(dir.path(), &["scan", "migration.db", "--format", "csv", "-o", target.to_str().unwrap()]);
    let found = objections(&calls);
    assert!(found.iter().any(|why| why.contains("O_CREAT") && why.contains("values.csv")), "{found:?}");
    assert!(found.iter().any(|why| why.starts_with("writes elsewhere")), "{found:?}");
    // And nothing but that one file.
    assert!(found.iter().all(|why| why.contains("values.csv")), "{found:?}");
}

#[test]
fn calls_are_told_apart_by_what_they_do() {
    for allowed in [
        r#"openat(AT_FDCWD</x>, "a.db", O_RDONLY|O_CLOEXEC) = 3</x/a.db>"#,
        "mmap(NULL, 446496, PROT_READ, MAP_SHARED, 3</x/a.db>, 0) = 0x7f",
        "write(1</dev/null>, \"x\", 1) = 1",
        "fcntl(3</x/a.db>, F_GETFD) = 0x1",
    ] {
        assert_eq!(objection(allowed), None, "{allowed}");
    }
    for refused in [
        r#"openat(AT_FDCWD</x>, "a.db", O_RDWR|O_CLOEXEC) = 3</x/a.db>"#,
        r#"openat(AT_FDCWD</x>, "a.db.lock", O_RDONLY|O_CREAT, 0600) = 3"#,
        "mmap(NULL, 446496, PROT_READ|PROT_WRITE, MAP_SHARED, 3</x/a.db>, 0) = 0x7f",
        "write(3</x/a.db>, \"x\", 1) = 1",
        "fcntl(3</x/a.db>, F_SETLK, {l_type=F_RDLCK}) = 0",
        "flock(3</x/a.db>, LOCK_SH) = 0",
        "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 3",
        r#"unlink("a.db") = 0"#,
        "ftruncate(3</x/a.db>, 0) = 0",
    ] {
        assert!(objection(refused).is_some(), "{refused}");
    }
}

/// Reading leaves the access time as it was, which the system grants to a file's owner.
#[test]
#[cfg(target_os = "linux")]
fn the_access_time_of_evidence_stays() {
    use std::time::{Duration, SystemTime};

    let dir = tempfile::tempdir().unwrap();
    let path = Fixture::named("migration").write_to(dir.path());
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::File::open(&path).unwrap().set_times(fs::FileTimes::new().set_accessed(long_ago)).unwrap();
    // The harness would read the file itself.
    let output = common::sleuth().args(["scan", "migration.db", "--format", "jsonl"]).current_dir(dir.path()).output().unwrap();
    assert_eq!(of_kind(&records(&output), "evidence")[0]["access_time_kept"], true);
    assert_eq!(fs::metadata(&path).unwrap().accessed().unwrap(), long_ago);
}

/// Who may only read the file reads it all the same, and it is said once, as no alarm.
#[test]
#[cfg(target_os = "linux")]
fn of_another_users_file_it_is_said_that_its_access_time_may_change() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;

    // A file of root's that everybody may read; root itself becomes somebody else, and takes the program along.
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("etcd-sleuth");
    fs::copy(env!("CARGO_BIN_EXE_etcd-sleuth"), &program).unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::new(&program);
        command.args(args).current_dir("/");
        if fs::metadata("/proc/self").unwrap().uid() == 0 {
            command.uid(65_534).gid(65_534);
        }
        command.output().unwrap()
    };
    let output = run(&["carve", "/etc/passwd", "/etc/group"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.starts_with("note: 2 files belong to another user, ") && said.lines().count() == 1, "{said}");
    let all = records(&run(&["carve", "/etc/passwd", "--format", "jsonl"]));
    assert_eq!(of_kind(&all, "evidence")[0]["access_time_kept"], false);
}
