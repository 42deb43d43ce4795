package main

import (
	"context"
	"strings"

	"kafkacoord/coord/bench"
)

// quorumValueBytes is the size of values in the quorum part.
const quorumValueBytes = 1024

// quorum is the main comparison for three nodes: pipelined requests over many
// connections, which are dealt to the nodes.
func quorum(ctx context.Context, s *settings, r *report) error {
	p99, cpu := atMost(0.5, "1/2"), atMost(0.25, "1/4")
	workloads := []workload{
		{bench.Create, "create", atLeast(3), p99, cpu},
		{bench.Set, "set", atLeast(3), p99, cpu},
		{bench.Get, "get", atLeast(5), p99, goal{}},
		{bench.Mixed, "90 % get", atLeast(4), p99, goal{}},
	}
	return alternateThree(ctx, s, "quorum", course{
		rounds: s.rounds,
		round: func(ctx context.Context, t *three) error {
			return load(ctx, s, r, target{
				part: "three nodes, 1 KiB", kind: t.kind, cpu: t.cpu,
				options: bench.Options{
					Address: strings.Join(t.Addresses(), ","), Connections: s.connections, Outstanding: s.outstanding,
					ValueBytes: quorumValueBytes,
				},
			}, workloads)
		},
	})
}

const (
	// Kafka's controller has so many requests in flight on its one session
	// (zookeeper.max.in.flight.requests), and so many partitions are a large cluster.
	kafkaInFlight   = 10
	kafkaPartitions = 20_000
	// partitionState is what a znode /brokers/topics/T/partitions/P/state holds
	// (Kafka: TopicPartitionStateZNode in ZkData.scala).
	partitionState = `{"controller_epoch":1,"leader":1,"version":1,"leader_epoch":0,"isr":[1,2,3]}`
)

// kafkaShaped is what a controller does, through a follower: when it takes over it
// reads the state of all partitions; when it elects leaders it changes them, each
// together with a check of its own epoch.
func kafkaShaped(ctx context.Context, s *settings, r *report) error {
	workloads := []workload{
		{bench.Get, "reload of 20,000 partition states", atLeast(3), goal{}, goal{}},
		{bench.Multi, "check and setData in a multi", atLeast(2), goal{}, goal{}},
	}
	return alternateThree(ctx, s, "kafka", course{
		rounds: s.rounds,
		round: func(ctx context.Context, t *three) error {
			follower, err := t.follower(ctx)
			if err != nil {
				return err
			}
			return load(ctx, s, r, target{
				part: "controller at a follower", kind: t.kind, cpu: t.cpu,
				options: bench.Options{
					Address: follower.Connect(), Connections: 1, Outstanding: kafkaInFlight,
					ValueBytes: len(partitionState), Keys: kafkaPartitions,
				},
			}, workloads)
		},
	})
}
