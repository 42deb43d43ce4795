package conformance_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"kafkacoord/compat/rawclient"
	"kafkacoord/coord/wire"
)

// The handshake in every form that clients send, byte for byte but for id and
// password.
func TestConnect(t *testing.T) {
	zero := make([]byte, wire.PasswordSize)
	cases := []struct {
		name    string
		r       wire.ConnectRequest
		more    int   // bytes after the record
		timeout int32 // granted
		length  int
	}{
		{"with the flag", wire.ConnectRequest{Timeout: 10000, Password: zero, HasReadOnly: true}, 0, 10000, 37},
		{"flag set", wire.ConnectRequest{Timeout: 10000, Password: zero, HasReadOnly: true, ReadOnly: true}, 0, 10000, 37},
		{"without the flag", wire.ConnectRequest{Timeout: 10000, Password: zero}, 0, 10000, 36},
		{"null password", wire.ConnectRequest{Timeout: 10000, HasReadOnly: true}, 0, 10000, 37},
		{"empty password", wire.ConnectRequest{Timeout: 10000, Password: []byte{}, HasReadOnly: true}, 0, 10000, 37},
		{"long password", wire.ConnectRequest{Timeout: 10000, Password: make([]byte, 100), HasReadOnly: true}, 0, 10000, 37},
		{"bytes after the record", wire.ConnectRequest{Timeout: 10000, Password: zero, HasReadOnly: true}, 9, 10000, 37},
		{"another protocol version", wire.ConnectRequest{ProtocolVersion: 77, Timeout: 10000, Password: zero, HasReadOnly: true}, 0, 10000, 37},
		{"timeout below the minimum", wire.ConnectRequest{Timeout: 1, Password: zero, HasReadOnly: true}, 0, 2000, 37},
		{"timeout 0", wire.ConnectRequest{Password: zero, HasReadOnly: true}, 0, 2000, 37},
		{"timeout negative", wire.ConnectRequest{Timeout: -5, Password: zero, HasReadOnly: true}, 0, 2000, 37},
		{"timeout above the maximum", wire.ConnectRequest{Timeout: 1<<31 - 1, Password: zero, HasReadOnly: true}, 0, 20000, 37},
		{"last zxid negative", wire.ConnectRequest{LastZxidSeen: -1, Timeout: 10000, Password: zero, HasReadOnly: true}, 0, 10000, 37},
	}
	each(t, func(t *testing.T, addr string) {
		for _, k := range cases {
			c := dial(t, addr)
			if err := c.SendFrame(append(wire.AppendConnectRequest(nil, &k.r), make([]byte, k.more)...)); err != nil {
				t.Fatal(err)
			}
			answer, err := c.RecvConnected()
			if err != nil {
				t.Errorf("%s: %v", k.name, err)
				continue
			}
			want := wire.SessionPassword(answer.SessionID)
			if answer.ProtocolVersion != 0 || answer.Timeout != k.timeout || answer.SessionID == 0 ||
				!bytes.Equal(answer.Password, want[:]) || answer.ReadOnly || len(answer.Raw) != k.length {
				t.Errorf("%s: %+v", k.name, answer)
			}
			request(t, c, 1, &wire.Request{Op: wire.OpCloseSession}, wire.OK)
		}
	})
}

// Connect requests that cannot be read, or come from a client that has seen
// more than the server, are not answered.
func TestConnectClosed(t *testing.T) {
	whole := wire.AppendConnectRequest(nil, &wire.ConnectRequest{Timeout: 10000, Password: make([]byte, 16)})
	ahead := wire.AppendConnectRequest(nil, &wire.ConnectRequest{LastZxidSeen: 1 << 40, Timeout: 10000, Password: make([]byte, 16), HasReadOnly: true})
	badPassword := wire.AppendInt(bytes.Clone(whole[:24]), -2)
	each(t, func(t *testing.T, addr string) {
		for name, payload := range map[string][]byte{
			"cut in the id": whole[:20], "cut in the password": whole[:40], "password length -2": badPassword, "client ahead": ahead,
		} {
			c := dial(t, addr)
			if err := c.SendFrame(payload); err != nil {
				t.Fatal(err)
			}
			payload, err := c.RecvPayload()
			if err == nil {
				t.Errorf("%s: answered with %x", name, payload)
			}
		}
		// A client ahead of the server keeps its session.
		_, session := open(t, addr)
		r := reattach(session)
		r.LastZxidSeen = 1 << 40
		c := dial(t, addr)
		if err := c.SendFrame(wire.AppendConnectRequest(nil, &r)); err != nil {
			t.Fatal(err)
		}
		wantClosed(t, c)
		if _, again := attach(t, addr, reattach(session)); again.SessionID != session.SessionID {
			t.Errorf("the session is gone: %+v", again)
		}
	})
}

