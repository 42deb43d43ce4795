package conformance_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"net"
	"strings"
	"testing"

	"kafkacoord/compat/rawclient"
	"kafkacoord/coord/wire"
)

// background outlives single tests: the servers are shared by all of them.
var background = context.Background()

// Bytes that cannot be a frame end the connection, before and after the
// handshake, and leave the session alone.
func TestBadFrames(t *testing.T) {
	frames := []struct {
		name  string
		bytes []byte
	}{
		{"length one above jute.maxbuffer", wire.AppendInt(nil, wire.DefaultMaxBuffer+1)},
		{"length 2^31-1", wire.AppendInt(nil, 1<<31-1)},
		{"length -1", wire.AppendInt(nil, -1)},
		{"length -2^31", wire.AppendInt(nil, -1<<31)},
		{"length 0", wire.AppendInt(nil, 0)},
		{"header cut short", append(wire.AppendInt(nil, 7), make([]byte, 7)...)},
		{"HTTP", []byte("GET / HTTP/1.1\r\nHost: zookeeper\r\n\r\n")},
		{"TLS hello", append([]byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3}, make([]byte, 506)...)},
	}
	each(t, func(t *testing.T, addr string) {
		for _, f := range frames {
			t.Run(f.name, func(t *testing.T) {
				c := dial(t, addr)
				if err := c.SendBytes(f.bytes); err != nil {
					t.Fatal(err)
				}
				wantClosed(t, c)

				c, session := open(t, addr)
				if err := c.SendBytes(f.bytes); err != nil {
					t.Fatal(err)
				}
				wantClosed(t, c)
				c, again := attach(t, addr, reattach(session))
				if again.SessionID != session.SessionID {
					t.Fatalf("the session is gone: %+v", again)
				}
				request(t, c, 1, &wire.Request{Op: wire.OpCloseSession}, wire.OK)
			})
		}
	})
}

// A frame of exactly jute.maxbuffer is taken, and the bytes behind the record
// in it are ignored.
func TestLargestFrame(t *testing.T) {
	each(t, func(t *testing.T, addr string) {
		c, _ := open(t, addr)
		body := wire.AppendRequest(nil, &wire.Request{Op: wire.OpExists, Path: "/"})
		body = append(body, make([]byte, wire.DefaultMaxBuffer-wire.RequestHeaderSize-len(body))...)
		if err := c.Send(1, wire.OpExists, body); err != nil {
			t.Fatal(err)
		}
		wantReply(t, c, 1, wire.OK)
	})
}

// A frame may arrive byte by byte.
func TestFrameInPieces(t *testing.T) {
	each(t, func(t *testing.T, addr string) {
		c := dial(t, addr)
		hello := wire.AppendConnectRequest(nil, &wire.ConnectRequest{Timeout: sessionMillis, Password: make([]byte, 16), HasReadOnly: true})
		frames := append(wire.AppendInt(nil, int32(len(hello))), hello...)
		frames = wire.AppendRequestFrame(frames, 1, &wire.Request{Op: wire.OpExists, Path: "/"})
		for i := range frames {
			if err := c.SendBytes(frames[i : i+1]); err != nil {
				t.Fatal(err)
			}
		}
		if answer, err := c.RecvConnected(); err != nil || answer.Refused() {
			t.Fatalf("%+v, %v", answer, err)
		}
		wantReply(t, c, 1, wire.OK)
	})
}

// A real TLS client on the plain port fails at once and does no harm.
func TestTLSClientOnThePlainPort(t *testing.T) {
	each(t, func(t *testing.T, addr string) {
		raw, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = raw.Close() }()
		ctx, cancel := context.WithTimeout(t.Context(), rawclient.DefaultTimeout)
		defer cancel()
		err = tls.Client(raw, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx)
		if err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("handshake: %v, want the connection closed", err)
		}
		open(t, addr)
	})
}

// Four-letter words are words only before the handshake; the answers are exact.
func TestFourLetterWords(t *testing.T) {
	each(t, func(t *testing.T, addr string) {
		for word, want := range map[string]string{
			"ruok": "imok", "isro": "rw",
			"wchs": "wchs is not executed because it is not in the whitelist.\n",
			"stat": "stat is not executed because it is not in the whitelist.\n",
		} {
			if got, err := rawclient.FourLetter(addr, word); got != want || err != nil {
				t.Errorf("%s answers %q, %v; want %q", word, got, err, want)
			}
		}
		if got, err := rawclient.FourLetter(addr, "srvr"); err != nil || !strings.HasPrefix(got, "Zookeeper version: ") || !strings.Contains(got, "\nMode: standalone\n") {
			t.Errorf("srvr answers %q, %v", got, err)
		}
		// Not a word: a length, and an impossible one.
		if got, err := rawclient.FourLetter(addr, "what"); got != "" || err != nil {
			t.Errorf("what answers %q, %v", got, err)
		}
		c, _ := open(t, addr)
		if err := c.SendBytes([]byte("ruok")); err != nil {
			t.Fatal(err)
		}
		wantClosed(t, c)
	})
}

