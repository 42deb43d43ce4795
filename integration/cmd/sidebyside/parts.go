package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"kafkacoord/coord/bench"
)

// measure runs one part.
func measure(ctx context.Context, s *settings, part string, r *report) error {
	switch part {
	case "load":
		return alternate(ctx, s, part, func(ctx context.Context, c *contestant) error { return loadOne(ctx, s, r, c) })
	case "latency":
		return alternate(ctx, s, part, func(ctx context.Context, c *contestant) error { return latency(ctx, s, r, c) })
	case "start":
		return starts(ctx, s, r)
	case "memory":
		return filled(ctx, s, part, func(ctx context.Context, c *contestant, f bench.Filled) error {
			return memory(ctx, s, r, c, f)
		})
	case "failover":
		return failover(ctx, s, r)
	case "quorum":
		return quorum(ctx, s, r)
	case "kafka":
		return kafkaShaped(ctx, s, r)
	case "join":
		return join(ctx, s, r)
	default:
		return filled(ctx, s, part, func(ctx context.Context, c *contestant, _ bench.Filled) error {
			return snapshot(ctx, s, r, c)
		})
	}
}

// alternate runs round after round of each contestant while the others are
// stopped.
func alternate(ctx context.Context, s *settings, part string, round func(context.Context, *contestant) error) (err error) {
	var contestants []*contestant
	defer func() {
		for _, c := range contestants {
			err = errors.Join(err, c.end())
		}
	}()
	for _, kind := range s.servers {
		c, err := start(ctx, s, kind, part)
		if err != nil {
			return err
		}
		contestants = append(contestants, c)
		if err := c.Pause(); err != nil {
			return err
		}
	}
	for i := range s.rounds {
		for _, c := range contestants {
			s.say("%s: round %d of %d, %s", part, i+1, s.rounds, c.kind)
			if err := c.Continue(); err != nil {
				return err
			}
			if err := round(ctx, c); err != nil {
				return err
			}
			if err := c.Pause(); err != nil {
				return err
			}
		}
	}
	return nil
}

// loadOne is the main comparison for one server: pipelined requests over many
// connections.
func loadOne(ctx context.Context, s *settings, r *report, c *contestant) error {
	p99, cpu := atMost(0.5, "1/2"), atMost(0.2, "1/5")
	return load(ctx, s, r, target{
		part: "load", kind: c.kind, cpu: c.cpu,
		options: bench.Options{
			Address: c.Connect(), Connections: s.connections, Outstanding: s.outstanding, ValueBytes: s.valueBytes,
		},
	}, []workload{
		{bench.Create, "create", atLeast(4), p99, cpu},
		{bench.Set, "set", atLeast(4), p99, cpu},
		{bench.Get, "get", atLeast(8), p99, cpu},
		{bench.Mixed, "90 % get", atLeast(5), p99, cpu},
	})
}

// target is what a load goes to.
type target struct {
	part, kind string
	cpu        func() (time.Duration, error) // that the servers have used
	options    bench.Options
}

// workload is one kind of requests with its name in the report and its targets.
type workload struct {
	bench.Workload
	name                 string
	throughput, p99, cpu goal
}

// load runs one workload after the other.
func load(ctx context.Context, s *settings, r *report, t target, workloads []workload) error {
	for _, w := range workloads {
		var before, after time.Duration
		var err1, err2 error
		o := t.options
		o.Workload, o.Duration, o.WarmUp = w.Workload, s.seconds, orNone(s.warmUp)
		o.AtStart = func() { before, err1 = t.cpu() }
		o.AtEnd = func() { after, err2 = t.cpu() }
		result, err := bench.Run(ctx, o)
		if err := errors.Join(err, err1, err2); err != nil {
			return err
		}
		if result.Requests == 0 {
			r.note("%s, %s, %s: no request was answered in %v; give more -seconds", t.kind, t.part, w.name, s.seconds)
		}
		cpu := float64((after - before).Microseconds()) / float64(max(result.Requests, 1))
		r.Runs = append(r.Runs, named(result, t.kind))
		r.add(t.part, w.name+": throughput", perSecond, w.throughput, t.kind, result.Throughput)
		r.add(t.part, w.name+": p50", micros, goal{}, t.kind, result.Latency.P50)
		r.add(t.part, w.name+": p99", micros, w.p99, t.kind, result.Latency.P99)
		r.add(t.part, w.name+": server CPU per request", micros, w.cpu, t.kind, cpu)
		r.add(t.part, w.name+": generator CPU per request", micros, goal{}, t.kind, result.GeneratorMicros)
		s.say("  %-8s %s: %.0f/s, p50 %s, p99 %s, %.2f µs of CPU a request, %d errors", t.kind, w.name,
			result.Throughput, bench.Micros(result.Latency.P50), bench.Micros(result.Latency.P99), cpu, result.Errors)
		if result.Errors > 0 {
			r.note("%s, %s, %s: %d of %d requests failed: %v", t.kind, t.part, w.name, result.Errors, result.Requests, result.ErrorsByCode)
		}
	}
	return nil
}

// named replaces the address, which differs in each run, by the server.
func named(result bench.Result, kind string) bench.Result {
	result.Address = kind
	return result
}

