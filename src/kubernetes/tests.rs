use proptest::prelude::*;
use prost::Message;

use super::*;

fn secret() -> pb::Secret {
    let time = |seconds| Some(pb::Time { seconds: Some(seconds), nanos: Some(0) });
    pb::Secret {
        metadata: Some(pb::ObjectMeta {
            name: Some("db".into()),
            namespace: Some("prod".into()),
            uid: Some("u-1".into()),
            creation_timestamp: time(1_700_000_000),
            owner_references: vec![pb::OwnerReference { kind: Some("Release".into()), name: Some("r".into()), ..Default::default() }],
            managed_fields: ["kubectl", "helm", "kubectl"]
                .iter()
                .map(|m| pb::ManagedFieldsEntry { manager: Some((*m).into()), time: time(1_700_000_500), ..Default::default() })
                .collect(),
            ..Default::default()
        }),
        data: [("user".to_owned(), b"admin".to_vec()), ("password".to_owned(), b"hunter22".to_vec())].into(),
        r#type: Some("Opaque".into()),
        immutable: Some(true),
    }
}

fn stored(kind: &str, raw: Vec<u8>) -> Vec<u8> {
    let unknown = pb::Unknown {
        type_meta: Some(pb::TypeMeta { api_version: Some("v1".into()), kind: Some(kind.into()) }),
        raw: Some(raw),
        content_encoding: Some(String::new()),
        content_type: Some(String::new()),
    };
    [&b"k8s\0"[..], &unknown.encode_to_vec()].concat()
}

const JSON: &str = r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"db","namespace":"prod","uid":"u-1",
  "creationTimestamp":"2023-11-14T22:13:20Z","ownerReferences":[{"apiVersion":"x/v1","kind":"Release","name":"r","uid":"1"}],
  "managedFields":[{"manager":"kubectl","time":"2023-11-14T22:21:40Z"},{"manager":"helm"},{"manager":"kubectl"}]},
  "data":{"user":"YWRtaW4=","password":"aHVudGVyMjI="},"type":"Opaque","immutable":true}
"#;

/// The same object in CBOR, as the API server writes it: text as byte strings, bytes under tag 22.
fn cbor() -> Vec<u8> {
    use ciborium::Value as C;
    let text = |s: &str| C::Bytes(s.as_bytes().to_vec());
    let map = |entries: Vec<(&str, C)>| C::Map(entries.into_iter().map(|(k, v)| (text(k), v)).collect());
    let bytes = |b: &[u8]| C::Tag(22, Box::new(C::Bytes(b.to_vec())));
    let manager = |name: &str| map(vec![("manager", text(name)), ("time", text("2023-11-14T22:21:40Z"))]);
    let object = map(vec![
        ("apiVersion", text("v1")),
        ("kind", text("Secret")),
        (
            "metadata",
            map(vec![
                ("name", text("db")),
                ("namespace", text("prod")),
                ("uid", text("u-1")),
                ("creationTimestamp", text("2023-11-14T22:13:20Z")),
                (
                    "ownerReferences",
                    C::Array(vec![map(vec![
                        ("apiVersion", text("x/v1")),
                        ("kind", text("Release")),
                        ("name", text("r")),
                        ("uid", text("1")),
                    ])]),
                ),
                ("managedFields", C::Array(["kubectl", "helm", "kubectl"].map(manager).to_vec())),
            ]),
        ),
        ("data", map(vec![("user", bytes(b"admin")), ("password", bytes(b"hunter22"))])),
        ("type", text("Opaque")),
        ("immutable", C::Bool(true)),
    ]);
    let mut out = vec![0xd9, 0xd9, 0xf7];
    ciborium::into_writer(&object, &mut out).unwrap();
    out
}

