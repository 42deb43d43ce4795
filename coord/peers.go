package coord

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"kafkacoord/coord/config"
	"kafkacoord/coord/core"
	"kafkacoord/coord/peernet"
	"kafkacoord/coord/replica"
	"kafkacoord/coord/store"
	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// peers joins the connections to other servers with the loop: it is what the
// replica speaks to, and what hears the connections.
type peers struct {
	n        *Node
	replica  *replica.Replica // set before anything is heard
	election *peernet.Election
	links    *peernet.Links
	// membership is the configured list of servers in ZooKeeper's canonical form.
	membership string

	// outgoing are the packets of a turn, by link; who has the turn owns it.
	outgoing []outgoing
}

type outgoing struct {
	link    zab.LinkID
	packets []wire.Packet
}

// newPeers prepares the connections of a member. Nothing is opened yet.
func newPeers(n *Node, self wire.PeerID) *peers {
	cfg := n.config
	p := &peers{n: n}
	network := peernet.Network{KeepAlive: cfg.PeerTCPKeepAlive, Log: n.log, Refused: n.observer.PeerRefused}
	quorum, election, own := addressBook(&cfg.Quorum, self)
	p.election = peernet.NewElection(p, peernet.ElectionOptions{
		Self: self, Listen: listenOn(cfg, own.election), Advertise: own.election,
		MultiAddress: cfg.Quorum.MultiAddressEnabled, Network: network,
		ConnectTimeout: cfg.Quorum.ConnectTimeout, HandshakeTimeout: electionTimeout(cfg),
		BindTries: cfg.Quorum.ElectionBindRetries, Jitter: rand.Float64,
	})
	p.election.SetServers(election)
	p.links = peernet.NewLinks(p, peernet.LinksOptions{
		Listen: listenOn(cfg, own.quorum), Network: network, PacketBytes: cfg.MaxBuffer + cfg.MaxBufferExtra + packetRoom,
		ReadSnapshot: p.readSnapshot, IntroductionTimeout: electionTimeout(cfg),
	})
	p.links.SetServers(quorum)
	return p
}

// packetRoom is what a packet needs beyond a transaction.
const packetRoom = 64 << 10

// ownAddresses are those of this server, as others reach it.
type ownAddresses struct{ quorum, election []peernet.Address }

func addressBook(q *config.Quorum, self wire.PeerID) (quorum, election []peernet.Server, own ownAddresses) {
	for i := range q.Servers {
		s := &q.Servers[i]
		var a ownAddresses
		for _, address := range s.Addresses {
			a.quorum = append(a.quorum, peernet.Address{Host: address.Host, Port: address.QuorumPort})
			a.election = append(a.election, peernet.Address{Host: address.Host, Port: address.ElectionPort})
		}
		id := wire.PeerID(s.ID)
		quorum = append(quorum, peernet.Server{ID: id, Addresses: a.quorum})
		election = append(election, peernet.Server{ID: id, Addresses: a.election})
		if id == self {
			own = a
		}
	}
	return quorum, election, own
}

// listenOn is where a port is bound: at its addresses, or at all of the machine
// (quorumListenOnAllIPs).
func listenOn(cfg *config.Config, own []peernet.Address) []peernet.Address {
	if !cfg.Quorum.ListenOnAllIPs {
		return own
	}
	all := make([]peernet.Address, len(own))
	for i, a := range own {
		all[i] = peernet.Address{Port: a.Port}
	}
	return all
}

// start opens the election port and connects to the voters.
func (p *peers) start(ctx context.Context, voters []wire.PeerID) error {
	if err := p.election.Start(ctx); err != nil {
		return fmt.Errorf("coord: election port: %w", err)
	}
	p.election.Keep(voters...)
	return nil
}

// close ends all connections to other servers: they notice at once.
func (p *peers) close() {
	p.links.Close()
	p.election.Close()
}

// Ballot, Dial, Send, Flush, Close and Listen are what a turn says; see
// replica.Peers.

func (p *peers) Ballot(to wire.PeerID, n *wire.Notification) { p.election.Send(to, n) }

func (p *peers) Dial(to wire.PeerID) { p.links.Dial(to) }

