//! `etcdserverpb.InternalRaftRequest`, the data of a normal entry.
//!
//! Beside its ID (1) and header (100: ID, username, auth_revision) exactly one field is filled, and its number says what
//! is asked for: see [`RequestKind`]. Up to etcd 3.5 an entry can hold a `Request` of the v2 API instead, which etcd tells
//! by its not being an InternalRaftRequest: ID = 1, Method = 2, Path = 3, Val = 4 ….
//!
//! Source: etcd `api/etcdserverpb/{raft_internal,rpc,etcdserver}.proto`, `server/etcdserver/server.go` (`applyEntryNormal`).

use super::auth::Credential;
use super::txn::{Branch, Operations};
use crate::wire::{Damage, Fields, Value};

/// Methods of a request of the v2 API.
const METHODS: [&[u8]; 7] = [b"GET", b"QGET", b"PUT", b"POST", b"DELETE", b"SYNC", b"HEAD"];

macro_rules! kinds {
    ($( $variant:ident = $number:literal, $name:literal; )+) => {
        /// What a request asks for, by the number of its field.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum RequestKind {
            $( #[doc = concat!("`", $name, "`")] $variant, )+
            /// A request of the v2 API that stands there by itself.
            OldV2,
            /// No field, or one that is not known here.
            Other,
        }

        impl RequestKind {
            /// Every kind, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+ Self::OldV2, Self::Other];

            fn of(number: u32) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }

            /// The field's name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ Self::OldV2 => "request_v2", Self::Other => "other" }
            }
        }
    };
}

kinds! {
    V2 = 2, "v2";
    Range = 3, "range";
    Put = 4, "put";
    DeleteRange = 5, "delete_range";
    Txn = 6, "txn";
    Compaction = 7, "compaction";
    LeaseGrant = 8, "lease_grant";
    LeaseRevoke = 9, "lease_revoke";
    Alarm = 10, "alarm";
    LeaseCheckpoint = 11, "lease_checkpoint";
    AuthEnable = 1000, "auth_enable";
    AuthDisable = 1011, "auth_disable";
    Authenticate = 1012, "authenticate";
    AuthStatus = 1013, "auth_status";
    AuthUserAdd = 1100, "auth_user_add";
    AuthUserDelete = 1101, "auth_user_delete";
    AuthUserGet = 1102, "auth_user_get";
    AuthUserChangePassword = 1103, "auth_user_change_password";
    AuthUserGrantRole = 1104, "auth_user_grant_role";
    AuthUserRevokeRole = 1105, "auth_user_revoke_role";
    AuthUserList = 1106, "auth_user_list";
    AuthRoleList = 1107, "auth_role_list";
    AuthRoleAdd = 1200, "auth_role_add";
    AuthRoleDelete = 1201, "auth_role_delete";
    AuthRoleGet = 1202, "auth_role_get";
    AuthRoleGrantPermission = 1203, "auth_role_grant_permission";
    AuthRoleRevokePermission = 1204, "auth_role_revoke_permission";
    ClusterVersionSet = 1300, "cluster_version_set";
    ClusterMemberAttrSet = 1301, "cluster_member_attr_set";
    DowngradeInfoSet = 1302, "downgrade_info_set";
    DowngradeVersionTest = 9900, "downgrade_version_test";
}

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'data> {
    /// What it asks for.
    pub kind: RequestKind,
    /// The user that asked, where etcd's authentication is on.
    pub username: &'data [u8],
    /// The user whose credential it carries.
    pub credential: Option<Credential<'data>>,
    body: &'data [u8],
    /// All of it, where it holds several bodies.
    several: Option<&'data [u8]>,
}

/// Data of an entry that are no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no request: {0}")]
pub struct Unreadable(Damage);

impl<'data> Request<'data> {
    /// Reads the data of a normal entry, down to every operation of a transaction.
    ///
    /// # Errors
    /// They are neither an InternalRaftRequest nor a request of the v2 API.
    pub fn parse(data: &'data [u8]) -> Result<Self, Unreadable> {
        match Self::internal(data) {
            Ok(request) => Ok(request),
            Err(damage) => Self::v2(data).ok_or(Unreadable(damage)),
        }
    }

