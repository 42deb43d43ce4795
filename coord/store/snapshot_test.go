package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"kafkacoord/coord/tree"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// dump lists every node of a snapshot with all fields, and every session.
func dump(t testing.TB, r io.Reader) (nodes []tree.SnapshotNode, sessions map[wire.SessionID]int32, s SnapshotSections) {
	t.Helper()
	sessions = map[wire.SessionID]int32{}
	s, err := ScanSnapshot(r, "test", 0, SnapshotVisitor{
		Session: func(id wire.SessionID, timeoutMillis int32) error { sessions[id] = timeoutMillis; return nil },
		Node: func(n *tree.SnapshotNode) error {
			c := *n
			c.Path, c.Data = strings.Clone(n.Path), slices.Clone(n.Data)
			nodes = append(nodes, c)
			return nil
		},
	})
	must(t, err)
	return nodes, sessions, s
}

func snapshotBytes(t testing.TB, snap Snapshot, f SnapshotFormat) []byte {
	t.Helper()
	var b bytes.Buffer
	_, err := WriteSnapshotTo(context.Background(), &b, snap, f)
	must(t, err)
	return b.Bytes()
}

// TestSnapshotRoundTrip checks recover(write(x)) = x for many made-up states.
func TestSnapshotRoundTrip(t *testing.T) {
	for seed := range uint64(20) {
		h := newHistory(seed)
		h.grow(int(seed) * 20)
		for _, c := range []Compression{CompressionNone, CompressionGzip, CompressionSnappy} {
			fsys, o := vfs.NewMemory(), testOptions()
			o.Compression = c
			s, _ := mustOpen(t, fsys, o)
			snap := h.snapshot()
			must(t, s.WriteSnapshot(context.Background(), snap))
			_, r := mustOpen(t, fsys, o)
			h.check(t, r)
			if !maps.Equal(r.Sessions, snap.Sessions) || r.SnapshotZxid != h.last() {
				t.Fatalf("seed %d: recovered %+v", seed, r)
			}
			before, _, _ := dump(t, bytes.NewReader(snapshotBytes(t, snap, SnapshotFormat{})))
			after, _, _ := dump(t, bytes.NewReader(snapshotBytes(t, Snapshot{View: r.Tree.View()}, SnapshotFormat{})))
			compareNodes(t, before, after)
			h.tree.Release(snap.View)
		}
	}
}

// compareNodes compares two dumps by path; ACL keys are local to a file.
func compareNodes(t *testing.T, want, got []tree.SnapshotNode) {
	t.Helper()
	byPath := map[string]tree.SnapshotNode{}
	for _, n := range got {
		byPath[n.Path] = n
	}
	if len(want) != len(byPath) {
		t.Fatalf("%d nodes, want %d", len(byPath), len(want))
	}
	for _, w := range want {
		g := byPath[w.Path]
		if !bytes.Equal(w.Data, g.Data) || (w.Data == nil) != (g.Data == nil) {
			t.Fatalf("data of %q is %q, want %q", w.Path, g.Data, w.Data)
		}
		w.Data, g.Data, w.ACL, g.ACL = nil, nil, 0, 0
		if w.Path != g.Path || w.Czxid != g.Czxid || w.Mzxid != g.Mzxid || w.Pzxid != g.Pzxid ||
			w.Ctime != g.Ctime || w.Mtime != g.Mtime || w.Version != g.Version ||
			w.Cversion != g.Cversion || w.Aversion != g.Aversion || w.Owner != g.Owner {
			t.Fatalf("node %+v, want %+v", g, w)
		}
	}
}

func TestSnapshotSections(t *testing.T) {
	h := newHistory(3)
	h.grow(30)
	snap := h.snapshot()
	cases := map[string]struct {
		format SnapshotFormat
		want   SnapshotSections
	}{
		"none": {SnapshotFormat{true, true}, SnapshotSections{}},
		"digest": {SnapshotFormat{OmitLastZxid: true}, SnapshotSections{
			HasDigest: true, DigestZxid: 30, DigestVersion: 2, Digest: h.tree.Digest(),
		}},
		"last zxid": {SnapshotFormat{OmitDigest: true}, SnapshotSections{HasLastZxid: true, LastZxid: 30}},
		"both": {SnapshotFormat{}, SnapshotSections{
			HasDigest: true, DigestZxid: 30, DigestVersion: 2, Digest: h.tree.Digest(), HasLastZxid: true, LastZxid: 30,
		}},
	}
	for name, c := range cases {
		b := snapshotBytes(t, snap, c.format)
		if _, _, got := dump(t, bytes.NewReader(b)); got != c.want {
			t.Errorf("%s: read %+v, want %+v", name, got, c.want)
		}
	}
	// A digest of a version before 2 is a string of hex digits.
	b := snapshotBytes(t, snap, SnapshotFormat{true, true})
	b = binary.BigEndian.AppendUint64(b, 30)
	b = binary.BigEndian.AppendUint32(b, 1)
	b = wire.AppendString(b, "abc")
	b = binary.BigEndian.AppendUint64(b, uint64(adler32.Checksum(b)))
	b = append(b, sealTail...)
	if _, _, got := dump(t, bytes.NewReader(b)); got.DigestVersion != 1 || got.Digest != 0xabc || got.HasLastZxid {
		t.Errorf("old digest: %+v", got)
	}
}

