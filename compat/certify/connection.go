package certify

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"kafkacoord/compat/rawclient"
	"kafkacoord/coord/wire"
)

// connection is a session on one connection whose frames the script sees in the
// order they come: what a client library hides. It does not ping by itself, so
// that a script must not leave it alone for longer than the session timeout.
type connection struct {
	*rawclient.Conn
	root   string // before every path
	answer rawclient.Connected

	xid         int32
	outstanding []sentRequest       // oldest first
	zxid        wire.Zxid           // the highest of a reply
	events      []wire.WatcherEvent // that came and were not asked for yet
}

type sentRequest struct {
	xid int32
	op  wire.Op
}

// politeClose bounds how long the end of a script waits for a session's end.
const politeClose = 2 * time.Second

// connection opens a session inside the script's chroot. It is a step of its
// own; who names the session there.
func (p *play) connection(who string) *connection {
	c := new(connection)
	p.step("open a connection for "+who, func(ctx context.Context) error {
		opened, err := p.connect(ctx, p.newSession())
		if err != nil {
			return err
		}
		*c = *opened
		return equal("new session refused", c.answer.Refused(), false)
	})
	p.sessions = append(p.sessions, c.end)
	return c
}

// newSession asks for a session as Kafka's client does: id and password zero.
func (p *play) newSession() wire.ConnectRequest {
	return wire.ConnectRequest{
		Timeout:  int32(p.options.SessionTimeout.Milliseconds()),
		Password: make([]byte, wire.PasswordSize), HasReadOnly: true,
	}
}

// connect dials and shakes hands; a refusal is no error here. Of the
// connections made with it, the caller ends those that are not given to the
// play.
func (p *play) connect(ctx context.Context, request wire.ConnectRequest) (*connection, error) {
	socket, err := p.options.Dial(ctx, p.options.Server)
	if err != nil {
		return nil, fmt.Errorf("certify: connect to %s: %w", p.options.Server, err)
	}
	// A run that is called off does not wait for a silent server.
	context.AfterFunc(p.ctx, func() { _ = socket.Close() })
	c := &connection{Conn: rawclient.New(socket), root: p.root}
	c.within(ctx)
	if c.answer, err = c.Connect(request); err != nil {
		_ = c.Close()
		return nil, err
	}
	if c.answer.Refused() {
		_ = c.Close()
	}
	return c, nil
}

// resume connects with the session of another connection.
func (p *play) resume(ctx context.Context, session *connection) (*connection, error) {
	request := session.credentials()
	request.Timeout = int32(p.options.SessionTimeout.Milliseconds())
	c, err := p.connect(ctx, request)
	if err != nil {
		return nil, err
	}
	if c.answer.Refused() {
		return nil, mismatch("session "+request.SessionID.String()+" resumed", false, true)
	}
	p.sessions = append(p.sessions, c.end)
	return c, equal("id of the resumed session", c.answer.SessionID, request.SessionID)
}

// credentials is a connect request for the same session that has seen what this
// connection has. The timeout is to be filled in.
func (c *connection) credentials() wire.ConnectRequest {
	return wire.ConnectRequest{
		LastZxidSeen: c.zxid, SessionID: c.answer.SessionID, Password: c.answer.Password, HasReadOnly: true,
	}
}

// within takes the step's deadline for what is read and written next.
func (c *connection) within(ctx context.Context) {
	if deadline, ok := ctx.Deadline(); ok {
		c.Timeout = max(time.Until(deadline), time.Millisecond)
	}
}

// end closes the session as a broker that stops does, as far as it goes.
func (c *connection) end() {
	if c.Conn == nil {
		return
	}
	c.Timeout = politeClose
	if c.Send(c.nextXid(), wire.OpCloseSession, nil) == nil {
		_, _ = c.ReadAll()
	}
	_ = c.Close()
}

func (c *connection) nextXid() int32 {
	c.xid++
	return c.xid
}

// send writes requests at once and waits for nothing.
func (c *connection) send(ctx context.Context, requests ...wire.Request) error {
	c.within(ctx)
	var frames []byte
	for i := range requests {
		r := c.outer(requests[i])
		xid := c.nextXid()
		if r.Op == wire.OpSetWatches {
			xid = wire.XidSetWatches
		}
		frames = wire.AppendRequestFrame(frames, xid, &r)
		c.outstanding = append(c.outstanding, sentRequest{xid, r.Op})
	}
	return c.SendBytes(frames)
}

