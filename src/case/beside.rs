//! How many members stand in one input: then no answer speaks for all of it.

use std::collections::BTreeMap;

use super::RunError;
use super::member::OpenMember;
use super::opening::Given;
use super::run::Run;

impl Run<'_> {
    /// Opens what was given, and notes how many members stand in it, or in the directory that it was found in.
    pub(super) fn open_noted(&mut self, given: Given, directories: &BTreeMap<usize, usize>) -> Result<Vec<OpenMember>, RunError> {
        let in_directory = if let Given::Directory(directory, _) = &given { directories.get(&directory.input).copied() } else { None };
        let members = self.open(given)?;
        if let Some(others) = members.len().max(in_directory.unwrap_or(0)).checked_sub(1).filter(|others| *others > 0) {
            self.beside.extend(members.iter().map(|member| (member.id, others)));
        }
        Ok(members)
    }

    /// How many directories of members stand in each input.
    pub(super) fn directories_by_input(givens: &[Given]) -> BTreeMap<usize, usize> {
        let mut directories = BTreeMap::<usize, usize>::new();
        for given in givens {
            if let Given::Directory(directory, _) = given {
                let count = directories.entry(directory.input).or_default();
                *count = count.saturating_add(1);
            }
        }
        directories
    }
}
