package certify

import (
	"context"
	"fmt"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
)

const (
	// reloadPartitions is how many states a new controller reads.
	reloadPartitions = 300
	// unbounded is how many requests one connection has under way when a tool,
	// whose client has no bound, sends all it has.
	unbounded = 1200
)

// partitionOps are the creates of a topic's partitions as a stream in which
// each depends on one before it.
func partitionOps(topic string, partitions int) []wire.Request {
	create := func(path string, data []byte) wire.Request {
		return client.CreateOp(path, data, wire.FlagPersistent, nil)
	}
	operations := []wire.Request{create(topicPath(topic), assignment(partitions)), create(partitionsOf(topic), nil)}
	for p := range partitions {
		operations = append(operations, create(partitionPath(topic, p), nil), create(statePath(topic, p), partitionState(p, p)))
	}
	return operations
}

func reloadStates(p *play) {
	const topic, missing = "orders", "payments"
	writer := p.broker("the broker that creates the topic")
	p.step("create a topic in one stream of requests that need each other", func(ctx context.Context) error {
		if err := writer.make(ctx, nil, "/brokers", topics); err != nil {
			return err
		}
		return writer.pipelineAll(ctx, toolWindow, partitionOps(topic, reloadPartitions))
	})
	controller := p.connection("the new controller")
	read := func(partition int) wire.Request {
		return wire.Request{Op: wire.OpGetData, Path: statePath(topic, partition)}
	}
	p.step("read all states with ten requests in flight", func(ctx context.Context) error {
		sent := 0
		for at := range reloadPartitions {
			for ; sent < reloadPartitions && sent-at < brokerWindow; sent++ {
				if err := controller.send(ctx, read(sent)); err != nil {
					return err
				}
			}
			if err := controller.receivesState(ctx, topic, at, at); err != nil {
				return err
			}
		}
		return nil
	})
	p.step("keep the order when some states are missing", func(ctx context.Context) error {
		var requests []wire.Request
		for at := range brokerWindow / 2 {
			requests = append(requests, read(at), wire.Request{Op: wire.OpGetData, Path: statePath(missing, at)})
		}
		if err := controller.send(ctx, requests...); err != nil {
			return err
		}
		for at := range brokerWindow / 2 {
			if err := controller.receivesState(ctx, topic, at, at); err != nil {
				return err
			}
			_, err := controller.receive(ctx)
			if err := refusedWith("getData "+statePath(missing, at), err, wire.NoNode); err != nil {
				return err
			}
		}
		return nil
	})
	p.step("see the own write in reads sent behind it", func(ctx context.Context) error {
		err := controller.send(ctx, read(0), client.SetOp(statePath(topic, 0), partitionState(0, 7), 0), read(0))
		if err != nil {
			return err
		}
		if err := controller.receivesState(ctx, topic, 0, 0); err != nil {
			return err
		}
		if _, err := controller.receive(ctx); err != nil {
			return err
		}
		return controller.receivesState(ctx, topic, 0, 7)
	})
	p.step("answer any number of requests in flight", func(ctx context.Context) error {
		requests := make([]wire.Request, unbounded)
		for i := range requests {
			requests[i] = read(1 + i%(reloadPartitions-1))
		}
		if err := controller.send(ctx, requests...); err != nil {
			return err
		}
		for i := range requests {
			partition := 1 + i%(reloadPartitions-1)
			if err := controller.receivesState(ctx, topic, partition, partition); err != nil {
				return fmt.Errorf("reply %d of %d: %w", i+1, unbounded, err)
			}
		}
		return nil
	})
}

// receivesState expects the next reply to be that of a state with this leader
// epoch.
func (c *connection) receivesState(ctx context.Context, topic string, partition, leaderEpoch int) error {
	reply, err := c.receive(ctx)
	if err != nil {
		return fmt.Errorf("getData %s: %w", statePath(topic, partition), err)
	}
	return sameData(statePath(topic, partition), reply.Data, partitionState(partition, leaderEpoch))
}
