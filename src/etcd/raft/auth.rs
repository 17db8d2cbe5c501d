//! Users of etcd's own authentication, as requests name them. Which of their fields are filled is read; the bytes are not
//! kept.
//!
//! | request | name | password | token | hash |
//! |---|---|---|---|---|
//! | `authenticate` | 1 | 2 | 3 `simple_token` | |
//! | `auth_user_add` | 1 | 2 | | 4 `hashedPassword` |
//! | `auth_user_change_password` | 1 | 2 | | 3 `hashedPassword` |
//! | other `auth_user_*` | 1 | | | |
//!
//! `authenticate` carried the password in clear up to 3.3.22 and 3.4.9; the other two carry it in every 3.4.
//! Source: etcd `api/etcdserverpb/{raft_internal,rpc}.proto`, `server/etcdserver/v3_server.go`.

use super::request::RequestKind;
use crate::wire::{Damage, Fields, Value};

/// What a request says of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credential<'data> {
    /// What the request does.
    pub kind: AuthKind,
    /// The user's name.
    pub user: &'data [u8],
    /// Whether the password stands there in clear.
    pub has_password: bool,
    /// Whether a token stands there that logs in as the user while it is valid.
    pub has_token: bool,
    /// Whether the bcrypt hash of the password stands there.
    pub has_hash: bool,
}

/// What a request does with a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuthKind {
    /// A user logged in.
    Authenticate,
    /// A user was added.
    UserAdd,
    /// A password was changed.
    ChangePassword,
}

impl<'data> Credential<'data> {
    /// Reads the message in a request's field of this kind; `None` where the kind has no credential.
    pub(super) fn parse(kind: RequestKind, message: &'data [u8]) -> Option<Result<Self, Damage>> {
        let (kind, hash) = match kind {
            RequestKind::Authenticate => (AuthKind::Authenticate, None),
            RequestKind::AuthUserAdd => (AuthKind::UserAdd, Some(4)),
            RequestKind::AuthUserChangePassword => (AuthKind::ChangePassword, Some(3)),
            _ => return None,
        };
        Some(Self::read(kind, hash, message))
    }

    fn read(kind: AuthKind, hash: Option<u32>, message: &'data [u8]) -> Result<Self, Damage> {
        let mut credential = Self { kind, user: &[], has_password: false, has_token: false, has_hash: false };
        for field in Fields::new(message) {
            let field = field?;
            match (field.number, field.value) {
                (1, Value::Bytes(user)) => credential.user = user,
                (2, Value::Bytes(password)) => credential.has_password = !password.is_empty(),
                (number, Value::Bytes(bytes)) if Some(number) == hash => credential.has_hash = !bytes.is_empty(),
                (3, Value::Bytes(token)) if kind == AuthKind::Authenticate => credential.has_token = !token.is_empty(),
                (1..=2, _) => return Err(Damage::Number(field.number.into())),
                _ => {}
            }
        }
        Ok(credential)
    }
}
