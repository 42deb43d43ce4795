package peernet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"sync"
	"time"

	"kafkacoord/coord/wire"
)

// ElectionHandler takes what Election finds out. Its methods must return soon.
type ElectionHandler interface {
	// Notification is a message of a server. The first on a connection may be
	// arbitrarily old, and each may come twice. Who it comes from is what the
	// other side says of itself. n belongs to the handler.
	Notification(from wire.PeerID, n *wire.Notification)
	// Reachable tells of a change: up when a connection stands, down when it has
	// ended, or none could be had. Nothing was known of a server before the first
	// call. Changes that follow each other while a call lasts may be left out,
	// but never the last.
	Reachable(peer wire.PeerID, up bool)
}

// ElectionOptions are what an Election needs to know.
type ElectionOptions struct {
	Self wire.PeerID
	// Listen are the addresses to bind; port 0 takes a free one.
	Listen []Address
	// Advertise are the own addresses as other servers can reach them. They are
	// sent in handshakes, and servers with a larger id dial them back. Port 0
	// stands for that of the first address bound.
	Advertise []Address
	// MultiAddress sends all of Advertise, not just the first, which only ensembles
	// of ZooKeeper 3.6 and later with the same setting understand.
	MultiAddress bool
	Network      Network
	// ConnectTimeout bounds a connection attempt (cnxTimeout); 0 is 5 s.
	ConnectTimeout time.Duration
	// HandshakeTimeout is how long an accepted connection may take to say who it
	// is (quorumCnxnTimeoutMs or tickTime*syncLimit); 0 is 10 s.
	HandshakeTimeout time.Duration
	// BindTries is how often binding is tried, with up to a second in between; 0:
	// until Start's context ends (electionPortBindRetry).
	BindTries int
	// Strangers is how many connections may be open to servers that are not in the
	// list, and how many at the same time may not have said who they are; 0 is 64.
	Strangers int
	// Jitter draws from [0, 1); it may be called from several goroutines. nil: no
	// jitter.
	Jitter func() float64
}

const (
	retryLeast = 50 * time.Millisecond
	retryMost  = time.Second
	// sendTimeout is how long a server may not read before its connection counts
	// as dead.
	sendTimeout = 10 * time.Second
	// stableAfter is how long a connection must have stood to be opened again at
	// once when it ends, and for a handshake of a smaller id to mean that the
	// other side has lost it. One that comes sooner was sent before it stood.
	stableAfter = time.Second
	// crossingWithin is how old a connection may be for another from the same
	// host, which ends without a byte, to be an attempt that came too late.
	crossingWithin = time.Second
	// sharedIDTimes is how often a server may ask, within sharedIDPeriod, for a
	// connection that stands, before it looks like two with the same id.
	sharedIDTimes  = 4
	sharedIDPeriod = time.Minute
	// dialBackWithin is how long a server with a larger id may take to dial back.
	dialBackWithin = time.Second
)

// Election exchanges notifications with other servers over the election ports
// (ZooKeeper: QuorumCnxManager.java). Of two servers the one with the larger id
// owns the connection: the other, when it wants one, connects, says who it is,
// and is dialled back.
type Election struct {
	options  ElectionOptions
	handler  ElectionHandler
	refusals *refusals
	// stableAfter is the constant of the same name, but in tests.
	stableAfter time.Duration

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	mu        sync.Mutex // guards the rest, and all of peer that is not said to be atomic
	closed    bool
	listeners []net.Listener
	hello     []byte // the own handshake; set by Start
	book      book
	peers     map[wire.PeerID]*peer
	greeting  map[net.Conn]struct{} // accepted, but have not said who they are
	anonymous wire.PeerID           // the id given last to a server without one
}

