//! What is out of order at one place, for one provider or at one holder, and what it hides: nothing of the others.

use super::super::super::failure::Reached;
use super::*;

/// By the provider's name and the region.
type AnswerIn = dyn Fn(&str, &str) -> Result<usize, Reason>;

/// A KMS in two regions, with an answer for each and for each provider.
struct Regions {
    answers: Box<AnswerIn>,
    asked: std::rc::Rc<std::cell::RefCell<Vec<String>>>,
}

const REGIONS: [&str; 2] = ["west", "east"];

impl Unwrapper for Regions {
    fn name(&self) -> &str {
        "regions"
    }

    fn claims(&self, _: &WrappedDek) -> bool {
        true
    }

    fn ways(&self, _: &WrappedDek) -> usize {
        REGIONS.len()
    }

    fn place(&self, _: &WrappedDek, way: usize) -> Option<String> {
        Some(REGIONS[way].to_owned())
    }

    fn unwrap(&mut self, source: &WrappedDek, way: usize) -> Result<Unwrapped, Failure> {
        self.asked.borrow_mut().push(format!("{} in {}", source.provider_name(), REGIONS[way]));
        let length = (self.answers)(source.provider_name(), REGIONS[way])?;
        Ok(Unwrapped { key: DataKey::new(source.id.kind, &vec![9; length]).unwrap(), kms_key_id: None })
    }
}

/// The outcomes of a plan in two regions, and how often each provider was asked about in each.
fn in_regions(
    plan: &Plan,
    answers: impl Fn(&str, &str) -> Result<usize, Reason> + 'static,
) -> (Vec<&'static str>, BTreeMap<String, usize>) {
    let asked = std::rc::Rc::default();
    let mut unwrappers: Vec<Box<dyn Unwrapper>> = vec![Box::new(Regions { answers: Box::new(answers), asked: std::rc::Rc::clone(&asked) })];
    let patience = Patience { first: Duration::ZERO, longest: Duration::ZERO, repeats: 2 };
    let mut budget = Budget::new(Pace::per_second(0.0), None);
    let mut silences = Silences::default();
    let mut asking = Asking::new(&mut budget, &mut silences, patience);
    let ring = Ring::unwrap(plan, &|_, _| true, &mut unwrappers, &mut asking).unwrap();
    let outcome = |held: &Held| match held {
        Held::Nothing(failure) => failure.reason.name(),
        Held::Key { .. } | Held::OpenedBefore { .. } => "key",
    };
    let mut counts = BTreeMap::new();
    asked.borrow().iter().for_each(|place: &String| *counts.entry(place.clone()).or_default() += 1);
    (ring.iter().map(|(_, held)| outcome(held)).collect(), counts)
}

/// A plan of as many DEKs of KMS v1 for each of these providers.
fn v1_of(providers: &[&str], count: u8) -> Plan {
    let mut plan = Plan::default();
    for (provider, number) in providers.iter().flat_map(|provider| (0..count).map(move |number| (provider, number))) {
        let value = [&[0, 1, number][..], &[0; 28]].concat();
        plan.add(provider, &KmsEnvelope::parse(Provider::KmsV1, &value).unwrap()).unwrap();
    }
    plan
}

/// What is out of order in one region hides no other: neither an outage nor a replica that is switched off.
#[test]
fn one_region_hides_no_other() {
    let plan = v1_of(&["a"], 9);
    for reason in [Reason::KmsUnavailable, Reason::Throttled, Reason::Disabled, Reason::PendingDeletion, Reason::KeyUnusable] {
        let (outcomes, _) = in_regions(&plan, move |_, region| if region == "west" { Err(reason) } else { Ok(32) });
        assert_eq!(outcomes, ["key"; 9], "{reason:?}");
    }
}

