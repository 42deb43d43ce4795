package integration_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
	"kafkacoord/integration/server"
)

// TestGoZooKeeper uses everything of go-zookeeper that programs use. Under the
// race detector it runs itself again without it: version 1.0.4 of the client
// reads and writes its last zxid from two goroutines when it replays watches.
func TestGoZooKeeper(t *testing.T) {
	if raceDetector {
		again := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-v", "-run", "^TestGoZooKeeper$", ".")
		if output, err := again.CombinedOutput(); err != nil || !bytes.Contains(output, []byte("--- PASS: TestGoZooKeeper ")) {
			t.Fatalf("without the race detector: %v\n%s", err, output)
		}
		return
	}
	s := startForClients(t)
	for _, group := range []struct {
		name string
		run  func(*testing.T, *server.Server, *zkClient)
	}{
		{"operations", goZooKeeperOperations},
		{"multi", goZooKeeperMulti},
		{"watches", goZooKeeperWatches},
		{"locks", goZooKeeperLocks},
		{"authentication", goZooKeeperAuthentication},
		{"server restarts", goZooKeeperRestart},
		{"watches are replayed", goZooKeeperReplay},
		{"session expires", goZooKeeperExpiry},
	} {
		t.Run(group.name, func(t *testing.T) { group.run(t, s, connectZK(t, s)) })
	}
}

// zkClient is a client whose connection the test can cut.
type zkClient struct {
	*zk.Conn
	t      *testing.T
	states <-chan zk.Event
	gate   *gate
}

func connectZK(t *testing.T, s *server.Server) *zkClient {
	t.Helper()
	g := &gate{}
	// The client's own channel drops events when it is full.
	states := make(chan zk.Event, 10_000)
	conn, _, err := zk.Connect([]string{s.Connect()}, time.Minute, zk.WithLogger(quiet{}), zk.WithDialer(g.dial),
		zk.WithEventCallback(func(event zk.Event) { states <- event }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	c := &zkClient{Conn: conn, t: t, states: states, gate: g}
	c.waitState(zk.StateHasSession)
	return c
}

// waitState reads the client's events up to a state.
func (c *zkClient) waitState(want zk.State) {
	c.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	var seen []zk.State
	for {
		select {
		case event := <-c.states:
			if seen = append(seen, event.State); event.State == want {
				return
			}
		case <-timer.C:
			c.t.Fatalf("waiting for %v; seen %v", want, seen)
		}
	}
}

// wantEvent reads one event of a watch.
func (c *zkClient) wantEvent(from <-chan zk.Event, kind zk.EventType, path string) {
	c.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case event := <-from:
		if event.Type != kind || event.Path != path || event.Err != nil {
			c.t.Errorf("event %+v, want %v of %s", event, kind, path)
		}
	case <-timer.C:
		c.t.Fatalf("no event, want %v of %s", kind, path)
	}
}

// want fails the test unless an operation ended with the given error.
func (c *zkClient) want(want, err error) {
	c.t.Helper()
	if !errors.Is(err, want) {
		c.t.Fatalf("error %v, want %v", err, want)
	}
}

func (c *zkClient) make(path string, flags int32) string {
	c.t.Helper()
	made, err := c.Create(path, []byte(path), flags, zk.WorldACL(zk.PermAll))
	if err != nil {
		c.t.Fatalf("create %s: %v", path, err)
	}
	return made
}

// gate makes connections while it is open. Shutting it cuts what it has made.
type gate struct {
	mutex sync.Mutex
	shut  bool
	live  []net.Conn
}

var errShut = errors.New("the gate is shut")

func (g *gate) dial(network, address string, timeout time.Duration) (net.Conn, error) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.shut {
		return nil, errShut
	}
	conn, err := net.DialTimeout(network, address, timeout)
	if err == nil {
		g.live = append(g.live, conn)
	}
	return conn, err
}

func (g *gate) set(shut bool) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.shut = shut
	if !shut {
		return
	}
	for _, conn := range g.live {
		_ = conn.Close()
	}
	g.live = nil
}

