package certify

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
)

// controllerWrites is how a controller writes: each operation alone or behind a
// check of its epoch, and so many at once.
type controllerWrites struct {
	write  func(operation wire.Request) wire.Request
	window int
}

func liveTopicPlainly(p *play) {
	liveTopic(p, controllerWrites{func(operation wire.Request) wire.Request { return operation }, 1})
}

func liveTopicFenced(p *play) {
	liveTopic(p, controllerWrites{func(operation wire.Request) wire.Request {
		return wire.Request{Op: wire.OpMulti, Subs: fenced(1, operation)}
	}, brokerWindow})
}

// liveTopic creates a topic, extends it, deletes it depth first, and creates it
// again under the same name (Kafka: AdminZkClient.scala, KafkaController.scala,
// TopicDeletionManager.scala).
func liveTopic(p *play, writes controllerWrites) {
	write := writes.write
	const topic, partitions = "orders", 6
	server, controller := p.broker("the broker that serves the request"), p.broker("the controller")
	config := []byte(`{"version":1,"config":{"retention.ms":"60000"}}`)
	marker := deleteTopics + "/" + topic
	var created wire.Zxid
	p.step("watch topics and markers as the controller", func(ctx context.Context) error {
		if err := controller.make(ctx, nil, "/brokers", topics, "/admin", deleteTopics, "/config", topicConfigs); err != nil {
			return err
		}
		if err := controller.make(ctx, epochData(0), epochPath); err != nil {
			return err
		}
		_, err := controller.Set(ctx, epochPath, epochData(1), 0)
		return cmp.Or(err, relist(ctx, controller, topics), relist(ctx, controller, deleteTopics))
	})
	p.step("create config and assignment", func(ctx context.Context) error {
		return cmp.Or(server.lacks(ctx, marker), server.lacks(ctx, topicPath(topic)),
			server.make(ctx, config, topicConfigs+"/"+topic), server.make(ctx, assignment(partitions), topicPath(topic)))
	})
	p.step("hear of the topic and read it", func(ctx context.Context) error {
		if err := controller.hears(ctx, event(wire.EventNodeChildrenChanged, topics)); err != nil {
			return err
		}
		data, stat, err := controller.Get(ctx, topicPath(topic), true)
		created = stat.Czxid
		return cmp.Or(err, sameData(topicPath(topic), data, assignment(partitions)), relist(ctx, controller, topics, topic))
	})
	p.step("create the partitions, then their states", func(ctx context.Context) error {
		return createPartitions(ctx, controller, writes, topic, 0, partitions)
	})
	p.step("add partitions to the assignment", func(ctx context.Context) error {
		stat, err := server.Set(ctx, topicPath(topic), assignment(partitions+1), client.AnyVersion)
		return cmp.Or(err, equal("data version in the reply", stat.Version, 1))
	})
	p.step("hear of them and create them", func(ctx context.Context) error {
		if err := controller.hears(ctx, event(wire.EventNodeDataChanged, topicPath(topic))); err != nil {
			return err
		}
		data, _, err := controller.Get(ctx, topicPath(topic), true)
		if err := cmp.Or(err, sameData(topicPath(topic), data, assignment(partitions+1))); err != nil {
			return err
		}
		return createPartitions(ctx, controller, writes, topic, partitions, partitions+1)
	})
	p.step("mark the topic for deletion", func(ctx context.Context) error {
		return cmp.Or(server.make(ctx, nil, marker), controller.hears(ctx, event(wire.EventNodeChildrenChanged, deleteTopics)),
			relist(ctx, controller, deleteTopics, topic))
	})
	p.step("be refused to delete what still has children", func(ctx context.Context) error {
		removal := write(client.DeleteOp(partitionsOf(topic), client.AnyVersion))
		if removal.Op == wire.OpMulti {
			return controller.none(ctx, []wire.Code{wire.OK, wire.NotEmpty}, removal.Subs...)
		}
		_, _, err := controller.Do(ctx, &removal)
		return refusedWith("delete "+partitionsOf(topic), err, wire.NotEmpty)
	})
	p.step("delete the topic depth first, then config and marker", func(ctx context.Context) error {
		deleted, err := deleteTree(ctx, controller, writes, topicPath(topic))
		return cmp.Or(err, equal("znodes of the topic", deleted, 2+2*(partitions+1)),
			controller.pipelineAll(ctx, 1, []wire.Request{
				write(client.DeleteOp(topicConfigs+"/"+topic, client.AnyVersion)), write(client.DeleteOp(marker, client.AnyVersion)),
			}))
	})
	p.step("hear of the deletion and find nothing left", func(ctx context.Context) error {
		return cmp.Or(controller.hears(ctx,
			event(wire.EventNodeDeleted, topicPath(topic)), event(wire.EventNodeChildrenChanged, topics),
			event(wire.EventNodeChildrenChanged, deleteTopics)),
			relist(ctx, controller, topics), relist(ctx, controller, deleteTopics), relist(ctx, controller, topicConfigs))
	})
	p.step("create the topic again, with versions from 0", func(ctx context.Context) error {
		if err := server.pipelineAll(ctx, brokerWindow, partitionOps(topic, 1)); err != nil {
			return err
		}
		_, stateErr := server.holds(ctx, statePath(topic, 0), partitionState(0, 0), 0)
		stat, err := server.holds(ctx, topicPath(topic), assignment(1), 0)
		return cmp.Or(stateErr, err, grown("czxid of the new topic", stat.Czxid, created))
	})
}

