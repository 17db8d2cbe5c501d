//! `verify`: which key opens what, and what still needs a key?

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use anyhow::{Context, bail};
use etcd_sleuth::analysis::{Retention, Row, Tally};
use etcd_sleuth::envelope::{KeyIdentity, KeyPattern};
use etcd_sleuth::finding::{Condition, Finding, Outcome, Rule};
use etcd_sleuth::kms::{EncryptionConfig, EncryptionContexts, Held, Pace, Plan, Ring, Unwrapper, UsedKey, decrypt_policy};
use etcd_sleuth::report::escape::terminal;
use etcd_sleuth::report::model::KeyProof;
use etcd_sleuth::report::records::{AnomalyRecord, EvidenceRecord, row_line, verdict_line};
use etcd_sleuth::report::verify::{Asked, Verification, VerifyReport};
use etcd_sleuth::report::{Report, text};
use etcd_sleuth::verify::{Answer, Keyring, Needs, Proof, Required, Rows, Source, Standing};

use super::holders::{ask, contexts, given_names, kms_names, names_of, plugin_names, read_configs, unwrappers};
use super::inputs::Inputs;
use super::sink::Sink;
use crate::args::{Format, Global};
use crate::core_files;
use crate::key_args::{Holders, VerifyArgs};
use crate::output;

pub(crate) fn run(args: &VerifyArgs, global: &Global) -> anyhow::Result<u8> {
    core_files::switch_off();
    let configs = read_configs(&args.holders.encryption_config)?;
    let contexts = contexts(&args.holders)?;
    let names = given_names(&configs, &args.holders, &contexts);
    let mut unwrappers = unwrappers(&args.holders, contexts.clone())?;
    if configs.is_empty() && unwrappers.is_empty() && !args.plan {
        bail!("nothing to open values with: give --encryption-config, --aws-kms or --kms-plugin, or --plan to see what it takes");
    }
    let options = args.options();
    let mut sink = Sink::open(&args.writing, global, &[&args.files[..], &args.holders.encryption_config].concat())?;
    let inputs = Inputs::open(&args.files, global);
    let mut surveyed = inputs.survey(&options, &names, global);
    let (needs, tallies) = surveyed.count(&options.scope);
    let sources = surveyed.sources();
    let watched = watched(&sources, &tallies);
    let mut report = inputs.report(&surveyed, &tallies, &args.within.resources)?;
    let mut outcome = inputs.outcome(&surveyed, &report);
    if args.plan {
        return plan(&needs.plan, &unwrappers, &contexts, &report, &mut sink, &mut outcome);
    }

    let required_key = args.require_key.as_deref().map(|text| required_key(text, &report)).transpose()?;
    let required = match &required_key {
        Some(key) => Required::Key(key),
        None if configs.is_empty() => Required::Nothing,
        None => Required::Configured(&configs),
    };
    let asked = announce(&needs.plan, &unwrappers, global);
    let ring = ask(&needs.plan, &mut unwrappers, &args.holders, global)?;
    let keyring = Keyring { configs: &configs, ring: &ring };
    let proof = Proof::of(&sources, &options.scope, keyring, required, &needs, watched);

    let mut verify = VerifyReport {
        proof: &proof,
        asked,
        calls: ring.calls(),
        is_cut_short: ring.is_cut_short(),
        failures: BTreeMap::new(),
        unused: unused(&configs, &args.holders, &report),
        notes: notes(&needs, &report),
        other_keys: other_keys(&needs.plan, &ring),
    };
    for (_, held) in ring.iter() {
        if let Held::Nothing { failure, .. } = held {
            verify.add_failure(failure);
        }
    }
    report.proofs = proofs(&proof, &needs.plan, &ring, &mut unwrappers, &args.holders);
    report.verification = Some(Verification::of(&verify, needs.plan.len() as u64));
    judge(&proof, &mut outcome);
    add_findings(&proof, &mut report);

    let by_number: BTreeMap<usize, &Source<'_, '_>> = sources.iter().map(|source| (source.number, source)).collect();
    surveyed.each(|number, facts, anomalies, _| {
        sink.record("evidence", &EvidenceRecord::new(number, facts))?;
        if let (Some(source), false) = (by_number.get(&number), sink.format == Format::Text) {
            let format = sink.format;
            source.run(
                &options.scope,
                |row, out| match row {
                    Row::Value(value) => {
                        let verdict = proof.verdict(keyring, number, value, source.bytes(value));
                        verdict_line(number, value, verdict.as_ref(), out);
                    }
                    Row::Tombstone(_) => {
                        row_line(number, row, out);
                    }
                },
                |lines| sink.out.rows(format, lines),
            )?;
        }
        for anomaly in &anomalies.clone().into_sorted() {
            sink.record("anomaly", &AnomalyRecord::new(number, anomaly))?;
        }
        Ok(())
    })?;
    if sink.format == Format::Text && !sink.quiet {
        sink.out.output.write_all(text::verify(&verify, &report).as_bytes())?;
    }
    let status = text::verify_status(&proof, &outcome);
    sink.finish(&report, &outcome, &status)?;
    Ok(outcome.exit_code())
}

