package peernet

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"time"

	"kafkacoord/coord/wire"
)

// handshakeMax is the size of the buffer that a handshake must fit in.
const handshakeMax = 4096

// legacyIDs bounds the ids of handshakes that are an id and nothing else: what is
// larger is another protocol's first eight bytes.
const legacyIDs = 1 << 32

// greet takes an accepted connection and waits for its handshake, beside others.
func (e *Election) greet(nc net.Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
		_ = nc.Close()
	case len(e.greeting) >= e.options.Strangers:
		_ = nc.Close()
		e.refusals.add(RefusedTooMany, "election connection refused: too many have not said who they are",
			"address", nc.RemoteAddr().String(), "limit", e.options.Strangers)
	default:
		e.greeting[nc] = struct{}{}
		e.tasks.Go(func() { e.welcome(nc) })
	}
}

// welcome reads the handshake of an accepted connection and decides on it.
func (e *Election) welcome(nc net.Conn) {
	ctx, cancel := context.WithTimeout(e.ctx, e.options.HandshakeTimeout)
	defer cancel()
	secured, h, r := e.introduction(ctx, nc)
	e.mu.Lock()
	delete(e.greeting, nc)
	e.mu.Unlock()
	if secured == nil {
		_ = nc.Close()
		return
	}
	_ = secured.SetDeadline(time.Time{})
	e.arbitrate(secured, h, r)
}

// introduction secures a connection and reads its handshake. The connection in
// the result is nil when it was refused.
func (e *Election) introduction(ctx context.Context, nc net.Conn) (net.Conn, wire.ElectionHandshake, *bufio.Reader) {
	remote := nc.RemoteAddr().String()
	refuse := func(kind, text string, args ...any) (net.Conn, wire.ElectionHandshake, *bufio.Reader) {
		e.refusals.add(kind, "closing election connection: "+text, append(args, "address", remote)...)
		return nil, wire.ElectionHandshake{}, nil
	}
	secured, err := e.options.Network.secure(ctx, nc, "")
	if err != nil {
		return refuse(RefusedInsecure, "it could not be secured", "error", err)
	}
	deadline, _ := ctx.Deadline()
	_ = secured.SetReadDeadline(deadline)
	r := bufio.NewReaderSize(secured, handshakeMax)
	h, first, err := readHandshake(r)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuse(RefusedSilent, "it did not say who it is in time", "limit", e.options.HandshakeTimeout)
	case errors.Is(err, wire.ErrMalformed):
		kind, what := recognize(first, electionStrangers, RefusedHandshake)
		return refuse(kind, "this is no handshake of a server", "looks_like", what, "first_bytes", printable(first))
	case err != nil && len(first) == 0 && e.crossing(nc.RemoteAddr()):
		return nil, h, nil
	case err != nil && len(first) == 0:
		return refuse(RefusedProbe, "it sent nothing and went; is something probing the port?")
	case err != nil:
		return refuse(RefusedHandshake, "it ended before it had said who it is", "error", err)
	case h.Server == e.options.Self:
		return refuse(RefusedOwnID, "it has the id of this server; does another server have the same myid?", "server", h.Server)
	}
	return secured, h, r
}

// crossing tells whether an attempt from an address may be one that its server
// gave up, or lost a race with, because a connection has just come about another
// way.
func (e *Election) crossing(from net.Addr) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range e.peers {
		if time.Since(p.greeted) < crossingWithin && sameHost(p.greetedAt, from) {
			return true
		}
		if p.conn != nil && time.Since(p.conn.since) < crossingWithin && sameHost(p.conn.nc.RemoteAddr(), from) {
			return true
		}
	}
	return false
}

func sameHost(a, b net.Addr) bool {
	one, ok := a.(*net.TCPAddr)
	other, alsoOK := b.(*net.TCPAddr)
	return ok && alsoOK && one.IP.Equal(other.IP)
}

