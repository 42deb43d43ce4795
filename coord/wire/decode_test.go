package wire

import (
	"reflect"
	"runtime/metrics"
	"testing"
)

// TestRefusedRequests has records that are long enough and still wrong.
func TestRefusedRequests(t *testing.T) {
	cases := []struct {
		name string
		op   Op
		hex  string
	}{
		{"null path", OpGetData, "ffffffff 00"},
		{"negative path length", OpGetData, "fffffffe 00"},
		{"path longer than the record", OpGetData, "00000005 2f61 00"},
		{"negative data length", OpSetData, "00000002 2f61 fffffffe 00000000"},
		{"null acl id", OpSetACL, "00000002 2f61 00000001 0000001f 00000005 776f726c64 ffffffff 00000000"},
		{"acl count beyond the record", OpSetACL, "00000002 2f61 00000002 0000001f 00000000 00000000 00000000"},
		{"unknown watch type 0", OpRemoveWatches, "00000002 2f61 00000000"},
		{"unknown watch type 6", OpCheckWatches, "00000002 2f61 00000006"},
		{"unknown addWatch mode", OpAddWatch, "00000002 2f61 00000002"},
		{"null sasl token", OpSASL, "ffffffff"},
		{"write in multiRead", OpMultiRead, "00000002 00 ffffffff 00000002 2f61 ffffffff ffffffff 01 ffffffff"},
		{"read in multi", OpMulti, "00000004 00 ffffffff 00000002 2f61 00 ffffffff 01 ffffffff"},
		{"setACL in multi", OpMulti, "00000007 00 ffffffff 00000002 2f61 00000000 00000000 ffffffff 01 ffffffff"},
		{"multi in multi", OpMulti, "0000000e 00 ffffffff ffffffff 01 ffffffff ffffffff 01 ffffffff"},
		{"multi without end", OpMulti, "00000002 00 ffffffff 00000002 2f61 ffffffff"},
		{"flag 7 in multi", OpMulti, "00000001 00 ffffffff 00000002 2f61 ffffffff 00000000 00000007 ffffffff 01 ffffffff"},
		{"flag 5 under create in multi", OpMulti, "00000001 00 ffffffff 00000002 2f61 ffffffff 00000000 00000005 ffffffff 01 ffffffff"},
		{"negative flag in multi", OpMulti, "00000001 00 ffffffff 00000002 2f61 ffffffff 00000000 ffffffff ffffffff 01 ffffffff"},
	}
	for _, c := range cases {
		var r Request
		if err := DecodeRequest(c.op, unhex(t, c.hex), &r); err != ErrMalformed {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestAcceptedOddities has records that look wrong and are not.
func TestAcceptedOddities(t *testing.T) {
	cases := []struct {
		name string
		op   Op
		hex  string
		want Request
	}{
		{"any byte is true", OpExists, "00000002 2f61 80", Request{Path: "/a", Watch: true}},
		{"flags are not judged outside a multi", OpCreate, "00000002 2f61 ffffffff 00000000 00000063", Request{Path: "/a", ACL: []ACL{}, Flags: 99}},
		{"null acl", OpCreate, "00000002 2f61 00000000 ffffffff 00000000", Request{Path: "/a", Data: []byte{}}},
		{"negative count is an empty list", OpCreate, "00000002 2f61 ffffffff fffffffe 00000000", Request{Path: "/a", ACL: []ACL{}}},
		{
			"null acl scheme", OpSetACL, "00000002 2f61 00000001 0000001f ffffffff 00000001 78 00000005",
			Request{Path: "/a", ACL: []ACL{{Perms: 31, ID: ID{ID: "x"}}}, Version: 5},
		},
		{"null prefix", OpGetEphemerals, "ffffffff", Request{}},
		{
			"null vector in setWatches", OpSetWatches, "0000000000000000 00000001 00000002 2f61 ffffffff 00000001 00000002 2f62",
			Request{DataWatches: []string{"/a"}, ExistWatches: []string{}, ChildWatches: []string{}, NullList: 2},
		},
		{
			"null path in setWatches2", OpSetWatches2, "0000000000000000 00000002 00000002 2f61 ffffffff 00000000 00000000 00000000 00000000",
			Request{
				DataWatches: []string{"/a"}, ExistWatches: []string{}, ChildWatches: []string{},
				PersistentWatches: []string{}, PersistentRecursiveWatch: []string{}, NullList: 1,
			},
		},
		{"auth type is ignored", OpAuth, "00000063 00000001 78 ffffffff", Request{Scheme: "x"}},
		{"end of a multi with another type", OpMulti, "00000002 01 00000000", Request{}},
	}
	for _, c := range cases {
		var got Request
		c.want.Op, c.want.TTL = c.op, -1
		if err := DecodeRequest(c.op, unhex(t, c.hex), &got); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got\n%+v, %v, want\n%+v", c.name, got, err, c.want)
		}
	}
}

func TestAliasing(t *testing.T) {
	frame := AppendRequest(nil, &Request{Op: OpSetData, Path: "/a", Data: []byte("x")})
	var r Request
	if err := DecodeRequest(OpSetData, frame, &r); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _ = DecodeRequest(OpSetData, frame, &r) }); n != 0 {
		t.Errorf("decoding a setData allocates %v times", n)
	}
	r.Data = append(r.Data, 'y') // must not run into the record's next field
	if err := DecodeRequest(OpSetData, frame, &r); err != nil || string(r.Data) != "x" || r.Version != 0 {
		t.Errorf("appending to decoded data changed the frame: %+v, %v", r, err)
	}
	reply := appendReply(nil, OpGetData, &Reply{Data: []byte("x"), HasStat: true})
	got, err := DecodeReply(OpGetData, reply)
	clear(reply)
	if err != nil || string(got.Data) != "x" {
		t.Errorf("a reply aliases its frame: %+v, %v", got, err)
	}
}

