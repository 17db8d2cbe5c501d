//! The owned model of a run: what outlives the evidence that it came from, and the interface of whoever writes it down.
#![deny(clippy::arithmetic_side_effects)]

mod current;
mod evidence;
mod model;
pub mod readable;
mod recovery;
mod render;
pub mod retirement;
mod unread;
mod verification;

pub use self::current::CurrentNotKnown;
pub use self::evidence::{Compared, Contradicted, EvidenceReport, KeyProof, KeyReport, not_looked_at};
pub use self::model::{MemberReport, Opens, Report};
pub use self::recovery::{Recovered, RecoveryCounts};
pub use self::render::{Render, Revealed, RowContext, RowWriter};
pub use self::unread::{Unread, UnreadReason};
pub use self::verification::{Asked, Heard, Verification, VerificationPlan, VerificationResult};
pub use crate::mvcc::comparison::Comparison;
