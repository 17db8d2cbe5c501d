//! Fixtures, and runs of the binary that prove that evidence is left as it was.

#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod accuracy;
pub(crate) mod kms_double;
#[cfg(feature = "aws-kms")]
pub(crate) mod moto;
pub(crate) mod mutate;
pub(crate) mod pages;
#[cfg(all(feature = "kms-plugin", target_os = "linux"))]
pub(crate) mod plugin_double;
pub(crate) mod raft;
pub(crate) mod sealed;
pub(crate) mod truth;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::Value;

/// The folder of the committed evidence.
pub(crate) fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

/// A configuration with a local key that is nobody's: whoever asks with it opens nothing, and the KMS's values stay closed.
pub(crate) const NOBODY: &str = "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources: [{resources: [secrets], providers: [{aesgcm: {keys: \
                                 [{name: nobody, secret: AAAAAAAAAAAAAAAAAAAAAA==}]}}]}]\n";

/// A fixture: its name, where it lies, and its database unpacked.
pub(crate) struct Fixture {
    pub(crate) name: String,
    dir: PathBuf,
    /// Unpacked once in a run of the tests, and shared.
    pub(crate) bytes: &'static [u8],
}

/// The files of `testdata` that were read so far.
static READ: LazyLock<Mutex<BTreeMap<PathBuf, &'static [u8]>>> = LazyLock::new(Mutex::default);

/// The bytes of a file, unpacked where it is packed. Those of `testdata` are kept for the tests that follow; what the recipe
/// makes for one test is read by that test alone.
fn unpacked(path: &Path) -> &'static [u8] {
    let read = || Vec::leak(if path.extension().is_some_and(|e| e == "zst") { unzstd(path) } else { fs::read(path).unwrap() });
    if !path.starts_with(testdata()) {
        return read();
    }
    // A test that failed while it held the map left no half of an entry in it.
    let mut files = READ.lock().unwrap_or_else(PoisonError::into_inner);
    files.entry(path.to_owned()).or_insert_with(|| read())
}

impl Fixture {
    /// A committed one.
    pub(crate) fn named(name: &str) -> Self {
        Self::read(&testdata(), name)
    }

    /// All committed ones, sorted by name.
    pub(crate) fn all() -> Vec<Self> {
        let all = Self::all_in(&testdata());
        assert!(all.len() >= 13, "fixtures are missing: {}", all.len());
        all
    }

    /// All in a folder that the recipe wrote to, sorted by name.
    pub(crate) fn all_in(dir: &Path) -> Vec<Self> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .filter_map(|entry| {
                let name = entry.unwrap().file_name().into_string().unwrap();
                name.strip_suffix(".db").or_else(|| name.strip_suffix(".db.zst")).map(str::to_owned)
            })
            .collect();
        names.sort();
        names.iter().map(|name| Self::read(dir, name)).collect()
    }

    fn read(dir: &Path, name: &str) -> Self {
        let plain = dir.join(format!("{name}.db"));
        let bytes = unpacked(&if plain.exists() { plain } else { dir.join(format!("{name}.db.zst")) });
        Self { name: name.to_owned(), dir: dir.to_owned(), bytes }
    }

    /// What is true of it, made without this project's parser.
    pub(crate) fn truth(&self) -> Value {
        truth_in(&self.dir, &self.name)
    }

    /// Unpacks it into a folder.
    pub(crate) fn write_to(&self, dir: &Path) -> PathBuf {
        let path = dir.join(format!("{}.db", self.name));
        fs::write(&path, self.bytes).unwrap();
        path
    }
}

/// The newest write of each key that exists, by a fixture's truth.
pub(crate) fn existing(truth: &Value) -> impl Iterator<Item = &Value> {
    let writes = truth["writes"].as_array().unwrap();
    let retained = truth["retained"].as_array().unwrap().iter().filter(|row| row["retention"] == "current");
    retained.map(|row| &writes[usize::try_from(row["w"].as_u64().unwrap()).unwrap()])
}

/// The recipe's program for etcd 3.6, built into a folder. Needs Go.
pub(crate) fn etcd36(dir: &Path) -> PathBuf {
    let program = dir.join("etcd36");
    let source = testdata().join("recipe/etcd36");
    let built = Command::new("go").args(["build", "-p", "2", "-o"]).arg(&program).arg(".").current_dir(source).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    program
}

