//! Keys beside the data: objects in plaintext that hold what opens other objects, or the cluster itself.
//!
//! | kind | told by | source |
//! |---|---|---|
//! | EncryptionConfiguration | `EncryptionConfig…` and `secret` in a Secret or ConfigMap | k8s.io/apiserver `types_encryption.go` |
//! | kubeconfig | `client-key-data` | client-go `tools/clientcmd/api/v1/types.go` |
//! | cloud credential | `aws_secret_access_key`, `aadClientSecret`, a service account's `private_key` | the clouds' own configuration files |
//! | OpenShift's key | Secrets `encryption-key-*`, `encryption-config-*` of `openshift-config-managed` | library-go `pkg/operator/encryption` |
//! | k3s's bootstrap | key `/bootstrap/<hash>`: CA keys and encryption keys, guarded by the join token only | k3s `pkg/cluster/bootstrap.go` |

use std::sync::LazyLock;

use aho_corasick::packed::Searcher;
use memchr::memmem;

use super::{Encoding, StorageKey, each_data_item};

/// Words of which every kind of text needs one. A scan looks at each plaintext value, and nearly all have none of them: one pass
/// says so. Packed, since an automaton's own choice of rare bytes stops at every few bytes of what is encrypted or compressed;
/// `None` on processors without that.
static WORDS: LazyLock<Option<Searcher>> = LazyLock::new(|| {
    Searcher::new([
        "EncryptionConfig",
        "client-key-data",
        "aws_secret_access_key",
        "AWS_SECRET_ACCESS_KEY",
        "aadClientSecret",
        "private_key_id",
    ])
});

/// What kind of key material an object holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KeyMaterial {
    /// The API server's encryption keys.
    EncryptionConfiguration,
    /// OpenShift's encryption keys.
    OpenShiftKey,
    /// k3s's CA keys and encryption keys, under the join token.
    K3sBootstrap,
    /// A kubeconfig with a client's key.
    Kubeconfig,
    /// A credential of a cloud, which may be allowed to use its KMS.
    CloudCredential,
}

impl KeyMaterial {
    /// In words for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::EncryptionConfiguration => "EncryptionConfiguration",
            Self::OpenShiftKey => "OpenShift encryption key",
            Self::K3sBootstrap => "k3s bootstrap data (guarded by the join token only)",
            Self::Kubeconfig => "kubeconfig with a client key",
            Self::CloudCredential => "cloud credential",
        }
    }

    /// Looks at a value and its key.
    pub fn of(key: &[u8], storage_key: Option<&StorageKey<'_>>, value: &[u8]) -> Option<Self> {
        if value.is_empty() || value.starts_with(b"k8s:enc:") {
            return None;
        }
        let Some(object) = storage_key else {
            let hash = key.strip_prefix(b"/bootstrap/")?;
            return (hash.len() == 12 && hash.iter().all(u8::is_ascii_hexdigit)).then_some(Self::K3sBootstrap);
        };
        let is_secret = object.group_resource.is_secrets();
        if !is_secret && object.group_resource.0 != "configmaps" {
            return None;
        }
        let of_openshift = ["encryption-key-", "encryption-config-"].iter().any(|head| object.name.starts_with(head));
        if is_secret && of_openshift && object.namespace == Some("openshift-config-managed") {
            return Some(Self::OpenShiftKey);
        }
        let mut found = Self::within(value);
        if is_secret && found.is_none() && !value.starts_with(b"k8s\0") {
            // A Secret in JSON holds its data in base64.
            let encoding = Encoding::of(value)?;
            each_data_item(value, encoding, |name, data| {
                found = found.or_else(|| Self::within(name.as_bytes())).or_else(|| Self::within(data));
            });
        }
        found
    }

    /// Whether bytes that are no object may hold keys.
    pub(crate) fn may_be_in(bytes: &[u8]) -> bool {
        Self::within(bytes).is_some() || memmem::find(bytes, b"PRIVATE KEY-----").is_some()
    }

    fn within(bytes: &[u8]) -> Option<Self> {
        if WORDS.as_ref().is_some_and(|words| words.find(bytes).is_none()) {
            return None;
        }
        let holds = |needle: &str| memmem::find(bytes, needle.as_bytes()).is_some();
        match () {
            () if holds("EncryptionConfig") && holds("secret") && holds("providers") => Some(Self::EncryptionConfiguration),
            () if holds("client-key-data") => Some(Self::Kubeconfig),
            () if holds("aws_secret_access_key")
                || holds("AWS_SECRET_ACCESS_KEY")
                || holds("aadClientSecret")
                || (holds("private_key_id") && holds("service_account")) =>
            {
                Some(Self::CloudCredential)
            }
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::super::GroupResource;
    use super::*;

    fn of(resource: &'static str, namespace: &'static str, name: &'static str, value: &[u8]) -> Option<KeyMaterial> {
        let storage_key =
            StorageKey { prefix: None, group_resource: GroupResource(Cow::Borrowed(resource)), namespace: Some(namespace), name };
        KeyMaterial::of(b"/registry/x", Some(&storage_key), value)
    }

    #[test]
    fn key_material_is_told_by_what_an_object_holds() {
        let config = b"k8s\0 kind: EncryptionConfiguration resources: providers: aescbc: keys: secret: x";
        let json = br#"{"kind":"Secret","data":{"config":"W3Byb2ZpbGVdCmF3c19zZWNyZXRfYWNjZXNzX2tleSA9IHgK"}}"#;
        for (resource, value, found) in [
            ("secrets", &config[..], Some(KeyMaterial::EncryptionConfiguration)),
            ("configmaps", config, Some(KeyMaterial::EncryptionConfiguration)),
            ("pods", config, None),
            ("secrets", b"k8s\0 users: - user: client-key-data: x", Some(KeyMaterial::Kubeconfig)),
            ("secrets", b"k8s\0 AWS_SECRET_ACCESS_KEY", Some(KeyMaterial::CloudCredential)),
            ("secrets", json, Some(KeyMaterial::CloudCredential)),
            ("configmaps", b"k8s\0 EncryptionConfiguration is a kind", None),
            ("secrets", b"k8s:enc:aescbc:v1:k: client-key-data", None),
            ("secrets", b"", None),
        ] {
            assert_eq!(of(resource, "a", "b", value), found, "{resource} {}", String::from_utf8_lossy(value));
        }
        assert_eq!(
            of("secrets", "openshift-config-managed", "encryption-key-openshift-kube-apiserver-1", b"k8s\0"),
            Some(KeyMaterial::OpenShiftKey)
        );
        assert_eq!(KeyMaterial::of(b"/bootstrap/e3b0c44298fc", None, b"salt:base64"), Some(KeyMaterial::K3sBootstrap));
        assert_eq!(KeyMaterial::of(b"/bootstrap/other", None, b"x"), None);
    }
}
