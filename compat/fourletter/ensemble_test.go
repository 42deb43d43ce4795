package fourletter

import (
	"context"
	"encoding/json"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"kafkacoord/coord/admin"
	"kafkacoord/integration/coordproc"
	"kafkacoord/integration/ensemble"
)

// memberWords are the words whose answers depend on the role of a member.
var memberWords = []string{"srvr", "stat", "mntr", "conf", "cons", "isro", "ruok", "wchs", "dirs"}

// differences are what mntr of a member shows on one side only, with the reason.
var differences = []struct {
	name   *regexp.Regexp
	reason string
}{
	{
		regexp.MustCompile(`^zk_\w+_SID_learner_handler_qp_(size|time_ms)\t`),
		"only Java: the queues of its threads for learners; here packets are sent by who has made them",
	},
	{
		regexp.MustCompile(`^zk_followers\t`),
		"only coord: the name until 3.5, which older dashboards ask for",
	},
}

// sidInName is the number of a server in the name of a metric.
var sidInName = regexp.MustCompile(`(?m)^(zk_[a-z]+[0-9]*)_\d+_`)

// acknowledging is a server that has acknowledged a transaction.
var acknowledging = regexp.MustCompile(`zk_cnt_\d+_ack_latency\t[1-9]`)

// members are an ensemble of three of a kind.
type members struct {
	t *testing.T
	*ensemble.Ensemble
	leader, follower *ensemble.Member
}

// startMembers starts an ensemble and lets a client of the follower write.
func startMembers(t *testing.T, kind ensemble.Kind) *members {
	t.Helper()
	m := &members{t: t, Ensemble: ensemble.StartTest(t, ensemble.Options{
		Kinds: []ensemble.Kind{kind, kind, kind},
		// Java times the acknowledgements of one transaction in so many.
		Config: []string{"leader.ackLoggingFrequency=1"},
	})}
	leader, err := m.AwaitLeader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m.leader, m.follower = leader, m.Others(leader)[0]
	client, events, err := zk.Connect([]string{m.follower.Connect()}, 30*time.Second, zk.WithLogInfo(false))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	for event := range events {
		if event.State == zk.StateHasSession {
			break
		}
	}
	if _, err := client.Create("/ephemeral", nil, zk.FlagEphemeral, zk.WorldACL(zk.PermAll)); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := client.ExistsW("/ephemeral"); err != nil {
		t.Fatal(err)
	}
	// Java times them up to the commit only: those of two servers.
	m.await("a quorum acknowledges", func() bool {
		text := m.ask(leader, "mntr")
		return len(acknowledging.FindAllString(text, -1)) >= 2 && strings.Contains(text, "zk_synced_followers\t2")
	})
	return m
}

func (m *members) await(what string, holds func() bool) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-ctx.Done():
			m.t.Fatal("in vain: " + what)
		case <-tick.C:
		}
	}
}

func (m *members) ask(member *ensemble.Member, word string) string {
	m.t.Helper()
	text, err := member.FourLetterWord(word)
	if err != nil {
		m.t.Fatalf("%s of %v: %v", word, member, err)
	}
	return text
}

// loseQuorum kills all but the follower.
func (m *members) loseQuorum() {
	m.t.Helper()
	for _, other := range m.Others(m.follower) {
		if err := other.Kill(); err != nil {
			m.t.Fatal(err)
		}
	}
	m.await("the last member stops to serve", func() bool { return !strings.Contains(m.ask(m.follower, "srvr"), "Mode: ") })
}

