package integration_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"kafkacoord/coord/peernet"
	"kafkacoord/coord/wire"
	"kafkacoord/integration/ensemble"
	"kafkacoord/integration/javazk"
	"kafkacoord/integration/process"
)

// peerPatience bounds each step between two servers, the start of a Java server
// included.
const peerPatience = 60 * time.Second

// TestPeersWithJava lets the links between servers alone, without a server behind
// them, elect a leader together with a Java server and open a link to it or take
// one from it: as the smaller and as the larger id, which changes who connects on
// both ports.
func TestPeersWithJava(t *testing.T) {
	for _, c := range []struct {
		name       string
		self, java wire.PeerID
	}{{"smaller id", 1, 2}, {"larger id", 2, 1}} {
		t.Run(c.name, func(t *testing.T) {
			p := startPeers(t, c.self, c.java)
			p.elect()
			if c.self > c.java {
				p.lead()
			} else {
				p.follow()
			}
		})
	}
}

// peers are a Java server and our end of the links to it.
type peers struct {
	t          *testing.T
	self, java wire.PeerID
	ports      map[wire.PeerID][2]int // quorum and election port
	election   *peernet.Election
	links      *peernet.Links
	heard      chan any // what the handlers are told
}

// Events of the handlers.
type (
	ballotHeard struct {
		from wire.PeerID
		wire.Notification
	}
	reachableHeard struct {
		peer wire.PeerID
		up   bool
	}
	linkUpHeard struct {
		id   peernet.LinkID
		peer wire.PeerID
	}
	linkDownHeard struct {
		id     peernet.LinkID
		reason error
	}
	packetHeard struct {
		id peernet.LinkID
		wire.Packet
	}
)

func (p *peers) Notification(from wire.PeerID, n *wire.Notification) {
	p.heard <- ballotHeard{from, *n}
}

func (p *peers) Reachable(peer wire.PeerID, up bool) { p.heard <- reachableHeard{peer, up} }

func (p *peers) LinkUp(id peernet.LinkID, peer wire.PeerID, _ string) {
	p.heard <- linkUpHeard{id, peer}
}

func (p *peers) LinkDown(id peernet.LinkID, reason error) { p.heard <- linkDownHeard{id, reason} }

func (p *peers) Packets(id peernet.LinkID, packets []wire.Packet) {
	for _, packet := range packets {
		p.heard <- packetHeard{id, packet}
	}
}

func (p *peers) Snapshot(id peernet.LinkID, packet wire.Packet, _ any) {
	p.heard <- packetHeard{id, packet}
}

// awaitPeer takes events until one of the type T satisfies ok; the others are
// dropped.
func awaitPeer[T any](p *peers, what string, ok func(T) bool) T {
	p.t.Helper()
	deadline := time.After(peerPatience)
	for {
		select {
		case event := <-p.heard:
			if e, is := event.(T); is && ok(e) {
				return e
			}
		case <-deadline:
			p.t.Fatalf("no %s within %v", what, peerPatience)
		}
	}
}

func startPeers(t *testing.T, self, java wire.PeerID) *peers {
	t.Helper()
	// The channel holds more than a test can bring about: handlers must not wait.
	p := &peers{t: t, self: self, java: java, ports: make(map[wire.PeerID][2]int), heard: make(chan any, 10000)}
	for _, id := range []wire.PeerID{self, java} {
		p.ports[id] = [2]int{freePort(t), freePort(t)}
	}
	at := func(id wire.PeerID, kind int) []peernet.Address {
		return []peernet.Address{{Host: "127.0.0.1", Port: p.ports[id][kind]}}
	}
	p.links = peernet.NewLinks(p, peernet.LinksOptions{Listen: at(self, 0)})
	t.Cleanup(p.links.Close)
	p.links.SetServers([]peernet.Server{{ID: java, Addresses: at(java, 0)}})
	p.election = peernet.NewElection(p, peernet.ElectionOptions{Self: self, Listen: at(self, 1), Advertise: at(self, 1), BindTries: 3})
	t.Cleanup(p.election.Close)
	if err := p.election.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.election.SetServers([]peernet.Server{{ID: java, Addresses: at(java, 1)}})
	p.election.Keep(java)
	awaitPeer(p, "report that the Java server is not there yet", func(r reachableHeard) bool { return !r.up })
	p.startJava()
	return p
}

