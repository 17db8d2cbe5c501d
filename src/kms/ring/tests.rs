mod places;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use prost::Message;

use super::super::{Budget, KeyState, Ledger, Pace, Patience, Silences, Turns, Waiting};
use super::*;
use crate::envelope::{KmsEnvelope, pb};

fn v2(key_id: &str, source: &[u8], annotation: &[u8], kind: i32) -> Vec<u8> {
    pb::EncryptedObject {
        encrypted_data: vec![1],
        key_id: key_id.into(),
        encrypted_dek_source: source.to_vec(),
        annotations: [("a.example.com".to_owned(), annotation.to_vec())].into(),
        encrypted_dek_source_type: kind,
    }
    .encode_to_vec()
}

/// Five distinct DEK sources in eight values.
fn plan() -> Plan {
    let mut plan = Plan::that_remembers();
    for (key_id, source, annotation, kind) in [
        ("k", b"one", b"1", 1),
        ("k", b"one", b"1", 1),
        ("k", b"one", b"2", 1),
        ("k", b"one", b"1", 0),
        ("l", b"one", b"1", 1),
        ("k", b"one", b"1", 1),
    ] {
        let message = v2(key_id, source, annotation, kind);
        let id = plan.add("two", &KmsEnvelope::parse(Provider::KmsV2, &message).unwrap()).unwrap();
        plan.remember(&id, b"/registry/secrets/a/b", &message);
        plan.note_waiting(&id, false);
    }
    let v1 = [&[0, 3][..], b"one", &[0; 28]].concat();
    for _ in 0..2 {
        let id = plan.add("one", &KmsEnvelope::parse(Provider::KmsV1, &v1).unwrap()).unwrap();
        plan.note_waiting(&id, false);
    }
    plan
}

#[test]
fn values_are_one_question_where_type_key_source_and_annotations_agree() {
    let plan = plan();
    assert_eq!(plan.len(), 5);
    assert_eq!(plan.sources().map(|source| source.values).collect::<BTreeSet<_>>(), [1, 2, 3].map(Count::new).into());
    assert_eq!(plan.sources().map(WrappedDek::digest).collect::<BTreeSet<_>>().len(), 5);
    let mut strange = Plan::default();
    for (key_id, source, kind) in [("k", &b"s"[..], 2), ("", b"s", 1), ("k", b"", 1), (&"k".repeat(1 << 20), b"s", 1), ("k", &[0; 1025], 1)]
    {
        assert_eq!(strange.add("p", &KmsEnvelope::parse(Provider::KmsV2, &v2(key_id, source, b"", kind)).unwrap()), None);
    }
    assert!(strange.is_empty());
}

/// Answers by a list, the last of it again and again.
struct Script {
    claims: &'static str,
    answers: Vec<Result<usize, Reason>>,
    asked: std::rc::Rc<Cell<usize>>,
}

impl Unwrapper for Script {
    fn name(&self) -> &str {
        "script"
    }

    fn claims(&self, source: &WrappedDek) -> bool {
        source.provider_name() == self.claims
    }

    fn describes(&self, _: &str, _: &str) -> bool {
        true
    }

    fn describe(&mut self, _: &str) -> Result<KeyState, Failure> {
        Ok(KeyState { state: Some("Enabled".to_owned()), ..KeyState::default() })
    }

    fn unwrap(&mut self, source: &WrappedDek, _: usize) -> Result<Unwrapped, Failure> {
        let number = self.asked.replace(self.asked.get() + 1);
        match self.answers[number.min(self.answers.len() - 1)] {
            Ok(length) => Ok(Unwrapped { key: DataKey::new(source.id.kind, &vec![9; length]).unwrap(), kms_key_id: Some("used".into()) }),
            Err(reason) => Err(reason.into()),
        }
    }
}