    /// Each of what it asks for. No server proposes more than one; where one stands there beside another, all of them are read.
    pub fn parts(self) -> impl Iterator<Item = Self> {
        let further = Fields::new(self.several.unwrap_or_default()).map_while(Result::ok).filter_map(move |field| {
            let kind = RequestKind::of(field.number)?;
            let body = field.bytes().filter(|body| body.as_ptr() != self.body.as_ptr())?;
            Some(Self { kind, body, several: None, credential: None, ..self })
        });
        std::iter::once(self).chain(further)
    }

    /// The puts and deletions it proposes, the revocation of a lease among them, in the order in which they stand there.
    pub fn operations(&self) -> Operations<'data> {
        match self.kind {
            RequestKind::Put => Operations::put(self.body),
            RequestKind::DeleteRange => Operations::delete_range(self.body),
            RequestKind::Txn => Operations::txn(self.body),
            RequestKind::LeaseRevoke => Operations::lease_revoke(self.body),
            RequestKind::V2 | RequestKind::OldV2 => Operations::v2(self.body),
            _ => Operations::none(),
        }
    }

    fn internal(data: &'data [u8]) -> Result<Self, Damage> {
        let mut request = Self { kind: RequestKind::Other, username: &[], credential: None, body: &[], several: None };
        for field in Fields::new(data) {
            let field = field?;
            match (field.number, RequestKind::of(field.number), field.value) {
                (1, _, Value::Varint(_)) => {}
                (100, _, Value::Bytes(header)) => request.username = username(header)?,
                (_, Some(kind), Value::Bytes(body)) => {
                    request.several = (request.kind != RequestKind::Other).then_some(data);
                    (request.kind, request.body) = (kind, body);
                }
                (1 | 100, _, _) | (_, Some(_), _) => return Err(Damage::Number(field.number.into())),
                // A kind of a later version.
                _ => {}
            }
        }
        request.check()?;
        Ok(request)
    }

    /// Reads the message within, as etcd's own reader would.
    fn check(&mut self) -> Result<(), Damage> {
        self.credential = Credential::parse(self.kind, self.body).transpose()?;
        match self.kind {
            RequestKind::Put | RequestKind::DeleteRange | RequestKind::Txn => self.operations().find_map(Result::err).map_or(Ok(()), Err),
            _ => Fields::new(self.body).find_map(Result::err).map_or(Ok(()), Err),
        }
    }

    /// A request of the v2 API: an ID, one of HTTP's methods, a path.
    fn v2(data: &'data [u8]) -> Option<Self> {
        let (mut method, mut path) = (None, None);
        for field in Fields::new(data) {
            let field = field.ok()?;
            match (field.number, field.value) {
                (2, Value::Bytes(bytes)) => method = Some(bytes),
                (3, Value::Bytes(bytes)) => path = Some(bytes),
                (4 | 6, Value::Bytes(_)) | (1 | 5 | 7..=17, Value::Varint(_)) => {}
                _ => return None,
            }
        }
        let is_v2 = method.is_some_and(|method| METHODS.contains(&method)) && path.is_some();
        is_v2.then_some(Self { kind: RequestKind::OldV2, username: &[], credential: None, body: data, several: None })
    }
}

impl RequestKind {
    /// Whether it is one of etcd's own users and roles.
    pub fn is_auth(self) -> bool {
        (Self::AuthEnable..=Self::AuthRoleRevokePermission).contains(&self)
    }

    /// Whether the beginning of an entry's data is that of a request of the v2 API that stands there by itself: its second field is one
    /// of HTTP's methods.
    pub(super) fn is_v2_alone(beginning: &[u8]) -> bool {
        let method = Fields::new(beginning).map_while(Result::ok).find(|field| field.number == 2);
        method.is_some_and(|field| field.bytes().is_some_and(|method| METHODS.contains(&method)))
    }

    /// Whether it is one of the v2 API.
    pub fn is_v2(self) -> bool {
        matches!(self, Self::V2 | Self::OldV2)
    }
}

impl Branch {
    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

fn username(header: &[u8]) -> Result<&[u8], Damage> {
    let mut name: &[u8] = &[];
    for field in Fields::new(header) {
        let field = field?;
        if let (2, Value::Bytes(bytes)) = (field.number, field.value) {
            name = bytes;
        }
    }
    Ok(name)
}
