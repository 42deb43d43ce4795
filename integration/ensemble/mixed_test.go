package ensemble_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"kafkacoord/compat/rawclient"
	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
	"kafkacoord/integration/ensemble"
)

// TestMixed runs Java and coord as one ensemble, either leading in turn: what
// clients do on one member has to be so on the others, with any leader, and no
// acknowledged write may be lost when the members are killed one after the other.
func TestMixed(t *testing.T) {
	for _, version := range versions {
		// The last member has the largest number and leads first, the one before it
		// when that is gone.
		for _, programs := range []string{"java java coord", "coord coord java"} {
			t.Run(version+" "+programs, func(t *testing.T) {
				s := start(t, mix(version, programs)...)
				s.expectLeader(3)
				s.exercise("first")
				s.changeLeader()
				s.exercise("second")
				s.killEach()
				s.equal()
			})
		}
	}
}

// changeLeader kills the leader, member 3, whereupon member 2 leads; then member
// 3 comes back.
func (s *scenario) changeLeader() {
	s.t.Helper()
	survivor := s.dial(s.Member(1), client.Config{})
	_, err := survivor.Create(s.ctx, "/survivor", nil, wire.FlagEphemeral, nil)
	s.must(err)
	s.must(s.Member(3).Kill())
	s.expectLeader(2)
	_, found, err := survivor.Exists(s.ctx, "/survivor", false)
	for errors.Is(err, client.ErrConnectionLoss) { // Java closes connections in an election
		_, found, err = survivor.Exists(s.ctx, "/survivor", false)
	}
	if err != nil || !found {
		s.t.Errorf("an ephemeral of a session on member 1 after the change of leader: %v, %v", found, err)
	}
	s.launch(s.Member(3))
	s.expectLeader(2)
	s.must(survivor.Close())
}

// killEach kills and restarts every member under load.
func (s *scenario) killEach() {
	s.t.Helper()
	w := s.load(4, 2*time.Millisecond)
	for _, m := range s.Members {
		s.awaitWrites(w, 100)
		s.must(m.Kill())
		s.awaitWrites(w, 100)
		s.launch(m)
	}
	s.awaitWrites(w, 100)
	s.endLoad(w)
}

// exercise does below /name what clients do.
func (s *scenario) exercise(name string) {
	s.t.Helper()
	began := time.Now()
	x := &exercise{scenario: s, root: "/" + name}
	for range s.Members {
		x.events = append(x.events, make(chan client.Event, 1000))
	}
	for i, m := range s.Members {
		x.all = append(x.all, s.dial(m, client.Config{OnEvent: func(e client.Event) { x.events[i] <- e }}))
	}
	s.create(x.all[0], x.root)
	expire := x.leaveSessions()
	x.writes()
	x.sequences()
	x.transactions()
	x.ephemerals()
	x.watches()
	x.moves()
	expire()
	for i, c := range x.all {
		if c.State() != client.Connected {
			s.t.Errorf("the session on member %v is %v", s.Members[i], c.State())
		}
		s.must(c.Close())
	}
	s.t.Logf("%s: led by %v, done in %v", name, s.leader(), time.Since(began).Round(time.Millisecond))
}

// exercise is one round with one leader: a client for each member, and its events.
type exercise struct {
	*scenario
	root   string
	all    []*client.Client
	events []chan client.Event
}

func (x *exercise) path(format string, args ...any) string {
	return x.root + "/" + fmt.Sprintf(format, args...)
}

// writes creates, changes and deletes on each member what the others then see.
func (x *exercise) writes() {
	x.t.Helper()
	for i, writer := range x.all {
		path := x.path("write-%d", i)
		x.create(writer, path)
		for j, reader := range x.all {
			x.seen(reader, path, true)
			if _, err := reader.Set(x.ctx, path, []byte{byte(j)}, int32(j)); err != nil {
				x.t.Fatalf("set by a client of member %v: %v", x.Members[j], err)
			}
		}
		if _, err := writer.Set(x.ctx, path, nil, 0); !errors.Is(err, wire.BadVersion) {
			x.t.Errorf("an old version is %v", err)
		}
		if _, err := writer.Create(x.ctx, path, nil, wire.FlagPersistent, nil); !errors.Is(err, wire.NodeExists) {
			x.t.Errorf("a second create is %v", err)
		}
		x.must(writer.Delete(x.ctx, path, client.AnyVersion))
		for _, reader := range x.all {
			x.seen(reader, path, false)
		}
	}
}

