//! The last record: all counts behind the first screen.

use std::collections::BTreeMap;

use serde::Serialize;

use super::key::KeyCountsRecord;
use crate::collect::{KeyCounts, Sum};
use crate::envelope::KeyIdentity;
use crate::evidence::count::{Calls, Count, DekSources, Fragments, Secrets, Tombstones, Values};
use crate::finding::Outcome;
use crate::report::readable::{Readable, ReadableIn};
use crate::report::retirement::Retirement;
use crate::report::{EvidenceReport, Opens, Report, Verification};
use crate::row::{Form, Place, Retention};
use crate::store::ByteAccount;
use crate::verify::{Requirement, Standing, Under};

/// The last record.
#[derive(Debug, Serialize)]
pub struct SummaryRecord<'a> {
    record: &'static str,
    evidences: usize,
    members: usize,
    not_analysed: &'a [String],
    secrets_current: SecretCountsRecord,
    secrets_readable: ReadableRecord,
    values: Vec<ValueCountRecord>,
    tombstones: Count<Tombstones>,
    uncertain_names: Count<Values>,
    fragments: SumRecord,
    nameless_secret_fragments: SumRecord,
    nameless_other_fragments: SumRecord,
    not_placed_fragments: SumRecord,
    bytes: BytesRecord,
    looked_at: Vec<&'static str>,
    not_looked_at: Vec<String>,
    retire: Option<RetireRecord<'a>>,
    opens: Option<OpensRecord<'a>>,
    verify: Option<VerifyRecord>,
    conditions: Vec<&'static str>,
    exit_code: u8,
}

/// Whether a key is still needed.
#[derive(Debug, Serialize)]
struct RetireRecord<'a> {
    key: &'a str,
    verdict: &'static str,
    #[serde(flatten)]
    named: KeyCountsRecord,
    kms_v1_current: Count<Values>,
    kms_v1_other: Count<Values>,
    may_be: Vec<MayBeRecord>,
    doubts: &'a [String],
}

impl<'a> RetireRecord<'a> {
    fn of(retirement: &'a Retirement) -> Self {
        let (mut named, mut unknown) = (KeyCounts::default(), KeyCounts::default());
        for need in &retirement.needs {
            named.add(need.named);
            unknown.add(need.unknown);
        }
        Self {
            key: &retirement.key,
            verdict: retirement.verdict().name(),
            named: named.into(),
            kms_v1_current: unknown.current,
            kms_v1_other: unknown.total().without(unknown.current),
            may_be: retirement.perhaps.may_be.iter().map(MayBeRecord::of).collect(),
            doubts: &retirement.doubts,
        }
    }
}

/// What may be under a key that was asked about, and does not say so.
#[derive(Debug, Serialize)]
struct OpensRecord<'a> {
    key: &'a str,
    perhaps: Count<Values>,
    may_be: Vec<MayBeRecord>,
    doubts: Vec<String>,
}

impl<'a> OpensRecord<'a> {
    fn of(Opens { target, perhaps, .. }: &'a Opens) -> Self {
        Self {
            key: &target.text,
            perhaps: perhaps.total(),
            may_be: perhaps.may_be.iter().map(MayBeRecord::of).collect(),
            doubts: perhaps.in_words(),
        }
    }
}

/// A key of another name that may be the one in question.
#[derive(Debug, Serialize)]
struct MayBeRecord {
    key: String,
    current: Count<Values>,
    other: Count<Values>,
    why: &'static str,
}

impl MayBeRecord {
    fn of((key, (counts, why)): (&KeyIdentity<'static>, &(KeyCounts, &'static str))) -> Self {
        Self { key: key.to_string(), current: counts.current, other: counts.total().without(counts.current), why }
    }
}

/// What a verification came to.
#[derive(Debug, Serialize)]
struct VerifyRecord {
    dek_sources: Count<DekSources>,
    calls: Count<Calls>,
    other_calls: Count<Calls>,
    cut_short: bool,
    current: Count<Values>,
    current_opened: Count<Values>,
    current_opened_before: Count<Values>,
    current_not_opened: Count<Values>,
    current_not_decided: Count<Values>,
    current_refused: Count<Values>,
    required: Vec<String>,
    under_required: Count<Values>,
    not_under_required: Count<Values>,
    not_opened_by_required: Count<Values>,
    not_known_under_required: Count<Values>,
    out_of_reach: Count<Values>,
    left: Vec<LeftRecord>,
    moved: Count<Values>,
    same_value: Count<Secrets>,
    changed_value: Count<Secrets>,
    not_comparable: Count<Secrets>,
}