#[test]
fn one_secret_reads_the_same_in_protobuf_json_and_cbor() {
    let protobuf = stored("Secret", secret().encode_to_vec());
    let read = |value: &[u8]| {
        let encoding = Encoding::of(value).unwrap();
        let secret = Secret::read(value, encoding).unwrap();
        assert_eq!(Object::newest_time_in(value, encoding), secret.object.newest_time);
        let items: Vec<_> = secret.data.iter().map(|item| (item.name.to_string(), item.length)).collect();
        assert_eq!(items, [("password".to_owned(), 8), ("user".to_owned(), 5)]);
        (
            [&secret.object.name, &secret.object.namespace, &secret.object.uid, &secret.object.kind, &secret.secret_type]
                .map(ToString::to_string),
            (secret.object.created, secret.object.newest_time, secret.immutable),
            secret.object.managers.iter().map(ToString::to_string).collect::<Vec<_>>(),
            secret.object.owners.iter().map(|o| format!("{} {}", o.kind, o.name)).collect::<Vec<_>>(),
        )
    };
    let first = read(&protobuf);
    assert_eq!(first.0, ["db", "prod", "u-1", "Secret", "Opaque"]);
    assert_eq!(first.1, (Some(1_700_000_000), Some(1_700_000_500), true));
    assert_eq!((first.2.join(","), first.3.join(",")), ("kubectl,helm".to_owned(), "Release r".to_owned()));
    assert_eq!(read(JSON.as_bytes()), first);
    assert_eq!(read(&cbor()), first);
}

#[test]
fn a_revealed_secret_is_kubernetes_own_json() {
    let document = as_document(&stored("Secret", secret().encode_to_vec()), Encoding::Protobuf).unwrap().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&document).unwrap();
    assert_eq!(json["data"]["password"], "aHVudGVyMjI=");
    assert_eq!((&json["kind"], &json["metadata"]["namespace"]), (&"Secret".into(), &"prod".into()));
    assert_eq!(as_document(&stored("Pod", vec![]), Encoding::Protobuf).unwrap(), None);
}

#[test]
fn encodings_are_told_by_their_first_bytes_and_never_guessed() {
    for (value, encoding) in [
        (&b"k8s\0"[..], Some(Encoding::Protobuf)),
        (&[0xd9, 0xd9, 0xf7, 0xa0], Some(Encoding::Cbor)),
        (b"{\"a\":1}\n", Some(Encoding::Json)),
        (b"{not json", Some(Encoding::Other)),
        (b"apiVersion: v1\nkind: Secret\n", Some(Encoding::Yaml)),
        (b"520", Some(Encoding::Other)),
        (&[0xff, 0xfe, 0x00], None),
    ] {
        assert_eq!(Encoding::of(value), encoding, "{value:?}");
    }
}

#[test]
fn keys_are_read_below_the_elected_prefixes() {
    let prefixes = elected(&[
        ("/registry/secrets/prod/db", b""),
        ("/registry/namespaces/prod", b""),
        ("/registry/example.com/secrets/prod/x", SEALED),
        ("compact_rev_key", b"5"),
        ("/openshift.io/configmaps/a/b", b""),
        ("/my/own-prefix/secrets/a/b", SEALED),
        ("/bootstrap/0123456789ab", SEALED),
        ("/registry/services/specs/default/kubernetes", b""),
    ]);
    assert_eq!(prefixes.texts(), ["/my/own-prefix", "/openshift.io", "/registry"]);
    let read = |key: &'static str| {
        StorageKey::of(key.as_bytes(), &prefixes)
            .map(|k| (k.group_resource.0.to_string(), k.namespace.map(str::to_owned), k.name.to_owned()))
    };
    let object =
        |resource: &str, namespace: Option<&str>, name: &str| Some((resource.to_owned(), namespace.map(str::to_owned), name.to_owned()));
    for (key, expected) in [
        ("/registry/secrets/prod/db", object("secrets", Some("prod"), "db")),
        ("/my/own-prefix/secrets/prod/db", object("secrets", Some("prod"), "db")),
        ("/registry/deployments/prod/web", object("deployments.apps", Some("prod"), "web")),
        ("/registry/minions/node-1", object("nodes", None, "node-1")),
        ("/registry/services/specs/default/kubernetes", object("services", Some("default"), "kubernetes")),
        ("/registry/services/endpoints/default/kubernetes", object("endpoints", Some("default"), "kubernetes")),
        ("/registry/example.com/secrets/prod/x", object("secrets.example.com", Some("prod"), "x")),
        (
            "/registry/apiextensions.k8s.io/customresourcedefinitions/w.example.com",
            object("customresourcedefinitions.apiextensions.k8s.io", None, "w.example.com"),
        ),
        ("/registry/secrets/prod", None),
        ("compact_rev_key", None),
        ("/bootstrap/0123456789ab", None),
        ("/registryx/secrets/a/b", None),
    ] {
        assert_eq!(read(key), expected, "{key}");
    }
    let given = |votes: PrefixVotes<'_>| votes.elect(&["registry/".to_owned(), "/".to_owned()]).texts();
    assert_eq!(given(PrefixVotes::default()), ["", "/registry", "registry", "registry/"]);
    assert_eq!(given(heard(&[("/registry/secrets/a/b", b"")])), ["", "/registry"]);
}

