//! `verify` where the name of a key is not the key: an alias that points elsewhere now, a replica in another region, a KMS that used
//! another key than the one that is named. Every input is made here.

#![cfg(feature = "aws-kms")]

use crate::common;
use crate::migration::{ALIAS, NEXT, WEST, World, with_context};

use common::kms_double::Key;
use serde_json::{Value, json};

const CONFIGURED: [&str; 3] = ["--aws-kms", "--encryption-config", "enc.yaml"];
const MULTI: &str = "mrk-0000000000000000000000000000000a";

/// A key that this alias points to.
fn pointed_to(alias: &str) -> Key {
    Key { aliases: vec![alias.to_owned()], ..with_context(&[]) }
}

fn multi(region: &str) -> String {
    format!("arn:aws:kms:{region}:111122223333:key/{MULTI}")
}

fn counts(verify: &Value) -> [u64; 3] {
    ["under_required", "not_under_required", "not_known_under_required"].map(|field| verify[field].as_u64().unwrap())
}

/// All values name the alias, and are under the key that it meant once: by its name nothing is left, by its key everything.
#[test]
fn an_alias_is_the_key_that_it_points_to_now() {
    for (alias, region) in [(ALIAS, None), ("alias/etcd", Some("eu-west-1"))] {
        let mut world = World::of(&[(WEST, pointed_to(alias)), (NEXT, with_context(&[]))]);
        world.kms.with(|state| {
            // However the alias is spelled.
            let key = state.keys.get_mut(WEST).unwrap();
            key.aliases = vec![ALIAS.to_owned()];
        });
        world.configure("aws", "v2");
        (1..=3).for_each(|number| world.v2("aws", alias, WEST, number));
        let named = format!("kms/aws/{alias}");
        let of_user = ["--aws-kms", "--require-key", &named];
        let with_region = |args: &[&str]| {
            let region = region.into_iter().flat_map(|region| ["--aws-region", region]);
            args.iter().map(|arg| (*arg).to_owned()).chain(region.map(str::to_owned)).collect::<Vec<_>>()
        };
        for args in [&CONFIGURED[..], &of_user] {
            let args = with_region(args);
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let point = |arn: &str| {
                world.kms.with(|state| {
                    state.keys.values_mut().for_each(|key| key.aliases.clear());
                    state.keys.get_mut(arn).unwrap().aliases.push(ALIAS.to_owned());
                });
            };
            point(WEST);
            let run = world.verify(&args);
            assert_eq!((run.code, counts(&run.verify)), (0, [3, 0, 0]), "{args:?} {}", run.shown);
            point(NEXT);
            let run = world.verify(&args);
            assert_eq!((run.code, counts(&run.verify)), (2, [0, 3, 0]), "{args:?} {}", run.shown);
            assert_eq!(run.verify["left"][0]["under"], json!(format!("kms/aws/{WEST}")));
            // One question decides it.
            let of_alias = world.kms.with(|state| state.described.iter().filter(|key| key.contains("alias/")).count());
            assert_eq!(of_alias, 1);
            let (code, shown) = world.text(&args);
            assert!(code == 2 && !shown.contains("COMPLETE in") && !shown.contains("after the required key began"), "{shown}");
            assert!(
                shown.contains(&format!("{ALIAS} means {NEXT} now")) || shown.contains(&format!("{alias} means {NEXT} now")),
                "{shown}"
            );
            // Who cannot be asked leaves it open.
            world.kms.with(|state| state.undescribed = Some("AccessDeniedException"));
            let run = world.verify(&args);
            assert_eq!((run.code, counts(&run.verify)), (3, [0, 0, 3]), "{args:?} {}", run.shown);
            assert_eq!((&run.verify["left"][0]["why"], &run.conditions), (&json!("key-not-told"), &json!(["key-not-known"])));
            let (_, shown) = world.text(&args);
            assert!(shown.contains("Re-encryption NOT KNOWN") && shown.contains("does not say which key"), "{shown}");
            world.kms.with(|state| state.undescribed = None);
        }
    }
}

/// An alias that was pointed elsewhere in the middle of a migration: what was rewritten since is done, and the rest is left.
#[test]
fn of_an_alias_that_was_pointed_elsewhere_the_old_key_is_left() {
    let mut world = World::of(&[(WEST, with_context(&[])), (NEXT, pointed_to(ALIAS))]);
    world.v2("aws", ALIAS, WEST, 1);
    world.v2("aws", ALIAS, NEXT, 2);
    let run = world.verify(&["--aws-kms", "--require-key", "kms/aws"]);
    assert_eq!((run.code, counts(&run.verify)), (2, [1, 1, 0]), "{}", run.shown);
}

