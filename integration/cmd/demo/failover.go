package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"kafkacoord/coord/client"
	"kafkacoord/integration/ensemble"
	"kafkacoord/integration/witness"
)

const (
	// meanwhile is how many records, and how many znodes, are written before the
	// leader is killed, and again after there is a new one.
	meanwhile = 500
	// witnessPause is the time from one write of a session to its next.
	witnessPause = 2 * time.Millisecond
)

// killLeader kills the node that leads under a load on both: records for the
// broker, and znodes for the ensemble, of which it then looks for every one.
func (s *story) killLeader(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	before, err := s.ephemeral()
	if err != nil {
		return err
	}
	load, err := witness.Start(ctx, witness.Options{Servers: s.nodes.Addresses(), Pause: witnessPause})
	if err != nil {
		return err
	}
	defer load.Close()
	records := s.produceOn(ctx)
	defer records.stop()
	if err := s.awaitLoad(ctx, records, load); err != nil {
		return err
	}
	leader, err := s.nodes.AwaitLeader(ctx)
	if err != nil {
		return err
	}
	if err := leader.Kill(); err != nil {
		return err
	}
	s.out.say("node %v led and is dead", leader)
	killed := time.Now()
	next, err := s.nodes.AwaitLeader(ctx)
	if err != nil {
		return err
	}
	s.out.say("node %v leads, seen %v later", next, time.Since(killed).Round(time.Millisecond))
	if err := s.awaitLoad(ctx, records, load); err != nil {
		return err
	}
	if err := records.stop(); err != nil {
		return err
	}
	s.out.say("records: %d produced, all acknowledged", records.acknowledged.Load())
	if err := s.judge(ctx, load); err != nil {
		return err
	}
	after, err := s.ephemeral()
	if err != nil {
		return err
	}
	if after != before {
		return fmt.Errorf("the broker's session was 0x%x and is 0x%x", before, after)
	}
	s.out.say("the broker still has its session 0x%x", uint64(after))
	return nil
}

// judge ends the load of znodes and looks for each of them.
func (s *story) judge(ctx context.Context, load *witness.Witness) error {
	report := load.Stop()
	s.out.say("znodes:  %v", report)
	reader, err := client.Dial(ctx, client.Config{Servers: s.nodes.Addresses()})
	if err != nil {
		return err
	}
	defer func() { _ = reader.Close() }()
	if err := reader.Sync(ctx, "/"); err != nil {
		return err
	}
	lost, err := load.Lost(ctx, reader)
	if err != nil {
		return err
	}
	if len(lost) > 0 || len(report.Faults) > 0 {
		return fmt.Errorf("lost: %q; broken promises: %q", lost, report.Faults)
	}
	s.out.say("         looked for: none is lost")
	return nil
}

// ephemeral is the owner of the broker's registration.
func (s *story) ephemeral() (int64, error) {
	path := fmt.Sprintf("/brokers/ids/%d", s.broker.ID())
	_, stat, err := s.znodes.Get(path)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", path, err)
	}
	return stat.EphemeralOwner, nil
}

// awaitLoad waits for so many further records and znodes.
func (s *story) awaitLoad(ctx context.Context, records *producing, load *witness.Witness) error {
	wantRecords, wantZnodes := records.acknowledged.Load()+meanwhile, load.Report().Acknowledged+meanwhile
	return ensemble.Await(ctx, "the loads go on", func() error {
		gotRecords, gotZnodes := records.acknowledged.Load(), load.Report().Acknowledged
		if gotRecords < wantRecords || gotZnodes < wantZnodes {
			return fmt.Errorf("%d of %d records, %d of %d znodes", gotRecords, wantRecords, gotZnodes, wantZnodes)
		}
		return nil
	})
}

// producing is a load of records.
type producing struct {
	acknowledged atomic.Int64
	cancel       context.CancelFunc
	failed       chan error
}

// produceOn produces one record after the other until it is stopped.
func (s *story) produceOn(ctx context.Context) *producing {
	ctx, cancel := context.WithCancel(ctx)
	p := &producing{cancel: cancel, failed: make(chan error, 1)}
	go func() {
		defer close(p.failed)
		for {
			err := s.client.ProduceSync(ctx, kgo.StringRecord("meanwhile")).FirstErr()
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				p.failed <- fmt.Errorf("produce: %w", err)
				return
			}
			p.acknowledged.Add(1)
		}
	}()
	return p
}

// stop ends the load and tells whether a record could not be produced.
func (p *producing) stop() error {
	p.cancel()
	return <-p.failed
}

// restartNode starts the node that was killed; it has to follow.
func (s *story) restartNode(ctx context.Context) error {
	for _, node := range s.nodes.Members {
		if node.Running() {
			continue
		}
		if err := node.Launch(ctx); err != nil {
			return err
		}
		if _, err := s.nodes.AwaitLeader(ctx); err != nil {
			return err
		}
		s.out.say("node %v is a %s (pid %d)", node, node.Mode(), node.Pid())
		return nil
	}
	return errors.New("no node is missing")
}