/// That another region denies or refuses a key which one has and says to be off is no doubt of that where the key can have no replica there.
/// Of every other key it is: of one with replicas, of what an alias may stand for, and of KMS v1, which names no key.
#[test]
fn a_replica_that_denies_a_key_proves_nothing() {
    let of_key = |key_id: Option<&str>, state: Reason, other: Reason| {
        let plan = match key_id {
            None => v1_of(&["a"], 1),
            Some(key_id) => {
                let mut plan = Plan::default();
                plan.add("a", &KmsEnvelope::parse(Provider::KmsV2, &v2(key_id, b"s", b"", 1)).unwrap()).unwrap();
                plan
            }
        };
        let outcomes = ["west", "east"].map(|place| in_regions(&plan, move |_, region| Err(if region == place { state } else { other })).0);
        assert_eq!(outcomes[0], outcomes[1], "in either order");
        outcomes[0][0]
    };
    let mrk = Some("mrk-0123456789abcdef0123456789abcdef");
    for state in Reason::ALL.into_iter().filter(|reason| reason.is_of_the_state()) {
        for other in [Reason::AccessDenied, Reason::Refused, Reason::ContextOrDamage] {
            assert_eq!(of_key(Some("aaaaaaaa-1111-4aaa-8aaa-000000000001"), state, other), state.name());
            for key_id in [None, mrk, Some("alias/etcd"), Some("arn:aws:kms:west:111122223333:alias/etcd")] {
                assert_eq!(of_key(key_id, state, other), other.name(), "{key_id:?} {state:?}");
            }
        }
        // A region that does not know the key has no replica of it; another one may have.
        assert_eq!(of_key(None, state, Reason::KeyNotFoundThere), state.name());
        assert_eq!(of_key(mrk, state, Reason::KeyNotFoundThere), "key-not-found-in-region");
    }
}

/// Values of KMS v1 name no key: what one provider's key is, another provider's is not, and neither takes the patience from the other.
#[test]
fn one_providers_silence_is_not_anothers() {
    let (outcomes, asked) =
        in_regions(&v1_of(&["a", "b"], 5), |provider, _| if provider == "a" { Err(Reason::KmsUnavailable) } else { Ok(32) });
    assert_eq!(outcomes, [["kms-unavailable"; 5], ["key"; 5]].concat());
    assert_eq!(asked, [("a in east", 5), ("a in west", 5), ("b in west", 5)].map(|(place, count)| (place.to_owned(), count)).into());
    let (_, asked) = in_regions(&v1_of(&["a", "b"], 5), |_, _| Err(Reason::KmsUnavailable));
    assert!(asked.len() == 4 && asked.values().all(|count| *count == 5), "{asked:?}");
}

/// A key that opens nothing hides nobody who has the right one, in either order; where nobody has, it is held.
#[test]
fn a_key_that_opens_nothing_is_not_the_last_one() {
    let mut plan = Plan::default();
    plan.add("two", &KmsEnvelope::parse(Provider::KmsV2, &v2("k", b"s", b"", 0)).unwrap()).unwrap();
    for (answers, opened) in [([Ok(16), Ok(32)], "right"), ([Ok(32), Ok(16)], "right"), ([Ok(16), Err(Reason::Refused)], "wrong")] {
        let mut unwrappers: Vec<Box<dyn Unwrapper>> = Vec::new();
        for answer in answers {
            unwrappers.push(Box::new(Script { claims: "two", answers: vec![answer.map(|_| 32)], asked: std::rc::Rc::default() }));
        }
        // The right key is told by who is asked: the first call, or the second.
        let right = answers.iter().position(|answer| *answer == Ok(32));
        let calls = Cell::new(0);
        let opens = |_: &DekSourceId, _: &DataKey| right == Some(calls.replace(calls.get() + 1));
        let patience = Patience { first: Duration::ZERO, longest: Duration::ZERO, repeats: 0 };
        let mut budget = Budget::new(Pace::per_second(0.0), None);
        let mut silences = Silences::default();
        let mut asking = Asking::new(&mut budget, &mut silences, patience);
        let ring = Ring::unwrap(&plan, &opens, &mut unwrappers, &mut asking).unwrap();
        let made = if opened == "right" { right.unwrap() as u64 + 1 } else { 2 };
        assert_eq!(ring.calls(), Count::new(made));
        assert!(matches!(ring.iter().next().unwrap().1, Held::Key { .. }));
    }
}

/// A KMS that is wholly down, and how many times somebody tried to ask it: to unwrap, and about keys.
struct Down {
    reached: Reached,
    tries: std::rc::Rc<Cell<(usize, usize)>>,
}

