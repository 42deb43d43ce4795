package zab

import (
	"flag"
	"fmt"
	"testing"

	"kafkacoord/coord/wire"
)

var seeds = flag.Int("zab.seeds", 40, "random runs of each kind of cluster")

// TestRandomClusters lets clusters write while servers crash, disks lag and the
// network breaks, and checks that all keep one history, and that they come back
// when they are left alone.
func TestRandomClusters(t *testing.T) {
	for name, list := range map[string]Membership{
		"three voters": voters(t, 1, 2, 3),
		"five voters":  voters(t, 1, 2, 3, 4, 5),
		"with observers": members(t, []Member{
			{ID: 1}, {ID: 2}, {ID: 3}, {ID: 4, Observer: true}, {ID: 5, Observer: true},
		}, nil, 0),
		"one voter": members(t, []Member{{ID: 1}, {ID: 2, Observer: true}}, nil, 0),
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(*seeds) {
				t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { runRandomly(t, newCluster(t, seed, list)) })
			}
		})
	}
}

func runRandomly(t *testing.T, c *cluster) {
	for _, m := range c.machines {
		m.start()
	}
	c.run(c.now + 3000)
	if len(c.leaders) == 0 {
		c.failf("no leader after 3 s without faults")
	}
	for range 200 {
		c.disturb()
		c.run(c.now + wire.Millis(c.random.IntN(150)))
	}
	c.heal()
	before := len(c.agreed)
	c.run(c.now + 10000)
	for range 10 {
		for _, m := range c.machines {
			m.work()
			m.propose()
		}
		c.run(c.now + 100)
	}
	c.run(c.now + 1000)
	if len(c.agreed) <= before {
		c.failf("nothing was committed after the faults")
	}
	for _, m := range c.machines {
		if !m.role.Serving || len(m.applied) != len(c.agreed) {
			c.failf("server %d is %+v and has %d of %d transactions", m.config.Self, m.role, len(m.applied), len(c.agreed))
		}
		if len(m.asked) > 0 || len(m.synced) > 0 {
			c.failf("server %d waits for %d confirmations and %d syncs", m.config.Self, len(m.asked), len(m.synced))
		}
	}
}

// disturb does one thing that can happen to a cluster.
func (c *cluster) disturb() {
	a := c.machines[c.random.IntN(len(c.machines))]
	b := c.machines[c.random.IntN(len(c.machines))]
	switch dice := c.random.IntN(100); {
	case dice < 70:
		a.work()
	case dice < 78 && a != b:
		c.separate(a, b, true)
	case dice < 86 && a != b:
		c.separate(a, b, false)
	case dice < 88:
		a.slow = !a.slow
	case dice < 91 && a.up:
		a.crash()
	case dice < 92 && c.random.IntN(2) == 0: // the power fails
		for _, m := range c.machines {
			if m.up {
				m.crash()
			}
		}
		for _, m := range c.machines {
			if c.random.IntN(4) > 0 {
				m.start()
			}
		}
	case !a.up:
		a.start()
	}
}

func (c *cluster) heal() {
	for i, a := range c.machines {
		a.slow = false
		if !a.up {
			a.start()
		}
		for _, b := range c.machines[:i] {
			c.separate(a, b, false)
		}
	}
}
