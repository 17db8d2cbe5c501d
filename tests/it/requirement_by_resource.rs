//! `verify` where resources are required to be stored differently, and where two keys have one name. Every input is made here.

use crate::common;
use crate::requirement::{A, B, CLEAR, KEY1, config, left, one, plain, rule, secret, verify};

use common::sealed::aes_gcm as sealed;
use serde_json::{Value, json};

/// What is left is held to what its own resource requires, and that is what is said of it.
#[test]
fn what_is_left_is_told_with_what_its_resource_requires() {
    let values = [sealed(A, "key1", secret("s")), plain("configmaps", "v1", "prod", "c"), plain("deployments", "apps/v1", "prod", "d")];
    let rules = [rule(&["configmaps"], &[CLEAR, KEY1]), rule(&["*.*"], &[KEY1, CLEAR])];
    let answer = verify(&values, &[config(&rules)], &[]);
    assert_eq!((answer.code, left(&answer)), (2, vec![one("deployments.apps", "plaintext", 1)]), "{}", answer.shown);
    assert!(
        answer.shown.contains("1 current value is not as its resource requires (in plaintext or under aesgcm/key1)"),
        "{}",
        answer.shown
    );
    assert!(answer.shown.contains("  deployments.apps: 1 in plaintext (required under aesgcm/key1)\n"), "{}", answer.shown);
    // Where one state is required of all, it is not said again.
    let answer = verify(&values, &[config(&rules[1..])], &[]);
    assert!(answer.shown.contains("are not under aesgcm/key1, 1 is") && !answer.shown.contains("(required"), "{}", answer.shown);
}

/// A key began to write a resource with the first value of that resource: that Secrets were encrypted before says nothing of others.
#[test]
fn a_key_begins_with_the_first_value_of_a_resource() {
    let rules = [config(&[rule(&["*.*"], &[KEY1, CLEAR])])];
    let late = |values: &[common::sealed::Stored]| {
        let shown = verify(values, &rules, &[]).shown;
        shown.lines().find(|line| line.contains("after the required key began")).map(str::to_owned)
    };
    let others = [plain("configmaps", "v1", "prod", "c"), plain("deployments", "apps/v1", "prod", "d")];
    let begun = sealed(A, "key1", secret("s"));
    assert_eq!(late(&[&[begun.clone()][..], &others].concat()), None);
    let said = late(&[&[begun.clone()][..], &others, &[secret("t")]].concat()).unwrap();
    assert!(said.contains("1 value was written in plaintext after the required key began, at revision 5"), "{said}");
    let of_other = sealed(A, "key1", plain("configmaps", "v1", "prod", "b"));
    let said = late(&[&[of_other, begun][..], &others].concat()).unwrap();
    assert!(said.contains("1 value was written in plaintext after the required key began, at revision 4"), "{said}");
}

/// Two keys of one name, each in a configuration of its own, or both in one: every value says which of them opened it, and what helps.
#[test]
fn of_two_keys_of_one_name_every_value_says_which_opened_it() {
    let values = [sealed(A, "key1", secret("a")), sealed(A, "key1", secret("b")), sealed(B, "key1", secret("c"))];
    let of = |key: [u8; 32]| config(&[rule(&["secrets"], &[("key1", key)])]);
    let both = config(&[rule(&["secrets"], &[("key1", A)]), rule(&["configmaps"], &[("key1", B)])]);
    let opened_by = |values: &[Value]| -> Vec<Value> { values.iter().map(|value| value["opened_by"].clone()).collect() };
    let by = |told_apart: &str| json!(format!("aesgcm/key1 ({told_apart})"));
    for (configs, first, other) in [
        (vec![of(A), of(B)], "configuration 1", "configuration 2"),
        (vec![of(B), of(A), of(A)], "configurations 2 and 3", "configuration 1"),
        (vec![both], "configuration 1, key 1", "configuration 1, key 2"),
    ] {
        let answer = verify(&values, &configs, &[]);
        assert_eq!(opened_by(&answer.values), [by(first), by(first), by(other)]);
        assert!(
            answer.shown.contains("several keys of one name open values: opened_by of the value records says which"),
            "{}",
            answer.shown
        );
        if configs.len() > 1 {
            for (count, told_apart) in [(2, first), (1, other)] {
                let said = format!(
                    "{count} not known: one of the configurations given requires what they are, another one does not: the key of {told_apart} opens them"
                );
                assert!(answer.shown.contains(&said), "{said}\n{}", answer.shown);
            }
            assert_eq!(left(&answer), vec![one("secrets", "disputed", 3)]);
        }
    }
    // One key of a name needs nothing to tell it by.
    let answer = verify(&values[..2], &[of(A), of(A)], &[]);
    assert_eq!(opened_by(&answer.values), [json!("aesgcm/key1"), json!("aesgcm/key1")]);
    assert!(!answer.shown.contains("several keys of one name"), "{}", answer.shown);
}
