//! One file a command.

pub(crate) mod carve;
pub(crate) mod check;
mod directory;
pub(crate) mod pages;
pub(crate) mod scan;
pub(crate) mod show;
