package store

import (
	"errors"
	"io"
	"slices"
	"syscall"
	"testing"
	"time"

	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

func entry(zxid wire.Zxid) Entry {
	txn := wire.Txn{Type: wire.OpError, Zxid: zxid, Err: wire.NoNode}
	return Entry{Zxid: zxid, Payload: wire.AppendTxn(nil, &txn)}
}

func TestFailuresAreFinal(t *testing.T) {
	boom := errors.New("boom")
	cases := map[string]func(*vfs.Faulty){
		"write":       func(f *vfs.Faulty) { f.Add(vfs.Rule{Op: vfs.OpWrite, Path: "log.", Times: 1, Err: boom}) },
		"short write": func(f *vfs.Faulty) { f.Add(vfs.Rule{Op: vfs.OpWrite, Path: "log.", Times: 1, Short: 5, Err: boom}) },
		"create":      func(f *vfs.Faulty) { f.Add(vfs.Rule{Op: vfs.OpCreate, Path: "log.", Times: 1, Err: boom}) },
		"allocate":    func(f *vfs.Faulty) { f.Add(vfs.Rule{Op: vfs.OpAllocate, Times: 1, Err: boom}) },
		"header sync": func(f *vfs.Faulty) { f.Add(vfs.Rule{Op: vfs.OpSync, Path: "log.", Times: 1, Err: boom}) },
		"sync":        func(f *vfs.Faulty) { f.Add(vfs.Rule{Op: vfs.OpSync, Path: "log.", From: 2, Times: 1, Err: boom}) },
		"directory":   func(f *vfs.Faulty) { f.Add(vfs.Rule{Op: vfs.OpSyncDir, Times: 1, Err: boom}) },
	}
	for name, inject := range cases {
		t.Run(name, func(t *testing.T) {
			f := vfs.NewFaulty(vfs.NewMemory())
			s, _ := mustOpen(t, f, testOptions())
			inject(f)
			err := s.Append([]Entry{entry(1)})
			if err == nil {
				err = s.Sync()
			}
			if !errors.Is(err, boom) {
				t.Fatalf("the failure is not reported: %v", err)
			}
			for call, err := range map[string]error{
				"Append": s.Append([]Entry{entry(2)}), "Sync": s.Sync(), "Close": s.Close(),
			} {
				if !errors.Is(err, boom) {
					t.Errorf("%s after the failure: %v", call, err)
				}
			}
			if _, err := s.Truncate(0); err == nil {
				t.Error("Truncate after the failure worked")
			}
		})
	}
}

func TestDiskFull(t *testing.T) {
	f := vfs.NewFaulty(vfs.NewMemory())
	s, _ := mustOpen(t, f, testOptions())
	must(t, s.Append([]Entry{entry(1)}))
	must(t, s.Sync())
	f.SetSpace(20)
	if free, err := s.Free(); free != 20 || err != nil {
		t.Errorf("Free = %d, %v", free, err)
	}
	if err := s.Append([]Entry{entry(2)}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("Append on a full disk: %v", err)
	}
	f.Clear()
	_, r := mustOpen(t, f, testOptions())
	if r.LastZxid != 1 {
		t.Errorf("recovered to %v, want 1: the synced one", r.LastZxid)
	}
}

func TestAppendRefusesNonsense(t *testing.T) {
	o := testOptions()
	cases := map[string][]Entry{
		"descending": {entry(2), entry(1)},
		"equal":      {entry(2), entry(2)},
		"too short":  {{Zxid: 1, Payload: make([]byte, 31)}},
		"too long":   {{Zxid: 1, Payload: make([]byte, DefaultMaxRecordBytes+1)}},
	}
	for name, entries := range cases {
		s, _ := mustOpen(t, vfs.NewMemory(), o)
		if err := s.Append(entries); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestRollRules(t *testing.T) {
	random := int64(0)
	o := testOptions()
	o.SnapCount = 10
	o.Random = func(n int64) int64 { return min(random, n-1) }
	s, _ := mustOpen(t, vfs.NewMemory(), o)
	due := func() int {
		for n := 1; ; n++ {
			must(t, s.Append([]Entry{entry(s.LastZxid() + 1)}))
			if s.ShouldSnapshot() {
				return n
			}
		}
	}
	if got := due(); got != 6 { // more than 10/2 + 0
		t.Errorf("due after %d transactions, want 6", got)
	}
	if !s.ShouldSnapshot() {
		t.Error("no longer due although nothing was rolled")
	}
	random = 100
	s.Roll()
	if got := due(); got != 10 { // more than 10/2 + 4
		t.Errorf("due after %d transactions, want 10", got)
	}

	o.SnapCount = -1
	o.SnapSizeBytes = 100 << 10 // preallocation counts
	random = 0
	s, _ = mustOpen(t, vfs.NewMemory(), o)
	txns := due()
	if size := s.log.current.size; size <= o.SnapSizeBytes/2 || size > o.SnapSizeBytes/2+o.PreallocBytes {
		t.Errorf("due after %d transactions and %d bytes", txns, size)
	}
}

func TestLogSizeLimit(t *testing.T) {
	fsys, o := vfs.NewMemory(), testOptions()
	o.PreallocBytes, o.LogSizeBytes = -1, 200
	s, _ := mustOpen(t, fsys, o)
	for zxid := wire.Zxid(1); zxid <= 10; zxid++ {
		must(t, s.Append([]Entry{entry(zxid)}))
		must(t, s.Sync())
	}
	must(t, s.Close())
	// A record has 49 bytes, so four exceed the limit.
	want := []string{"log.1", "log.5", "log.9", "snapshot.0"}
	if got := fileNames(t, fsys, "/data/version-2"); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	_, r := mustOpen(t, fsys, o)
	if r.LastZxid != 10 || r.TxnsLoaded != 10 {
		t.Errorf("recovered %+v", r)
	}
}

func TestRollSyncsTheOldFile(t *testing.T) {
	fsys := vfs.NewMemory()
	s, _ := mustOpen(t, fsys, testOptions())
	must(t, s.Append([]Entry{entry(1)}))
	s.Roll()
	must(t, s.Append([]Entry{entry(2)}))
	s.Roll()
	s.Roll()
	must(t, s.Sync())
	fsys.Crash(0)
	_, r := mustOpen(t, fsys, testOptions())
	if r.LastZxid != 2 {
		t.Errorf("recovered to %v, want 2", r.LastZxid)
	}
}

func TestPaddedSize(t *testing.T) {
	const prealloc = 64 << 20
	cases := []struct{ end, size, prealloc, want int64 }{
		{100, 16, prealloc, prealloc + 16},
		{prealloc + 16 - 4097, prealloc + 16, prealloc, prealloc + 16},
		{prealloc + 16 - 4096, prealloc + 16, prealloc, 2*prealloc + 16},
		{3*prealloc + 5, 16, prealloc, 4 * prealloc}, // a batch larger than the step
		{100, 16, -1, 16},
	}
	for _, c := range cases {
		if got := paddedSize(c.end, c.size, c.prealloc); got != c.want {
			t.Errorf("paddedSize(%d, %d, %d) = %d, want %d", c.end, c.size, c.prealloc, got, c.want)
		}
	}
}

func TestOnSync(t *testing.T) {
	var took []time.Duration
	now := time.Unix(0, 0)
	o := testOptions()
	o.Now = func() time.Time { now = now.Add(time.Second); return now }
	o.OnSync = func(d time.Duration) { took = append(took, d) }
	s, _ := mustOpen(t, vfs.NewMemory(), o)
	must(t, s.Append([]Entry{entry(1)}))
	must(t, s.Sync())
	must(t, s.Sync()) // nothing to do, nothing reported
	if !slices.Equal(took, []time.Duration{time.Second}) {
		t.Errorf("reported %v", took)
	}
}

// discard is a file system whose files swallow what is written.
type discard struct{ vfs.FS }

func (discard) Create(string) (vfs.File, error) { return discardFile{}, nil }

type discardFile struct{ vfs.File }

func (discardFile) Write(p []byte) (int, error) { return len(p), nil }
func (discardFile) Allocate(int64) error        { return nil }
func (discardFile) Zero(int64, int64) error     { return nil }
func (discardFile) Sync() error                 { return nil }

func TestAppendDoesNotAllocate(t *testing.T) {
	s, _ := mustOpen(t, vfs.NewMemory(), testOptions())
	s.log.fs = discard{vfs.NewMemory()}
	must(t, s.log.fs.MkdirAll("/data/version-2"))
	entries := make([]Entry, 1000)
	payload := entry(1).Payload
	if got := testing.AllocsPerRun(10, func() {
		for i := range entries {
			entries[i] = Entry{Zxid: s.LastZxid() + 1 + wire.Zxid(i), Payload: payload}
		}
		must(t, s.Append(entries))
		must(t, s.Sync())
	}); got > 0 {
		t.Errorf("%v allocations for a batch of %d records", got, len(entries))
	}
}

func TestReadLog(t *testing.T) {
	fsys := vfs.NewMemory()
	s, _ := mustOpen(t, fsys, testOptions())
	for zxid := wire.Zxid(1); zxid <= 9; zxid++ {
		must(t, s.Append([]Entry{entry(zxid)}))
		if zxid%3 == 0 {
			s.Roll()
		}
	}
	// Not closed: a reader runs beside the writer.
	must(t, s.Sync())
	for from := wire.Zxid(0); from <= 11; from++ {
		it, err := ReadLog(fsys, "/data/version-2", from, 0)
		must(t, err)
		var got []wire.Zxid
		for {
			r, err := it.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			must(t, err)
			got = append(got, r.Zxid)
		}
		must(t, it.Close())
		var want []wire.Zxid
		for zxid := max(from, 1); zxid <= 9; zxid++ {
			want = append(want, zxid)
		}
		if !slices.Equal(got, want) {
			t.Errorf("from %d: %v, want %v", from, got, want)
		}
	}
	sizes, err := s.Sizes()
	must(t, err)
	if sizes.Data != sizes.Log || sizes.Log < 3*testOptions().PreallocBytes {
		t.Errorf("sizes %+v", sizes)
	}
}
