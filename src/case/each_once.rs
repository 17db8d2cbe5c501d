//! Inputs that are given twice, under whatever names: they are read once.

use std::collections::{BTreeMap, btree_map::Entry};
use std::fs;
use std::path::{Path, PathBuf};

use crate::evidence::{FileId, STDIN};

/// Inputs, each file and each directory once, in their order. `again` is told what was given again, and what it is.
pub(super) fn each_once(inputs: &[PathBuf], mut again: impl FnMut(&Path, &Path)) -> Vec<PathBuf> {
    let mut known: BTreeMap<InputId, &PathBuf> = BTreeMap::new();
    let mut once = Vec::new();
    for input in inputs {
        match id_of(input).map(|id| known.entry(id)) {
            Some(Entry::Occupied(first)) => again(input, first.get()),
            Some(Entry::Vacant(free)) => {
                free.insert(input);
                once.push(input.clone());
            }
            None => once.push(input.clone()),
        }
    }
    once
}

/// Which input something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum InputId {
    /// Read once, there is nothing more in it.
    Stdin,
    /// A file or a directory, behind links.
    File(FileId),
}

fn id_of(path: &Path) -> Option<InputId> {
    if path == Path::new(STDIN) {
        return Some(InputId::Stdin);
    }
    let found = fs::metadata(path).ok().filter(|found| found.is_file() || found.is_dir())?;
    FileId::of_metadata(&found).map(InputId::File)
}