const SEALED: &[u8] = b"k8s:enc:aescbc:v1:key1:0123";

fn heard<'data>(writes: &[(&'data str, &[u8])]) -> PrefixVotes<'data> {
    let mut votes = PrefixVotes::default();
    writes.iter().for_each(|(key, value)| votes.observe(key.as_bytes(), value));
    votes
}

fn elected(writes: &[(&str, &[u8])]) -> Prefixes {
    heard(writes).elect(&[])
}

#[test]
fn a_prefix_is_an_api_servers_where_a_value_below_it_is_one() {
    let object = stored("Secret", secret().encode_to_vec());
    let typed = br#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"db","namespace":"prod","uid":"u-1"}}"#;
    let manifest = br#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"db","namespace":"prod"}}"#;
    for (key, value, expected) in [
        ("/tenant/secrets/prod/db", SEALED, Some("/tenant")),
        ("/tenant/secrets/prod/db", &object, Some("/tenant")),
        ("/tenant/secrets/prod/db", typed, Some("/tenant")),
        ("/tenant/secrets/prod/db", manifest, None),
        ("/tenant/secrets/prod/db", b"password=x", None),
        ("/tenant/secrets/prod/db", b"", None),
        // A prefix is bytes: without a slash in front, with two of them in it, or of no bytes at all.
        ("team-a//registry/secrets/prod/db", SEALED, Some("team-a//registry")),
        ("team-a/registry/namespaces/prod", &object, Some("team-a/registry")),
        ("/secrets/prod/db", SEALED, Some("")),
        ("secrets/prod/db", SEALED, None),
        ("/a.b/registry/pods/services/specs/prod/web", SEALED, Some("/a.b/registry/pods")),
        // One that API servers have by default needs no proof; an API group below it is none.
        ("/registry/secrets/prod/db", b"?", Some("/registry")),
        ("/registry/example.com/tokens/prod/db", SEALED, Some("/registry")),
        ("/registry/example.com/tokens/prod/db", b"?", None),
    ] {
        let expected: Vec<&str> = expected.into_iter().collect();
        assert_eq!(elected(&[(key, value)]).texts(), expected, "{key} {}", value.escape_ascii());
    }
}

