//! What most values of most databases are: objects in clear that nobody asked for. They are counted, and no row is made of them.

use super::Tally;
use crate::kubernetes::{Encoding, Object, StorageKey};
use crate::row::{Form, Found, FoundContent, Scope};
use crate::store::Store;

/// An object of another resource than is asked for, under a key of that resource. Its row would say nothing more: it is in protobuf, in
/// clear by its first bytes, whole, and of a kind that is no Secret.
pub(super) struct Ordinary<'data> {
    key: StorageKey<'data>,
    object: &'data [u8],
}

impl<'data> Ordinary<'data> {
    /// Whether a find is one. What may be anything else is looked at as every find is.
    pub(super) fn of(store: &dyn Store<'data>, scope: &Scope, found: &Found<'data>) -> Option<Self> {
        let FoundContent::Value(object) = found.content else { return None };
        if !Object::begins_as_other_in_protobuf(object) {
            return None;
        }
        let key = StorageKey::of(found.key, store.prefixes())?;
        let resource = &key.group_resource;
        // The group of a resource without one stands in the object, which has to be read for it.
        let is_told_by_key = !resource.is_secrets() && !resource.is_without_group() && !scope.holds_object(Some(&key));
        (is_told_by_key && !Object::is_secret(object, Encoding::Protobuf)).then_some(Self { key, object })
    }

    /// Counts it as its row would be.
    pub(super) fn count(self, found: &Found<'data>, tally: &mut Tally<'data>) {
        tally.note_key_material(found.key, Some(&self.key), self.object, found.retention);
        tally.add_object((found.place, found.retention), || Some(self.key.group_resource), Form::Plaintext, false);
    }
}
