package wire

import (
	"bytes"
	"reflect"
	"testing"
)

// Decoders may be given anything. What they accept must survive being encoded
// and decoded again, and must not cost more memory than its size justifies.

// hasSurrogates tells whether an encoding contains a character above U+FFFF,
// which does not survive (TestSurrogatesDoNotComeBack).
func hasSurrogates(b []byte) bool {
	for i := 1; i < len(b); i++ {
		if b[i-1] == 0xed && b[i] >= 0xa0 {
			return true
		}
	}
	return false
}

func FuzzDecodeRequest(f *testing.F) {
	for _, op := range requestOps {
		for seed := range uint64(4) {
			r := newSource(seed).request(op)
			f.Add(int32(op), AppendRequest(nil, &r))
		}
	}
	f.Fuzz(func(t *testing.T, op int32, b []byte) {
		var first, second Request
		var err error
		input := bytes.Clone(b)
		boundAllocation(t, len(b), func() { err = DecodeRequest(Op(op), b, &first) })
		if err != nil {
			return
		}
		again := AppendRequest(nil, &first)
		if err := DecodeRequest(Op(op), again, &second); err != nil || !hasSurrogates(again) && !reflect.DeepEqual(tidyRequest(second), tidyRequest(first)) {
			t.Errorf("%v: first\n%+v, again\n%+v, %v", Op(op), first, second, err)
		}
		if !bytes.Equal(b, input) {
			t.Error("the input was changed")
		}
	})
}

func FuzzDecodeReply(f *testing.F) {
	for _, op := range requestOps {
		for seed := range uint64(4) {
			r := newSource(seed).reply(op)
			f.Add(int32(op), appendReply(nil, op, &r))
		}
	}
	f.Fuzz(func(t *testing.T, op int32, b []byte) {
		var first Reply
		var err error
		boundAllocation(t, len(b), func() { first, err = DecodeReply(Op(op), b) })
		if err != nil {
			return
		}
		again := appendReply(nil, Op(op), &first)
		if second, err := DecodeReply(Op(op), again); err != nil || !hasSurrogates(again) && !reflect.DeepEqual(second, first) {
			t.Errorf("%v: first\n%+v, again\n%+v, %v", Op(op), first, second, err)
		}
	})
}

func FuzzDecodeTxn(f *testing.F) {
	for _, op := range txnTypes {
		for seed := range uint64(4) {
			s := newSource(seed)
			txn := s.txn(op, &Txn{Session: 1, Cxid: 2, Zxid: 3, Time: 4})
			txn.HasDigest, txn.Digest = s.bool(), 7
			f.Add(AppendTxn(nil, &txn))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var first, second Txn
		var err error
		boundAllocation(t, len(b), func() { err = DecodeTxn(b, &first) })
		if err != nil {
			return
		}
		again := AppendTxn(nil, &first)
		if err := DecodeTxn(again, &second); err != nil || !hasSurrogates(again) && !reflect.DeepEqual(tidyTxn(second), tidyTxn(first)) {
			t.Errorf("first\n%+v, again\n%+v, %v", first, second, err)
		}
	})
}

func FuzzDecodeConnectRequest(f *testing.F) {
	f.Add(AppendConnectRequest(nil, &ConnectRequest{Timeout: 10000, Password: make([]byte, 16), HasReadOnly: true}))
	f.Add(AppendConnectRequest(nil, &ConnectRequest{SessionID: 1, Password: nil}))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var first ConnectRequest
		var err error
		boundAllocation(t, len(b), func() { first, err = DecodeConnectRequest(b) })
		if err != nil {
			return
		}
		second, err := DecodeConnectRequest(AppendConnectRequest(nil, &first))
		if err != nil || !reflect.DeepEqual(second, first) {
			t.Errorf("first %+v, again %+v, %v", first, second, err)
		}
	})
}

func FuzzDecodeConnectResponse(f *testing.F) {
	f.Add(AppendConnectResponse(nil, &ConnectResponse{Timeout: 10000, Password: make([]byte, 16), HasReadOnly: true}))
	f.Fuzz(func(t *testing.T, b []byte) {
		first, err := DecodeConnectResponse(b)
		if err != nil {
			return
		}
		second, err := DecodeConnectResponse(AppendConnectResponse(nil, &first))
		if err != nil || !reflect.DeepEqual(second, first) {
			t.Errorf("first %+v, again %+v, %v", first, second, err)
		}
	})
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "/a", "é😀", "\xed\xa0\xbd\xed\xb8\x80", "\xf0\x9f", "\xe2\x82"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		text := TextOf(b)
		if TextOf([]byte(text)) != text {
			t.Errorf("%q is not stable", text)
		}
		d := NewDecoder(AppendString(nil, string(b)))
		_ = d.String()
		if d.Err() != nil || len(d.Rest()) != 0 {
			t.Errorf("the encoding of %q has a wrong length", b)
		}
		PathOK(string(b))
	})
}
