//! The finds of an image as rows.

use std::io;

use super::super::classify::{Classified, Classifier};
use super::super::row::{Place, Retention, Row, TombstoneRow, ValueRow};
use super::super::stream::{Part, Stream};
use super::super::{Scope, Tally};
use super::Carving;
use super::find::Find;
use crate::kubernetes::StorageKey;
use crate::mvcc::Revision;

/// Finds that one task turns into rows.
const FINDS: usize = 512;

/// The rows of an image.
#[derive(Clone, Copy, Debug)]
pub struct CarveList<'a, 'data> {
    carving: &'a Carving<'data>,
    scope: &'a Scope,
}

impl<'a, 'data> CarveList<'a, 'data> {
    /// Rows of the objects in `scope`.
    pub fn new(carving: &'a Carving<'data>, scope: &'a Scope) -> Self {
        Self { carving, scope }
    }

    /// Shows every row to `render`, on all cores, and what it wrote to `write`, in the order of the rows.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn run<R, W>(&self, render: R, write: W) -> io::Result<Tally<'data>>
    where
        R: Fn(&Row<'data>, &mut Vec<u8>) + Sync,
        W: FnMut(&[u8]) -> io::Result<()>,
    {
        let mut stream = Stream::new(render, write);
        stream.rows(&self.carving.finds, FINDS, |find, part, render| {
            if let Some(row) = self.row(find, part) {
                part.show(&row, render);
            }
        })?;
        // What is odd about a value in an image says nothing of the image.
        let (tally, _) = stream.finish(self.carving.bytes);
        Ok(tally)
    }

    fn row(&self, find: &Find, part: &mut Part<'data>) -> Option<Row<'data>> {
        let Carving { bytes, names, prefixes, .. } = self.carving;
        let read = find.read(bytes)?;
        if read.is_tombstone {
            let revision = Revision { main: read.mod_revision?, sub: read.sub? };
            let row = TombstoneRow { place: Place::Image, offset: Some(find.value), pgid: None, key: read.key, revision };
            return self.scope.holds(StorageKey::of(read.key, prefixes).as_ref()).then_some(Row::Tombstone(row));
        }
        let mut classifier = Classifier { names, prefixes, digests: &mut part.digests };
        let Classified { storage_key, protection, encoding, seal, secret } = match find.is_whole {
            true => classifier.read(read.key, read.value, |_, _| {}),
            false => classifier.read_cut(read.key, read.value),
        };
        self.scope.holds(storage_key.as_ref()).then(|| {
            Row::Value(Box::new(ValueRow {
                place: Place::Image,
                retention: Retention::Residue,
                offset: (!read.value.is_empty()).then_some(find.value),
                length: read.value.len() as u64,
                pgid: None,
                key: read.key,
                mod_revision: read.mod_revision,
                sub: read.sub,
                create_revision: read.create_revision,
                version: read.version,
                lease: read.lease,
                storage_key,
                protection,
                encoding,
                seal,
                secret,
                fragment: !find.is_whole,
                duplicate: find.is_duplicate,
                newer_than_snapshot: false,
                log: None,
            }))
        })
    }
}
