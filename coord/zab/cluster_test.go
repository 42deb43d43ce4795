package zab

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"kafkacoord/coord/wire"
)

// cluster runs nodes with disks and a network between them in virtual time. The
// same seed gives the same run. It holds what all servers do against the
// properties of atomic broadcast.
type cluster struct {
	t        testing.TB
	random   *rand.Rand
	now      wire.Millis
	machines []*machine
	cut      map[[2]wire.PeerID]bool // pairs that cannot talk
	events   []event                 // by time, then order of creation
	created  int
	links    map[LinkID]*end
	nextLink LinkID

	// agreed is the history that some server was told is committed.
	agreed  []Entry
	leaders map[int64]wire.PeerID // serving, by epoch
	writes  int
	trace   []string
}

type event struct {
	at    wire.Millis
	order int
	do    func()
}

// end is one side of a link.
type end struct {
	id       LinkID
	owner    *machine
	life     int // of the owner
	other    *end
	open     bool
	stalled  bool        // what is sent is lost; the link will break
	lastSent wire.Millis // links keep the order
}

func newCluster(t testing.TB, seed uint64, list Membership) *cluster {
	c := &cluster{
		t: t, random: rand.New(rand.NewPCG(seed, 7)), links: make(map[LinkID]*end),
		cut: make(map[[2]wire.PeerID]bool), leaders: make(map[int64]wire.PeerID),
	}
	for _, s := range list.Servers {
		c.machines = append(c.machines, &machine{c: c, config: Config{
			Self: s.ID, Members: list, Tick: 100, InitLimit: 10, SyncLimit: 5, ConnectLimit: 10,
			MinNotification: 20, MaxNotification: 500, FinalizeWait: 20,
			WindowEntries: 6, LogSync: seed%2 == 0, ObserverSnapshots: 1,
			CounterMax: []int64{0, 40, 8}[seed%3],
		}})
	}
	return c
}

func (c *cluster) in(delay wire.Millis, do func()) {
	e := event{c.now + delay, c.created, do}
	c.created++
	i, _ := slices.BinarySearchFunc(c.events, e, func(x, y event) int {
		return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.order, y.order))
	})
	c.events = slices.Insert(c.events, i, e)
}

func (c *cluster) failf(format string, args ...any) {
	c.t.Helper()
	c.t.Fatalf("at %d ms: %s\n%s", c.now, fmt.Sprintf(format, args...),
		strings.Join(c.trace[max(0, len(c.trace)-60):], "\n"))
}

func (c *cluster) tracef(m *machine, format string, args ...any) {
	c.trace = append(c.trace, fmt.Sprintf("%6d server %d: %s", c.now, m.config.Self, fmt.Sprintf(format, args...)))
}

// run lets time pass until then.
func (c *cluster) run(until wire.Millis) {
	for steps := 0; ; steps++ {
		if steps > 2_000_000 {
			c.failf("the servers are busy without end")
		}
		next := until
		if len(c.events) > 0 {
			next = min(next, c.events[0].at)
		}
		for _, m := range c.machines {
			if m.up {
				next = min(next, max(m.node.NextWake(), c.now))
			}
		}
		c.now = next
		switch woken := c.woken(); {
		case len(c.events) > 0 && c.events[0].at <= c.now:
			e := c.events[0]
			c.events = c.events[1:]
			e.do()
		case woken != nil:
			// A second tick may begin the limits of a role that the first one ended in.
			for range 3 {
				woken.call(func(out *Output) { woken.node.Tick(c.now, out) })
			}
			if woken.node.NextWake() <= c.now {
				c.failf("server %d wants to be woken at %d again", woken.config.Self, woken.node.NextWake())
			}
		case c.now >= until:
			return
		}
	}
}

func (c *cluster) woken() *machine {
	for _, m := range c.machines {
		if m.up && m.node.NextWake() <= c.now {
			return m
		}
	}
	return nil
}

func (c *cluster) machine(id wire.PeerID) *machine {
	for _, m := range c.machines {
		if m.config.Self == id {
			return m
		}
	}
	return nil
}

func (c *cluster) delay() wire.Millis {
	if c.random.IntN(20) == 0 {
		return wire.Millis(c.random.IntN(60))
	}
	return wire.Millis(c.random.IntN(4))
}

func (c *cluster) separated(a, b *machine) bool {
	return !a.up || !b.up || c.cut[[2]wire.PeerID{a.config.Self, b.config.Self}]
}

// separate cuts or restores the connection of two servers.
func (c *cluster) separate(a, b *machine, cut bool) {
	x, y := a.config.Self, b.config.Self
	c.cut[[2]wire.PeerID{x, y}], c.cut[[2]wire.PeerID{y, x}] = cut, cut
	c.tell(a, b)
	if !cut {
		return
	}
	for id := LinkID(1); id <= c.nextLink; id++ {
		if e := c.links[id]; e != nil && e.open && (e.owner == a && e.other.owner == b || e.owner == b && e.other.owner == a) {
			// It takes a while until it is noticed that nothing comes through.
			e.stalled, e.other.stalled = true, true
			c.in(wire.Millis(c.random.IntN(900)), func() { c.breakLink(e) })
		}
	}
}

// tell lets two servers know whether they reach each other.
func (c *cluster) tell(a, b *machine) {
	for _, pair := range [][2]*machine{{a, b}, {b, a}} {
		if m, other := pair[0], pair[1]; m.up {
			connected := !c.separated(a, b)
			m.call(func(out *Output) { m.node.Reachable(other.config.Self, connected, out) })
		}
	}
}

func (c *cluster) breakLink(e *end) {
	for _, side := range []*end{e, e.other} {
		if !side.open {
			continue
		}
		side.open = false
		c.in(c.delay(), func() {
			if side.owner.up && side.owner.life == side.life {
				side.owner.call(func(out *Output) { side.owner.node.LinkDown(side.id, out) })
			}
		})
	}
}

func (c *cluster) newEnd(m *machine) *end {
	c.nextLink++
	e := &end{id: c.nextLink, owner: m, life: m.life, open: true}
	c.links[e.id] = e
	return e
}
