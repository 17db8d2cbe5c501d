//! KMS plugins, asked over sockets of this process: both versions, and everything that a socket can do wrong.

#![cfg(all(feature = "kms-plugin", target_os = "linux"))]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::common::plugin_double::{Asked, Reply, field_1, serve, status};
use etcd_sleuth::envelope::{KmsEnvelope, Provider, pb};
use etcd_sleuth::evidence::Count;
use etcd_sleuth::kms::plugin::{Plugin, PluginStatus, Socket};
use etcd_sleuth::kms::{Asking, Budget, Failure, Ledger, Pace, Patience, Plan, Reason, Ring, Silences, Unwrapped, Unwrapper};
use prost::Message;

const KEY_ID: &str = "kv/keys/one";
const SEED: [u8; 32] = [7; 32];

fn plan_v2(kind: i32) -> Plan {
    let object = pb::EncryptedObject {
        encrypted_data: (7..67).collect(),
        key_id: KEY_ID.into(),
        encrypted_dek_source: b"wrapped seed".to_vec(),
        annotations: BTreeMap::from([("version.example.com".to_owned(), b"3".to_vec())]),
        encrypted_dek_source_type: kind,
    };
    let mut plan = Plan::default();
    plan.add("vault", &KmsEnvelope::parse(Provider::KmsV2, &object.encode_to_vec()).unwrap()).unwrap();
    plan
}

fn plan_v1() -> Plan {
    let value = [&[0, 11][..], b"wrapped DEK", &[0; 28]].concat();
    let mut plan = Plan::default();
    plan.add("vault", &KmsEnvelope::parse(Provider::KmsV1, &value).unwrap()).unwrap();
    plan
}

fn ask(endpoint: &str, plan: &Plan) -> Result<Unwrapped, Failure> {
    let mut plugin = Plugin::new("vault", Socket::parse(endpoint).unwrap(), Duration::from_millis(700)).unwrap();
    let source = plan.sources().next().unwrap();
    assert!(plugin.claims(source));
    plugin.unwrap(source, 0)
}

fn reason(endpoint: &str) -> (Reason, String) {
    let failure = ask(endpoint, &plan_v2(1)).map(|_| ()).unwrap_err();
    (failure.reason, failure.detail)
}

fn endpoint(dir: &Path) -> String {
    format!("unix://{}", dir.join("kms.sock").display())
}

/// A double in a folder of its own.
fn double(reply: Reply) -> (tempfile::TempDir, String, Asked) {
    let dir = tempfile::tempdir().unwrap();
    let asked = serve(UnixListener::bind(dir.path().join("kms.sock")).unwrap(), reply);
    let endpoint = endpoint(dir.path());
    (dir, endpoint, asked)
}

#[test]
fn version_2_is_asked_with_key_id_and_annotations() {
    let (_dir, endpoint, asked) = double(Reply::Message(field_1(&SEED)));
    assert!(ask(&endpoint, &plan_v2(1)).is_ok());
    let asked = asked.lock().unwrap();
    let [(path, message)] = asked.as_slice() else { panic!("{} calls", asked.len()) };
    assert_eq!(path, "/v2.KeyManagementService/Decrypt");
    let message = String::from_utf8_lossy(message);
    for part in ["wrapped seed", KEY_ID, "version.example.com", "etcd-sleuth-"] {
        assert!(message.contains(part), "{part} is not in the request");
    }
}

#[test]
fn version_1_is_asked_with_its_version() {
    let (_dir, endpoint, asked) = double(Reply::Message(field_1(&SEED)));
    assert!(ask(&endpoint, &plan_v1()).is_ok());
    let (path, message) = asked.lock().unwrap()[0].clone();
    assert_eq!(path, "/v1beta1.KeyManagementService/Decrypt");
    assert_eq!(message, [&b"\x0a\x07v1beta1\x12\x0b"[..], b"wrapped DEK"].concat());
}