func TestSnapshotBody(t *testing.T) {
	h := newHistory(5)
	h.grow(50)
	snap := h.snapshot()
	var b bytes.Buffer
	_, err := WriteSnapshotBody(context.Background(), &b, snap)
	must(t, err)
	b.WriteString("next packet")
	loaded, rest, err := ReadSnapshotBody(iotestOneByte{&b}, "stream", h.last(), testOptions())
	must(t, err)
	if loaded.Tree.Digest() != h.tree.Digest() || !maps.Equal(loaded.Sessions, snap.Sessions) {
		t.Error("the state differs")
	}
	if got, err := io.ReadAll(rest); err != nil || string(got) != "next packet" {
		t.Errorf("rest %q, %v", got, err)
	}
}

// iotestOneByte returns a byte a call.
type iotestOneByte struct{ io.Reader }

func (r iotestOneByte) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(1, len(p))]) }

// TestDamagedSnapshots flips each byte and cuts at each length: an error, and
// a fall-back to the older snapshot on recovery.
func TestDamagedSnapshots(t *testing.T) {
	h := newHistory(9)
	h.grow(10)
	whole := snapshotBytes(t, h.snapshot(), SnapshotFormat{})
	scan := func(b []byte) error {
		_, err := ScanSnapshot(bytes.NewReader(b), "test", 0, SnapshotVisitor{})
		return err
	}
	must(t, scan(whole))
	for i := range whole {
		damaged := slices.Clone(whole)
		damaged[i] ^= 0x01
		// The version and dbid in the header are not looked at, but are summed.
		var damage *CorruptionError
		if err := scan(damaged); !errors.As(err, &damage) {
			t.Fatalf("byte %d flipped: %v", i, err)
		}
		base, withDigest := len(whole)-54, len(whole)-21
		if err := scan(whole[:i]); !errors.As(err, &damage) && i != base && i != withDigest {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
}

func TestFallBackToOlderSnapshot(t *testing.T) {
	fsys, h := vfs.NewMemory(), newHistory(4)
	s, _ := mustOpen(t, fsys, testOptions())
	for range 2 {
		from := len(h.entries)
		h.grow(10)
		must(t, s.Append(h.entries[from:]))
		must(t, s.Sync())
		must(t, s.WriteSnapshot(context.Background(), h.snapshot()))
	}
	newest := "/data/version-2/snapshot.14"
	b := fileContent(t, fsys, newest)
	b[len(b)/2] ^= 1
	putFile(t, fsys, newest, b)
	putFile(t, fsys, "/data/version-2/snapshot.15", []byte("cut short"))
	putFile(t, fsys, "/data/version-2/snapshot.16.tmp", b)
	putFile(t, fsys, "/data/version-2/snapshot.5.bak", b)
	_, r := mustOpen(t, fsys, testOptions())
	h.check(t, r)
	if r.SnapshotZxid != 10 || r.LastZxid != 20 || len(r.Notes) != 2 {
		t.Errorf("recovered %+v", r)
	}
	if _, err := fsys.Stat("/data/version-2/snapshot.16.tmp"); err == nil {
		t.Error("the unfinished snapshot is still there")
	}
}

func TestWriteSnapshotFailures(t *testing.T) {
	boom := errors.New("boom")
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	cases := map[string]struct {
		ctx  context.Context
		rule vfs.Rule
	}{
		"write":    {context.Background(), vfs.Rule{Op: vfs.OpWrite, Path: "snapshot.a", Short: 3, Err: boom}},
		"piece":    {context.Background(), vfs.Rule{Op: vfs.OpWriteBack, Path: "snapshot.a", Err: boom}},
		"sync":     {context.Background(), vfs.Rule{Op: vfs.OpSync, Path: "snapshot.a", Err: boom}},
		"create":   {context.Background(), vfs.Rule{Op: vfs.OpCreate, Path: "snapshot.a", Err: boom}},
		"canceled": {canceled, vfs.Rule{}},
	}
	h := newHistory(4)
	h.grow(9)
	h.add(wire.Txn{Type: wire.OpCreate, Path: "/large", Data: make([]byte, snapshotPieceBytes), ACL: wire.OpenACL, ParentCversion: -1})
	for name, c := range cases {
		f := vfs.NewFaulty(vfs.NewMemory())
		s, _ := mustOpen(t, f, testOptions())
		f.Add(c.rule)
		err := s.WriteSnapshot(c.ctx, h.snapshot())
		if !errors.Is(err, boom) && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		if got := fileNames(t, f, "/data/version-2"); !slices.Equal(got, []string{"snapshot.0"}) {
			t.Errorf("%s: files %q are left", name, got)
		}
		// The log is not touched by it.
		must(t, s.Append([]Entry{entry(1)}))
		must(t, s.Sync())
	}
}

// TestSnapshotRests: whoever writes a large snapshot gets to rest after each piece,
// with that piece in the file.
func TestSnapshotRests(t *testing.T) {
	const pieces = 5
	h := newHistory(5)
	for i := range pieces {
		h.add(wire.Txn{
			Type: wire.OpCreate, Path: fmt.Sprintf("/large%d", i), Data: make([]byte, snapshotPieceBytes), ACL: wire.OpenACL, ParentCversion: -1,
		})
	}
	fsys := vfs.NewMemory()
	s, _ := mustOpen(t, fsys, testOptions())
	rests := 0
	snap := h.snapshot()
	snap.Rest = func() {
		rests++
		info, err := fsys.Stat("/data/version-2/" + SnapshotName(snap.View.Zxid(), CompressionNone) + temporary)
		if err != nil || info.Size < int64(rests)*snapshotPieceBytes {
			t.Errorf("rest %d: the file has %d bytes, error %v", rests, info.Size, err)
		}
	}
	must(t, s.WriteSnapshot(t.Context(), snap))
	if rests != pieces {
		t.Errorf("%d rests in %d pieces", rests, pieces)
	}
}

func TestSnappyFraming(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 10_000)
	var b bytes.Buffer
	w, err := compressor(&b, CompressionSnappy)
	must(t, err)
	for piece := range slices.Chunk(content, 999) {
		_, err := w.Write(piece)
		must(t, err)
	}
	must(t, w.Close())
	wantHead := unhex(t, "82534e4150505900 00000001 00000001")
	if !bytes.HasPrefix(b.Bytes(), wantHead) {
		t.Errorf("head %x", b.Bytes()[:16])
	}
	whole := slices.Clone(b.Bytes())
	r, err := decompressor(&b, CompressionSnappy)
	must(t, err)
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	for i := range whole {
		r, err := decompressor(bytes.NewReader(whole[:i]), CompressionSnappy)
		must(t, err)
		if got, err := io.ReadAll(r); err == nil && len(got)%snappyBlockBytes != 0 {
			t.Fatalf("cut at %d: %d bytes and no error", i, len(got))
		}
	}
}

func TestValidSnapshot(t *testing.T) {
	cases := map[string]struct {
		name, content string
		want          bool
	}{
		"plain":         {"snapshot.1", "ZKSN......\x00\x00\x00\x01/", true},
		"too short":     {"snapshot.1", "ZKSN\x00\x00\x00\x01/", false},
		"no seal":       {"snapshot.1", "ZKSN......\x00\x00\x00\x01.", false},
		"empty":         {"snapshot.1", "", false},
		"gzip":          {"snapshot.1.gz", "\x1f\x8b", true},
		"not gzip":      {"snapshot.1.gz", "\x1f", false},
		"empty gzip":    {"snapshot.1.gz", "", false},
		"snappy":        {"snapshot.1.snappy", "\x82SNAPPY\x00", true},
		"not snappy":    {"snapshot.1.snappy", "\x82SNAPPY\x01", false},
		"plain as gzip": {"snapshot.1.gz", "ZKSN......\x00\x00\x00\x01/", false},
	}
	for name, c := range cases {
		fsys := vfs.NewMemory()
		putFile(t, fsys, c.name, []byte(c.content))
		got, err := IsValidSnapshot(fsys, FileInfo{Path: c.name, Size: int64(len(c.content))})
		if got != c.want || err != nil {
			t.Errorf("%s: %t, %v", name, got, err)
		}
	}
}