func goZooKeeperOperations(t *testing.T, _ *server.Server, c *zkClient) {
	c.make("/go", 0)
	data, stat, err := c.Get("/go")
	if err != nil || !bytes.Equal(data, []byte("/go")) || stat.Czxid != stat.Mzxid || stat.DataLength != 3 {
		t.Fatalf("get = %q %+v, %v", data, stat, err)
	}
	_, err = c.Create("/go", nil, 0, zk.WorldACL(zk.PermAll))
	c.want(zk.ErrNodeExists, err)
	_, err = c.Create("/nowhere/child", nil, 0, zk.WorldACL(zk.PermAll))
	c.want(zk.ErrNoNode, err)
	_, err = c.Create("/go/invalid", nil, 0, nil)
	c.want(zk.ErrInvalidACL, err)
	if stat, err = c.Set("/go", []byte("two"), 0); err != nil || stat.Version != 1 {
		t.Fatalf("set = %+v, %v", stat, err)
	}
	_, err = c.Set("/go", nil, 0)
	c.want(zk.ErrBadVersion, err)
	for i := range 3 {
		want := fmt.Sprintf("/go/n-%010d", i)
		if made := c.make("/go/n-", zk.FlagSequence); made != want {
			t.Errorf("made %s, want %s", made, want)
		}
	}
	c.make("/go/ephemeral", zk.FlagEphemeral)
	if _, stat, err = c.Exists("/go/ephemeral"); err != nil || stat.EphemeralOwner != c.SessionID() {
		t.Errorf("ephemeral: %+v, %v", stat, err)
	}
	_, err = c.Create("/go/ephemeral/child", nil, 0, zk.WorldACL(zk.PermAll))
	c.want(zk.ErrNoChildrenForEphemerals, err)
	if _, err := c.CreateContainer("/go/container", nil, zk.FlagContainer, zk.WorldACL(zk.PermAll)); err != nil {
		t.Errorf("create a container: %v", err)
	}
	if _, err := c.CreateTTL("/go/ttl", nil, zk.FlagTTL, zk.WorldACL(zk.PermAll), time.Hour); err != nil {
		t.Errorf("create with a TTL: %v", err)
	}
	if _, err := c.CreateProtectedEphemeralSequential("/go/guarded-", nil, zk.WorldACL(zk.PermAll)); err != nil {
		t.Errorf("create protected: %v", err)
	}
	children, stat, err := c.Children("/go")
	if err != nil || len(children) != 7 || stat.NumChildren != 7 || stat.Cversion != 7 {
		t.Errorf("children = %v %+v, %v", children, stat, err)
	}
	if path, err := c.Sync("/go"); err != nil || path != "/go" {
		t.Errorf("sync = %s, %v", path, err)
	}
	c.want(zk.ErrNotEmpty, c.Delete("/go", -1))
	c.want(zk.ErrBadVersion, c.Delete("/go/ephemeral", 3))
	c.want(nil, c.Delete("/go/ephemeral", 0))
	c.want(zk.ErrNoNode, c.Delete("/go/ephemeral", 0))
}

func goZooKeeperMulti(t *testing.T, _ *server.Server, c *zkClient) {
	acl := zk.WorldACL(zk.PermAll)
	results, err := c.Multi(
		&zk.CreateRequest{Path: "/multi", Acl: acl},
		&zk.CreateRequest{Path: "/multi/n-", Acl: acl, Flags: zk.FlagSequence},
		&zk.SetDataRequest{Path: "/multi", Data: []byte("1"), Version: 0},
		&zk.CheckVersionRequest{Path: "/multi", Version: 1},
		&zk.DeleteRequest{Path: "/multi/n-0000000000", Version: 0},
	)
	if err != nil || len(results) != 5 || results[1].String != "/multi/n-0000000000" || results[2].Stat.Version != 1 {
		t.Fatalf("multi = %+v, %v", results, err)
	}
	results, err = c.Multi(
		&zk.CreateRequest{Path: "/multi/never", Acl: acl},
		&zk.CheckVersionRequest{Path: "/multi", Version: 9},
		&zk.DeleteRequest{Path: "/multi", Version: -1},
	)
	c.want(zk.ErrBadVersion, err)
	if len(results) != 3 || results[0].Error != nil || !errors.Is(results[1].Error, zk.ErrBadVersion) {
		t.Errorf("failed multi = %+v", results)
	}
	if found, _, err := c.Exists("/multi/never"); found || err != nil {
		t.Errorf("a failed multi left something: %v", err)
	}
}

