//! Segments and raft snapshots as etcd writes them, of requests and stores that a test makes.

/// A varint field of a protobuf message.
pub(crate) fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

/// A field of bytes of a protobuf message.
pub(crate) fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(value.len() as u64), value.to_vec()].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value > 0x7f {
        out.push((value & 0x7f | 0x80).to_le_bytes()[0]);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
    out
}

/// A segment with these requests as its entries, as etcd writes it; all of them are committed.
pub(crate) fn segment(requests: &[Vec<u8>]) -> Vec<u8> {
    segment_from(1, requests, requests.len() as u64)
}

/// The same of a log that begins at an index, and of which those up to `commit` are committed.
pub(crate) fn segment_from(first: u64, requests: &[Vec<u8>], commit: u64) -> Vec<u8> {
    segment_of((7, 8), first, requests, commit)
}

/// The same of a member and a cluster with these IDs.
pub(crate) fn segment_of(ids: (u64, u64), first: u64, requests: &[Vec<u8>], commit: u64) -> Vec<u8> {
    segment_behind(0, ids, first, requests, commit).0
}

/// The same behind a segment that ends with this running CRC, and the running CRC that this one ends with.
pub(crate) fn segment_behind(crc: u32, ids: (u64, u64), first: u64, requests: &[Vec<u8>], commit: u64) -> (Vec<u8>, u32) {
    let entries: Vec<_> = (first..).zip(requests).map(|(index, request)| (index, 2, request.clone())).collect();
    segment_of_entries(crc, ids, &entries, commit)
}

/// The same with these entries, each with its index and its term.
pub(crate) fn segment_of_entries(crc: u32, (member, cluster): (u64, u64), entries: &[(u64, u64, Vec<u8>)], commit: u64) -> (Vec<u8>, u32) {
    let (mut out, mut crc) = (Vec::new(), crc);
    let mut frame = |kind: u64, data: Option<Vec<u8>>| {
        crc = data.as_ref().map_or(crc, |data| crc32c::crc32c_append(crc, data));
        let record = [number(1, kind), number(2, crc.into()), data.map(|data| bytes(3, &data)).unwrap_or_default()].concat();
        let padding = record.len().next_multiple_of(8) - record.len();
        let top = if padding == 0 { 0 } else { 0x80 | padding as u64 };
        out.extend((record.len() as u64 | top << 56).to_le_bytes());
        out.extend(record);
        out.extend(vec![0; padding]);
    };
    let first = entries.first().map_or(1, |(first, ..)| *first);
    frame(4, None);
    frame(1, Some([number(1, member), number(2, cluster)].concat()));
    frame(5, Some([number(1, first - 1), number(2, 2 * u64::from(first > 1))].concat()));
    for (index, term, request) in entries {
        // A change of membership begins with two numbers, and no request does.
        let is_change = u64::from(matches!(request.as_slice(), [8, _, 16, ..]));
        frame(2, Some([number(1, is_change), number(2, *term), number(3, *index), bytes(4, request)].concat()));
    }
    frame(3, Some([number(1, entries.last().map_or(2, |(_, term, _)| *term)), number(2, 7), number(3, commit)].concat()));
    (out, crc)
}

/// The data of an entry that adds a member.
pub(crate) fn member_added(id: u64) -> Vec<u8> {
    [number(1, 1), number(2, 0), number(3, id)].concat()
}

/// A raft snapshot file of the v2 store that this JSON is, at an index of term 2, when member 7 was the only one.
pub(crate) fn raft_snapshot(store: &str, index: u64) -> Vec<u8> {
    raft_snapshot_of(&number(1, 7), store, index)
}

/// The same of other members.
pub(crate) fn raft_snapshot_of(conf_state: &[u8], store: &str, index: u64) -> Vec<u8> {
    let data = [bytes(1, store.as_bytes()), bytes(2, &[bytes(1, conf_state), number(2, index), number(3, 2)].concat())].concat();
    [number(1, crc32c::crc32c(&data).into()), bytes(2, &data)].concat()
}
