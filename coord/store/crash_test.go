package store

import (
	"context"
	"errors"
	"testing"

	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// work runs a store through appends of different sizes, syncs, rolls,
// snapshots, purges and one truncation, until an operation fails. It returns
// the last zxid that a sync covered and the last one that was appended.
func work(fsys vfs.FS, o Options, h *history) (synced, appended wire.Zxid, err error) {
	s, r, err := Open(fsys, o)
	if err != nil {
		return 0, 0, err
	}
	synced, appended = r.LastZxid, r.LastZxid
	for batch := range 12 {
		from := len(h.entries)
		h.grow(1 + batch%4)
		appended = h.last()
		if err := s.Append(h.entries[from:]); err != nil {
			return synced, appended, err
		}
		if batch%3 != 1 {
			if err := s.Sync(); err != nil {
				return synced, appended, err
			}
			synced = appended
		}
		if s.ShouldSnapshot() {
			s.Roll()
			snap := h.snapshot()
			err := s.WriteSnapshot(context.Background(), snap)
			h.tree.Release(snap.View)
			if err != nil {
				return synced, appended, err
			}
			// Durable by way of the snapshot, synced or not.
			synced = appended
			if _, err := s.Purge(3); err != nil {
				return synced, appended, err
			}
		}
	}
	return synced, appended, s.Close()
}

// TestCrashAnywhere cuts power between any two operations of the disk, lets
// different parts of the unsynced data survive, and recovers: nothing synced
// may be missing, nothing may be there that was not appended, and the store
// must go on.
func TestCrashAnywhere(t *testing.T) {
	variants := map[string]func(*Options){
		"padded":   func(*Options) {},
		"unpadded": func(o *Options) { o.PreallocBytes = -1 },
		"two directories, small files": func(o *Options) {
			o.LogDir = "/log"
			o.LogSizeBytes = 1000
		},
		"snappy": func(o *Options) { o.Compression = CompressionSnappy },
	}
	for name, vary := range variants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := testOptions()
			vary(&o)
			whole := vfs.NewMemory()
			_, _, err := work(whole, o, newHistory(1))
			must(t, err)
			for n := range whole.Operations() + 1 {
				crashAt(t, o, n)
			}
		})
	}
}

func crashAt(t *testing.T, o Options, n int) {
	t.Helper()
	const seeds = 8
	disk := vfs.NewMemory()
	disk.CrashAfter(n)
	h := newHistory(1)
	synced, appended, err := work(disk, o, h)
	if err != nil && !errors.Is(err, vfs.ErrCrashed) {
		t.Fatalf("crash after %d operations: %v", n, err)
	}
	for i := range uint64(seeds) {
		seed := i
		if i > 1 {
			seed += uint64(n) * seeds // the two ends always, the others ever new
		}
		clone := disk.Clone()
		clone.Crash(seed)
		s, r, err := Open(clone, o)
		if err != nil {
			t.Fatalf("crash after %d operations, seed %d: %v", n, seed, err)
		}
		if r.LastZxid < synced || r.LastZxid > appended {
			t.Fatalf("crash after %d operations, seed %d: recovered to %v, synced was %v, appended %v",
				n, seed, r.LastZxid, synced, appended)
		}
		h.check(t, r)
		goOn(t, clone, o, s, r)
	}
}

// goOn appends behind a recovery and recovers once more.
func goOn(t *testing.T, fsys *vfs.Memory, o Options, s *Store, r *Recovered) {
	t.Helper()
	h := &history{tree: r.Tree, digests: map[wire.Zxid]uint64{}, random: newHistory(2).random}
	h.entries = []Entry{{Zxid: r.LastZxid}} // where zxids go on
	h.grow(3)
	must(t, s.Append(h.entries[1:]))
	must(t, s.Sync())
	fsys.Crash(0)
	s, again := mustOpen(t, fsys, o)
	if again.LastZxid != h.last() {
		t.Fatalf("after a second run: recovered to %v, want %v", again.LastZxid, h.last())
	}
	h.check(t, again)
	must(t, s.Close())
}

// TestCrashDuringTruncate checks that an interrupted truncation leaves a
// history without holes that a second truncation can finish.
func TestCrashDuringTruncate(t *testing.T) {
	prepare := func() (*vfs.Memory, *history, *Store) {
		disk, h := vfs.NewMemory(), newHistory(7)
		s, _ := mustOpen(t, disk, testOptions())
		for range 4 {
			from := len(h.entries)
			h.grow(5)
			must(t, s.Append(h.entries[from:]))
			must(t, s.Sync())
			s.Roll()
			snap := h.snapshot()
			must(t, s.WriteSnapshot(context.Background(), snap))
			h.tree.Release(snap.View)
		}
		return disk, h, s
	}
	const target = wire.Zxid(8)
	disk, _, s := prepare()
	before := disk.Operations()
	_, err := s.Truncate(target)
	must(t, err)
	for n := range disk.Operations() - before {
		for seed := range uint64(6) {
			disk, h, s := prepare()
			disk.CrashAfter(n)
			if _, err := s.Truncate(target); !errors.Is(err, vfs.ErrCrashed) {
				t.Fatalf("crash after %d operations: %v", n, err)
			}
			disk.Crash(seed)
			s, r := mustOpen(t, disk, testOptions())
			h.check(t, r)
			if r.LastZxid < target {
				t.Fatalf("crash after %d operations: only %v is left", n, r.LastZxid)
			}
			r, err := s.Truncate(target)
			must(t, err)
			h.check(t, r)
			must(t, s.Close())
		}
	}
}