func goZooKeeperWatches(t *testing.T, _ *server.Server, c *zkClient) {
	_, _, created, err := c.ExistsW("/watched")
	c.want(nil, err)
	c.make("/watched", 0)
	c.wantEvent(created, zk.EventNodeCreated, "/watched")
	_, _, changed, err := c.GetW("/watched")
	c.want(nil, err)
	_, _, listed, err := c.ChildrenW("/watched")
	c.want(nil, err)
	_, err = c.Set("/watched", nil, -1)
	c.want(nil, err)
	c.wantEvent(changed, zk.EventNodeDataChanged, "/watched")
	c.make("/watched/child", 0)
	c.wantEvent(listed, zk.EventNodeChildrenChanged, "/watched")
	c.want(nil, c.Delete("/watched/child", -1))
	_, _, changed, err = c.GetW("/watched")
	c.want(nil, err)
	_, _, listed, err = c.ChildrenW("/watched")
	c.want(nil, err)
	c.want(nil, c.Delete("/watched", -1))
	c.wantEvent(changed, zk.EventNodeDeleted, "/watched")
	c.wantEvent(listed, zk.EventNodeDeleted, "/watched")
	_, _, _, err = c.GetW("/watched")
	c.want(zk.ErrNoNode, err)
}

func goZooKeeperLocks(t *testing.T, s *server.Server, c *zkClient) {
	const clients, rounds = 3, 10
	var inside, total atomic.Int32
	var workers sync.WaitGroup
	for range clients {
		other := connectZK(t, s)
		workers.Go(func() {
			for range rounds {
				lock := zk.NewLock(other.Conn, "/lock/deep", zk.WorldACL(zk.PermAll))
				if err := lock.LockWithData([]byte("mine")); err != nil {
					t.Errorf("lock: %v", err)
					return
				}
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d have the lock", n)
				}
				total.Add(1)
				inside.Add(-1)
				if err := lock.Unlock(); err != nil {
					t.Errorf("unlock: %v", err)
				}
			}
		})
	}
	workers.Wait()
	if n := total.Load(); n != clients*rounds {
		t.Errorf("%d times under the lock, want %d", n, clients*rounds)
	}
	if left, _, err := c.Children("/lock/deep"); err != nil || len(left) != 0 {
		t.Errorf("left below the lock: %v, %v", left, err)
	}
}

func goZooKeeperAuthentication(t *testing.T, s *server.Server, c *zkClient) {
	owner := connectZK(t, s)
	c.want(nil, owner.AddAuth("digest", []byte("user:password")))
	_, err := owner.Create("/secret", []byte("hidden"), 0, zk.AuthACL(zk.PermAll))
	c.want(nil, err)
	_, _, err = c.Get("/secret")
	c.want(zk.ErrNoAuth, err)
	c.want(nil, c.AddAuth("digest", []byte("user:password")))
	_, _, err = c.Get("/secret")
	c.want(nil, err)
	acl, stat, err := c.GetACL("/secret")
	if err != nil || !slices.Equal(acl, zk.DigestACL(zk.PermAll, "user", "password")) {
		t.Errorf("ACL %+v, %v", acl, err)
	}
	_, err = c.SetACL("/secret", append(acl, zk.WorldACL(zk.PermRead)...), stat.Aversion)
	c.want(nil, err)
	data, _, err := connectZK(t, s).Get("/secret")
	if err != nil || !bytes.Equal(data, []byte("hidden")) {
		t.Errorf("get after the change of the ACL: %q, %v", data, err)
	}
	// The credentials are sent again on the next connection.
	c.gate.set(true)
	c.waitState(zk.StateDisconnected)
	c.gate.set(false)
	c.waitState(zk.StateHasSession)
	_, err = c.Set("/secret", nil, -1)
	c.want(nil, err)
	if err := c.AddAuth("nonsense", nil); !errors.Is(err, zk.ErrAuthFailed) && !errors.Is(err, zk.ErrConnectionClosed) {
		t.Errorf("unknown scheme: %v", err)
	}
}