/// Secrets that exist, are not in plaintext now, and of which an older value can be read without a key.
fn watched<'data>(sources: &[Source<'_, 'data>], tallies: &BTreeMap<usize, Tally<'data>>) -> Vec<(usize, &'data [u8])> {
    let exposed = |source: &Source<'_, 'data>| tallies.get(&source.number).map(|tally| &tally.exposed);
    let mut watched = BTreeSet::new();
    for database in sources {
        let Rows::Database(survey) = database.rows else { continue };
        let current = exposed(database);
        for source in sources.iter().filter(|source| source.group == database.group) {
            for key in exposed(source).into_iter().flat_map(|exposed| exposed.keys()) {
                let is_plain_now = current.and_then(|exposed| exposed.get(key)).is_some_and(|exposure| exposure.current);
                if let (Cow::Borrowed(key), false) = (key, is_plain_now)
                    && survey.keyspace.exists(key)
                {
                    watched.insert((source.group, *key));
                }
            }
        }
    }
    watched.into_iter().collect()
}

/// What the proof means for the exit code.
fn judge(proof: &Proof<'_>, outcome: &mut Outcome) {
    if proof.count(Some(Retention::Current), Standing::Unopenable) > 0 {
        outcome.found(Condition::NotOpened);
    }
    if proof.requirement.left() > 0 {
        outcome.found(Condition::OtherKeyThanRequired);
    }
    let is_open = |answer: Answer| matches!(answer, Answer::NoKey(_) | Answer::UnknownProvider) && answer.standing() == Standing::NotAsked;
    if proof.coverage.count(|_, answer| is_open(answer)) > 0 {
        outcome.open(Condition::KeyNotAsked);
    }
}

/// Findings of the proof, each with its evidence.
fn add_findings(proof: &Proof<'_>, report: &mut Report) {
    for (number, evidence) in report.evidences.iter_mut().enumerate() {
        let moved = proof.moves.iter().filter(|moved| moved.evidence == number).count() as u64;
        let left = proof.requirement.left.iter().filter(|(left, _)| left.evidence == number).map(|(_, count)| *count);
        let counts = [(Rule::MovedCiphertext, moved), (Rule::OtherKeyThanRequired, left.fold(0, u64::saturating_add))];
        evidence.judgement.findings.extend(counts.into_iter().filter(|(_, count)| *count > 0).map(|(rule, count)| Finding { rule, count }));
    }
}

/// The key that values are to be under: one that is named somewhere, else what the text says by itself.
fn required_key(text: &str, report: &Report) -> anyhow::Result<KeyPattern> {
    let seen: Vec<KeyIdentity<'static>> = report.keys().into_iter().map(|key| key.identity).collect();
    match KeyPattern::find(text, &seen).as_slice() {
        [key] => Ok(KeyPattern::from(*key)),
        // Several key IDs under one provider are all meant by its name.
        _ => KeyPattern::parse(text).context("--require-key: expected PROVIDER/NAME, PROVIDER/NAME/KEYID, or a key ID"),
    }
}

/// Says who will be asked how often, before anybody is.
fn announce(plan: &Plan, unwrappers: &[Box<dyn Unwrapper>], global: &Global) -> Vec<Asked> {
    let (shares, unclaimed) = plan.shares(unwrappers);
    let asked: Vec<Asked> = unwrappers
        .iter()
        .zip(&shares)
        .map(|(unwrapper, share)| Asked { name: unwrapper.name().to_owned(), sources: share.total() })
        .collect();
    if !global.quiet {
        for asked in &asked {
            output::say(&format!("{}: {} DEK sources to unwrap, one call each\n", terminal(&asked.name), asked.sources));
        }
        if unclaimed.total() > 0 {
            output::say(&format!("nobody to ask about {} DEK sources\n", unclaimed.total()));
        }
    }
    asked
}

/// What became of the values under each key, and what its KMS says of it.
fn proofs(
    proof: &Proof<'_>,
    plan: &Plan,
    ring: &Ring,
    unwrappers: &mut [Box<dyn Unwrapper>],
    holders: &Holders,
) -> BTreeMap<KeyIdentity<'static>, KeyProof> {
    let mut proofs: BTreeMap<KeyIdentity<'static>, KeyProof> = BTreeMap::new();
    for line in &proof.coverage.lines {
        let (opened, failed) = proof.coverage.of_key(&line.key);
        proofs.insert(line.key.clone(), KeyProof { opened, failed, ..KeyProof::default() });
    }
    for source in plan.sources() {
        let used = match ring.get(&source.id) {
            Some(Held::Key { kms_key_id: Some(used), .. } | Held::Nothing { kms_key_id: Some(used), .. }) => used,
            _ => continue,
        };
        for name in &source.provider_names {
            let Some(key) = KeyIdentity::of_provider(source.id.provider, name, source.id.key_id.as_deref()) else { continue };
            if let Some(proof) = proofs.get_mut(&key.owned()) {
                proof.kms_key_ids.insert(used.clone());
            }
        }
    }
    let mut pace = Pace::per_second(holders.rate);
    for (key, proof) in &mut proofs {
        let Some(id) = key.key_id.as_deref().or(proof.kms_key_ids.first().map(String::as_str)).filter(|_| key.provider().is_kms()) else {
            continue;
        };
        for unwrapper in unwrappers.iter_mut() {
            pace.wait(&|| false);
            if let Some(Ok(state)) = unwrapper.describe(id) {
                proof.state = state.state;
                proof.manager = state.manager;
                proof.is_rotated = state.is_rotated;
            }
        }
    }
    proofs
}

