package wire

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
)

// unhex reads hex digits with any white space between them.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func wantBytes(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n got %x\nwant %x", what, got, want)
	}
}

// The bytes in this file were captured from a Java server.

func TestGoldenHandshake(t *testing.T) {
	request := unhex(t, `0000002d 00000000 0000000000000000 00002710 0000000000000000 00000010
		00000000000000000000000000000000 00`)
	r := ConnectRequest{Timeout: 10000, Password: make([]byte, 16), HasReadOnly: true}
	b, mark := BeginFrame(nil)
	wantBytes(t, "connect request", EndFrame(AppendConnectRequest(b, &r), mark), request)
	got, err := DecodeConnectRequest(request[4:])
	if err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("connect request decodes to %+v, %v", got, err)
	}

	response := unhex(t, `00000025 00000000 00002710 010000122ccd0000 00000010 29209bb902b95266af5d49d51b665e6f 00`)
	const id SessionID = 0x010000122ccd0000
	password := SessionPassword(id)
	s := ConnectResponse{Timeout: 10000, SessionID: id, Password: password[:], HasReadOnly: true}
	b, mark = BeginFrame(nil)
	wantBytes(t, "connect response", EndFrame(AppendConnectResponse(b, &s), mark), response)
	gotResponse, err := DecodeConnectResponse(response[4:])
	if err != nil || !reflect.DeepEqual(gotResponse, s) {
		t.Errorf("connect response decodes to %+v, %v", gotResponse, err)
	}
}

func TestHandshakeForms(t *testing.T) {
	withFlag := AppendConnectRequest(nil, &ConnectRequest{Password: make([]byte, 16), ReadOnly: true, HasReadOnly: true})
	if len(withFlag) != 45 {
		t.Errorf("a request with the flag has %d bytes, want 45", len(withFlag))
	}
	got, err := DecodeConnectRequest(withFlag[:44])
	if err != nil || got.HasReadOnly || got.ReadOnly {
		t.Errorf("an old client's request: %+v, %v", got, err)
	}
	if got, err := DecodeConnectRequest(append(withFlag, 1, 2, 3)); err != nil || !got.ReadOnly {
		t.Errorf("trailing bytes: %+v, %v", got, err)
	}
	if got, err := DecodeConnectRequest(unhex(t, "00000000 0000000000000000 00000000 0000000000000000 ffffffff")); err != nil || got.Password != nil {
		t.Errorf("a null password: %+v, %v", got, err)
	}
	for n := range 44 {
		if _, err := DecodeConnectRequest(withFlag[:n]); err != ErrMalformed {
			t.Errorf("%d bytes of a request: %v", n, err)
		}
	}
	refused := AppendConnectResponse(nil, &ConnectResponse{Password: make([]byte, 16)})
	if len(refused) != 36 {
		t.Errorf("a response without the flag has %d bytes, want 36", len(refused))
	}
	for n := range 36 {
		if _, err := DecodeConnectResponse(refused[:n]); err != ErrMalformed {
			t.Errorf("%d bytes of a response: %v", n, err)
		}
	}
}

func TestGoldenPasswords(t *testing.T) {
	for id, want := range map[uint64]string{
		1:                  "054cc74a37327db215e702e20c73f005",
		0x7f00000000000001: "054cc74a37327db215e702e20c73f005",
		0xff00000000000001: "054cc74a37327db215e702e20c73f005",
		0x0100000000000000: "f22acd4a97e69d6d20a49bb638eadb38",
		0x010000122ccd0000: "29209bb902b95266af5d49d51b665e6f",
	} {
		got := SessionPassword(SessionID(id))
		wantBytes(t, SessionID(id).String(), got[:], unhex(t, want))
	}
}

