package peernet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kafkacoord/coord/wire"
)

// owner records what Links tell, and keeps what tests look into.
type owner struct {
	*record
	mu      sync.Mutex
	ups     []LinkID
	calls   []int // packets of each call of Packets
	packets []wire.Packet
	block   chan struct{} // Packets waits for it, unless nil
}

func newOwner() *owner { return &owner{record: newRecord()} }

func (o *owner) LinkUp(id LinkID, peer wire.PeerID, _ string) {
	o.mu.Lock()
	o.ups = append(o.ups, id)
	o.mu.Unlock()
	o.add("up %d", peer)
}

func (o *owner) LinkDown(id LinkID, reason error) {
	if reason == nil {
		o.add("no reason")
	}
	o.add("down %d", id)
}

func (o *owner) Packets(_ LinkID, packets []wire.Packet) {
	o.mu.Lock()
	o.calls = append(o.calls, len(packets))
	o.packets = append(o.packets, packets...)
	block := o.block
	o.mu.Unlock()
	for i := range packets {
		o.add("%s %s", packets[i].Type, packets[i].Zxid)
	}
	if block != nil {
		<-block
	}
}

func (o *owner) Snapshot(_ LinkID, p wire.Packet, snapshot any) {
	o.add("%s %s %v", p.Type, p.Zxid, snapshot)
}

func (o *owner) received() []wire.Packet {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.packets)
}

// link is the id of the n-th LinkUp.
func (o *owner) link(n int) LinkID {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ups[n]
}

var followerInfo = wire.Packet{
	Type: wire.PacketFollowerInfo, Data: wire.AppendLearnerInfo(nil, &wire.LearnerInfo{Server: 4, ProtocolVersion: wire.LearnerProtocol}),
}

func startLinks(t *testing.T, o LinksOptions) (*Links, *owner) {
	t.Helper()
	if o.Listen == nil {
		o.Listen = []Address{loopback(0)}
	}
	heard := newOwner()
	l := NewLinks(heard, o)
	t.Cleanup(l.Close)
	return l, heard
}

// open opens the port and waits for it.
func open(t *testing.T, l *Links) net.Addr {
	t.Helper()
	l.Listen(true)
	eventually(t, "the quorum port is open", func() bool { return len(l.Addrs()) == len(l.options.Listen) })
	return l.Addrs()[0]
}

// pair is a learner's and a leader's end of one link.
type pair struct {
	leader, learner           *Links
	leaderHeard, learnerHeard *owner
	leaderEnd, learnerEnd     LinkID
}

func connect(t *testing.T, leader, learner LinksOptions) *pair {
	t.Helper()
	p := &pair{}
	p.leader, p.leaderHeard = startLinks(t, leader)
	p.learner, p.learnerHeard = startLinks(t, learner)
	p.learner.SetServers([]Server{serverAt(1, portOf(open(t, p.leader)))})
	p.learner.Dial(1)
	p.learnerHeard.await(t, "up 1", 1)
	p.learnerEnd = p.learnerHeard.link(0)
	p.learner.Send(p.learnerEnd, followerInfo)
	p.leaderHeard.await(t, "FOLLOWERINFO 0x0", 1)
	p.leaderEnd = p.leaderHeard.link(0)
	return p
}

func commits(from, count int) []wire.Packet {
	packets := make([]wire.Packet, count)
	for i := range packets {
		packets[i] = wire.Packet{Type: wire.PacketCommit, Zxid: wire.Zxid(from + i)}
	}
	return packets
}

