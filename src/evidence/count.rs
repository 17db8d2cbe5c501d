//! Counts that know their unit: objects are never added to values, nor printed as them.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::iter;
use std::marker::PhantomData;

use super::words::noun;

/// How many there are of one unit. To it is added what has the same unit, and the largest number is the most that it says.
///
/// ```
/// use etcd_sleuth::evidence::count::{Count, Values};
///
/// let (before, behind) = (Count::<Values>::new(2), Count::<Values>::new(3));
/// assert_eq!([before, behind].into_iter().sum::<Count<Values>>(), 5);
/// ```
///
/// The same of two units is no program:
///
/// ```compile_fail
/// use etcd_sleuth::evidence::count::{Count, Objects, Values};
///
/// let (before, behind) = (Count::<Values>::new(2), Count::<Objects>::new(3));
/// assert_eq!([before, behind].into_iter().sum::<Count<Values>>(), 5);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Count<U> {
    number: u64,
    unit: PhantomData<U>,
}

/// What is counted.
pub trait Unit: Copy + Default + Ord + fmt::Debug {
    /// One of it, in words.
    const NOUN: &'static str;
}

macro_rules! units {
    ($($(#[doc = $doc:literal])+ pub struct $name:ident = $noun:literal;)+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name;

            impl Unit for $name {
                const NOUN: &'static str = $noun;
            }
        )+
    };
}

units! {
    /// Keys of etcd, whatever stands under them.
    pub struct Keys = "key";
    /// Objects, by cluster and whole key, however many revisions there are of one.
    pub struct Objects = "object";
    /// Secrets: objects of that resource.
    pub struct Secrets = "Secret";
    /// Values: the bytes that one write left at one place.
    pub struct Values = "value";
    /// Values of which a part is lost.
    pub struct Fragments = "piece";
    /// Revisions in which a key was deleted.
    pub struct Tombstones = "tombstone";
    /// Distinct wrapped DEKs or seeds.
    pub struct DekSources = "DEK source";
    /// Calls to those who hold keys.
    pub struct Calls = "call";
    /// What met a rule: the rule says whether that is objects, values, users or places.
    pub struct Matches = "match";
}

impl<U: Unit> Count<U> {
    /// None.
    pub const ZERO: Self = Self::new(0);

    /// So many.
    pub const fn new(number: u64) -> Self {
        Self { number, unit: PhantomData }
    }

    /// As many as there are in the collection.
    pub(crate) const fn of_len(length: usize) -> Self {
        Self::new(length as u64)
    }

    /// Counts one more.
    pub(crate) fn add_one(&mut self) {
        self.add(Self::new(1));
    }

    /// Counts one more, if it is one.
    pub(crate) fn add_if(&mut self, is_one: bool) {
        self.add(Self::new(u64::from(is_one)));
    }

    /// Adds others of the unit.
    pub(crate) fn add(&mut self, more: Self) {
        *self = self.plus(more);
    }

    /// Both together.
    #[must_use]
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self::new(self.number.saturating_add(other.number))
    }

    /// Those that are left without others of the unit.
    #[must_use]
    pub(crate) const fn without(self, others: Self) -> Self {
        Self::new(self.number.saturating_sub(others.number))
    }

    /// As many of another unit, where each of these is one of those.
    #[must_use]
    pub(crate) const fn one_each<V: Unit>(self) -> Count<V> {
        Count::new(self.number)
    }

    /// The unit as it stands behind the number: `value`, `values`.
    pub(crate) fn noun(self) -> Cow<'static, str> {
        noun(self.number, U::NOUN)
    }
}

impl<U: Unit> iter::Sum for Count<U> {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::ZERO, Self::plus)
    }
}

/// The bare number: its unit is gone, and whoever asks for it knows why.
impl<U> From<Count<U>> for u64 {
    fn from(count: Count<U>) -> Self {
        count.number
    }
}

impl<U> PartialEq<u64> for Count<U> {
    fn eq(&self, number: &u64) -> bool {
        self.number == *number
    }
}

impl<U> PartialOrd<u64> for Count<U> {
    fn partial_cmp(&self, number: &u64) -> Option<Ordering> {
        self.number.partial_cmp(number)
    }
}

/// The number alone.
impl<U> fmt::Display for Count<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number.fmt(f)
    }
}

impl<U: Unit> fmt::Debug for Count<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.noun())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_has_the_noun_of_its_unit_and_ends_at_the_largest_number() {
        let one = Count::<Values>::new(1);
        assert_eq!([format!("{one:?}"), format!("{:?}", one.plus(one)), format!("{one:>3}")], ["1 value", "2 values", "  1"]);
        let most = [Count::new(u64::MAX), one].into_iter().sum::<Count<Values>>();
        assert_eq!((most, one.without(most)), (Count::new(u64::MAX), Count::ZERO));
    }
}
