package coord_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"kafkacoord/coord"
	"kafkacoord/coord/admin"
	"kafkacoord/coord/client"
	"kafkacoord/coord/peernet"
	"kafkacoord/coord/wire"
	"kafkacoord/integration/process"
)

// patience bounds every wait of these tests on a machine with much else to do.
const patience = 60 * time.Second

// ensemble is some servers in this process.
type ensemble struct {
	t       testing.TB
	lines   string // of all configurations
	dirs    []string
	clients []int         // ports
	nodes   []*coord.Node // nil: stopped
}

// startEnsemble starts three servers that vote, and observers.
func startEnsemble(t testing.TB, observers int) *ensemble {
	t.Helper()
	e := &ensemble{t: t, lines: "initLimit=10\nsyncLimit=5\n", nodes: make([]*coord.Node, 3+observers)}
	for id := 1; id <= len(e.nodes); id++ {
		role := "participant"
		if id > 3 {
			role = "observer"
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "myid"), fmt.Appendln(nil, id), 0o600); err != nil {
			t.Fatal(err)
		}
		e.dirs = append(e.dirs, dir)
		e.clients = append(e.clients, freePort(t))
		e.lines += fmt.Sprintf("server.%d=127.0.0.1:%d:%d:%s;127.0.0.1:%d\n", id, freePort(t), freePort(t), role, e.clients[id-1])
	}
	for at := range e.nodes {
		e.start(at)
	}
	return e
}

func freePort(t testing.TB) int {
	t.Helper()
	port, err := process.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func (e *ensemble) start(at int) {
	e.t.Helper()
	more := fmt.Sprintf("coord.listen.randomClientPort=false\nclientPort=%d\n", e.clients[at])
	e.nodes[at] = start(e.t, configure(e.t, e.dirs[at], more+e.lines))
}

func (e *ensemble) stop(at int) {
	e.t.Helper()
	if err := e.nodes[at].Stop(); err != nil {
		e.t.Fatal(err)
	}
	e.nodes[at] = nil
}

func (e *ensemble) word(at int, w string) string {
	e.t.Helper()
	return word(e.t, e.nodes[at].ClientAddr(), w)
}

// report is the answer of the word memb.
func (e *ensemble) report(at int) admin.Report {
	e.t.Helper()
	var r admin.Report
	if err := json.Unmarshal([]byte(e.word(at, "memb")), &r); err != nil {
		e.t.Fatal(err)
	}
	return r
}

// eventually waits until the condition holds.
func (e *ensemble) eventually(what string, holds func() bool) {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			for at, n := range e.nodes {
				if n != nil {
					e.t.Logf("server.%d: %s", at+1, e.word(at, "memb"))
				}
			}
			e.t.Fatal("in vain: " + what)
		case <-tick.C:
		}
	}
}

// settled waits until every running server serves, under one leader, and returns
// its place.
func (e *ensemble) settled() int {
	e.t.Helper()
	leader := -1
	e.eventually("all servers serve under one leader", func() bool {
		leaders, others := 0, 0
		running := 0
		for at, n := range e.nodes {
			if n == nil {
				continue
			}
			running++
			switch text := e.word(at, "srvr"); {
			case strings.Contains(text, "Mode: leader\n"):
				leader = at
				leaders++
			case strings.Contains(text, "Mode: follower\n"), strings.Contains(text, "Mode: observer\n"):
				others++
			}
		}
		return leaders == 1 && leaders+others == running
	})
	e.eventually("the leader sees all others in sync", func() bool {
		serving := 0
		for _, l := range e.report(leader).Member.Learners {
			if l.Serving {
				serving++
			}
		}
		running := 0
		for _, n := range e.nodes {
			if n != nil {
				running++
			}
		}
		return serving == running-1
	})
	return leader
}

func (e *ensemble) dial(at int) *client.Client {
	e.t.Helper()
	return dial(e.t, e.nodes[at])
}

// write creates a node at one server and reads it at all.
func (e *ensemble) write(at int, path string) {
	e.t.Helper()
	ctx := e.t.Context()
	if _, err := e.dial(at).Create(ctx, path, []byte(path), wire.FlagPersistent, nil); err != nil {
		e.t.Fatalf("write %s at server.%d: %v", path, at+1, err)
	}
	for reader, n := range e.nodes {
		if n == nil {
			continue
		}
		c := e.dial(reader)
		if err := c.Sync(ctx, path); err != nil {
			e.t.Fatalf("sync at server.%d: %v", reader+1, err)
		}
		if data, _, err := c.Get(ctx, path, false); err != nil || string(data) != path {
			e.t.Fatalf("read %s at server.%d: %q, %v", path, reader+1, data, err)
		}
	}
}

// shows tells whether the text has a whole line that matches.
func shows(text, line string) bool { return regexp.MustCompile(`(?m)^` + line + `$`).MatchString(text) }

