//! What is said of keys without asking anybody: what needs one, what one opens.

use std::collections::BTreeMap;

use super::evidence::EvidenceReport;
use crate::collect::KeyCounts;
use crate::envelope::KeyIdentity;
use crate::evidence::EvidenceId;
use crate::evidence::anomaly::Bearing;
use crate::evidence::count::{Count, Values};
use crate::evidence::words::{noun, path_text, verb};
use crate::kms::SameKeys;
use crate::verify::Target;

/// Whether a key is still needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retirement {
    /// The key as it was given.
    pub key: String,
    /// What values call it.
    pub named: Vec<KeyIdentity<'static>>,
    /// What needs it, by evidence; a value that does not name its KMS's key may need any.
    pub needs: Vec<Need>,
    /// What may be under it and does not say so.
    pub perhaps: PerhapsUnder,
    /// Why the answer may be wrong.
    pub doubts: Vec<String>,
    /// Whether the key is a KMS's.
    pub is_kms: bool,
}

/// What of one evidence needs a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Which one.
    pub evidence: EvidenceId,
    /// Values that name it.
    pub named: KeyCounts,
    /// Those among them that may be current, and of which that is not known.
    pub perhaps_current: Count<Values>,
    /// Values of KMS v1, which do not say which key they need.
    pub unknown: KeyCounts,
}

/// What may be under a key and does not say so: whoever has the key may open it, and it may need the key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PerhapsUnder {
    /// Keys of other names that may be this one all the same, with what needs them and why they may.
    pub may_be: BTreeMap<KeyIdentity<'static>, (KeyCounts, &'static str)>,
    /// Values of KMS v1, which do not say which key they need.
    pub kms_v1: KeyCounts,
    /// Values that bear a key's name that cannot be read.
    unreadable: Count<Values>,
    /// Values that bear another name, which has more than one reading.
    uncertain: Count<Values>,
    /// Values under a provider that is not known here.
    of_unknown_provider: Count<Values>,
    /// Values of a form that is not known here.
    of_unknown_form: Count<Values>,
}

/// What of the inputs was not looked at.
#[derive(Clone, Copy, Debug)]
pub struct Unread<'a> {
    /// Inputs that could not be analysed.
    pub not_analysed: usize,
    /// What stands in the directories and was not read, each with the reason.
    pub passed_over: &'a [String],
    /// What leaves objects out, in words.
    pub filter: Option<&'a str>,
}

/// The verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetirementVerdict {
    /// Values that are current name it.
    StillNeeded(Count<Values>),
    /// Only history, residue or logs do.
    HistoryOnly(Count<Values>),
    /// None does.
    NothingNamesIt,
    /// Not to be told.
    CannotSay,
}

impl Retirement {
    /// Judges a key by everything that names it, in what was read.
    pub fn of(target: &Target, evidences: &[EvidenceReport], unread: Unread<'_>, same: &SameKeys) -> Self {
        let needs = evidences.iter().map(|report| {
            let (named, unknown) = (KeyCounts::default(), KeyCounts::default());
            let mut need = Need { evidence: report.id, named, perhaps_current: Count::ZERO, unknown };
            for key in &report.keys {
                if target.is(&key.identity) {
                    need.named.add(key.counts);
                    need.perhaps_current.add(key.perhaps_current);
                } else if may_hide(target, &key.identity) {
                    need.unknown.add(key.counts);
                }
            }
            need
        });
        let needs: Vec<Need> = needs.collect();
        let perhaps = PerhapsUnder::of(target, evidences, same);
        let mut doubts = doubts(evidences, unread);
        doubts.extend(perhaps.of_names());
        doubts.extend(perhaps.of_forms());
        let perhaps_current: Count<Values> = needs.iter().map(|need| need.perhaps_current).sum();
        if perhaps_current > 0 {
            let (values, name) = (perhaps_current.noun(), verb(perhaps_current, "names", "name"));
            doubts.insert(
                0,
                format!("{perhaps_current} {values} that {name} it may be current: it is not known whether that write, or one that follows it, was carried out"),
            );
        }
        doubts.splice(0..0, perhaps.of_keys());
        Self { key: target.text.clone(), named: target.keys.clone(), needs, perhaps, doubts, is_kms: target.is_kms() }
    }

    /// The verdict.
    pub fn verdict(&self) -> RetirementVerdict {
        let mut named = KeyCounts::default();
        self.needs.iter().for_each(|need| named.add(need.named));
        match (named.current, named.total()) {
            (current, _) if current > 0 => RetirementVerdict::StillNeeded(current),
            _ if !self.doubts.is_empty() => RetirementVerdict::CannotSay,
            (_, all) if all > 0 => RetirementVerdict::HistoryOnly(all),
            _ => RetirementVerdict::NothingNamesIt,
        }
    }
}

impl RetirementVerdict {
    /// The word in the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::StillNeeded(_) => "still-needed",
            Self::HistoryOnly(_) => "history-only",
            Self::NothingNamesIt => "nothing-names-it",
            Self::CannotSay => "cannot-say",
        }
    }
}

impl PerhapsUnder {
    /// What of these may be under a key.
    pub fn of(target: &Target, evidences: &[EvidenceReport], same: &SameKeys) -> Self {
        let mut perhaps = Self::default();
        for key in evidences.iter().flat_map(|report| &report.keys).filter(|key| !target.is(&key.identity)) {
            match (target.may_be(&key.identity, same), &key.identity.name) {
                _ if !key.identity.provider().is_known() => perhaps.of_unknown_provider.add(key.counts.total()),
                (Some(why), _) => perhaps.may_be.entry(key.identity.clone()).or_insert((KeyCounts::default(), why)).0.add(key.counts),
                _ if may_hide(target, &key.identity) => perhaps.kms_v1.add(key.counts),
                _ if !target.may_be_of(&key.identity.provider) => {}
                (None, None) => perhaps.unreadable.add(key.counts.total()),
                // Of a value that is cut the key ID may be lost.
                (None, Some(_)) if has_lost_its_id(&key.identity) => perhaps.unreadable.add(key.counts.total()),
                (None, Some(_)) => perhaps.uncertain.add(key.uncertain),
            }
        }
        perhaps.of_unknown_form = evidences.iter().map(|evidence| evidence.unknown_forms).sum();
        perhaps
    }

