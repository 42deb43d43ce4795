package view

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/model"
)

// workload changes a cluster at random as brokers and tools would.
type workload struct {
	t       testing.TB
	client  *client.Client
	random  *rand.Rand
	cluster testCluster
	next    int // number of the next new topic
}

func newWorkload(t testing.TB, c *client.Client, cluster testCluster, seed uint64) *workload {
	return &workload{t: t, client: c, random: rand.New(rand.NewPCG(seed, 1)), cluster: cluster, next: cluster.topics}
}

// step makes one change. What it names may not be there any more: then nothing
// happens.
func (w *workload) step() {
	ctx := w.t.Context()
	topic := w.random.IntN(w.next)
	name := fmt.Sprintf("orders-%05d", topic)
	partition := int32(w.random.IntN(w.cluster.partitions))
	var err error
	switch w.random.IntN(8) {
	case 0:
		w.cluster.addTopic(func(path string, v model.Value) {
			var data []byte
			if v != nil {
				data = encode(w.t, v)
			}
			_, err := w.client.Create(ctx, path, data, wire.FlagPersistent, nil)
			w.check(err)
		}, w.next)
		w.next++
	case 1:
		w.deleteBelow(ctx, model.TopicPath(name))
	case 2, 3, 4:
		state := w.cluster.state(topic, partition)
		state.LeaderEpoch = int32(w.random.IntN(100))
		state.ISR = state.ISR[:1+w.random.IntN(len(state.ISR))]
		_, err = w.client.Set(ctx, model.PartitionStatePath(name, partition), encode(w.t, state), client.AnyVersion)
	case 5:
		config := &model.Config{Version: 1, Values: map[string]string{"retention.ms": fmt.Sprint(w.random.IntN(1000))}}
		_, err = w.client.Set(ctx, model.EntityPath(model.TopicEntity(name)), encode(w.t, config), client.AnyVersion)
	case 6:
		change := &model.ConfigChange{Version: 2, Entity: model.TopicEntity(name)}
		_, err = w.client.Create(ctx, model.Queues[0].CreatePath(), encode(w.t, change), wire.FlagPersistentSequential, nil)
	default:
		id := int32(100 + w.random.IntN(5))
		if _, err = w.client.Create(ctx, model.BrokerPath(id), encode(w.t, testBroker(id)), wire.FlagEphemeral, nil); errors.Is(err, wire.NodeExists) {
			err = w.client.Delete(ctx, model.BrokerPath(id), client.AnyVersion)
		}
	}
	w.check(err)
}

func (w *workload) check(err error) {
	w.t.Helper()
	if err != nil && !errors.Is(err, wire.NoNode) {
		w.t.Fatal(err)
	}
}

func (w *workload) deleteBelow(ctx context.Context, path string) {
	names, _, err := w.client.Children(ctx, path, false)
	w.check(err)
	for _, name := range names {
		w.deleteBelow(ctx, path+"/"+name)
	}
	w.check(w.client.Delete(ctx, path, client.AnyVersion))
}