/// Runs the plan with a script for each provider; the outcomes in order, the ring, and how often each script was asked.
fn run(
    scripts: &[(&'static str, &[Result<usize, Reason>])],
    max_calls: Option<u64>,
    ledger: Option<&mut Ledger>,
) -> (Vec<String>, Ring, Vec<usize>) {
    let counters: Vec<std::rc::Rc<Cell<usize>>> = scripts.iter().map(|_| std::rc::Rc::default()).collect();
    let mut unwrappers: Vec<Box<dyn Unwrapper>> = scripts
        .iter()
        .zip(&counters)
        .map(|((claims, answers), asked)| {
            Box::new(Script { claims, answers: answers.to_vec(), asked: asked.clone() }) as Box<dyn Unwrapper>
        })
        .collect();
    let patience = Patience { first: Duration::from_millis(1), longest: Duration::from_millis(2), repeats: 2 };
    let mut budget = Budget::new(Pace::per_second(0.0), max_calls.map(Count::new));
    let mut silences = Silences::default();
    let mut asking = Asking { ledger, ..Asking::new(&mut budget, &mut silences, patience) };
    let ring = Ring::unwrap(&plan(), &|_, _| true, &mut unwrappers, &mut asking).unwrap();
    let outcome = |held: &Held| match held {
        Held::Key { .. } => "key".to_owned(),
        Held::Nothing(failure) => failure.reason.name().to_owned(),
        Held::OpenedBefore { .. } => "opened-before".to_owned(),
    };
    (ring.iter().map(|(_, held)| outcome(held)).collect(), ring, counters.iter().map(|asked| asked.get()).collect())
}

#[test]
fn each_dek_source_is_asked_about_once() {
    let (outcomes, ring, asked) = run(&[("two", &[Ok(32)])], None, None);
    assert_eq!(outcomes, ["no-key-given", "key", "key", "key", "key"]);
    assert_eq!((ring.calls(), asked), (Count::new(4), vec![4]));
    let (outcomes, ring, asked) = run(&[("two", &[Err(Reason::AccessDenied)]), ("one", &[Ok(32)])], None, None);
    assert_eq!(outcomes, ["key", "access-denied", "access-denied", "access-denied", "access-denied"]);
    assert_eq!((ring.calls(), asked), (Count::new(5), vec![4, 1]));
}

#[test]
fn the_shares_of_a_plan_are_the_calls_that_are_made() {
    let unwrappers: Vec<Box<dyn Unwrapper>> = vec![Box::new(Script { claims: "two", answers: vec![], asked: std::rc::Rc::default() })];
    let (shares, unclaimed) = plan().shares(&unwrappers);
    let first = |first| Turns { first: Count::new(first), further: Count::ZERO };
    assert_eq!(shares[0].calls, BTreeMap::from([(Some("k".into()), first(3)), (Some("l".into()), first(1))]));
    assert_eq!(shares[0].total(), Count::new(4));
    assert_eq!(unclaimed.calls, BTreeMap::from([(None, first(1))]));
    let waiting = |values| Waiting { values: Count::new(values), current: Count::ZERO };
    assert_eq!(shares[0].waiting, BTreeMap::from([(Some("k".into()), waiting(5)), (Some("l".into()), waiting(1))]));
    assert_eq!(unclaimed.waiting, BTreeMap::from([(None, waiting(2))]));
}

#[test]
fn a_kms_that_is_not_there_is_given_up() {
    let (outcomes, ring, _) = run(&[("two", &[Err(Reason::PluginUnavailable)])], None, None);
    assert_eq!(outcomes, ["no-key-given", "plugin-unavailable", "plugin-unavailable", "plugin-unavailable", "plugin-unavailable"]);
    // Three tries for the first of each key, and one each for two more of the one.
    assert_eq!(ring.calls(), 8);
    let passing = [Err(Reason::KmsUnavailable), Err(Reason::Throttled), Ok(32)];
    let (outcomes, ring, _) = run(&[("two", &passing)], None, None);
    assert_eq!((outcomes[1].as_str(), ring.calls()), ("key", Count::new(6)));
}

/// The outage of one key hides no other: sources are sorted by key, and those of the other keys are still asked about.
#[test]
fn the_outage_of_one_key_hides_no_other() {
    for reason in [Reason::KmsUnavailable, Reason::Throttled] {
        let mut answers = vec![Err(reason); 5];
        answers.push(Ok(32));
        let (outcomes, ring, _) = run(&[("two", &answers)], None, None);
        assert_eq!((outcomes[1].as_str(), outcomes[3].as_str(), outcomes[4].as_str()), (reason.name(), reason.name(), "key"));
        assert_eq!(ring.calls(), 6);
    }
    // What is wholly down is given up after three keys, however many there are.
    let mut plan = Plan::default();
    for (key, number) in (0u8..9).flat_map(|key| (0u8..200).map(move |number| (key, number))) {
        let message = v2(&format!("key-{key}"), &[number], b"", 1);
        plan.add("two", &KmsEnvelope::parse(Provider::KmsV2, &message).unwrap()).unwrap();
    }
    let asked = std::rc::Rc::new(Cell::new(0));
    let script = Script { claims: "two", answers: vec![Err(Reason::KmsUnavailable)], asked: asked.clone() };
    let mut unwrappers: Vec<Box<dyn Unwrapper>> = vec![Box::new(script)];
    let patience = Patience { first: Duration::ZERO, longest: Duration::ZERO, repeats: 5 };
    let mut budget = Budget::new(Pace::per_second(0.0), None);
    let mut silences = Silences::default();
    let mut asking = Asking::new(&mut budget, &mut silences, patience);
    let ring = Ring::unwrap(&plan, &|_, _| true, &mut unwrappers, &mut asking).unwrap();
    // Of three keys three questions each; the first is repeated five times, and after that patience twice.
    let most = 3 * 3 + 5 + 2 + 2;
    assert_eq!((ring.calls(), asked.get(), plan.len()), (Count::new(most as u64), most, 1800));
}

/// Two that serve one provider are asked in turn, in either order; who has unwrapped one is asked first about the like of it.
#[test]
fn several_holders_of_one_provider_are_asked_in_turn() {
    let all = ["no-key-given", "key", "key", "key", "key"];
    for reason in [Reason::Refused, Reason::WrongKey, Reason::ContextOrDamage, Reason::AccessDenied] {
        let (outcomes, ring, asked) = run(&[("two", &[Err(reason)]), ("two", &[Ok(32)])], None, None);
        assert_eq!(outcomes, all);
        assert_eq!((ring.calls(), asked), (Count::new(6), vec![2, 4]), "one lost call for each of two keys");
        let (outcomes, _, asked) = run(&[("two", &[Ok(32)]), ("two", &[Err(reason)])], None, None);
        assert_eq!((outcomes, asked), (all.map(str::to_owned).to_vec(), vec![4, 0]));
    }
    // An API that is not there is asked for once.
    let (outcomes, _, asked) = run(&[("two", &[Err(Reason::ApiNotServed)]), ("two", &[Ok(32)])], None, None);
    assert_eq!((outcomes, asked), (all.map(str::to_owned).to_vec(), vec![1, 4]));
    // Of those that do not unwrap it the one is told that leaves the most open.
    for scripts in [[Reason::WrongKey, Reason::AccessDenied], [Reason::AccessDenied, Reason::WrongKey]] {
        let [one, other] = scripts.map(|reason| [Err(reason)]);
        let (outcomes, ..) = run(&[("two", &one), ("two", &other)], None, None);
        assert_eq!(outcomes[1..], ["access-denied"; 4]);
    }
    let unwrappers =
        ["two", "two"].map(|claims| -> Box<dyn Unwrapper> { Box::new(Script { claims, answers: vec![], asked: std::rc::Rc::default() }) });
    let (shares, _) = plan().shares(&unwrappers);
    let turns = |first, further| Turns { first: Count::new(first), further: Count::new(further) };
    assert_eq!(shares[0].calls, BTreeMap::from([(Some("k".into()), turns(3, 0)), (Some("l".into()), turns(1, 0))]));
    assert_eq!(shares[1].calls, BTreeMap::from([(Some("k".into()), turns(0, 3)), (Some("l".into()), turns(0, 1))]));
}

#[test]
fn a_budget_ends_the_asking_and_the_ledger_lets_a_later_run_go_on() {
    let note = |ring: &Ring, ledger: &mut Ledger| {
        let (plan, is_key) = (plan(), |source: &&WrappedDek| matches!(ring.get(&source.id), Some(Held::Key { .. })));
        ledger.note_opened(plan.sources().filter(is_key)).unwrap();
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.jsonl");
    let open = || Ledger::open(&path).unwrap();
    let (outcomes, ring, _) = run(&[("two", &[Ok(32)])], Some(2), Some(&mut open()));
    assert_eq!(outcomes, ["no-key-given", "key", "key", "not-attempted", "not-attempted"]);
    assert!(ring.is_cut_short());
    // That a DEK was unwrapped says nothing of what it is to open.
    let (_, _, asked) = run(&[("two", &[Ok(32)])], Some(1), Some(&mut open()));
    assert_eq!(asked, [1]);
    note(&ring, &mut open());
    let (outcomes, ring, asked) = run(&[("two", &[Err(Reason::Disabled), Ok(32)])], None, Some(&mut open()));
    assert_eq!(outcomes, ["no-key-given", "opened-before", "opened-before", "disabled", "key"]);
    assert_eq!((ring.calls(), asked), (Count::new(2), vec![2]));
    let before = ring.iter().nth(1).unwrap().1;
    assert!(matches!(before, Held::OpenedBefore { kms_key_id: Some(used), .. } if used == "used"));
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 7);
    // Nothing of a key: neither its bytes nor a digest of them.
    let digest = crate::evidence::digest::Sha256Digest::of(&[9; 32]).to_string();
    assert!(!text.contains(&digest) && !text.contains("CQkJCQ") && !text.contains("090909"));
    // A run that was killed left half a line; the next one goes on behind it.
    std::fs::write(&path, format!("{text}{{\"time\":\"20")).unwrap();
    let (outcomes, ring, _) = run(&[("two", &[Ok(32)])], None, Some(&mut open()));
    assert_eq!(outcomes, ["no-key-given", "opened-before", "opened-before", "key", "key"]);
    note(&ring, &mut open());
    // Another value under the same DEK source: nobody has opened it.
    let mut more = plan();
    let first = more.sources().nth(1).unwrap().id.clone();
    more.remember(&first, b"/registry/secrets/a/other", b"sealed");
    let is_known = |plan: &Plan| plan.sources().map(|source| open().opened_before(source).is_some()).collect::<Vec<_>>();
    assert_eq!(is_known(&plan()), [false, true, true, true, true]);
    assert_eq!(is_known(&more), [false, false, true, true, true]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    std::fs::write(&path, "kind: EncryptionConfiguration\n").unwrap();
    assert!(Ledger::open(&path).err().unwrap().to_string().contains("line 1 is no line of a ledger"));
    assert!(Ledger::open(dir.path()).is_err());
}

#[test]
fn a_broken_off_run_makes_no_further_call() {
    let asked = std::rc::Rc::new(Cell::new(0));
    let mut unwrappers: Vec<Box<dyn Unwrapper>> = vec![Box::new(Script { claims: "two", answers: vec![Ok(32)], asked: asked.clone() })];
    let counter = asked.clone();
    let mut budget = Budget::new(Pace::per_second(0.0), None);
    let mut asking = Asking {
        budget: &mut budget,
        silences: &mut Silences::default(),
        patience: Patience::default(),
        ledger: None,
        is_stopped: &|| counter.get() >= 1,
        on_source: &|| {},
    };
    let ring = Ring::unwrap(&plan(), &|_, _| true, &mut unwrappers, &mut asking).unwrap();
    assert_eq!((ring.calls(), asked.get(), ring.is_cut_short()), (Count::new(1), 1, true));
}

/// The rate and the number of calls are those of the whole run: repeated calls and those about a key's state are of it.
#[test]
fn one_budget_holds_for_every_call_and_the_first_throttle_halves_the_rate() {
    let mut budget = Budget::new(Pace::per_second(0.0), Some(Count::new(3)));
    let patience = Patience { first: Duration::ZERO, longest: Duration::ZERO, repeats: 1 };
    let mut unwrappers: Vec<Box<dyn Unwrapper>> =
        vec![Box::new(Script { claims: "one", answers: vec![Err(Reason::Throttled), Ok(32)], asked: std::rc::Rc::default() })];
    let mut silences = Silences::default();
    let mut asking = Asking::new(&mut budget, &mut silences, patience);
    let ring = Ring::unwrap(&plan(), &|_, _| true, &mut unwrappers, &mut asking).unwrap();
    assert_eq!((ring.calls(), asking.budget.made()), (Count::new(2), Count::new(2)));
    // One call is left for the state of a key, which takes two.
    let state = KeyState::ask("two", "k", &mut unwrappers, &mut asking).unwrap().unwrap().unwrap();
    assert_eq!((state.state.as_deref(), state.is_rotated, asking.budget.made()), (Some("Enabled"), None, Count::new(3)));
    assert_eq!(KeyState::ask("two", "k", &mut unwrappers, &mut asking).unwrap(), Some(Err(Reason::NotAttempted.into())));
    let mut pace = Pace::per_second(50.0);
    pace.halve();
    pace.halve();
    let began = Instant::now();
    (0..4).for_each(|_| pace.wait(&|| false));
    // Three waits of 40 ms, and not of 80.
    assert!(began.elapsed() >= Duration::from_millis(120) && began.elapsed() < Duration::from_millis(230), "{:?}", began.elapsed());
}

#[test]
fn calls_are_paced_and_waits_double_up_to_a_limit() {
    let mut pace = Pace::per_second(50.0);
    let began = Instant::now();
    (0..4).for_each(|_| pace.wait(&|| false));
    assert!(began.elapsed() >= Duration::from_millis(60), "{:?}", began.elapsed());
    let patience = Patience { first: Duration::from_secs(1), longest: Duration::from_secs(3), repeats: 3 };
    let waits: Vec<_> = (0..5).map(|number| patience.wait(number).map(|wait| wait.as_secs())).collect();
    assert_eq!(waits, [Some(1), Some(2), Some(3), None, None]);
    assert_eq!(Patience { repeats: u32::MAX, ..patience }.wait(4_000_000_000), Some(Duration::from_secs(3)));
}
