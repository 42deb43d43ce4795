package tree

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"kafkacoord/coord/wire"
)

// FuzzApplyRecords applies what a log file with good checksums may hold:
// records of any bytes, each after its length in two bytes.
func FuzzApplyRecords(f *testing.F) {
	frame := func(txns ...wire.Txn) []byte {
		var out []byte
		for i := range txns {
			b := wire.AppendTxn(nil, &txns[i])
			out = append(binary.BigEndian.AppendUint16(out, uint16(len(b))), b...)
		}
		return out
	}
	create := func(path string) wire.Txn {
		return wire.Txn{Type: wire.OpCreate, Session: -1, Zxid: 5, Path: path, Data: []byte("d"), ACL: wire.OpenACL, Ephemeral: true, ParentCversion: 1}
	}
	f.Add(frame(create("/a"), create("/a/b"), wire.Txn{Type: wire.OpDelete, Path: "/a"}))
	f.Add(frame(create("//"), create("//a"), create("/a/"), create("/a//"), create("a"), create("")))
	f.Add(frame(create("/a"), create("/a/b"), wire.Txn{Type: wire.OpCloseSession, Session: -1, Paths: []string{"/", "", "x", "//", "/a"}}))
	f.Add(frame(
		create("/zookeeper/quota/a"), create("/zookeeper/quota/a/zookeeper_limits"), create("/zookeeper/quota/a/zookeeper_stats"),
		create("/a"), wire.Txn{Type: wire.OpSetData, Path: "/a", Data: []byte("xx")}, wire.Txn{Type: wire.OpDelete, Path: "/zookeeper"},
	))
	f.Add(frame(wire.Txn{Type: wire.OpMulti, Subs: []wire.Txn{
		create("/m"),
		{Type: wire.OpCreateTTL, Path: "/t", TTL: -1},
		{Type: wire.OpCloseSession, Paths: []string{"/m"}},
		{Type: wire.OpReconfig, Path: "/", Data: []byte("x")},
	}}))
	f.Fuzz(func(t *testing.T, in []byte) {
		tr := New(Options{Digest: true, ExtendedTypes: len(in)%2 == 0})
		var txn wire.Txn
		for len(in) >= 2 {
			n := min(int(binary.BigEndian.Uint16(in)), len(in)-2)
			record := bytes.Clone(in[2 : 2+n])
			in = in[2+n:]
			if wire.DecodeTxn(record, &txn) == nil {
				tr.Apply(&txn)
				clear(record)
			}
		}
		mustSurvive(t, tr)
	})
}

// FuzzApplyOperations builds transactions out of bytes, so that most of them
// meet: every byte chooses a field, the paths come from odd segments.
func FuzzApplyOperations(f *testing.F) {
	f.Add([]byte("\x00\x01\x00\x00\x02\x00\x00\x00\x08\x10\x00\x00\x07\x01\x00\x00"))
	f.Add(bytes.Repeat([]byte{0, 0x21, 3, 9, 1, 0x42, 7, 255}, 20))
	f.Add([]byte("create delete setData setACL closeSession multi view release"))
	f.Fuzz(func(t *testing.T, in []byte) {
		in = in[:min(len(in), 2000)] // 500 operations say enough
		tr := New(Options{Digest: true, ExtendedTypes: len(in)%3 == 0})
		var views []*View
		for zxid := wire.Zxid(1); len(in) >= 4; zxid++ {
			var txn wire.Txn
			switch in[0] % 16 {
			case 14:
				views = append(views, tr.View())
			case 15:
				if len(views) > 0 {
					i := int(in[1]) % len(views)
					tr.Release(views[i])
					views = append(views[:i], views[i+1:]...)
				}
			case 13:
				txn.Type = wire.OpMulti
				for n := in[1] % 4; n > 0 && len(in) >= 8; n-- {
					in = in[4:]
					txn.Subs = append(txn.Subs, oddTxn(in))
				}
			default:
				txn = oddTxn(in)
			}
			txn.Zxid = zxid
			if in[3] >= 250 {
				txn.Zxid = wire.Zxid(in[3]) << 55 // also negative
			}
			tr.Apply(&txn)
			in = in[4:]
		}
		mustBeSound(t, tr)
		for _, v := range views {
			if _, err := read(v); err != nil {
				t.Error(err)
			}
			tr.Release(v)
		}
		mustSurvive(t, tr)
	})
}

var oddSegments = []string{
	"/a", "/b", "/", "//", "a", "", "/zookeeper", "/quota", "/zookeeper_limits", "/zookeeper_stats", "/.", "/..",
	"/\x00", "/\xff", "/" + strings.Repeat("long", 3000), "/zookeeper/quota",
}

// oddTxn makes one transaction out of four bytes.
func oddTxn(in []byte) wire.Txn {
	path := func(b byte) string {
		return oddSegments[b>>4] + oddSegments[b&15]
	}
	txn := wire.Txn{
		Type: []wire.Op{
			wire.OpCreate, wire.OpDelete, wire.OpSetData, wire.OpSetACL, wire.OpCreateContainer, wire.OpCreateTTL, wire.OpCreate2,
			wire.OpCloseSession, wire.OpCreate, wire.OpReconfig, wire.OpDeleteContainer, wire.OpCheck, wire.OpError, wire.OpPing, 99, -9,
		}[in[0]%16],
		Session: wire.SessionID(int8(in[2])) % 4, Path: path(in[1]), ACL: someACLs[in[2]%5], Ephemeral: in[2]&0x10 != 0,
		ParentCversion: int32(int8(in[2])) << 24, TTL: int64(int8(in[3])) << 33, Version: int32(in[3]),
	}
	if in[0]&0x80 != 0 {
		txn.Path += oddSegments[in[0]>>4&7]
	}
	if in[2]&0x20 != 0 {
		txn.Session = []wire.SessionID{-1 << 63, -1 << 56, 1<<63 - 1, 0}[in[3]%4]
	}
	if in[3] > 3 {
		txn.Data = bytes.Repeat([]byte("count=9,"), int(in[3]-4)*10)
	}
	if txn.Type == wire.OpCloseSession {
		txn.Paths = []string{path(in[2]), path(in[3])}
	}
	return txn
}

// mustSurvive checks a tree that hostile transactions went through: it is sound,
// everything that answers reads answers, and it can be saved and loaded.
func mustSurvive(t *testing.T, tr *Tree) {
	t.Helper()
	mustBeSound(t, tr)
	v := tr.View()
	for n := range v.Nodes {
		r := tr.Find(n.Path)
		tr.Stat(r)
		tr.AppendChildren(nil, r)
		tr.NumDescendants(r)
		tr.QuotaOf(n.Path)
		tr.QuotaOf(n.Path + "/x")
	}
	tr.Release(v)
	for range tr.Expirable(1<<62, 1) {
		continue
	}
	for _, path := range append(oddSegments, "a/b", "/a/b/c") {
		tr.Find(path)
		tr.QuotaOf(path)
	}
	if tr.Find(wire.QuotaPath) != 0 && tr.Find(wire.ConfigPath) != 0 {
		reload(t, tr)
	}
}
