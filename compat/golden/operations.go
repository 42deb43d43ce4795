package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
)

// sessionTimeout is longer than any run, so that no session ends by itself.
const sessionTimeout = 5 * time.Minute

// worker performs operations and keeps the first error that was not wanted.
type worker struct {
	ctx     context.Context
	address string
	version string
	client  *client.Client
	err     error
}

// operate performs the fixed set of operations and returns what a client reads
// afterwards. Its sessions stay open.
func operate(ctx context.Context, address, version string) (*state, error) {
	w := &worker{ctx: ctx, address: address, version: version}
	w.client = w.dial()
	if w.err != nil {
		return nil, w.err
	}
	w.persistent()
	w.sequential()
	w.lists()
	w.multis()
	w.quota()
	w.refusals()
	owner := w.ephemerals()
	if !strings.HasPrefix(version, "3.4.") {
		w.newerKinds()
	}
	w.churn()
	if w.err != nil {
		return nil, w.err
	}
	s, err := dump(ctx, w.client)
	if err != nil {
		return nil, err
	}
	s.Version = version
	for _, c := range []*client.Client{w.client, owner} {
		session := c.Detach()
		s.Sessions = append(s.Sessions, sessionState{
			ID: int64(session.ID), TimeoutMillis: session.Timeout.Milliseconds(),
		})
	}
	return s, nil
}

func (w *worker) dial() *client.Client {
	c, err := client.Dial(w.ctx, client.Config{
		Servers: []string{w.address}, SessionTimeout: sessionTimeout,
		Auth: []client.Auth{{Scheme: "digest", Data: []byte("golden:secret")}},
	})
	w.must(err)
	return c
}

func (w *worker) must(err error) {
	if err != nil && w.err == nil {
		w.err = err
	}
}

// refused expects one error code.
func (w *worker) refused(code wire.Code, err error) {
	if !errors.Is(err, code) {
		w.must(fmt.Errorf("got %w, want %v", err, code))
	}
}

func (w *worker) create(path, data string, flags int32) {
	_, err := w.client.Create(w.ctx, path, []byte(data), flags, nil)
	w.must(err)
}

func (w *worker) persistent() {
	w.create("/p", "parent", wire.FlagPersistent)
	w.create("/p/a", "first", wire.FlagPersistent)
	w.create("/p/empty", "", wire.FlagPersistent)
	w.create("/p/gone", "x", wire.FlagPersistent)
	w.create("/p/ünï-文字", "path beyond ASCII", wire.FlagPersistent)
	_, err := w.client.Create(w.ctx, "/p/null", nil, wire.FlagPersistent, nil)
	w.must(err)
	w.create("/p/big", strings.Repeat("0123456789", 2000), wire.FlagPersistent)
	for i := range 5 {
		_, err := w.client.Set(w.ctx, "/p/a", fmt.Appendf(nil, "value %d", i), int32(i))
		w.must(err)
	}
	_, err = w.client.Set(w.ctx, "/p", nil, client.AnyVersion)
	w.must(err)
	w.must(w.client.Delete(w.ctx, "/p/gone", 0))
	_, err = w.client.Set(w.ctx, "/", []byte("root data"), client.AnyVersion)
	w.must(err)
}

func (w *worker) sequential() {
	w.create("/seq", "", wire.FlagPersistent)
	for range 4 {
		w.create("/seq/n-", "s", wire.FlagPersistentSequential)
	}
	w.must(w.client.Delete(w.ctx, "/seq/n-0000000001", client.AnyVersion))
	w.create("/seq/n-", "after a deletion", wire.FlagPersistentSequential)
}

func (w *worker) lists() {
	acl := []wire.ACL{
		{Perms: wire.PermAll, ID: wire.ID{Scheme: "digest", ID: "golden:9gWRARdDlbBm8Sqc2vFDbz4KfD4="}},
		{Perms: wire.PermAll, ID: wire.ID{Scheme: "ip", ID: "127.0.0.1"}},
		{Perms: wire.PermRead, ID: wire.AnyoneID},
	}
	_, err := w.client.Create(w.ctx, "/acl", []byte("listed"), wire.FlagPersistent, acl)
	w.must(err)
	_, err = w.client.Create(w.ctx, "/acl/same", []byte("shares the list"), wire.FlagPersistent, acl)
	w.must(err)
	w.create("/acl/changed", "open at first", wire.FlagPersistent)
	_, err = w.client.SetACL(w.ctx, "/acl/changed", acl[1:], 0)
	w.must(err)
	_, err = w.client.SetACL(w.ctx, "/acl/changed", acl[:2], 1)
	w.must(err)
	auth := []wire.ACL{{Perms: wire.PermAll, ID: wire.ID{Scheme: "auth"}}}
	_, err = w.client.Create(w.ctx, "/acl/auth", nil, wire.FlagPersistent, auth)
	w.must(err)
}