impl Down {
    fn failure(&self) -> Failure {
        Failure { reached: self.reached, ..Reason::KmsUnavailable.into() }
    }
}

impl Unwrapper for Down {
    fn name(&self) -> &str {
        "down"
    }

    fn claims(&self, _: &WrappedDek) -> bool {
        true
    }

    fn describes(&self, _: &str, _: &str) -> bool {
        true
    }

    fn describe(&mut self, _: &str) -> Result<KeyState, Failure> {
        let (deks, keys) = self.tries.get();
        self.tries.set((deks, keys + 1));
        Err(self.failure())
    }

    fn unwrap(&mut self, _: &WrappedDek, _: usize) -> Result<Unwrapped, Failure> {
        let (deks, keys) = self.tries.get();
        self.tries.set((deks + 1, keys));
        Err(self.failure())
    }
}

/// What is wholly down is given up, however many keys and DEK sources there are; nor is it asked then about the state of keys, unless it
/// answers at all.
#[test]
fn a_kms_that_is_wholly_down_is_given_up_soon_for_every_question() {
    let patience = Patience { first: Duration::from_millis(2), longest: Duration::from_millis(2), repeats: 5 };
    for (keys, each) in [(3, 1000), (1, 1000), (1000, 1), (1000, 2)] {
        let mut plan = Plan::default();
        for (key, number) in (0u16..keys).flat_map(|key| (0u16..each).map(move |number| (key, number))) {
            let message = v2(&format!("key-{key}"), &number.to_be_bytes(), b"", 1);
            plan.add("two", &KmsEnvelope::parse(Provider::KmsV2, &message).unwrap()).unwrap();
        }
        for reached in [Reached::Nobody, Reached::NoAnswer, Reached::Answer] {
            let tries = std::rc::Rc::new(Cell::new((0, 0)));
            let mut unwrappers: Vec<Box<dyn Unwrapper>> = vec![Box::new(Down { reached, tries: tries.clone() })];
            let mut budget = Budget::new(Pace::per_second(0.0), None);
            let mut silences = Silences::default();
            let mut asking = Asking::new(&mut budget, &mut silences, patience);
            let ring = Ring::unwrap(&plan, &|_, _| true, &mut unwrappers, &mut asking).unwrap();
            for key in 0..keys {
                let state = KeyState::ask("two", &format!("key-{key}"), &mut unwrappers, &mut asking).unwrap();
                assert!(state.is_some_and(|state| state.is_err_and(|failure| failure.reason == Reason::KmsUnavailable)));
            }
            assert_eq!(ring.iter().count(), usize::from(keys) * usize::from(each));
            let (deks, of_keys) = tries.get();
            // All the patience once, and then no wait; where something answers, the other keys are waited for a moment, and
            // after three that failed nothing is asked any more.
            let (most, most_of_keys) = match reached {
                Reached::Nobody => (6 + 2, 0),
                Reached::NoAnswer => (6 + 1, 0),
                _ => (6 + 2 + 2 * (3 + 2), if keys < 3 { 2 * 3 } else { 0 }),
            };
            assert!(deks <= most && of_keys <= most_of_keys, "{keys} keys, {each} each, {reached:?}: {deks} and {of_keys}");
            let sent = if reached == Reached::Nobody { 0 } else { deks as u64 };
            assert_eq!(ring.calls(), Count::new(sent));
        }
    }
}

/// Where somebody answers again, what was given up of the place is asked about, and each key is waited for as before.
#[test]
fn an_answer_ends_what_was_given_up_of_a_place() {
    let failure = |reached| Failure { reached, ..Reason::KmsUnavailable.into() };
    let about = |key: &str| About::Key(key.into());
    for reached in [Reached::Nobody, Reached::NoAnswer] {
        let mut silence = super::super::super::silence::Silence::default();
        silence.hear(&about("a"), Some(&failure(reached)));
        assert!(!silence.may_pass(&about("b")), "{reached:?}");
        silence.hear(&about("b"), Some(&Reason::AccessDenied.into()));
        assert!(silence.may_pass(&about("c")) && !silence.may_pass(&about("a")), "{reached:?}");
        assert_eq!(silence.reason(&about("a")), None);
    }
}
