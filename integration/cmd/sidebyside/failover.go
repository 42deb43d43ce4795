package main

import (
	"context"
	"time"

	"kafkacoord/integration/ensemble"
)

const (
	// failoverClients write through each node that survives.
	failoverClients = 3
	// settledWrites of each client before and after tell that all is well.
	settledWrites = 20
	// failoverRounds come on top of those of the settings: one is short.
	failoverRounds = 2
)

// failover measures how long clients wait when their ensemble loses its leader.
func failover(ctx context.Context, s *settings, r *report) error {
	return alternateThree(ctx, s, "failover", course{
		rounds: s.rounds + failoverRounds,
		round: func(ctx context.Context, t *three) error {
			for _, way := range []struct {
				name string
				end  func(*ensemble.Member) error
				gap  goal
			}{
				{"kill -9 of the leader", (*ensemble.Member).Kill, atMost(1.0/3, "1/3")},
				{"graceful stop of the leader", (*ensemble.Member).Stop, atMost(0.1, "1/10")},
			} {
				gaps, dropped, err := t.loseLeader(ctx, s, way.end)
				if err != nil {
					return err
				}
				for _, gap := range gaps {
					r.add("failover", way.name+": write gap at a follower", millis, way.gap, t.kind, gap.Seconds()*1000)
				}
				r.add("failover", way.name+": dropped connections of survivors", connections, ownAtMost(0, "none"), t.kind, float64(dropped))
				s.say("  %-8s %s: gaps %v, %d of %d connections dropped", t.kind, way.name, gaps, dropped, 2*failoverClients)
			}
			return nil
		},
	})
}

// loseLeader ends the leader, starts it again and waits until it is in sync. It
// returns the longest time without an acknowledgement of each client of the node
// that is a follower before and after, and how many connections of either
// survivor were dropped.
func (t *three) loseLeader(ctx context.Context, s *settings, end func(*ensemble.Member) error) (gaps []time.Duration, dropped int, err error) {
	leader, err := t.AwaitLeader(ctx)
	if err != nil {
		return nil, 0, err
	}
	ws, err := startWriters(ctx, failoverClients, s.valueBytes, t.Others(leader)...)
	if err != nil {
		return nil, 0, err
	}
	defer ws.end()
	if err := ws.await(settledWrites); err != nil {
		return nil, 0, err
	}
	for _, w := range ws.all {
		w.take()
	}
	if err := end(leader); err != nil {
		return nil, 0, err
	}
	next, err := t.AwaitLeader(ctx)
	if err == nil {
		err = ws.await(settledWrites)
	}
	if err != nil {
		return nil, 0, err
	}
	ws.end()
	for _, w := range ws.all {
		seen := w.take()
		dropped += seen.dropped
		if w.address != next.Connect() {
			gaps = append(gaps, seen.longest.Round(time.Microsecond))
		}
	}
	if err := leader.Launch(ctx); err != nil {
		return nil, 0, err
	}
	if _, err = t.AwaitLeader(ctx); err == nil {
		err = awaitInSync(ctx, leader, next)
	}
	return gaps, dropped, err
}
