//! One file a command.

pub(crate) mod check;
pub(crate) mod pages;
pub(crate) mod scan;
pub(crate) mod show;
