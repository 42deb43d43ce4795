package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"kafkacoord/coord/tree"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// bigTree is a tree of n nodes of 100 bytes, 100 children a parent.
func bigTree(n int) *tree.Tree {
	t := tree.New(tree.Options{Digest: true})
	data := make([]byte, 100)
	txn := wire.Txn{Type: wire.OpCreate, Data: data, ACL: wire.OpenACL, ParentCversion: -1}
	for i := range n {
		parent := fmt.Sprintf("/node%06d", i/100)
		txn.Zxid++
		if txn.Path = parent; i%100 != 0 {
			txn.Path = fmt.Sprintf("%s/child%03d", parent, i%100)
		}
		t.Apply(&txn)
	}
	return t
}

// BenchmarkSnapshot writes and loads a million nodes of 100 bytes.
func BenchmarkSnapshot(b *testing.B) {
	model := bigTree(1_000_000)
	o := Options{DataDir: b.TempDir(), Tree: tree.Options{Digest: true}}
	s, _ := mustOpen(b, vfs.OS(), o)
	view := model.View()
	for _, c := range []Compression{CompressionNone, CompressionSnappy, CompressionGzip} {
		s.options.Compression = c
		must(b, s.WriteSnapshot(context.Background(), Snapshot{View: view})) // for runs of one kind only
		file := FileInfo{Path: o.withDefaults().snapshotDir() + "/" + SnapshotName(view.Zxid(), c), Zxid: view.Zxid()}
		b.Run("write"+c.suffix(), func(b *testing.B) {
			for b.Loop() {
				must(b, s.WriteSnapshot(context.Background(), Snapshot{View: view}))
			}
			info, err := vfs.OS().Stat(file.Path)
			must(b, err)
			b.SetBytes(info.Size)
		})
		b.Run("scan"+c.suffix(), func(b *testing.B) {
			for b.Loop() {
				_, err := ScanSnapshotFile(vfs.OS(), file.Path, 0, SnapshotVisitor{})
				must(b, err)
			}
		})
		b.Run("load"+c.suffix(), func(b *testing.B) {
			for b.Loop() {
				loaded, err := ReadSnapshotFile(vfs.OS(), file, s.options)
				must(b, err)
				if loaded.Tree.Digest() != model.Digest() {
					b.Fatal("digests differ")
				}
			}
		})
	}
}

// BenchmarkAppend measures one group commit: a batch of records of some 150
// bytes and one sync on a real disk, or none.
func BenchmarkAppend(b *testing.B) {
	for _, sync := range []bool{false, true} {
		for _, batch := range []int{1, 100, 1000} {
			b.Run(fmt.Sprintf("sync=%t/batch=%d", sync, batch), func(b *testing.B) {
				s, _ := mustOpen(b, vfs.OS(), Options{DataDir: b.TempDir(), NoSync: !sync})
				payload := make([]byte, 150)
				entries := make([]Entry, batch)
				zxid := wire.Zxid(0)
				began := time.Now()
				for b.Loop() {
					for i := range entries {
						zxid++
						entries[i] = Entry{Zxid: zxid, Payload: payload}
					}
					must(b, s.Append(entries))
					must(b, s.Sync())
				}
				b.ReportMetric(float64(zxid)/time.Since(began).Seconds(), "records/s")
				must(b, s.Close())
			})
		}
	}
}

// BenchmarkReplay recovers 100,000 transactions.
func BenchmarkReplay(b *testing.B) {
	o := Options{DataDir: b.TempDir(), Tree: tree.Options{Digest: true}}
	s, _ := mustOpen(b, vfs.OS(), o)
	h := newHistory(1)
	h.grow(100_000)
	must(b, s.Append(h.entries))
	must(b, s.Close())
	for b.Loop() {
		r, err := Load(vfs.OS(), o)
		must(b, err)
		if r.TxnsLoaded != len(h.entries) || r.DigestMismatches != 0 {
			b.Fatalf("%d transactions, %d mismatches", r.TxnsLoaded, r.DigestMismatches)
		}
	}
}
