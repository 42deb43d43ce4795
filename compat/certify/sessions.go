package certify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"kafkacoord/compat/rawclient"
	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
)

// Session timeouts that Kafka asks for by default, in milliseconds: before 2.5,
// and since.
const (
	oldTimeoutMillis = 6000
	newTimeoutMillis = 18000
)

// bounds are the shortest and the longest session timeout of a server, in
// milliseconds.
type bounds struct{ shortest, longest int32 }

func (b bounds) hold(asked int32) int32 { return min(max(asked, b.shortest), b.longest) }

func shakeHands(p *play) {
	keeper := p.connection("the session that others take over")
	var resumed *connection
	var limits bounds
	p.step("open a session with id and password zero", func(context.Context) error {
		a := keeper.answer
		var zero [wire.PasswordSize]byte
		return cmp.Or(
			equal("length of the password", len(a.Password), wire.PasswordSize),
			equal("password is zero", string(a.Password) == string(zero[:]), false),
			equal("read-only", a.ReadOnly, false),
			equal("protocol version", a.ProtocolVersion, 0),
		)
	})
	p.step("learn the shortest and the longest session timeout", func(ctx context.Context) (err error) {
		if limits.shortest, err = p.granted(ctx, 1); err != nil {
			return err
		}
		if limits.longest, err = p.granted(ctx, math.MaxInt32); err != nil {
			return err
		}
		if limits.shortest <= 0 || limits.longest < limits.shortest {
			return &Mismatch{What: "session timeouts", Expected: "bounds above 0", Got: fmt.Sprintf("%d ms to %d ms", limits.shortest, limits.longest)}
		}
		return nil
	})
	p.step("be granted Kafka's timeouts as far as they are within the bounds", func(ctx context.Context) error {
		for _, asked := range []int32{oldTimeoutMillis, newTimeoutMillis} {
			granted, err := p.granted(ctx, asked)
			if err := cmp.Or(err, equal(fmt.Sprintf("timeout granted for %d ms", asked), granted, limits.hold(asked))); err != nil {
				return err
			}
		}
		return nil
	})
	p.step("resume the session on a new connection, with another timeout", func(ctx context.Context) (err error) {
		request := keeper.credentials()
		request.Timeout = limits.longest
		if resumed, err = p.connect(ctx, request); err != nil {
			return err
		}
		p.sessions = append(p.sessions, resumed.end)
		return cmp.Or(
			equal("session id", resumed.answer.SessionID, keeper.answer.SessionID),
			equal("timeout", resumed.answer.Timeout, limits.longest),
			equal("password", string(resumed.answer.Password), string(keeper.answer.Password)),
		)
	})
	p.step("find the old connection closed", keeper.closedByServer)
	p.step("be refused a session with a wrong password", func(ctx context.Context) error {
		request := resumed.credentials()
		request.Password = append([]byte{^request.Password[0]}, request.Password[1:]...)
		return p.refused(ctx, request)
	})
	p.step("resume the session after the attempt with a wrong password", func(ctx context.Context) error {
		_, err := p.resume(ctx, resumed)
		return err
	})
	p.step("close, and not refuse, the connection of a client that has seen more", func(ctx context.Context) error {
		request := resumed.credentials()
		request.LastZxidSeen = math.MaxInt64
		c, err := p.connect(ctx, request)
		switch {
		case errors.Is(err, rawclient.ErrClosed):
			return nil
		case err != nil:
			return err
		}
		defer func() { _ = c.Close() }()
		return &Mismatch{What: "answer to a client ahead of the server", Expected: "the connection closed", Got: "session " + c.answer.SessionID.String()}
	})
}

// granted opens a session, closes it, and returns the timeout it was given.
func (p *play) granted(ctx context.Context, askedMillis int32) (int32, error) {
	request := p.newSession()
	request.Timeout = askedMillis
	c, err := p.connect(ctx, request)
	if err != nil {
		return 0, err
	}
	defer c.end()
	return c.answer.Timeout, equal("new session refused", c.answer.Refused(), false)
}

// refused expects a refusal in the form that every client library takes for an
// expired session: timeout, id and password zero.
func (p *play) refused(ctx context.Context, request wire.ConnectRequest) error {
	c, err := p.connect(ctx, request)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	return cmp.Or(
		equal("timeout in the refusal", c.answer.Timeout, 0),
		equal("session id in the refusal", c.answer.SessionID, 0),
		equal("password in the refusal", string(c.answer.Password), string(make([]byte, wire.PasswordSize))),
	)
}