/// The KMS says which key it used, and that decides, however the value and the user name it.
#[test]
fn the_key_that_was_used_decides_however_it_is_named() {
    let id = |arn: &str| arn.rsplit('/').next().unwrap().to_owned();
    for named in [WEST.to_owned(), id(WEST)] {
        let mut world = World::of(&[(WEST, with_context(&[])), (NEXT, with_context(&[]))]);
        world.configure("aws", "v2");
        // The values name one key, and the KMS used another.
        (1..=3).for_each(|number| world.v2("aws", &named, NEXT, number));
        let run = world.verify(&CONFIGURED);
        assert_eq!((run.code, counts(&run.verify)), (2, [0, 3, 0]), "{named} {}", run.shown);
        let shown = world.text(&CONFIGURED).1;
        assert!(shown.contains(&format!("NAMED {named} BUT UNWRAPPED WITH {NEXT}")) && !shown.contains("COMPLETE in"), "{shown}");
        let required = |key: &str| world.verify(&["--aws-kms", "--require-key", &format!("kms/aws/{key}")]);
        for (key, code) in [(WEST.to_owned(), 2), (id(WEST), 2), (NEXT.to_owned(), 0), (id(NEXT), 0)] {
            assert_eq!(required(&key).code, code, "{named} {key}");
        }
    }
    // The same key by another name is the same key.
    for named in [ALIAS.to_owned(), id(WEST), WEST.to_owned()] {
        let mut world = World::of(&[(WEST, pointed_to(ALIAS)), (NEXT, with_context(&[]))]);
        world.v2("aws", &named, WEST, 1);
        for (key, code) in [(WEST.to_owned(), 0), (id(WEST), 0), (ALIAS.to_owned(), 0), (NEXT.to_owned(), 2)] {
            let run = world.verify(&["--aws-kms", "--require-key", &format!("kms/aws/{key}")]);
            assert_eq!(run.code, code, "{named} {key} {}", run.shown);
        }
    }
}

/// A key that is switched off in the region that is named is told so, though a replica opens; and the ARNs of one key are one key.
#[test]
fn a_replica_that_opens_hides_no_state_of_the_key_that_is_named() {
    let (home, replica) = (multi("eu-west-1"), multi("us-east-1"));
    for (state, shown_as) in [("Disabled", "Disabled"), ("PendingDeletion", "PendingDeletion")] {
        let mut world = World::of(&[(&home, Key { state, ..Key::default() }), (&replica, with_context(&[]))]);
        world.configure("aws", "v2");
        world.v2_anywhere("aws", &home, 1);
        for undescribed in [None, Some("AccessDeniedException")] {
            world.kms.with(|state| state.undescribed = undescribed);
            let args = [&CONFIGURED[..], &["--aws-region", "us-east-1"]].concat();
            let run = world.verify(&args);
            assert_eq!(counts(&run.verify), [1, 0, 0], "{}", run.shown);
            assert_eq!(run.keys[0]["state"], json!(shown_as), "{}", run.keys[0]);
            let shown = world.text(&args).1;
            assert!(shown.contains(&format!("KEY NOT ENABLED: {home}")), "{shown}");
        }
    }
    // Values that name it in either region.
    let mut world = World::of(&[(&home, with_context(&[])), (&replica, with_context(&[]))]);
    world.configure("aws", "v2");
    world.v2_anywhere("aws", &home, 1);
    world.v2_anywhere("aws", &replica, 2);
    let run = world.verify(&CONFIGURED);
    assert_eq!((run.code, counts(&run.verify)), (0, [2, 0, 0]), "{}", run.shown);
    // Switched off in the one, and never asked in the other: it may open there.
    world.kms.with(|state| state.keys.insert(home.clone(), Key { state: "Disabled", ..Key::default() }));
    let run = world.verify(&CONFIGURED);
    assert_eq!(run.code, 3, "{}", run.shown);
    assert_eq!(run.outcomes.get("key-unusable-in-region"), Some(&1), "{:?}", run.outcomes);
    assert!(world.text(&CONFIGURED).1.contains("give --aws-region eu-west-1,us-east-1"));
    let run = world.verify(&[&CONFIGURED[..], &["--aws-region", "eu-west-1,us-east-1"]].concat());
    assert_eq!((run.code, run.outcomes.get("opened")), (0, Some(&2)), "{}", run.shown);
}

