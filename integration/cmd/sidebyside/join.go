package main

import (
	"context"
	"errors"
	"time"

	"kafkacoord/coord/bench"
	"kafkacoord/integration/ensemble"
)

// join measures how long a third node with an empty disk takes until it serves
// what the two others have, and how a client of theirs fares meanwhile.
func join(ctx context.Context, s *settings, r *report) error {
	return alternateThree(ctx, s, "join", course{
		rounds: s.rounds, config: []string{loadingSnapCount},
		prepare: func(ctx context.Context, t *three) error {
			// All three were there once: coord begins a new ensemble with all of them only.
			third := t.Members[2]
			if err := errors.Join(third.Kill(), third.Wipe()); err != nil {
				return err
			}
			leader, err := t.AwaitLeader(ctx)
			if err != nil {
				return err
			}
			s.say("join: loading %d znodes into %s", s.znodes, t.kind)
			_, err = bench.Fill(ctx, bench.Options{Address: leader.Connect()}, s.znodes, s.valueBytes)
			return err
		},
		round: func(ctx context.Context, t *three) error {
			took, seen, err := t.joinThird(ctx, s)
			if err != nil {
				return err
			}
			p99 := bench.Micros(seen.latency.Summary().P99)
			s.say("  %-8s in sync after %v; %d writes meanwhile, p99 %s, longest %v", t.kind, took.Round(time.Millisecond),
				seen.acknowledged, p99, seen.longest.Round(time.Microsecond))
			r.add("join", "start of a node to in sync", seconds, atMost(1.0/3, "1/3"), t.kind, took.Seconds())
			r.add("join", "writes of one client meanwhile", perSecond, goal{}, t.kind, float64(seen.acknowledged)/took.Seconds())
			r.add("join", "p99 of its writes", micros, goal{}, t.kind, seen.latency.Summary().P99)
			r.add("join", "longest of its writes", millis, goal{}, t.kind, seen.longest.Seconds()*1000)
			return nil
		},
	})
}

// joinThird starts the third node, waits until it is in sync, and takes it and its
// data away again. A client writes through the follower all the time.
func (t *three) joinThird(ctx context.Context, s *settings) (took time.Duration, seen writes, err error) {
	leader, err := t.AwaitLeader(ctx)
	if err != nil {
		return 0, seen, err
	}
	follower, err := t.follower(ctx)
	if err != nil {
		return 0, seen, err
	}
	ws, err := startWriters(ctx, 1, s.valueBytes, follower)
	if err != nil {
		return 0, seen, err
	}
	defer ws.end()
	if err := ws.await(settledWrites); err != nil {
		return 0, seen, err
	}
	client, joining := ws.all[0], t.Members[2]
	client.take()
	began := time.Now()
	if err := joining.Launch(ctx); err != nil {
		return 0, seen, err
	}
	if err := awaitInSync(ctx, joining, leader); err != nil {
		return 0, seen, err
	}
	took = time.Since(began)
	seen = client.take()
	if mode := joining.Mode(); mode != ensemble.Follower {
		return 0, seen, errors.New("the node that joined is not a follower but " + mode)
	}
	return took, seen, errors.Join(ws.await(settledWrites), joining.Kill(), joining.Wipe())
}