func TestLink(t *testing.T) {
	p := connect(t, LinksOptions{}, LinksOptions{})
	if got := p.leaderHeard.all(); !slices.Equal(got, []string{"up 0", "FOLLOWERINFO 0x0"}) {
		t.Errorf("the leader hears %v", got)
	}
	request := wire.Packet{
		Type: wire.PacketRequest, Zxid: -1, Data: bytes.Repeat([]byte("x"), 100000), IDs: []wire.ID{{Scheme: "ip", ID: "127.0.0.1"}},
	}
	p.learner.Send(p.learnerEnd, request)
	p.leaderHeard.await(t, "REQUEST 0xffffffffffffffff", 1)
	if got := p.leaderHeard.received()[1]; fmt.Sprint(got) != fmt.Sprint(request) {
		t.Error("the request has changed on its way")
	}
	const many = 10000
	p.leader.Send(p.leaderEnd, commits(1, many)...)
	p.learnerHeard.await(t, fmt.Sprintf("COMMIT %s", wire.Zxid(many)), 1)
	for i, c := range p.learnerHeard.received() {
		if c.Zxid != wire.Zxid(i+1) {
			t.Fatalf("packet %d is COMMIT %s", i, c.Zxid)
		}
	}
	if calls := len(p.learnerHeard.calls); calls > many/10 {
		t.Errorf("%d packets came in %d calls", many, calls)
	}

	leader, learner := p.leader.Status()[0], p.learner.Status()[0]
	if leader.Peer != 4 || leader.Dialled || leader.PacketsOut != many || leader.PacketsIn != 2 || leader.BytesOut != learner.BytesIn {
		t.Errorf("the leader's status: %+v", leader)
	}
	if learner.Peer != 1 || !learner.Dialled || learner.PacketsIn != many || learner.BytesOut != leader.BytesIn || learner.QueueBytes != 0 {
		t.Errorf("the learner's status: %+v", learner)
	}

	p.leader.CloseLink(p.leaderEnd)
	p.learnerHeard.await(t, "down 1", 1)
	eventually(t, "the link is forgotten", func() bool { return len(p.leader.Status()) == 0 })
	if s := p.learner.Status(); len(s) != 1 || s[0].ID != 0 || s[0].Peer != 1 || s[0].LastError == "" {
		t.Errorf("the learner's status after the link: %+v", s)
	}
	p.leader.Send(p.leaderEnd, commits(1, 1)...) // to nowhere
	p.learner.Dial(1)
	p.learnerHeard.await(t, "up 1", 2)
	if id := p.learnerHeard.link(1); id != 2 {
		t.Errorf("the second link has number %d", id)
	}
	if slices.Contains(p.leaderHeard.all(), "down 1") {
		t.Error("LinkDown for a link that its owner has closed")
	}
}

func TestDialFails(t *testing.T) {
	l, heard := startLinks(t, LinksOptions{ConnectTimeout: patience})
	l.SetServers([]Server{serverAt(1, freePort(t))})
	l.Dial(1)
	heard.await(t, "down 0", 1)
	if s := l.Status(); len(s) != 1 || s[0].ID != 0 || s[0].LastError == "" {
		t.Errorf("status %+v", s)
	}
	l.Dial(2) // not in the list
	heard.await(t, "down 0", 2)
}

