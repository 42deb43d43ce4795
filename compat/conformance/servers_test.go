package conformance_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"kafkacoord/compat/oracle"
	"kafkacoord/compat/rawclient"
	"kafkacoord/coord/wire"
	"kafkacoord/integration/coordproc"
	"kafkacoord/integration/javazk"
	"kafkacoord/integration/server"
)

// sessionMillis is a timeout within the bounds of the configuration.
const sessionMillis = 8000

// configuration is what both servers run with: tickTime 1000, so that session
// timeouts are held between 2000 and 20000 ms.
var configuration = []string{
	"tickTime=1000", "forceSync=no", "4lw.commands.whitelist=ruok,srvr,isro", "extendedTypesEnabled=true",
	containerCheck + "=200",
	"DigestAuthenticationProvider.superDigest=" + oracle.SuperDigest(),
}

// containerCheck is how often containers and TTL nodes are looked at, in ms.
// Java takes it as a JVM flag only.
const containerCheck = "znode.container.checkIntervalMs"

// target is one server that the tests run against.
type target struct {
	name  string
	start func(dir string) (*server.Server, error)

	once   sync.Once
	server *server.Server
	err    error
}

var (
	targets = []*target{{name: "java", start: startJava}, {name: "coord", start: startCoord}}
	dataDir string
)

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if dataDir, err = os.MkdirTemp("", "conformance"); err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dataDir) }()
	code := m.Run()
	for _, t := range targets {
		if t.server == nil {
			continue
		}
		if err := t.server.Kill(); err != nil {
			code = 1
		}
	}
	return code
}

// each runs a test against every server. A server is started by the first test
// that needs it and shared; tests keep to znodes of their own.
func each(t *testing.T, test func(t *testing.T, addr string)) {
	t.Helper()
	on(t, test, targets...)
}

// onCoord runs a test of a wanted difference, which Java's server would fail.
func onCoord(t *testing.T, test func(t *testing.T, addr string)) {
	t.Helper()
	on(t, test, targets[1])
}

func on(t *testing.T, test func(t *testing.T, addr string), servers ...*target) {
	t.Helper()
	for _, target := range servers {
		t.Run(target.name, func(t *testing.T) {
			target.once.Do(func() { target.server, target.err = target.start(filepath.Join(dataDir, target.name)) })
			if target.err != nil {
				t.Fatal(target.err)
			}
			test(t, target.server.Connect())
			if t.Failed() {
				t.Logf("end of the server's log:\n%s", target.server.LogTail(20))
			}
		})
	}
}

// open connects with a new session.
func open(t *testing.T, addr string) (*rawclient.Conn, rawclient.Connected) {
	t.Helper()
	c, answer, err := rawclient.Open(addr, sessionMillis)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if answer.Refused() {
		t.Fatal("a new session was refused")
	}
	return c, answer
}

// dial connects without a word.
func dial(t *testing.T, addr string) *rawclient.Conn {
	t.Helper()
	c, err := rawclient.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// wantClosed fails unless the server closes the connection without a byte.
func wantClosed(t *testing.T, c *rawclient.Conn) {
	t.Helper()
	payload, err := c.RecvPayload()
	if !errors.Is(err, rawclient.ErrClosed) {
		t.Fatalf("got %x, %v; want the connection closed", payload, err)
	}
}

// wantReply reads the next frame and compares its header but for the zxid.
func wantReply(t *testing.T, c *rawclient.Conn, xid int32, code wire.Code) rawclient.Frame {
	t.Helper()
	f, err := c.Recv()
	if err != nil {
		t.Fatalf("reply to xid %d: %v", xid, err)
	}
	if f.Header.Xid != xid || f.Header.Err != code {
		t.Fatalf("reply xid %d err %v, want xid %d err %v", f.Header.Xid, f.Header.Err, xid, code)
	}
	return f
}

// request runs one request and wants it answered with code.
func request(t *testing.T, c *rawclient.Conn, xid int32, r *wire.Request, code wire.Code) rawclient.Frame {
	t.Helper()
	if err := c.Send(xid, r.Op, wire.AppendRequest(nil, r)); err != nil {
		t.Fatal(err)
	}
	return wantReply(t, c, xid, code)
}

// attach asks for a session.
func attach(t *testing.T, addr string, r wire.ConnectRequest) (*rawclient.Conn, rawclient.Connected) {
	t.Helper()
	c := dial(t, addr)
	answer, err := c.Connect(r)
	if err != nil {
		t.Fatal(err)
	}
	return c, answer
}

// reattach is the connect request of a session's owner.
func reattach(session rawclient.Connected) wire.ConnectRequest {
	return wire.ConnectRequest{
		Timeout: sessionMillis, SessionID: session.SessionID, Password: session.Password, HasReadOnly: true,
	}
}

func startJava(dir string) (*server.Server, error) {
	return javazk.Start(background, javazk.Options{DataDir: dir, Config: configuration, Flags: []string{"-Xmx256m", "-D" + containerCheck + "=200"}, Progress: os.Stderr})
}

func startCoord(dir string) (*server.Server, error) {
	return coordproc.Start(background, coordproc.Options{DataDir: dir, Config: configuration})
}
