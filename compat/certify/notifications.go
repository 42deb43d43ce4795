package certify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
)

const (
	configChangePrefix = "config_change_"
	isrChangePrefix    = "isr_change_"
	// purgeAge is how old a notification is when brokers remove it: their clock
	// is compared with the server's (Kafka: ZkNodeChangeNotificationListener.scala).
	purgeAge = 15 * time.Minute
)

// queued is the path of a notification by its number.
func queued(queue, prefix string, number int) string {
	return fmt.Sprintf("%s/%s%010d", queue, prefix, number)
}

// notify queues a notification and expects its number.
func notify(ctx context.Context, b *broker, queue, prefix string, data []byte, number int) error {
	path, err := b.Create(ctx, queue+"/"+prefix, data, wire.FlagPersistentSequential, nil)
	return cmp.Or(err, equal("path of the notification", path, queued(queue, prefix, number)))
}

func configChange(topic string) []byte {
	return fmt.Appendf(nil, `{"version":2,"entity_path":"topics/%s"}`, topic)
}

func queueConfigChanges(p *play) {
	const changers = 10
	listener, changer := p.broker("a broker that listens"), p.broker("a broker that changes configs")
	list := func(ctx context.Context, numbers ...int) error {
		names, _, err := listener.Children(ctx, configChanges, true)
		var want []string
		for _, n := range numbers {
			want = append(want, wire.BaseName(queued(configChanges, configChangePrefix, n)))
		}
		return cmp.Or(err, sameNames(configChanges, names, want))
	}
	heard := event(wire.EventNodeChildrenChanged, configChanges)
	p.step("make the queue and watch it", func(ctx context.Context) error {
		return cmp.Or(listener.make(ctx, nil, "/config", configChanges), list(ctx))
	})
	p.step("number the first notification 0", func(ctx context.Context) error {
		return cmp.Or(notify(ctx, changer, configChanges, configChangePrefix, configChange("a"), 0), listener.hears(ctx, heard))
	})
	p.step("number those after it 1 and 2", func(ctx context.Context) error {
		return cmp.Or(list(ctx, 0),
			notify(ctx, changer, configChanges, configChangePrefix, configChange("b"), 1), listener.hears(ctx, heard),
			notify(ctx, changer, configChanges, configChangePrefix, configChange("c"), 2))
	})
	p.step("list and read them", func(ctx context.Context) error {
		if err := list(ctx, 0, 1, 2); err != nil {
			return err
		}
		_, err := listener.holds(ctx, queued(configChanges, configChangePrefix, 1), configChange("b"), 0)
		return err
	})
	p.step("compare a notification's age with the own clock", func(ctx context.Context) error {
		_, stat, err := listener.Get(ctx, queued(configChanges, configChangePrefix, 2), false)
		if err != nil {
			return err
		}
		if skew := time.Since(time.UnixMilli(int64(stat.Ctime))); skew.Abs() >= purgeAge {
			return &Mismatch{
				What:     "ctime of a new notification",
				Expected: fmt.Sprintf("within %v of this machine's clock", purgeAge), Got: fmt.Sprintf("%v apart", skew),
			}
		}
		return nil
	})
	p.step("purge them, where another broker may be faster", func(ctx context.Context) error {
		for n := range 3 {
			if err := changer.Delete(ctx, queued(configChanges, configChangePrefix, n), client.AnyVersion); err != nil {
				return err
			}
			err := listener.Delete(ctx, queued(configChanges, configChangePrefix, n), client.AnyVersion)
			if err := refusedWith("delete of a notification that is gone", err, wire.NoNode); err != nil {
				return err
			}
		}
		return cmp.Or(listener.hears(ctx, heard), list(ctx))
	})
	p.step("go on with number 3 when the queue is empty", func(ctx context.Context) error {
		return notify(ctx, changer, configChanges, configChangePrefix, configChange("d"), 3)
	})
	p.step("number the notifications of several brokers without a gap", func(ctx context.Context) error {
		return notifyTogether(ctx, []*broker{listener, changer}, changers, 4)
	})
}

// notifyTogether lets brokers queue notifications at once and expects that they
// get all the numbers from first on, each once.
func notifyTogether(ctx context.Context, brokers []*broker, count, first int) error {
	paths := make([]string, count)
	err := together(count, func(i int) (err error) {
		paths[i], err = brokers[i%len(brokers)].Create(ctx, configChanges+"/"+configChangePrefix, configChange("e"), wire.FlagPersistentSequential, nil)
		return err
	})
	if err != nil {
		return err
	}
	want := make([]string, count)
	for i := range want {
		want[i] = queued(configChanges, configChangePrefix, first+i)
	}
	slices.Sort(paths)
	if !slices.Equal(paths, want) {
		return mismatch("paths of the notifications", paths, want)
	}
	return nil
}

func changeISRPlainly(p *play) {
	changeISR(p, func(path string) []wire.Request { return []wire.Request{client.DeleteOp(path, client.AnyVersion)} })
}

func changeISRFenced(p *play) {
	changeISR(p, func(path string) []wire.Request { return fenced(1, client.DeleteOp(path, client.AnyVersion)) })
}

