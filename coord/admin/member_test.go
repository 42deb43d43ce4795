package admin

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"kafkacoord/coord/config"
	"kafkacoord/coord/metrics"
)

// leading is a leader of four, one of whose followers lags.
func leading() *source {
	s := example()
	s.status.Mode, s.status.PeerState = ModeLeader, "leading - broadcast"
	s.status.Member = &MemberStatus{
		ID: 3, PeerState: "leading - broadcast", Leader: 3, Epoch: 2, StateMillis: 5000, QuorumSize: 3, Configured: "a", Agreed: "a",
		Learners: []LearnerStatus{
			{ID: 1, Voter: true, Stage: "serving", Serving: true, Acknowledged: "0x200000031"},
			{ID: 2, Voter: true, Stage: "serving", Serving: true, Acknowledged: "0x200000030", Lag: 1, PendingSyncs: 2},
			{ID: 4, Observer: true, Stage: "serving", Serving: true, Lag: -1},
		},
		Peers: []PeerStatus{{ID: 1, Connected: true}, {ID: 2, Connected: true}},
	}
	return s
}

func report(t *testing.T, s *source) Report {
	t.Helper()
	var r Report
	if err := json.Unmarshal(Answer("memb", s, all), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReportOfAHealthyLeader(t *testing.T) {
	s := leading()
	r := report(t, s)
	if len(r.Problems) != 0 || r.Mode != ModeLeader || r.Zxid != "0x200000031" || !reflect.DeepEqual(r.Member.Learners, s.status.Member.Learners) {
		t.Errorf("%+v", r)
	}
}

// TestProblems: each thing that goes wrong is named.
func TestProblems(t *testing.T) {
	for want, spoil := range map[string]func(s *source){
		"does not serve (looking): waits for the votes of one of server.1, server.2": func(s *source) {
			s.status.Serving = false
			s.status.Member.PeerState, s.status.Member.Awaits = "looking", "the votes of one of server.1, server.2"
			s.status.Member.Learners = nil
		},
		"does not serve": func(s *source) { s.status.Serving, s.status.Member = false, nil },
		"1 digests of the data do not match": func(s *source) {
			s.set.Counter(metrics.DigestMismatchesCount).Inc()
		},
		"nearly full (1000 bytes free): writes are refused": func(s *source) {
			s.status.Disk = DiskStatus{Free: 1000, Refusing: true}
		},
		"takes more than 1500 ms": func(s *source) { s.status.Disk = DiskStatus{P99Millis: 1500, SlowAbove: 1000} },
		"server.2 has another list of servers": func(s *source) {
			s.status.Member.Differing = []int64{2}
		},
		"two myid files are the same":       func(s *source) { s.status.Member.Refused = map[string]int64{RefusedOwnID: 1, "probe": 5} },
		"not agreed on yet":                 func(s *source) { s.status.Member.Pending = "b" },
		"is not the one agreed on":          func(s *source) { s.status.Member.Agreed = "b" },
		"server.2 is not in sync: reading":  func(s *source) { l := &s.status.Member.Learners[1]; l.Serving, l.Stage = false, "reading" },
		"no connection with server.5: gone": func(s *source) { s.status.Member.Peers[1] = PeerStatus{ID: 5, Error: "gone"} },
	} {
		s := leading()
		spoil(s)
		if got := report(t, s).Problems; len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("problems %q, want one with %q", got, want)
		}
	}
}

// TestMemberGauges: what a leader only shows is absent elsewhere, and a server
// that is gone leaves no series behind.
func TestMemberGauges(t *testing.T) {
	s := leading()
	s.set.SetRole(metrics.RoleLeader)
	text := string(Answer("mntr", s, all))
	for _, line := range []string{
		"zk_quorum_size\t3", "zk_learners\t3", "zk_followers\t2", "zk_synced_followers\t2", "zk_synced_observers\t1",
		"zk_synced_non_voting_followers\t0", "zk_pending_syncs\t2", "zk_leader_uptime\t5000",
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %q", line)
		}
	}
	if lag := s.set.KeyedGauge(metrics.LearnerLag).With("2").Value(); lag != 1 {
		t.Errorf("lag %d", lag)
	}
	s.status.Mode, s.status.Member.Learners, s.status.Member.Peers = ModeFollower, nil, nil
	s.set.SetRole(metrics.RoleFollower)
	if text := string(Answer("mntr", s, all)); strings.Contains(text, "zk_learners") || strings.Contains(text, "zk_leader_uptime") {
		t.Error("a follower shows what a leader has")
	}
	if lag := s.set.KeyedGauge(metrics.LearnerLag).With("2").Value(); lag != 0 {
		t.Errorf("a server that is no learner any more lags by %d", lag)
	}
}

func TestDiskStatusOf(t *testing.T) {
	set := metrics.NewSet()
	for range 99 {
		set.Summary(metrics.FsyncMicros).Observe(2000)
	}
	set.Summary(metrics.FsyncMicros).Observe(1_000_000)
	set.Summary(metrics.FsyncMicros).Observe(1_000_000)
	d := DiskStatusOf(set, time.Second, true, time.Now())
	if d.P50Millis < 1.8 || d.P50Millis > 2.2 || d.P99Millis < 900 || d.P99Millis > 1100 || d.SlowAbove != 1000 || !d.Refusing {
		t.Errorf("%+v", d)
	}
}

func TestQuorumSettingsOf(t *testing.T) {
	c, _, err := config.Parse(strings.NewReader("dataDir=/d\ninitLimit=10\nsyncLimit=5\nserver.1=a:1:2\nserver.2=b:3:4\nserver.3=c:5:6:observer\n"), "zoo.cfg")
	if err != nil {
		t.Fatal(err)
	}
	want := QuorumSettings{10, 5, 3, 6, 5, 1, []string{"server.1=x", "version=0"}}
	if got := QuorumSettingsOf(c, 3, "server.1=x\nversion=0"); !reflect.DeepEqual(*got, want) {
		t.Errorf("%+v, want %+v", *got, want)
	}
}
