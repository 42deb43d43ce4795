package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"hash/adler32"
	"strings"
	"testing"

	"kafkacoord/coord/tree"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// Bytes that a Java server of version 3.9.3 wrote.
const (
	goldenLogHead = "5a4b4c47 00000002 0000000000000000"
	goldenSession = "00000000aae20956 00000030 01000025e30a0000 00000000 0000000000000001 000001a2046f9022 " +
		"fffffff6 00002710 00000002 0000000051c6d660 42"
	goldenCreate = "00000000f27f0ce2 0000005b 01000025e30a0000 00000001 0000000000000002 000001a2046f908f 00000001 " +
		"00000002 2f61 00000005 68656c6c6f 00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65 00 " +
		"00000001 00000002 000000008adb574e 42"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	must(t, err)
	return b
}

func goldenTxns() []wire.Txn {
	const session, t1, t2 = 0x1000025e30a0000, 0x1a2046f9022, 0x1a2046f908f
	return []wire.Txn{
		{
			Type: wire.OpCreateSession, Session: session, Zxid: 1, Time: t1, Timeout: 10000,
			HasDigest: true, Digest: 0x51c6d660,
		},
		{
			Type: wire.OpCreate, Session: session, Cxid: 1, Zxid: 2, Time: t2,
			Path: "/a", Data: []byte("hello"), ACL: wire.OpenACL, ParentCversion: 1,
			HasDigest: true, Digest: 0x8adb574e,
		},
	}
}

func TestLogBytes(t *testing.T) {
	fsys := vfs.NewMemory()
	o := testOptions()
	o.PreallocBytes = 0 // the default
	s, _ := mustOpen(t, fsys, o)
	for _, txn := range goldenTxns() {
		must(t, s.Append([]Entry{{Zxid: txn.Zxid, Payload: wire.AppendTxn(nil, &txn)}}))
	}
	must(t, s.Close())
	got := fileContent(t, fsys, "/data/version-2/log.1")
	want := unhex(t, goldenLogHead+goldenSession+goldenCreate)
	if !bytes.Equal(got[:len(want)], want) {
		t.Errorf("log begins with\n%x, want\n%x", got[:len(want)], want)
	}
	if !allZero(got[len(want):]) {
		t.Error("the padding is not zero")
	}
	if const64MiB := 67108880; len(got) != const64MiB {
		t.Errorf("the file has %d bytes, want %d as in Java", len(got), const64MiB)
	}
}

func TestRecoveryOfGoldenLog(t *testing.T) {
	fsys := vfs.NewMemory()
	s, _ := mustOpen(t, fsys, testOptions())
	must(t, s.Close())
	putFile(t, fsys, "/data/version-2/log.1", unhex(t, goldenLogHead+goldenSession+goldenCreate))
	_, r := mustOpen(t, fsys, testOptions())
	if r.LastZxid != 2 || r.TxnsLoaded != 2 || r.DigestMismatches != 0 || r.SnapshotZxid != 0 {
		t.Fatalf("recovered %+v", r)
	}
	if got := r.Tree.Digest(); got != 0x8adb574e {
		t.Errorf("digest %#x", got)
	}
	if len(r.Sessions) != 1 || r.Sessions[0x1000025e30a0000] != 10000 {
		t.Errorf("sessions %v", r.Sessions)
	}
	if ref := r.Tree.Find("/a"); ref == 0 || string(r.Tree.Data(ref)) != "hello" {
		t.Error("/a is not there")
	}
}

// TestSnapshotBytes builds a snapshot by hand, from the layout, and compares.
func TestSnapshotBytes(t *testing.T) {
	model := tree.New(tree.Options{Digest: true})
	for _, txn := range goldenTxns() {
		model.Apply(&txn)
	}
	var want []byte
	u32 := func(v uint32) { want = binary.BigEndian.AppendUint32(want, v) }
	u64 := func(v uint64) { want = binary.BigEndian.AppendUint64(want, v) }
	str := func(s string) { u32(uint32(len(s))); want = append(want, s...) }
	seal := func() { u64(uint64(adler32.Checksum(want))); str("/") }
	node := func(path, data string, acl int64, zxid, pzxid uint64, time uint64, cversion, aversion uint32) {
		str(path)
		str(data)
		u64(uint64(acl))
		u64(zxid)
		u64(zxid)
		u64(time)
		u64(time)
		u32(0)
		u32(cversion)
		u32(aversion)
		u64(0)
		u64(pzxid)
	}
	u32(0x5a4b534e)
	u32(2)
	u64(^uint64(0))
	u32(1)
	u64(0x1000025e30a0000)
	u32(10000)
	u32(2) // world:anyone given explicitly, and the list of the config node
	u64(1)
	u32(1)
	u32(31)
	str("world")
	str("anyone")
	u64(2)
	u32(1)
	u32(1)
	str("world")
	str("anyone")
	node("", "", -1, 0, 2, 0, 1, 0)
	node("/zookeeper", "", -1, 0, 0, 0, 0, 0)
	node("/zookeeper/quota", "", -1, 0, 0, 0, 0, 0)
	node("/zookeeper/config", "", 2, 0, 0, 0, 0, 0xffffffff)
	node("/a", "hello", 1, 2, 2, 0x1a2046f908f, 0, 0)
	str("/")
	base := len(want)
	seal()
	u64(2)
	u32(2)
	u64(0x8adb574e)
	seal()
	if got := len(want) - base; got != 13+33 {
		t.Fatalf("digest section: %d bytes", got)
	}
	u64(2)
	seal()

	view := model.View()
	defer model.Release(view)
	var got bytes.Buffer
	snap := Snapshot{View: view, Sessions: map[wire.SessionID]int32{0x1000025e30a0000: 10000}}
	n, err := WriteSnapshotTo(context.Background(), &got, snap, SnapshotFormat{})
	must(t, err)
	if n != int64(got.Len()) {
		t.Errorf("WriteSnapshotTo says %d bytes, wrote %d", n, got.Len())
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("snapshot\n%x, want\n%x", got.Bytes(), want)
	}
}
