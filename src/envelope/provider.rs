//! The table of providers. All that differs between them is a row of it; whoever asks elsewhere asks the table.
//!
//! A further provider is a variant of [`Provider`] and a row. One with a local key also needs its cipher, in a file of [`super::open`], one
//! of a KMS the reader of its layout in a file beside this one; `docs/design.md` lists the files.

use super::body::{KmsEnvelope, Malformed};
use super::open::{LocalKey, WrongLength};
use super::{kms_v1, kms_v2};

/// Who sealed a value, by the first two words of its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Provider {
    /// `aescbc:v1`: IV 16, AES-CBC with PKCS#7.
    AesCbc,
    /// `aesgcm:v1`: nonce 12, ciphertext, tag 16.
    AesGcm,
    /// `secretbox:v1`: nonce 24, a box of NaCl.
    Secretbox,
    /// `kms:v1`: length in 2 bytes, wrapped DEK, payload.
    KmsV1,
    /// `kms:v2`: an EncryptedObject.
    KmsV2,
    /// Anything else under `k8s:enc:`.
    Unknown,
}

/// Measures a body that other bytes follow.
type MeasureBody = fn(&[u8]) -> (usize, bool);

/// What is known of one provider.
struct Row {
    provider: Provider,
    /// Its word in the prefix, and in an EncryptionConfiguration.
    word: &'static str,
    /// Its version in the prefix; of a KMS also `apiVersion` in an EncryptionConfiguration.
    version: &'static str,
    /// Whether a key's or provider's name may hold colons: only KMS v2's are kept free of them by the API server's validation.
    has_names_with_colons: bool,
    /// Whether bytes may be what follows the name, by their length and first fields.
    fits: fn(&[u8]) -> bool,
    /// How many of the bytes behind the name are surely the value's, and whether they are all of it. Without it: not told.
    extent: Option<MeasureBody>,
    /// Whether a tag covers the value's key in etcd, so that the value opens in no other place.
    binds_storage_key: bool,
    /// Writes that one key may make with random nonces, as Kubernetes' documentation has it.
    most_writes: Option<u64>,
    keeper: Keeper,
}

/// Who keeps the key.
enum Keeper {
    /// It stands in the API server's EncryptionConfiguration.
    Configuration { make: MakeLocalKey },
    /// A KMS. The value holds a wrapped DEK source.
    Kms { api: KmsApi, names_its_key: bool, read: fn(&[u8]) -> Result<KmsEnvelope<'_>, Malformed> },
}

/// Takes the bytes of a key.
pub type MakeLocalKey = fn(&[u8]) -> Result<LocalKey, WrongLength>;

/// The calls with which an API server speaks to a KMS plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KmsApi {
    /// `v1beta1`
    V1Beta1,
    /// `v2`
    V2,
}

/// Of several rows with one word the first is meant where an EncryptionConfiguration gives no `apiVersion`.
static TABLE: [Row; 5] = [
    Row {
        provider: Provider::AesCbc,
        word: "aescbc",
        version: "v1",
        has_names_with_colons: true,
        // IV 16 and at least one block.
        fits: |body| body.len() >= 32 && body.len().is_multiple_of(16),
        extent: None,
        binds_storage_key: false,
        most_writes: None,
        keeper: Keeper::Configuration { make: LocalKey::aes_cbc },
    },
    Row {
        provider: Provider::AesGcm,
        word: "aesgcm",
        version: "v1",
        has_names_with_colons: true,
        // Nonce 12 and tag 16.
        fits: |body| body.len() >= 28,
        extent: None,
        binds_storage_key: true,
        most_writes: Some(200_000),
        keeper: Keeper::Configuration { make: LocalKey::aes_gcm },
    },
    Row {
        provider: Provider::Secretbox,
        word: "secretbox",
        version: "v1",
        has_names_with_colons: true,
        // Nonce 24 and tag 16.
        fits: |body| body.len() >= 40,
        extent: None,
        binds_storage_key: false,
        most_writes: None,
        keeper: Keeper::Configuration { make: LocalKey::secretbox },
    },
    Row {
        provider: Provider::KmsV1,
        word: "kms",
        version: "v1",
        has_names_with_colons: true,
        fits: |body| kms_v1::read(body).is_ok(),
        extent: None,
        binds_storage_key: true,
        most_writes: None,
        keeper: Keeper::Kms { api: KmsApi::V1Beta1, names_its_key: false, read: kms_v1::read },
    },
    Row {
        provider: Provider::KmsV2,
        word: "kms",
        version: "v2",
        has_names_with_colons: false,
        // Its name ends at the first colon, whatever follows: a message that is damaged is said to be so.
        fits: |_| true,
        extent: Some(kms_v2::EncryptedObject::extent),
        binds_storage_key: true,
        most_writes: None,
        keeper: Keeper::Kms { api: KmsApi::V2, names_its_key: true, read: kms_v2::read },
    },
];

