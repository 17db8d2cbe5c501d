//! A KMS plugin on the Kubernetes project's own gRPC service, and the values of a fixture opened through it.

#![cfg(feature = "kms-plugin")]

use crate::common;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{Fixture, testdata};
use etcd_sleuth::envelope::{KmsEnvelope, Sealed};
use etcd_sleuth::evidence::digest::Sha256Digest;
use etcd_sleuth::kms::plugin::{Plugin, Socket};
use etcd_sleuth::kms::{Plan, Unwrapper};

/// Builds the recipe's plugin.
fn build(dir: &Path) -> PathBuf {
    let program = dir.join("kmsplugin");
    let build = Command::new("go").current_dir(testdata().join("recipe/kmsplugin")).args(["build", "-o"]).arg(&program).arg(".").status();
    assert!(build.expect("go").success());
    program
}

struct Running(Child);

impl Running {
    fn start(program: &Path, truth: &Path, provider: &str, socket: &Path) -> Self {
        let mut command = Command::new(program);
        command.arg("-truth").arg(truth).args(["-provider", provider]).arg("-socket").arg(socket);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self(child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Values of both versions open through the service of Kubernetes.
#[test]
#[ignore = "needs Go"]
fn values_of_both_versions_open_through_kubernetes() {
    let dir = tempfile::tempdir().unwrap();
    let program = build(dir.path());
    let fixture = Fixture::named("migration");
    let truth = fixture.truth();
    let truth_path = dir.path().join("truth.json");
    std::fs::write(&truth_path, serde_json::to_vec(&truth).unwrap()).unwrap();
    let writes = truth["writes"].as_array().unwrap();
    for (number, (provider, version)) in [("aws:v1-a", "v1"), ("aws-a", "v2"), ("aws-b", "v2")].into_iter().enumerate() {
        let socket = dir.path().join(format!("{number}.sock"));
        let _running = Running::start(&program, &truth_path, provider, &socket);
        let mut plugin = Plugin::new(provider, Socket::Path(socket), Duration::from_secs(5)).unwrap();
        if version == "v2" {
            let status = plugin.status().unwrap();
            assert!(status.version == "v2" && status.healthz == "ok" && status.key_id.starts_with("arn:aws:kms:"), "{status:?}");
        }
        let mut opened = 0;
        for place in truth["retained"].as_array().unwrap() {
            let write = &writes[usize::try_from(place["w"].as_u64().unwrap()).unwrap()];
            if write["provider_name"] != provider {
                continue;
            }
            let at = usize::try_from(place["offset"].as_u64().unwrap()).unwrap();
            let value = &fixture.bytes[at..at + usize::try_from(place["length"].as_u64().unwrap()).unwrap()];
            let body = Sealed::parse(value).unwrap().rest.strip_prefix(provider.as_bytes()).unwrap().strip_prefix(b":").unwrap();
            let mut plan = Plan::default();
            let envelope = KmsEnvelope::parse(Sealed::parse(value).unwrap().provider, body).unwrap();
            let (id, sealed) = (plan.add(provider, &envelope).unwrap(), envelope.sealed);
            let source = plan.sources().next().unwrap();
            assert!(source.id == id && plugin.claims(source));
            let unwrapped = plugin.unwrap(source, 0).unwrap_or_else(|failure| panic!("{failure}"));
            let plaintext = unwrapped.key.open(sealed, write["key"].as_str().unwrap().as_bytes()).unwrap().plaintext;
            assert_eq!(Sha256Digest::of(plaintext.as_ref()).to_string(), write["plaintext_sha256"].as_str().unwrap());
            opened += 1;
        }
        assert!(opened > 5, "{provider}: {opened}");
    }
}
