package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kafkacoord/coord/wire"
)

func one(s *fakeServer) map[string]*fakeServer { return map[string]*fakeServer{"one:2181": s} }

func TestPipelinedRequestsKeepTheirOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newFakeServer()
		s.answer = echo
		c := dial(t, network(t, one(s)))
		var got []string
		for i := range 1000 {
			c.Go(&wire.Request{Op: wire.OpGetData, Path: fmt.Sprint("/", i)}, func(r Result) {
				if r.Err != nil || r.Zxid != 100 {
					t.Errorf("request %d: zxid %v, %v", i, r.Zxid, r.Err)
				}
				got = append(got, string(r.Reply.Data))
			})
		}
		synctest.Wait()
		if len(got) != 1000 || !slices.IsSortedFunc(got, func(a, b string) int { return len(a) - len(b) }) || got[999] != "/999" {
			t.Errorf("%d replies, last %v", len(got), got[len(got)-1])
		}
		if c.LastZxid() != 100 {
			t.Errorf("last zxid %v, want 100", c.LastZxid())
		}
	})
}

func TestReconnectGoesOnWithTheSession(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newFakeServer(), newFakeServer()
		a.answer, b.answer = echo, echo
		config := network(t, map[string]*fakeServer{"a:1": a, "b:2": b})
		var events recorder
		config.OnEvent = events.add
		config.Auth = []Auth{{"digest", []byte("u:p")}}
		config.Chroot = "/app"
		c := dial(t, config)
		first, second := a, b
		if c.Server() == "b:2" {
			first, second = b, a
		}
		ctx := t.Context()
		arm(t, c)
		if err := c.AddAuth(ctx, "digest", []byte("v:q")); err != nil {
			t.Fatal(err)
		}
		first.set(func() { first.answer = never })
		lost := make(chan error, 1)
		c.Go(&wire.Request{Op: wire.OpGetData, Path: "/lost"}, func(r Result) { lost <- r.Err })
		synctest.Wait()
		first.set(func() { first.down = true })
		first.disconnect()
		if err := <-lost; !errors.Is(err, ErrConnectionLoss) {
			t.Errorf("the request without reply: %v, want %v", err, ErrConnectionLoss)
		}
		if data, _, err := c.Get(ctx, "/next", false); err != nil || string(data) != "/app/next" {
			t.Errorf("after the change of server: %q, %v", data, err)
		}
		link := second.last()
		if got := link.connect; got.SessionID != 77 || string(got.Password) != string(password) || got.LastZxidSeen != 100 {
			t.Errorf("reconnected with %+v", got)
		}
		want := []wire.Op{wire.OpAuth, wire.OpAuth, wire.OpSetWatches2, wire.OpGetData}
		if got := link.ops(); !slices.Equal(got, want) {
			t.Errorf("the new connection began with %v, want %v", got, want)
		}
		checkRearmed(t, link.seen()[2].body)
		synctest.Wait()
		if got, want := events.states(), []State{Connected, Connecting, Connected}; !slices.Equal(got, want) {
			t.Errorf("states %v, want %v", got, want)
		}
	})
}

// arm sets one watch of each kind.
func arm(t *testing.T, c *Client) {
	t.Helper()
	ctx := t.Context()
	_, _, err1 := c.Get(ctx, "/data", true)
	_, _, err2 := c.Children(ctx, "/child", true)
	err3 := c.AddWatch(ctx, "/persistent", wire.WatchPersistent)
	err4 := c.AddWatch(ctx, "/recursive", wire.WatchPersistentRecursive)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
}

func checkRearmed(t *testing.T, r wire.Request) {
	t.Helper()
	for _, list := range []struct {
		got  []string
		want string
	}{
		{r.DataWatches, "/app/data"},
		{r.ChildWatches, "/app/child"},
		{r.PersistentWatches, "/app/persistent"},
		{r.PersistentRecursiveWatch, "/app/recursive"},
	} {
		if len(list.got) != 1 || list.got[0] != list.want {
			t.Errorf("watches %v, want %s", list.got, list.want)
		}
	}
	if len(r.ExistWatches) != 0 || r.RelativeZxid != 100 {
		t.Errorf("exist watches %v, zxid %v", r.ExistWatches, r.RelativeZxid)
	}
}