// TestDialSupersedes: of two calls of Dial only the last is answered.
func TestDialSupersedes(t *testing.T) {
	asked := make(chan struct{}, 1)
	resolve := func(ctx context.Context, host string) ([]netip.Addr, error) {
		if host == "stuck" {
			signal(asked)
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return []netip.Addr{netip.MustParseAddr(host)}, nil
	}
	leader, _ := startLinks(t, LinksOptions{})
	l, heard := startLinks(t, LinksOptions{Network: Network{Resolve: resolve}, ConnectTimeout: patience})
	l.SetServers([]Server{{ID: 1, Addresses: []Address{{Host: "stuck", Port: 1}}}, serverAt(2, portOf(open(t, leader)))})
	l.Dial(1)
	<-asked
	l.Dial(2)
	heard.await(t, "up 2", 1)
	if got := heard.all(); len(got) != 1 {
		t.Errorf("it hears %v", got)
	}
	l.Dial(1)
	<-asked
	l.Close() // does not wait for the resolver's time-out
}

func TestDialTimesOut(t *testing.T) {
	stuck := func(ctx context.Context, _ string) ([]netip.Addr, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	l, heard := startLinks(t, LinksOptions{Network: Network{Resolve: stuck}, ConnectTimeout: time.Millisecond})
	l.SetServers([]Server{serverAt(1, 1)})
	l.Dial(1)
	heard.await(t, "down 0", 1)
}

// snapshotText reads a snapshot that ends with a full stop, ahead by as much as
// there is.
func snapshotText(_ LinkID, r io.Reader, _ wire.Zxid) (any, io.Reader, error) {
	var text []byte
	b := make([]byte, 100)
	for {
		n, err := r.Read(b)
		if end := bytes.IndexByte(b[:n], '.'); end >= 0 {
			text = append(text, b[:end]...)
			rest := bytes.Clone(b[end+1 : n])
			return len(text), io.MultiReader(bytes.NewReader(rest), r), nil
		}
		if err != nil {
			return nil, nil, err
		}
		text = append(text, b[:n]...)
	}
}

// TestSnapshot sends a snapshot between packets, from both ends of a link.
func TestSnapshot(t *testing.T) {
	o := LinksOptions{ReadSnapshot: snapshotText}
	p := connect(t, o, o)
	const size = 3 << 20
	body := func(w io.Writer) error {
		for range size / 1000 {
			if _, err := w.Write(bytes.Repeat([]byte("s"), 1000)); err != nil {
				return err
			}
		}
		_, err := io.WriteString(w, ".")
		return err
	}
	for _, side := range []struct {
		from  *Links
		id    LinkID
		heard *owner
		skip  int
	}{{p.leader, p.leaderEnd, p.learnerHeard, 1}, {p.learner, p.learnerEnd, p.leaderHeard, 2}} {
		side.from.Send(side.id, commits(1, 2)...)
		side.from.SendSnapshot(side.id, wire.Packet{Type: wire.PacketSnap, Zxid: 7}, body)
		side.from.Send(side.id, commits(3, 2)...)
		side.heard.await(t, "COMMIT 0x4", 1)
		want := []string{"COMMIT 0x1", "COMMIT 0x2", fmt.Sprintf("SNAP 0x7 %d", size/1000*1000), "COMMIT 0x3", "COMMIT 0x4"}
		if got := side.heard.all()[side.skip:]; !slices.Equal(got, want) {
			t.Errorf("it hears %v, want %v", got, want)
		}
	}
	p.leader.SendSnapshot(p.leaderEnd, wire.Packet{Type: wire.PacketSnap, Zxid: 8}, body)
	p.learnerHeard.await(t, fmt.Sprintf("down %d", p.learnerEnd), 1) // a second one is no protocol
}

// TestSnapshotFails: the body, the reader and the link each come to an end early.
func TestSnapshotFails(t *testing.T) {
	t.Run("body", func(t *testing.T) {
		p := connect(t, LinksOptions{}, LinksOptions{ReadSnapshot: snapshotText})
		p.leader.SendSnapshot(p.leaderEnd, wire.Packet{Type: wire.PacketSnap}, func(io.Writer) error { return errors.New("no view") })
		p.leaderHeard.await(t, "down 1", 1)
		p.learnerHeard.await(t, "down 1", 1)
	})
	t.Run("reader", func(t *testing.T) {
		refuse := func(LinkID, io.Reader, wire.Zxid) (any, io.Reader, error) { return nil, nil, errors.New("damaged") }
		p := connect(t, LinksOptions{}, LinksOptions{ReadSnapshot: refuse})
		p.leader.SendSnapshot(p.leaderEnd, wire.Packet{Type: wire.PacketSnap}, func(w io.Writer) error { return nil })
		p.learnerHeard.await(t, "down 1", 1)
		p.leaderHeard.await(t, "down 1", 1)
	})
	t.Run("link", func(t *testing.T) {
		p := connect(t, LinksOptions{}, LinksOptions{})
		results := make(chan error, 2)
		started := make(chan struct{})
		p.leader.SendSnapshot(p.leaderEnd, wire.Packet{Type: wire.PacketSnap}, func(w io.Writer) error {
			close(started)
			for {
				if _, err := w.Write(make([]byte, 1000)); err != nil {
					results <- err
					return err
				}
			}
		})
		second := func(w io.Writer) error {
			_, err := w.Write([]byte{0})
			results <- err
			return err
		}
		p.leader.SendSnapshot(p.leaderEnd, wire.Packet{Type: wire.PacketSnap}, second)
		<-started
		p.leader.CloseLink(p.leaderEnd)
		for range 2 {
			if err := <-results; err == nil {
				t.Error("a body was written to a link that has ended")
			}
		}
		p.leader.SendSnapshot(p.leaderEnd, wire.Packet{Type: wire.PacketSnap}, second)
		if err := <-results; err == nil {
			t.Error("a body was written to a link that is not there any more")
		}
	})
}

// awaitSending repeats an action until an event has come.
func (r *record) awaitSending(t *testing.T, event string, act func()) {
	t.Helper()
	eventually(t, event, func() bool {
		act()
		return slices.Contains(r.all(), event)
	})
}

// rawLearner is a learner whose bytes a test writes itself, and its leader.
type rawLearner struct {
	nc    net.Conn
	links *Links
	heard *owner
}

func dialer(t *testing.T, o LinksOptions) *rawLearner {
	t.Helper()
	r := &rawLearner{}
	r.links, r.heard = startLinks(t, o)
	r.links.SetServers([]Server{serverAt(4, 1)})
	r.nc = dialRaw(t, open(t, r.links))
	writeRaw(t, r.nc, wire.AppendPacket(nil, &followerInfo))
	r.heard.await(t, "up 0", 1)
	return r
}

// TestPartialPackets sends packets byte by byte, and several at once.
func TestPartialPackets(t *testing.T) {
	r := dialer(t, LinksOptions{})
	request := wire.Packet{Type: wire.PacketRequest, Zxid: -1, Data: []byte("abc"), IDs: []wire.ID{{Scheme: "digest", ID: "u:h"}}}
	for _, b := range wire.AppendPacket(nil, &request) {
		writeRaw(t, r.nc, []byte{b})
	}
	r.heard.await(t, "REQUEST 0xffffffffffffffff", 1)
	var several []byte
	for _, p := range commits(1, 5) {
		several = wire.AppendPacket(several, &p)
	}
	writeRaw(t, r.nc, append(several, 0, 0, 0)) // and the beginning of another
	r.heard.await(t, "COMMIT 0x5", 1)
	_ = r.nc.Close()
	r.heard.await(t, "down 1", 1)
}

func TestUnreadablePackets(t *testing.T) {
	for name, b := range map[string][]byte{
		"too long":  wire.AppendPacket(nil, &wire.Packet{Type: wire.PacketRequest, Data: make([]byte, 1001)}),
		"malformed": wire.AppendInt(wire.AppendLong(wire.AppendInt(nil, 1), 0), -2),
	} {
		t.Run(name, func(t *testing.T) {
			network, _, kinds := observed(Network{})
			r := dialer(t, LinksOptions{Network: network, PacketBytes: 1000})
			ping := wire.AppendPacket(nil, &wire.Packet{Type: wire.PacketPing, Data: make([]byte, 1000)})
			writeRaw(t, r.nc, append(ping, b...))
			r.heard.await(t, "down 1", 1)
			kinds.await(t, RefusedPacket, 1)
			if !slices.Contains(r.heard.all(), "PING 0x0") {
				t.Error("the packet before was lost")
			}
		})
	}
}

// TestBackPressure: while the handler is busy, nothing more is read.
func TestBackPressure(t *testing.T) {
	r := dialer(t, LinksOptions{})
	r.heard.await(t, "FOLLOWERINFO 0x0", 1)
	block := make(chan struct{})
	r.heard.mu.Lock()
	r.heard.block = block
	r.heard.mu.Unlock()
	writeRaw(t, r.nc, wire.AppendPacket(nil, &wire.Packet{Type: wire.PacketAck, Zxid: 1}))
	r.heard.await(t, "ACK 0x1", 1)
	before := r.links.Status()[0].BytesIn
	writeRaw(t, r.nc, wire.AppendPacket(nil, &wire.Packet{Type: wire.PacketAck, Zxid: 2}))
	if got := r.links.Status()[0].BytesIn; got != before {
		t.Errorf("%d bytes were read while the handler was busy", got-before)
	}
	close(block)
	r.heard.await(t, "ACK 0x2", 1)
}

// TestSecure wraps both kinds of connection on both sides.
func TestSecure(t *testing.T) {
	for _, refuse := range []bool{false, true} {
		t.Run(fmt.Sprintf("refused %v", refuse), func(t *testing.T) {
			hosts := newRecord()
			secure := func(_ context.Context, nc net.Conn, host string) (net.Conn, error) {
				hosts.add("host %q", host)
				if refuse && host == "" {
					return nil, errors.New("no certificate")
				}
				return flipped{nc}, nil
			}
			network := Network{Secure: secure}
			if !refuse {
				p := connect(t, LinksOptions{Network: network}, LinksOptions{Network: network})
				p.leader.Send(p.leaderEnd, commits(1, 1)...)
				p.learnerHeard.await(t, "COMMIT 0x1", 1)
			}
			small, _ := startElection(t, ElectionOptions{Self: 1, Network: network}, 0)
			large, largeHeard := startElection(t, ElectionOptions{Self: 2, Network: network}, 0)
			large.SetServers([]Server{serverAt(1, portOfElection(small))})
			large.Keep(1)
			if refuse {
				largeHeard.await(t, "1 down", 1)
			} else {
				largeHeard.await(t, "1 up", 1)
			}
			hosts.await(t, `host "127.0.0.1"`, 1)
			hosts.await(t, `host ""`, 1)
		})
	}
}

// TestSecureHangs: whoever waits in the hook is freed by the time-out and by
// Close.
func TestSecureHangs(t *testing.T) {
	hooked := newRecord()
	wait := func(_ context.Context, nc net.Conn, host string) (net.Conn, error) {
		hooked.add("host %q", host)
		_, err := nc.Read(make([]byte, 1))
		return nc, err
	}
	silent := listenRaw(t)
	network, _, kinds := observed(Network{Secure: wait})
	l, heard := startLinks(t, LinksOptions{Network: network, ConnectTimeout: 10 * time.Millisecond, IntroductionTimeout: 10 * time.Millisecond})
	l.SetServers([]Server{serverAt(1, portOf(silent.Addr()))})
	l.Dial(1)
	heard.await(t, "down 0", 1)
	wantEnd(t, dialRaw(t, open(t, l)))
	kinds.await(t, RefusedInsecure, 1)

	e, _ := startElection(t, ElectionOptions{Self: 2, Network: network, ConnectTimeout: time.Hour, HandshakeTimeout: time.Hour}, 0)
	e.SetServers([]Server{serverAt(1, portOf(silent.Addr()))})
	e.Keep(1)
	dialRaw(t, e.Addrs()[0])
	hooked.await(t, `host "127.0.0.1"`, 2)
	hooked.await(t, `host ""`, 2)
	e.Close()
}

// flipped is a connection with every bit turned over, in place of encryption.
type flipped struct{ net.Conn }

func flip(b []byte) []byte {
	out := make([]byte, len(b))
	for i := range b {
		out[i] = ^b[i]
	}
	return out
}

func (f flipped) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	copy(b, flip(b[:n]))
	return n, err
}

func (f flipped) Write(b []byte) (int, error) { return f.Conn.Write(flip(b)) }

func TestCloseLinks(t *testing.T) {
	p := connect(t, LinksOptions{}, LinksOptions{})
	dialRaw(t, p.leader.Addrs()[0]) // says nothing
	before := len(p.leaderHeard.all())
	p.leader.Close()
	p.leader.Close()
	p.learnerHeard.await(t, "down 1", 1)
	p.leader.Listen(true)
	p.leader.Dial(1)
	p.leader.Send(p.leaderEnd, commits(1, 1)...)
	if got := p.leaderHeard.all(); len(got) != before {
		t.Errorf("calls after Close: %v", got[before:])
	}
	if strings.Contains(fmt.Sprint(p.learnerHeard.all()), "no reason") {
		t.Error("LinkDown without a reason")
	}
}
