package store

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"

	"kafkacoord/coord/tree"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// allocationMax bounds what reading a small damaged file may allocate: a
// window, a field of the longest permitted length and its growth.
const allocationMax = 16 << 20

func checkAllocation(t *testing.T, read func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	read()
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > allocationMax {
		t.Errorf("%d bytes were allocated", got)
	}
}

func FuzzLogFile(f *testing.F) {
	head := unhex(f, goldenLogHead)
	whole := unhex(f, goldenLogHead+goldenSession+goldenCreate)
	f.Add(whole)
	f.Add(append(whole, make([]byte, 100)...))
	f.Add(whole[:len(whole)-3])
	f.Add(append(head, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff))
	f.Fuzz(func(t *testing.T, content []byte) {
		fsys := vfs.NewMemory()
		putFile(t, fsys, "log.1", content)
		checkAllocation(t, func() {
			l, err := OpenLogFile(fsys, "log.1", 0)
			if err != nil {
				return
			}
			end := int64(logHeaderBytes)
			for {
				r, err := l.Next()
				if err != nil {
					var damage *CorruptionError
					if !errors.Is(err, io.EOF) && !errors.As(err, &damage) {
						t.Errorf("unexpected kind of error: %v", err)
					}
					break
				}
				if r.Offset != end {
					t.Errorf("record at %d, want %d", r.Offset, end)
				}
				// What is read is what would be written.
				again := appendRecord(nil, r.Payload)
				if !bytes.Equal(again, content[end:end+int64(len(again))]) {
					t.Errorf("record %x is written as %x", content[end:], again)
				}
				end += int64(len(again))
				var txn wire.Txn
				_ = wire.DecodeTxn(r.Payload, &txn) // must not panic
			}
			if l.Offset() != end {
				t.Errorf("ended at %d, want %d", l.Offset(), end)
			}
			must(t, l.Close())
		})
	})
}

func FuzzRecovery(f *testing.F) {
	whole := unhex(f, goldenLogHead+goldenSession+goldenCreate)
	f.Add(whole)
	f.Add(whole[:7])
	f.Add(make([]byte, 20))
	f.Fuzz(func(t *testing.T, content []byte) {
		fsys := vfs.NewMemory()
		_, _ = mustOpen(t, fsys, testOptions())
		putFile(t, fsys, "/data/version-2/log.1", content)
		s, r, err := Open(fsys, testOptions())
		if err != nil {
			return
		}
		// Whatever was there, the store can go on and come back.
		next := r.LastZxid + 1
		if next <= 0 {
			return // the largest zxid there is
		}
		must(t, s.Append([]Entry{entry(next)}))
		must(t, s.Close())
		_, again, err := Open(fsys, testOptions())
		must(t, err)
		if again.LastZxid != next {
			t.Errorf("recovered to %v, want %v", again.LastZxid, next)
		}
	})
}

func FuzzSnapshot(f *testing.F) {
	h := newHistory(1)
	h.grow(20)
	snap := h.snapshot()
	for _, format := range []SnapshotFormat{{}, {OmitDigest: true}, {OmitLastZxid: true}, {true, true}} {
		f.Add(snapshotBytes(f, snap, format), uint8(0))
	}
	for _, c := range []Compression{CompressionGzip, CompressionSnappy} {
		var b bytes.Buffer
		w, err := compressor(&b, c)
		must(f, err)
		_, err = w.Write(snapshotBytes(f, snap, SnapshotFormat{}))
		must(f, err)
		must(f, w.Close())
		f.Add(b.Bytes(), uint8(c))
	}
	f.Fuzz(func(t *testing.T, content []byte, method uint8) {
		checkAllocation(t, func() {
			r, err := decompressor(bytes.NewReader(content), Compression(method%3))
			if err != nil {
				return
			}
			r = io.LimitReader(r, 1<<20) // compressed zeroes are not what is tested
			nodes := 0
			_, err = ScanSnapshot(r, "fuzz", 0, SnapshotVisitor{
				Node: func(*tree.SnapshotNode) error { nodes++; return nil },
			})
			var damage *CorruptionError
			if err != nil && !errors.As(err, &damage) {
				t.Errorf("unexpected kind of error: %v", err)
			}
		})
		_, _ = ReadSnapshot(bytes.NewReader(content), "fuzz", 1, testOptions()) // must not panic
	})
}
