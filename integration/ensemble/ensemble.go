package ensemble

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kafkacoord/integration/network"
	"kafkacoord/integration/process"
)

const (
	// patience bounds every wait. Three Java servers that start at the same time
	// on a busy machine need half a minute.
	patience = 120 * time.Second
	// pollInterval is how often a condition is looked at.
	pollInterval = 20 * time.Millisecond
	// logTailLines are shown of each member when a test has failed.
	logTailLines = 60
)

// defaultConfig makes a silent member noticed after 5 s, and lets a session have
// a timeout from 2 s to 2 minutes.
var defaultConfig = []string{
	"tickTime=1000", "initLimit=30", "syncLimit=5", "maxSessionTimeout=120000",
	"extendedTypesEnabled=true", "autopurge.purgeInterval=0",
}

// Options say what ensemble to run.
type Options struct {
	// Dir holds a data directory, log and configuration for each member.
	Dir string
	// Kinds are the programs of members 1, 2, and so on.
	Kinds []Kind
	// Config are further zoo.cfg lines for all members.
	Config []string
	// Network has a host for each member, of which all have to be coord; nil runs
	// them on this machine's loopback, where none can be cut off.
	Network *network.Network
}

// Ensemble is a list of servers that know each other.
type Ensemble struct{ Members []*Member }

// New prepares an ensemble of which nothing runs yet.
func New(ctx context.Context, options Options) (*Ensemble, error) {
	free, err := freePorts(3 * len(options.Kinds))
	if err != nil {
		return nil, err
	}
	e := &Ensemble{}
	lines := slices.Concat(defaultConfig, options.Config)
	for i := range options.Kinds {
		p := ports{client: free[3*i], quorum: free[3*i+1], election: free[3*i+2]}
		m := &Member{ID: i + 1, ports: p, dataDir: filepath.Join(options.Dir, fmt.Sprint("member-", i+1))}
		if options.Network != nil {
			m.host = options.Network.Hosts[i]
		}
		lines = append(lines, fmt.Sprintf("server.%d=%s:%d:%d", m.ID, m.address(), p.quorum, p.election))
		e.Members = append(e.Members, m)
	}
	for i, kind := range options.Kinds {
		e.Members[i].config = lines
		if err := e.Members[i].Become(ctx, kind); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// freePorts returns distinct free ports.
func freePorts(count int) ([]int, error) {
	var found []int
	for len(found) < count {
		port, err := process.FreePort()
		if err != nil {
			return nil, err
		}
		if !slices.Contains(found, port) {
			found = append(found, port)
		}
	}
	return found, nil
}

// StartTest prepares an ensemble for a test, starts its members from the last to
// the first, and returns when all serve. A failure ends the test, and the members
// end with it, their logs shown if it failed. Dir may be empty: a temporary one.
func StartTest(t testing.TB, options Options) *Ensemble {
	t.Helper()
	if options.Dir == "" {
		options.Dir = t.TempDir()
	}
	e, err := New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	e.EndWith(t)
	for _, m := range slices.Backward(e.Members) {
		if err := m.Launch(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.AwaitLeader(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e
}

// EndWith kills the members when the test ends, and shows the ends of their logs
// when it failed.
func (e *Ensemble) EndWith(t testing.TB) {
	t.Helper()
	t.Cleanup(func() {
		for _, m := range e.Members {
			if err := m.Kill(); err != nil {
				t.Errorf("end member %v with the test: %v", m, err)
			}
			if t.Failed() {
				t.Logf("end of the log of member %v (%s):\n%s", m, m.LogFile(), m.LogTail(logTailLines))
			}
		}
	})
}

// Member is the member of a number.
func (e *Ensemble) Member(id int) *Member { return e.Members[id-1] }

// Others are all members but one.
func (e *Ensemble) Others(than *Member) []*Member {
	return slices.DeleteFunc(slices.Clone(e.Members), func(m *Member) bool { return m == than })
}

// Addresses are the client addresses of all members.
func (e *Ensemble) Addresses() []string {
	var all []string
	for _, m := range e.Members {
		all = append(all, m.Connect())
	}
	return all
}

// AwaitLeader waits until every member that runs and is neither paused nor cut
// from the others serves, one of them as the leader, which it returns.
func (e *Ensemble) AwaitLeader(ctx context.Context) (*Member, error) {
	var leader *Member
	err := Await(ctx, "all members serve and one leads", func() error {
		leader = nil
		var modes []string
		serving := true
		for _, m := range e.Members {
			if !m.answers() {
				if !m.paused && !m.cut && m.Process() != nil && !m.Running() {
					modes = append(modes, fmt.Sprintf("%v: ended", m))
				}
				continue
			}
			mode := m.Mode()
			modes = append(modes, fmt.Sprintf("%v: %q", m, mode))
			switch {
			case mode == Leader && leader == nil:
				leader = m
			case mode != Follower:
				serving = false
			}
		}
		if leader == nil || !serving {
			return errors.New(strings.Join(modes, ", "))
		}
		return nil
	})
	return leader, err
}

// Await looks at a condition until it returns nil, ctx ends, or patience does.
func Await(ctx context.Context, what string, condition func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		err := condition()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("ensemble: wait until %s: %w; last: %w", what, ctx.Err(), err)
		case <-ticker.C:
		}
	}
}
