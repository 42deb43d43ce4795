package integration_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/twmb/franz-go/pkg/kgo"
)

// continuous produces one record after the other until it is stopped.
type continuous struct {
	produced atomic.Int64
	stop     func()
}

// produceContinuously starts a producer and returns after its first record.
// Any record that cannot be produced fails the test.
func (c *cluster) produceContinuously(t *testing.T, topic string) *continuous {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.broker.Address()), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	producer := &continuous{}
	var done sync.WaitGroup
	done.Go(func() {
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		for {
			err := client.ProduceSync(ctx, kgo.StringRecord("one more")).FirstErr()
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				t.Errorf("produce record %d: %v", producer.produced.Load(), err)
				return
			}
			producer.produced.Add(1)
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	})
	producer.stop = sync.OnceFunc(func() {
		cancel()
		done.Wait()
		client.Close()
	})
	t.Cleanup(producer.stop)
	producer.expectProgress(t)
	return producer
}

// expectProgress returns after ten more records.
func (p *continuous) expectProgress(t *testing.T) {
	t.Helper()
	before := p.produced.Load()
	eventually(t, "produce goes on", func() error {
		if now := p.produced.Load(); now < before+10 {
			return fmt.Errorf("%d records since", now-before)
		}
		return nil
	})
}

func (c *cluster) testServerRestarts(t *testing.T) {
	c.createTopic(t, "through-a-restart", 1)
	c.goneAndBack(t, "through-a-restart", c.server.Stop)
}

func (c *cluster) testServerKilled(t *testing.T) {
	c.createTopic(t, "through-a-kill", 1)
	c.goneAndBack(t, "through-a-kill", c.server.Kill)
}

// goneAndBack ends the server under the live broker and starts it again. The
// broker's session has to survive: what it owns is the same znode, made by the
// same transaction. All metadata is as it was, records flow all the time, and
// the controller still works.
func (c *cluster) goneAndBack(t *testing.T, topic string, end func() error) {
	_, registered := c.mustRead(t, c.registration())
	_, controller := c.mustRead(t, "/controller")
	kept := []string{"/brokers/topics", "/config", "/cluster", "/controller_epoch"}
	before := make(map[string]map[string]string)
	for _, path := range kept {
		before[path] = c.dump(t, path)
	}
	producer := c.produceContinuously(t, topic)

	if err := end(); err != nil {
		t.Fatal(err)
	}
	producer.expectProgress(t)
	if err := c.server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.waitConnected(t, registered.EphemeralOwner)
	producer.expectProgress(t)

	for _, path := range kept {
		if after := c.dump(t, path); !maps.Equal(before[path], after) {
			t.Errorf("%s differs after the server came back:\nbefore %v\nafter  %v", path, before[path], after)
		}
	}
	c.createTopic(t, topic+"-after", 2)
	producer.expectProgress(t)
	c.expectSame(t, c.registration(), registered)
	c.expectSame(t, "/controller", controller)
}

// expectSame checks that the znode was neither made again nor changed hands.
func (c *cluster) expectSame(t *testing.T, path string, before *zk.Stat) {
	t.Helper()
	if _, after := c.mustRead(t, path); *after != *before {
		t.Errorf("stat of %s: before %+v, after %+v", path, *before, *after)
	}
}

// testBrokerKilled measures when the ephemeral of a killed broker goes by the
// server's own record: the clock starts at a look that the server had not yet
// heard the broker's last ping at, so that a right server can never seem early.
func (c *cluster) testBrokerKilled(t *testing.T) {
	_, registered := c.mustRead(t, c.registration())
	session := registered.EphemeralOwner
	start := c.waitForNextPing(t, session)
	if err := c.broker.Kill(); err != nil {
		t.Fatal(err)
	}
	c.expectNotGoneBefore(t, start.Add(c.broker.SessionTimeout()))
	eventually(t, "the dead broker's connection is closed", func() error {
		line, err := c.connectionOf(session)
		if err == nil && line != "" {
			err = errors.New(line)
		}
		return err
	})
	c.expectNotGoneBefore(t, start.Add(c.broker.SessionTimeout()))
	eventually(t, "the registration of the dead broker is gone", func() error {
		if c.exists(t, c.registration()) {
			return errors.New("it is still there")
		}
		return nil
	})
	if lived := time.Since(start); lived < c.broker.SessionTimeout() {
		t.Errorf("the session ended %v after its last sign of life, its timeout is %v", lived, c.broker.SessionTimeout())
	}
	if c.exists(t, "/controller") {
		t.Error("/controller outlived the registration of the same session")
	}

	if err := c.broker.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, again := c.mustRead(t, c.registration())
	if again.EphemeralOwner == session || again.Czxid <= registered.Czxid {
		t.Errorf("registered again as %+v, before %+v", *again, *registered)
	}
}

// expectNotGoneBefore looks once: the registration may only be missing if its
// time is over, as it can be when this test itself was held up.
func (c *cluster) expectNotGoneBefore(t *testing.T, end time.Time) {
	t.Helper()
	if !c.exists(t, c.registration()) && time.Now().Before(end) {
		t.Fatal("the registration is gone before its session's timeout")
	}
}

// waitForNextPing returns right after the server heard from the session, with
// the time of the last look before that.
func (c *cluster) waitForNextPing(t *testing.T, session int64) time.Time {
	t.Helper()
	var look, previous time.Time
	var first string
	eventually(t, "the broker pings", func() error {
		previous, look = look, time.Now()
		line, err := c.connectionOf(session)
		if err != nil {
			return err
		}
		_, count, _ := strings.Cut(line, "recved=")
		count, _, _ = strings.Cut(count, ",")
		if first == "" {
			first = count
		}
		if count == first {
			return fmt.Errorf("still %q packets", count)
		}
		return nil
	})
	return previous
}

// testBrokerStopped: a broker that says goodbye takes its ephemerals along.
func (c *cluster) testBrokerStopped(t *testing.T) {
	if err := c.broker.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{c.registration(), "/controller"} {
		if c.exists(t, path) {
			t.Errorf("%s is still there after the broker closed its session", path)
		}
	}
}
