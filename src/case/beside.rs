//! How many members stand in one input: then no answer speaks for all of it.

use std::collections::BTreeMap;
use std::path::Path;

use super::RunError;
use super::given::Given;
use super::member::OpenMember;
use super::run::Run;

impl Run<'_> {
    /// Opens what was given, and notes how many members stand in it, or in the directory that it was found in.
    pub(super) fn open_noted(&mut self, given: Given, directories: &BTreeMap<usize, usize>) -> Result<Vec<OpenMember>, RunError> {
        let in_directory = if let Given::Directory(directory) = &given { directories.get(&directory.input).copied() } else { None };
        let members = self.open(given)?;
        if let Some(others) = members.len().max(in_directory.unwrap_or(0)).checked_sub(1).filter(|others| *others > 0) {
            self.beside.extend(members.iter().map(|member| (member.id, others)));
        }
        Ok(members)
    }

    /// How many members stand in each input that has a member's directory: files by themselves may stand in it too.
    pub(super) fn directories_by_input(givens: &[Given]) -> BTreeMap<usize, usize> {
        let mut directories = BTreeMap::<usize, usize>::new();
        let mut inputs = BTreeMap::<&Path, usize>::new();
        for given in givens {
            if let Given::Directory(directory) = given {
                inputs.insert(&directory.path, directory.input);
            }
        }
        for given in givens {
            let input = match given {
                Given::Directory(directory) => Some(directory.input),
                Given::File(path) => path.ancestors().find_map(|part| inputs.get(part).copied()),
                Given::Beside(..) | Given::Nothing(_) => None,
            };
            if let Some(input) = input {
                let count = directories.entry(input).or_default();
                *count = count.saturating_add(1);
            }
        }
        directories
    }
}