// refusal is the whole answer to a session that is not there any more.
const refusal = "00000000" + "00000000" + "0000000000000000" + "00000010" + "00000000000000000000000000000000" + "00"

// A session with a wrong password or an unknown id is refused in full length,
// then the connection is closed.
func TestRefusedSessions(t *testing.T) {
	each(t, func(t *testing.T, addr string) {
		_, session := open(t, addr)
		wrong := reattach(session)
		wrong.Password = make([]byte, wire.PasswordSize)
		null := reattach(session)
		null.Password = nil
		unknown := reattach(session)
		unknown.SessionID = 0x7f12345678
		password := wire.SessionPassword(unknown.SessionID)
		unknown.Password = password[:]
		old := wrong
		old.HasReadOnly = false
		for _, k := range []struct {
			name string
			r    wire.ConnectRequest
			want string
		}{
			{"zero password", wrong, refusal},
			{"null password", null, refusal},
			{"unknown id", unknown, refusal},
			{"without the flag", old, refusal[:72]},
		} {
			c, answer := attach(t, addr, k.r)
			if got := hex.EncodeToString(answer.Raw); got != k.want {
				t.Errorf("%s: %s, want %s", k.name, got, k.want)
			}
			wantClosed(t, c)
		}
	})
}

// A second connect with the same session closes the first connection, also when
// the second is then refused for its password.
func TestSecondConnectClosesTheFirst(t *testing.T) {
	each(t, func(t *testing.T, addr string) {
		first, session := open(t, addr)
		r := reattach(session)
		r.Timeout = 5000
		second, again := attach(t, addr, r)
		if again.SessionID != session.SessionID || again.Timeout != 5000 || !bytes.Equal(again.Password, session.Password) {
			t.Fatalf("answer %+v", again)
		}
		wantClosed(t, first)
		request(t, second, 1, &wire.Request{Op: wire.OpExists, Path: "/"}, wire.OK)

		r.Password = make([]byte, wire.PasswordSize)
		if _, refused := attach(t, addr, r); !refused.Refused() {
			t.Fatalf("a wrong password was taken: %+v", refused)
		}
		wantClosed(t, second)
		third, again := attach(t, addr, reattach(session))
		if again.Refused() {
			t.Fatal("the session is gone")
		}
		request(t, third, 1, &wire.Request{Op: wire.OpCloseSession}, wire.OK)
		wantClosed(t, third)
		if _, gone := attach(t, addr, reattach(session)); !gone.Refused() {
			t.Fatalf("a closed session came back: %+v", gone)
		}
	})
}

// Requests sent together with the connect request are answered after it.
func TestPipelinedBehindConnect(t *testing.T) {
	each(t, func(t *testing.T, addr string) {
		c := dial(t, addr)
		hello := wire.AppendConnectRequest(nil, &wire.ConnectRequest{Timeout: sessionMillis, Password: make([]byte, 16), HasReadOnly: true})
		out := append(wire.AppendInt(nil, int32(len(hello))), hello...)
		const behind = 20
		for i := range int32(behind) {
			out = wire.AppendRequestFrame(out, i+1, &wire.Request{Op: wire.OpExists, Path: "/"})
		}
		if err := c.SendBytes(out); err != nil {
			t.Fatal(err)
		}
		if answer, err := c.RecvConnected(); err != nil || answer.Refused() {
			t.Fatalf("%+v, %v", answer, err)
		}
		for i := range int32(behind) {
			wantReply(t, c, i+1, wire.OK)
		}
	})
}

