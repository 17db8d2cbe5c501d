//! The values of a Secret's data, shown one by one to whoever compares them. Nothing is kept.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::encoding::PROTOBUF_MAGIC;
use super::{Encoding, json};
use crate::wire::Fields;

/// Shows name and value of each data item of a Secret in plaintext. `None` where it cannot be read.
pub(crate) fn each_data_item(value: &[u8], encoding: Encoding, mut show: impl FnMut(&str, &[u8])) -> Option<()> {
    match encoding {
        Encoding::Protobuf => {
            let raw = field(value.strip_prefix(PROTOBUF_MAGIC)?, 2)?;
            for entry in Fields::new(raw) {
                let entry = entry.ok()?;
                if let (2, Some(entry)) = (entry.number, entry.bytes()) {
                    show(std::str::from_utf8(field(entry, 1).unwrap_or_default()).ok()?, field(entry, 2).unwrap_or_default());
                }
            }
            Some(())
        }
        Encoding::Json => of_json(value, &mut show),
        Encoding::Cbor => of_json(&Zeroizing::new(json::json_of_cbor(value).ok()?), &mut show),
        Encoding::Yaml | Encoding::Other => None,
    }
}

fn field(message: &[u8], number: u32) -> Option<&[u8]> {
    Fields::new(message).flatten().find(|field| field.number == number)?.bytes()
}

fn of_json(value: &[u8], show: &mut impl FnMut(&str, &[u8])) -> Option<()> {
    #[derive(Deserialize)]
    struct Stored<'a> {
        #[serde(borrow, default)]
        data: BTreeMap<String, std::borrow::Cow<'a, str>>,
    }
    let stored: Stored<'_> = serde_json::from_slice(value).ok()?;
    for (name, text) in &stored.data {
        show(name, &Zeroizing::new(STANDARD.decode(text.as_bytes()).ok()?));
    }
    Some(())
}