func (p *peers) Send(s *core.PeerSend) {
	if s.Snapshot != nil {
		p.Flush()
		p.sendSnapshot(s.Link, s.Packet, s.Snapshot)
		return
	}
	for i := range p.outgoing {
		if o := &p.outgoing[i]; o.link == s.Link {
			o.packets = append(o.packets, s.Packet)
			return
		}
	}
	if len(p.outgoing) < cap(p.outgoing) { // a list of a former turn
		p.outgoing = p.outgoing[:len(p.outgoing)+1]
		o := &p.outgoing[len(p.outgoing)-1]
		o.link, o.packets = s.Link, append(o.packets[:0], s.Packet)
		return
	}
	p.outgoing = append(p.outgoing, outgoing{link: s.Link, packets: []wire.Packet{s.Packet}})
}

func (p *peers) Flush() {
	for i := range p.outgoing {
		o := &p.outgoing[i]
		p.links.Send(peernet.LinkID(o.link), o.packets...)
		clear(o.packets)
	}
	p.outgoing = p.outgoing[:0]
}

func (p *peers) Close(link zab.LinkID) {
	p.Flush()
	p.links.CloseLink(peernet.LinkID(link))
}

func (p *peers) Listen(open bool) { p.links.Listen(open) }

func (p *peers) sendSnapshot(link zab.LinkID, packet wire.Packet, s *core.SnapshotView) {
	p.links.SendSnapshot(peernet.LinkID(link), packet, func(w io.Writer) error {
		defer p.replica.Between(s.Release)
		w = &movingWriter{w: w, moving: p.moving(link)}
		_, err := store.WriteSnapshotBody(context.Background(), w, store.Snapshot{View: s.View, Sessions: s.Sessions})
		return err
	})
}

// readSnapshot loads the state that a leader sends.
func (p *peers) readSnapshot(id peernet.LinkID, r io.Reader, zxid wire.Zxid) (any, io.Reader, error) {
	r = &movingReader{r: r, moving: p.moving(zab.LinkID(id))}
	loaded, rest, err := store.ReadSnapshotBody(r, "the snapshot from the leader", zxid, storeOptions(p.n.config))
	if err != nil {
		return nil, nil, err
	}
	return &core.State{Tree: loaded.Tree, Sessions: loaded.Sessions, Zxid: zxid}, rest, nil
}

// moving returns a function that tells the server now and then that a snapshot
// moves on a link, so that a long one is not taken for silence.
func (p *peers) moving(link zab.LinkID) func() {
	told := time.Now()
	return func() {
		if time.Since(told) >= movingEvery {
			told = time.Now()
			p.replica.Hear(core.PeerEvent{Kind: core.LinkMoving, Link: link})
		}
	}
}

// movingEvery is much shorter than any limit on silence.
const movingEvery = 500 * time.Millisecond

type movingReader struct {
	r      io.Reader
	moving func()
}

func (m *movingReader) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.moving()
	return n, err
}

type movingWriter struct {
	w      io.Writer
	moving func()
}

func (m *movingWriter) Write(p []byte) (int, error) {
	n, err := m.w.Write(p)
	m.moving()
	return n, err
}

// Notification, Reachable, LinkUp, LinkDown, Packets and Snapshot are what is
// heard; see the handlers of peernet.

func (p *peers) Notification(from wire.PeerID, n *wire.Notification) {
	p.replica.Hear(core.PeerEvent{Kind: core.PeerNotification, Peer: from, Notification: *n})
}

func (p *peers) Reachable(peer wire.PeerID, up bool) {
	kind := core.PeerUnreachable
	if up {
		kind = core.PeerReachable
	}
	p.replica.Hear(core.PeerEvent{Kind: kind, Peer: peer})
}

func (p *peers) LinkUp(id peernet.LinkID, peer wire.PeerID, _ string) {
	p.replica.Hear(core.PeerEvent{Kind: core.LinkUp, Link: zab.LinkID(id), Peer: peer})
}

func (p *peers) LinkDown(id peernet.LinkID, reason error) {
	p.n.log.Debug("link between servers ended", "link", uint64(id), "reason", reason)
	p.replica.Hear(core.PeerEvent{Kind: core.LinkDown, Link: zab.LinkID(id)})
}

func (p *peers) Packets(id peernet.LinkID, packets []wire.Packet) {
	p.replica.HearPackets(zab.LinkID(id), packets)
}

func (p *peers) Snapshot(id peernet.LinkID, packet wire.Packet, snapshot any) {
	state, _ := snapshot.(*core.State)
	p.replica.Hear(core.PeerEvent{Kind: core.LinkPacket, Link: zab.LinkID(id), Packet: packet, Snapshot: state})
}