impl VerifyRecord {
    /// `None` where nobody was asked.
    fn of(verification: &Verification) -> Option<Self> {
        let result = verification.result.as_ref()?;
        let proof = &result.proof;
        let (same_value, changed_value, not_comparable) = proof.same_values.counts();
        Some(Self {
            dek_sources: verification.plan.dek_sources,
            calls: result.calls,
            other_calls: result.other_calls,
            cut_short: result.is_cut_short,
            current: result.current(),
            current_opened: result.current_opened(),
            current_opened_before: result.current_of(Standing::OpenedBefore),
            current_not_opened: result.current_of(Standing::Unopenable),
            current_not_decided: result.current_of(Standing::Undecided),
            current_refused: result.current_of(Standing::Refused),
            required: proof.requirement.required.keys().map(ToString::to_string).collect(),
            under_required: proof.requirement.met(),
            not_under_required: proof.requirement.left(),
            not_opened_by_required: proof.requirement.not_opened(),
            not_known_under_required: proof.requirement.not_known(),
            out_of_reach: proof.requirement.out_of_reach(),
            left: LeftRecord::all(&proof.requirement),
            moved: Count::of_len(proof.moves.len()),
            same_value,
            changed_value,
            not_comparable,
        })
    }
}

/// Current values of one resource that are not as required, or in files that were left behind.
#[derive(Debug, Serialize)]
struct LeftRecord {
    group_resource: String,
    prefix: Option<String>,
    under: Option<String>,
    why: &'static str,
    leftover: bool,
    count: Count<Values>,
}

impl LeftRecord {
    fn all(requirement: &Requirement) -> Vec<Self> {
        let mut counts = BTreeMap::<(bool, &str, Option<&str>, Under), Count<Values>>::new();
        for (is_leftover, all) in [(false, &requirement.left), (true, &requirement.in_leftovers)] {
            for (left, more) in all {
                // Which key of a name opens them is told of each value.
                let under = if let Under::Disputed(_) = left.under { Under::Disputed(None) } else { left.under.clone() };
                counts.entry((is_leftover, &left.group_resource, left.prefix.as_deref(), under)).or_default().add(*more);
            }
        }
        let record = |((leftover, group_resource, prefix, under), count): ((bool, &str, Option<&str>, Under), Count<Values>)| Self {
            group_resource: group_resource.to_owned(),
            prefix: prefix.map(str::to_owned),
            under: under.key().map(ToString::to_string),
            why: under.name(),
            leftover,
            count,
        };
        counts.into_iter().map(record).collect()
    }
}

#[derive(Debug, Serialize)]
struct SecretCountsRecord {
    plaintext: Count<Secrets>,
    encrypted: Count<Secrets>,
    unknown: Count<Secrets>,
    empty: Count<Secrets>,
    not_known: Count<Secrets>,
}

#[derive(Debug, Serialize)]
struct ReadableRecord {
    total: Count<Secrets>,
    existing: Count<Secrets>,
    deleted: Count<Secrets>,
    not_known: Count<Secrets>,
    current: Count<Secrets>,
    newest: Count<Secrets>,
    retained: Count<Secrets>,
    residue: Count<Secrets>,
    log: Count<Secrets>,
    ahead: Count<Secrets>,
    never_carried_out: Count<Secrets>,
    replaced: Count<Secrets>,
}

#[derive(Debug, Serialize)]
struct SumRecord {
    count: Count<Fragments>,
    bytes: u64,
}

impl From<Sum> for SumRecord {
    fn from(sum: Sum) -> Self {
        Self { count: sum.count, bytes: sum.bytes }
    }
}

/// Bytes of all inputs' databases, by what they are; together, their content.
#[derive(Debug, Serialize)]
struct BytesRecord {
    in_use: u64,
    structure: u64,
    value: u64,
    fragment: u64,
    zero: u64,
    unattributed: u64,
    not_searched: u64,
    trailer: u64,
}

#[derive(Debug, Serialize)]
struct ValueCountRecord {
    place: &'static str,
    retention: &'static str,
    protection: &'static str,
    count: Count<Values>,
}

