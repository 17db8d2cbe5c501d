//! What was given is opened, one after the other, and noted with how much it holds: where several members stand in one input no answer speaks
//! for all of it, and where several databases are read each is held against those of its cluster.

use std::collections::BTreeMap;
use std::path::Path;

use super::RunError;
use super::given::Given;
use super::member::OpenMember;
use super::run::Run;
use crate::store::StoreKind;

impl Run<'_> {
    /// Opens each input, or each member's directory in one, for work on the members in it.
    pub(super) fn open_each(&mut self, mut work: impl FnMut(&mut Self, Vec<OpenMember>) -> Result<(), RunError>) -> Result<(), RunError> {
        let givens = self.survey();
        let (is_one, directories) = (givens.len() == 1, directories_by_input(&givens));
        for given in givens {
            let in_directory = if let Given::Directory(directory) = &given { directories.get(&directory.input).copied() } else { None };
            let members = self.open(given)?;
            if let Some(others) = members.len().max(in_directory.unwrap_or(0)).checked_sub(1).filter(|others| *others > 0) {
                self.beside.extend(members.iter().map(|member| (member.id, others)));
            }
            self.options.history = !is_one || databases_of(&members) > 1;
            work(self, members)?;
        }
        Ok(())
    }
}

/// How many members stand in each input that has a member's directory: files by themselves may stand in it too.
fn directories_by_input(givens: &[Given]) -> BTreeMap<usize, usize> {
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

/// How many databases members have, those beside their own included.
pub(super) fn databases_of(members: &[OpenMember]) -> usize {
    members.iter().flat_map(|member| &member.files).filter(|file| file.role.kind() == StoreKind::Database).count()
}