// NewElection returns an election that does nothing before Start.
func NewElection(h ElectionHandler, o ElectionOptions) *Election {
	o.ConnectTimeout = cmp.Or(o.ConnectTimeout, 5*time.Second)
	o.HandshakeTimeout = cmp.Or(o.HandshakeTimeout, 10*time.Second)
	o.Strangers = cmp.Or(o.Strangers, 64)
	e := &Election{
		options: o, handler: h, refusals: newRefusals(&o.Network), stableAfter: stableAfter,
		peers: make(map[wire.PeerID]*peer), greeting: make(map[net.Conn]struct{}),
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	return e
}

// Start binds the election port and begins to accept connections. It fails when
// an address cannot be had, or ctx ends before; ctx has no meaning afterwards.
func (e *Election) Start(ctx context.Context) error {
	if len(e.options.Advertise) == 0 || len(e.options.Listen) == 0 {
		return errors.New("peernet: start the election: no own address is given")
	}
	var listeners []net.Listener
	for _, a := range e.options.Listen {
		l, err := e.bind(ctx, a)
		if err != nil {
			closeAll(listeners)
			return fmt.Errorf("peernet: open the election port: %w", err)
		}
		listeners = append(listeners, l)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		closeAll(listeners)
		return fmt.Errorf("peernet: open the election port: %w", net.ErrClosed)
	}
	e.listeners = listeners
	e.hello = e.handshake(listeners[0].Addr())
	for _, l := range listeners {
		e.tasks.Go(func() { e.options.Network.accept(e.ctx, l, e.refusals, e.greet) })
	}
	for _, p := range e.peers {
		e.startDialing(p)
	}
	return nil
}

func (e *Election) bind(ctx context.Context, a Address) (net.Listener, error) {
	wait := newBackoff(retryLeast, retryMost, nil)
	for try := 1; ; try++ {
		l, err := e.options.Network.listen(ctx, a)
		if err == nil || try == e.options.BindTries || !wait.sleep(ctx) {
			return l, err
		}
	}
}

func (e *Election) handshake(bound net.Addr) []byte {
	h := wire.ElectionHandshake{Version: wire.HandshakeOneAddress, Server: e.options.Self}
	for _, a := range e.options.Advertise {
		if tcp, ok := bound.(*net.TCPAddr); ok && a.Port == 0 {
			a.Port = tcp.Port
		}
		h.Addresses = append(h.Addresses, a.String())
	}
	if e.options.MultiAddress {
		h.Version = wire.HandshakeSeveralAddresses
	} else {
		h.Addresses = h.Addresses[:1]
	}
	return wire.AppendElectionHandshake(nil, &h)
}

// Addrs are the addresses bound by Start.
func (e *Election) Addrs() []net.Addr {
	e.mu.Lock()
	defer e.mu.Unlock()
	addrs := make([]net.Addr, 0, len(e.listeners))
	for _, l := range e.listeners {
		addrs = append(addrs, l.Addr())
	}
	return addrs
}

// SetServers replaces the list of servers and their election addresses. Existing
// connections stay, whoever they are to.
func (e *Election) SetServers(servers []Server) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.book = newBook(servers)
	for _, p := range e.peers {
		e.forget(p)
	}
}

// Keep names the servers that a connection is to be kept with, instead of those
// named before: it is opened when there is none, and again whenever it is lost.
// All others are only dialled when there is something to send.
func (e *Election) Keep(peers ...wire.PeerID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range e.peers {
		p.kept = slices.Contains(peers, p.id)
		e.forget(p)
	}
	for _, id := range peers {
		if id == e.options.Self {
			continue
		}
		p := e.peer(id)
		p.kept = true
		e.startDialing(p)
	}
}

// Send sends a notification to a server. It does not block: of messages that
// wait for a connection only the newest is kept. The last message is sent again
// on every new connection. Messages to this server itself, and to servers whose
// address is not known, are dropped.
func (e *Election) Send(to wire.PeerID, n *wire.Notification) {
	frame, mark := wire.BeginFrame(nil)
	frame = wire.EndFrame(wire.AppendNotification(frame, n), mark)
	e.mu.Lock()
	defer e.mu.Unlock()
	_, listed := e.book[to]
	if to == e.options.Self || !listed && e.peers[to] == nil {
		return
	}
	p := e.peer(to)
	p.unsent = frame
	if p.conn != nil {
		signal(p.conn.wake)
		return
	}
	p.asked = true
	e.startDialing(p)
}

