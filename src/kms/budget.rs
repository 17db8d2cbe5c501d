//! How many calls a run may make, and how fast: one budget for all of them, whatever they ask.

use super::{Pace, Reason};
use crate::evidence::count::{Calls, Count};

/// The calls of a run.
#[derive(Clone, Debug)]
pub struct Budget {
    pace: Pace,
    most: Option<Count<Calls>>,
    made: Count<Calls>,
    is_ended: bool,
}

impl Budget {
    /// At this pace; at most so many calls, repeated ones included.
    pub fn new(pace: Pace, most: Option<Count<Calls>>) -> Self {
        Self { pace, most, made: Count::ZERO, is_ended: false }
    }

    /// Takes one call, and waits until it may be made. Not where the run was broken off or the calls are spent: then no other is made.
    pub fn take(&mut self, is_stopped: &dyn Fn() -> bool) -> bool {
        self.is_ended |= is_stopped() || self.most.is_some_and(|most| self.made >= most);
        if !self.is_ended {
            self.pace.wait(is_stopped);
            self.made.add_one();
        }
        !self.is_ended
    }

    /// Gives one back that was not made after all.
    pub(super) fn give_back(&mut self) {
        self.made = self.made.without(Count::new(1));
    }

    /// Learns from an answer: whoever is throttled asks half as fast from then on.
    pub(super) fn learn(&mut self, reason: Reason) {
        if reason == Reason::Throttled {
            self.pace.halve();
        }
    }

    /// Whether a call was wanted and not made, since the run was broken off or the calls were spent.
    pub fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Calls that were made.
    pub fn made(&self) -> Count<Calls> {
        self.made
    }
}