func TestExpiryFailsEverything(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newFakeServer()
		config := network(t, one(s))
		var events recorder
		config.OnEvent = events.add
		c := dial(t, config)
		s.set(func() { s.down = true })
		s.disconnect()
		synctest.Wait()
		waiting := make(chan error, 1)
		c.Go(&wire.Request{Op: wire.OpSync, Path: "/"}, func(r Result) { waiting <- r.Err })
		s.set(func() { s.down, s.refuse = false, true })
		if err := <-waiting; !errors.Is(err, ErrSessionExpired) {
			t.Errorf("the waiting request: %v, want %v", err, ErrSessionExpired)
		}
		<-c.Done()
		if err := c.Delete(t.Context(), "/x", AnyVersion); !errors.Is(err, ErrSessionExpired) {
			t.Errorf("a later request: %v, want %v", err, ErrSessionExpired)
		}
		synctest.Wait()
		if got, want := events.states(), []State{Connected, Connecting, Expired}; !slices.Equal(got, want) {
			t.Errorf("states %v, want %v", got, want)
		}
		if c.State() != Expired {
			t.Errorf("state %v, want %v", c.State(), Expired)
		}
	})
}

func TestPingsKeepAnIdleSession(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newFakeServer()
		dial(t, network(t, one(s)))
		began := time.Now()
		time.Sleep(10 * time.Second)
		link := s.last()
		link.mu.Lock()
		defer link.mu.Unlock()
		// 9 s granted, 6 s until silence is too long, half of it until a ping.
		var got []time.Duration
		for _, r := range link.requests {
			got = append(got, r.at.Sub(began))
		}
		if want := []time.Duration{3 * time.Second, 6 * time.Second, 9 * time.Second}; !slices.Equal(got, want) {
			t.Errorf("pings at %v, want %v", got, want)
		}
	})
}

func TestSilentServerIsLeft(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newFakeServer()
		s.silent = true
		config := network(t, one(s))
		var events recorder
		config.OnEvent = events.add
		dial(t, config)
		time.Sleep(5999 * time.Millisecond) // of the bubble's clock
		if n := s.count(); n != 1 {
			t.Errorf("%d connections before the silence is too long", n)
		}
		time.Sleep(time.Second)
		if n := s.count(); n != 2 {
			t.Errorf("%d connections after it", n)
		}
		synctest.Wait()
		events.mu.Lock()
		defer events.mu.Unlock()
		if !errors.Is(events.events[1].Err, errSilence) {
			t.Errorf("left because of %v", events.events[1].Err)
		}
	})
}

func TestAbandonedRequestsAreNotSent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newFakeServer()
		s.answer = echo
		c := dial(t, network(t, one(s)))
		s.set(func() { s.down = true })
		s.disconnect()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		results := make(chan error, 10)
		for i := range 10 {
			use := ctx
			if i%3 == 0 {
				use = t.Context()
			}
			go func() {
				_, err := c.Create(use, fmt.Sprint("/n", i), nil, 0, nil)
				results <- err
			}()
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		s.set(func() { s.down = false })
		cancelled := 0
		for range 10 {
			if err := <-results; errors.Is(err, context.Canceled) {
				cancelled++
			} else if err != nil {
				t.Error(err)
			}
		}
		var paths []string
		for _, r := range s.last().seen() {
			paths = append(paths, r.path)
		}
		slices.Sort(paths)
		if want := []string{"/n0", "/n3", "/n6", "/n9"}; cancelled != 6 || !slices.Equal(paths, want) {
			t.Errorf("%d cancelled, sent %v, want 6 and %v", cancelled, paths, want)
		}
	})
}

func TestLimitOfOutstandingRequests(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newFakeServer()
		s.answer = never
		config := network(t, one(s))
		config.OutstandingMax = 2
		c := dial(t, config)
		r := &wire.Request{Op: wire.OpGetData, Path: "/x"}
		for range 2 {
			c.Go(r, nil)
		}
		synctest.Wait()
		var full error
		c.Go(r, func(r Result) { full = r.Err })
		if !errors.Is(full, ErrQueueFull) {
			t.Errorf("Go at the limit: %v, want %v", full, ErrQueueFull)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := c.Do(ctx, r); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Do at the limit: %v, want %v", err, context.DeadlineExceeded)
		}
		s.set(func() { s.answer = echo })
		waiting := make(chan error, 1)
		go func() {
			_, _, err := c.Do(t.Context(), r)
			waiting <- err
		}()
		synctest.Wait()
		link := s.last()
		for _, old := range link.seen() {
			link.reply(wire.ReplyHeader{Xid: old.xid, Err: wire.NoNode}, nil)
		}
		if err := <-waiting; err != nil {
			t.Errorf("Do after there was room: %v", err)
		}
	})
}

func TestEventsArriveInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newFakeServer()
		s.answer = echo
		config := network(t, one(s))
		config.Chroot = "/app"
		var events recorder
		config.OnEvent = events.add
		dial(t, config)
		link := s.last()
		link.event(wire.EventNodeCreated, "/app")
		link.event(wire.EventNodeDataChanged, "/app/a")
		link.event(wire.EventNodeDeleted, "/elsewhere")
		synctest.Wait()
		if got, want := events.paths(), []string{"/", "/a", "/elsewhere"}; !slices.Equal(got, want) {
			t.Errorf("events of %v, want %v", got, want)
		}
	})
}

func TestEventsThatFindNoRoomAreAskedForAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newFakeServer()
		s.answer = echo
		config := network(t, one(s))
		config.EventQueueMax = 1
		hold := make(chan struct{})
		var events recorder
		config.OnEvent = func(e Event) {
			if e.Type != EventSession {
				<-hold
			}
			events.add(e)
		}
		c := dial(t, config)
		for _, path := range []string{"/1", "/2", "/3"} {
			if _, _, err := c.Get(t.Context(), path, true); err != nil {
				t.Fatal(err)
			}
		}
		link := s.last()
		for _, path := range []string{"/1", "/2", "/3"} {
			link.event(wire.EventNodeDataChanged, path)
			synctest.Wait()
		}
		time.Sleep(time.Second)
		again := s.last().seen()
		if len(again) != 1 || !slices.Equal(again[0].body.DataWatches, []string{"/3"}) {
			t.Errorf("the next connection asks for %+v, want a watch of /3", again)
		}
		close(hold)
		synctest.Wait()
		if got, want := events.paths(), []string{"/1", "/2"}; !slices.Equal(got, want) {
			t.Errorf("events of %v, want %v", got, want)
		}
	})
}

func TestRefusedCredentials(t *testing.T) {
	refuse := func(c *fakeConnection, xid int32, r *wire.Request) (wire.ReplyHeader, []byte) {
		if r.Op != wire.OpAuth {
			return echo(c, xid, r)
		}
		c.reply(wire.ReplyHeader{Xid: xid, Err: wire.AuthFailed}, nil)
		c.send(nil, true)
		return wire.ReplyHeader{Xid: noReply}, nil
	}
	t.Run("of Config", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			s := newFakeServer()
			s.answer = refuse
			config := network(t, one(s))
			config.Auth = []Auth{{"digest", []byte("u:p")}}
			if _, err := Dial(t.Context(), config); !errors.Is(err, wire.AuthFailed) {
				t.Errorf("got %v, want %v", err, wire.AuthFailed)
			}
		})
	})
	t.Run("of AddAuth", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			s := newFakeServer()
			s.answer = refuse
			c := dial(t, network(t, one(s)))
			if err := c.AddAuth(t.Context(), "none", nil); !errors.Is(err, wire.AuthFailed) {
				t.Errorf("got %v, want %v", err, wire.AuthFailed)
			}
			synctest.Wait() // until the client has seen the end of the connection
			if _, _, err := c.Get(t.Context(), "/x", false); err != nil {
				t.Errorf("after it: %v", err)
			}
			if got := s.last().ops(); !slices.Equal(got, []wire.Op{wire.OpGetData}) {
				t.Errorf("the next connection sent %v", got)
			}
		})
	})
}