#[test]
fn abstract_sockets_are_reached() {
    let name = format!("etcd-sleuth-test-{}", std::process::id());
    let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    let asked = serve(listener, Reply::Message(field_1(&SEED)));
    assert!(ask(&format!("unix:///@{name}"), &plan_v2(1)).is_ok());
    assert!(ask(&format!("unix:/%40{name}"), &plan_v2(0)).is_ok());
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[test]
fn the_status_of_a_plugin_is_read() {
    let (_dir, endpoint, _) = double(Reply::Message(status(KEY_ID)));
    let mut plugin = Plugin::new("vault", Socket::parse(&endpoint).unwrap(), Duration::from_secs(2)).unwrap();
    let status = PluginStatus { version: "v2".into(), healthz: "ok".into(), key_id: KEY_ID.into() };
    assert_eq!(plugin.status(), Ok(status));
}

#[test]
fn a_dek_of_a_wrong_length_is_none() {
    for length in [0, 1, 31] {
        let (_dir, endpoint, _) = double(Reply::Message(field_1(&vec![b'S'; length])));
        let (reason, detail) = reason(&endpoint);
        assert_eq!(reason, Reason::BadAnswer);
        assert!(detail.contains(&format!("{length} bytes")) && !detail.contains("SS"), "{detail}");
    }
}

#[test]
fn errors_of_plugins_have_their_words() {
    for (code, message, wanted) in [
        (2, "failed to decrypt DisabledException: arn:aws:kms:x is disabled.", Reason::Disabled),
        (2, "operation error KMS: Decrypt, AccessDeniedException: not authorized", Reason::AccessDenied),
        (2, "KMSInvalidStateException: arn is pending deletion.", Reason::PendingDeletion),
        (2, "vault is sealed", Reason::KmsUnavailable),
        (2, "Error making API request. Code: 503. Errors: * Vault is sealed", Reason::KmsUnavailable),
        (2, "dial tcp 10.0.0.1:8200: connect: connection refused", Reason::KmsUnavailable),
        (2, "Code: 403. Errors: * permission denied", Reason::AccessDenied),
        (13, "cipher: message authentication failed", Reason::ContextOrDamage),
        (9, "key is DISABLED", Reason::Disabled),
        (9, "projects/p/cryptoKeyVersions/1 is not enabled, current state is: DISABLED.", Reason::Disabled),
        (9, "k is not enabled, current state is: DESTROYED.", Reason::KeyNotFound),
        (9, "k is not enabled, current state is: DESTROY_SCHEDULED.", Reason::PendingDeletion),
        (9, "no", Reason::Refused),
        // Outages that a plugin passes on as an unknown error.
        (2, "unexpected status 503", Reason::KmsUnavailable),
        (2, "502 Bad Gateway", Reason::KmsUnavailable),
        (2, "status=504", Reason::KmsUnavailable),
        (2, "HTTP/1.1 429", Reason::Throttled),
        (2, "Rate exceeded", Reason::Throttled),
        (2, "api error TooManyRequestsException: slow down", Reason::Throttled),
        (2, "dial tcp 10.0.0.1:8200: connect: no route to host", Reason::KmsUnavailable),
        (2, "Post \"https://kms/\": unexpected EOF", Reason::KmsUnavailable),
        (2, "ABORTED", Reason::KmsUnavailable),
        (2, "stream terminated by RST_STREAM with error code: INTERNAL_ERROR", Reason::KmsUnavailable),
        (10, "try again", Reason::PluginUnavailable),
        // A number that is none of HTTP's, and words that only mention a state.
        (2, "key version 1503 at keys/503/a in 503.2 s", Reason::Refused),
        (2, "the cache is disabled", Reason::Refused),
        (2, "the key is disabled for maintenance of our plugin", Reason::Refused),
        (2, "disabled key cache; a request is pending deletion", Reason::Refused),
        (13, "object scheduled for destruction", Reason::Refused),
        (2, "FAILED_PRECONDITION: the key is disabled", Reason::Disabled),
        (2, "rpc error: code = FailedPrecondition desc = k is not enabled, current state is: DISABLED.", Reason::Disabled),
        (2, "keyvault.BaseClient#Decrypt: StatusCode=403 Code=\"Forbidden\" InnerError={\"code\":\"KeyDisabled\"}", Reason::Disabled),
        (2, "code ObjectIsDeletedButRecoverable", Reason::PendingDeletion),
        (9, "Cloud KMS API has not been used in project 1 before or it is disabled", Reason::AccessDenied),
        (7, "Cloud KMS API has not been used in project 1 before or it is disabled", Reason::AccessDenied),
        (3, "key ID does not match", Reason::ContextOrDamage),
        (4, "deadline", Reason::PluginUnavailable),
        (5, "no such key", Reason::KeyNotFound),
        (7, "no", Reason::AccessDenied),
        (8, "slow down", Reason::Throttled),
        (12, "unknown service", Reason::ApiNotServed),
        (14, "not now", Reason::PluginUnavailable),
        (16, "who", Reason::AccessDenied),
    ] {
        let (_dir, endpoint, _) = double(Reply::Status(code, message.to_owned()));
        let (reason, detail) = reason(&endpoint);
        assert_eq!(reason, wanted, "{code} {message}: {detail}");
        assert!(detail.contains(message), "{detail}");
    }
}

#[test]
fn sockets_that_are_none_say_what_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let (found, detail) = reason(&endpoint(dir.path()));
    assert!(found == Reason::NoSocket && detail.contains("not found"), "{detail}");
    // A file.
    std::fs::write(dir.path().join("kms.sock"), b"").unwrap();
    let (found, detail) = reason(&endpoint(dir.path()));
    assert!(found == Reason::NoSocket && detail.contains("is no socket"), "{detail}");
    // A socket that nobody listens on.
    std::fs::remove_file(dir.path().join("kms.sock")).unwrap();
    drop(UnixListener::bind(dir.path().join("kms.sock")).unwrap());
    let (found, detail) = reason(&endpoint(dir.path()));
    assert!(found == Reason::PluginUnavailable && detail.contains("refused"), "{detail}");
    // A socket that takes no connections: what the system does not let connect is not waited for.
    std::fs::remove_file(dir.path().join("kms.sock")).unwrap();
    let datagrams = std::os::unix::net::UnixDatagram::bind(dir.path().join("kms.sock")).unwrap();
    let (found, detail) = reason(&endpoint(dir.path()));
    assert!(found == Reason::NoSocket && detail.contains("wrong type"), "{found:?} {detail}");
    drop(datagrams);
    // An abstract name that nobody listens at is told at once.
    let (found, detail) = reason("unix:///@etcd-sleuth-nobody-listens-here");
    assert!(found == Reason::NoSocket && detail.contains("refused"), "{found:?} {detail}");
}

