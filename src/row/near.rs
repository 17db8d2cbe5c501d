//! Names that are like one that was not found.

/// Names that are offered.
const OFFERED: usize = 5;
/// The most letters that may be other ones, left out or too many.
const FURTHEST: usize = 3;

/// The names that are nearest to a word, the nearest first: a plural, a beginning, a slip. None of a word that is one of them.
pub(crate) fn near<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found: Vec<(usize, &str)> = names.into_iter().filter_map(|name| Some((distance(word, name)?, name))).collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().take(OFFERED).map(|(_, name)| name).collect()
}

/// How many letters are to be changed, within a bound that grows with the word; 1 where one is the other with more behind a dot.
pub(super) fn distance(word: &str, name: &str) -> Option<usize> {
    let (word, name) = (word.to_lowercase(), name.to_lowercase());
    if name.split_once('.').is_some_and(|(first, _)| first == word) {
        return Some(1);
    }
    let most = FURTHEST.min(word.chars().count().div_ceil(3));
    // Their lengths alone may be too far apart, and cost nothing.
    if word.chars().count().abs_diff(name.chars().count()) > most {
        return None;
    }
    Some(strsim::levenshtein(&word, &name)).filter(|distance| *distance <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_like_a_name_is_offered_and_nothing_else() {
        let names = ["secrets", "configmaps", "tokens.example.org", "services/specs"];
        for (word, offered) in [
            ("secret", "secrets"),
            ("Secrets", "secrets"),
            ("configmap", "configmaps"),
            ("secerts", "secrets"),
            ("tokens", "tokens.example.org"),
        ] {
            assert_eq!(near(word, names), [offered], "{word}");
        }
        assert!(near("pods", names).is_empty() && near("", names).is_empty());
    }
}