func TestGoldenNotification(t *testing.T) {
	ev := WatcherEvent{Type: EventNodeDataChanged, State: StateSyncConnected, Path: "/w"}
	body := unhex(t, "00000003 00000003 00000002 2f77")
	want := append(unhex(t, "0000001e ffffffff 0000000100000005 00000000"), body...)
	wantBytes(t, "notification", AppendWatcherEvent(nil, 1<<32|5, ev), want)
	if got, err := DecodeWatcherEvent(body); err != nil || got != ev {
		t.Errorf("notification decodes to %+v, %v", got, err)
	}
}

func TestGoldenMultiReplies(t *testing.T) {
	failed := unhex(t, `ffffffff 00 00000000 00000000  ffffffff 00 ffffff99 ffffff99
		ffffffff 00 fffffffe fffffffe  ffffffff 00 fffffffe fffffffe  ffffffff 01 ffffffff`)
	codes := []Code{OK, BadVersion, RuntimeInconsistency, RuntimeInconsistency}
	var b []byte
	var want []MultiResult
	for _, c := range codes {
		b = AppendMultiError(b, c)
		want = append(want, MultiResult{Op: OpError, Err: c})
	}
	wantBytes(t, "failed multi", AppendMultiEnd(b), failed)
	if got, err := DecodeReply(OpMulti, failed); err != nil || !reflect.DeepEqual(got.Results, want) {
		t.Errorf("failed multi decodes to %+v, %v", got.Results, err)
	}

	stat := Stat{Czxid: 3, Mzxid: 3, Version: 1, Pzxid: 3}
	succeeded := unhex(t, "00000001 00 00000000 00000004 2f6d2f61  0000000d 00 00000000  00000005 00 00000000")
	succeeded = AppendStat(succeeded, &stat)
	succeeded = append(succeeded, unhex(t, "00000002 00 00000000  ffffffff 01 ffffffff")...)
	b = AppendString(AppendMultiResult(nil, OpCreate, OK), "/m/a")
	b = AppendMultiResult(b, OpCheck, OK)
	b = AppendStat(AppendMultiResult(b, OpSetData, OK), &stat)
	b = AppendMultiEnd(AppendMultiResult(b, OpDelete, OK))
	wantBytes(t, "successful multi", b, succeeded)
	want = []MultiResult{
		{Op: OpCreate, Reply: Reply{Path: "/m/a"}},
		{Op: OpCheck},
		{Op: OpSetData, Reply: Reply{Stat: stat, HasStat: true}},
		{Op: OpDelete},
	}
	if got, err := DecodeReply(OpMulti, succeeded); err != nil || !reflect.DeepEqual(got.Results, want) {
		t.Errorf("successful multi decodes to %+v, %v", got.Results, err)
	}
	end := unhex(t, "ffffffff 01 ffffffff")
	wantBytes(t, "empty multi", AppendRequest(nil, &Request{Op: OpMulti}), end)
	var empty Request
	if err := DecodeRequest(OpMulti, end, &empty); err != nil || len(empty.Subs) != 0 {
		t.Errorf("empty multi decodes to %+v, %v", empty, err)
	}
}