// What cannot be decoded is refused with -5, header only, and the connection
// goes on. A write that cannot be decoded costs no zxid, but a multi does.
func TestUndecodableBodies(t *testing.T) {
	path := wire.AppendString(nil, "/")
	nullPath := wire.AppendInt(nil, -1)
	cases := []struct {
		name string
		op   wire.Op
		body []byte
		cost wire.Zxid
	}{
		{"exists, empty", wire.OpExists, nil, 0},
		{"exists, null path", wire.OpExists, append(nullPath, 0), 0},
		{"getData, no watch byte", wire.OpGetData, path, 0},
		{"getChildren, path length beyond the frame", wire.OpGetChildren, append(wire.AppendInt(nil, 100), "/a"...), 0},
		{"create, cut after the path", wire.OpCreate, path, 0},
		{"setACL, cut", wire.OpSetACL, path, 0},
		{"getACL, empty", wire.OpGetACL, nil, 0},
		{"addWatch, unknown mode", wire.OpAddWatch, wire.AppendInt(path, 2), 0},
		{"removeWatches, unknown type", wire.OpRemoveWatches, wire.AppendInt(path, 6), 0},
		{"checkWatches, unknown type", wire.OpCheckWatches, wire.AppendInt(path, 0), 0},
		{"setWatches, null vector", wire.OpSetWatches, wire.AppendInt(wire.AppendLong(nil, 0), -1), 0},
		{"multi, no terminator", wire.OpMulti, nil, 1},
		{"multi, unknown operation", wire.OpMulti, []byte{0, 0, 0, 99, 0, 255, 255, 255, 255}, 1},
		{"multi, operation of a read", wire.OpMulti, wire.AppendRequest(nil, &wire.Request{Op: wire.OpMulti, Subs: []wire.Request{{Op: wire.OpGetData, Path: "/"}}}), 1},
	}
	each(t, func(t *testing.T, addr string) {
		c, _ := open(t, addr)
		for i, k := range cases {
			before := request(t, c, wire.XidPing, &wire.Request{Op: wire.OpPing}, wire.OK)
			if err := c.Send(int32(i+1), k.op, k.body); err != nil {
				t.Fatal(err)
			}
			f := wantReply(t, c, int32(i+1), wire.MarshallingError)
			if len(f.Body) > 0 {
				t.Errorf("%s: body %x", k.name, f.Body)
			}
			after := request(t, c, wire.XidPing, &wire.Request{Op: wire.OpPing}, wire.OK)
			if got := after.Header.Zxid - before.Header.Zxid; got != k.cost {
				t.Errorf("%s: costs %d zxids, want %d", k.name, got, k.cost)
			}
		}
	})
}

// Operations that do not exist, and check outside a multi, are refused with -6
// and zxid -1, and the connection is closed; the session lives on.
func TestUnknownOperations(t *testing.T) {
	each(t, func(t *testing.T, addr string) {
		for _, op := range []wire.Op{0, -1, 10, wire.OpCheck, 23, 99, 108, 1000, -2, -12, 1<<31 - 1} {
			c, session := open(t, addr)
			body := wire.AppendInt(wire.AppendString(nil, "/"), -1)
			if err := c.Send(7, op, body); err != nil {
				t.Fatal(err)
			}
			f := wantReply(t, c, 7, wire.Unimplemented)
			if f.Header.Zxid != -1 || len(f.Body) > 0 {
				t.Errorf("%v: zxid %d body %x, want zxid -1 and no body", op, f.Header.Zxid, f.Body)
			}
			wantClosed(t, c)
			c, again := attach(t, addr, reattach(session))
			if again.SessionID != session.SessionID {
				t.Fatalf("%v: the session is gone", op)
			}
			request(t, c, 1, &wire.Request{Op: wire.OpCloseSession}, wire.OK)
		}
	})
}

// An auth request that fails is answered before the connection is closed; one
// that cannot be decoded closes it without a word.
func TestFailedAuth(t *testing.T) {
	each(t, func(t *testing.T, addr string) {
		for _, scheme := range []string{"world", "nobody", "", "super"} {
			c, _ := open(t, addr)
			f := request(t, c, wire.XidAuth, &wire.Request{Op: wire.OpAuth, Scheme: scheme, Auth: []byte("anyone")}, wire.AuthFailed)
			if f.Header.Zxid != 0 || len(f.Body) > 0 {
				t.Errorf("%q: zxid %d body %x, want zxid 0 and no body", scheme, f.Header.Zxid, f.Body)
			}
			wantClosed(t, c)
		}
		// A null auth, which no client sends, fails in the provider.
		c, _ := open(t, addr)
		request(t, c, wire.XidAuth, &wire.Request{Op: wire.OpAuth, Scheme: "digest"}, wire.AuthFailed)
		wantClosed(t, c)
		for _, body := range [][]byte{nil, {0, 0, 0, 0}, append(wire.AppendInt(nil, 0), wire.AppendString(nil, "digest")...)} {
			c, _ := open(t, addr)
			if err := c.Send(wire.XidAuth, wire.OpAuth, body); err != nil {
				t.Fatal(err)
			}
			wantClosed(t, c)
		}
		// A SASL token where SASL is not configured: OK and a null token.
		c, _ = open(t, addr)
		f := request(t, c, 3, &wire.Request{Op: wire.OpSASL, Auth: []byte{}}, wire.OK)
		if f.Header.Zxid != 0 || !bytes.Equal(f.Body, []byte{255, 255, 255, 255}) {
			t.Errorf("sasl: zxid %d body %x", f.Header.Zxid, f.Body)
		}
		request(t, c, 4, &wire.Request{Op: wire.OpExists, Path: "/"}, wire.OK)
	})
}

