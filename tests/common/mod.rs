//! Fixtures, and runs of the binary that prove that evidence is left as it was.

#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod pages;
pub(crate) mod truth;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The folder of the committed evidence.
pub(crate) fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

/// A fixture: its name, where it lies, and its database unpacked.
pub(crate) struct Fixture {
    pub(crate) name: String,
    dir: PathBuf,
    pub(crate) bytes: Vec<u8>,
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
        let bytes = match fs::read(&plain) {
            Ok(bytes) => bytes,
            Err(_) => unzstd(&dir.join(format!("{name}.db.zst"))),
        };
        Self { name: name.to_owned(), dir: dir.to_owned(), bytes }
    }

    /// What is true of it, made without this project's parser.
    pub(crate) fn truth(&self) -> Value {
        serde_json::from_slice(&unzstd(&self.dir.join(format!("{}.truth.json.zst", self.name)))).unwrap()
    }

    /// Unpacks it into a folder.
    pub(crate) fn write_to(&self, dir: &Path) -> PathBuf {
        let path = dir.join(format!("{}.db", self.name));
        fs::write(&path, &self.bytes).unwrap();
        path
    }
}

fn unzstd(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    zstd::stream::read::Decoder::new(file).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

/// The binary.
pub(crate) fn sleuth() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_etcd-sleuth"));
    command.stdin(Stdio::null()).env_remove("NO_COLOR").env("AWS_EC2_METADATA_DISABLED", "true");
    command
}

/// What stands in a folder: names, sizes, times, bytes.
fn state(dir: &Path) -> Vec<(PathBuf, u64, std::time::SystemTime, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| {
            let meta = fs::metadata(&path).unwrap();
            let bytes = fs::read(&path).unwrap_or_default();
            (path, meta.len(), meta.modified().unwrap(), bytes)
        })
        .collect();
    files.sort();
    files
}

/// Runs the binary with `args` in `dir` and proves that nothing in it was changed or added.
pub(crate) fn run_in(dir: &Path, args: &[&str]) -> Output {
    let before = state(dir);
    let output = sleuth().current_dir(dir).args(args).output().unwrap();
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
