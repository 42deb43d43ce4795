package peernet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kafkacoord/coord/wire"
)

// LinkID numbers the links of a process, from 1; 0 is none.
type LinkID uint64

// LinkHandler takes what links bring. For one link the calls are LinkUp, then
// any number of Packets and Snapshot, then LinkDown, one after the other.
type LinkHandler interface {
	// LinkUp tells of a new link: with the server that Dial named, or with 0, a
	// link that a learner has opened. Its packets follow.
	LinkUp(id LinkID, peer wire.PeerID, remote string)
	// LinkDown tells that a link has ended, but not by CloseLink; with id 0, that
	// the one that Dial asked for could not be had.
	LinkDown(id LinkID, reason error)
	// Packets hands over all packets that one read of the socket has brought. Their
	// memory belongs to the handler. Nothing more is read from the link until it
	// returns.
	Packets(id LinkID, packets []wire.Packet)
	// Snapshot hands over a SNAP packet together with what LinksOptions.ReadSnapshot
	// has made of the snapshot behind it.
	Snapshot(id LinkID, packet wire.Packet, snapshot any)
}

// LinksOptions are what Links need to know.
type LinksOptions struct {
	// Listen are the addresses of the quorum port to bind while Listen is on.
	Listen  []Address
	Network Network
	// PacketBytes bounds the data of a packet (jute.maxbuffer and its extra size);
	// 0 is twice the default of jute.maxbuffer.
	PacketBytes int
	// QueueBytes is how much may wait for a server that does not read before its
	// link is closed; 0 is 256 MiB.
	QueueBytes int
	// TotalQueueBytes is how much may wait on all links; beyond it the link with
	// the longest queue is closed. 0 is 512 MiB.
	TotalQueueBytes int
	// Unlisted is how many links there may be that learners have opened that are
	// not in the list of servers; 0 is 8. Who they are is only what they say.
	Unlisted int
	// UnlistedQueueBytes is QueueBytes for each of them, if less; 0 is 16 MiB.
	UnlistedQueueBytes int
	// ReadSnapshot reads the snapshot behind a SNAP packet, with the signature at
	// its end. It may read ahead, and returns a reader of all that is left: what
	// it has read too much and then r. nil: SNAP ends the link.
	ReadSnapshot func(id LinkID, r io.Reader, zxid wire.Zxid) (snapshot any, rest io.Reader, err error)
	// ConnectTimeout bounds Dial; 0 is 5 s.
	ConnectTimeout time.Duration
	// IntroductionTimeout is how long an accepted link may take until its first
	// packet is there; 0 is 10 s.
	IntroductionTimeout time.Duration
	// WriteTimeout is how long a server may take nothing of what is sent to it; 0
	// is 30 s.
	WriteTimeout time.Duration
	// Strangers is how many accepted links may be without a first packet; 0 is 64.
	Strangers int
	// Links is how many links there may be; accepted ones beyond it are closed. 0 is
	// 1000.
	Links int
}

// Links are the connections over the quorum ports: to the leader, from learners
// (ZooKeeper: Learner.java, LearnerHandler.java, Leader.LearnerCnxAcceptor).
type Links struct {
	options  LinksOptions
	handler  LinkHandler
	refusals *refusals

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	queued atomic.Int64 // bytes in the queues of all links that are not over

	mu          sync.Mutex // guards the rest
	closed      bool
	book        book
	last        LinkID
	links       map[LinkID]*link // LinkUp has been or is about to be called
	introducing map[*link]struct{}
	lastError   map[wire.PeerID]string // of servers in the book
	listening   *listening             // nil: off
	dialling    context.CancelFunc     // of the Dial that runs; nil: none
}

// NewLinks returns links, of which there are none yet.
func NewLinks(h LinkHandler, o LinksOptions) *Links {
	o.PacketBytes = cmp.Or(o.PacketBytes, 2*wire.DefaultMaxBuffer)
	o.QueueBytes = cmp.Or(o.QueueBytes, 256<<20)
	o.TotalQueueBytes = cmp.Or(o.TotalQueueBytes, 512<<20)
	o.Unlisted = cmp.Or(o.Unlisted, 8)
	o.UnlistedQueueBytes = cmp.Or(o.UnlistedQueueBytes, 16<<20)
	o.ConnectTimeout = cmp.Or(o.ConnectTimeout, 5*time.Second)
	o.IntroductionTimeout = cmp.Or(o.IntroductionTimeout, 10*time.Second)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 30*time.Second)
	o.Strangers = cmp.Or(o.Strangers, 64)
	o.Links = cmp.Or(o.Links, 1000)
	l := &Links{
		options: o, handler: h, refusals: newRefusals(&o.Network),
		links: make(map[LinkID]*link), introducing: make(map[*link]struct{}), lastError: make(map[wire.PeerID]string),
	}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// SetServers replaces the list of servers and the addresses of their quorum
// ports. Links that stand are not touched.
func (l *Links) SetServers(servers []Server) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.book = newBook(servers)
	for id := range l.lastError {
		if _, listed := l.book[id]; !listed {
			delete(l.lastError, id)
		}
	}
}

