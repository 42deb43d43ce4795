package zab

import (
	"testing"

	"kafkacoord/coord/wire"
)

// steady is a node that serves, with one other server on link 7.
type steady struct {
	node *Node
	out  Output
	next wire.Zxid
}

// newSteady makes server 1 of two serve in epoch 1, led by the given server.
func newSteady(t testing.TB, leader wire.PeerID) *steady {
	t.Helper()
	c := Config{
		Self: 1, Members: voters(t, 1, 2), Tick: 100, InitLimit: 10, SyncLimit: 5, ConnectLimit: 10,
		MinNotification: 200, MaxNotification: 1000, WindowEntries: 50, Bootstrap: true,
	}
	s := &steady{node: New(c, State{}), next: epochZxid(1)}
	n, out := s.node, &s.out
	n.Start(0, out)
	n.Notification(2, &wire.Notification{Leader: leader, Round: 1, Version: wire.NotificationVersion}, out)
	n.Tick(0, out)
	info := wire.AppendLearnerInfo(nil, &wire.LearnerInfo{Server: 2, ProtocolVersion: wire.LearnerProtocol})
	packets := []wire.Packet{
		{Type: wire.PacketFollowerInfo, Data: info},
		{Type: wire.PacketAckEpoch, Data: wire.AppendAckEpoch(nil, 0)},
		{Type: wire.PacketAck, Zxid: epochZxid(1)},
	}
	if leader == 1 {
		n.LinkUp(7, 0, out)
	} else {
		n.LinkUp(7, leader, out)
		packets = []wire.Packet{
			{Type: wire.PacketLeaderInfo, Zxid: epochZxid(1), Data: wire.AppendLeaderInfo(nil, wire.LearnerProtocol)},
			{Type: wire.PacketDiff},
			{Type: wire.PacketNewLeader, Zxid: epochZxid(1)},
			{Type: wire.PacketUpToDate, Zxid: -1},
		}
	}
	for i := range packets {
		n.Packet(7, &packets[i], out)
		for len(n.disk.waiting) > 0 {
			n.DiskDone(out)
		}
	}
	if last := out.Changes[len(out.Changes)-1]; !last.Serving || last.Leader != leader {
		t.Fatalf("the node is %+v; %v", last, out.Notes)
	}
	out.Reset()
	return s
}

func TestBroadcastDoesNotAllocate(t *testing.T) {
	payload := make([]byte, 100)
	for name, step := range map[string]struct {
		leader wire.PeerID
		do     func(s *steady)
	}{
		"leader": {1, func(s *steady) {
			entries := [1]Entry{{s.next, payload}}
			s.node.Propose(entries[:], &s.out)
			s.node.Packet(7, &wire.Packet{Type: wire.PacketAck, Zxid: s.next}, &s.out)
			s.node.Durable(s.next, &s.out)
		}},
		"follower": {2, func(s *steady) {
			s.node.Packet(7, &wire.Packet{Type: wire.PacketProposal, Zxid: s.next, Data: payload}, &s.out)
			s.node.Durable(s.next, &s.out)
			s.node.Packet(7, &wire.Packet{Type: wire.PacketCommit, Zxid: s.next}, &s.out)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSteady(t, step.leader)
			once := func() {
				s.next++
				s.out.Reset()
				step.do(s)
				if s.out.Commit != s.next || len(s.out.Sends) == 0 {
					t.Fatalf("transaction %v was not committed: %+v", s.next, s.out)
				}
			}
			for range 1000 {
				once()
			}
			if kept := len(s.node.history.kept()); kept != 50 {
				t.Errorf("%d transactions are kept, not 50", kept)
			}
			// The packet that the test hands over is one.
			if allocations := testing.AllocsPerRun(1000, once); allocations > 1 {
				t.Errorf("%v allocations for a transaction", allocations)
			}
		})
	}
}

// TestExhaustedEpoch: the leader takes the last zxid of its epoch and hands over
// with it; what is proposed beyond is not taken.
func TestExhaustedEpoch(t *testing.T) {
	for _, surplus := range []int{0, 2} {
		s := newSteady(t, 1)
		s.node.config.CounterMax = 3
		s.node.Propose([]Entry{{Zxid: s.next + 1}, {Zxid: s.next + 2}}, &s.out)
		if s.node.role != Leading {
			t.Fatalf("the server hands over with one zxid left: %+v", s.out)
		}
		s.out.Reset()
		var entries []Entry
		for i := range 1 + surplus {
			entries = append(entries, Entry{Zxid: s.next + 3 + wire.Zxid(i)})
		}
		s.node.Propose(entries, &s.out)
		if len(s.out.Changes) == 0 || s.out.Changes[0].Role != Looking {
			t.Errorf("the server did not hand over: %+v", s.out)
		}
		if len(s.out.Sends) != 1 || len(s.out.Disk) != 1 || s.node.LogEnd() != s.next+3 {
			t.Errorf("the log ends at %v with %+v", s.node.LogEnd(), s.out)
		}
	}
	c := Config{}
	if c.EpochEnds(epochZxid(5)|counterMax-1) || !c.EpochEnds(epochZxid(5)|counterMax) {
		t.Error("an epoch has 2^32-1 zxids")
	}
}

// TestReportsOfOldEntries: an entry that is cut off the log may be reported as
// durable before the cut is done, and its zxid may come again.
func TestReportsOfOldEntries(t *testing.T) {
	n := New(Config{Self: 1, Members: voters(t, 1, 2)}, State{Last: 3})
	var out Output
	n.appendEntry(Entry{Zxid: 4}, &out)
	n.appendEntry(Entry{Zxid: 5}, &out)
	n.history.truncate(3)
	n.order(DiskOrder{Kind: DiskTruncate, Zxid: 3}, &out, nil)
	n.appendEntry(Entry{Zxid: 4}, &out)
	n.Durable(4, &out)
	if n.disk.durable != 3 {
		t.Errorf("durable up to %v, not 3", n.disk.durable)
	}
	n.DiskDone(&out)
	if n.disk.durable != 3 {
		t.Errorf("durable up to %v, not 3", n.disk.durable)
	}
	n.Durable(4, &out)
	if n.disk.durable != 4 {
		t.Errorf("durable up to %v, not 4", n.disk.durable)
	}
	n.DiskDone(&out) // nothing is waited for
}

// TestStrayCalls are for links and orders that the node does not know.
func TestStrayCalls(t *testing.T) {
	for _, leader := range []wire.PeerID{1, 2} {
		s := newSteady(t, leader)
		n, out := s.node, &s.out
		n.Packet(99, &wire.Packet{Type: wire.PacketAck, Zxid: 1}, out)
		n.LinkDown(99, out)
		n.LinkDown(0, out)
		n.DiskDone(out)
		n.History(99, nil, true, out)
		n.Sync(99, out)
		n.Send(99, wire.Packet{Type: wire.PacketSync}, out)
		n.Alive(99)
		if !out.Empty() {
			t.Errorf("with leader %d: %+v", leader, out)
		}
		n.LinkUp(98, 5, out)
		if len(out.Close) != 1 || out.Close[0] != 98 {
			t.Errorf("a link that was not asked for stays: %+v", out)
		}
	}
}