func (w *worker) multis() {
	w.create("/multi", "", wire.FlagPersistent)
	_, err := w.client.Multi(w.ctx,
		client.CreateOp("/multi/a", []byte("1"), wire.FlagPersistent, nil),
		client.CreateOp("/multi/b", []byte("2"), wire.FlagPersistent, nil),
		client.CheckOp("/multi/a", 0),
		client.SetOp("/multi/a", []byte("3"), 0),
		client.DeleteOp("/multi/b", client.AnyVersion),
		client.CreateOp("/multi/s-", nil, wire.FlagPersistentSequential, nil),
	)
	w.must(err)
	_, err = w.client.Multi(w.ctx,
		client.CreateOp("/multi/never", nil, wire.FlagPersistent, nil),
		client.DeleteOp("/multi/missing", client.AnyVersion),
		client.SetOp("/multi/a", []byte("never"), client.AnyVersion),
	)
	w.refused(wire.NoNode, err)
}

func (w *worker) quota() {
	w.create("/quota", "12345", wire.FlagPersistent)
	w.create("/zookeeper/quota/quota", "", wire.FlagPersistent)
	w.create("/zookeeper/quota/quota/zookeeper_limits", "count=100,bytes=10000", wire.FlagPersistent)
	w.create("/zookeeper/quota/quota/zookeeper_stats", "count=1,bytes=5", wire.FlagPersistent)
	w.create("/quota/a", "1234567890", wire.FlagPersistent)
	w.create("/quota/b", "123", wire.FlagPersistent)
	_, err := w.client.Set(w.ctx, "/quota/a", []byte("1"), client.AnyVersion)
	w.must(err)
	w.must(w.client.Delete(w.ctx, "/quota/b", client.AnyVersion))
}

// refusals leave error transactions in the log.
func (w *worker) refusals() {
	_, err := w.client.Create(w.ctx, "/p", nil, wire.FlagPersistent, nil)
	w.refused(wire.NodeExists, err)
	_, err = w.client.Create(w.ctx, "/missing/child", nil, wire.FlagPersistent, nil)
	w.refused(wire.NoNode, err)
	_, err = w.client.Set(w.ctx, "/p/a", nil, 99)
	w.refused(wire.BadVersion, err)
	w.refused(wire.NotEmpty, w.client.Delete(w.ctx, "/p", client.AnyVersion))
}

// ephemerals makes some with three sessions: one is closed, one stays, and the
// worker's own.
func (w *worker) ephemerals() *client.Client {
	w.create("/e", "", wire.FlagPersistent)
	w.create("/e/mine", "m", wire.FlagEphemeral)
	closing, staying := w.dial(), w.dial()
	if w.err != nil {
		return nil
	}
	for name, c := range map[string]*client.Client{"closing": closing, "staying": staying} {
		for range 3 {
			_, err := c.Create(w.ctx, "/e/"+name+"-", []byte(name), wire.FlagEphemeralSequential, nil)
			w.must(err)
		}
	}
	w.must(closing.Close())
	return staying
}

// newerKinds are what came with 3.5.
func (w *worker) newerKinds() {
	_, _, err := w.client.Create2(w.ctx, "/c2", []byte("with stat"), wire.FlagPersistent, nil)
	w.must(err)
	_, err = w.client.CreateContainer(w.ctx, "/container", []byte("c"), nil)
	w.must(err)
	w.create("/container/child", "", wire.FlagPersistent)
	const ttl = 24 * time.Hour // never comes to its end
	_, _, err = w.client.CreateTTL(w.ctx, "/ttl", []byte("t"), wire.FlagPersistentTTL, ttl, nil)
	w.must(err)
	_, _, err = w.client.CreateTTL(w.ctx, "/ttl-", nil, wire.FlagPersistentSequentialTTL, ttl, nil)
	w.must(err)
}

// churn makes the server write snapshots while transactions go on.
func (w *worker) churn() {
	w.create("/churn", "", wire.FlagPersistent)
	for i := range 40 {
		path := fmt.Sprintf("/churn/%02d", i%10)
		if i < 10 {
			w.create(path, "", wire.FlagPersistent)
		}
		_, err := w.client.Set(w.ctx, path, fmt.Appendf(nil, "round %d", i), client.AnyVersion)
		w.must(err)
		if i%10 == 9 {
			w.must(w.client.Delete(w.ctx, path, client.AnyVersion))
			w.create(path, "again", wire.FlagPersistent)
		}
	}
}
