package ensemble_test

import (
	"fmt"
	"testing"

	"kafkacoord/coord/client"
	"kafkacoord/coord/store"
	"kafkacoord/coord/wire"
	"kafkacoord/integration/ensemble"
)

// TestSynchronisation has coord as leader bring a Java learner in line and the
// other way round, in each of the three ways, and wants to see in both logs that
// it was that way. Member 3 leads first, and is the learner afterwards: its
// leader, member 2, is of the other kind.
func TestSynchronisation(t *testing.T) {
	for _, version := range versions {
		for _, programs := range []string{"java java coord", "coord coord java"} {
			t.Run(version+" "+programs, func(t *testing.T) {
				s := start(t, mix(version, programs)...)
				s.expectLeader(3)
				c := s.dial(s.Member(3), client.Config{})
				s.create(c, "/kept")
				c.Detach()

				s.leaveTail("/never-acknowledged")
				s.returns(wire.PacketTrunc, func() {})
				s.lacks("/never-acknowledged")

				s.must(s.Member(3).Kill())
				s.returns(wire.PacketDiff, func() { s.fill("while-away", 20) })

				s.must(s.Member(3).Kill())
				s.must(s.Member(3).Wipe())
				s.returns(wire.PacketSnap, func() { s.fill("while-empty", 20) })

				// A tail behind which the others have gone on in a new epoch.
				s.leadAgain()
				s.leaveTail("/overtaken")
				s.returns(wire.PacketSnap, func() { s.fill("instead", 20) })
				s.lacks("/overtaken")
				s.equal()
			})
		}
	}
}

// leadAgain makes member 3 the leader.
func (s *scenario) leadAgain() {
	s.t.Helper()
	s.must(s.Member(2).Kill())
	s.leaderWithout(2)
	s.launch(s.Member(2))
	if s.leader().ID == 3 {
		return
	}
	s.must(s.Member(1).Kill())
	s.leaderWithout(1)
	s.launch(s.Member(1))
	s.expectLeader(3)
}

// leaderWithout waits for a leader among the others, after a write of theirs has
// put them ahead.
func (s *scenario) leaderWithout(id int) {
	s.t.Helper()
	leader := s.leader()
	if leader.ID == id {
		s.t.Fatalf("member %d was killed and leads", id)
	}
	s.create(s.dial(leader, client.Config{}), fmt.Sprintf("/led-by-%d-%x", leader.ID, s.leaderZxid(leader)))
}

func (s *scenario) leaderZxid(m *ensemble.Member) wire.Zxid {
	s.t.Helper()
	last, err := lastLogged(m)
	s.must(err)
	return last
}

// leaveTail has member 3, which leads, log a transaction that nobody else has,
// and kills it: the followers are paused before, and killed before they can read
// what was sent to them. Afterwards members 1 and 2 serve, led by 2, and have no
// transaction of the new epoch.
func (s *scenario) leaveTail(path string) {
	s.t.Helper()
	leader := s.expectLeader(3)
	c := s.dial(leader, client.Config{})
	defer c.Detach()
	// The last write that all have: the followers are idle behind it.
	_, err := c.Set(s.ctx, "/kept", []byte(path), client.AnyVersion)
	s.must(err)
	acknowledged := c.LastZxid()
	for _, m := range s.Members[:2] {
		s.eventually(fmt.Sprintf("member %v has logged %v", m, acknowledged), func() error { return s.logged(m, acknowledged) })
	}
	for _, m := range s.Members[:2] {
		s.must(m.Pause())
	}
	write := client.CreateOp(path, nil, wire.FlagPersistent, nil)
	c.Go(&write, func(r client.Result) {
		if r.Err == nil {
			s.t.Errorf("a leader that is alone acknowledged %s", path)
		}
	})
	s.eventually(fmt.Sprintf("member %v has logged the write", leader), func() error { return s.logged(leader, acknowledged+1) })
	s.must(leader.Kill())
	for _, m := range s.Members[:2] {
		s.must(m.Kill())
		if err := s.logged(m, acknowledged+1); err == nil {
			s.t.Fatalf("member %v has the write too", m)
		}
	}
	s.launch(s.Members[:2]...)
	s.expectLeader(2)
}

// logged returns nil when a member's log holds the transaction.
func (s *scenario) logged(m *ensemble.Member, z wire.Zxid) error {
	last, err := lastLogged(m)
	if err == nil && last < z {
		err = fmt.Errorf("the last is %v", last)
	}
	return err
}

// lastLogged is the last transaction in the files of a member, which may run.
func lastLogged(m *ensemble.Member) (last wire.Zxid, err error) {
	err = eachLogged(m, func(r store.Record) error {
		last = r.Zxid
		return nil
	})
	return last, err
}

// returns starts member 3 again, after something was done by the others, and
// wants it to be brought in line by member 2 in a given way.
func (s *scenario) returns(by wire.PacketType, meanwhile func()) {
	s.t.Helper()
	leader, learner := s.expectLeader(2), s.Member(3)
	meanwhile()
	leaderMark, learnerMark := leader.Mark(), learner.Mark()
	s.launch(learner)
	s.expectLeader(2)
	s.must(ensemble.AwaitSynchronisation(s.ctx, by, leader, leaderMark, learner, learnerMark))
	s.create(s.dial(learner, client.Config{}), fmt.Sprintf("/after-%v-%x", by, s.leaderZxid(leader)))
	s.t.Logf("member %v was brought in line by %v with %v", learner, leader, by)
}

// fill writes through the leader.
func (s *scenario) fill(name string, count int) {
	s.t.Helper()
	c := s.dial(s.leader(), client.Config{})
	for i := range count {
		s.create(c, fmt.Sprintf("/%s-%d", name, i))
	}
	s.must(c.Close())
}

// lacks wants a znode that was never acknowledged to be on no member.
func (s *scenario) lacks(path string) {
	s.t.Helper()
	for _, m := range s.Members {
		s.seen(s.dial(m, client.Config{}), path, false)
	}
}
