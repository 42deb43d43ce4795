package integration_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"kafkacoord/coord/store"
	"kafkacoord/coord/tree"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// directoryState is what the files of a stopped server say.
type directoryState struct {
	zxid      wire.Zxid
	digest    uint64 // of the tree that the files lead to
	records   int
	digested  int // records that carry a digest
	logs      int
	snapshots int
	sealed    int            // snapshots with a digest that a log record confirms
	hashes    int            // answers to hash that a log record confirms
	types     map[string]int // records by type
	kinds     string         // the tree's znodes by kind
}

func (d directoryState) String() string {
	return fmt.Sprintf("%d records in %d logs (%s), %d with a digest; %d snapshots, digests of %d and %d of hash confirmed by the logs",
		d.records, d.logs, inWords(d.types), d.digested, d.snapshots, d.sealed, d.hashes)
}

func inWords(counts map[string]int) string {
	var words []string
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		words = append(words, fmt.Sprintf("%d %s", counts[key], key))
	}
	return strings.Join(words, ", ")
}

// readFiles reads logs and snapshots, and wants every digest in them, the tree
// that they lead to, and what the server said of itself to agree.
func (h *handover) readFiles() directoryState {
	h.t.Helper()
	state := h.readLogs()
	options := store.Options{DataDir: h.dataDir, Tree: tree.Options{ExtendedTypes: true, Digest: true}}
	loaded, err := store.Load(vfs.OS(), options)
	if err != nil {
		h.t.Fatalf("load what %s wrote: %v", h.name, err)
	}
	if loaded.DigestMismatches != 0 {
		h.t.Errorf("%s wrote %d digests that differ from the tree its files lead to: %v", h.name, loaded.DigestMismatches, loaded.Notes)
	}
	if loaded.LastZxid != state.zxid {
		h.t.Errorf("the files of %s lead to %v, its last record is %v", h.name, loaded.LastZxid, state.zxid)
	}
	state.digest, state.kinds = loaded.Tree.Digest(), census(loaded.Tree)
	if digest, ok := h.digests[state.zxid]; ok && digest != state.digest {
		h.t.Errorf("the last record of %s has digest %x, its files lead to %x", h.name, digest, state.digest)
	}
	h.readSnapshots(&state)
	for zxid, digest := range h.said {
		recorded, ok := h.digests[zxid]
		if !ok {
			continue
		}
		if state.hashes++; recorded != digest {
			h.t.Errorf("%s says digest %x at %v, the log %x", h.name, digest, zxid, recorded)
		}
	}
	// 3.5 knows no digests. The others keep those of every 128th zxid.
	if !h.serves35() && (state.digested == 0 || state.hashes == 0) && h.started/128 < state.zxid/128 {
		h.t.Errorf("%s: nothing compared: %s", h.name, state)
	}
	return state
}

// census counts the znodes by their kind, which clients cannot see.
func census(t *tree.Tree) string {
	names := map[tree.Kind]string{
		tree.Persistent: "persistent", tree.Ephemeral: "ephemeral", tree.Container: "container", tree.TTL: "TTL",
	}
	counts := make(map[string]int)
	view := t.View()
	defer t.Release(view)
	view.Nodes(func(n *tree.SnapshotNode) bool {
		counts[names[tree.KindOf(n.Owner, true)]]++
		return true
	})
	return inWords(counts)
}

func (h *handover) versionDir() string { return filepath.Join(h.dataDir, "version-2") }

func (h *handover) readLogs() directoryState {
	h.t.Helper()
	state := directoryState{types: make(map[string]int)}
	logs, err := store.ListLogs(vfs.OS(), h.versionDir())
	if err != nil {
		h.t.Fatal(err)
	}
	state.logs = len(logs)
	records, err := store.ReadLog(vfs.OS(), h.versionDir(), 0, 0)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = records.Close() }()
	for {
		record, err := records.Next()
		if errors.Is(err, io.EOF) {
			return state
		}
		if err != nil {
			h.t.Fatalf("read the logs of %s: %v", h.name, err)
		}
		var txn wire.Txn
		if err := wire.DecodeTxn(record.Payload, &txn); err != nil {
			h.t.Fatalf("decode record %v that %s has in %s: %v", record.Zxid, h.name, record.File, err)
		}
		if record.Zxid != state.zxid+1 {
			h.t.Errorf("%s has record %v after %v", h.name, record.Zxid, state.zxid)
		}
		state.zxid = record.Zxid
		state.records++
		state.types[txn.Type.String()]++
		if txn.HasDigest {
			state.digested++
			h.digests[txn.Zxid] = txn.Digest
		}
	}
}

// readSnapshots compares the digest of each snapshot with the log record of
// the same transaction. A failed transaction has none there.
func (h *handover) readSnapshots(state *directoryState) {
	h.t.Helper()
	snapshots, err := store.ListSnapshots(vfs.OS(), h.versionDir())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, file := range snapshots {
		valid, err := store.IsValidSnapshot(vfs.OS(), file)
		if err != nil {
			h.t.Fatal(err)
		}
		if !valid {
			continue
		}
		state.snapshots++
		sections, err := store.ScanSnapshotFile(vfs.OS(), file.Path, 0, store.SnapshotVisitor{})
		if err != nil {
			h.t.Fatal(err)
		}
		recorded, ok := h.digests[sections.DigestZxid]
		if !sections.HasDigest || !ok {
			continue
		}
		if state.sealed++; recorded != sections.Digest {
			h.t.Errorf("%s has digest %x at %v, the log %x", file.Path, sections.Digest, sections.DigestZxid, recorded)
		}
	}
}

// checkStartSnapshot looks for the snapshot that a server takes when it starts:
// it has to show the tree that the files before led to.
func (h *handover) checkStartSnapshot(before directoryState) {
	h.t.Helper()
	eventually(h.t, "there is a snapshot of the start", func() error {
		snapshots, err := store.ListSnapshots(vfs.OS(), h.versionDir())
		if err != nil {
			return err
		}
		for _, file := range snapshots {
			if valid, err := store.IsValidSnapshot(vfs.OS(), file); err != nil || !valid || file.Zxid != before.zxid {
				continue
			}
			options := store.Options{Tree: tree.Options{ExtendedTypes: true, Digest: true}}
			loaded, err := store.ReadSnapshotFile(vfs.OS(), file, options)
			if err != nil {
				return err
			}
			if digest := loaded.Tree.Digest(); digest != before.digest {
				h.t.Fatalf("%s wrote a snapshot at its start with digest %x, want %x", h.name, digest, before.digest)
			}
			return nil
		}
		return fmt.Errorf("none of the %d snapshots is of %v", len(snapshots), before.zxid)
	})
}