// readHandshake reads a handshake and no more. With an error come the bytes that
// were there.
func readHandshake(r *bufio.Reader) (h wire.ElectionHandshake, first []byte, err error) {
	var size int
	for {
		if h, size, err = wire.DecodeElectionHandshake(first); err != nil || size <= len(first) {
			break
		}
		if first, err = r.Peek(size); err != nil {
			return h, first, err
		}
	}
	if err == nil && !plausible(&h) {
		err = wire.ErrMalformed
	}
	if err != nil {
		first, _ = r.Peek(r.Buffered())
		return h, first, err
	}
	_, err = r.Discard(size)
	return h, nil, err
}

// plausible tells whether a handshake has an id that a server can have.
func plausible(h *wire.ElectionHandshake) bool {
	if h.Version == wire.HandshakeLegacy && h.Server >= legacyIDs {
		return h.Server == wire.AnonymousPeer
	}
	return h.Server >= 0
}

// errDisplaced is why a connection ends that the other side does not have any
// more.
var errDisplaced = errors.New("the server has lost the connection")

// arbitrate keeps the connection if the other server has the larger id, and
// otherwise dials it.
func (e *Election) arbitrate(nc net.Conn, h wire.ElectionHandshake, r *bufio.Reader) {
	shared := false
	e.mu.Lock()
	p := e.admit(&h)
	switch {
	case p == nil:
		_ = nc.Close()
	case h.Server > e.options.Self:
		e.establish(p, nc, r)
	default:
		_ = nc.Close()
		shared = e.dialBack(p)
	}
	e.mu.Unlock()
	if shared {
		e.refusals.add(RefusedSharedID, "a server asks again and again for an election connection that stands; do two servers have the same myid?",
			"server", h.Server, "address", nc.RemoteAddr().String())
	}
	if p == nil {
		e.refusals.add(RefusedTooMany, "election connection refused: too many are open to servers that are not in the list",
			"server", h.Server, "address", nc.RemoteAddr().String(), "limit", e.options.Strangers)
		return
	}
	e.report(p)
}

// admit finds the entry for who a handshake comes from; nil when it would be one
// stranger too many. The caller holds mu.
func (e *Election) admit(h *wire.ElectionHandshake) *peer {
	id := h.Server
	if id == wire.AnonymousPeer {
		id = e.nextAnonymous()
	}
	if _, listed := e.book[id]; !listed && e.peers[id] == nil && e.strangers() >= e.options.Strangers {
		return nil
	}
	p := e.peer(id)
	if learned := dialable(h.Addresses); len(learned) > 0 {
		p.learned = learned
	}
	return p
}

// strangers is how many servers are known that are not in the list. The caller
// holds mu.
func (e *Election) strangers() int {
	count := 0
	for id := range e.peers {
		if _, listed := e.book[id]; !listed {
			count++
		}
	}
	return count
}

// addressesMax bounds how many addresses of a handshake are kept.
const addressesMax = 8

// dialable are the addresses of a handshake that a connection can be opened to:
// wildcards are not among them (ZOOKEEPER-2164).
func dialable(addresses []string) []Address {
	var list []Address
	for _, text := range addresses[:min(len(addresses), addressesMax)] {
		if a, err := parseAddress(text); err == nil && a.Port != 0 && !a.wildcard() {
			list = append(list, a)
		}
	}
	return list
}

// dialBack answers a server of a smaller id that wants a connection. That it has
// asked shows that it has none, so one that stands has been lost on its side,
// unless both have just connected at the same time. One that loses it again and
// again is more likely two servers with the same id: shared tells so. The caller
// holds mu.
func (e *Election) dialBack(p *peer) (shared bool) {
	if p.conn != nil {
		if time.Since(p.conn.since) < e.stableAfter {
			return false
		}
		shared = p.displace(time.Now())
		p.conn.end()
		e.lose(p, errDisplaced)
	}
	p.asked, p.wait = true, 0
	p.retry.reset()
	signal(p.news)
	e.startDialing(p)
	return shared
}

// displace counts a connection that its server asked for although it stood, and
// tells whether that happens too often.
func (p *peer) displace(now time.Time) bool {
	if now.Sub(p.displaced) > sharedIDPeriod {
		p.displaced, p.displacements = now, 0
	}
	p.displacements++
	return p.displacements >= sharedIDTimes
}
