//! AWS KMS as moto implements it, on loopback.

use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_kms::config::SharedCredentialsProvider;
use aws_sdk_kms::primitives::Blob;

/// A moto of its own; the program is `$MOTO_SERVER`, or `moto_server` on the path.
pub(crate) struct Moto {
    process: Child,
    pub(crate) url: String,
}

impl Moto {
    pub(crate) fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let program = std::env::var("MOTO_SERVER").unwrap_or_else(|_| "moto_server".to_owned());
        let process = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto_server: pip install 'moto[server]==5.2.5'");
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(60), "moto does not listen");
            std::thread::sleep(Duration::from_millis(100));
        }
        Self { process, url: format!("http://127.0.0.1:{port}") }
    }

    pub(crate) fn config(&self) -> SdkConfig {
        self.config_in("us-east-1")
    }

    pub(crate) fn config_in(&self, region: &'static str) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.url)
            .region(Region::new(region))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("fake", "fake", None, None, "test")))
            .build()
    }
}

/// What a key wraps: its ARN, its ID, and the blob as AWS's plugin stores it, behind its `1`.
pub(crate) struct Wrapped {
    pub(crate) arn: String,
    pub(crate) id: String,
    pub(crate) blob: Vec<u8>,
}

impl Moto {
    /// A client in a region, and what runs it.
    pub(crate) fn client(&self, region: &'static str) -> Client {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Client { runtime, kms: aws_sdk_kms::Client::new(&self.config_in(region)) }
    }
}

/// A client of moto.
pub(crate) struct Client {
    runtime: tokio::runtime::Runtime,
    kms: aws_sdk_kms::Client,
}

impl Client {
    /// A DEK, wrapped by a new key.
    pub(crate) fn wrap(&self, dek: [u8; 32], context: &BTreeMap<String, String>) -> Wrapped {
        let (arn, id) = self.runtime.block_on(async {
            let key = self.kms.create_key().send().await.unwrap().key_metadata.unwrap();
            (key.arn.unwrap(), key.key_id)
        });
        let blob = self.wrap_by(&id, dek, context);
        Wrapped { arn, id, blob }
    }

    /// A DEK, wrapped by the key of this name.
    pub(crate) fn wrap_by(&self, key: &str, dek: [u8; 32], context: &BTreeMap<String, String>) -> Vec<u8> {
        let context = (!context.is_empty()).then(|| context.clone().into_iter().collect());
        let wrap = self.kms.encrypt().key_id(key).plaintext(Blob::new(dek)).set_encryption_context(context);
        let blob = self.runtime.block_on(wrap.send()).unwrap().ciphertext_blob.unwrap().into_inner();
        [b"1".to_vec(), blob].concat()
    }

    /// Lets an alias mean this key, for the first time or from now on.
    pub(crate) fn point(&self, alias: &str, id: &str, is_new: bool) {
        self.runtime.block_on(async {
            match is_new {
                true => self.kms.create_alias().alias_name(alias).target_key_id(id).send().await.map(|_| ()).unwrap(),
                false => self.kms.update_alias().alias_name(alias).target_key_id(id).send().await.map(|_| ()).unwrap(),
            }
        });
    }

    pub(crate) fn disable(&self, id: &str) {
        self.runtime.block_on(self.kms.disable_key().key_id(id).send()).unwrap();
    }

    pub(crate) fn delete_in_a_week(&self, id: &str) {
        self.runtime.block_on(self.kms.schedule_key_deletion().key_id(id).pending_window_in_days(7).send()).unwrap();
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