#[test]
fn a_prefix_that_continues_another_is_told_from_an_api_group() {
    let object = stored("Secret", secret().encode_to_vec());
    let prefixes = elected(&[
        ("/registry/secrets/prod/db", b"?"),
        ("/registry/tenant/secrets/prod/db", SEALED),
        ("/registry/tenant/inner/secrets/prod/db", SEALED),
        ("/registry/example.com/secrets/prod/db", SEALED),
        ("/registry/example.com/widgets/namespaces/db", SEALED),
        ("/registry/tenant.example.com/secrets/prod/db", &object),
        ("/registry-2/secrets/prod/db", SEALED),
    ]);
    let all = ["/registry", "/registry-2", "/registry/tenant", "/registry/tenant.example.com", "/registry/tenant/inner"];
    assert_eq!(prefixes.texts(), all);
    // Of several prefixes a key has the longest.
    for (key, prefix) in [
        ("/registry/secrets/prod/db", "/registry"),
        ("/registry/tenantx/secrets/prod/db", "/registry"),
        ("/registry/tenant/secrets/prod/db", "/registry/tenant"),
        ("/registry/tenant/inner/secrets/prod/db", "/registry/tenant/inner"),
        ("/registry/tenant/innermost/secrets/prod/db", "/registry/tenant"),
        ("/registry-2/secrets/prod/db", "/registry-2"),
        ("/registry/zz/secrets/prod/db", "/registry"),
    ] {
        assert_eq!(prefixes.split(key.as_bytes()).map(|(prefix, _)| prefix), Some(prefix.as_bytes()), "{key}");
    }
    assert_eq!(prefixes.split(b"/registry-3/secrets/prod/db"), None);
    assert_eq!(prefixes.split(b"/registry"), None);
}

#[test]
fn a_prefix_of_no_text_is_a_prefix() {
    let mut votes = PrefixVotes::default();
    votes.observe(b"\xff\xfe//registry/secrets/prod/db", SEALED);
    let prefixes = votes.elect(&[]);
    let key = StorageKey::of(b"\xff\xfe//registry/secrets/prod/db", &prefixes).unwrap();
    assert_eq!((key.prefix, key.name), (Some(&b"\xff\xfe//registry"[..]), "db"));
}

#[test]
fn cbor_is_followed_to_a_bound() {
    let nested = |depth: usize| [&[0xd9, 0xd9, 0xf7][..], &vec![0x81; depth], &[0]].concat();
    let limit = crate::evidence::limit::CBOR_DEPTH;
    assert!(as_document(&nested(limit / 2), Encoding::Cbor).is_ok_and(|document| document.is_some()));
    for depth in [limit + 1, 100_000] {
        assert!(as_document(&nested(depth), Encoding::Cbor).is_err(), "{depth}");
    }
}

proptest! {
    #[test]
    fn any_secret_reads_as_prost_reads_it(
        name in ".{0,20}", kind in ".{0,20}", immutable in any::<Option<bool>>(),
        data in prop::collection::btree_map(".{0,12}", prop::collection::vec(any::<u8>(), 0..50), 0..5),
        seconds in any::<Option<i64>>(),
    ) {
        let message = pb::Secret {
            metadata: Some(pb::ObjectMeta { name: Some(name.clone()), creation_timestamp: Some(pb::Time { seconds, nanos: None }), ..Default::default() }),
            data,
            r#type: Some(kind.clone()),
            immutable,
        };
        let value = stored("Secret", message.encode_to_vec());
        let read = Secret::read(&value, Encoding::Protobuf).unwrap();
        prop_assert_eq!((read.object.name.as_ref(), read.secret_type.as_ref(), read.object.created), (&name[..], &kind[..], seconds));
        prop_assert_eq!(read.immutable, immutable.unwrap_or(false));
        let lengths: Vec<_> = message.data.iter().map(|(k, v)| (k.as_str(), v.len() as u64)).collect();
        prop_assert_eq!(read.data.iter().map(|i| (i.name.as_ref(), i.length)).collect::<Vec<_>>(), lengths);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), magic in 0usize..3) {
        let prefix: &[u8] = [&b"k8s\0"[..], &[0xd9, 0xd9, 0xf7], b"{"][magic];
        let value = [prefix, &bytes].concat();
        for encoding in [Encoding::Protobuf, Encoding::Json, Encoding::Cbor, Encoding::Yaml, Encoding::Other] {
            let _ = (Secret::read(&value, encoding), Object::read(&value, encoding), Object::newest_time_in(&value, encoding), as_document(&value, encoding));
        }
        let mut votes = PrefixVotes::default();
        votes.observe(&value, &value);
        let _ = votes.elect(&[]);
    }
}