// outer puts the chroot before the paths of a request.
func (c *connection) outer(r wire.Request) wire.Request {
	if r.Path != "" {
		r.Path = c.root + r.Path
	}
	r.DataWatches = c.outerAll(r.DataWatches)
	r.ExistWatches = c.outerAll(r.ExistWatches)
	r.ChildWatches = c.outerAll(r.ChildWatches)
	return r
}

func (c *connection) outerAll(paths []string) []string {
	out := make([]string, len(paths))
	for i, path := range paths {
		out[i] = c.root + path
	}
	return out
}

// receive reads up to the reply to the oldest request. Replies must come in the
// order of the requests, and none may show less than one before it did: a
// client takes the zxid along to the next server. The error is a wire.Code when
// the request was refused.
func (c *connection) receive(ctx context.Context) (wire.Reply, error) {
	c.within(ctx)
	oldest := c.outstanding[0]
	c.outstanding = c.outstanding[1:]
	frame, notifications, err := c.RecvReply()
	for _, n := range notifications {
		e, err := n.Event()
		if err != nil {
			return wire.Reply{}, fmt.Errorf("watch event: %w", err)
		}
		e.Path = strings.TrimPrefix(e.Path, c.root)
		c.events = append(c.events, e)
	}
	if err != nil {
		return wire.Reply{}, fmt.Errorf("reply to %v: %w", oldest.op, err)
	}
	if err := equal(fmt.Sprintf("xid of the reply to %v", oldest.op), frame.Header.Xid, oldest.xid); err != nil {
		return wire.Reply{}, err
	}
	if frame.Header.Zxid < c.zxid {
		return wire.Reply{}, &Mismatch{
			What: fmt.Sprintf("zxid of the reply to %v", oldest.op), Expected: c.zxid.String() + " or more", Got: frame.Header.Zxid.String(),
		}
	}
	c.zxid = frame.Header.Zxid
	if frame.Header.Err != wire.OK {
		return wire.Reply{}, frame.Header.Err
	}
	reply, err := wire.DecodeReply(oldest.op, frame.Body)
	if err != nil {
		return reply, fmt.Errorf("reply to %v: %w", oldest.op, err)
	}
	return reply, nil
}

// do sends one request and reads its reply; nothing may be outstanding.
func (c *connection) do(ctx context.Context, r wire.Request) (wire.Reply, error) {
	if err := c.send(ctx, r); err != nil {
		return wire.Reply{}, err
	}
	return c.receive(ctx)
}

// watch reads with a watch, which must succeed.
func (c *connection) watch(ctx context.Context, op wire.Op, paths ...string) error {
	for _, path := range paths {
		if _, err := c.do(ctx, wire.Request{Op: op, Path: path, Watch: true}); err != nil {
			return fmt.Errorf("%v %s: %w", op, path, err)
		}
	}
	return nil
}

// watchMissing is the exists by which Kafka waits for a znode.
func (c *connection) watchMissing(ctx context.Context, paths ...string) error {
	for _, path := range paths {
		_, err := c.do(ctx, wire.Request{Op: wire.OpExists, Path: path, Watch: true})
		if err := refusedWith("exists "+path, err, wire.NoNode); err != nil {
			return err
		}
	}
	return nil
}

// settle waits until the server of this connection shows the transaction. All
// watch events up to it have come then: they may not be overtaken by a reply.
func (c *connection) settle(ctx context.Context, zxid wire.Zxid) error {
	for {
		c.within(ctx)
		if err := c.Send(wire.XidPing, wire.OpPing, nil); err != nil {
			return err
		}
		c.outstanding = append(c.outstanding, sentRequest{wire.XidPing, wire.OpPing})
		if _, err := c.receive(ctx); err != nil {
			return err
		}
		if c.zxid >= zxid {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the server stays at zxid %v and does not reach %v: %w", c.zxid, zxid, context.Cause(ctx))
		}
	}
}

// heard expects exactly these events, in this order, since it was asked last.
func (c *connection) heard(events ...wire.WatcherEvent) error {
	got := c.events
	c.events = nil
	return sameEvents(got, events)
}

// heardAll is heard for events that may come in any order.
func (c *connection) heardAll(events ...wire.WatcherEvent) error {
	byPath := func(a, b wire.WatcherEvent) int { return strings.Compare(a.Path, b.Path) }
	slices.SortStableFunc(c.events, byPath)
	slices.SortStableFunc(events, byPath)
	return c.heard(events...)
}

// dialTCP is the connection that Options.Dial replaces.
func dialTCP(ctx context.Context, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", address)
}
