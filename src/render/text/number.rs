//! Numbers for people.

use crate::evidence::{Count, Unit, words};

/// `1 key`, `1,234 keys`: of what has no unit of its own.
pub(super) fn counted(count: u64, noun: &str) -> String {
    format!("{} {}", thousands(count), words::noun(count, noun))
}

/// `1 value`, `1,234 values`: the unit gives the noun.
pub(super) fn with_noun<U: Unit>(count: Count<U>) -> String {
    format!("{} {}", thousands(count), count.noun())
}

/// `1 current value`, `1,234 current values`.
pub(super) fn with_adjective<U: Unit>(count: Count<U>, adjective: &str) -> String {
    format!("{} {adjective} {}", thousands(count), count.noun())
}

/// `1234567` as `1,234,567`.
pub fn thousands(number: impl Into<u64>) -> String {
    let digits = number.into().to_string();
    let mut out = String::with_capacity(digits.len().saturating_mul(2));
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && digits.len().saturating_sub(index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::string_slice, reason = "a test that overflows fails")]
mod tests {
    use super::thousands;

    #[test]
    fn three_digits_a_group() {
        let shown = [0u64, 999, 1000, 1_234_567].map(thousands);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
    }
}