/// A provider as an EncryptionConfiguration names it.
#[derive(Clone, Copy, Debug)]
pub enum Configured {
    /// Keys stand in the file.
    Local(Provider, MakeLocalKey),
    /// A KMS plugin.
    Kms(Provider),
}

/// Why words of an EncryptionConfiguration name no provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotConfigured {
    /// No API server has a provider of this name.
    Word,
    /// No API server has this `apiVersion` of it.
    Version,
}

impl Provider {
    /// Every known provider, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.provider)
    }

    /// The provider with these two words of a prefix.
    pub fn of_words(word: &[u8], version: &[u8]) -> Self {
        let row = TABLE.iter().find(|row| row.word.as_bytes() == word && row.version.as_bytes() == version);
        row.map_or(Self::Unknown, |row| row.provider)
    }

    /// The provider that an EncryptionConfiguration means.
    ///
    /// # Errors
    /// It means none.
    pub fn configured(word: &str, api_version: Option<&str>) -> Result<Configured, NotConfigured> {
        let mut rows = TABLE.iter().filter(|row| row.word == word).peekable();
        let first = *rows.peek().ok_or(NotConfigured::Word)?;
        match (&first.keeper, api_version) {
            (Keeper::Configuration { make }, _) => Ok(Configured::Local(first.provider, *make)),
            (Keeper::Kms { .. }, None) => Ok(Configured::Kms(first.provider)),
            (Keeper::Kms { .. }, Some(version)) => {
                let row = rows.find(|row| row.version == version).ok_or(NotConfigured::Version)?;
                Ok(Configured::Kms(row.provider))
            }
        }
    }

    fn row(self) -> Option<&'static Row> {
        TABLE.iter().find(|row| row.provider == self)
    }

    /// The words of its prefix, such as `kms` and `v2`.
    pub fn words(self) -> Option<(&'static str, &'static str)> {
        self.row().map(|row| (row.word, row.version))
    }

    /// Whether it is in the table.
    pub fn is_known(self) -> bool {
        self.row().is_some()
    }

    /// Whether the key is one that stands in the API server's own configuration file.
    pub fn is_local(self) -> bool {
        self.row().is_some_and(|row| matches!(row.keeper, Keeper::Configuration { .. }))
    }

    /// Whether a KMS keeps the key.
    pub fn is_kms(self) -> bool {
        self.row().is_some_and(|row| matches!(row.keeper, Keeper::Kms { .. }))
    }

    /// Whether a KMS keeps the key and the envelope does not say which one it is: only a call to the KMS does.
    pub fn hides_kms_key(self) -> bool {
        self.row().is_some_and(|row| matches!(row.keeper, Keeper::Kms { names_its_key: false, .. }))
    }

    /// How a plugin of it is called; `None` where no KMS is.
    pub fn kms_api(self) -> Option<KmsApi> {
        match self.row()?.keeper {
            Keeper::Kms { api, .. } => Some(api),
            Keeper::Configuration { .. } => None,
        }
    }

    /// Whether a tag covers the value's key in etcd, so that the value opens in no other place.
    pub fn binds_storage_key(self) -> bool {
        self.row().is_some_and(|row| row.binds_storage_key)
    }

    /// Writes that one key may make, as Kubernetes' documentation has it; `None`: no limit of practical use.
    pub fn most_writes(self) -> Option<u64> {
        self.row()?.most_writes
    }

    /// Whether a key's or provider's name may hold colons.
    pub fn has_names_with_colons(self) -> bool {
        self.row().is_some_and(|row| row.has_names_with_colons)
    }

    /// Whether bytes may be what follows the name.
    pub(super) fn fits(self, body: &[u8]) -> bool {
        self.row().is_some_and(|row| (row.fits)(body))
    }

    /// How many of the bytes behind the name are surely the value's, and whether they are all of it; `None`: not told.
    pub(super) fn extent(self, body: &[u8]) -> Option<(usize, bool)> {
        self.row()?.extent.map(|extent| extent(body))
    }

    /// Reads what follows the name of a KMS; `None` where no KMS keeps the key.
    pub(super) fn read_kms(self, body: &[u8]) -> Option<Result<KmsEnvelope<'_>, Malformed>> {
        match self.row()?.keeper {
            Keeper::Kms { read, .. } => Some(read(body)),
            Keeper::Configuration { .. } => None,
        }
    }
}
