//! A small AWS KMS with state, on a loopback port of its own, in this process. It checks no signatures.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The double. Dropping it ends it.
pub(crate) struct KmsDouble {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    is_ended: Arc<AtomicBool>,
}

/// What it holds.
#[derive(Default)]
pub(crate) struct State {
    /// By ARN.
    pub(crate) keys: BTreeMap<String, Key>,
    /// Wrapped bytes, without the plugin's `1`: ARN of the key, and what is wrapped.
    pub(crate) blobs: BTreeMap<Vec<u8>, (String, Vec<u8>)>,
    /// The same by SHA-256 of the whole DEK source, as a fixture's truth lists it.
    pub(crate) by_digest: BTreeMap<String, (String, Vec<u8>)>,
    /// What was asked: the operation, and the code of the answer.
    pub(crate) calls: Vec<(String, String)>,
    /// Who asked, as the user agents say; one for each call.
    pub(crate) agents: Vec<String>,
    /// The regions that were asked, as the signatures say; one for each call.
    pub(crate) regions: Vec<String>,
    /// The keys and aliases that were to be described.
    pub(crate) described: Vec<String>,
    /// Whether a key with replicas unwraps in any of its regions what it wrapped in one.
    pub(crate) has_replicas: bool,
    /// Whether a key is known in its own region only.
    pub(crate) is_regional: bool,
    /// The code with which it refuses to describe keys.
    pub(crate) undescribed: Option<&'static str>,
    /// Answers that go out before the real ones do again.
    pub(crate) instead: Vec<Answer>,
}

/// A key.
#[derive(Clone, Default)]
pub(crate) struct Key {
    /// As KMS names it; `Lingering`: pending deletion, and it still unwraps.
    pub(crate) state: &'static str,
    pub(crate) context: BTreeMap<String, String>,
    pub(crate) is_denied: bool,
    pub(crate) aliases: Vec<String>,
}

/// An answer.
#[derive(Clone)]
pub(crate) enum Answer {
    Json(Value),
    Error(u16, &'static str, &'static str),
    /// No answer for so long.
    Hang(Duration),
    /// So many bytes, announced by their length.
    Huge(usize),
    /// So many bytes, in chunks that announce nothing.
    Chunked(usize),
    /// The connection is closed.
    Close,
    /// Bytes as they are, and then the connection is closed.
    Cut(&'static [u8]),
    /// Bytes as they are.
    Raw(&'static [u8]),
}

impl KmsDouble {
    pub(crate) fn start(state: State) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (state, is_ended) = (Arc::new(Mutex::new(state)), Arc::new(AtomicBool::new(false)));
        let (shared, ended) = (Arc::clone(&state), Arc::clone(&is_ended));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    break;
                }
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || {
                    let _ = serve(&stream.unwrap(), &shared);
                });
            }
        });
        Self { address, state, is_ended }
    }

    /// With the keys and DEKs of a fixture's truth.
    pub(crate) fn of(truth: &Value) -> Self {
        let mut state = State::default();
        for kek in truth["keys"]["kms"].as_array().into_iter().flatten() {
            state.keys.insert(kek["key_id"].as_str().unwrap().to_owned(), Key { state: "Enabled", ..Key::default() });
        }
        let double = Self::start(state);
        double.with(|state| {
            state.by_digest = truth["keys"]["deks"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(digest, dek): (&String, &Value)| {
                    let plaintext = STANDARD.decode(dek["plaintext_base64"].as_str().unwrap()).unwrap();
                    (digest.clone(), (dek["key_id"].as_str().unwrap().to_owned(), plaintext))
                })
                .collect();
        });
        double
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The binary, run in a folder, for which this is AWS.
    pub(crate) fn asked_by(&self, dir: &Path) -> Command {
        let mut command = super::sleuth();
        command
            .current_dir(dir)
            .env("AWS_ENDPOINT_URL_KMS", self.url())
            .env("AWS_ACCESS_KEY_ID", "fake")
            .env("AWS_SECRET_ACCESS_KEY", "fake")
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_CONFIG_FILE", "/nonexistent")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent");
        command
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap())
    }

    /// Calls of one operation.
    pub(crate) fn calls(&self, operation: &str) -> usize {
        self.with(|state| state.calls.iter().filter(|(name, _)| name == operation).count())
    }
}

impl Drop for KmsDouble {
    fn drop(&mut self) {
        self.is_ended.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: &TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut length, mut operation, mut agent, mut region, mut line) = (0, String::new(), String::new(), String::new(), String::new());
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            match line.trim_end().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().unwrap(),
                Some((name, value)) if name.eq_ignore_ascii_case("x-amz-target") => {
                    operation = value.rsplit('.').next().unwrap().to_owned()
                }
                // Credential=KEY/DATE/REGION/kms/aws4_request
                Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                    region = value.split('/').nth(2).unwrap_or_default().to_owned()
                }
                Some((name, value)) if name.eq_ignore_ascii_case("x-amz-user-agent") => agent = value.to_owned(),
                _ if line.trim_end().is_empty() => break,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let request: Value = serde_json::from_slice(&body).unwrap_or_default();
        let answer = {
            let mut state = state.lock().unwrap();
            if operation == "DescribeKey" {
                state.described.extend(request["KeyId"].as_str().map(str::to_owned));
            }
            let answer = if state.instead.is_empty() { state.answer(&operation, &request, &region) } else { state.instead.remove(0) };
            let code = match &answer {
                Answer::Json(_) => "ok",
                Answer::Error(_, code, _) => code,
                _ => "no answer",
            };
            state.calls.push((operation, code.to_owned()));
            state.agents.push(agent);
            state.regions.push(region);
            (state.calls.len(), answer)
        };
        send(stream, answer.0, answer.1)?;
    }
}