// orNone makes what bench takes for no warm-up of 0.
func orNone(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

// latency is one client that waits for each reply.
func latency(ctx context.Context, s *settings, r *report, c *contestant) error {
	result, err := bench.MeasureLatency(ctx, bench.Options{
		Address: c.Connect(), ValueBytes: s.valueBytes, Duration: s.seconds, WarmUp: orNone(s.warmUp),
	})
	if err != nil {
		return err
	}
	r.Runs = append(r.Runs, named(result.Reads, c.kind), named(result.Writes, c.kind))
	r.add("one client", "read: p50", micros, atMost(1, "1"), c.kind, result.Reads.Latency.P50)
	r.add("one client", "read: p99", micros, goal{}, c.kind, result.Reads.Latency.P99)
	r.add("one client", "write: p50", micros, atMost(1, "1"), c.kind, result.Writes.Latency.P50)
	r.add("one client", "write: p99", micros, goal{}, c.kind, result.Writes.Latency.P99)
	s.say("  %-8s reads p50 %s, writes p50 %s", c.kind, bench.Micros(result.Reads.Latency.P50), bench.Micros(result.Writes.Latency.P50))
	return nil
}

// starts measures the start on an empty directory, alternating.
func starts(ctx context.Context, s *settings, r *report) (err error) {
	var contestants []*contestant
	defer func() {
		for _, c := range contestants {
			err = errors.Join(err, c.end())
		}
	}()
	for _, kind := range s.servers {
		c, err := start(ctx, s, kind, "start")
		if err != nil {
			return err
		}
		contestants = append(contestants, c)
		if err := c.Stop(); err != nil {
			return err
		}
	}
	for range s.rounds + 2 { // a start is short
		for _, c := range contestants {
			if err := os.RemoveAll(c.DataDir()); err != nil {
				return err
			}
			took, err := c.restart(ctx)
			if err != nil {
				return err
			}
			if err := c.Stop(); err != nil {
				return err
			}
			s.say("start: %s in %v", c.kind, took.Round(time.Microsecond))
			r.add("start", "empty, to the first session", seconds, atMost(0.1, "1/10"), c.kind, took.Seconds())
		}
	}
	return nil
}

// loadingSnapCount makes some snapshots while a server is filled in multis.
const loadingSnapCount = "snapCount=2000"

// filled runs f on each contestant in turn, with many znodes in it.
func filled(ctx context.Context, s *settings, part string, f func(context.Context, *contestant, bench.Filled) error) error {
	for _, kind := range s.servers {
		c, err := start(ctx, s, kind, part, loadingSnapCount)
		if err != nil {
			return err
		}
		s.say("%s: loading %d znodes into %s", part, s.znodes, kind)
		done, err := bench.Fill(ctx, bench.Options{Address: c.Connect()}, s.znodes, s.valueBytes)
		if err == nil {
			s.say("  loaded in %v", done.Took.Round(time.Millisecond))
			err = f(ctx, c, done)
		}
		if err := errors.Join(err, c.end()); err != nil {
			return err
		}
	}
	return nil
}

// memory measures what many znodes take and how long they take to come back.
func memory(ctx context.Context, s *settings, r *report, c *contestant, f bench.Filled) error {
	loaded, err := c.resident()
	if err != nil {
		return err
	}
	r.add("znodes", "loading, multis of 200 creates", seconds, goal{}, c.kind, f.Took.Seconds())
	r.add("znodes", "resident memory after loading", mebibytes, atMost(1.0/3, "1/3"), c.kind, float64(loaded)/(1<<20))
	for i := range s.rounds + 1 {
		took, err := c.restart(ctx)
		if err != nil {
			return err
		}
		resident, err := c.resident()
		if err != nil {
			return err
		}
		s.say("  restart of %s: %v, %d MiB resident", c.kind, took.Round(time.Millisecond), resident>>20)
		if i == 0 {
			continue // from much log; the next ones are from snapshots
		}
		r.add("znodes", "restart to the first session", seconds, atMost(1.0/3, "1/3"), c.kind, took.Seconds())
		r.add("znodes", "resident memory after restart", mebibytes, goal{}, c.kind, float64(resident)/(1<<20))
	}
	return nil
}

// snapshot measures writes while many znodes are snapshotted over and over, and
// while nothing is.
func snapshot(ctx context.Context, s *settings, r *report, c *contestant) error {
	writes := func(during bool) (bench.Result, error) {
		snapCount := "snapCount=2000000000"
		if during {
			snapCount = "snapCount=1000"
		}
		c.SetConfig(snapCount)
		if _, err := c.restart(ctx); err != nil {
			return bench.Result{}, err
		}
		var before, after map[string]bool
		var err1, err2 error
		result, err := bench.Run(ctx, bench.Options{
			Address: c.Connect(), Workload: bench.Set, Connections: s.connections, Outstanding: 1,
			ValueBytes: s.valueBytes, Duration: 2 * s.seconds, WarmUp: orNone(s.warmUp),
			AtStart: func() { before, err1 = c.snapshots() },
			AtEnd:   func() { after, err2 = c.snapshots() },
		})
		made := 0
		for name := range after {
			if !before[filepath.Clean(name)] {
				made++
			}
		}
		s.say("  %-8s snapshots %d, p50 %s, p99.9 %s, max %s", c.kind, made, bench.Micros(result.Latency.P50),
			bench.Micros(result.Latency.P999), bench.Micros(result.Latency.Max))
		if err == nil && during != (made > 0) {
			r.note("%s: %d snapshots were begun in a run that wanted snapshots: %v", c.kind, made, during)
		}
		return named(result, c.kind), errors.Join(err, err1, err2)
	}
	for range s.rounds {
		quiet, err := writes(false)
		if err != nil {
			return err
		}
		busy, err := writes(true)
		if err != nil {
			return err
		}
		r.Runs = append(r.Runs, quiet, busy)
		r.add("snapshot", "write p99.9 without", micros, goal{}, c.kind, quiet.Latency.P999)
		r.add("snapshot", "write p99.9 during", micros, goal{}, c.kind, busy.Latency.P999)
		r.add("snapshot", "during / without", times, ownAtMost(3, "3 × at most"), c.kind, busy.Latency.P999/quiet.Latency.P999)
	}
	return nil
}