// changeISR is what brokers of before 2.7 do, and newer ones while their
// inter.broker.protocol.version is older: the leader writes the state itself.
func changeISR(p *play, removal func(path string) []wire.Request) {
	const topic = "orders"
	state := statePath(topic, 0)
	note := []byte(`{"version":1,"partitions":[{"topic":"orders","partition":0}]}`)
	heard := event(wire.EventNodeChildrenChanged, isrNotifications)
	controller, leader := p.broker("the controller"), p.broker("the leader")
	p.step("make a partition and watch the queue", func(ctx context.Context) error {
		if err := controller.make(ctx, nil, "/brokers", topics, isrNotifications); err != nil {
			return err
		}
		if err := controller.pipelineAll(ctx, brokerWindow, partitionOps(topic, 1)); err != nil {
			return err
		}
		if err := controller.make(ctx, epochData(0), epochPath); err != nil {
			return err
		}
		_, err := controller.Set(ctx, epochPath, epochData(1), 0)
		_, _, listErr := controller.Children(ctx, isrNotifications, true)
		return cmp.Or(err, listErr)
	})
	p.step("write the state with the version that was read", func(ctx context.Context) error {
		stat, err := leader.Set(ctx, state, partitionState(0, 1), 0)
		return cmp.Or(err, equal("data version in the reply", stat.Version, 1))
	})
	p.step("be refused with a version that has passed, and read again", func(ctx context.Context) error {
		_, err := leader.Set(ctx, state, partitionState(0, 2), 0)
		if err := refusedWith("setData "+state, err, wire.BadVersion); err != nil {
			return err
		}
		_, err = leader.holds(ctx, state, partitionState(0, 1), 1)
		return err
	})
	p.step("queue a notification", func(ctx context.Context) error {
		return cmp.Or(notify(ctx, leader, isrNotifications, isrChangePrefix, note, 0), controller.hears(ctx, heard))
	})
	p.step("read the notification and the state as the controller", func(ctx context.Context) error {
		names, _, err := controller.Children(ctx, isrNotifications, true)
		if err := cmp.Or(err, sameNames(isrNotifications, names, []string{isrChangePrefix + "0000000000"})); err != nil {
			return err
		}
		_, noteErr := controller.holds(ctx, isrNotifications+"/"+names[0], note, 0)
		_, stateErr := controller.holds(ctx, state, partitionState(0, 1), 1)
		return cmp.Or(noteErr, stateErr)
	})
	p.step("remove the notification and find the queue empty", func(ctx context.Context) error {
		if err := controller.doOrMulti(ctx, removal(queued(isrNotifications, isrChangePrefix, 0))); err != nil {
			return err
		}
		names, _, err := controller.Children(ctx, isrNotifications, false)
		return cmp.Or(controller.hears(ctx, heard), err, sameNames(isrNotifications, names, nil))
	})
}

// doOrMulti does one request alone and more as a multi.
func (b *broker) doOrMulti(ctx context.Context, operations []wire.Request) error {
	if len(operations) == 1 {
		_, _, err := b.Do(ctx, &operations[0])
		return err
	}
	_, err := b.all(ctx, operations...)
	return err
}

// takeProducerIDs is the loop that brokers share until a block is theirs
// (Kafka: ProducerIdManager.scala).
func takeProducerIDs(p *play) {
	const blocks = 5
	brokers := []*broker{p.broker("a coordinator"), p.broker("another coordinator")}
	p.step("find the znode with null data", func(ctx context.Context) error {
		if err := brokers[0].make(ctx, nil, producerIDsPath); err != nil {
			return err
		}
		_, err := brokers[1].holds(ctx, producerIDsPath, nil, 0)
		return err
	})
	p.step("write the first block, and be refused with the same version", func(ctx context.Context) error {
		stat, err := brokers[0].Set(ctx, producerIDsPath, producerIDBlock(0, 0), 0)
		if err := cmp.Or(err, equal("data version in the reply", stat.Version, 1)); err != nil {
			return err
		}
		_, err = brokers[1].Set(ctx, producerIDsPath, producerIDBlock(1, 0), 0)
		return refusedWith("setData "+producerIDsPath, err, wire.BadVersion)
	})
	p.step("take blocks from both brokers at once, each once", func(ctx context.Context) error {
		err := together(len(brokers), func(i int) error {
			for range blocks {
				if err := takeBlock(ctx, brokers[i], i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		_, stat, err := brokers[0].Get(ctx, producerIDsPath, false)
		return cmp.Or(err, equal("data version after all blocks", stat.Version, int32(1+blocks*len(brokers))))
	})
}

func takeBlock(ctx context.Context, b *broker, id int) error {
	for {
		_, stat, err := b.Get(ctx, producerIDsPath, false)
		if err != nil {
			return err
		}
		_, err = b.Set(ctx, producerIDsPath, producerIDBlock(id, 1000*int(stat.Version)), stat.Version)
		if !errors.Is(err, wire.BadVersion) {
			return err
		}
	}
}