/// The answer to a call, which has its number as its request ID.
fn send(mut stream: &TcpStream, number: usize, answer: Answer) -> std::io::Result<()> {
    let mut json = |status: u16, body: &[u8]| {
        write!(
            stream,
            "HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.1\r\nx-amzn-requestid: request-{number}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )?;
        stream.write_all(body)
    };
    match answer {
        Answer::Json(value) => json(200, &serde_json::to_vec(&value).unwrap()),
        Answer::Error(status, code, message) => json(status, &serde_json::to_vec(&json!({ "__type": code, "message": message })).unwrap()),
        Answer::Huge(length) => json(200, &vec![b' '; length]),
        Answer::Hang(time) => {
            std::thread::sleep(time);
            Err(std::io::ErrorKind::TimedOut.into())
        }
        Answer::Chunked(length) => {
            stream.write_all(b"HTTP/1.1 200 X\r\ncontent-type: application/x-amz-json-1.1\r\ntransfer-encoding: chunked\r\n\r\n")?;
            for _ in 0..length / 65536 {
                write!(stream, "10000\r\n")?;
                stream.write_all(&vec![b' '; 65536])?;
                write!(stream, "\r\n")?;
            }
            write!(stream, "0\r\n\r\n")
        }
        Answer::Raw(bytes) => stream.write_all(bytes),
        Answer::Cut(bytes) => {
            stream.write_all(bytes)?;
            stream.shutdown(std::net::Shutdown::Both)
        }
        Answer::Close => stream.shutdown(std::net::Shutdown::Both),
    }
}

impl State {
    fn key(&self, id: &str) -> Option<(&String, &Key)> {
        self.keys.iter().find(|(arn, key)| arn.as_str() == id || arn.ends_with(&format!("/{id}")) || key.aliases.iter().any(|a| a == id))
    }

    fn answer(&self, operation: &str, request: &Value, region: &str) -> Answer {
        let is_elsewhere = |arn: &str| self.is_regional && arn.split(':').nth(3) != Some(region);
        let not_found = Answer::Error(400, "NotFoundException", "Key does not exist");
        match operation {
            "Decrypt" => {
                let blob = STANDARD.decode(request["CiphertextBlob"].as_str().unwrap()).unwrap();
                let Some((arn, plaintext)) = self.unwrap(&blob) else {
                    return Answer::Error(400, "InvalidCiphertextException", "");
                };
                let arn = if self.has_replicas { self.replica(&arn, region) } else { arn };
                let Some((arn, key)) = self.key(&arn) else { return not_found };
                let context: BTreeMap<String, String> = serde_json::from_value(request["EncryptionContext"].clone()).unwrap_or_default();
                if is_elsewhere(arn) {
                    return Answer::Error(
                        400,
                        "AccessDeniedException",
                        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.",
                    );
                }
                if key.is_denied {
                    return Answer::Error(400, "AccessDeniedException", "User is not authorized to perform: kms:Decrypt");
                }
                match key.state {
                    "Enabled" | "Lingering" if context == key.context => {
                        let plaintext = STANDARD.encode(plaintext);
                        Answer::Json(json!({ "KeyId": arn, "Plaintext": plaintext, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT" }))
                    }
                    "Enabled" => Answer::Error(400, "InvalidCiphertextException", ""),
                    "Disabled" => Answer::Error(400, "DisabledException", "the key is disabled."),
                    "PendingDeletion" => Answer::Error(400, "KMSInvalidStateException", "the key is pending deletion."),
                    _ => Answer::Error(400, "KMSInvalidStateException", "the key is unavailable."),
                }
            }
            "DescribeKey" if self.undescribed.is_some() => Answer::Error(400, self.undescribed.unwrap_or_default(), "no"),
            "DescribeKey" => match self.key(request["KeyId"].as_str().unwrap()).filter(|(arn, _)| !is_elsewhere(arn)) {
                Some((arn, key)) => Answer::Json(json!({ "KeyMetadata": {
                    "KeyId": arn.rsplit('/').next(), "Arn": arn, "KeyManager": "CUSTOMER",
                    "KeyState": if key.state == "Lingering" { "PendingDeletion" } else { key.state },
                    "DeletionDate": (key.state == "PendingDeletion" || key.state == "Lingering").then_some(1_800_000_000.5),
                } })),
                None => not_found,
            },
            "GetKeyRotationStatus" => Answer::Json(json!({ "KeyRotationEnabled": true })),
            _ => Answer::Error(400, "UnknownOperationException", ""),
        }
    }

    /// The same key in a region, where it is there.
    fn replica(&self, arn: &str, region: &str) -> String {
        let (id, is_there) = (arn.rsplit('/').next(), |other: &&String| other.split(':').nth(3) == Some(region));
        let replica = self.keys.keys().filter(is_there).find(|other| other.rsplit('/').next() == id);
        replica.cloned().unwrap_or_else(|| arn.to_owned())
    }

    fn unwrap(&self, blob: &[u8]) -> Option<(String, Vec<u8>)> {
        let digest = || etcd_sleuth::evidence::digest::Sha256Digest::of(&[b"1", blob].concat()).to_string();
        self.blobs.get(blob).cloned().or_else(|| self.by_digest.get(&digest()).cloned())
    }
}