// sequences lets the members take turns in numbering znodes.
func (x *exercise) sequences() {
	x.t.Helper()
	x.create(x.all[0], x.path("sequence"))
	var names []string
	for i := range 4 * len(x.all) {
		path, err := x.all[i%len(x.all)].Create(x.ctx, x.path("sequence/n-"), nil, wire.FlagPersistentSequential, nil)
		x.must(err)
		names = append(names, path)
	}
	if !strictlyGrowing(names) {
		x.t.Errorf("sequential znodes do not grow: %v", names)
	}
}

// transactions does and refuses a multi on each member.
func (x *exercise) transactions() {
	x.t.Helper()
	for i, c := range x.all {
		path := x.path("multi-%d", i)
		_, err := c.Multi(x.ctx,
			client.CreateOp(path, nil, wire.FlagPersistent, nil), client.SetOp(path, []byte("set"), 0), client.CheckOp(path, 1))
		x.must(err)
		_, err = c.Multi(x.ctx, client.SetOp(path, []byte("no"), 1), client.CheckOp(path, 7))
		if !errors.Is(err, wire.BadVersion) {
			x.t.Errorf("member %v: a multi with a failed check is %v", x.Members[i], err)
		}
		for _, reader := range x.all {
			if stat := x.seen(reader, path, true); stat.Version != 1 {
				x.t.Errorf("%s has version %d for a client of %s", path, stat.Version, reader.Server())
			}
		}
	}
}

// ephemerals are seen everywhere and go with their session.
func (x *exercise) ephemerals() {
	x.t.Helper()
	for i, m := range x.Members {
		c := x.dial(m, client.Config{})
		path, err := c.Create(x.ctx, x.path("ephemeral-%d-", i), nil, wire.FlagEphemeralSequential, nil)
		x.must(err)
		for _, reader := range x.all {
			if stat := x.seen(reader, path, true); stat.EphemeralOwner != c.Session().ID {
				x.t.Errorf("%s belongs to %v, want %v", path, stat.EphemeralOwner, c.Session().ID)
			}
		}
		x.must(c.Close())
		for _, reader := range x.all {
			x.seen(reader, path, false)
		}
	}
}

// watches on every member hear of what is done on every other.
func (x *exercise) watches() {
	x.t.Helper()
	for i, writer := range x.all {
		path := x.path("watched-%d", i)
		for _, c := range x.all {
			_, found, err := c.Exists(x.ctx, path, true)
			if err != nil || found {
				x.t.Fatalf("%s: %v, %v", path, found, err)
			}
		}
		x.create(writer, path)
		x.expectEvents(wire.EventNodeCreated, path)
		for _, c := range x.all {
			x.must(c.Sync(x.ctx, path))
			_, _, err := c.Get(x.ctx, path, true)
			x.must(err)
		}
		_, err := writer.Set(x.ctx, path, nil, 0)
		x.must(err)
		x.expectEvents(wire.EventNodeDataChanged, path)
		x.must(writer.Delete(x.ctx, path, 1))
	}
}

func (x *exercise) expectEvents(kind wire.EventType, path string) {
	x.t.Helper()
	for i, events := range x.events {
		timer := time.NewTimer(patience)
		for heard := false; !heard; {
			select {
			case e := <-events:
				if heard = e.Type == kind && e.Path == path; !heard && e.Type != client.EventSession {
					x.t.Fatalf("member %v: event %+v, want type %d of %s", x.Members[i], e, kind, path)
				}
			case <-timer.C:
				x.t.Fatalf("member %v: no event of type %d of %s", x.Members[i], kind, path)
			}
		}
		timer.Stop()
	}
}

// moves takes sessions from every member to every other.
func (x *exercise) moves() {
	x.t.Helper()
	for i, from := range x.Members {
		for j, to := range x.Members {
			if i != j {
				x.move(from, to, x.path("moved-%d-%d", i, j))
			}
		}
	}
}

