//! The files of a member are opened, and then read once.

use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::Scope;

use super::directory::{DataDirectory, PassedOver};
use super::kind::{FileKind, FileRole};
use super::member::{OpenFile, OpenMember, ReadEvidence, ReadMember};
use super::run::Run;
use super::{InputError, RunError};
use crate::evidence::Evidence;
use crate::store::{DatabaseStore, Digests, ImageStore, MemberContext, Progress, RaftSnapshotStore, Role, SegmentStore, Store};

/// What a file turned out to be, before it has a number.
type Unnumbered<'data> = (Box<dyn Store<'data> + 'data>, Receiver<Option<Digests>>);

impl Run<'_> {
    /// Opens what was given. What cannot be opened of it is told; `None`: nothing of it can.
    pub(super) fn open(&mut self, path: &Path) -> Result<Option<OpenMember>, RunError> {
        let is_directory = path.is_dir();
        let found = if is_directory { self.attempt(path, |_| DataDirectory::find(path))? } else { None };
        let mut files = Vec::new();
        match found {
            Some(DataDirectory { files: listed, passed_over, .. }) => {
                let passed = |PassedOver { path, why }: PassedOver| format!("{} ({why})", path.display());
                self.report.passed_over.extend(passed_over.into_iter().map(passed));
                for file in listed {
                    let opened = self.attempt(&file.path, |run| {
                        let evidence = run.open_file(&file.path)?;
                        if file.role.kind() == FileKind::Database {
                            FileKind::of(&evidence)?;
                        }
                        Ok(OpenFile { evidence, role: file.role })
                    })?;
                    files.extend(opened);
                }
            }
            None if is_directory => return Ok(None),
            None => files.extend(self.attempt(path, |run| {
                let evidence = run.open_file(path)?;
                let kind = run.kind_of(&evidence)?;
                Ok(OpenFile { evidence, role: FileRole::Member(kind) })
            })?),
        }
        let id = self.numbering.member();
        Ok((!files.is_empty()).then_some(OpenMember { id, path: path.to_owned(), is_directory, files }))
    }

    fn open_file(&self, path: &Path) -> Result<Evidence, InputError> {
        self.case.host.opening(path);
        Ok(Evidence::open(path, &self.case.limits)?)
    }

    fn kind_of(&self, evidence: &Evidence) -> Result<FileKind, InputError> {
        match self.plan.as_image {
            false => FileKind::of(evidence),
            true if evidence.content().is_empty() => Err(InputError::Empty(evidence.path().to_owned())),
            true => Ok(FileKind::Image),
        }
    }

    /// The first pass over a member's files, beside which their digests are made.
    pub(super) fn read<'scope, 'data: 'scope>(
        &mut self,
        member: &'data OpenMember,
        scope: &'scope Scope<'scope, '_>,
        progress: &'scope Progress,
    ) -> Result<ReadMember<'data>, RunError> {
        let mut digests = self.hash(member, scope, progress).into_iter();
        let mut files: Vec<(&'data OpenFile, Receiver<Option<Digests>>)> = member.files.iter().zip(&mut digests).collect();
        let mut evidences = Vec::new();
        let segments = take(&mut files, FileRole::Member(FileKind::Segment));
        let leftovers = take_leftovers(&mut files);
        let mut database: Option<(DatabaseStore<'data>, Receiver<Option<Digests>>)> = None;
        let (mut others, mut snapshot_index): (Vec<Unnumbered<'data>>, Option<u64>) = (Vec::new(), None);
        for (file, digests) in files {
            let role = if member.is_directory { Role::Member } else { Role::File };
            match file.role.kind() {
                FileKind::Database => {
                    if let Some(store) = self.read_database(file, role)? {
                        database = Some((store, digests));
                    }
                }
                FileKind::RaftSnapshot => {
                    let store = self.attempt(file.evidence.path(), |_| Ok(RaftSnapshotStore::read(&file.evidence)))?;
                    let store = store.map(|store| with_role(store, role));
                    snapshot_index = snapshot_index.max(store.as_ref().and_then(|store| store.profile().facts.sound_snapshot_index()));
                    others.extend(store.map(|store| (Box::new(store) as Box<dyn Store<'data>>, digests)));
                }
                FileKind::Image => {
                    let plan = self.plan;
                    let store = self.attempt(file.evidence.path(), |_| Ok(ImageStore::search(&file.evidence, &plan.read)))?;
                    others.extend(store.map(|store| (Box::new(store) as Box<dyn Store<'data>>, digests)));
                }
                FileKind::Segment => {}
            }
        }
        let context = MemberContext { database: database.as_ref().map(|(store, _)| store), snapshot_index };
        let role = if member.is_directory { Role::Member } else { Role::File };
        let log = self.read_log(segments, context, role)?;
        let left = self.read_leftovers(leftovers, context)?;
        let database = database.map(|(store, digests)| (Box::new(store) as Box<dyn Store<'data>>, digests));
        for (store, digests) in database.into_iter().chain(others).chain(log).chain(left) {
            evidences.push(ReadEvidence { id: self.numbering.evidence(), store, digests });
        }
        Ok(ReadMember { id: member.id, path: member.path.clone(), is_directory: member.is_directory, evidences })
    }

    fn read_database<'data>(&mut self, file: &'data OpenFile, role: Role) -> Result<Option<DatabaseStore<'data>>, RunError> {
        let plan = self.plan;
        let read = self.attempt(file.evidence.path(), |_| {
            DatabaseStore::read(&file.evidence, &plan.read).map_err(|reason| InputError::not_recognised(&file.evidence, reason))
        })?;
        Ok(read.map(|store| with_role(store, role)))
    }

    fn read_log<'data>(
        &mut self,
        segments: Vec<(&'data OpenFile, Receiver<Option<Digests>>)>,
        context: MemberContext<'_, 'data>,
        role: Role,
    ) -> Result<Vec<Unnumbered<'data>>, RunError> {
        let Some((first, _)) = segments.first() else { return Ok(Vec::new()) };
        let evidences: Vec<&'data Evidence> = segments.iter().map(|(file, _)| &file.evidence).collect();
        let plan = self.plan;
        let read = self.attempt(first.evidence.path(), |_| Ok(SegmentStore::read_log(&evidences, context, &plan.read)))?;
        let stores = read.unwrap_or_default().into_iter().map(|store| Box::new(with_role(store, role)) as Box<dyn Store<'data>>);
        Ok(stores.zip(segments.into_iter().map(|(_, digests)| digests)).collect())
    }

    fn read_leftovers<'data>(
        &mut self,
        leftovers: Vec<(&'data OpenFile, Receiver<Option<Digests>>)>,
        context: MemberContext<'_, 'data>,
    ) -> Result<Vec<Unnumbered<'data>>, RunError> {
        let mut left: Vec<Unnumbered<'data>> = Vec::new();
        for (file, digests) in leftovers {
            match file.role.kind() {
                FileKind::Database => {
                    let store = self.read_database(file, Role::Leftover)?;
                    left.extend(store.map(|store| (Box::new(store) as Box<dyn Store<'data>>, digests)));
                }
                FileKind::RaftSnapshot => {
                    let store = self.attempt(file.evidence.path(), |_| Ok(RaftSnapshotStore::read(&file.evidence)))?;
                    let store = store.map(|store| with_role(store, Role::Leftover));
                    left.extend(store.map(|store| (Box::new(store) as Box<dyn Store<'data>>, digests)));
                }
                FileKind::Segment | FileKind::Image => left.extend(self.read_log(vec![(file, digests)], context, Role::Leftover)?),
            }
        }
        Ok(left)
    }

    /// Makes the digests of a member's files on a thread of its own, in their order.
    fn hash<'scope, 'data: 'scope>(
        &self,
        member: &'data OpenMember,
        scope: &'scope Scope<'scope, '_>,
        progress: &'scope Progress,
    ) -> Vec<Receiver<Option<Digests>>> {
        let (senders, receivers): (Vec<_>, Vec<_>) = member.files.iter().map(|_| sync_channel(1)).unzip();
        let is_wanted = self.plan.hash;
        scope.spawn(move || {
            for (file, sender) in member.files.iter().zip(senders) {
                // Nobody waits for it any more where the run came to an error.
                let _ = sender.send(is_wanted.then(|| Digests::of(&file.evidence, progress)));
            }
        });
        receivers
    }
}

fn with_role<'data, S: Store<'data>>(mut store: S, role: Role) -> S {
    store.profile_mut().facts.role = role;
    store
}

/// Takes the files of one role out of a list.
fn take<'data, T>(files: &mut Vec<(&'data OpenFile, T)>, role: FileRole) -> Vec<(&'data OpenFile, T)> {
    let (taken, rest) = std::mem::take(files).into_iter().partition(|(file, _)| file.role == role);
    *files = rest;
    taken
}

fn take_leftovers<'data, T>(files: &mut Vec<(&'data OpenFile, T)>) -> Vec<(&'data OpenFile, T)> {
    let (taken, rest) = std::mem::take(files).into_iter().partition(|(file, _)| matches!(file.role, FileRole::Leftover(_)));
    *files = rest;
    taken
}
