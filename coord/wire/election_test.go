package wire

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func TestGoldenElection(t *testing.T) {
	const config = "server.1=a:1:2:participant\nversion=0"
	n := Notification{
		State: PeerLooking, Leader: 3, Zxid: 0x100000003, Round: 2, PeerEpoch: 1, Version: NotificationVersion, Config: config,
	}
	want := unhex(t, "00000000 0000000000000003 0000000100000003 0000000000000002 0000000000000001 00000002 00000024")
	want = append(want, config...)
	wantBytes(t, "notification", AppendNotification(nil, &n), want)
	if got, err := DecodeNotification(want); err != nil || got != n {
		t.Errorf("notification decodes to %+v, %v", got, err)
	}

	h := ElectionHandshake{Version: HandshakeOneAddress, Server: 3, Addresses: []string{"127.0.0.1:3883"}}
	hello := unhex(t, "ffffffffffff0000 0000000000000003 0000000e 3132372e302e302e313a33383833")
	wantBytes(t, "handshake", AppendElectionHandshake(nil, &h), hello)
	if got, size, err := DecodeElectionHandshake(append(hello, want...)); err != nil || size != len(hello) || !reflect.DeepEqual(got, h) {
		t.Errorf("handshake decodes to %+v, %d bytes, %v", got, size, err)
	}
}

func TestNotificationForms(t *testing.T) {
	n := Notification{State: PeerLeading, Leader: 2, Zxid: 5<<32 | 7, Round: 3, PeerEpoch: 4, Version: 2, Config: "version=0"}
	whole := AppendNotification(nil, &n)
	version1 := append(bytes.Clone(whole[:36]), unhex(t, "00000001 ffffffff")...)
	version3 := append(bytes.Clone(whole[:36]), append(unhex(t, "00000003"), whole[40:]...)...)
	with := func(change func(*Notification)) Notification {
		changed := n
		change(&changed)
		return changed
	}
	cases := []struct {
		name string
		b    []byte
		want Notification
	}{
		{"28 bytes", whole[:28], with(func(n *Notification) { n.PeerEpoch, n.Version, n.Config = 5, 0, "" })},
		{"40 bytes", whole[:40], with(func(n *Notification) { n.Version, n.Config = 0, "" })},
		{"version 1 in more than 40", version1, with(func(n *Notification) { n.Version, n.Config = 1, "" })},
		{"version 3", version3, with(func(n *Notification) { n.Version = 3 })},
		{"bytes behind it", append(bytes.Clone(whole), 1, 2), n},
		{"no configuration", append(bytes.Clone(whole[:40]), 0, 0, 0, 0), with(func(n *Notification) { n.Config = "" })},
	}
	for _, c := range cases {
		if got, err := DecodeNotification(c.b); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v, want %+v", c.name, got, err, c.want)
		}
	}
	for n := range len(whole) {
		_, err := DecodeNotification(whole[:n])
		if accepted := n == 28 || n == 40; (err == nil) != accepted {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	for name, b := range map[string][]byte{
		"state 4":                   append(unhex(t, "00000004"), whole[4:]...),
		"state -1":                  append(unhex(t, "ffffffff"), whole[4:]...),
		"null configuration":        append(bytes.Clone(whole[:40]), unhex(t, "ffffffff 00000000")...),
		"configuration of 2 GiB":    append(bytes.Clone(whole[:40]), unhex(t, "7fffffff 00000000")...),
		"configuration not all in":  append(bytes.Clone(whole[:40]), unhex(t, "00000005 00000000")...),
		"negative length of config": append(bytes.Clone(whole[:40]), unhex(t, "80000000 00000000")...),
	} {
		if _, err := DecodeNotification(b); err != ErrMalformed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHandshakeOfElectionForms(t *testing.T) {
	several := ElectionHandshake{Version: HandshakeSeveralAddresses, Server: 4, Addresses: []string{"[::1]:3888", "zk4:3888"}}
	for _, h := range []ElectionHandshake{
		several,
		{Version: HandshakeLegacy, Server: 2},
		{Version: HandshakeLegacy, Server: AnonymousPeer},
		{Version: HandshakeOneAddress, Server: -5, Addresses: []string{strings.Repeat("a", handshakeAddressMax)}},
	} {
		b := AppendElectionHandshake(nil, &h)
		if got, size, err := DecodeElectionHandshake(b); err != nil || size != len(b) || !reflect.DeepEqual(got, h) {
			t.Errorf("%+v decodes to %+v, %d of %d bytes, %v", h, got, size, len(b), err)
		}
		for n := range len(b) {
			if _, size, err := DecodeElectionHandshake(b[:n]); err != nil || size <= n || size > len(b) {
				t.Errorf("%+v: size of %d bytes is %d, %v", h, n, size, err)
			}
		}
	}
	for _, hex := range []string{
		"ffffffffffffffff 0000000000000001 00000001 61", // a version that does not exist
		"ffffffffffff0000 0000000000000001 00000000",
		"ffffffffffff0000 0000000000000001 ffffffff",
		"ffffffffffff0000 0000000000000001 00000801",
		"ffffffffffff0001 0000000000000001 7fffffff",
	} {
		if _, _, err := DecodeElectionHandshake(unhex(t, hex)); err != ErrMalformed {
			t.Errorf("%s: %v", hex, err)
		}
	}
}

func FuzzDecodeNotification(f *testing.F) {
	n := Notification{State: PeerLooking, Leader: 1, Config: "version=0"}
	whole := AppendNotification(nil, &n)
	for _, size := range []int{28, 36, 40, 44, len(whole)} {
		f.Add(whole[:size])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var first Notification
		var err error
		boundAllocation(t, len(b), func() { first, err = DecodeNotification(b) })
		if err != nil {
			return
		}
		second, err := DecodeNotification(AppendNotification(nil, &first))
		first.Version = NotificationVersion
		if err != nil || second != first {
			t.Errorf("first %+v, again %+v, %v", first, second, err)
		}
	})
}

func FuzzDecodeElectionHandshake(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add(AppendElectionHandshake(nil, &ElectionHandshake{Version: HandshakeOneAddress, Server: 1, Addresses: []string{"a:1"}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		first, size, err := DecodeElectionHandshake(b)
		if err != nil || size > len(b) {
			return
		}
		again := AppendElectionHandshake(nil, &first)
		if len(again) > handshakeHeaderSize+handshakeAddressMax {
			return // malformed UTF-8 takes more room once it is replaced
		}
		if second, _, err := DecodeElectionHandshake(again); err != nil || !reflect.DeepEqual(second, first) {
			t.Errorf("first %+v, again %+v, %v", first, second, err)
		}
	})
}
