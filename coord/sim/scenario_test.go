package sim

import (
	"fmt"
	"math"
	"testing"

	"kafkacoord/coord/wire"
)

// The tests of this file play the traces behind ZooKeeper's historic losses, as
// far as they can be told at this level, each with many seeds around the moment
// that mattered. They count packets, so that they do not pass by playing
// something else.

// leader is the server that leads and serves, nil if none does.
func (w *World) leader() *machine {
	for _, m := range w.machines {
		if p := m.process; p != nil && !m.frozen && p.listening && p.core.Serving() {
			return m
		}
	}
	return nil
}

// serving counts the servers that serve.
func (w *World) serving() (n int) {
	for _, m := range w.machines {
		if m.process != nil && m.process.core.Serving() {
			n++
		}
	}
	return n
}

// scene is a world without random faults, steered by a test.
type scene struct {
	*World
	t *testing.T
}

func newScene(t *testing.T, seed uint64, voters, clients int) *scene {
	t.Helper()
	s := &scene{New(Options{Seed: seed, Ensemble: List(voters, 0), Clients: clients}), t}
	s.await(func() bool { return s.serving() == voters && s.ready })
	return s
}

func (s *scene) await(condition func() bool) {
	s.t.Helper()
	if !s.RunUntil(60*Second, condition) {
		s.t.Fatalf("what the scene waits for does not happen: %v\n%s", s.Err(), s.Trace())
	}
}

// others are the machines but for one.
func (s *scene) others(not *machine) []*machine {
	var list []*machine
	for _, m := range s.machines {
		if m != not {
			list = append(list, m)
		}
	}
	return list
}

// isolated cuts a machine off from all others.
func (s *scene) isolated(m *machine) {
	for _, other := range s.others(m) {
		s.network.cut(m.id, other.id)
		s.network.cut(other.id, m.id)
	}
}

func (s *scene) reconnected(m *machine) {
	for _, other := range s.others(m) {
		s.network.heal(m.id, other.id)
		s.network.heal(other.id, m.id)
	}
}

// write lets clients work until the history is longer by some transactions.
func (s *scene) write(transactions int) {
	s.t.Helper()
	target := len(s.judge.history.notes) + transactions
	s.await(func() bool { return len(s.judge.history.notes) >= target })
}

// quiet lets clients ask nothing more, or go on.
func (s *scene) quiet(on bool) {
	for _, c := range s.clients {
		c.idle = on
		if !on {
			c.work.run()
		}
	}
}

func (s *scene) settle() {
	s.t.Helper()
	s.Settle()
	if err := s.Err(); err != nil {
		s.t.Fatalf("%v\n%s", err, s.Trace())
	}
}

func eachSeed(t *testing.T, n int, play func(t *testing.T, seed uint64)) {
	for seed := range uint64(n) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { play(t, seed) })
	}
}

// TestUncommittedTail is ZOOKEEPER-2845: a leader logs transactions that no
// quorum gets, loses its leadership without restarting and comes back as a
// follower. Its memory and log must forget them.
func TestUncommittedTail(t *testing.T) {
	forgotten, truncated := 0, 0
	eachSeed(t, 18, func(t *testing.T, seed uint64) {
		s := newScene(t, seed, 3, 4)
		snapshots, truncations := s.packets[wire.PacketSnap], s.packets[wire.PacketTrunc]
		tail := s.cutTail(seed%3 == 0, seed%2 == 0)
		s.settle()
		_, found := s.judge.history.find(tail)
		if !found && s.packets[wire.PacketTrunc] > truncations {
			truncated++
		} else if !found && s.packets[wire.PacketSnap] > snapshots {
			forgotten++
		}
	})
	if truncated == 0 || forgotten == 0 {
		t.Errorf("a tail was cut off in %d seeds, replaced by a snapshot in %d", truncated, forgotten)
	}
}

// cutTail makes a leader log what no quorum gets, and returns the end of it. When
// idle is set, the next leader has no transactions of its own before the old one
// is back, so that the tail alone is cut off.
func (s *scene) cutTail(idle, restart bool) wire.Zxid {
	s.t.Helper()
	s.write(50)
	old := s.leader()
	s.isolated(old)
	s.RunFor(s.between(200*Millisecond, 2*Second)) // clients of the old leader go on
	tail := old.process.ledger.last()
	if idle {
		s.quiet(true)
	}
	s.await(func() bool { l := s.leader(); return l != nil && l != old })
	if !idle {
		s.write(30)
	}
	if restart {
		old.crash(true)
		old.start()
	}
	s.reconnected(old)
	return tail
}