// closeSession removes the ephemerals, answers, and ends the connection;
// requests behind it change nothing. ZooKeeper closes the connection before it
// answers them, or is late and answers that it does not know the session.
func TestPipelinedBehindCloseSession(t *testing.T) {
	each(t, func(t *testing.T, addr string) {
		watcher, _ := open(t, addr)
		c, session := open(t, addr)
		request(t, c, 1, &wire.Request{Op: wire.OpCreate, Path: "/close-ephemeral", ACL: wire.OpenACL, Flags: wire.FlagEphemeral}, wire.OK)
		request(t, watcher, 1, &wire.Request{Op: wire.OpExists, Path: "/close-ephemeral", Watch: true}, wire.OK)
		out := wire.AppendRequestFrame(nil, 2, &wire.Request{Op: wire.OpExists, Path: "/close-ephemeral"})
		out = wire.AppendRequestFrame(out, 3, &wire.Request{Op: wire.OpCloseSession})
		out = wire.AppendRequestFrame(out, 4, &wire.Request{Op: wire.OpExists, Path: "/"})
		out = wire.AppendRequestFrame(out, 5, &wire.Request{Op: wire.OpCreate, Path: "/close-later", ACL: wire.OpenACL})
		if err := c.SendBytes(out); err != nil {
			t.Fatal(err)
		}
		wantReply(t, c, 2, wire.OK)
		closing := wantReply(t, c, 3, wire.OK)
		if len(closing.Body) > 0 {
			t.Errorf("body %x", closing.Body)
		}
		for {
			f, err := c.Recv()
			if errors.Is(err, rawclient.ErrClosed) {
				break
			}
			if err != nil || f.Header.Err != wire.UnknownSession && f.Header.Err != wire.SessionExpired {
				t.Fatalf("after closeSession: %+v, %v; want the connection closed", f, err)
			}
		}
		event, err := watcher.Recv()
		if err != nil || !event.IsEvent() || event.Header.Zxid != closing.Header.Zxid {
			t.Errorf("watcher got %+v, %v; want an event with zxid %d", event, err, closing.Header.Zxid)
		}
		request(t, watcher, 2, &wire.Request{Op: wire.OpExists, Path: "/close-ephemeral"}, wire.NoNode)
		request(t, watcher, 3, &wire.Request{Op: wire.OpExists, Path: "/close-later"}, wire.NoNode)
		if _, again := attach(t, addr, reattach(session)); !again.Refused() {
			t.Errorf("the session came back: %+v", again)
		}
	})
}

// A lost connection does not end the session, and its ephemerals stay; an
// expired session is refused, and its ephemerals go.
func TestExpiry(t *testing.T) {
	each(t, func(t *testing.T, addr string) {
		watcher, _ := open(t, addr)
		c, session, err := rawclient.Open(addr, 1)
		if err != nil {
			t.Fatal(err)
		}
		request(t, c, 1, &wire.Request{Op: wire.OpCreate, Path: "/expiring", ACL: wire.OpenACL, Flags: wire.FlagEphemeral}, wire.OK)
		request(t, watcher, 1, &wire.Request{Op: wire.OpExists, Path: "/expiring", Watch: true}, wire.OK)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		request(t, watcher, 2, &wire.Request{Op: wire.OpExists, Path: "/expiring"}, wire.OK)
		event, err := watcher.Recv()
		if err != nil || !event.IsEvent() {
			t.Fatalf("watcher got %+v, %v; want the event of the ephemeral's end", event, err)
		}
		request(t, watcher, 3, &wire.Request{Op: wire.OpExists, Path: "/expiring"}, wire.NoNode)
		if _, again := attach(t, addr, reattach(session)); !again.Refused() {
			t.Errorf("the session came back: %+v", again)
		}
	})
}

// A silent client's connection is closed without a word when its session ends.
func TestExpiryClosesTheConnection(t *testing.T) {
	each(t, func(t *testing.T, addr string) {
		c, session, err := rawclient.Open(addr, 1)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		wantClosed(t, c)
		if _, again := attach(t, addr, reattach(session)); !again.Refused() {
			t.Errorf("the session came back: %+v", again)
		}
	})
}
