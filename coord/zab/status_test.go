package zab

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"kafkacoord/coord/wire"
)

// TestStatus shows what a node says of itself: the commands are those of
// TestExchange, whose answers are not shown here, and status.
func TestStatus(t *testing.T) {
	datadriven.Walk(t, "testdata/status", func(t *testing.T, path string) {
		var x exchange
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd == "status" {
				return showStatus(x.node)
			}
			x.out.Reset()
			x.run(t, d)
			return ""
		})
	})
}

func showStatus(n *Node) string {
	var b strings.Builder
	s := n.Status()
	fmt.Fprintf(&b, "%s, leader %d, epoch %d, log %s, applied %s, unapplied %d\n",
		s.PeerState(), s.Leader, s.Epoch, showZxid(s.Last), showZxid(s.Applied), s.Unapplied)
	if s.Awaits != "" {
		fmt.Fprintf(&b, "awaits %s\n", s.Awaits)
	}
	for _, l := range s.Learners {
		fmt.Fprintf(&b, "server.%d observer=%t voter=%t %s, acknowledged %s, lag %d, silent %d ms, %d syncs\n",
			l.Peer, l.Observer, l.Voter, l.Stage, showZxid(l.Acknowledged), l.Lag, l.Silent, l.PendingSyncs)
	}
	if voters, others, observers := s.Synced(); voters+others+observers > 0 {
		fmt.Fprintf(&b, "synced %d %d %d, acknowledging %d\n", voters, others, observers, n.Voters())
	}
	c := &s.Counts
	fmt.Fprintf(&b, "elections %d/%d, sent %d DIFF %d TRUNC %d SNAP, received %d proposals %d commits\n",
		c.Decided, c.Elections, c.Diffs, c.Truncs, c.Snaps, c.Proposals, c.Commits)
	return b.String()
}

// TestStatusOfLists: what is awaited names the lists when there are several, and
// servers with other lists are known.
func TestStatusOfLists(t *testing.T) {
	old := members(t, []Member{{ID: 1, Address: "a:1:2"}, {ID: 2, Address: "b:1:2"}, {ID: 3, Address: "c:1:2"}}, nil, 0)
	grown := members(t, []Member{
		{ID: 1, Address: "a:1:2"}, {ID: 2, Address: "b:1:2"}, {ID: 3, Address: "c:1:2"}, {ID: 4, Address: "d:1:2"}, {ID: 5, Address: "e:1:2"},
	}, nil, 0)
	c := Config{Self: 1, Members: grown, Committed: &old, Tick: 100, InitLimit: 10, SyncLimit: 5, MinNotification: 20, MaxNotification: 500}
	n := New(c, State{Last: 1<<32 + 1, Accepted: 1, Current: 1})
	var out Output
	n.Start(0, &out)
	s := n.Status()
	want := "the votes of 2 of server.2, server.3, server.4, server.5 (configured list) and one of server.2, server.3 (list agreed on before)"
	if s.Awaits != want || !s.Configured.Equal(&grown) || !s.Agreed.Equal(&old) || s.Pending != nil || s.PeerState() != "looking" {
		t.Errorf("awaits %q, want %q; %+v", s.Awaits, want, s)
	}
	n.Notification(3, &wire.Notification{
		State: wire.PeerLooking, Leader: 3, Round: 1, Version: wire.NotificationVersion, Config: old.Text,
	}, &out)
	if s := n.Status(); len(s.Differing) != 1 || s.Differing[0] != 3 {
		t.Errorf("servers with another list: %v", s.Differing)
	}
}

// TestStatusOfANewcomer: empty servers wait for all voters.
func TestStatusOfANewcomer(t *testing.T) {
	list := members(t, []Member{{ID: 1}, {ID: 2}, {ID: 3}}, nil, 0)
	n := New(Config{Self: 2, Members: list, Tick: 100, InitLimit: 10, SyncLimit: 5, MinNotification: 20, MaxNotification: 500}, State{})
	var out Output
	n.Start(0, &out)
	n.Notification(1, &wire.Notification{State: wire.PeerLooking, Leader: 2, Round: 1, Version: wire.NotificationVersion}, &out)
	want := "the votes of all voters, because this server and those that vote are empty: server.3"
	if got := n.Status().Awaits; got != want {
		t.Errorf("awaits %q, want %q", got, want)
	}
}