// TestMembersAnswerLikeJava: a leader, a follower and a member without a quorum.
func TestMembersAnswerLikeJava(t *testing.T) {
	java, own := startMembers(t, ensemble.Java(admin.EmulatedRelease)), startMembers(t, ensemble.Coord)
	for _, word := range memberWords {
		t.Run("leader "+word, func(t *testing.T) { compareMembers(t, word, java.ask(java.leader, word), own.ask(own.leader, word)) })
		t.Run("follower "+word, func(t *testing.T) {
			compareMembers(t, word, java.ask(java.follower, word), own.ask(own.follower, word))
		})
	}
	for _, m := range []*members{java, own} {
		t.Run("coord status of "+string(m.leader.Kind()), func(t *testing.T) { m.checkStatus(t) })
	}
	java.loseQuorum()
	own.loseQuorum()
	for _, word := range append([]string{"hash", "crst", "dump"}, memberWords...) {
		t.Run("without a quorum "+word, func(t *testing.T) {
			if want, got := java.ask(java.follower, word), own.ask(own.follower, word); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

// checkStatus asks all members by coord status, which serves ensembles of either
// kind.
func (m *members) checkStatus(t *testing.T) {
	binary, err := coordproc.Binary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), binary, "status", "-o", "json", "--server", strings.Join(m.Addresses(), ",")).Output()
	if err != nil {
		t.Fatalf("coord status: %v\n%s", err, out)
	}
	var status struct {
		Members []struct {
			ID       int      `json:"id"`
			Role     string   `json:"role"`
			State    string   `json:"state"`
			Epoch    int64    `json:"epoch"`
			Lag      int64    `json:"lag"`
			Fsync    *float64 `json:"fsync_ms"`
			Problems []string `json:"problems"`
			Notes    []string `json:"notes"`
		} `json:"members"`
		Problems []string `json:"problems"`
	}
	if err := json.Unmarshal(out, &status); err != nil {
		t.Fatal(err)
	}
	if len(status.Problems) > 0 || len(status.Members) != 3 {
		t.Errorf("%s", out)
	}
	for i, s := range status.Members {
		role, state := ensemble.Follower, "following - broadcast"
		if m.Members[i] == m.leader {
			role, state = ensemble.Leader, "leading - broadcast"
		}
		if s.ID != i+1 || s.Role != role || s.State != state || s.Epoch < 1 || s.Lag != 0 || s.Fsync == nil || len(s.Problems)+len(s.Notes) > 0 {
			t.Errorf("member %d: %+v", i+1, s)
		}
	}
}

func compareMembers(t *testing.T, word, java, own string) {
	t.Helper()
	want, got := memberTemplate(java), memberTemplate(own)
	switch word {
	case "mntr":
		compareMemberMonitor(t, want, got)
	case "stat", "cons":
		// Java lists connections in the order of a hash table, and possibly those of
		// words asked before that are about to be closed.
		if want, got := distinct(want), distinct(got); want != got {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	default:
		if want != got {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}
}

func distinct(text string) string {
	return strings.Join(slices.Compact(strings.Split(sorted(text), "\n")), "\n")
}

// lastOperation depends on whether the client has had to ping yet.
var lastOperation = regexp.MustCompile(`lop=[A-Z]+`)

func memberTemplate(text string) string {
	text = lastOperation.ReplaceAllString(template(text), "lop=OPERATION")
	return sidInName.ReplaceAllString(text, "${1}_SID_")
}

// compareMemberMonitor compares the head in order and the rest as a set.
func compareMemberMonitor(t *testing.T, java, own string) {
	t.Helper()
	const head = 3 // version, server_state, peer_state
	want, got := strings.Split(java, "\n"), strings.Split(own, "\n")
	for at := range head {
		if want[at] != got[at] {
			t.Errorf("line %d is %q, want %q", at+1, got[at], want[at])
		}
	}
	report := func(side string, lines, others []string) {
		there := make(map[string]bool)
		for _, line := range others {
			there[line] = true
		}
		for _, line := range lines {
			// Keyed metrics come with the first request under a namespace.
			if !there[line] && !listed(line) && !strings.Contains(line, "_per_namespace") {
				t.Errorf("only %s has %q", side, line)
				there[line] = true
			}
		}
	}
	report("Java", want, got)
	report("coord", got, want)
}

func listed(line string) bool {
	for _, d := range differences {
		if d.name.MatchString(line) {
			return true
		}
	}
	return false
}