// Close ends everything and waits for all goroutines.
func (e *Election) Close() {
	e.mu.Lock()
	e.closed = true
	e.cancel()
	closeAll(e.listeners)
	for nc := range e.greeting {
		_ = nc.Close()
	}
	for _, p := range e.peers {
		if p.conn != nil {
			p.conn.end()
		}
	}
	e.mu.Unlock()
	e.tasks.Wait()
}

// PeerStatus is what there is to know of the connection with a server.
type PeerStatus struct {
	Peer      wire.PeerID
	Addresses []Address // that are dialled
	Connected bool
	Remote    string    // of the connection
	Since     time.Time // when it was opened
	// Of all connections so far.
	FramesIn, FramesOut, BytesIn, BytesOut uint64
	// LastError says why there was no connection last; "" when there always was.
	LastError string
}

// Status lists the servers that anything is known of, in the order of their ids.
func (e *Election) Status() []PeerStatus {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]PeerStatus, 0, len(e.peers))
	for _, p := range e.peers {
		s := PeerStatus{
			Peer: p.id, Addresses: e.addresses(p), LastError: p.lastError,
			FramesIn: p.in.units.Load(), BytesIn: p.in.bytes.Load(), FramesOut: p.out.units.Load(), BytesOut: p.out.bytes.Load(),
		}
		if p.conn != nil {
			s.Connected, s.Remote, s.Since = true, p.conn.nc.RemoteAddr().String(), p.conn.since
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b PeerStatus) int { return cmp.Compare(a.Peer, b.Peer) })
	return list
}

// peer finds or makes the entry of a server. The caller holds mu.
func (e *Election) peer(id wire.PeerID) *peer {
	p := e.peers[id]
	if p == nil {
		p = &peer{id: id, news: make(chan struct{}, 1), retry: newBackoff(retryLeast, retryMost, e.options.Jitter)}
		e.peers[id] = p
	}
	return p
}

// forget drops the entry of a server that is neither listed nor in use: anybody
// may claim any id. The caller holds mu.
func (e *Election) forget(p *peer) {
	if _, listed := e.book[p.id]; !listed && !p.kept && p.conn == nil && !p.dialing {
		delete(e.peers, p.id)
	}
}

// addresses are what is dialled to reach a server: those of the list and, behind
// them, what it said of itself, which may be newer. The caller holds mu.
func (e *Election) addresses(p *peer) []Address {
	all := slices.Clone(e.book[p.id])
	for _, a := range p.learned {
		if !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}

// anonymousLeast bounds the ids given to servers without one.
const anonymousLeast = math.MinInt64 / 2

// nextAnonymous is an id for a server without one: -1, -2 and so on. The caller
// holds mu.
func (e *Election) nextAnonymous() wire.PeerID {
	if e.anonymous--; e.anonymous < anonymousLeast {
		e.anonymous = -1
	}
	return e.anonymous
}

// report tells the handler whether a server can be reached, if that has changed.
// Only one goroutine at a time does so for a server, and goes on until what it
// has told is true; no lock is held meanwhile.
func (e *Election) report(p *peer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p.reporting {
		return
	}
	p.reporting = true
	for p.reported != p.reach && !e.closed {
		p.reported = p.reach
		up := p.reach == reachUp
		e.mu.Unlock()
		e.handler.Reachable(p.id, up)
		e.mu.Lock()
	}
	p.reporting = false
}

// failed notes why there is no connection. The caller holds mu.
func (p *peer) failed(err error) {
	p.reach = reachDown
	p.lastError = err.Error()
}

// notDialledBack is the error of a server with a larger id that was asked for a
// connection in vain.
func (e *Election) notDialledBack() error {
	return fmt.Errorf("it did not dial back within %v; can it reach this server's election address %s?",
		dialBackWithin, e.options.Advertise[0])
}
