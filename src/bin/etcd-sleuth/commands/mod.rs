//! One file a command.

pub(crate) mod carve;
pub(crate) mod check;
mod directory;
mod holders;
mod inputs;
pub(crate) mod keys;
pub(crate) mod pages;
pub(crate) mod recover;
pub(crate) mod scan;
pub(crate) mod show;
mod sink;
pub(crate) mod verify;