func TestGoldenTxns(t *testing.T) {
	const session SessionID = 0x01000025e30a0000
	create := Txn{
		Session: session, Cxid: 1, Zxid: 2, Time: 0x1a2046f908f, Type: OpCreate,
		Path: "/a", Data: []byte("hello"), ACL: OpenACL, ParentCversion: 1,
		HasDigest: true, Digest: 0x8adb574e,
	}
	header := func(op Op) Txn { return Txn{Session: 1, Cxid: 2, Zxid: 3, Time: 4, Type: op} }
	const headerHex = "0000000000000001 00000002 0000000000000003 0000000000000004 "
	noNode := header(OpError)
	noNode.Err = NoNode
	closed := header(OpCloseSession)
	closed.Paths, closed.HasDigest, closed.Digest = []string{"/eph"}, true, 0x51c6d660
	failed := header(OpMulti)
	failed.HasDigest, failed.Digest = true, 0x51c6d660
	failed.Subs = []Txn{header(OpCreate), header(OpError), header(OpError)}
	failed.Subs[0].Path, failed.Subs[0].Data, failed.Subs[0].ACL = "/mf", []byte{'x'}, OpenACL
	failed.Subs[0].ParentCversion = 2
	failed.Subs[1].Err, failed.Subs[2].Err = NoNode, RuntimeInconsistency
	checked := header(OpMulti)
	checked.Subs = []Txn{header(OpCheck)}
	checked.Subs[0].Path, checked.Subs[0].Version = "/m", 2

	cases := []struct {
		name, hex string
		txn       Txn
	}{
		{
			"createSession", `01000025e30a0000 00000000 0000000000000001 000001a2046f9022 fffffff6
			00002710 00000002 0000000051c6d660`,
			Txn{
				Session: session, Zxid: 1, Time: 0x1a2046f9022, Type: OpCreateSession, Timeout: 10000,
				HasDigest: true, Digest: 0x51c6d660,
			},
		},
		{"create", `01000025e30a0000 00000001 0000000000000002 000001a2046f908f 00000001
			00000002 2f61 00000005 68656c6c6f 00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65
			00 00000001 00000002 000000008adb574e`, create},
		{"error", headerHex + "ffffffff ffffff9b", noNode},
		{"closeSession", headerHex + "fffffff5 00000001 00000004 2f657068 00000002 0000000051c6d660", closed},
		{"failed multi", headerHex + `0000000e 00000003
			00000001 0000002c 00000003 2f6d66 00000001 78
			00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65 00 00000002
			ffffffff 00000004 ffffff9b ffffffff 00000004 fffffffe 00000002 0000000051c6d660`, failed},
		{"check in a multi", headerHex + "0000000e 00000001 0000000d 0000000a 00000002 2f6d 00000002", checked},
	}
	for _, c := range cases {
		want := unhex(t, c.hex)
		wantBytes(t, c.name, AppendTxn(nil, &c.txn), want)
		var got Txn
		if err := DecodeTxn(want, &got); err != nil || !reflect.DeepEqual(tidyTxn(got), tidyTxn(c.txn)) {
			t.Errorf("%s decodes to\n%+v, %v, want\n%+v", c.name, got, err, c.txn)
		}
	}
}

// TestOldTxns reads the forms that old servers wrote.
func TestOldTxns(t *testing.T) {
	var got Txn
	v0 := unhex(t, `0000000000000001 00000002 0000000000000003 0000000000000004 00000001
		00000002 2f61 ffffffff 00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65 01`)
	want := Txn{
		Session: 1, Cxid: 2, Zxid: 3, Time: 4, Type: OpCreate, Path: "/a", ACL: OpenACL,
		Ephemeral: true, ParentCversion: -1,
	}
	if err := DecodeTxn(v0, &got); err != nil || !reflect.DeepEqual(tidyTxn(got), tidyTxn(want)) {
		t.Errorf("a create without cversion decodes to %+v, %v", got, err)
	}
	bare := unhex(t, "0000000000000001 00000002 0000000000000003 0000000000000004 fffffff5")
	if err := DecodeTxn(bare, &got); err != nil || got.Type != OpCloseSession || got.Paths != nil {
		t.Errorf("a closeSession without list decodes to %+v, %v", got, err)
	}
	got.HasDigest, got.Digest = true, 5
	wantBytes(t, "closeSession without list, no digest", AppendTxn(nil, &got), bare)
	other := append(bare[:28:28], unhex(t, "ffffffff ffffff9b 00000001 0000000000000007")...)
	if err := DecodeTxn(other, &got); err != nil || got.HasDigest {
		t.Errorf("a digest of another version: %+v, %v", got, err)
	}
	if err := DecodeTxnHeader(bare, &got); err != nil || got.Zxid != 3 {
		t.Errorf("header: %+v, %v", got, err)
	}
	if err := DecodeTxnHeader(bare[:TxnHeaderSize-1], &got); err != ErrMalformed {
		t.Errorf("short header: %v", err)
	}
}