func freePort(t *testing.T) int {
	t.Helper()
	port, err := process.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// startJava starts the process; it serves nothing before there is a leader.
func (p *peers) startJava() {
	p.t.Helper()
	dataDir := filepath.Join(p.t.TempDir(), "zookeeper")
	lines := []string{"initLimit=10", "syncLimit=5"}
	for id, ports := range p.ports {
		lines = append(lines, fmt.Sprintf("server.%d=127.0.0.1:%d:%d", id, ports[0], ports[1]))
	}
	if err := ensemble.WriteID(dataDir, int(p.java)); err != nil {
		p.t.Fatal(err)
	}
	java, err := javazk.New(p.t.Context(), javazk.Options{
		Port: freePort(p.t), DataDir: dataDir, Config: lines, Flags: []string{"-Xmx512m"}, Progress: os.Stderr,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	java.EndWith(p.t)
	if err := java.Launch(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// elect exchanges votes until both servers have voted for number 2 in the same
// round, and checks who owns the connection.
func (p *peers) elect() {
	p.t.Helper()
	awaitPeer(p, "connection with the Java server", func(r reachableHeard) bool { return r.up })
	for agreed := false; !agreed; {
		p.election.Send(p.java, &wire.Notification{State: wire.PeerLooking, Leader: 2, Round: 1})
		n := awaitPeer(p, "vote of the Java server", func(n ballotHeard) bool { return n.State == wire.PeerLooking })
		if n.from != p.java || n.Version != wire.NotificationVersion || !strings.Contains(n.Config, "server.1=127.0.0.1:") {
			p.t.Fatalf("the Java server says %+v", n)
		}
		agreed = n.Leader == 2 && n.Round == 1
	}
	remote := p.election.Status()[0].Remote
	javaPort := net.JoinHostPort("127.0.0.1", strconv.Itoa(p.ports[p.java][1]))
	if dialled := remote == javaPort; dialled != (p.self > p.java) {
		p.t.Errorf("the connection is with %s; the server with the larger id must have opened it", remote)
	}
}

// lead takes the Java server's link.
func (p *peers) lead() {
	p.t.Helper()
	p.links.Listen(true)
	up := awaitPeer(p, "link of the Java server", func(linkUpHeard) bool { return true })
	first := awaitPeer(p, "FOLLOWERINFO", func(packetHeard) bool { return true })
	info, err := wire.DecodeLearnerInfo(first.Data)
	want := wire.LearnerInfo{Server: p.java, ProtocolVersion: wire.LearnerProtocol}
	if up.peer != 0 || first.id != up.id || first.Type != wire.PacketFollowerInfo || err != nil || info != want {
		p.t.Errorf("link %+v begins with %+v: %+v, %v", up, first, info, err)
	}
	p.links.Send(up.id, wire.Packet{
		Type: wire.PacketLeaderInfo, Zxid: 1 << 32, Data: wire.AppendLeaderInfo(nil, wire.LearnerProtocol),
	})
	ack := awaitPeer(p, "ACKEPOCH", func(packetHeard) bool { return true })
	if epoch, err := wire.DecodeAckEpoch(ack.Data); ack.Type != wire.PacketAckEpoch || ack.Zxid != 0 || epoch != 0 || err != nil {
		p.t.Errorf("the answer to LEADERINFO is %+v: epoch %d, %v", ack, epoch, err)
	}
	p.answers(wire.PeerFollowing)
	p.links.CloseLink(up.id)
	// A follower without its leader looks for one again.
	p.election.Send(p.java, &wire.Notification{State: wire.PeerLooking, Leader: 2, Round: 1})
	awaitPeer(p, "vote of the Java server in a new round", func(n ballotHeard) bool { return n.State == wire.PeerLooking && n.Round > 1 })
}

// follow opens a link to the Java server, which leads as soon as it has noticed.
func (p *peers) follow() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), peerPatience)
	defer cancel()
	var up linkUpHeard
	for up.id == 0 && ctx.Err() == nil {
		p.links.Dial(p.java)
		awaitPeer(p, "answer to Dial", func(event any) bool {
			_, down := event.(linkDownHeard)
			e, is := event.(linkUpHeard)
			if is {
				up = e
			}
			return is || down
		})
	}
	info := wire.LearnerInfo{Server: p.self, ProtocolVersion: wire.LearnerProtocol}
	p.links.Send(up.id, wire.Packet{Type: wire.PacketFollowerInfo, Data: wire.AppendLearnerInfo(nil, &info)})
	first := awaitPeer(p, "LEADERINFO", func(packetHeard) bool { return true })
	version, err := wire.DecodeLeaderInfo(first.Data)
	if first.Type != wire.PacketLeaderInfo || first.Zxid != 1<<32 || version != wire.LearnerProtocol || err != nil {
		p.t.Errorf("the leader answers %+v: %x, %v", first, version, err)
	}
	p.answers(wire.PeerLeading)
	p.links.CloseLink(up.id)
}

// answers asks the Java server what it does, as one that looks for a leader.
func (p *peers) answers(state wire.PeerState) {
	p.t.Helper()
	p.election.Send(p.java, &wire.Notification{State: wire.PeerLooking, Leader: 2, Round: 1})
	awaitPeer(p, "answer of a server that is "+state.String(), func(n ballotHeard) bool { return n.State == state && n.Leader == 2 })
}