/// As many calls as the plan says make one run of it; where one is missing for the alias, that is the reason that is given.
#[test]
fn the_calls_of_the_plan_are_enough() {
    let mut world = World::of(&[(WEST, pointed_to(ALIAS))]);
    world.configure("aws", "v2");
    (1..=4).for_each(|number| world.v2("aws", ALIAS, WEST, number));
    let (calls, further) = world.planned(&CONFIGURED);
    let of_keys = world.planned_about_keys(&CONFIGURED);
    let run = world.verify(&[&CONFIGURED[..], &["--max-calls", &(calls + further + of_keys).to_string()]].concat());
    assert_eq!((run.code, &run.verify["cut_short"]), (0, &json!(false)), "{}", run.shown);
    assert!(world.kms.with(|state| state.calls.len() as u64) <= calls + further + of_keys);
    let most = calls.to_string();
    let starved = [&CONFIGURED[..], &["--max-calls", &most]].concat();
    let run = world.verify(&starved);
    assert_eq!((run.code, &run.verify["cut_short"], counts(&run.verify)), (3, &json!(true), [0, 0, 4]), "{}", run.shown);
    let (_, shown) = world.text(&[&starved[..], &["-q"]].concat());
    assert!(shown.contains("no call was left to ask which key is current") && !shown.contains("several keys"), "{shown}");
}

/// The file shows that the provider has written under another key since, whatever became of that write: which is current is not known.
#[test]
fn a_last_write_that_was_deleted_is_of_the_key_that_may_be_current() {
    for (api, named) in [("v2", true), ("v1", false)] {
        let mut world = World::of(&[(WEST, with_context(&[])), (NEXT, with_context(&[]))]);
        world.configure("aws", api);
        let add = |world: &mut World, key: &str, number: u8| match named {
            true => world.v2("aws", key, key, number),
            false => world.v1("aws", key, number),
        };
        [(WEST, 1), (WEST, 2), (NEXT, 3)].into_iter().for_each(|(key, number)| add(&mut world, key, number));
        world.delete(1);
        for args in [&CONFIGURED[..], &["--aws-kms", "--require-key", "kms/aws"]] {
            let run = world.verify(args);
            assert_eq!((run.code, counts(&run.verify)), (3, [0, 0, 2]), "{api} {}", run.shown);
            assert_eq!(run.verify["left"][0]["why"], json!("one-of-several-keys"), "{api}");
            assert!(!world.text(args).1.contains("COMPLETE in"), "{api}");
        }
        // A write before the current ones says nothing of now.
        let mut world = World::of(&[(WEST, with_context(&[])), (NEXT, with_context(&[]))]);
        world.configure("aws", api);
        [(WEST, 1), (WEST, 2), (WEST, 3)].into_iter().for_each(|(key, number)| add(&mut world, key, number));
        world.delete(1);
        let run = world.verify(&CONFIGURED);
        assert_eq!((run.code, counts(&run.verify)), (0, [2, 0, 0]), "{api} {}", run.shown);
    }
}

/// What a ledger knows of an earlier run that run has found: the next one says no other of it, but that it proves nothing.
#[test]
fn a_resumed_run_takes_nothing_back() {
    let mut world = World::of(&[(WEST, pointed_to(ALIAS)), (NEXT, with_context(&[]))]);
    world.configure("aws", "v2");
    [(WEST, 1), (NEXT, 2), (NEXT, 3)].into_iter().for_each(|(key, number)| world.v2("aws", ALIAS, key, number));
    let args = [&CONFIGURED[..], &["--ledger", "calls.jsonl"]].concat();
    let first = world.verify(&args);
    assert_eq!((first.code, counts(&first.verify)), (2, [1, 2, 0]), "{}", first.shown);
    for _ in 0..2 {
        let next = world.verify(&args);
        assert_eq!((next.code, counts(&next.verify), &next.verify["left"]), (2, [1, 2, 0], &first.verify["left"]), "{}", next.shown);
        assert_eq!((next.calls(), &next.verify["current_opened_before"]), (0, &json!(3)));
        let shown = world.text(&args).1;
        assert!(shown.contains("as the ledger says of an earlier run") && !shown.contains("nobody opened them"), "{shown}");
    }
    let mut world = World::of(&[(WEST, with_context(&[])), (NEXT, with_context(&[]))]);
    world.configure("aws", "v1");
    [(WEST, 1), (NEXT, 2)].into_iter().for_each(|(key, number)| world.v1("aws", key, number));
    for _ in 0..2 {
        let run = world.verify(&args);
        assert_eq!((run.code, counts(&run.verify)), (3, [0, 0, 2]), "{}", run.shown);
        assert_eq!(run.verify["left"][0]["why"], json!("one-of-several-keys"));
        assert!(!world.text(&args).1.contains("as the ledger says"));
    }
}
