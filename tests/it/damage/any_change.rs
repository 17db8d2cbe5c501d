//! Any bytes of a fixture changed: no panic, and the work stays within its bound.

use proptest::prelude::*;

use super::common::mutate::{Mutant, read};

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_change_to_a_fixture_is_read_within_the_bound(
        name in prop::sample::select(vec!["kinds", "killed", "synced-freelist", "page16k", "plaintext"]),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        in_headers in prop::collection::vec((any::<prop::sample::Index>(), 0usize..200, any::<u8>()), 0..40),
        swaps in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..4),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
        right in any::<bool>(),
    ) {
        let mut mutant = Mutant::of(name);
        // What is preallocated behind the high-water mark is all the same.
        let used = usize::try_from(mutant.offset(mutant.truth["high_water_mark"].as_u64().unwrap())).unwrap() + mutant.page_size;
        mutant.bytes.truncate(used);
        let (len, pages) = (mutant.bytes.len(), usize::try_from(mutant.pages()).unwrap());
        for (at, bits) in flips {
            mutant.bytes[at.index(len)] ^= bits;
        }
        for (page, at, byte) in in_headers {
            mutant.put(page.index(pages) as u64, at, &[byte]);
        }
        for (one, other) in swaps {
            mutant.copy(one.index(pages) as u64, other.index(pages) as u64);
        }
        if right {
            mutant.refit(0).refit(1);
        }
        if let Some(cut) = cut {
            mutant.bytes.truncate(cut.index(len));
        }
        let _ = read(&mutant.bytes);
    }
}