func TestEnsembleServesAndSaysSo(t *testing.T) {
	e := startEnsemble(t, 0)
	leader := e.settled()
	follower := (leader + 1) % 3
	e.write(follower, "/a")

	for _, line := range []string{`Mode: leader`, `Proposal sizes last/min/max: \d+/\d+/\d+`, `Zxid: 0x[0-9a-f]+`} {
		if text := e.word(leader, "srvr"); !shows(text, line) {
			t.Errorf("srvr of the leader has no %q:\n%s", line, text)
		}
	}
	e.eventually("the leader has heard all acknowledgements", func() bool {
		return shows(e.word(leader, "mntr"), fmt.Sprintf(`zk_cnt_%d_ack_latency\t[1-9]\d*`, follower+1))
	})
	text := e.word(leader, "mntr")
	for _, line := range []string{
		`zk_server_state\tleader`, `zk_peer_state\tleading - broadcast`, `zk_quorum_size\t3`, `zk_learners\t2`, `zk_followers\t2`,
		`zk_synced_followers\t2`, `zk_synced_observers\t0`, `zk_synced_non_voting_followers\t0`, `zk_pending_syncs\t0`,
		`zk_leader_uptime\t\d+`, `zk_last_proposal_size\t[1-9]\d*`, `zk_proposal_count\t[1-9]\d*`, `zk_commit_count\t[1-9]\d*`,
		`zk_looking_count\t1`, `zk_cnt_election_time\t1`, `zk_cnt_leader_unavailable_time\t1`, `zk_cnt_quorum_ack_latency\t[1-9]\d*`,
		fmt.Sprintf(`zk_cnt_%d_ack_latency\t[1-9]\d*`, leader+1),
	} {
		if !shows(text, line) {
			t.Errorf("mntr of the leader has no line %q", line)
		}
	}
	text = e.word(follower, "mntr")
	for _, line := range []string{
		`zk_server_state\tfollower`, `zk_peer_state\tfollowing - broadcast`, `zk_quorum_size\t3`, `zk_cnt_follower_sync_time\t1`,
		`zk_learner_proposal_received_count\t[1-9]\d*`, `zk_learner_commit_received_count\t[1-9]\d*`, `zk_proposal_count\t0`,
	} {
		if !shows(text, line) {
			t.Errorf("mntr of a follower has no line %q", line)
		}
	}
	if strings.Contains(text, "zk_leader_uptime") || strings.Contains(text, "coord_") {
		t.Errorf("mntr of a follower shows what only a leader has, or what is not ZooKeeper's:\n%s", text)
	}
	text = e.word(follower, "conf")
	for _, line := range []string{fmt.Sprintf(`serverId=%d`, follower+1), `peerType=0`, `membership: `, `version=0`, `server\.3=127\.0\.0\.1:\d+:\d+:participant;127\.0\.0\.1:\d+`} {
		if !shows(text, line) {
			t.Errorf("conf of a follower has no line %q:\n%s", line, text)
		}
	}
	if text := e.word(follower, "dump"); !shows(text, `Global Sessions\(\d+\):`) {
		t.Errorf("dump of a follower: %s", text)
	}
	for at := range e.nodes {
		r := e.report(at)
		if !r.Serving || len(r.Problems) != 0 || r.Member == nil || r.Member.Leader != int64(leader+1) || r.Member.Awaits != "" ||
			r.Member.Agreed != r.Member.Configured || r.Member.Pending != "" || len(r.Member.Peers) != 2 {
			t.Errorf("server.%d reports %+v, member %+v", at+1, r, r.Member)
		}
	}
}

// TestEnsembleWithAnObserver: it serves, forwards writes, and counts for nothing.
func TestEnsembleWithAnObserver(t *testing.T) {
	const observer = 3
	e := startEnsemble(t, 1)
	leader := e.settled()
	e.write(observer, "/o")
	text := e.word(leader, "mntr")
	for _, line := range []string{`zk_quorum_size\t3`, `zk_learners\t3`, `zk_followers\t2`, `zk_synced_followers\t2`, `zk_synced_observers\t1`} {
		if !shows(text, line) {
			t.Errorf("mntr of the leader has no line %q", line)
		}
	}
	text = e.word(observer, "mntr")
	for _, line := range []string{`zk_server_state\tobserver`, `zk_peer_state\tobserving - broadcast`, `zk_cnt_observer_sync_time\t1`} {
		if !shows(text, line) {
			t.Errorf("mntr of the observer has no line %q", line)
		}
	}
	if text := e.word(observer, "srvr"); !shows(text, "Mode: observer") || strings.Contains(text, "Proposal") {
		t.Errorf("srvr of the observer: %s", text)
	}
	if text := e.word(observer, "conf"); !shows(text, "peerType=1") {
		t.Errorf("conf of the observer: %s", text)
	}
}

func TestEnsembleSurvivesItsLeader(t *testing.T) {
	e := startEnsemble(t, 0)
	first := e.settled()
	e.write(first, "/before")
	before := e.report(first).Member.Epoch
	e.stop(first)
	second := e.settled()
	e.write(second, "/between")
	if r := e.report(second); r.Member.Epoch <= before || !strings.Contains(strings.Join(r.Problems, "\n"), fmt.Sprintf("no connection with server.%d", first+1)) {
		t.Errorf("the next leader reports epoch %d after %d and %q", r.Member.Epoch, before, r.Problems)
	}

	e.stop(second)
	last := 3 - first - second
	e.eventually("a single server stops to serve", func() bool {
		return e.word(last, "srvr") == "This ZooKeeper instance is not currently serving requests\n"
	})
	if text := e.word(last, "isro"); text != "null" {
		t.Errorf("isro without a quorum: %q", text)
	}
	if r := e.report(last); r.Serving || r.Mode != "" || !strings.HasPrefix(r.Problems[0], "does not serve (looking): waits for the votes of one of server.") {
		t.Errorf("a server without a quorum reports %+v", r)
	}

	e.start(first)
	e.settled()
	e.write(first, "/after")
	e.start(second)
	e.settled()
	e.write(second, "/all")
	for at := range e.nodes {
		if names, err := e.dial(at).ChildNames(t.Context(), "/", false); err != nil || len(names) != 4+1 {
			t.Errorf("server.%d has %q, %v", at+1, names, err)
		}
	}
}

// TestRefusalNames: status reads one of the reasons that the links count.
func TestRefusalNames(t *testing.T) {
	if admin.RefusedOwnID != peernet.RefusedOwnID {
		t.Errorf("status looks for %q, the links count %q", admin.RefusedOwnID, peernet.RefusedOwnID)
	}
}
