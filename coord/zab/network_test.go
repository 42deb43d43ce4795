package zab

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"kafkacoord/coord/wire"
)

// envelope is a ballot under way.
type envelope struct {
	from wire.PeerID
	Ballot
}

func (v envelope) String() string {
	n := v.Notification
	leader := fmt.Sprint(n.Leader)
	if n.Leader == noLeader {
		leader = "nobody"
	}
	return fmt.Sprintf("%d→%d %v leader=%s zxid=%v round=%d epoch=%d", v.from, v.To, n.State, leader, n.Zxid, n.Round, n.PeerEpoch)
}

// elector is one server of an electorate.
type elector struct {
	config  Config
	last    wire.Zxid
	epoch   int64
	quorums *quorums
	*election
	up       bool
	reported bool // its decision is in the events
}

// electorate is a number of elections with a network between them.
type electorate struct {
	servers  map[wire.PeerID]*elector
	now      wire.Millis
	flight   []envelope
	events   []string // notes and decisions since they were taken last
	onDecide func(id wire.PeerID, v vote, state wire.PeerState)
}

func newElectorate() *electorate { return &electorate{servers: make(map[wire.PeerID]*elector)} }

// members makes a list of servers with made-up addresses.
func members(t testing.TB, servers []Member, groups map[int64][]wire.PeerID, version int64) Membership {
	t.Helper()
	servers = slices.Clone(servers)
	for i := range servers {
		if servers[i].Address == "" {
			servers[i].Address = fmt.Sprintf("host%d:2888:3888", servers[i].ID)
		}
	}
	m, err := NewMembership(servers, groups, version)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// voters makes a plain list of participants.
func voters(t testing.TB, ids ...wire.PeerID) Membership {
	t.Helper()
	var servers []Member
	for _, id := range ids {
		servers = append(servers, Member{ID: id})
	}
	return members(t, servers, nil, 0)
}

func (n *electorate) add(c Config, last wire.Zxid, epoch int64) {
	c.MinNotification, c.MaxNotification, c.FinalizeWait = 200, 1600, 200
	n.servers[c.Self] = &elector{config: c, last: last, epoch: epoch}
}

func (n *electorate) ids() []wire.PeerID { return slices.Sorted(maps.Keys(n.servers)) }

// start begins an election of a server: its first, when it does not run.
func (n *electorate) start(id wire.PeerID) {
	s := n.servers[id]
	if !s.up {
		s.up = true
		s.quorums = newQuorums(&s.config)
		s.election = newElection(&s.config, s.quorums)
	}
	s.reported = false
	n.do(id, func(e *election, out *Output) { e.start(n.now, s.last, s.epoch, out) })
}

// stop kills a server; what it has sent stays under way.
func (n *electorate) stop(id wire.PeerID) { n.servers[id].up = false }

// do calls a running election and takes what comes of it.
func (n *electorate) do(id wire.PeerID, call func(e *election, out *Output)) {
	s := n.servers[id]
	if s == nil || !s.up {
		return
	}
	var out Output
	call(s.election, &out)
	for _, b := range out.Ballots {
		n.flight = append(n.flight, envelope{id, b})
	}
	for _, note := range out.Notes {
		n.events = append(n.events, fmt.Sprintf("%d %s", id, noteText(note)))
	}
	if v, state, ok := s.decided(); ok && !s.reported {
		s.reported = true
		if n.onDecide != nil {
			n.onDecide(id, v, state)
		}
	}
}

func noteText(n Note) string {
	var b strings.Builder
	if n.Warn {
		b.WriteString("WARN ")
	}
	b.WriteString(n.Text)
	for i := 0; i+1 < len(n.Args); i += 2 {
		fmt.Fprintf(&b, " %v=%q", n.Args[i], fmt.Sprint(n.Args[i+1]))
	}
	return strings.ReplaceAll(b.String(), `\n`, " / ")
}

// deliver hands a ballot over.
func (n *electorate) deliver(v envelope) {
	n.do(v.To, func(e *election, out *Output) { e.notification(v.from, &v.Notification, out) })
}

// settle delivers everything in order until nothing is under way, or reports that
// it does not end.
func (n *electorate) settle(t testing.TB) {
	t.Helper()
	for range 100000 {
		if len(n.flight) == 0 {
			return
		}
		v := n.flight[0]
		n.flight = n.flight[1:]
		n.deliver(v)
	}
	t.Fatal("the servers answer each other without end")
}

// wake lets time pass until the next server wants to be called, and calls it.
func (n *electorate) wake() bool {
	next := never
	for _, id := range n.ids() {
		if s := n.servers[id]; s.up {
			next = min(next, s.nextWake())
		}
	}
	if next == never {
		return false
	}
	n.advance(max(next-n.now, 0))
	return true
}

// advance lets time pass for all.
func (n *electorate) advance(by wire.Millis) {
	n.now += by
	for _, id := range n.ids() {
		n.do(id, func(e *election, out *Output) { e.tick(n.now, out) })
	}
}

// connect tells servers, both ways, whether they reach each other.
func (n *electorate) connect(a, b wire.PeerID, connected bool) {
	n.do(a, func(e *election, out *Output) { e.reachable(b, connected, out) })
	n.do(b, func(e *election, out *Output) { e.reachable(a, connected, out) })
}

// disturb does one thing that can happen to messages or servers.
func (n *electorate) disturb(random *rand.Rand) {
	ids := n.ids()
	anyone := func() wire.PeerID { return ids[random.IntN(len(ids))] }
	switch dice := random.IntN(100); {
	case dice < 55 && len(n.flight) > 0: // overtaking, possibly losing or repeating
		i := random.IntN(len(n.flight))
		v := n.flight[i]
		if dice >= 10 {
			n.flight = slices.Delete(n.flight, i, i+1)
		}
		if dice < 45 {
			n.deliver(v)
		}
	case dice < 85:
		n.advance(wire.Millis(random.IntN(120)))
	case dice < 90:
		n.connect(anyone(), anyone(), random.IntN(2) == 0)
	case dice < 94:
		n.stop(anyone())
	default:
		// A server that is down comes up; one that has decided loses its leader.
		if s := n.servers[anyone()]; !s.up || s.reported {
			n.start(s.config.Self)
		}
	}
}
