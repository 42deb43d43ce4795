package store

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"kafkacoord/coord/tree"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// testOptions are small enough for an in-memory disk that is copied often.
func testOptions() Options {
	return Options{
		DataDir: "/data", PreallocBytes: 8 << 10, SnapCount: 10,
		Random: func(int64) int64 { return 0 },
		Tree:   tree.Options{Digest: true},
	}
}

// history is a made-up sequence of transactions with the state after each:
// the model that recovery is compared with.
type history struct {
	entries []Entry
	digests map[wire.Zxid]uint64 // of the tree after each transaction; 0 is the empty one
	tree    *tree.Tree
	random  *rand.Rand
}

func newHistory(seed uint64) *history {
	h := &history{
		tree: tree.New(tree.Options{Digest: true}), digests: map[wire.Zxid]uint64{},
		random: rand.New(rand.NewPCG(seed, 1)),
	}
	h.digests[0] = h.tree.Digest()
	return h
}

// add appends one transaction, with the next zxid and the digest after it.
func (h *history) add(txn wire.Txn) {
	txn.Zxid = h.last() + 1
	txn.Time = 1_700_000_000_000 + wire.Millis(txn.Zxid)
	h.tree.Apply(&txn)
	if txn.Type != wire.OpError {
		txn.HasDigest, txn.Digest = true, h.tree.Digest()
	}
	h.digests[txn.Zxid] = h.tree.Digest()
	h.entries = append(h.entries, Entry{Zxid: txn.Zxid, Payload: wire.AppendTxn(nil, &txn)})
}

func (h *history) last() wire.Zxid {
	if len(h.entries) == 0 {
		return 0
	}
	return h.entries[len(h.entries)-1].Zxid
}

// grow adds n transactions of all kinds, some of them larger than a sector.
func (h *history) grow(n int) {
	for range n {
		session := wire.SessionID(h.random.IntN(3) + 1)
		path := fmt.Sprintf("/n%d", h.random.IntN(12))
		data := []byte(strings.Repeat("d", h.random.IntN(4)*h.random.IntN(900)))
		switch h.random.IntN(8) {
		case 0:
			h.add(wire.Txn{Type: wire.OpCreateSession, Session: session, Timeout: 1000 * int32(session)})
		case 1:
			h.add(wire.Txn{Type: wire.OpCloseSession, Session: session, Paths: []string{}})
		case 2:
			h.add(wire.Txn{Type: wire.OpError, Session: session, Err: wire.NoNode})
		case 3:
			h.add(wire.Txn{Type: wire.OpDelete, Path: path})
		case 4:
			h.add(wire.Txn{Type: wire.OpSetACL, Path: path, Version: int32(len(data)), ACL: []wire.ACL{
				{Perms: wire.PermRead, ID: wire.ID{Scheme: "ip", ID: "127.0.0.1"}},
			}})
		case 5:
			h.add(wire.Txn{Type: wire.OpMulti, Session: session, Subs: []wire.Txn{
				{Type: wire.OpSetData, Path: path, Data: data, Version: 3},
				{Type: wire.OpCreate, Path: path + "/c", ACL: wire.OpenACL, ParentCversion: -1},
			}})
		case 6:
			h.add(wire.Txn{Type: wire.OpSetData, Path: path, Data: data, Version: int32(h.last())})
		default:
			h.add(wire.Txn{
				Type: wire.OpCreate, Session: session, Path: path, Data: data, ACL: wire.OpenACL,
				Ephemeral: len(data)%2 == 0, ParentCversion: -1,
			})
		}
	}
}

// snapshot is the state of the model now.
func (h *history) snapshot() Snapshot {
	return Snapshot{View: h.tree.View(), Sessions: map[wire.SessionID]int32{1: 1000, 2: 2000}}
}

// check compares a recovered state with the model.
func (h *history) check(t *testing.T, r *Recovered) {
	t.Helper()
	want, known := h.digests[r.LastZxid]
	if !known {
		t.Fatalf("recovered up to %v, which never was", r.LastZxid)
	}
	if got := r.Tree.Digest(); got != want {
		t.Fatalf("digest at %v is %#x, want %#x", r.LastZxid, got, want)
	}
	if r.DigestMismatches != 0 {
		t.Fatalf("%d digest mismatches; notes: %q", r.DigestMismatches, r.Notes)
	}
	if r.Tree.Zxid() != r.LastZxid {
		t.Fatalf("the tree is at %v, the recovery at %v", r.Tree.Zxid(), r.LastZxid)
	}
}

func mustOpen(t testing.TB, fsys vfs.FS, o Options) (*Store, *Recovered) {
	t.Helper()
	s, r, err := Open(fsys, o)
	must(t, err)
	return s, r
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// putFile makes a file with durable content.
func putFile(t testing.TB, fsys vfs.FS, path string, content []byte) {
	t.Helper()
	must(t, writeAtomically(fsys, path, content))
}

func fileContent(t testing.TB, fsys vfs.FS, path string) []byte {
	t.Helper()
	f, err := fsys.Open(path)
	must(t, err)
	size, err := f.Size()
	must(t, err)
	b := make([]byte, size)
	if size > 0 {
		_, err = f.ReadAt(b, 0)
		must(t, err)
	}
	must(t, f.Close())
	return b
}

func fileNames(t testing.TB, fsys vfs.FS, dir string) []string {
	t.Helper()
	infos, err := fsys.ReadDir(dir)
	must(t, err)
	names := []string{}
	for _, info := range infos {
		names = append(names, info.Name)
	}
	return names
}