// move takes a session over while its old connection still stands; that must not
// be able to write any more.
func (x *exercise) move(from, to *ensemble.Member, path string) {
	x.t.Helper()
	old, opened, err := rawclient.Open(from.Connect(), int32(longSession.Milliseconds()))
	x.must(err)
	defer func() { _ = old.Close() }()
	ephemeral := client.CreateOp(path, nil, wire.FlagEphemeral, nil)
	// Not 1: a Java server that has yet to apply the create may take it for its
	// answer to the first request of the new connection, which has that number.
	if reply, _, err := old.Request(1001, &ephemeral); err != nil || reply.Header.Err != wire.OK {
		x.t.Fatalf("create %s on member %v: %+v, %v", path, from, reply, err)
	}
	session := client.Session{ID: opened.SessionID, Password: opened.Password, Timeout: longSession}
	wrong := session
	wrong.Password = make([]byte, len(session.Password))
	if stranger, err := x.tryDial(to, client.Config{Resume: &wrong}); !errors.Is(err, client.ErrSessionExpired) {
		if err == nil {
			stranger.Detach()
		}
		x.t.Fatalf("member %v answers a wrong password for a session of %v with %v", to, from, err)
	}
	moved := x.dial(to, client.Config{Resume: &session})
	if owner := x.seen(moved, path, true).EphemeralOwner; moved.Session().ID != session.ID || owner != session.ID {
		x.t.Errorf("session %v of member %v is %v on %v, its znode belongs to %v", session.ID, from, moved.Session().ID, to, owner)
	}
	_, err = moved.Set(x.ctx, path, []byte("moved"), 0)
	x.must(err)
	late := client.SetOp(path, []byte("late"), client.AnyVersion)
	if reply, _, err := old.Request(1002, &late); err == nil && reply.Header.Err == wire.OK {
		x.t.Errorf("the connection that session %v left on member %v still writes", session.ID, from)
	}
	if data, _, err := moved.Get(x.ctx, path, false); err != nil || string(data) != "moved" {
		x.t.Errorf("%s holds %q, %v", path, data, err)
	}
	x.must(moved.Close())
	for _, c := range x.all {
		x.seen(c, path, false)
	}
}

// leaveSessions opens on every member a session that lives by its pings only, and
// the function returned then leaves others behind twice: they expire, with their
// ephemerals, and the first ones do not.
func (x *exercise) leaveSessions() (expire func()) {
	x.t.Helper()
	var kept []*client.Client
	for i, m := range x.Members {
		c := x.dial(m, client.Config{SessionTimeout: shortSession, OnEvent: func(e client.Event) {
			if e.State == client.Expired {
				x.t.Errorf("the idle session on member %v has expired", m)
			}
		}})
		_, err := c.Create(x.ctx, x.path("kept-%d", i), nil, wire.FlagEphemeral, nil)
		x.must(err)
		kept = append(kept, c)
	}
	return func() {
		x.t.Helper()
		for round := range 2 {
			var left []string
			for i, m := range x.Members {
				c := x.dial(m, client.Config{SessionTimeout: shortSession})
				path, err := c.Create(x.ctx, x.path("left-%d-%d", round, i), nil, wire.FlagEphemeral, nil)
				x.must(err)
				left = append(left, path)
				c.Detach()
			}
			for _, path := range left {
				x.goesEverywhere(path)
			}
		}
		for i, c := range kept {
			if stat := x.seen(x.all[0], x.path("kept-%d", i), true); stat.EphemeralOwner != c.Session().ID {
				x.t.Errorf("the ephemeral of the idle session on member %v belongs to %v", x.Members[i], stat.EphemeralOwner)
			}
			x.must(c.Close())
		}
	}
}

// goesEverywhere waits until a znode is gone on all members.
func (x *exercise) goesEverywhere(path string) {
	x.t.Helper()
	for i, c := range x.all {
		x.eventually(fmt.Sprintf("%s expires on member %v", path, x.Members[i]), func() error {
			ctx, cancel := context.WithTimeout(x.ctx, patience)
			defer cancel()
			_, found, err := c.Exists(ctx, path, false)
			if err == nil && found {
				err = errors.New("it is still there")
			}
			return err
		})
	}
}
