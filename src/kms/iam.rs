//! The least that an IAM identity needs to unwrap what a plan lists, and encryption contexts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// Encryption contexts: what a plugin was told to bind DEKs to, and what must be given again to unwrap them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncryptionContexts {
    /// Of every provider that has none of its own.
    pub of_all: BTreeMap<String, String>,
    /// By provider's name.
    pub of_provider: BTreeMap<String, BTreeMap<String, String>>,
}

impl EncryptionContexts {
    /// The context of a provider.
    pub fn of(&self, provider_name: &str) -> &BTreeMap<String, String> {
        self.of_provider.get(provider_name).unwrap_or(&self.of_all)
    }

    /// Reads `k=v,…`.
    ///
    /// # Errors
    /// A part without an equals sign, or with nothing before it.
    pub fn parse(text: &str) -> Result<BTreeMap<String, String>, String> {
        text.split(',')
            .map(|pair| match pair.split_once('=') {
                Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
                _ => Err("expected key=value,key=value".to_owned()),
            })
            .collect()
    }
}

/// A key as values name it, with the encryption context of their provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsedKey {
    /// KMS v2's key ID; `None` for KMS v1, whose key is not known before it is asked.
    pub key_id: Option<Box<str>>,
    /// The encryption context.
    pub context: BTreeMap<String, String>,
}

/// An IAM policy, as JSON over several lines, that allows what unwrapping under these keys needs and no more.
pub fn decrypt_policy(keys: &BTreeSet<UsedKey>) -> String {
    let statements = keys.iter().map(|UsedKey { key_id, context }| {
        let mut condition = serde_json::Map::new();
        let resource = match key_id.as_deref() {
            Some(arn) if arn.starts_with("arn:") && arn.contains(":key/") => arn.to_owned(),
            Some(alias) if alias.contains("alias/") => {
                let name = alias.rsplit_once(':').map_or(alias, |(_, name)| name);
                condition.insert("ForAnyValue:StringEquals".into(), json!({ "kms:ResourceAliases": name }));
                "arn:aws:kms:*:*:key/*".to_owned()
            }
            Some(id) => format!("arn:aws:kms:*:*:key/{id}"),
            None => "arn:aws:kms:*:*:key/*".to_owned(),
        };
        if !context.is_empty() {
            let pairs = context.iter().map(|(key, value)| (format!("kms:EncryptionContext:{key}"), json!(value)));
            condition.insert("StringEquals".into(), Value::Object(pairs.collect()));
        }
        let mut statement = json!({ "Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": resource });
        if let (false, Some(map)) = (condition.is_empty(), statement.as_object_mut()) {
            map.insert("Condition".into(), Value::Object(condition));
        }
        statement
    });
    let named = keys.iter().filter_map(|key| key.key_id.as_deref()).filter(|key| key.starts_with("arn:") && key.contains(":key/"));
    let described: BTreeSet<&str> = named.collect();
    let mut statements: Vec<Value> = statements.collect();
    if !described.is_empty() {
        // These two calls bear no encryption context.
        statements.push(json!({
            "Effect": "Allow", "Action": ["kms:DescribeKey", "kms:GetKeyRotationStatus"], "Resource": described,
        }));
    }
    format!("{:#}", json!({ "Version": "2012-10-17", "Statement": statements }))
}
