//! `show`: one object, all its revisions, redacted unless asked otherwise.

use std::io::Write;

use anyhow::{Context, anyhow, bail};
use etcd_sleuth::analysis::{self, DigestMode, List, Options, Protection, Resources, Row, Scope};
use etcd_sleuth::evidence::Evidence;
use etcd_sleuth::finding::{Condition, Outcome};
use etcd_sleuth::kms::EncryptionConfig;
use etcd_sleuth::kubernetes;
use etcd_sleuth::report::escape::{json_document, terminal};
use etcd_sleuth::report::text;
use etcd_sleuth::verify::{Keyring, Needs};

use super::holders::{ask, contexts, given_names, read_configs, unwrappers};
use crate::args::{Global, ShowArgs};
use crate::core_files;
use crate::output::{self, Output};
use crate::shrinking;

pub(crate) fn run(args: &ShowArgs, global: &Global) -> anyhow::Result<u8> {
    core_files::switch_off();
    shrinking::note(&args.file);
    let evidence = Evidence::open(&args.file, &global.limits())?;
    let scope = Scope { resources: Resources::All, ..Scope::default() };
    let options = Options { scope, prefixes: args.etcd_prefix.clone(), digest: DigestMode::None, ..Options::default() };
    let mut survey = output::with_progress(false, "", |progress| analysis::survey(&evidence, &options, progress))?;
    let configs = read_configs(&args.holders.encryption_config)?;
    survey.names.give(given_names(&configs, &args.holders, &contexts(&args.holders)?));
    let wanted = Wanted::parse(&args.object);
    let mut rows: Vec<(Row<'_>, Option<&[u8]>)> = Vec::new();
    List::new(&survey, &options.scope).rows(|row, value| {
        if wanted.is(&row, &survey.prefixes) {
            rows.push((row, value));
        }
    });
    let mut outcome = Outcome::default();
    if !survey.facts.is_complete {
        outcome.open(Condition::Damaged);
    }
    if rows.is_empty() {
        output::say(&format!("no object {} in {}\n", terminal(&args.object), terminal(&args.file.to_string_lossy())));
        output::say(&format!("  looked for: {}; not looked at: write-ahead log\n", wanted.explain()));
        outcome.found(Condition::NoSuchObject);
        return Ok(outcome.exit_code());
    }
    let mut out =
        Output::open(args.output.as_deref(), args.force, &[std::slice::from_ref(&args.file), &args.holders.encryption_config].concat())?;
    if args.reveal {
        reveal(&rows, args, global, &configs, &mut out)?;
    } else {
        let (key, rows) = (key_of(&rows), rows.into_iter().map(|(row, _)| row).collect::<Vec<_>>());
        out.write_all(text::object(key, &rows).as_bytes())?;
    }
    out.finish()?;
    Ok(outcome.exit_code())
}

/// The object that was asked for.
enum Wanted<'a> {
    /// By its whole key.
    Key(&'a str),
    /// By resource, namespace and name; a Secret where no resource is given.
    Object { resource: &'a str, namespace: Option<&'a str>, name: &'a str },
}

impl<'a> Wanted<'a> {
    fn parse(text: &'a str) -> Self {
        if text.starts_with('/') {
            return Self::Key(text);
        }
        match text.split('/').collect::<Vec<_>>().as_slice() {
            [namespace, name] => Self::Object { resource: "secrets", namespace: Some(namespace), name },
            [resource, namespace, name] => Self::Object { resource, namespace: Some(namespace), name },
            _ => Self::Key(text),
        }
    }

    fn is(&self, row: &Row<'_>, prefixes: &kubernetes::Prefixes) -> bool {
        let key = match row {
            Row::Value(value) => value.key,
            Row::Tombstone(tombstone) => tombstone.key,
        };
        let Ok(key) = std::str::from_utf8(key) else { return false };
        match self {
            Self::Key(wanted) => *wanted == key,
            Self::Object { resource, namespace, name } => kubernetes::StorageKey::parse(key, prefixes).is_some_and(|found| {
                let namespaced = found.namespace == *namespace && found.name == *name;
                // A cluster-scoped object has no namespace: `clusterroles/rbac/admin` cannot be meant, `namespaces/prod` can.
                let cluster = found.namespace.is_none()
                    && *resource == "secrets"
                    && Some(found.group_resource.0.as_ref()) == *namespace
                    && found.name == *name;
                found.group_resource.0 == *resource && namespaced || cluster
            }),
        }
    }

    fn explain(&self) -> String {
        match self {
            Self::Key(key) => format!("the key {}", terminal(key)),
            Self::Object { resource, namespace, name } => {
                format!("{} {} in namespace {}", terminal(resource), terminal(name), terminal(namespace.unwrap_or("(none)")))
            }
        }
    }
}

fn key_of<'data>(rows: &[(Row<'data>, Option<&'data [u8]>)]) -> &'data [u8] {
    match rows.first() {
        Some((Row::Value(value), _)) => value.key,
        Some((Row::Tombstone(tombstone), _)) => tombstone.key,
        None => &[],
    }
}

/// Writes one revision with its values: the newest that is in plaintext or can be opened, or the one that was asked for.
fn reveal<'data>(
    rows: &[(Row<'data>, Option<&'data [u8]>)],
    args: &ShowArgs,
    global: &Global,
    configs: &[EncryptionConfig],
    out: &mut Output,
) -> anyhow::Result<()> {
    let candidates = rows.iter().rev().filter_map(|(row, bytes)| match row {
        Row::Value(value) => Some((value, (*bytes)?)),
        Row::Tombstone(_) => None,
    });
    let mut asked = candidates.filter(|(value, _)| args.revision.is_none_or(|revision| value.mod_revision == Some(revision)));
    let mut unwrappers = unwrappers(&args.holders, contexts(&args.holders)?)?;
    let has_keys = !configs.is_empty() || !unwrappers.is_empty();
    let (value, bytes) = asked
        .clone()
        .find(|(value, _)| value.protection == Protection::Plaintext || (has_keys && value.protection == Protection::Encrypted))
        .or_else(|| asked.next())
        .context("no such revision of this object")?;
    let revision = value.mod_revision.map_or("(not known)".to_owned(), |revision| revision.to_string());
    let opened = match value.protection {
        Protection::Encrypted if has_keys => {
            let needs = Needs::of_one(value, bytes);
            let ring = ask(&needs.plan, &mut unwrappers, &args.holders, global)?;
            let opened = Keyring { configs, ring: &ring }.open(value, bytes);
            Some(opened.map_err(|answer| anyhow!("revision {revision} does not open: {}", answer.name().replace('-', " ")))?)
        }
        _ => None,
    };
    let clear = opened.as_ref().map_or(bytes, AsRef::as_ref);
    let encoding = if opened.is_some() { kubernetes::Encoding::of(clear) } else { value.encoding };
    let Some(encoding) = encoding else {
        bail!("revision {revision} is {}; only plaintext, or what a key opens, can be revealed", value.protection.name());
    };
    let how = if opened.is_some() { ", opened with a key," } else { "" };
    output::say(&format!("revealing revision {revision} of {}{how} {} bytes in clear\n", terminal(&args.object), clear.len()));
    match kubernetes::as_document(clear, encoding)? {
        Some(document) => {
            match encoding {
                kubernetes::Encoding::Yaml => out.write_all(&document)?,
                _ => json_document(out, &document)?,
            }
            out.write_all(b"\n")?;
        }
        None if encoding == kubernetes::Encoding::Other || !out.is_stdout() => out.write_all(clear)?,
        None => bail!("this kind of object is not decoded here; -o FILE writes its bytes as they are stored"),
    }
    Ok(())
}
