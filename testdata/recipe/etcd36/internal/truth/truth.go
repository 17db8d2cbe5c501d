// Package truth says what is in a database file, by etcd's and bbolt's own libraries and by searching for
// bytes that the writer kept. It shares no code and no idea of page layout with the analyzer it judges.
package truth

import (
	"etcd-sleuth.invalid/recipe/etcd36/internal/seal"
	"etcd-sleuth.invalid/recipe/life"
)

// Truth is everything known about one fixture. Offsets count from the start of the unpacked file.
type Truth struct {
	Fixture  string            `json:"fixture"`
	MadeWith map[string]string `json:"made_with"`
	Seed     int               `json:"seed"`
	Size     int64             `json:"size"`
	SHA256   string            `json:"sha256"`
	Trailer  string            `json:"trailer"` // match, absent

	PageSize      int            `json:"page_size"`
	HighWaterMark int64          `json:"high_water_mark"`
	TxID          int            `json:"txid"`
	Status        *Status        `json:"etcdutl_status"`
	Check         []string       `json:"bbolt_check"`
	FreePages     int            `json:"bbolt_free_pages"`
	FreelistSaved bool           `json:"bbolt_freelist_synced"`
	Pages         []Page         `json:"bbolt_pages"`
	Buckets       map[string]int `json:"bbolt_buckets"`

	Revision        int64    `json:"revision"`
	Scheduled       int64    `json:"scheduled_compact_revision"`
	Finished        int64    `json:"finished_compact_revision"`
	ConsistentIndex uint64   `json:"consistent_index"`
	Term            uint64   `json:"term"`
	StorageVersion  string   `json:"storage_version"`
	ClusterVersion  string   `json:"cluster_version"`
	Members         []Member `json:"members"`
	Leases          int      `json:"leases"`
	AuthEnabled     bool     `json:"auth_enabled"`
	Users           []string `json:"users"`
	Roles           []string `json:"roles"`
	Alarms          []string `json:"alarms"`
	KubeSystemUID   *string  `json:"kube_system_uid"`
	KeysCurrent     int      `json:"keys_current"`
	BumpMarker      *Bump    `json:"bump_marker"`

	Keys       seal.Keys      `json:"keys"`
	Writes     []Write        `json:"writes"`
	Retained   []Retained     `json:"retained"`
	Elsewhere  []Occurrence   `json:"elsewhere"`
	Pieces     []Piece        `json:"pieces"`
	Markers    []MarkerAt     `json:"markers"`
	Raft       *Raft          `json:"raft"`
	V2         []V2           `json:"v2,omitempty"`
	SelfChecks map[string]int `json:"self_checks"`
}

// V2 is a write through the v2 API, in order. SHA256 and Length are those of the value.
type V2 struct {
	Key    string `json:"key"`
	Delete bool   `json:"delete,omitempty"`
	Marker string `json:"marker,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	Length int    `json:"length,omitempty"`
}

// Status is what `etcdutl snapshot status` of etcd 3.6 prints.
type Status struct {
	Hash      string `json:"hash"`
	Revision  int64  `json:"revision"`
	TotalKey  int    `json:"total_key"`
	TotalSize int64  `json:"total_size"`
	Version   string `json:"version"`
}

// Page is a page as bbolt's Tx.Page sees it.
type Page struct {
	ID       int    `json:"id"`
	Type     string `json:"type"`
	Count    int    `json:"count"`
	Overflow int    `json:"overflow"`
}

// Member is a member of the cluster.
type Member struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Bump is the entry that a restore with a revision bump leaves: an empty KeyValue.
type Bump struct {
	Revision int64 `json:"revision"`
	Offset   int64 `json:"offset"`
}

// Write is one write event ever made.
type Write struct {
	W           int     `json:"w"`
	Op          string  `json:"op"`
	Key         *string `json:"key"`
	KeyBase64   []byte  `json:"key_base64,omitempty"`
	Mod         int64   `json:"mod_revision"`
	Sub         int     `json:"sub"`
	Create      int64   `json:"create_revision"`
	Version     int64   `json:"version"`
	Lease       int64   `json:"lease"`
	ValueLen    int     `json:"value_len"`
	ValueSHA256 *string `json:"value_sha256"`
	Form        *string `json:"form"` // null for a delete; hides that of Facts
	life.Facts
}

// Retained is a revision that the tree of bucket "key" holds. Offset and Length are those of the value;
// of a tombstone and of an empty value, Offset is that of the KeyValue.
type Retained struct {
	W         int    `json:"w"`
	Retention string `json:"retention,omitempty"`
	Tombstone bool   `json:"tombstone,omitempty"`
	Offset    int64  `json:"offset"`
	Length    int    `json:"length"`
}

// Occurrence is a whole value of 24 bytes or more, found by its bytes.
type Occurrence struct {
	W      int   `json:"w"`
	Offset int64 `json:"offset"`
	Length int   `json:"length"`
}

// Piece is as much of a value as is there in one place, where the whole is not. Start: it begins with the value's first byte.
type Piece struct {
	W           int   `json:"w"`
	Offset      int64 `json:"offset"`
	ValueOffset int   `json:"value_offset"`
	Length      int   `json:"length"`
	Start       bool  `json:"start"`
}

// MarkerAt is one occurrence of a marker.
type MarkerAt struct {
	Marker string `json:"marker"`
	Offset int64  `json:"offset"`
}
