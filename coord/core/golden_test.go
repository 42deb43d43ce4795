package core

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"kafkacoord/coord/auth"
	"kafkacoord/coord/wire"
)

// TestGoldenBytes compares whole frames with what ZooKeeper 3.9 sends.
func TestGoldenBytes(t *testing.T) {
	h := newHost(t, testConfig(), auth.Config{DigestEnabled: true})
	h.openConn(0, netip.MustParseAddrPort("10.0.0.1:1"))
	send := func(frame string) {
		h.send(0, unhex(t, frame))
		h.durable(h.appended)
		h.step()
	}
	want := func(what, frame string) {
		t.Helper()
		h.durable(h.appended)
		h.step()
		if len(h.out.Replies) != 1 {
			t.Fatalf("%s: %d connections hear of it", what, len(h.out.Replies))
		}
		if got := hex.EncodeToString(h.out.Replies[0].Bytes); got != strings.ReplaceAll(frame, " ", "") {
			t.Errorf("%s\ngot  %s\nwant %s", what, got, strings.ReplaceAll(frame, " ", ""))
		}
	}
	send("0000002d 00000000 0000000000000000 00002710 0000000000000000 00000010 00000000000000000000000000000000 00")
	// wallAtZero is 0xf4240: the id is 01, 40 bits of it, 16 of 0.
	password := wire.SessionPassword(0x010000_0f42400000)
	want("connect", "00000025 00000000 00002710 01 00000f4240 0000 00000010"+hex.EncodeToString(password[:])+"00")

	create := func(path string) string {
		return "0000000" + itoa(len(path)) + hex.EncodeToString([]byte(path)) + "ffffffff" +
			"00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65 00000000"
	}
	part := func(op string) string { return op + "00 ffffffff" }
	multi := func(xid string, body string) string {
		body = strings.ReplaceAll(xid+"0000000e"+body+"ffffffff 01 ffffffff", " ", "")
		return hex.EncodeToString([]byte{0, 0, byte(len(body) / 2 >> 8), byte(len(body) / 2)}) + body
	}
	send(multi("00000001", part("00000001")+create("/m")))
	want("multi create", "00000028 00000001 0000000000000002 00000000"+
		"00000001 00 00000000 00000002 2f6d"+"ffffffff 01 ffffffff")

	// create, setData with a wrong version, delete, create.
	send(multi("00000002", part("00000001")+create("/m/a")+
		part("00000005")+"00000002 2f6d 00000000 00000007"+
		part("00000002")+"00000002 2f6d ffffffff"+
		part("00000001")+create("/m/b")))
	want("failed multi", "0000004d 00000002 0000000000000003 00000000"+
		"ffffffff 00 00000000 00000000"+
		"ffffffff 00 ffffff99 ffffff99"+
		"ffffffff 00 fffffffe fffffffe"+
		"ffffffff 00 fffffffe fffffffe"+
		"ffffffff 01 ffffffff")

	send(multi("00000003", part("0000000d")+"00000002 2f6d 00000000"+part("00000002")+"00000002 2f6d ffffffff"))
	want("check and delete", "0000002b 00000003 0000000000000004 00000000"+
		"0000000d 00 00000000"+"00000002 00 00000000"+"ffffffff 01 ffffffff")
	send(multi("00000004", ""))
	want("empty multi", "00000019 00000004 0000000000000005 00000000 ffffffff 01 ffffffff")
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