/// Key IDs that values name, where the KMS used another key: an alias that points elsewhere now is not one of them.
fn other_keys(plan: &Plan, ring: &Ring) -> Vec<(String, String)> {
    let differing = plan.sources().filter_map(|source| {
        let named = source.id.key_id.as_deref()?;
        let Some(Held::Key { kms_key_id: Some(used), .. }) = ring.get(&source.id) else { return None };
        let is_key = named.contains(":key/") && used.contains(":key/");
        (is_key && named != used).then(|| (named.to_owned(), used.clone()))
    });
    differing.collect::<BTreeSet<_>>().into_iter().collect()
}

/// What is worth knowing of how keys are used: two DEK source types under one key, and how near an aesgcm key is to its limit.
fn notes(needs: &Needs<'_>, report: &Report) -> Vec<String> {
    let mut notes = Vec::new();
    let mut types: BTreeMap<KeyIdentity<'static>, Vec<(i64, u64)>> = BTreeMap::new();
    for ((identity, dek_source_type), count) in &needs.dek_source_types {
        types.entry(identity.owned()).or_default().push((*dek_source_type, *count));
    }
    for (key, types) in types.iter().filter(|(_, types)| types.len() > 1) {
        let counts: Vec<String> = types.iter().map(|(kind, count)| format!("{count} values of type {kind}")).collect();
        notes.push(format!("{key} has DEK sources of two types: {}; API servers of two versions have written", counts.join(", ")));
    }
    for key in report.keys() {
        let Some(most) = key.identity.provider().most_writes() else { continue };
        let seen = etcd_sleuth::report::keys::total(key.counts);
        let limit = if seen >= most { ": PAST THE LIMIT, rotate it" } else { "" };
        notes.push(format!(
            "{}: {seen} writes are seen here, of the {most} that one key may make{limit}; others left no trace",
            key.identity
        ));
    }
    notes
}

/// Keys that were given and that no value names.
fn unused(configs: &[EncryptionConfig], holders: &Holders, report: &Report) -> Vec<String> {
    let keys = report.keys();
    let of_plugins = plugin_names(holders).into_iter().flat_map(|name| kms_names(&name));
    let given = names_of(configs).into_iter().chain(of_plugins);
    let pattern = |(provider, name): (_, String)| Some(KeyPattern { version: None, ..KeyPattern::of_provider(provider, &name)? });
    let given: BTreeSet<KeyPattern> = given.filter_map(pattern).collect();
    given.into_iter().filter(|given| !keys.iter().any(|key| given.matches(&key.identity))).map(|given| given.to_string()).collect()
}

/// What it would take; asks nobody.
fn plan(
    plan: &Plan,
    unwrappers: &[Box<dyn Unwrapper>],
    contexts: &EncryptionContexts,
    report: &Report,
    sink: &mut Sink,
    outcome: &mut Outcome,
) -> anyhow::Result<u8> {
    let (shares, unclaimed) = plan.shares(unwrappers);
    let mut out = format!("{} DEK sources, one call each; nobody was asked\n", plan.len());
    let names = unwrappers.iter().map(|unwrapper| unwrapper.name().to_owned()).chain(["nobody to ask".to_owned()]);
    for (name, share) in names.zip(shares.iter().chain([&unclaimed])) {
        if share.total() == 0 && name == "nobody to ask" {
            continue;
        }
        out.push_str(&format!("  {}: {} calls for {} values\n", terminal(&name), share.total(), share.values));
        for (key, calls) in &share.calls {
            let key = key.as_deref().unwrap_or("KMS v1: the key is not known before it is asked");
            out.push_str(&format!("    {calls:>6}  {}\n", terminal(key)));
        }
    }
    if let Some(aws) = unwrappers.iter().find(|unwrapper| unwrapper.name() == "AWS KMS") {
        let used = plan
            .sources()
            .filter(|source| aws.claims(source))
            .map(|source| UsedKey { key_id: source.id.key_id.clone(), context: contexts.of(source.provider_name()).clone() });
        let policy = serde_json::to_string_pretty(&decrypt_policy(&used.collect()))?;
        out.push_str(&format!("IAM policy that allows it\n{policy}\n"));
    }
    let resources = report.evidences.len();
    out.push_str(&format!("  in {resources} files\n"));
    sink.out.output.write_all(out.as_bytes())?;
    sink.out.output.flush()?;
    Ok(outcome.exit_code())
}
