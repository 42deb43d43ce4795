package ensemble_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
	"kafkacoord/integration/ensemble"
	"kafkacoord/integration/javazk"
	"kafkacoord/integration/witness"
)

// longVariable names the environment variable that asks for the long runs: every
// version, and more than once there and back.
const longVariable = "KAFKACOORD_LONG"

// TestRollingReplacement replaces three Java servers by coord, one after the
// other, on their own data directories and under constant load, and back again:
// no acknowledged write may be lost, no session may expire, and in the end all
// members must serve the same.
func TestRollingReplacement(t *testing.T) {
	replaced, rounds := []string{javazk.Newest}, 1
	if os.Getenv(longVariable) != "" {
		replaced, rounds = versions, 3
	}
	for _, version := range replaced {
		t.Run(version, func(t *testing.T) {
			s := start(t, mix(version, "java java java")...)
			idle := s.idleSessions()
			w := s.load(6, time.Millisecond)
			for round := range rounds {
				s.replaceEach(w, ensemble.Coord, round)
				s.replaceEach(w, ensemble.Java(version), round)
			}
			s.awaitWrites(w, 200)
			s.endLoad(w)
			for i, c := range idle {
				if stat := s.seen(c, fmt.Sprint("/idle-", i), true); stat.EphemeralOwner != c.Session().ID {
					t.Errorf("the ephemeral of idle session %d belongs to %v", i, stat.EphemeralOwner)
				}
				s.must(c.Close())
			}
			s.equal()
		})
	}
}

// idleSessions open sessions that only ping, each with an ephemeral znode.
func (s *scenario) idleSessions() []*client.Client {
	s.t.Helper()
	var all []*client.Client
	for i := range 10 {
		c, err := client.Dial(s.ctx, client.Config{Servers: s.Addresses(), SessionTimeout: 10 * time.Second})
		s.must(err)
		s.t.Cleanup(func() { c.Detach() })
		_, err = c.Create(s.ctx, fmt.Sprint("/idle-", i), nil, wire.FlagEphemeral, nil)
		s.must(err)
		all = append(all, c)
	}
	return all
}

// replaceEach stops every member and starts the other program on its data. In
// even rounds the present leader is the last, in odd ones the first.
func (s *scenario) replaceEach(w *witness.Witness, kind ensemble.Kind, round int) {
	s.t.Helper()
	leader := s.leader()
	order := append(s.Others(leader), leader)
	if round%2 == 1 {
		order = append([]*ensemble.Member{leader}, s.Others(leader)...)
	}
	for _, m := range order {
		s.awaitWrites(w, 200)
		was, began := m.Kind(), time.Now()
		s.must(m.Stop())
		s.must(m.Become(s.ctx, kind))
		next := s.launch(m)
		s.t.Logf("member %d: %s -> %s in %v, led by %v; %s", m.ID, was, kind, time.Since(began).Round(time.Millisecond), next, w.Report())
	}
}
