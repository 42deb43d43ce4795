package secure

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"kafkacoord/coord/wire"
)

// listen opens a secured port on loopback.
func listen(t *testing.T, o ListenerOptions) *Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	secured, err := Listen(l, o)
	if err != nil {
		t.Fatal(err)
	}
	return secured
}

// take accepts one connection and dials it.
func take(t *testing.T, l *Listener) (client net.Conn, server *ClientConn) {
	t.Helper()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = client.Close(), nc.Close() })
	return client, nc.(*ClientConn)
}

func TestClientPort(t *testing.T) {
	ca := newAuthority(t, "CA")
	keys := openKeys(t, ClientFamily, ca.issue(t, "server", []string{"localhost"}, nil), ca)
	client := openKeys(t, ClientFamily, ca.issue(t, "client1", nil, nil), ca)
	ids, err := ReadCertificates(parseConfig(t, "X509AuthenticationProvider.superUser=CN=client1"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name            string
		unified, secure bool
		fails           string
	}{
		{"TLS on a TLS port", false, true, ""},
		{"plain on a TLS port", false, false, FailedPlain},
		{"TLS on a port for both", true, true, ""},
		{"plain on a port for both", true, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := listen(t, ListenerOptions{Keys: keys, Unified: c.unified, Identify: ids.Identities})
			nc, server := take(t, l)
			if server.Identities() != nil || server.Encrypted() {
				t.Error("something is known before the first read")
			}
			go func() {
				if c.secure {
					nc = tls.Client(nc, client.Client("localhost"))
				}
				_, _ = nc.Write([]byte("\x00\x00\x00\x01hello"))
			}()
			got := make([]byte, 9)
			_, err := io.ReadFull(server, got)
			if c.fails != "" {
				_, again := server.Write(got)
				if e, ok := errors.AsType[*HandshakeError](err); !ok || e.Kind != c.fails || !errors.Is(again, err) {
					t.Errorf("%v then %v, want %s twice", err, again, c.fails)
				}
				return
			}
			if err != nil || string(got) != "\x00\x00\x00\x01hello" {
				t.Fatalf("%q, %v", got, err)
			}
			var want []wire.ID
			if c.secure {
				want = []wire.ID{{Scheme: "x509", ID: "CN=client1"}, {Scheme: "super", ID: "CN=client1"}}
			}
			if got := server.Identities(); !slices.Equal(got, want) || server.Encrypted() != c.secure {
				t.Errorf("identities %v, encrypted %v", got, server.Encrypted())
			}
			if err := server.CloseWrite(); err != nil {
				t.Error(err)
			}
			if n := l.Handshakes(); n != 0 {
				t.Errorf("%d handshakes under way", n)
			}
		})
	}
}

// TestHandshakeLimits: a silent client is cut off by the read deadline, and while
// its handshake is under way it counts against the limit.
func TestHandshakeLimits(t *testing.T) {
	ca := newAuthority(t, "CA")
	keys := openKeys(t, ClientFamily, ca.issue(t, "server", []string{"localhost"}, nil), ca)
	l := listen(t, ListenerOptions{Keys: keys, HandshakesMax: 1})
	_, silent := take(t, l)
	failed := make(chan error, 1)
	go func() {
		_, err := silent.Read(make([]byte, 1))
		failed <- err
	}()
	for l.Handshakes() == 0 {
		time.Sleep(time.Millisecond) // polls until the reader has begun
	}
	_, second := take(t, l)
	_, err := second.Read(make([]byte, 1))
	if e, ok := errors.AsType[*HandshakeError](err); !ok || e.Kind != FailedTooMany {
		t.Errorf("one handshake too many: %v", err)
	}
	if err := silent.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if e, ok := errors.AsType[*HandshakeError](<-failed); !ok || e.Kind != FailedTime {
		t.Errorf("a silent client: %v", e)
	}
	_, third := take(t, l)
	go func() {
		_, err := third.Read(make([]byte, 1))
		failed <- err
	}()
	for l.Handshakes() == 0 {
		time.Sleep(time.Millisecond) // polls until the reader has begun
	}
	_ = third.Close()
	if err := <-failed; err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("a connection closed during its handshake: %v", err)
	}
}

func TestListenNeedsKeys(t *testing.T) {
	trust := writeFile(t, t.TempDir(), "trust.pem", newAuthority(t, "CA").text())
	if _, err := Listen(nil, ListenerOptions{Keys: mustOpen(t, ClientFamily, "ssl.trustStore.location="+trust)}); !errors.Is(err, errNoKeyStore) {
		t.Errorf("without key store: %v", err)
	}
}