// TestSkippedTruncation shows that the trace above would reveal a log that is
// not cut.
func TestSkippedTruncation(t *testing.T) {
	for seed := range uint64(20) {
		s := newScene(t, seed, 3, 4)
		s.options.Bug = SkipTruncate
		s.cutTail(true, false)
		s.RunFor(3 * Second)
		s.quiet(false)
		s.RunFor(300 * Millisecond)
		for _, m := range s.machines { // before a snapshot covers the mistake
			m.crash(true)
			m.start()
		}
		s.Settle()
		if err := s.Err(); err != nil {
			t.Logf("seed %d: %v", seed, err)
			return
		}
	}
	t.Error("no seed showed the bug")
}

// TestPowerLossDuringSync is ZOOKEEPER-3911, 4643, 4646, 4685 and 4785: a
// follower says that it is in sync with its leader and loses power at any
// operation of its disk around that moment. With the leader it had made up a
// quorum, so what was acknowledged since must be on its disk when it elects the
// next leader with a server that was away.
func TestPowerLossDuringSync(t *testing.T) {
	crashed := 0
	eachSeed(t, 40, func(t *testing.T, seed uint64) {
		s := newScene(t, seed, 3, 4)
		s.write(20)
		leader := s.leader()
		away, follower := s.others(leader)[0], s.others(leader)[1]
		follower.crash(true)
		s.write(40)
		away.crash(true)
		follower.start()
		follower.disk.CrashAfter(int(seed))
		s.RunFor(s.between(0, 3*Second))
		follower.disk.CrashAfter(math.MaxInt32)
		if follower.process == nil {
			crashed++
		}
		leader.crash(false)
		follower.crash(false)
		follower.start()
		away.start()
		s.await(func() bool { return s.leader() != nil })
		s.write(10)
		leader.start()
		s.settle()
	})
	if crashed < 5 {
		t.Errorf("only %d seeds lost power where they should", crashed)
	}
}

// TestWindowOfNewLeader is ZOOKEEPER-4925: a follower is brought up to date
// while transactions go on, so that some are committed between its DIFF and its
// UPTODATE. It becomes the leader and brings another server up to date from what
// it keeps: there may be no hole.
func TestWindowOfNewLeader(t *testing.T) {
	between := 0
	eachSeed(t, 20, func(t *testing.T, seed uint64) {
		s := newScene(t, seed, 3, 6)
		s.write(20)
		leader := s.leader()
		behind, follower := s.others(leader)[0], s.others(leader)[1]
		follower.crash(true)
		s.write(10 + int(seed))
		diffs, last := s.packets[wire.PacketDiff], s.judge.history.last()
		follower.start()
		s.await(func() bool { return follower.process.core.Serving() })
		if s.packets[wire.PacketDiff] > diffs && s.judge.history.last() > last {
			between++
		}
		behind.crash(true)
		s.write(5)
		leader.crash(true)
		follower.crash(seed%2 == 0)
		follower.start()
		behind.start() // the follower has more, so it leads
		s.await(func() bool { return s.leader() != nil })
		s.write(10)
		leader.start()
		s.settle()
	})
	if between < 5 {
		t.Errorf("only %d seeds had transactions during a DIFF", between)
	}
}

// TestEmptyNewcomers lets two servers of three lose their disks. Alone they must
// not form an ensemble that makes the third throw its data away.
func TestEmptyNewcomers(t *testing.T) {
	eachSeed(t, 6, func(t *testing.T, seed uint64) {
		s := newScene(t, seed, 3, 3)
		s.write(40)
		survivor := s.machines[seed%3]
		s.await(func() bool { return survivor.kept.last() == s.judge.history.last() })
		for _, m := range s.machines {
			m.crash(true)
		}
		for _, m := range s.others(survivor) {
			s.replaceDisk(m)
			m.start()
		}
		s.RunFor(20 * Second)
		if s.leader() != nil {
			t.Fatalf("two empty servers elected a leader\n%s", s.Trace())
		}
		survivor.start()
		s.settle()
	})
}

// TestSlowFollowerCatchesUp lets a server stay away for long enough that it
// needs the log on the leader's disk, or a snapshot.
func TestSlowFollowerCatchesUp(t *testing.T) {
	var ways [2]int
	eachSeed(t, 8, func(t *testing.T, seed uint64) {
		s := newScene(t, seed, 3, 6)
		away := s.others(s.leader())[0]
		away.crash(true)
		s.write([]int{10, 100, 400, 700}[seed%4])
		away.start()
		s.settle()
		ways[0] += s.packets[wire.PacketDiff]
		ways[1] += s.packets[wire.PacketSnap]
	})
	if ways[0] == 0 || ways[1] == 0 {
		t.Errorf("%d were brought up to date by DIFF and %d by SNAP", ways[0], ways[1])
	}
}
