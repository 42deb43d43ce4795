package integration_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kafkacoord/coord/bench"
	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
	"kafkacoord/integration/backend"
	"kafkacoord/integration/server"
)

// TestClient runs every operation of coord/client, and its reconnection, on a
// real server.
func TestClient(t *testing.T) {
	s := backend.StartTest(t, backend.Options{Config: []string{"extendedTypesEnabled=true"}})
	root := openClient(t, s, client.Config{})
	for _, path := range []string{"/app", "/app/deep"} {
		if _, err := root.Create(t.Context(), path, nil, wire.FlagPersistent, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, chroot := range []string{"", "/app/deep"} {
		t.Run("chroot "+chroot, func(t *testing.T) {
			events := make(chan client.Event, 1000)
			c := openClient(t, s, client.Config{Chroot: chroot, OnEvent: func(e client.Event) { events <- e }})
			suite := clientSuite{c: c, chroot: chroot, events: events}
			t.Run("znodes", suite.testZnodes)
			t.Run("children", suite.testChildren)
			t.Run("multi", suite.testMulti)
			t.Run("watches", suite.testWatches)
			t.Run("acl and auth", suite.testACL)
		})
	}
	t.Run("restart", func(t *testing.T) { testClientOverRestart(t, s) })
	t.Run("resume", func(t *testing.T) { testClientResumes(t, s) })
}

// TestBenchOnServer runs every workload of coord/bench for a moment: no request
// may fail and nothing may be left behind.
func TestBenchOnServer(t *testing.T) {
	s := backend.StartTest(t, backend.Options{})
	for _, workload := range bench.Workloads {
		r, err := bench.Run(t.Context(), bench.Options{
			Address: s.Connect(), Workload: workload, Connections: 4, Keys: 2000, Requests: 3000,
			WarmUp: -1, Duration: 5 * time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		if r.Errors > 0 || r.Requests == 0 {
			t.Errorf("%s: %d of %d requests failed: %v", workload, r.Errors, r.Requests, r.ErrorsByCode)
		}
	}
	filled, err := bench.Fill(t.Context(), bench.Options{Address: s.Connect()}, 15_000, 10)
	if err != nil {
		t.Fatal(err)
	}
	c := openClient(t, s, client.Config{})
	if n, err := c.AllChildrenNumber(t.Context(), filled.Root); n != 15_002 || err != nil {
		t.Errorf("%d znodes after Fill, %v; want 15,000 and 2 directories", n, err)
	}
	if err := filled.Remove(t.Context(), bench.Options{Address: s.Connect()}); err != nil {
		t.Fatal(err)
	}
	if names, _, err := c.Children(t.Context(), "/", false); !slices.Equal(names, []string{"zookeeper"}) {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

func openClient(t *testing.T, s *server.Server, config client.Config) *client.Client {
	t.Helper()
	config.Servers = []string{s.Connect()}
	config.SessionTimeout = sessionTimeout
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := client.Dial(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close the client: %v", err)
		}
	})
	return c
}

type clientSuite struct {
	c      *client.Client
	chroot string
	events chan client.Event
}

// must ends the test on an error that was not expected.
func must[T any](t *testing.T) func(value T, err error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func (s *clientSuite) testZnodes(t *testing.T) {
	ctx, c := t.Context(), s.c
	if path := must[string](t)(c.Create(ctx, "/z", []byte("one"), wire.FlagPersistent, nil)); path != "/z" {
		t.Errorf("created %s", path)
	}
	if _, err := c.Create(ctx, "/z", nil, wire.FlagPersistent, nil); !errors.Is(err, wire.NodeExists) {
		t.Errorf("created twice: %v", err)
	}
	path, stat, err := c.Create2(ctx, "/z/e-", []byte("x"), wire.FlagEphemeralSequential, nil)
	if err != nil || path != "/z/e-0000000000" || stat.EphemeralOwner != c.Session().ID || stat.Czxid == 0 {
		t.Errorf("create2: %s, %+v, %v", path, stat, err)
	}
	if paths := must[[]string](t)(c.Ephemerals(ctx, "/z")); !slices.Equal(paths, []string{path}) {
		t.Errorf("ephemerals %v", paths)
	}
	must[wire.Stat](t)(c.CreateContainer(ctx, "/z/c", nil, nil))
	ttl, _, err := c.CreateTTL(ctx, "/z/t-", nil, wire.FlagPersistentSequentialTTL, time.Hour, nil)
	if err != nil || !strings.HasPrefix(ttl, "/z/t-00000000") {
		t.Errorf("createTTL: %s, %v", ttl, err)
	}
	data, stat, err := c.Get(ctx, "/z", false)
	if err != nil || string(data) != "one" || stat.NumChildren != 3 {
		t.Errorf("get: %q, %+v, %v", data, stat, err)
	}
	if stat := must[wire.Stat](t)(c.Set(ctx, "/z", nil, 0)); stat.Version != 1 {
		t.Errorf("set: version %d", stat.Version)
	}
	if data, _, err := c.Get(ctx, "/z", false); data != nil || err != nil {
		t.Errorf("null data reads as %q, %v", data, err)
	}
	if _, err := c.Set(ctx, "/z", nil, 0); !errors.Is(err, wire.BadVersion) {
		t.Errorf("set of an old version: %v", err)
	}
	if err := c.Delete(ctx, "/z", client.AnyVersion); !errors.Is(err, wire.NotEmpty) {
		t.Errorf("delete of a parent: %v", err)
	}
	if err := c.Delete(ctx, "/z/c", 0); err != nil {
		t.Error(err)
	}
	if _, ok, err := c.Exists(ctx, "/z/c", false); ok || err != nil {
		t.Errorf("exists after delete: %v, %v", ok, err)
	}
	if err := c.Sync(ctx, "/z"); err != nil {
		t.Error(err)
	}
	if c.LastZxid() == 0 || c.State() != client.Connected {
		t.Errorf("last zxid %v, state %v", c.LastZxid(), c.State())
	}
}

func (s *clientSuite) testChildren(t *testing.T) {
	ctx, c := t.Context(), s.c
	const n = 3000
	must[string](t)(c.Create(ctx, "/list", nil, wire.FlagPersistent, nil))
	created := make(chan error, n)
	for i := range n {
		r := client.CreateOp(fmt.Sprint("/list/child-", i), nil, wire.FlagPersistent, nil)
		c.Go(&r, func(r client.Result) { created <- r.Err })
	}
	for range n {
		if err := <-created; err != nil {
			t.Fatal(err)
		}
	}
	names, stat, err := c.Children(ctx, "/list", false)
	if err != nil || len(names) != n || stat.NumChildren != n {
		t.Errorf("children: %d names, %+v, %v", len(names), stat, err)
	}
	if names := must[[]string](t)(c.ChildNames(ctx, "/list", false)); len(names) != n {
		t.Errorf("child names: %d", len(names))
	}
	if got := must[int](t)(c.AllChildrenNumber(ctx, "/list")); got != n {
		t.Errorf("all children: %d", got)
	}
}

func (s *clientSuite) testMulti(t *testing.T) {
	ctx, c := t.Context(), s.c
	results, err := c.Multi(
		ctx,
		client.CreateOp("/m", []byte("1"), wire.FlagPersistent, nil), client.CheckOp("/m", 0),
		client.SetOp("/m", []byte("2"), 0), client.CreateOp("/m/s-", nil, wire.FlagPersistentSequential, nil),
		client.DeleteOp("/m/s-0000000000", 0),
	)
	if err != nil || len(results) != 5 || results[3].Reply.Path != "/m/s-0000000000" || results[2].Reply.Stat.Version != 1 {
		t.Errorf("multi: %+v, %v", results, err)
	}
	results, err = c.Multi(ctx, client.SetOp("/m", nil, 1), client.CheckOp("/m", 7), client.DeleteOp("/m", 2))
	if !errors.Is(err, wire.BadVersion) || len(results) != 3 || results[0].Err != wire.OK || results[2].Err != wire.RuntimeInconsistency {
		t.Errorf("refused multi: %+v, %v", results, err)
	}
	results, err = c.MultiRead(
		ctx,
		wire.Request{Op: wire.OpGetData, Path: "/m"}, wire.Request{Op: wire.OpGetChildren, Path: "/missing"},
	)
	if err != nil || len(results) != 2 || string(results[0].Reply.Data) != "2" || results[1].Err != wire.NoNode {
		t.Errorf("multiRead: %+v, %v", results, err)
	}
}

// next waits for the next watch event.
func (s *clientSuite) next(t *testing.T) client.Event {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case e := <-s.events:
			if e.Type != client.EventSession {
				return e
			}
		case <-timer.C:
			t.Fatal("no watch event came")
		}
	}
}

func (s *clientSuite) testWatches(t *testing.T) {
	ctx, c := t.Context(), s.c
	expect := func(kind wire.EventType, path string) {
		t.Helper()
		if e := s.next(t); e.Type != kind || e.Path != path || e.Zxid == 0 {
			t.Errorf("event %+v, want type %d of %s", e, kind, path)
		}
	}
	if _, ok, err := c.Exists(ctx, "/w", true); ok || err != nil {
		t.Fatalf("exists: %v, %v", ok, err)
	}
	must[string](t)(c.Create(ctx, "/w", nil, wire.FlagPersistent, nil))
	expect(wire.EventNodeCreated, "/w")
	_, _, err := c.Get(ctx, "/w", true)
	_, _, err2 := c.Children(ctx, "/w", true)
	if err := errors.Join(err, err2, c.AddWatch(ctx, "/w", wire.WatchPersistentRecursive)); err != nil {
		t.Fatal(err)
	}
	must[string](t)(c.Create(ctx, "/w/c", nil, wire.FlagPersistent, nil))
	expect(wire.EventNodeCreated, "/w/c")
	expect(wire.EventNodeChildrenChanged, "/w")
	must[wire.Stat](t)(c.Set(ctx, "/w", nil, client.AnyVersion))
	expect(wire.EventNodeDataChanged, "/w")
	if err := c.CheckWatches(ctx, "/w", wire.WatcherPersistentRecursive); err != nil {
		t.Error(err)
	}
	if err := c.RemoveWatches(ctx, "/w", wire.WatcherAny); err != nil {
		t.Error(err)
	}
	if err := c.CheckWatches(ctx, "/w", wire.WatcherAny); !errors.Is(err, wire.NoWatcher) {
		t.Errorf("after removal: %v", err)
	}
}

func (s *clientSuite) testACL(t *testing.T) {
	ctx, c := t.Context(), s.c
	if err := c.AddAuth(ctx, "digest", []byte("bob:pw")); err != nil {
		t.Fatal(err)
	}
	who := must[[]wire.ID](t)(c.WhoAmI(ctx))
	if !slices.Contains(who, wire.ID{Scheme: "digest", ID: "bob"}) {
		t.Errorf("I am %v", who)
	}
	mine := []wire.ACL{{Perms: wire.PermAll, ID: wire.ID{Scheme: "auth"}}}
	must[string](t)(c.Create(ctx, "/mine", nil, wire.FlagPersistent, mine))
	acl, stat, err := c.ACL(ctx, "/mine")
	want := wire.ACL{Perms: wire.PermAll, ID: wire.ID{Scheme: "digest", ID: "bob:ikIaKsbtGweaHnb/jKn7OHqbunM="}}
	if err != nil || len(acl) != 1 || acl[0] != want || stat.Aversion != 0 {
		t.Errorf("acl %v, %+v, %v", acl, stat, err)
	}
	if stat := must[wire.Stat](t)(c.SetACL(ctx, "/mine", wire.OpenACL, 0)); stat.Aversion != 1 {
		t.Errorf("aversion %d", stat.Aversion)
	}
}

// testClientOverRestart stops the server under a session and changes what it
// watches meanwhile through nobody: all must be as before, credentials too.
func testClientOverRestart(t *testing.T, s *server.Server) {
	events := make(chan client.Event, 1000)
	suite := clientSuite{events: events}
	c := openClient(t, s, client.Config{
		Auth:    []client.Auth{{Scheme: "digest", Data: []byte("bob:pw")}},
		OnEvent: func(e client.Event) { events <- e },
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	mine := []wire.ACL{{Perms: wire.PermAll, ID: wire.ID{Scheme: "auth"}}}
	must[string](t)(c.Create(ctx, "/restart", []byte("kept"), wire.FlagEphemeral, mine))
	if _, _, err := c.Get(ctx, "/restart", true); err != nil {
		t.Fatal(err)
	}
	session := c.Session().ID
	if err := s.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	data, _, err := c.Get(ctx, "/restart", false)
	for errors.Is(err, client.ErrConnectionLoss) { // sent before the loss was noticed
		data, _, err = c.Get(ctx, "/restart", false)
	}
	if err != nil || string(data) != "kept" || c.Session().ID != session {
		t.Errorf("after the restart: %q, %v, session %v, was %v", data, err, c.Session().ID, session)
	}
	must[wire.Stat](t)(c.Set(ctx, "/restart", nil, client.AnyVersion))
	if e := suite.next(t); e.Type != wire.EventNodeDataChanged || e.Path != "/restart" {
		t.Errorf("event %+v", e)
	}
}

// testClientResumes hands a session to another client, closes it there, and
// finds it gone.
func testClientResumes(t *testing.T, s *server.Server) {
	first := openClient(t, s, client.Config{})
	must[string](t)(first.Create(t.Context(), "/resumed", nil, wire.FlagEphemeral, nil))
	session := first.Detach()
	second := openClient(t, s, client.Config{Resume: &session})
	if second.Session().ID != session.ID {
		t.Errorf("session %v, want %v", second.Session().ID, session.ID)
	}
	if _, ok, err := second.Exists(t.Context(), "/resumed", false); !ok || err != nil {
		t.Errorf("the ephemeral: %v, %v", ok, err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := client.Dial(t.Context(), client.Config{Servers: []string{s.Connect()}, Resume: &session})
	if !errors.Is(err, client.ErrSessionExpired) {
		t.Errorf("resuming a closed session: %v, want %v", err, client.ErrSessionExpired)
	}
}