impl BytesRecord {
    fn of(report: &Report) -> Self {
        let sum = |part: fn(&ByteAccount) -> u64| {
            report.evidences.iter().filter_map(|e| e.facts.bytes()).map(|bytes| part(&bytes)).fold(0, u64::saturating_add)
        };
        Self {
            in_use: sum(|bytes| bytes.in_use),
            structure: sum(|bytes| bytes.outside.structure),
            value: sum(|bytes| bytes.outside.value),
            fragment: sum(|bytes| bytes.outside.fragment),
            zero: sum(|bytes| bytes.outside.zero),
            unattributed: sum(|bytes| bytes.outside.unattributed),
            not_searched: sum(|bytes| bytes.not_searched),
            trailer: sum(|bytes| bytes.trailer),
        }
    }
}

impl<'a> SummaryRecord<'a> {
    /// The record of a run.
    pub fn new(report: &'a Report, outcome: &Outcome) -> Self {
        let readable = |count: fn(&ReadableIn) -> Count<Secrets>| {
            report.readable().flat_map(|(_, readable)| [&readable.existing, &readable.deleted, &readable.unknown]).map(count).sum()
        };
        let inputs = |count: fn(&Readable) -> Count<Secrets>| report.readable().map(|(_, readable)| count(readable)).sum();
        let total = |part: fn(&EvidenceReport) -> Sum| {
            let mut sum = Sum::default();
            report.evidences.iter().for_each(|e| sum.merge(part(e)));
            SumRecord::from(sum)
        };
        Self {
            record: "summary",
            evidences: report.evidences.len(),
            members: report.members.len(),
            not_analysed: &report.not_analysed,
            secrets_current: SecretCountsRecord {
                plaintext: report.secrets(|e| e.secrets.plaintext),
                encrypted: report.secrets(|e| e.secrets.encrypted),
                unknown: report.secrets(|e| e.secrets.unknown),
                empty: report.secrets(|e| e.secrets.empty),
                not_known: report.secrets(|e| e.not_known.total()),
            },
            secrets_readable: ReadableRecord {
                total: inputs(|r| r.total),
                existing: inputs(|r| r.existing.total()),
                deleted: inputs(|r| r.deleted.total()),
                not_known: inputs(|r| r.unknown.total()),
                current: readable(|r| r.current),
                newest: readable(|r| r.newest),
                retained: readable(|r| r.retained),
                residue: readable(|r| r.residue),
                log: readable(|r| [r.log, r.ahead, r.perhaps_never, r.never].into_iter().sum()),
                ahead: inputs(|r| r.ahead),
                never_carried_out: inputs(|r| r.perhaps_never.plus(r.never)),
                replaced: inputs(|r| r.replaced),
            },
            values: value_counts(report),
            tombstones: report.evidences.iter().map(|e| e.tombstones).sum(),
            uncertain_names: report.evidences.iter().map(|e| e.uncertain_names).sum(),
            fragments: total(|e| e.fragments),
            nameless_secret_fragments: total(|e| e.unnamed_secrets),
            nameless_other_fragments: total(|e| e.unnamed_others),
            not_placed_fragments: total(|e| e.not_placed),
            bytes: BytesRecord::of(report),
            looked_at: report.looked_at(),
            not_looked_at: report.not_looked_at(),
            retire: report.retirement.as_ref().map(RetireRecord::of),
            opens: report.opens.as_ref().map(OpensRecord::of),
            verify: report.verification.as_ref().and_then(VerifyRecord::of),
            conditions: outcome.conditions().map(|c| c.name()).collect(),
            exit_code: outcome.exit_code(),
        }
    }
}

/// The values of all evidences, by where they stand and how they are stored.
fn value_counts(report: &Report) -> Vec<ValueCountRecord> {
    let mut values = BTreeMap::<(Place, Retention, Form), Count<Values>>::new();
    for (kind, count) in report.evidences.iter().flat_map(|e| &e.values) {
        values.entry(*kind).or_default().add(*count);
    }
    let record = |((place, retention, protection), count): ((Place, Retention, Form), Count<Values>)| ValueCountRecord {
        place: place.name(),
        retention: retention.name(),
        protection: protection.name(),
        count,
    };
    values.into_iter().map(record).collect()
}