// closedByServer expects the end of the connection and nothing before it.
func (c *connection) closedByServer(ctx context.Context) error {
	c.within(ctx)
	frame, err := c.Recv()
	switch {
	case errors.Is(err, rawclient.ErrClosed):
		return nil
	case err != nil:
		return fmt.Errorf("wait until the server closes the connection: %w", err)
	}
	return &Mismatch{What: "connection", Expected: "closed by the server", Got: fmt.Sprintf("a frame with xid %d", frame.Header.Xid)}
}

func reconnect(p *play) {
	const kept, changed, deleted, list = "/kept", "/changed", "/deleted", "/list"
	const made, unmade = "/made", "/unmade"
	writer := p.broker("another broker")
	first := p.connection("the broker that loses its connection")
	p.step("register and set watches", func(ctx context.Context) error {
		if err := writer.make(ctx, nil, kept, changed, deleted, list); err != nil {
			return err
		}
		_, err := first.do(ctx, client.CreateOp("/registration", nil, wire.FlagEphemeral, nil))
		return cmp.Or(err, first.settle(ctx, writer.LastZxid()),
			first.watch(ctx, wire.OpGetData, kept, changed, deleted),
			first.watch(ctx, wire.OpGetChildren2, list), first.watchMissing(ctx, made, unmade))
	})
	p.step("lose the connection while others write", func(ctx context.Context) error {
		if err := first.Close(); err != nil {
			return err
		}
		_, err := writer.Set(ctx, changed, []byte("1"), client.AnyVersion)
		return cmp.Or(err, writer.Delete(ctx, deleted, client.AnyVersion), writer.make(ctx, nil, made, list+"/child"))
	})
	var second *connection
	p.step("resume the session with its registration", func(ctx context.Context) (err error) {
		if second, err = p.resume(ctx, first); err != nil {
			return err
		}
		reply, err := second.do(ctx, wire.Request{Op: wire.OpExists, Path: "/registration"})
		return cmp.Or(err, equal("ephemeralOwner of the registration", reply.Stat.EphemeralOwner, first.answer.SessionID))
	})
	p.step("hear of nothing before the watches are set again", func(ctx context.Context) error {
		return cmp.Or(second.settle(ctx, writer.LastZxid()), second.heard())
	})
	p.step("hear of all that was missed when they are", func(ctx context.Context) error {
		_, err := second.do(ctx, wire.Request{
			Op: wire.OpSetWatches, RelativeZxid: first.zxid,
			DataWatches: []string{kept, changed, deleted}, ExistWatches: []string{made, unmade}, ChildWatches: []string{list},
		})
		return cmp.Or(err, second.heardAll(
			event(wire.EventNodeDataChanged, changed), event(wire.EventNodeDeleted, deleted),
			event(wire.EventNodeCreated, made), event(wire.EventNodeChildrenChanged, list),
		))
	})
	p.step("hear of the next change of what was not missed", func(ctx context.Context) error {
		_, err := writer.Set(ctx, kept, []byte("1"), client.AnyVersion)
		return cmp.Or(err, writer.make(ctx, nil, unmade), second.settle(ctx, writer.LastZxid()),
			second.heard(event(wire.EventNodeDataChanged, kept), event(wire.EventNodeCreated, unmade)))
	})
	p.step("hear no more of what was told when the watches were set", func(ctx context.Context) error {
		_, err := writer.Set(ctx, changed, []byte("2"), client.AnyVersion)
		return cmp.Or(err, writer.make(ctx, nil, deleted, list+"/other"), second.settle(ctx, writer.LastZxid()), second.heard())
	})
}