func TestAuthReplyMayOvertake(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newFakeServer()
		s.answer = never
		c := dial(t, network(t, one(s)))
		var order []string
		note := func(name string) func(Result) {
			return func(r Result) { order = append(order, fmt.Sprint(name, r.Err == nil)) }
		}
		c.Go(&wire.Request{Op: wire.OpDelete, Path: "/1"}, note("first"))
		c.Go(&wire.Request{Op: wire.OpAuth, Scheme: "digest"}, note("auth"))
		c.Go(&wire.Request{Op: wire.OpDelete, Path: "/2"}, note("second"))
		synctest.Wait()
		link := s.last()
		for _, xid := range []int32{wire.XidAuth, 1, 2} {
			link.reply(wire.ReplyHeader{Xid: xid}, nil)
		}
		synctest.Wait()
		if want := []string{"authtrue", "firsttrue", "secondtrue"}; !slices.Equal(order, want) {
			t.Errorf("replies %v, want %v", order, want)
		}
	})
}

func TestCloseComesAfterEverything(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newFakeServer()
		s.answer = echo
		c := dial(t, network(t, one(s)))
		answered := 0
		for range 50 {
			c.Go(&wire.Request{Op: wire.OpSync, Path: "/"}, func(r Result) {
				if r.Err == nil {
					answered++
				}
			})
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		ops := s.last().ops()
		if answered != 50 || ops[len(ops)-1] != wire.OpCloseSession {
			t.Errorf("%d answered of 50; the last request was %v", answered, ops[len(ops)-1])
		}
		if err := c.Sync(t.Context(), "/"); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v, want %v", err, ErrClosed)
		}
	})
}

func TestCloseWithoutServer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newFakeServer()
		c := dial(t, network(t, one(s)))
		s.set(func() { s.down = true })
		s.disconnect()
		synctest.Wait()
		waiting := make(chan error, 1)
		c.Go(&wire.Request{Op: wire.OpSync, Path: "/"}, func(r Result) { waiting <- r.Err })
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-waiting; !errors.Is(err, ErrClosed) {
			t.Errorf("the waiting request: %v, want %v", err, ErrClosed)
		}
	})
}

func TestDetachAndResume(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newFakeServer()
		config := network(t, one(s))
		first := dial(t, config)
		session := first.Detach()
		if ops := s.last().ops(); len(ops) != 0 {
			t.Errorf("Detach sent %v", ops)
		}
		config.Resume = &session
		dial(t, config)
		if got := s.last().connect; got.SessionID != session.ID || string(got.Password) != string(session.Password) {
			t.Errorf("resumed with %+v", got)
		}
		s.set(func() { s.refuse = true })
		if _, err := Dial(t.Context(), config); !errors.Is(err, ErrSessionExpired) {
			t.Errorf("a session that is gone: %v, want %v", err, ErrSessionExpired)
		}
	})
}

func TestReadOnlySessionIsNotTakenAlong(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newFakeServer()
		s.readOnly = true
		config := network(t, one(s))
		config.ReadOnly = true
		c := dial(t, config)
		if c.State() != ConnectedReadOnly || !s.last().connect.ReadOnly {
			t.Errorf("state %v, flag %v", c.State(), s.last().connect.ReadOnly)
		}
		s.set(func() { s.readOnly = false })
		s.disconnect()
		time.Sleep(time.Second)
		if got := s.last().connect.SessionID; got != 0 || c.State() != Connected {
			t.Errorf("reconnected with session %v, state %v", got, c.State())
		}
	})
}

func TestBrokenProtocol(t *testing.T) {
	say := func(h func(xid int32) wire.ReplyHeader, body []byte) func(*fakeConnection, int32, *wire.Request) (wire.ReplyHeader, []byte) {
		return func(_ *fakeConnection, xid int32, _ *wire.Request) (wire.ReplyHeader, []byte) { return h(xid), body }
	}
	same := func(xid int32) wire.ReplyHeader { return wire.ReplyHeader{Xid: xid} }
	tests := map[string]func(*fakeConnection, int32, *wire.Request) (wire.ReplyHeader, []byte){
		"another xid":   say(func(xid int32) wire.ReplyHeader { return wire.ReplyHeader{Xid: xid + 1} }, nil),
		"a short body":  say(same, []byte{0, 0}),
		"a large reply": say(same, make([]byte, 2000)),
		"auth reply":    say(func(int32) wire.ReplyHeader { return wire.ReplyHeader{Xid: wire.XidAuth} }, nil),
		"short event":   say(func(int32) wire.ReplyHeader { return wire.ReplyHeader{Xid: wire.XidNotification} }, []byte{0}),
		"a negative frame": func(c *fakeConnection, _ int32, _ *wire.Request) (wire.ReplyHeader, []byte) {
			c.send([]byte{0xff, 0, 0, 0}, false)
			return wire.ReplyHeader{Xid: noReply}, nil
		},
	}
	for name, answer := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := newFakeServer()
				s.answer = answer
				config := network(t, one(s))
				config.ReplyBytesMax = 1000
				c := dial(t, config)
				_, _, err := c.Get(t.Context(), "/x", false)
				if !errors.Is(err, ErrProtocol) || !errors.Is(err, ErrConnectionLoss) {
					t.Errorf("got %v, want %v and %v", err, ErrProtocol, ErrConnectionLoss)
				}
				s.set(func() { s.answer = echo })
				synctest.Wait() // until the connection is given up
				if _, _, err := c.Get(t.Context(), "/x", false); err != nil {
					t.Errorf("on the next connection: %v", err)
				}
			})
		})
	}
}