/// Each as `ParseEndpoint` of k8s.io/kms v0.36 has it: `None` where that is an error, or a path that no socket can have.
#[test]
fn endpoints_are_read_as_the_api_server_reads_them() {
    for (endpoint, path) in [
        // Behind the scheme stands an opaque text or a host, and no path.
        ("unix:@name", None),
        ("unix://@name", None),
        ("unix:run/kms.sock", None),
        ("unix://host", None),
        ("unix://host?x/run/a", None),
        ("unix://host#x/run/a", None),
        ("unix:\\run\\kms", None),
        ("unix:", None),
        ("unix://", None),
        ("unix:///", None),
        ("unix:///@", None),
        // No scheme, or another one.
        ("", None),
        ("unix", None),
        ("@name", None),
        ("/run/kms.sock", None),
        ("run/kms.sock", None),
        ("//host/a", None),
        (":///a", None),
        (" unix:///a", None),
        ("unix :///a", None),
        ("unix+x:///a", None),
        ("tcp:///a", None),
        ("tcp://127.0.0.1:1", None),
        // No URL.
        ("unix:///run/%zz", None),
        ("unix:///run/%2", None),
        ("unix:///run/kms\tsock", None),
        ("unix:///run/kms\x7fsock", None),
        ("unix:///run/kms.sock#%zz", None),
        ("unix://host:x/run", None),
        ("unix://a b/run", None),
        ("unix://a%41b/run", None),
        ("unix://[::1/run", None),
        ("unix://[x]/run", None),
        ("unix://u p@h/run", None),
        ("unix://a|b/run", None),
        // Paths.
        ("unix:///run/kms.sock", Some("/run/kms.sock")),
        ("unix:/run/kms.sock", Some("/run/kms.sock")),
        ("unix:////run/kms.sock", Some("//run/kms.sock")),
        ("unix://host/run/kms.sock", Some("/run/kms.sock")),
        ("unix://host:80/run", Some("/run")),
        ("unix://host:/run", Some("/run")),
        ("unix://[::1]:80/run", Some("/run")),
        ("unix://u:p@h/run", Some("/run")),
        ("unix://ü/run", Some("/run")),
        ("UNIX:///a", Some("/a")),
        ("unix:///run/kms sock", Some("/run/kms sock")),
        ("unix:///run/k%6ds%20a", Some("/run/kms a")),
        ("unix:///run/kms%2fx", Some("/run/kms/x")),
        ("unix:///run/ü.sock", Some("/run/ü.sock")),
        ("unix:///a%3Fb%23c", Some("/a?b#c")),
        ("unix:///a:b", Some("/a:b")),
        ("unix:///a ", Some("/a ")),
        ("unix:///a?b=%zz", Some("/a")),
        ("unix:///a#b", Some("/a")),
        // Names in the abstract namespace.
        ("unix:///@name", Some("@name")),
        ("unix:/@name", Some("@name")),
        ("unix://host/@name", Some("@name")),
        ("unix://@/@name", Some("@name")),
        ("unix:///%40na%6de", Some("@name")),
        ("unix:///@a/b", Some("@a/b")),
        ("unix:////@name", Some("//@name")),
    ] {
        assert_eq!(Socket::parse(endpoint).ok().map(|socket| socket.to_string()).as_deref(), path, "{endpoint}");
    }
    // What is no text is kept as it is.
    assert_ne!(Socket::parse("unix:///@%ff").unwrap(), Socket::parse("unix:///@%fe").unwrap());
}

