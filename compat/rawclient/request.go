package rawclient

import (
	"fmt"

	"kafkacoord/coord/wire"
)

// Frame is one frame of the server after the handshake.
type Frame struct {
	Header wire.ReplyHeader
	Body   []byte // what follows the header; empty when nothing does
}

// IsEvent tells whether the frame is a watch notification.
func (f Frame) IsEvent() bool { return f.Header.Xid == wire.XidNotification }

// Event decodes the body of a notification.
func (f Frame) Event() (wire.WatcherEvent, error) { return wire.DecodeWatcherEvent(f.Body) }

// Recv reads the next frame, reply or notification.
func (c *Conn) Recv() (Frame, error) {
	payload, err := c.RecvPayload()
	if err != nil {
		return Frame{}, err
	}
	d := wire.NewDecoder(payload)
	f := Frame{Header: d.ReplyHeader()}
	if d.Err() != nil {
		return Frame{}, fmt.Errorf("rawclient: reply of %d bytes from %s: %w", len(payload), c.conn.RemoteAddr(), d.Err())
	}
	f.Body = d.Rest()
	return f, nil
}

// RecvReply reads up to the next reply and returns it with the notifications
// that came before it, also when it fails.
func (c *Conn) RecvReply() (reply Frame, events []Frame, err error) {
	for {
		f, err := c.Recv()
		if err != nil {
			return Frame{}, events, err
		}
		if !f.IsEvent() {
			return f, events, nil
		}
		events = append(events, f)
	}
}

// Do sends one request and reads up to its reply. Nothing may be outstanding.
func (c *Conn) Do(xid int32, op wire.Op, body []byte) (reply Frame, events []Frame, err error) {
	if err := c.Send(xid, op, body); err != nil {
		return Frame{}, nil, err
	}
	return c.RecvReply()
}

// Request is Do for a well-formed request.
func (c *Conn) Request(xid int32, r *wire.Request) (reply Frame, events []Frame, err error) {
	return c.Do(xid, r.Op, wire.AppendRequest(nil, r))
}

// Ping sends a ping and returns its reply with the notifications before it. As
// pings take their place in the server's pipeline, every notification of a
// transaction with a zxid up to the reply's has been seen then.
func (c *Conn) Ping() (reply Frame, events []Frame, err error) {
	return c.Do(wire.XidPing, wire.OpPing, nil)
}

// Connected is the answer to a connect request.
type Connected struct {
	wire.ConnectResponse
	Raw []byte // the payload, byte for byte
}

// Refused tells whether the server refused the session.
func (r Connected) Refused() bool { return r.SessionID == 0 && r.Timeout == 0 }

// Connect sends a connect request and reads the answer. Fields left zero ask
// for a new session with the server's shortest timeout, in the form of clients
// that know no read-only flag.
func (c *Conn) Connect(r wire.ConnectRequest) (Connected, error) {
	if err := c.SendFrame(wire.AppendConnectRequest(nil, &r)); err != nil {
		return Connected{}, err
	}
	return c.RecvConnected()
}

// RecvConnected reads the answer to a connect request.
func (c *Conn) RecvConnected() (Connected, error) {
	payload, err := c.RecvPayload()
	if err != nil {
		return Connected{}, err
	}
	answer, err := wire.DecodeConnectResponse(payload)
	if err != nil {
		return Connected{Raw: payload}, fmt.Errorf("rawclient: connect response of %d bytes from %s: %w", len(payload), c.conn.RemoteAddr(), err)
	}
	return Connected{ConnectResponse: answer, Raw: payload}, nil
}

// Open dials addr and connects with a fresh session of the given timeout in
// milliseconds.
func Open(addr string, timeoutMillis int32) (*Conn, Connected, error) {
	return Attach(addr, wire.ConnectRequest{
		Timeout: timeoutMillis, Password: make([]byte, wire.PasswordSize), HasReadOnly: true,
	})
}

// Attach dials addr and connects with the given request.
func Attach(addr string, r wire.ConnectRequest) (*Conn, Connected, error) {
	c, err := Dial(addr)
	if err != nil {
		return nil, Connected{}, err
	}
	answer, err := c.Connect(r)
	if err != nil {
		_ = c.Close()
		return nil, answer, err
	}
	return c, answer, nil
}

// FourLetter sends a four-letter word on a connection of its own and returns
// all that comes back.
func FourLetter(addr, word string) (string, error) {
	c, err := Dial(addr)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }()
	if err := c.SendBytes([]byte(word)); err != nil {
		return "", err
	}
	answer, err := c.ReadAll()
	return string(answer), err
}