func TestLargeReplies(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newFakeServer()
		s.answer = func(_ *fakeConnection, xid int32, r *wire.Request) (wire.ReplyHeader, []byte) {
			return wire.ReplyHeader{Xid: xid}, wire.AppendStat(wire.AppendBuffer(nil, make([]byte, len(r.Path)*readBufferBytes/3)), &wire.Stat{})
		}
		c := dial(t, network(t, one(s)))
		answered := 0
		for n := range 12 {
			c.Go(&wire.Request{Op: wire.OpGetData, Path: "/" + string(make([]byte, n))}, func(r Result) {
				if want := (n + 1) * readBufferBytes / 3; r.Err != nil || len(r.Reply.Data) != want {
					t.Errorf("%d bytes, %v; want %d", len(r.Reply.Data), r.Err, want)
				}
				answered++
			})
		}
		synctest.Wait()
		if answered != 12 {
			t.Errorf("%d of 12 answered", answered)
		}
	})
}

func TestErrorsSayWhatAndWhy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newFakeServer()
		s.answer = func(_ *fakeConnection, xid int32, r *wire.Request) (wire.ReplyHeader, []byte) {
			if r.Op != wire.OpMulti {
				return wire.ReplyHeader{Xid: xid, Zxid: 9, Err: wire.NoNode}, nil
			}
			body := wire.AppendMultiError(nil, wire.OK)
			return wire.ReplyHeader{Xid: xid, Zxid: 9}, wire.AppendMultiEnd(wire.AppendMultiError(body, wire.BadVersion))
		}
		c := dial(t, network(t, one(s)))
		_, zxid, err := c.Do(t.Context(), &wire.Request{Op: wire.OpDelete, Path: "/x"})
		if want := "client: delete /x: zookeeper: node does not exist"; !errors.Is(err, wire.NoNode) || err.Error() != want || zxid != 9 {
			t.Errorf("got %v at %v, want %s", err, zxid, want)
		}
		if _, ok, err := c.Exists(t.Context(), "/x", false); ok || err != nil {
			t.Errorf("exists: %v, %v", ok, err)
		}
		results, err := c.Multi(t.Context(), CheckOp("/a", 1), DeleteOp("/b", 2))
		if want := "client: multi: operation 1, delete /b: zookeeper: version conflict"; !errors.Is(err, wire.BadVersion) || err.Error() != want || len(results) != 2 {
			t.Errorf("got %v, %v; want %s", results, err, want)
		}
		if _, _, err := c.Do(t.Context(), &wire.Request{Op: wire.OpPing}); !errors.Is(err, ErrOperation) {
			t.Errorf("ping: %v, want %v", err, ErrOperation)
		}
	})
}

func TestDialGivesUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := newFakeServer()
		s.down = true
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := Dial(ctx, network(t, one(s)))
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errDown) {
			t.Errorf("got %v, want %v and %v", err, context.DeadlineExceeded, errDown)
		}
	})
	for _, config := range []Config{
		{},
		{Servers: []string{"a"}, Chroot: "relative"},
		{Servers: []string{"a"}, SessionTimeout: -1},
		{Servers: []string{"a"}, OutstandingMax: -1},
	} {
		if _, err := Dial(t.Context(), config); !errors.Is(err, ErrConfig) {
			t.Errorf("%+v: %v, want %v", config, err, ErrConfig)
		}
	}
}
