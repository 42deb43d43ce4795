package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"kafkacoord/coord/client"
	"kafkacoord/coord/store"
	"kafkacoord/coord/tree"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
	"kafkacoord/integration/javazk"
)

const goldenDir = "../../coord/store/testdata/golden"

// TestJavaReadsWhatStoreWrites hands a directory from Java to package store,
// which writes a snapshot and a log, and back to Java: a client must read what
// it read before, plus what the log says.
func TestJavaReadsWhatStoreWrites(t *testing.T) {
	cases := []struct {
		version     string
		compression store.Compression
		snapshot    bool // else only the log is ours
	}{
		{"3.4.14", store.CompressionNone, true},
		{"3.5.10", store.CompressionNone, true},
		{"3.8.4", store.CompressionNone, true},
		{"3.9.4", store.CompressionNone, false},
		{"3.9.4", store.CompressionNone, true},
		{"3.9.4", store.CompressionGzip, true},
		{"3.9.4", store.CompressionSnappy, true},
	}
	for _, c := range cases {
		name := c.version + store.SnapshotName(0, c.compression)
		if !c.snapshot {
			name = c.version + "-log"
		}
		t.Run(name, func(t *testing.T) {
			dataDir := filepath.Join(t.TempDir(), "data")
			unpack(t, filepath.Join(goldenDir, c.version+".tar.gz"), filepath.Join(dataDir, "version-2"))
			want := readState(t, filepath.Join(goldenDir, c.version+".json.gz"))
			work(t, want, store.Options{
				DataDir: dataDir, Compression: c.compression, Tree: tree.Options{Digest: true, ExtendedTypes: true},
			}, c.snapshot)
			s := javazk.StartTest(t, javazk.Options{
				Version: c.version, DataDir: dataDir, Flags: commonFlags, Config: []string{"maxSessionTimeout=600000"},
			})
			compare(t, s.Connect(), want)
			log, err := os.ReadFile(s.LogFile())
			must(t, err)
			for _, complaint := range []string{"Digests are not matching", "ERROR [main]"} {
				if bytes.Contains(log, []byte(complaint)) {
					t.Errorf("Java logs %q:\n%s", complaint, linesWith(log, complaint))
				}
			}
			if own := store.SnapshotName(wire.Zxid(want.Zxid), c.compression); c.snapshot &&
				!bytes.Contains(log, []byte(own+"\n")) {
				t.Errorf("Java did not say that it reads %s:\n%s", own, linesWith(log, "snapshot"))
			}
		})
	}
}

// work changes one znode behind the snapshot and notes that in want.
func work(t *testing.T, want *state, o store.Options, snapshot bool) {
	t.Helper()
	s, r, err := store.Open(vfs.OS(), o)
	must(t, err)
	if snapshot {
		view := r.Tree.View()
		must(t, s.WriteSnapshot(t.Context(), store.Snapshot{View: view, Sessions: r.Sessions}))
	}
	for i := range want.Nodes {
		n := &want.Nodes[i]
		if n.Path != "/p/a" {
			continue
		}
		n.Data = []byte("written by package store")
		n.Stat.Mzxid, n.Stat.Mtime = r.LastZxid+1, 1_700_000_000_000
		n.Stat.Version++
		n.Stat.DataLength = int32(len(n.Data))
		txn := wire.Txn{
			Type: wire.OpSetData, Session: wire.SessionID(want.Sessions[0].ID), Cxid: 1000,
			Zxid: n.Stat.Mzxid, Time: n.Stat.Mtime, Path: n.Path, Data: n.Data, Version: n.Stat.Version,
		}
		r.Tree.Apply(&txn)
		txn.HasDigest, txn.Digest = true, r.Tree.Digest()
		must(t, s.Append([]store.Entry{{Zxid: txn.Zxid, Payload: wire.AppendTxn(nil, &txn)}}))
	}
	must(t, s.Close())
}

func compare(t *testing.T, address string, want *state) {
	t.Helper()
	c, err := client.Dial(t.Context(), client.Config{
		Servers: []string{address}, Auth: []client.Auth{{Scheme: "digest", Data: []byte("golden:secret")}},
	})
	must(t, err)
	defer func() { must(t, c.Close()) }()
	got, err := dump(context.WithoutCancel(t.Context()), c)
	must(t, err)
	byPath := map[string]nodeState{}
	for _, n := range got.Nodes {
		byPath[n.Path] = n
	}
	for _, w := range want.Nodes {
		g := byPath[w.Path]
		delete(byPath, w.Path)
		if want.Version == "3.4.14" && w.Path == "/zookeeper" {
			continue // has gained the child config
		}
		if filepath.Base(w.Path) == "zookeeper_stats" {
			w.Data, g.Data, w.Stat.DataLength, g.Stat.DataLength = nil, nil, 0, 0 // local to a server
		}
		if !reflect.DeepEqual(g, w) {
			t.Errorf("Java has\n%+v, want\n%+v", g, w)
		}
	}
	delete(byPath, "/zookeeper/config")
	for path := range byPath {
		t.Errorf("Java has %s as well", path)
	}
}

func readState(t *testing.T, path string) *state {
	t.Helper()
	var s state
	must(t, json.Unmarshal(ungzip(t, path), &s))
	return &s
}

func unpack(t *testing.T, archive, dir string) {
	t.Helper()
	must(t, os.MkdirAll(dir, 0o755))
	r := tar.NewReader(bytes.NewReader(ungzip(t, archive)))
	for {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		must(t, err)
		content, err := io.ReadAll(r)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(dir, filepath.Base(header.Name)), content, 0o644))
	}
}

func ungzip(t *testing.T, path string) []byte {
	t.Helper()
	file, err := os.Open(path)
	must(t, err)
	defer func() { must(t, file.Close()) }()
	z, err := gzip.NewReader(file)
	must(t, err)
	content, err := io.ReadAll(z)
	must(t, err)
	return content
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// linesWith picks the lines of a log that contain a word.
func linesWith(log []byte, word string) []byte {
	var picked []byte
	for line := range bytes.Lines(log) {
		if bytes.Contains(line, []byte(word)) {
			picked = append(picked, line...)
		}
	}
	return picked
}