/// What no API server takes is an error that says so, before anything is read.
#[test]
fn an_endpoint_that_no_api_server_takes_is_told() {
    for (endpoint, says) in [
        ("unix:@name", "names no path to an API server"),
        ("@name", "does not begin with unix:"),
        ("/run/kms.sock", "does not begin with unix:"),
        ("tcp://127.0.0.1:1", "does not begin with unix:"),
        ("unix:///a%2", "is no URL"),
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_etcd-sleuth"))
            .args(["verify", "nowhere.db", "--kms-plugin", &format!("a=b={endpoint}")])
            .output()
            .unwrap();
        let shown = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.code() == Some(1) && shown.contains(says) && shown.contains(&format!("a=b={endpoint}")),
            "{endpoint}: {shown}"
        );
    }
}

#[test]
fn a_plugin_that_hangs_is_given_up_in_time() {
    // One that accepts and never speaks, and one that never answers a call.
    let dir = tempfile::tempdir().unwrap();
    let silent = UnixListener::bind(dir.path().join("kms.sock")).unwrap();
    let (_dir, never, _) = double(Reply::Never);
    for endpoint in [endpoint(dir.path()), never] {
        let began = Instant::now();
        let (reason, detail) = reason(&endpoint);
        assert_eq!(reason, Reason::PluginUnavailable, "{detail}");
        assert!(began.elapsed() < Duration::from_secs(3));
    }
    drop(silent);
}

/// A stream or a connection that the other side ends is no answer, in whatever way it says so.
#[test]
fn a_stream_that_is_reset_is_no_answer() {
    const REASONS: [u32; 8] = [0, 1, 2, 3, 7, 8, 11, 12];
    let resets = REASONS.map(|reason| Reply::ResetOnce(reason, field_1(&SEED)));
    for reply in resets.into_iter().chain([Reply::GoAwayOnce(field_1(&SEED))]) {
        let (_dir, at, asked) = double(reply.clone());
        let plan = plan_v2(1);
        let mut plugin = Plugin::new("vault", Socket::parse(&at).unwrap(), Duration::from_millis(700)).unwrap();
        let source = plan.sources().next().unwrap();
        let failure = plugin.unwrap(source, 0).map(|_| ()).unwrap_err();
        assert_eq!(failure.reason, Reason::PluginUnavailable, "{failure}");
        assert!(plugin.unwrap(source, 0).is_ok());
        assert_eq!(asked.lock().unwrap().len(), 2);
    }
    for reason in [1, 2, 11] {
        let (_dir, at, _) = double(Reply::HeadersThenReset(reason));
        let (found, detail) = self::reason(&at);
        assert_eq!(found, Reason::PluginUnavailable, "{reason}: {detail}");
    }
}

