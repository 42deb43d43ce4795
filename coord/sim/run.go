package sim

import (
	"fmt"

	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// Bounds in virtual time of what must happen once everything is healed.
const (
	settleLimit = 120 * Second // every server serves reads and writes
	restLimit   = 60 * Second  // and all have the same state
)

// Result sums a run up.
type Result struct {
	Events       int // that were simulated
	Virtual      Time
	Transactions int // in the history
	Writes       int // that clients were told of
	Epochs       int
	Operations   int // on registers
	// Learners that were brought up to date in each of the ways.
	Diffs, Truncations, Snapshots int
}

// Run plays a whole run: work under faults, healing, comparison. The error says
// which promise was broken; World.Trace then tells how it came to that.
func Run(o Options) (*World, Result, error) {
	w := New(o)
	w.faultsBegin()
	w.RunFor(o.Length)
	w.Settle()
	return w, w.Result(), w.failure
}

// Result sums up what has happened so far.
func (w *World) Result() Result {
	return Result{
		Events: w.events, Virtual: w.now, Transactions: len(w.judge.history.notes), Writes: len(w.judge.acks),
		Epochs: len(w.judge.born), Operations: len(w.operations),
		Diffs: w.packets[wire.PacketDiff], Truncations: w.packets[wire.PacketTrunc], Snapshots: w.packets[wire.PacketSnap],
	}
}

// Settle ends all faults and the clients' work, and compares the end states:
// every server must serve within a bound, no watch may have been lost and all
// states must be the same.
func (w *World) Settle() {
	w.heal()
	if !w.RunUntil(settleLimit, func() bool { return len(w.clients) == 0 || w.ready }) {
		w.fail("after %v without faults no client has done anything", settleLimit)
		return
	}
	w.RunFor(2 * Second)
	for _, c := range w.clients {
		c.idle = true
	}
	probes := w.probe()
	done := func() bool {
		for _, p := range probes {
			if !*p {
				return false
			}
		}
		return true
	}
	if !w.RunUntil(settleLimit, done) {
		w.fail("after %v without faults not every server serves reads and writes", settleLimit)
		return
	}
	if !w.RunUntil(settleLimit, w.clientsIdle) {
		w.fail("after %v without faults clients still wait for answers", settleLimit)
		return
	}
	w.lookAgain()
	if !w.RunUntil(restLimit, func() bool { return w.clientsIdle() && w.atRest() }) {
		w.fail("after %v without work the servers have different states", restLimit)
		return
	}
	w.judge.settled()
}

// probe lets a new client of every server write, sync and read there. What it
// returns becomes true one by one.
func (w *World) probe() []*bool {
	var probes []*bool
	for _, m := range w.machines {
		if m.retired {
			continue
		}
		c := w.addClient(len(w.clients))
		c.only, c.idle = m.id, true
		ok := new(bool)
		probes = append(probes, ok)
		path := fmt.Sprintf("/probe-%d", c.number)
		c.work.probe = func() {
			c.send(&call{op: wire.OpCreate, path: path}, create(path, 0, ""))
			c.send(&call{op: wire.OpSync, path: path}, &wire.Request{Op: wire.OpSync, Path: path})
			c.send(&call{op: wire.OpGetData, path: path, done: func(h wire.ReplyHeader, _ wire.Reply) {
				if h.Err == wire.OK {
					*ok = true
				}
			}}, &wire.Request{Op: wire.OpGetData, Path: path})
		}
	}
	return probes
}

func (w *World) clientsIdle() bool {
	for _, c := range w.clients {
		if !c.ready() || len(c.pending) > 0 {
			return false
		}
	}
	return true
}

// lookAgain lets every client read what it still watches: had it changed, the
// client would have been told.
func (w *World) lookAgain() {
	for _, c := range w.clients {
		for _, path := range watchedPaths {
			if _, watched := c.watches[path]; watched {
				c.work.look(path, false)
			}
		}
	}
}

// atRest tells whether every server has applied everything.
func (w *World) atRest() bool {
	for _, m := range w.machines {
		if m.retired {
			continue
		}
		if m.process == nil || m.process.core.Zxid() != w.judge.history.last() || m.process.ledger.last() != w.judge.history.last() {
			return false
		}
	}
	return true
}

// List is a list of servers: participants 1 to voters, then observers.
func List(voters, observers int) zab.Membership {
	return mustList(members(voters, observers), nil)
}

// WeightedList is a list of participants in groups of three, in each of which
// the first counts double.
func WeightedList(groups int) zab.Membership {
	servers := members(3*groups, 0)
	of := map[int64][]wire.PeerID{}
	for i := range servers {
		servers[i].Weight = 1
		if i%3 == 0 {
			servers[i].Weight = 2
		}
		group := int64(i/3 + 1)
		of[group] = append(of[group], servers[i].ID)
	}
	return mustList(servers, of)
}

func members(voters, observers int) []zab.Member {
	var servers []zab.Member
	for i := range voters + observers {
		servers = append(servers, zab.Member{
			ID: wire.PeerID(i + 1), Observer: i >= voters, Weight: 1, Address: fmt.Sprintf("host%d:2888:3888", i+1),
		})
	}
	return servers
}

func mustList(servers []zab.Member, groups map[int64][]wire.PeerID) zab.Membership {
	list, err := zab.NewMembership(servers, groups, 0)
	if err != nil {
		panic(err) // the lists are made here
	}
	return list
}