func goZooKeeperRestart(t *testing.T, s *server.Server, c *zkClient) {
	session := c.SessionID()
	c.make("/restart", zk.FlagEphemeral)
	_, _, changed, err := c.GetW("/restart")
	c.want(nil, err)
	for _, end := range []func() error{s.Stop, s.Kill} {
		c.want(nil, end())
		c.waitState(zk.StateDisconnected)
		c.want(nil, s.Restart(t.Context()))
		c.waitState(zk.StateHasSession)
		if c.SessionID() != session {
			t.Fatalf("session %x after the restart, was %x", c.SessionID(), session)
		}
		if found, _, err := c.Exists("/restart"); err != nil || !found {
			t.Fatalf("ephemeral after the restart: %v, %v", found, err)
		}
	}
	_, err = connectZK(t, s).Set("/restart", nil, -1)
	c.want(nil, err)
	c.wantEvent(changed, zk.EventNodeDataChanged, "/restart")
}

// goZooKeeperReplay changes what is watched while the watcher is away.
func goZooKeeperReplay(t *testing.T, s *server.Server, c *zkClient) {
	for _, path := range []string{"/replay", "/replay/set", "/replay/deleted", "/replay/parent", "/replay/untouched"} {
		c.make(path, 0)
	}
	_, _, set, err := c.GetW("/replay/set")
	c.want(nil, err)
	_, _, deleted, err := c.GetW("/replay/deleted")
	c.want(nil, err)
	_, _, created, err := c.ExistsW("/replay/created")
	c.want(nil, err)
	_, _, listed, err := c.ChildrenW("/replay/parent")
	c.want(nil, err)
	_, _, untouched, err := c.GetW("/replay/untouched")
	c.want(nil, err)

	other := connectZK(t, s)
	c.gate.set(true)
	c.waitState(zk.StateDisconnected)
	_, err = other.Set("/replay/set", nil, -1)
	c.want(nil, err)
	c.want(nil, other.Delete("/replay/deleted", -1))
	other.make("/replay/created", 0)
	other.make("/replay/parent/child", 0)
	c.gate.set(false)

	c.wantEvent(set, zk.EventNodeDataChanged, "/replay/set")
	c.wantEvent(deleted, zk.EventNodeDeleted, "/replay/deleted")
	c.wantEvent(created, zk.EventNodeCreated, "/replay/created")
	c.wantEvent(listed, zk.EventNodeChildrenChanged, "/replay/parent")
	select {
	case event := <-untouched:
		t.Errorf("event %+v of what nobody changed", event)
	default:
	}
	_, err = other.Set("/replay/untouched", nil, -1)
	c.want(nil, err)
	c.wantEvent(untouched, zk.EventNodeDataChanged, "/replay/untouched")
}

// goZooKeeperExpiry ends the client's session behind its back.
func goZooKeeperExpiry(t *testing.T, s *server.Server, c *zkClient) {
	c.make("/expiring", zk.FlagEphemeral)
	_, _, watched, err := c.GetW("/")
	c.want(nil, err)
	session := c.SessionID()
	c.gate.set(true)
	c.waitState(zk.StateDisconnected)
	password := wire.SessionPassword(wire.SessionID(session))
	thief, err := client.Dial(t.Context(), client.Config{
		Servers: []string{s.Connect()},
		Resume:  &client.Session{ID: wire.SessionID(session), Password: password[:], Timeout: time.Minute},
	})
	c.want(nil, err)
	c.want(nil, thief.Close())
	c.gate.set(false)
	c.waitState(zk.StateExpired)
	c.waitState(zk.StateHasSession)
	if event := <-watched; !errors.Is(event.Err, zk.ErrSessionExpired) {
		t.Errorf("the watch of the expired session says %+v", event)
	}
	if c.SessionID() == session {
		t.Errorf("session %x came back from its end", session)
	}
	if found, _, err := c.Exists("/expiring"); err != nil || found {
		t.Errorf("ephemeral of the expired session: %v, %v", found, err)
	}
}
