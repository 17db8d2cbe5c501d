//! Elements that leave their page: class 17.

use etcd_sleuth::evidence::anomaly::Class;

use super::common::mutate::header;
use super::{assert_nothing_foreign, bare};

#[test]
fn class_17_elements_that_leave_their_page() {
    for (field, value) in [(4, u32::MAX), (8, u32::MAX), (12, u32::MAX), (4, 5000), (8, 5000), (12, 5000), (4, 0)] {
        let mut mutant = bare("migration");
        let page = mutant.unique_leaves()[2];
        let on_page = mutant.retained(|p| p == page);
        // The last element, so that the others can be read.
        let last = 16 * usize::try_from(mutant.get(page, header::COUNT, 2)).unwrap();
        mutant.set(page, last + field, 4, u64::from(value));
        let reading = mutant.read();
        assert!(reading.has(Class::ElementOutOfBounds, page), "{field} {value}: {:?}", reading.anomalies);
        assert_eq!(reading.offsets(Class::ElementOutOfBounds).len(), 1, "{field} {value}: {:?}", reading.anomalies);
        assert!(mutant.retained(|p| p != page).is_subset(&reading.tree));
        assert_eq!(on_page.difference(&reading.tree).count(), 1, "{field} {value}: the others on its page are read");
        assert_nothing_foreign(&mutant, &reading);
    }
    // More elements than there are.
    let mut mutant = bare("migration");
    let page = mutant.unique_leaves()[2];
    mutant.set(page, header::COUNT, 2, 0xffff);
    let reading = mutant.read();
    assert!(reading.has(Class::ElementOutOfBounds, page));
    assert!(mutant.retained(|p| p != page).is_subset(&reading.tree));
    // A key of no bytes: its place is that of its page.
    let mut mutant = bare("migration");
    mutant.set(page, 16 + 8, 4, 0);
    assert!(mutant.read().has(Class::EmptyKey, page));
}
