package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"kafkacoord/coord/wire"
	"kafkacoord/integration/ensemble"
	"kafkacoord/integration/javazk"
)

// three is an ensemble of three nodes of one kind on this machine.
type three struct {
	*ensemble.Ensemble
	kind string // java or coord
	dir  string
}

// threeConfig has the tick that the targets are given for.
var threeConfig = []string{"tickTime=2000", "initLimit=10", "syncLimit=5"}

// startThree runs an ensemble and waits until it serves.
func startThree(ctx context.Context, s *settings, kind, part string, config []string) (_ *three, err error) {
	t := &three{kind: kind, dir: filepath.Join(s.dir, part+"-"+kind)}
	program := ensemble.Coord
	if kind == "java" {
		program = ensemble.Java(javazk.Newest)
	}
	t.Ensemble, err = ensemble.New(ctx, ensemble.Options{
		Dir: t.dir, Kinds: []ensemble.Kind{program, program, program},
		Config: slices.Concat(threeConfig, config),
	})
	if err == nil && kind == "java" {
		err = t.unfetter(ctx, s, config)
	}
	if err != nil {
		return nil, fmt.Errorf("prepare three nodes of %s: %w", kind, err)
	}
	for _, m := range slices.Backward(t.Members) {
		if err := m.Launch(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("start three nodes of %s: %w", kind, err), t.end())
		}
	}
	if _, err := t.AwaitLeader(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start three nodes of %s: %w", kind, err), t.end())
	}
	return t, nil
}

// unfetter gives Java members the flags of the other parts. An ensemble's own suit
// short runs: they stop the compiler early and allow little memory.
func (t *three) unfetter(ctx context.Context, s *settings, config []string) error {
	lines := slices.Concat(threeConfig, config)
	for _, m := range t.Members {
		_, election, err := net.SplitHostPort(m.ElectionAddress())
		if err != nil {
			return err
		}
		lines = append(lines, fmt.Sprintf("server.%d=%s:%s", m.ID, m.QuorumAddress(), election))
	}
	for _, m := range t.Members {
		started, err := javazk.New(ctx, javazk.Options{
			Port: m.Port(), DataDir: m.DataDir(), Config: lines, Progress: s.progress,
		})
		if err != nil {
			return err
		}
		m.Server = started
	}
	return nil
}

// end kills the members and removes their data.
func (t *three) end() error {
	var err error
	for _, m := range t.Members {
		err = errors.Join(err, m.Kill())
	}
	return errors.Join(err, os.RemoveAll(t.dir))
}

// running are the members whose process has not ended.
func (t *three) running() []*ensemble.Member {
	return slices.DeleteFunc(slices.Clone(t.Members), func(m *ensemble.Member) bool { return !m.Running() })
}

// cpu is the CPU time that all nodes together have used.
func (t *three) cpu() (sum time.Duration, err error) {
	for _, m := range t.running() {
		used, failed := cpuTime(m.Pid())
		sum, err = sum+used, errors.Join(err, failed)
	}
	return sum, err
}

// follower is a member that runs and does not lead.
func (t *three) follower(ctx context.Context) (*ensemble.Member, error) {
	leader, err := t.AwaitLeader(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(t.running(), func(m *ensemble.Member) bool { return m == leader })[0], nil
}

// zxidOf is the last transaction that a member which serves has applied, by its
// answer to srvr.
func zxidOf(m *ensemble.Member) (wire.Zxid, error) {
	answer, err := m.FourLetterWord("srvr")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(answer) {
		if text, ok := strings.CutPrefix(line, "Zxid: 0x"); ok {
			zxid, err := strconv.ParseInt(strings.TrimSpace(text), 16, 64)
			if err != nil {
				return 0, fmt.Errorf("read the zxid of member %v: %w", m, err)
			}
			return wire.Zxid(zxid), nil
		}
	}
	return 0, fmt.Errorf("member %v does not serve: %q", m, strings.TrimSpace(answer))
}

// awaitInSync waits until a member serves all that the leader has applied now or
// a moment later.
func awaitInSync(ctx context.Context, m, leader *ensemble.Member) error {
	return ensemble.Await(ctx, fmt.Sprintf("member %v is in sync", m), func() error {
		want, err := zxidOf(leader)
		if err != nil {
			return err
		}
		have, err := zxidOf(m)
		if err == nil && have < want {
			err = fmt.Errorf("it is at %s, the leader at %s", have, want)
		}
		return err
	})
}

// course is how ensembles are measured.
type course struct {
	rounds  int
	config  []string
	prepare func(context.Context, *three) error // nil: nothing
	round   func(context.Context, *three) error
}

// alternateThree runs round after round of each kind's ensemble. The other one is
// idle meanwhile; stopped by a signal it would fall apart.
func alternateThree(ctx context.Context, s *settings, part string, c course) (err error) {
	var ensembles []*three
	defer func() {
		for _, t := range ensembles {
			err = errors.Join(err, t.end())
		}
	}()
	for _, kind := range s.servers {
		t, err := startThree(ctx, s, kind, part, c.config)
		if err != nil {
			return err
		}
		ensembles = append(ensembles, t)
		if c.prepare == nil {
			continue
		}
		if err := c.prepare(ctx, t); err != nil {
			return err
		}
	}
	for i := range c.rounds {
		for _, t := range ensembles {
			s.say("%s: round %d of %d, %s", part, i+1, c.rounds, t.kind)
			if err := c.round(ctx, t); err != nil {
				return err
			}
		}
	}
	return nil
}
