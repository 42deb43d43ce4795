package oracle

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"kafkacoord/compat/rawclient"
	"kafkacoord/coord/wire"
)

const (
	// replyTimeout is how long a server may take for one reply.
	replyTimeout = 10 * time.Second
	// closeTimeout is how long it may take to close a connection it must close.
	closeTimeout = 5 * time.Second
)

// side is one of the two servers and all connections to it.
type side struct {
	name    string
	addr    string
	control *rawclient.Conn // super; sees everything, cleans up
	steps   steps
	slots   [slots]connection
	// sessions are those of the running seed, in the order they were opened.
	sessions []wire.SessionID
	// ended are the counts of the transactions that ended sessions: their
	// events come in an order that is the server's choice.
	ended map[int64]bool
	norm  normaliser
	// lastOfExpiring is the last zxid before a session was left to expire.
	lastOfExpiring int64
	out            []byte
}

// connection is one connection slot.
type connection struct {
	conn    *rawclient.Conn
	session wire.SessionID // the last one, open or not
}

// newSide opens the control connection.
func newSide(name, addr string) (*side, error) {
	s := &side{name: name, addr: addr, ended: map[int64]bool{}}
	conn, answer, err := rawclient.Open(addr, sessionTimeoutMillis)
	if err != nil {
		return nil, fmt.Errorf("oracle: open the control session on %s: %w", name, err)
	}
	s.control = conn
	s.control.Timeout = replyTimeout
	s.norm.side = s
	if answer.Timeout != sessionTimeoutMillis {
		s.close()
		return nil, fmt.Errorf("oracle: %s granted a session timeout of %d ms; sequences need %d ms: set maxSessionTimeout=600000", name, answer.Timeout, sessionTimeoutMillis)
	}
	if err := s.becomeSuper(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// becomeSuper gives the control connection the identity that no ACL stops.
func (s *side) becomeSuper() error {
	auth := &wire.Request{Op: wire.OpAuth, Scheme: "digest", Auth: []byte(SuperPassword)}
	if reply, _, err := s.control.Request(wire.XidAuth, auth); err != nil {
		return fmt.Errorf("oracle: become super on %s: %w", s.name, err)
	} else if reply.Header.Err != wire.OK {
		return fmt.Errorf("oracle: become super on %s: %w", s.name, reply.Header.Err)
	}
	who, err := s.do(&wire.Request{Op: wire.OpWhoAmI})
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(who.Clients, func(id wire.ID) bool { return id.Scheme == "super" }) {
		return fmt.Errorf("oracle: %s knows another super user: set DigestAuthenticationProvider.superDigest=%s", s.name, SuperDigest())
	}
	return nil
}

func (s *side) close() {
	for i := range s.slots {
		s.cut(i)
	}
	if s.control != nil {
		// Without the reply nothing is lost: the session expires.
		_, _, _ = s.control.Do(1, wire.OpCloseSession, nil)
		_ = s.control.Close()
	}
}

func (s *side) isOpen(slot int) bool { return s.slots[slot].conn != nil }

// cut closes the TCP connection of a slot; its session stays.
func (s *side) cut(slot int) {
	if c := &s.slots[slot]; c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// line is one thing that a server did, ready to be compared.
type line struct {
	text string
	// event tells a notification; zxid is the count of its transaction.
	event bool
	zxid  int64
	// request is the index of the request that the line answers, or -1.
	request int
}

const (
	lineClosed = "connection closed"
	lineSilent = "no reply"
)

// connect opens a slot and says what came of it.
func (s *side) connect(slot int, c connect) (line, error) {
	s.cut(slot)
	r := wire.ConnectRequest{Timeout: c.timeout, ReadOnly: c.readOnly, HasReadOnly: c.hasReadOnly}
	if c.lastZxid != 0 {
		r.LastZxidSeen = wire.Zxid(s.steps.absolute(c.lastZxid))
	}
	var right [wire.PasswordSize]byte
	if c.sessionOf >= 0 {
		r.SessionID = s.slots[c.sessionOf].session
		if r.SessionID == 0 {
			return line{text: "no session to attach to", request: -1}, nil
		}
		right = wire.SessionPassword(r.SessionID)
	}
	switch c.password {
	case passwordRight:
		r.Password = right[:]
	case passwordWrong:
		right[3]++
		r.Password = right[:]
	case passwordShort:
		r.Password = right[:7]
	}
	conn, err := rawclient.Dial(s.addr)
	if err != nil {
		return line{}, err
	}
	conn.Timeout = replyTimeout
	payload := append(wire.AppendConnectRequest(nil, &r), bytes.Repeat([]byte{1}, c.trailing)...)
	if err := conn.SendFrame(payload); err != nil {
		_ = conn.Close()
		return line{text: unanswered(err), request: -1}, nil
	}
	answer, err := conn.RecvConnected()
	if err != nil {
		_ = conn.Close()
		return line{text: unanswered(err), request: -1}, nil
	}
	text := s.norm.connected(answer, r.SessionID)
	if answer.Refused() {
		conn.Timeout = closeTimeout
		if _, err := conn.RecvPayload(); err != nil {
			text += ", then " + unanswered(err)
		}
		_ = conn.Close()
		return line{text: text, request: -1}, nil
	}
	if r.SessionID == 0 {
		s.sessions = append(s.sessions, answer.SessionID)
	}
	s.slots[slot] = connection{conn: conn, session: answer.SessionID}
	return line{text: text, request: -1}, nil
}

func unanswered(err error) string {
	switch {
	case errors.Is(err, rawclient.ErrClosed):
		return lineClosed
	case errors.Is(err, rawclient.ErrTimeout):
		return lineSilent
	}
	return err.Error()
}

// send writes a whole batch at once.
func (s *side) send(slot int, requests []request) {
	s.out = s.out[:0]
	for i := range requests {
		s.out = requests[i].appendFrame(s.out, s.steps.absolute)
	}
	// A failed write shows as a closed connection when the replies are read.
	_ = s.slots[slot].conn.SendBytes(s.out)
}

// collect reads what a batch brings about on its own connection.
func (s *side) collect(slot int, requests []request, lines []line) []line {
	conn := s.slots[slot].conn
	conn.Timeout = replyTimeout
	var closeZxid wire.Zxid
	for next := 0; next < len(requests); {
		r := &requests[next]
		f, err := conn.Recv()
		if err != nil {
			lines = append(lines, line{text: unanswered(err), request: next})
			s.cut(slot)
			return s.sortEnded(lines)
		}
		if f.IsEvent() {
			lines = append(lines, s.norm.event(f))
			continue
		}
		lines = append(lines, line{text: s.norm.reply(r, f), request: next})
		if r.rec.Op == wire.OpCloseSession && f.Header.Err == wire.OK {
			closeZxid = f.Header.Zxid
			if count, ok := s.steps.count(int64(closeZxid)); ok {
				s.ended[count] = true
			}
		}
		next++
	}
	if last := &requests[len(requests)-1]; last.end != staysOpen {
		lines = s.collectClose(slot, lines)
	}
	return s.sortEnded(lines)
}

// collectClose reads until the server closes a connection.
func (s *side) collectClose(slot int, lines []line) []line {
	conn := s.slots[slot].conn
	conn.Timeout = closeTimeout
	for {
		f, err := conn.Recv()
		if err != nil {
			s.cut(slot)
			return append(lines, line{text: unanswered(err), request: -1})
		}
		if f.IsEvent() {
			lines = append(lines, s.norm.event(f))
			continue
		}
		lines = append(lines, line{text: "unexpected " + s.norm.header(f.Header), request: -1})
	}
}

// ping asks for everything that has happened to a slot; pong reads it.
func (s *side) ping(slot int) {
	_ = s.slots[slot].conn.Send(wire.XidPing, wire.OpPing, nil)
}

func (s *side) pong(slot int, lines []line) []line {
	conn := s.slots[slot].conn
	conn.Timeout = replyTimeout
	for {
		f, err := conn.Recv()
		switch {
		case err != nil:
			s.cut(slot)
			return s.sortEnded(append(lines, line{text: unanswered(err), request: -1}))
		case f.IsEvent():
			lines = append(lines, s.norm.event(f))
		case f.Header.Xid == wire.XidPing:
			if f.Header.Err != wire.OK || len(f.Body) > 0 {
				lines = append(lines, line{text: "ping: " + s.norm.header(f.Header), request: -1})
			}
			return s.sortEnded(lines)
		default:
			lines = append(lines, line{text: "unexpected " + s.norm.header(f.Header), request: -1})
		}
	}
}

// lastZxid asks for the server's newest zxid.
func (s *side) lastZxid() (int64, error) {
	reply, _, err := s.control.Ping()
	if err != nil {
		return 0, fmt.Errorf("oracle: ping %s: %w", s.name, err)
	}
	return int64(reply.Header.Zxid), nil
}