/// Calls in all are those that somebody got: where nobody takes a connection there are none, though it is waited.
#[test]
fn a_call_that_nobody_got_is_none() {
    let dir = tempfile::tempdir().unwrap();
    drop(UnixListener::bind(dir.path().join("kms.sock")).unwrap());
    let calls = |endpoint: &str, plan: &Plan| {
        let plugin = Plugin::new("vault", Socket::parse(endpoint).unwrap(), Duration::from_millis(700)).unwrap();
        let mut unwrappers: Vec<Box<dyn Unwrapper>> = vec![Box::new(plugin)];
        let patience = Patience { first: Duration::from_millis(1), longest: Duration::from_millis(1), repeats: 3 };
        let mut budget = Budget::new(Pace::per_second(0.0), None);
        let mut ledger = Ledger::open(&dir.path().join("calls.jsonl")).unwrap();
        let mut silences = Silences::default();
        let mut asking = Asking { ledger: Some(&mut ledger), ..Asking::new(&mut budget, &mut silences, patience) };
        let ring = Ring::unwrap(plan, &|_, _| true, &mut unwrappers, &mut asking).unwrap();
        let lines = std::fs::read_to_string(dir.path().join("calls.jsonl")).unwrap().lines().count();
        assert_eq!(asking.budget.made(), ring.calls());
        (ring.calls(), lines)
    };
    assert_eq!(calls(&endpoint(dir.path()), &plan_v2(1)), (Count::new(0), 0));
    let (_dir, at, _) = double(Reply::Status(14, "not now".to_owned()));
    assert_eq!(calls(&at, &plan_v2(1)), (Count::new(4), 4));
}

/// A connection that ends during a call says nothing of the plugin's answer: the same question may be put again.
#[test]
fn a_connection_that_ends_during_a_call_is_none() {
    let (_dir, at, asked) = double(Reply::DieOnce(field_1(&SEED)));
    let plan = plan_v2(1);
    let mut plugin = Plugin::new("vault", Socket::parse(&at).unwrap(), Duration::from_millis(700)).unwrap();
    let source = plan.sources().next().unwrap();
    let failure = plugin.unwrap(source, 0).map(|_| ()).unwrap_err();
    assert_eq!(failure.reason, Reason::PluginUnavailable, "{failure}");
    assert!(plugin.unwrap(source, 0).is_ok());
    assert_eq!(asked.lock().unwrap().len(), 2);
    // One that takes the bytes and hangs up, at once and after a while.
    for wait in [0, 50] {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("kms.sock")).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let _ = stream.unwrap().read(&mut [0; 4096]);
                std::thread::sleep(Duration::from_millis(wait));
            }
        });
        let (found, detail) = reason(&endpoint(dir.path()));
        assert_eq!(found, Reason::PluginUnavailable, "{detail}");
    }
}

#[test]
fn garbage_is_a_bad_answer() {
    // Something else than HTTP/2.
    let dir = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(dir.path().join("kms.sock")).unwrap();
    std::thread::spawn(move || {
        let mut streams = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.write_all(&[0xff; 4096]);
            streams.push(stream);
        }
    });
    // Whether the garbage comes before the call or during it: the answer is the same.
    for _ in 0..20 {
        let (found, detail) = reason(&endpoint(dir.path()));
        assert!(found == Reason::BadAnswer && detail.contains("does not speak HTTP/2"), "{found:?} {detail}");
    }
    // HTTP/2 and gRPC, but no message, and one that is too large.
    let (_dir, endpoint, _) = double(Reply::Message(vec![0xff; 100]));
    assert_eq!(reason(&endpoint).0, Reason::BadAnswer);
    let (_dir, endpoint, _) = double(Reply::Message(vec![0; 32 << 20]));
    assert_eq!(reason(&endpoint).0, Reason::BadAnswer);
}