func expireSession(p *play) {
	const id = 1
	controller := p.broker("the controller")
	p.step("watch for the broker", func(ctx context.Context) error {
		if err := controller.make(ctx, nil, "/brokers", brokerIDs); err != nil {
			return err
		}
		_, _, err := controller.Children(ctx, brokerIDs, true)
		return err
	})
	var silent *connection
	p.step("register with the shortest session timeout", func(ctx context.Context) (err error) {
		request := p.newSession()
		request.Timeout = 1
		if silent, err = p.connect(ctx, request); err != nil {
			return err
		}
		p.sessions = append(p.sessions, silent.end)
		for _, o := range registrationOps(id) {
			if _, err := silent.do(ctx, o); err != nil {
				return err
			}
		}
		return controller.hears(ctx, event(wire.EventNodeChildrenChanged, brokerIDs))
	})
	var before wire.Zxid
	p.step("stay registered when the connection breaks", func(ctx context.Context) error {
		if err := silent.Close(); err != nil {
			return err
		}
		stat, there, err := controller.Exists(ctx, brokerPath(id), true)
		before = stat.Czxid
		return cmp.Or(err, equal(brokerPath(id)+" exists", there, true))
	})
	var patience time.Duration
	if silent != nil {
		patience = 3 * time.Duration(silent.answer.Timeout) * time.Millisecond
	}
	p.stepWithin(p.options.StepTimeout+patience, "vanish when the session expires", func(ctx context.Context) error {
		return controller.hears(ctx, event(wire.EventNodeDeleted, brokerPath(id)))
	})
	p.step("be refused the expired session", func(ctx context.Context) error {
		request := silent.credentials()
		request.Timeout = silent.answer.Timeout
		return p.refused(ctx, request)
	})
	fresh := p.broker("the broker's new session")
	p.step("register again with a higher broker epoch", func(ctx context.Context) error {
		epoch, err := register(ctx, fresh, id)
		return cmp.Or(err, grown("broker epoch", epoch, before))
	})
}

func closeSession(p *play) {
	const id = 1
	ephemerals := []string{brokerPath(id), controllerPath}
	watcher := p.connection("a broker that stays")
	stopping := p.connection("the broker that stops")
	p.step("register and become the controller", func(ctx context.Context) error {
		for _, path := range []string{"/brokers", brokerIDs} {
			if _, err := watcher.do(ctx, client.CreateOp(path, nil, wire.FlagPersistent, nil)); err != nil {
				return err
			}
		}
		if err := stopping.settle(ctx, watcher.zxid); err != nil {
			return err
		}
		for _, path := range ephemerals {
			if _, err := stopping.do(ctx, client.CreateOp(path, nil, wire.FlagEphemeral, nil)); err != nil {
				return err
			}
		}
		return nil
	})
	p.step("watch it", func(ctx context.Context) error {
		return cmp.Or(watcher.settle(ctx, stopping.zxid),
			watcher.watch(ctx, wire.OpExists, ephemerals...), watcher.watch(ctx, wire.OpGetChildren2, brokerIDs))
	})
	p.step("end the session", func(ctx context.Context) error {
		if _, err := stopping.do(ctx, wire.Request{Op: wire.OpCloseSession}); err != nil {
			return err
		}
		return stopping.closedByServer(ctx)
	})
	p.step("find its znodes gone once the reply has come", func(ctx context.Context) error {
		fresh, err := p.connect(ctx, p.newSession())
		if err != nil {
			return err
		}
		p.sessions = append(p.sessions, fresh.end)
		if err := fresh.settle(ctx, stopping.zxid); err != nil {
			return err
		}
		for _, path := range ephemerals {
			_, err := fresh.do(ctx, wire.Request{Op: wire.OpExists, Path: path})
			if err := refusedWith("exists "+path, err, wire.NoNode); err != nil {
				return err
			}
		}
		return nil
	})
	p.step("hear of each, of all in one transaction", func(ctx context.Context) error {
		if err := cmp.Or(watcher.settle(ctx, stopping.zxid), watcher.heardAll(
			event(wire.EventNodeDeleted, brokerPath(id)), event(wire.EventNodeDeleted, controllerPath),
			event(wire.EventNodeChildrenChanged, brokerIDs),
		)); err != nil {
			return err
		}
		reply, err := watcher.do(ctx, wire.Request{Op: wire.OpGetChildren2, Path: brokerIDs})
		return cmp.Or(err, equal("pzxid of "+brokerIDs, reply.Stat.Pzxid, stopping.zxid))
	})
	p.step("be refused the ended session", func(ctx context.Context) error {
		request := stopping.credentials()
		request.Timeout = stopping.answer.Timeout
		return p.refused(ctx, request)
	})
}