// allocated is the number of bytes allocated since the start.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// allocationMax is what decoding n bytes may allocate: the dearest record is a
// multi of the smallest operations, whose slice grows by copying.
func allocationMax(n int) uint64 { return 1<<20 + 80*uint64(n) }

// boundAllocation runs f and fails when it allocates out of proportion to n
// bytes of input, as trusting a length in the input does.
func boundAllocation(t *testing.T, n int, f func()) {
	t.Helper()
	before := allocated()
	f()
	if got := allocated() - before; got > allocationMax(n) {
		t.Errorf("%d bytes of input made the decoder allocate %d", n, got)
	}
}

func TestHostileCounts(t *testing.T) {
	huge := []string{"7fffffff", "7ffffffe", "10000000", "00ffffff"}
	for _, count := range huge {
		for _, prefix := range []string{"", "00000000", "00000002 2f61", "0000000000000000", "00000002 2f61 ffffffff", "00000001 00 ffffffff 00000002 2f61 ffffffff"} {
			b := unhex(t, prefix+" "+count+" 00000000 00000000 00000000")
			boundAllocation(t, len(b), func() {
				for _, op := range requestOps {
					var r Request
					_ = DecodeRequest(op, b, &r)
					_, _ = DecodeReply(op, b)
				}
				for _, op := range txnTypes {
					var txn Txn
					_ = DecodeTxn(append(AppendTxnHeader(nil, &Txn{Type: op}), b...), &txn)
				}
				_, _ = DecodeConnectRequest(b)
				_, _ = DecodeConnectResponse(b)
				_, _ = DecodeWatcherEvent(b)
			})
		}
	}
}

// TestLargestRecords decodes full-size frames of the smallest elements.
func TestLargestRecords(t *testing.T) {
	many := func(element []byte) []byte {
		n := (DefaultMaxBuffer - 100) / len(element)
		out := make([]byte, 0, n*len(element))
		for range n {
			out = append(out, element...)
		}
		return out
	}
	check := AppendRequest(appendMultiHeader(nil, OpCheck, false, -1), &Request{Op: OpCheck})
	multi := AppendMultiEnd(many(check))
	subs := many(AppendBuffer(AppendInt(nil, int32(OpError)), make([]byte, 4)))
	txn := append(AppendInt(AppendTxnHeader(nil, &Txn{Type: OpMulti}), int32(len(subs)/12)), subs...)
	acls := many(make([]byte, 12))
	setACL := append(AppendInt(AppendString(nil, "/a"), int32(len(acls)/12)), acls...)
	setACL = AppendInt(setACL, -1)
	results := AppendMultiEnd(many(AppendMultiResult(nil, OpDelete, OK)))
	boundAllocation(t, len(multi), func() {
		var r Request
		if err := DecodeRequest(OpMulti, multi, &r); err != nil {
			t.Error(err)
		}
	})
	boundAllocation(t, len(txn), func() {
		var r Txn
		if err := DecodeTxn(txn, &r); err != nil {
			t.Error(err)
		}
	})
	boundAllocation(t, len(setACL), func() {
		var r Request
		if err := DecodeRequest(OpSetACL, setACL, &r); err != nil {
			t.Error(err)
		}
	})
	boundAllocation(t, len(results), func() {
		if _, err := DecodeReply(OpMulti, results); err != nil {
			t.Error(err)
		}
	})
}
