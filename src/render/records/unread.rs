//! What was not read, one record each.

use std::borrow::Cow;

use serde::Serialize;

use super::path_base64;
use crate::evidence::words::path_text;
use crate::report::Unread;

/// Something that was not read.
#[derive(Debug, Serialize)]
pub struct UnreadRecord<'a> {
    record: &'static str,
    path: Cow<'a, str>,
    path_base64: Option<String>,
    target: Option<Cow<'a, str>>,
    reason: &'static str,
    of: Option<&'static str>,
    count: Option<u64>,
    offset: Option<u64>,
    detail: String,
    advice: Option<String>,
}

impl<'a> UnreadRecord<'a> {
    /// The record of it.
    pub fn new(unread: &'a Unread) -> Self {
        Self {
            record: "unread",
            path: path_text(&unread.path),
            path_base64: path_base64(&unread.path),
            target: unread.target.as_deref().map(path_text),
            reason: unread.reason.name(),
            of: unread.passed_over().map(|passed_over| passed_over.of.name()),
            count: unread.passed_over().map(|passed_over| passed_over.count),
            offset: unread.passed_over().map(|passed_over| passed_over.first),
            detail: unread.reason.to_string(),
            advice: unread.advice(),
        }
    }
}
