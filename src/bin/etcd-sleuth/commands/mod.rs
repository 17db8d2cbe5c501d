//! One file a command: its plan, its question, and who writes its answer.

mod carve;
mod check;
mod documents;
mod keys;
mod pages;
mod recover;
mod scan;
mod show;
mod verify;

pub(crate) use self::carve::carve;
pub(crate) use self::check::check;
pub(crate) use self::documents::{completions, man};
pub(crate) use self::keys::keys;
pub(crate) use self::pages::pages;
pub(crate) use self::recover::recover;
pub(crate) use self::scan::scan;
pub(crate) use self::show::show;
pub(crate) use self::verify::verify;
