package store

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kafkacoord/coord/tree"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// javaState is what a client read from a Java server; see testdata/golden.
type javaState struct {
	Version  string
	Zxid     wire.Zxid
	Sessions []struct {
		ID            wire.SessionID
		TimeoutMillis int32
	}
	Nodes []struct {
		Path string
		Data []byte
		Stat wire.Stat
		ACL  []wire.ACL
	}
}

// forEachJava runs a test on a fresh copy of each golden directory.
func forEachJava(t *testing.T, f func(t *testing.T, fsys *vfs.Memory, o Options, want *javaState)) {
	archives, err := filepath.Glob("testdata/golden/*.tar.gz")
	must(t, err)
	if len(archives) < 7 {
		t.Fatalf("only %d golden directories", len(archives))
	}
	for _, archive := range archives {
		name := strings.TrimSuffix(filepath.Base(archive), ".tar.gz")
		t.Run(name, func(t *testing.T) {
			var want javaState
			must(t, json.Unmarshal(ungzip(t, strings.TrimSuffix(archive, ".tar.gz")+".json.gz"), &want))
			o := testOptions()
			o.Tree = tree.Options{Digest: true, ExtendedTypes: true}
			f(t, unpack(t, archive), o.withDefaults(), &want)
		})
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

func unpack(t *testing.T, archive string) *vfs.Memory {
	t.Helper()
	fsys := vfs.NewMemory()
	must(t, makeDirectory(fsys, "/data/version-2"))
	r := tar.NewReader(bytes.NewReader(ungzip(t, archive)))
	for {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return fsys
		}
		must(t, err)
		content, err := io.ReadAll(r)
		must(t, err)
		putFile(t, fsys, "/data/version-2/"+header.Name, content)
	}
}

var quotaNumbers = regexp.MustCompile(`^count=\d+,bytes=\d+`)

// checkJava compares a recovered state with what the client had read.
func checkJava(t *testing.T, r *Recovered, want *javaState) {
	t.Helper()
	if r.LastZxid != want.Zxid {
		t.Errorf("last zxid %v, want %v", r.LastZxid, want.Zxid)
	}
	if r.DigestMismatches != 0 {
		t.Errorf("%d digest mismatches", r.DigestMismatches)
	}
	sessions := map[wire.SessionID]int32{}
	for _, s := range want.Sessions {
		sessions[s.ID] = s.TimeoutMillis
	}
	if !maps.Equal(r.Sessions, sessions) {
		t.Errorf("sessions %v, want %v", r.Sessions, sessions)
	}
	// 3.4 has no /zookeeper/config; every newer server adds it on loading.
	old := strings.HasPrefix(want.Version, "3.4.")
	nodes := len(want.Nodes)
	if old {
		nodes++
	}
	if r.Tree.NumNodes() != nodes {
		t.Errorf("%d nodes, want %d", r.Tree.NumNodes(), nodes)
	}
	for _, w := range want.Nodes {
		ref := r.Tree.Find(strings.TrimSuffix(w.Path, "/"))
		if ref == 0 {
			t.Errorf("%s is missing", w.Path)
			continue
		}
		data, stat := r.Tree.Data(ref), r.Tree.Stat(ref)
		if old && w.Path == "/zookeeper" {
			w.Stat.NumChildren++
			w.Stat.Cversion--
		}
		if strings.HasSuffix(w.Path, "/zookeeper_stats") {
			// Local to each server, and printed differently by versions.
			data, w.Data = quotaNumbers.Find(data), quotaNumbers.Find(w.Data)
			w.Stat.DataLength = stat.DataLength
		}
		if !bytes.Equal(data, w.Data) || (data == nil) != (w.Data == nil) {
			t.Errorf("data of %s is %q, want %q", w.Path, data, w.Data)
		}
		if stat != w.Stat {
			t.Errorf("stat of %s is\n%+v, want\n%+v", w.Path, stat, w.Stat)
		}
		if acl := r.Tree.ACL(ref); !slices.Equal(acl, w.ACL) {
			t.Errorf("list of %s is %v, want %v", w.Path, acl, w.ACL)
		}
	}
}

// TestJavaDirectories recovers from the newest snapshot, from each older one
// with more of the logs, and from the logs alone.
func TestJavaDirectories(t *testing.T) {
	forEachJava(t, func(t *testing.T, fsys *vfs.Memory, o Options, want *javaState) {
		snapshots, err := ListSnapshots(fsys, o.snapshotDir())
		must(t, err)
		if len(snapshots) < 3 {
			t.Fatalf("only %d snapshots", len(snapshots))
		}
		for _, newest := range snapshots {
			r, err := Load(fsys, o)
			must(t, err)
			if r.SnapshotZxid != newest.Zxid {
				t.Errorf("used %v, want %v; notes %q", r.SnapshotZxid, newest.Zxid, r.Notes)
			}
			checkJava(t, r, want)
			must(t, fsys.Remove(newest.Path))
		}
		o.TrustEmpty = true
		r, err := Load(fsys, o)
		must(t, err)
		checkJava(t, r, want)
	})
}

// TestJavaDirectoryGoesOn opens, writes log and snapshot, and opens again.
func TestJavaDirectoryGoesOn(t *testing.T) {
	forEachJava(t, func(t *testing.T, fsys *vfs.Memory, o Options, want *javaState) {
		s, r := mustOpen(t, fsys, o)
		checkJava(t, r, want)
		view := r.Tree.View()
		must(t, s.WriteSnapshot(context.Background(), Snapshot{View: view, Sessions: r.Sessions}))
		want.Zxid++
		must(t, s.Append([]Entry{entry(want.Zxid)}))
		must(t, s.Close())
		fsys.Crash(0)
		_, r = mustOpen(t, fsys, o)
		checkJava(t, r, want)
	})
}

// TestJavaRecords checks that every record that Java wrote is encoded again to
// the same bytes, and framed to the same bytes.
func TestJavaRecords(t *testing.T) {
	forEachJava(t, func(t *testing.T, fsys *vfs.Memory, o Options, want *javaState) {
		it, err := ReadLog(fsys, o.logDir(), 0, 0)
		must(t, err)
		types := map[wire.Op]int{}
		for {
			record, err := it.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			must(t, err)
			var txn wire.Txn
			must(t, wire.DecodeTxn(record.Payload, &txn))
			types[txn.Type]++
			if again := wire.AppendTxn(nil, &txn); !bytes.Equal(again, record.Payload) {
				t.Errorf("%v is encoded as\n%x, was\n%x", txn.Zxid, again, record.Payload)
			}
			framed := appendRecord(nil, record.Payload)
			if was := fileContent(t, fsys, record.File)[record.Offset:]; !bytes.HasPrefix(was, framed) {
				t.Errorf("%v is framed as %x", txn.Zxid, framed)
			}
		}
		needed := []wire.Op{
			wire.OpCreate, wire.OpDelete, wire.OpSetData, wire.OpSetACL, wire.OpMulti, wire.OpError,
			wire.OpCreateSession, wire.OpCloseSession,
		}
		if !strings.HasPrefix(want.Version, "3.4.") {
			needed = append(needed, wire.OpCreate2, wire.OpCreateContainer, wire.OpCreateTTL)
		}
		for _, op := range needed {
			if types[op] == 0 {
				t.Errorf("no %v among the records: %v", op, types)
			}
		}
	})
}

// TestJavaTruncate drops the last transactions of a Java directory.
func TestJavaTruncate(t *testing.T) {
	forEachJava(t, func(t *testing.T, fsys *vfs.Memory, o Options, want *javaState) {
		for _, back := range []wire.Zxid{1, 20, 60} {
			s, r := mustOpen(t, fsys.Clone(), o)
			target := r.LastZxid - back
			r, err := s.Truncate(target)
			must(t, err)
			if r.LastZxid != target || r.DigestMismatches != 0 {
				t.Errorf("truncated to %v: at %v with %d mismatches", target, r.LastZxid, r.DigestMismatches)
			}
		}
	})
}
