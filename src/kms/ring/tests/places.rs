//! What is out of order at one place, for one provider or at one holder, and what it hides: nothing of the others.

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
    let mut asking = Asking { budget: &mut budget, patience, ledger: None, is_stopped: &|| false, on_source: &|| {} };
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
        let mut asking = Asking { budget: &mut budget, patience, ledger: None, is_stopped: &|| false, on_source: &|| {} };
        let ring = Ring::unwrap(&plan, &opens, &mut unwrappers, &mut asking).unwrap();
        let made = if opened == "right" { right.unwrap() as u64 + 1 } else { 2 };
        assert_eq!(ring.calls(), Count::new(made));
        assert!(matches!(ring.iter().next().unwrap().1, Held::Key { .. }));
    }
}
