package certify

import (
	"context"
	"fmt"
	"slices"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
)

// eventsKept is how many watch events may wait in a broker until the script
// asks for them; a server that sends more is slowed down.
const eventsKept = 1024

// broker is a session as Kafka's client library has one: it pings, comes back
// after a lost connection and hands on watch events.
type broker struct {
	*client.Client
	events chan wire.WatcherEvent
}

// broker opens a session inside the script's chroot, with the credentials that
// the caller of Run gave. It is a step of its own; who names the session there.
func (p *play) broker(who string) *broker {
	return p.brokerWith(who, client.Config{Chroot: p.root, Auth: p.options.Auth})
}

// brokerWith is broker with another chroot or other credentials.
func (p *play) brokerWith(who string, config client.Config) *broker {
	b := &broker{events: make(chan wire.WatcherEvent, eventsKept)}
	p.step("open a session for "+who, func(ctx context.Context) error {
		left := make(chan struct{})
		config.Servers = []string{p.options.Server}
		config.SessionTimeout = p.options.SessionTimeout
		config.Dial = p.options.Dial
		config.OnEvent = func(e client.Event) {
			if e.Type == client.EventSession {
				return
			}
			select {
			case b.events <- wire.WatcherEvent{Type: e.Type, State: wire.StateSyncConnected, Path: e.Path}:
			case <-left:
			}
		}
		var err error
		if b.Client, err = client.Dial(ctx, config); err != nil {
			return err
		}
		p.sessions = append(p.sessions, func() {
			close(left)
			_ = b.Close()
		})
		return nil
	})
	return b
}

// make creates znodes that must not be there, open to everybody, one by one.
func (b *broker) make(ctx context.Context, data []byte, paths ...string) error {
	for _, path := range paths {
		if err := b.makeWith(ctx, client.CreateOp(path, data, wire.FlagPersistent, nil)); err != nil {
			return err
		}
	}
	return nil
}

// makeWith does one create, and expects that path in the reply.
func (b *broker) makeWith(ctx context.Context, create wire.Request) error {
	reply, _, err := b.Do(ctx, &create)
	if err != nil {
		return err
	}
	return equal("path in the reply of the create", reply.Path, create.Path)
}

// all does a multi that must be carried out as a whole.
func (b *broker) all(ctx context.Context, operations ...wire.Request) ([]wire.MultiResult, error) {
	results, err := b.Multi(ctx, operations...)
	if err != nil {
		return nil, err
	}
	return results, carriedOut(results, operations)
}

// carriedOut expects a result of the right kind for each operation.
func carriedOut(results []wire.MultiResult, operations []wire.Request) error {
	kinds := func(n int, kind func(i int) wire.Op) []wire.Op {
		out := make([]wire.Op, n)
		for i := range out {
			out[i] = kind(i)
		}
		return out
	}
	got := kinds(len(results), func(i int) wire.Op { return results[i].Op })
	want := kinds(len(operations), func(i int) wire.Op { return operations[i].Op })
	if !slices.Equal(got, want) {
		return mismatch("results of the multi", got, want)
	}
	for i, o := range operations {
		if o.Op != wire.OpCreate {
			continue
		}
		if err := equal("path of the create in the multi", results[i].Reply.Path, o.Path); err != nil {
			return err
		}
	}
	return nil
}

// none does a multi that must be refused with these codes: OK for the
// operations before the one that fails, RuntimeInconsistency for those after.
func (b *broker) none(ctx context.Context, codes []wire.Code, operations ...wire.Request) error {
	reply, _, err := b.Do(ctx, &wire.Request{Op: wire.OpMulti, Subs: operations})
	if err != nil {
		return fmt.Errorf("a refused multi must come back with a result for each operation: %w", err)
	}
	return sameCodes(reply.Results, codes)
}

func sameCodes(results []wire.MultiResult, codes []wire.Code) error {
	got := make([]wire.Code, len(results))
	for i, r := range results {
		got[i] = r.Err
	}
	if !slices.Equal(got, codes) {
		return mismatch("codes of the refused multi", got, codes)
	}
	return nil
}

// holds expects data and version of a znode and returns its Stat.
func (b *broker) holds(ctx context.Context, path string, data []byte, version int32) (wire.Stat, error) {
	got, stat, err := b.Get(ctx, path, false)
	if err != nil {
		return stat, err
	}
	if err := sameData(path, got, data); err != nil {
		return stat, err
	}
	return stat, equal("data version of "+path, stat.Version, version)
}

// lacks expects that there is no znode.
func (b *broker) lacks(ctx context.Context, path string) error {
	_, there, err := b.Exists(ctx, path, false)
	if err != nil {
		return err
	}
	return equal(path+" exists", there, false)
}

// hears expects these watch events to be the next ones, and waits for them.
func (b *broker) hears(ctx context.Context, events ...wire.WatcherEvent) error {
	for _, want := range events {
		select {
		case got := <-b.events:
			if got != want {
				return &Mismatch{What: "watch event", Expected: describeEvent(want), Got: describeEvent(got)}
			}
		case <-ctx.Done():
			return &Mismatch{What: "watch event", Expected: describeEvent(want), Got: fmt.Sprintf("none (%v)", context.Cause(ctx))}
		}
	}
	return nil
}

// pipeline sends requests without waiting for replies, with at most window of
// them without one, and returns the outcomes in the order of the requests.
func (b *broker) pipeline(ctx context.Context, window int, requests []wire.Request) ([]client.Result, error) {
	type outcome struct {
		at     int
		result client.Result
	}
	arrived := make(chan outcome, len(requests))
	results := make([]client.Result, len(requests))
	sent := 0
	for done := range requests {
		for ; sent < len(requests) && sent-done < window; sent++ {
			at := sent
			b.Go(&requests[at], func(r client.Result) { arrived <- outcome{at, r} })
		}
		select {
		case o := <-arrived:
			results[o.at] = o.result
		case <-ctx.Done():
			return nil, fmt.Errorf("%d of %d pipelined requests were answered: %w", done, len(requests), context.Cause(ctx))
		}
	}
	return results, nil
}

// pipelineAll is pipeline for requests that must all be carried out.
func (b *broker) pipelineAll(ctx context.Context, window int, requests []wire.Request) error {
	results, err := b.pipeline(ctx, window, requests)
	if err != nil {
		return err
	}
	for i, r := range results {
		if r.Err != nil {
			return r.Err
		}
		if requests[i].Op == wire.OpMulti {
			if err := carriedOut(r.Reply.Results, requests[i].Subs); err != nil {
				return fmt.Errorf("pipelined multi %d of %d: %w", i+1, len(requests), err)
			}
		}
	}
	return nil
}

// The two windows that Kafka has: zookeeper.max.in.flight.requests of brokers,
// and no bound in its tools.
const (
	brokerWindow = 10
	toolWindow   = 1 << 30
)