/// The truth about the committed fixture of this name.
pub(crate) fn truth_of(name: &str) -> Value {
    truth_in(&testdata(), name)
}

fn truth_in(dir: &Path, name: &str) -> Value {
    serde_json::from_slice(unpacked(&dir.join(format!("{name}.truth.json.zst")))).unwrap()
}

fn unzstd(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    zstd::stream::read::Decoder::new(file).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

/// The binary, with nothing of the test's surroundings that shapes an answer: what they say of colours, and of AWS.
pub(crate) fn sleuth() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_etcd-sleuth"));
    command.stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let is_of_colours = ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"].iter().any(|known| name == *known);
        if is_of_colours || name.to_string_lossy().starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// Unpacks `<name>.dir.tar.zst`, a data directory, into `dir/<name>`. What is zero at the end of a file is not written.
pub(crate) fn unpack_directory(name: &str, dir: &Path) -> PathBuf {
    let tar = unpacked(&testdata().join(format!("{name}.dir.tar.zst")));
    let mut at = 0;
    while let Some(header) = tar.get(at..at + 512).filter(|header| header[0] != 0) {
        // POSIX ustar: name at 0, size in octal at 124.
        let text = |from: usize, len: usize| {
            let field = &header[from..from + len];
            String::from_utf8(field.iter().copied().take_while(|b| *b != 0).collect()).unwrap()
        };
        let (path, size) = (dir.join(text(0, 100)), usize::from_str_radix(text(124, 12).trim(), 8).unwrap());
        let bytes = &tar[at + 512..at + 512 + size];
        let end = bytes.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &bytes[..end]).unwrap();
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(size as u64).unwrap();
        at += 512 + size.next_multiple_of(512);
    }
    dir.join(name)
}

/// Bytes of a file that are compared: of longer ones the times tell, which whoever writes cannot leave as they were.
const COMPARED: u64 = 1 << 20;

/// One file: its path, its size and inode, when it was written and when anything of it was changed, in seconds and their billionths; its bytes,
/// unless it is long.
type FileState = (PathBuf, [u64; 2], [i64; 4], Vec<u8>);

/// What stands in a folder and those below.
fn state(dir: &Path) -> Vec<FileState> {
    use std::os::unix::fs::MetadataExt;

    let mut files = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        // One that nobody may list has nothing that a run may change.
        let Ok(entries) = fs::read_dir(dir) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            let meta = fs::symlink_metadata(&path).unwrap();
            if meta.is_dir() {
                open.push(path);
            } else if meta.is_file() {
                let bytes = if meta.len() <= COMPARED { fs::read(&path).unwrap_or_default() } else { Vec::new() };
                let times = [meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()];
                files.push((path, [meta.len(), meta.ino()], times, bytes));
            }
        }
    }
    files.sort();
    files
}

/// Runs the binary with `args` in `dir` and proves that nothing in it was changed or added.
pub(crate) fn run_in(dir: &Path, args: &[&str]) -> Output {
    run_as(sleuth(), dir, args)
}

/// The same of a command that has been prepared.
pub(crate) fn run_as(mut command: Command, dir: &Path, args: &[&str]) -> Output {
    let before = state(dir);
    let output = command.current_dir(dir).args(args).output().unwrap();
    assert!(before == state(dir), "{args:?} changed the evidence or wrote beside it");
    output
}

/// The exit code and standard output as text.
pub(crate) fn text(output: &Output) -> (i32, String) {
    (output.status.code().expect("no signal"), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Standard error as text.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The records of a run in JSON Lines.
pub(crate) fn records(output: &Output) -> Vec<Value> {
    output.stdout.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(|line| serde_json::from_slice(line).unwrap()).collect()
}

/// The records of one kind.
pub(crate) fn of_kind<'a>(records: &'a [Value], kind: &str) -> Vec<&'a Value> {
    records.iter().filter(|record| record["record"] == kind).collect()
}

/// The evidences: what is known of each before its rows and what is known at their end, together.
pub(crate) fn evidences(records: &[Value]) -> Vec<Value> {
    let with_end = |record: &&Value| {
        let mut record = (*record).clone();
        let end = records.iter().find(|end| end["record"] == "evidence-end" && end["evidence"] == record["evidence"]);
        let fields = end.and_then(Value::as_object).into_iter().flatten().filter(|(name, _)| *name != "record");
        for (name, value) in fields {
            record[name] = value.clone();
        }
        record
    };
    of_kind(records, "evidence").iter().map(with_end).collect()
}