// Dial tries once to open a link to a server: LinkUp, or LinkDown for link 0,
// says what came of it. A Dial that runs already is given up: no call comes for
// it.
func (l *Links) Dial(peer wire.PeerID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	if l.dialling != nil {
		l.dialling()
	}
	ctx, cancel := context.WithCancel(l.ctx)
	l.dialling = cancel
	addresses := l.book[peer]
	l.tasks.Go(func() {
		defer cancel()
		l.dial(ctx, peer, addresses)
	})
}

func (l *Links) dial(ctx context.Context, peer wire.PeerID, addresses []Address) {
	limited, cancel := context.WithTimeout(ctx, l.options.ConnectTimeout)
	defer cancel()
	nc, err := l.options.Network.dial(limited, addresses)
	if err != nil {
		err = fmt.Errorf("peernet: open a link to server %d: %w", peer, err)
		if l.wanted(ctx, peer, err) {
			l.handler.LinkDown(0, err)
		}
		return
	}
	c := newLink(l, nc, peer, true)
	l.mu.Lock()
	given := ctx.Err() == nil && !l.closed
	if given {
		l.dialling = nil
		l.add(c)
	}
	l.mu.Unlock()
	if !given {
		_ = nc.Close()
		return
	}
	c.run()
}

// wanted tells whether the failure of a Dial is to be reported, and notes it.
func (l *Links) wanted(ctx context.Context, peer wire.PeerID, err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ctx.Err() != nil {
		return false
	}
	l.dialling = nil
	l.noteError(peer, err)
	return true
}

// noteError keeps the reason why there is no link with a server. The caller holds
// mu.
func (l *Links) noteError(peer wire.PeerID, err error) {
	if _, listed := l.book[peer]; listed {
		l.lastError[peer] = err.Error()
	}
}

// add gives a link its number. The caller holds mu.
func (l *Links) add(c *link) {
	l.last++
	c.id = l.last
	l.links[c.id] = c
}

// Send queues packets for a link, behind those before. It does not block and
// keeps nothing of them. A link whose server does not read is closed when too
// much waits; packets for a link that has ended are dropped.
func (l *Links) Send(id LinkID, packets ...wire.Packet) {
	if c := l.link(id); c != nil {
		c.send(packets)
		if l.queued.Load() > int64(l.options.TotalQueueBytes) {
			l.relieve()
		}
	}
}

// relieve closes the links with the longest queues until all that wait are within
// their bound.
func (l *Links) relieve() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.queued.Load() > int64(l.options.TotalQueueBytes) {
		var longest *link
		most := 0
		for _, c := range l.links {
			if queued := c.waiting(); queued > most {
				longest, most = c, queued
			}
		}
		if longest == nil {
			return
		}
		longest.tooSlow("all links together have too much to send; closing the one with the longest queue", l.options.TotalQueueBytes)
	}
}

// unlisted is how many links accepted are those of servers that are not in the
// list. The caller holds mu.
func (l *Links) unlisted() int {
	count := 0
	for _, c := range l.links {
		if c.unlisted {
			count++
		}
	}
	return count
}

// SendSnapshot queues a SNAP packet and the snapshot behind it, which body writes
// with its signature when its turn has come, from a goroutine of the link. body
// is called exactly once: if the link ends before, with a writer that fails.
func (l *Links) SendSnapshot(id LinkID, packet wire.Packet, body func(w io.Writer) error) {
	if c := l.link(id); c == nil || !c.sendSnapshot(&packet, body) {
		_ = body(deadWriter{})
	}
}

// deadWriter is the writer of a link that has ended.
type deadWriter struct{}

func (deadWriter) Write([]byte) (int, error) { return 0, errLinkEnded }

var errLinkEnded = errors.New("the link has ended")

// CloseLink ends a link at once: what waits to be sent is dropped. LinkDown does
// not follow; a call of the handler that has begun may still go on.
func (l *Links) CloseLink(id LinkID) {
	if c := l.link(id); c != nil {
		c.end(errLinkEnded, true)
	}
}

func (l *Links) link(id LinkID) *link {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.links[id]
}

// Close ends everything and waits for all goroutines. No LinkDown is called for
// the links that it ends.
func (l *Links) Close() {
	l.mu.Lock()
	l.closed = true
	l.stopListening()
	l.cancel()
	for _, c := range l.links {
		c.end(errLinkEnded, true)
	}
	l.mu.Unlock()
	l.tasks.Wait()
}

// LinkStatus is what there is to know of a link, or, with ID 0, of a server of the
// list that there is none with since the last error.
type LinkStatus struct {
	ID      LinkID
	Peer    wire.PeerID // of an accepted link: what it says of itself
	Dialled bool        // by this server
	Remote  string
	Since   time.Time

	PacketsIn, PacketsOut, BytesIn, BytesOut uint64
	QueueBytes                               int // that wait to be sent
	// LastError is why there was no link with the server last; "" when unknown.
	LastError string
}

// Status lists links by their number, then servers without one.
func (l *Links) Status() []LinkStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]LinkStatus, 0, len(l.links)+len(l.lastError))
	linked := make(map[wire.PeerID]bool)
	for _, id := range slices.Sorted(maps.Keys(l.links)) {
		s := l.links[id].status()
		s.LastError = l.lastError[s.Peer]
		linked[s.Peer] = true
		list = append(list, s)
	}
	for _, peer := range slices.Sorted(maps.Keys(l.lastError)) {
		if !linked[peer] {
			list = append(list, LinkStatus{Peer: peer, LastError: l.lastError[peer]})
		}
	}
	return list
}