// relist lists a znode with a watch, and expects these children.
func relist(ctx context.Context, b *broker, path string, want ...string) error {
	names, stat, err := b.Children(ctx, path, true)
	return cmp.Or(err, sameNames(path, names, want), equal("number of children in the Stat of "+path, int(stat.NumChildren), len(want)))
}

// createPartitions makes the partitions from first up to end: the parent where
// there is none, all partitions, and then all their states.
func createPartitions(ctx context.Context, b *broker, writes controllerWrites, topic string, first, end int) error {
	var parent, nodes, states []wire.Request
	if first == 0 {
		parent = append(parent, writes.write(client.CreateOp(partitionsOf(topic), nil, wire.FlagPersistent, nil)))
	}
	for p := first; p < end; p++ {
		nodes = append(nodes, writes.write(client.CreateOp(partitionPath(topic, p), nil, wire.FlagPersistent, nil)))
		states = append(states, writes.write(client.CreateOp(statePath(topic, p), partitionState(p, 0), wire.FlagPersistent, nil)))
	}
	for _, requests := range [][]wire.Request{parent, nodes, states} {
		if err := b.pipelineAll(ctx, writes.window, requests); err != nil {
			return err
		}
	}
	return nil
}

// deleteTree lists and deletes one request after the other, children first, and
// returns how many znodes there were.
func deleteTree(ctx context.Context, b *broker, writes controllerWrites, path string) (int, error) {
	names, _, err := b.Children(ctx, path, false)
	if err != nil {
		return 0, err
	}
	deleted := 1
	for _, name := range names {
		n, err := deleteTree(ctx, b, writes, path+"/"+name)
		if err != nil {
			return 0, err
		}
		deleted += n
	}
	return deleted, b.pipelineAll(ctx, 1, []wire.Request{writes.write(client.DeleteOp(path, client.AnyVersion))})
}

const (
	// longNames topics with names of nameLength, the longest that Kafka allows,
	// make a reply of a little more than 1 MiB, which servers may not be limited
	// to: Kafka's clients take 4 MiB.
	longNames  = 4200
	nameLength = 249
	// largeData leaves room for the rest of the request within the 1 MiB that a
	// server takes by default.
	largeData = 1000 << 10
)

func listManyTopics(p *play) {
	creator, reader := p.broker("a broker that creates topics"), p.broker("the controller")
	names := make([]string, longNames)
	for i := range names {
		number := fmt.Sprintf("-%05d", i)
		names[i] = strings.Repeat("t", nameLength-len(number)) + number
	}
	p.step("create the topics", func(ctx context.Context) error {
		creates := make([]wire.Request, len(names))
		for i, name := range names {
			creates[i] = client.CreateOp(topicPath(name), nil, wire.FlagPersistent, nil)
		}
		return cmp.Or(creator.make(ctx, nil, "/brokers", topics), creator.pipelineAll(ctx, stormWindow, creates))
	})
	p.step("list them in one reply of more than 1 MiB", func(ctx context.Context) error {
		return relist(ctx, reader, topics, names...)
	})
	p.step("hear of one topic less and list again", func(ctx context.Context) error {
		return cmp.Or(creator.Delete(ctx, topicPath(names[0]), client.AnyVersion),
			reader.hears(ctx, event(wire.EventNodeChildrenChanged, topics)), relist(ctx, reader, topics, names[1:]...))
	})
	p.step("write and read a topic with nearly 1 MiB of data", func(ctx context.Context) error {
		data := slices.Repeat([]byte("x"), largeData)
		path := topicPath("large")
		if err := creator.make(ctx, data, path); err != nil {
			return err
		}
		stat, err := reader.holds(ctx, path, data, 0)
		return cmp.Or(err, equal("dataLength", stat.DataLength, largeData))
	})
}