    /// All of them.
    pub fn total(&self) -> Count<Values> {
        let of_keys = self.may_be.values().map(|(counts, _)| counts.total());
        of_keys.chain([self.kms_v1.total(), self.unreadable, self.uncertain, self.of_unknown_provider, self.of_unknown_form]).sum()
    }

    /// What they are, in words.
    pub fn in_words(&self) -> Vec<String> {
        self.of_keys().into_iter().chain(self.of_names()).chain(self.of_forms()).collect()
    }

    fn of_keys(&self) -> Vec<String> {
        let v1 =
            (self.kms_v1.total() > 0).then(|| "KMS v1 does not say which key wrapped its values: only a call to the KMS does".to_owned());
        v1.into_iter().chain(other_spellings(&self.may_be)).collect()
    }

    fn of_names(&self) -> Vec<String> {
        let said = [
            (self.unreadable, "bear a key's name that cannot be read"),
            (self.uncertain, "bear a key's name that has more than one reading"),
        ];
        said.into_iter().filter(|(count, _)| *count > 0).map(|(count, why)| format!("values that may name it: {count} {why}")).collect()
    }

    fn of_forms(&self) -> Vec<String> {
        let said = [
            (self.of_unknown_provider, "under a provider that is not known here"),
            (self.of_unknown_form, "of a form that is not known here, and may need it"),
        ];
        let are = |count: Count<Values>| format!("{count} {} {}", count.noun(), verb(count, "is", "are"));
        said.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{} {what}", are(count))).collect()
    }
}

/// Whether values under this do not say which key of a KMS they need, and it may be the one that was asked for.
fn may_hide(target: &Target, key: &KeyIdentity<'_>) -> bool {
    target.is_kms() && key.provider().hides_kms_key() && !target.is(key)
}

/// Whether values under this name a key of a KMS by an ID that cannot be read.
fn has_lost_its_id(key: &KeyIdentity<'_>) -> bool {
    key.key_id.is_none() && key.provider().is_kms() && !key.provider().hides_kms_key()
}

/// Keys that are listed before the rest is only counted.
const LISTED: usize = 5;

/// The doubt that a key which is written in another way is the one that was asked for.
fn other_spellings(may_be: &BTreeMap<KeyIdentity<'static>, (KeyCounts, &'static str)>) -> Option<String> {
    let one = |(key, (counts, why)): (&KeyIdentity<'_>, &(KeyCounts, &str))| {
        let (all, current) = (counts.total(), counts.current);
        format!("{key} ({all} {}, {current} of them current: {why})", all.noun())
    };
    let listed: Vec<String> = may_be.iter().take(LISTED).map(one).collect();
    let more = may_be.len().checked_sub(LISTED).filter(|more| *more > 0).map_or(String::new(), |more| format!(", and {more} more"));
    let settle = "--same-key A=B, or --aws-keys FILE with what `aws kms list-aliases` or `describe-key` printed, settles it";
    (!listed.is_empty()).then(|| format!("it may be what these values name in another way: {}{more}; {settle}", listed.join(", ")))
}

/// Why values may have been overlooked.
fn doubts(evidences: &[EvidenceReport], unread: Unread<'_>) -> Vec<String> {
    let mut doubts = Vec::new();
    let of_bearing = |bearings: &'static [Bearing]| {
        let is_of = move |evidence: &&EvidenceReport| bearings.iter().any(|bearing| evidence.judgement.has(*bearing));
        evidences.iter().filter(is_of).map(|evidence| path_text(&evidence.facts.path).into_owned()).collect::<Vec<_>>().join(", ")
    };
    let (broken, altered) = (of_bearing(&[Bearing::Damaged, Bearing::Incomplete, Bearing::Undecoded]), of_bearing(&[Bearing::Altered]));
    if !broken.is_empty() {
        doubts.push(format!("{broken} could not be read completely"));
    }
    if !altered.is_empty() {
        doubts.push(format!("{altered} is not as it was written"));
    }
    let divergent = of_bearing(&[Bearing::Divergent]);
    let is_divergent = |evidence: &&EvidenceReport| evidence.judgement.has(Bearing::Divergent);
    match evidences.iter().filter(is_divergent).count() {
        0 => {}
        1 => doubts.push(format!("{divergent} and another database of the same cluster contradict each other")),
        _ => doubts.push(format!("{divergent}, databases of the same cluster, contradict each other")),
    }
    match unread.not_analysed {
        0 => {}
        n => doubts.push(format!("{n} {} could not be read", noun(n as u64, "input"))),
    }
    if !unread.passed_over.is_empty() {
        doubts.push(format!("not looked at: {}", unread.passed_over.join(", ")));
    }
    if let Some(filter) = unread.filter {
        doubts.push(format!("only these were looked at: {filter}; what else needs the key is not known"));
    }
    if !evidences.iter().any(|evidence| evidence.facts.has_tree()) {
        doubts.push("no database with its tree was read, so which values are current is not known".to_owned());
    }
    if evidences.iter().any(|evidence| evidence.facts.leaves_residue_out()) {
        doubts.push("residue was not looked for everywhere (--residue)".to_owned());
    }
    doubts
}