// Bytes that clients depend on, from the specification.
func TestGoldenBytes(t *testing.T) {
	each(t, func(t *testing.T, addr string) {
		c, session := open(t, addr)
		super := &wire.Request{Op: wire.OpAuth, Scheme: "digest", Auth: []byte("super:admin")}
		if f := request(t, c, 7, super, wire.OK); f.Header.Zxid != 0 || len(f.Body) > 0 {
			t.Errorf("auth: zxid %d body %x", f.Header.Zxid, f.Body)
		}
		request(t, c, 1, &wire.Request{Op: wire.OpCreate, Path: "/golden", ACL: wire.OpenACL}, wire.OK)
		defer func() { request(t, c, 99, &wire.Request{Op: wire.OpDelete, Path: "/golden", Version: -1}, wire.OK) }()
		golden := []struct {
			name string
			r    wire.Request
			xid  int32
			want string
		}{
			{"addWatch", wire.Request{Op: wire.OpAddWatch, Path: "/golden-watched", Kind: 0}, 3, "00000000"},
			{"setWatches", wire.Request{Op: wire.OpSetWatches}, wire.XidSetWatches, ""},
			{"empty multi", wire.Request{Op: wire.OpMulti}, 4, "ffffffff01ffffffff"},
			{
				"failed multi",
				wire.Request{Op: wire.OpMulti, Subs: []wire.Request{
					{Op: wire.OpCreate, Path: "/golden/a", ACL: wire.OpenACL},
					{Op: wire.OpSetData, Path: "/golden", Version: 5},
					{Op: wire.OpDelete, Path: "/golden", Version: -1},
					{Op: wire.OpCreate, Path: "/golden/b", ACL: wire.OpenACL},
				}},
				5,
				"ffffffff000000000000000000" + "ffffffff00ffffff99ffffff99" + "ffffffff00fffffffefffffffe" + "ffffffff00fffffffefffffffe" + "ffffffff01ffffffff",
			},
			{"getEphemerals, none", wire.Request{Op: wire.OpGetEphemerals, Path: "/"}, 6, "00000000"},
			{"getChildren, none", wire.Request{Op: wire.OpGetChildren, Path: "/golden"}, 8, "00000000"},
			{"create", wire.Request{Op: wire.OpCreate, Path: "/golden/s-", ACL: wire.OpenACL, Flags: wire.FlagEphemeralSequential}, 9, "000000142f676f6c64656e2f732d30303030303030303030"},
			{"delete", wire.Request{Op: wire.OpDelete, Path: "/golden/s-0000000000", Version: -1}, 10, ""},
		}
		for _, g := range golden {
			if f := request(t, c, g.xid, &g.r, wire.OK); hex.EncodeToString(f.Body) != g.want {
				t.Errorf("%s: %x, want %s", g.name, f.Body, g.want)
			}
		}
		// Code points beyond the basic plane come in as UTF-8 and leave as two
		// surrogates; surrogates that come in are malformed.
		for in, want := range map[string]string{
			"/😀": "000000072feda0bdedb880", "/\xed\xa0\xbd\xed\xb8\x80": "000000072fefbfbdefbfbd", "/\xff": "000000042fefbfbd",
		} {
			reply, _, err := c.Do(2, wire.OpSync, wire.AppendBuffer(nil, []byte(in)))
			if err != nil || hex.EncodeToString(reply.Body) != want {
				t.Errorf("sync %q: %x, %v; want %s", in, reply.Body, err, want)
			}
		}
		// A ping's reply has xid -2 whatever the request had.
		if err := c.Send(11, wire.OpPing, nil); err != nil {
			t.Fatal(err)
		}
		wantReply(t, c, wire.XidPing, wire.OK)
		// An event precedes the reply of its author and carries its zxid.
		request(t, c, 12, &wire.Request{Op: wire.OpGetData, Path: "/golden", Watch: true}, wire.OK)
		reply, events, err := c.Request(13, &wire.Request{Op: wire.OpSetData, Path: "/golden", Version: -1})
		if err != nil || len(events) != 1 {
			t.Fatalf("events %v, %v", events, err)
		}
		if got, want := hex.EncodeToString(events[0].Body), "0000000300000003000000072f676f6c64656e"; got != want {
			t.Errorf("event %s, want %s", got, want)
		}
		if events[0].Header.Zxid != reply.Header.Zxid {
			t.Errorf("event zxid %d, its write has %d", events[0].Header.Zxid, reply.Header.Zxid)
		}
		_ = session
	})
}
