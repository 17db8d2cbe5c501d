//! The least that an IAM identity needs to unwrap what a plan lists.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::EncryptionContext;
use super::key_spelling::{is_key_arn, is_key_id};

/// A key as values name it, with an encryption context that is tried.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsedKey {
    /// KMS v2's key ID; `None` for KMS v1, whose key is not known before it is asked.
    pub key_id: Option<Box<str>>,
    /// The encryption context.
    pub context: EncryptionContext,
}

/// What stands in a policy where the ARN of a key is not known. IAM matches nothing with it, so that a policy that nobody filled in
/// allows nothing.
pub const PLACE_TO_FILL: &str = "arn:aws:kms:REGION:ACCOUNT:key/KEY-ID";

/// An IAM policy, as JSON over several lines, that allows what unwrapping under these keys needs and no more. `given`: ARNs of keys
/// that the user names, for values that do not name theirs; without them there is a place to fill.
pub fn decrypt_policy(keys: &BTreeSet<UsedKey>, given: &[String]) -> String {
    let any_given = || if given.is_empty() { vec![PLACE_TO_FILL.to_owned()] } else { given.to_vec() };
    let resources_of = |key_id: Option<&str>| match key_id {
        Some(arn) if is_key_arn(arn) => vec![arn.to_owned()],
        // Where it has not the form of an ID it may be a pattern, which never stands in a policy.
        Some(id) if is_key_id(id) => match given.iter().filter(|arn| arn.ends_with(&format!("/{id}"))).cloned().collect::<Vec<_>>() {
            named if named.is_empty() => vec![PLACE_TO_FILL.replace("KEY-ID", id)],
            named => named,
        },
        _ => any_given(),
    };
    let mut described = BTreeSet::new();
    let mut statements: Vec<Value> = Vec::new();
    let has_contexts = keys.iter().any(|key| !key.context.is_empty());
    for UsedKey { key_id, context } in keys {
        let resources = resources_of(key_id.as_deref());
        described.extend(resources.iter().cloned());
        let mut condition = serde_json::Map::new();
        if let Some(alias) = key_id.as_deref().filter(|id| !is_key_arn(id) && id.contains("alias/")) {
            let name = alias.rsplit_once(':').map_or(alias, |(_, name)| name);
            condition.insert("ForAnyValue:StringEquals".into(), json!({ "kms:ResourceAliases": name }));
        }
        if !context.is_empty() {
            let pairs = context.iter().map(|(key, value)| (format!("kms:EncryptionContext:{key}"), json!(value)));
            condition.insert("StringEquals".into(), Value::Object(pairs.collect()));
        }
        if context.is_empty() && has_contexts {
            // Without it the statement would allow what the others allow under a context alone.
            condition.insert("Null".into(), json!({ "kms:EncryptionContextKeys": "true" }));
        }
        let resource = match resources.as_slice() {
            [one] => json!(one),
            several => json!(several),
        };
        let mut statement = json!({ "Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": resource });
        if let (false, Some(map)) = (condition.is_empty(), statement.as_object_mut()) {
            map.insert("Condition".into(), Value::Object(condition));
        }
        statements.push(statement);
    }
    if !described.is_empty() {
        // These two calls bear no encryption context.
        statements.push(json!({
            "Effect": "Allow", "Action": ["kms:DescribeKey", "kms:GetKeyRotationStatus"], "Resource": described,
        }));
    }
    format!("{:#}", json!({ "Version": "2012-10-17", "Statement": statements }))
}

/// Whether something is to be filled in before a policy allows all that it is for.
pub fn has_place_to_fill(policy: &str) -> bool {
    PLACE_TO_FILL.split_once("KEY-ID").is_some_and(|(place, _)| policy.contains(place))
}
