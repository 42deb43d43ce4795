package certify

import (
	"cmp"
	"context"
	"fmt"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
)

// kraftEpoch is the epoch of the KRaft controller in these scripts, and kraftID
// its node id.
const (
	kraftEpoch = 5
	kraftID    = 3000
)

// claimOps take /controller away from a broker: a multi that also raises the
// epoch, so that the broker's writes are fenced (Kafka: KafkaZkClient.scala,
// tryRegisterKRaftControllerAsActiveController).
func claimOps(epochVersion, controllerVersion int32) []wire.Request {
	return []wire.Request{
		client.SetOp(epochPath, epochData(epochVersion+1), epochVersion),
		client.DeleteOp(controllerPath, controllerVersion),
		client.CreateOp(controllerPath, controllerInfo(kraftID, kraftEpoch), wire.FlagPersistent, nil),
	}
}

func claimController(p *play) {
	old, other := p.broker("the controller in ZooKeeper mode"), p.broker("another broker")
	kraft := p.broker("the KRaft controller")
	p.step("elect a controller in ZooKeeper mode", func(ctx context.Context) error {
		if err := old.make(ctx, epochData(0), epochPath); err != nil {
			return err
		}
		if _, err := old.all(ctx, electionOps(1, 0, 0)...); err != nil {
			return err
		}
		for _, b := range []*broker{old, other} {
			if _, _, err := b.Get(ctx, controllerPath, true); err != nil {
				return err
			}
		}
		return nil
	})
	p.step("create /migration once", func(ctx context.Context) error {
		_, _, err := kraft.Get(ctx, migrationPath, false)
		if err := refusedWith("getData "+migrationPath, err, wire.NoNode); err != nil {
			return err
		}
		if err := kraft.make(ctx, migrationState(-1, -1), migrationPath); err != nil {
			return err
		}
		_, err = kraft.holds(ctx, migrationPath, migrationState(-1, -1), 0)
		return err
	})
	p.step("be refused the claim with an epoch version that has passed", func(ctx context.Context) error {
		return kraft.none(ctx, []wire.Code{wire.BadVersion, wire.RuntimeInconsistency, wire.RuntimeInconsistency}, claimOps(0, 0)...)
	})
	p.step("be refused the claim with a wrong version of /controller", func(ctx context.Context) error {
		err := kraft.none(ctx, []wire.Code{wire.OK, wire.BadVersion, wire.RuntimeInconsistency}, claimOps(1, 7)...)
		_, epochErr := kraft.holds(ctx, epochPath, epochData(1), 1)
		return cmp.Or(err, epochErr)
	})
	p.step("claim /controller by deleting and creating it in one multi", func(ctx context.Context) error {
		results, err := kraft.all(ctx, claimOps(1, 0)...)
		if err != nil {
			return err
		}
		stat, err := kraft.holds(ctx, controllerPath, controllerInfo(kraftID, kraftEpoch), 0)
		return cmp.Or(err,
			equal("ephemeralOwner of the claimed "+controllerPath, stat.EphemeralOwner, 0),
			equal("czxid of "+controllerPath, stat.Czxid, results[0].Reply.Stat.Mzxid),
			equal("version of "+epochPath, results[0].Reply.Stat.Version, 2))
	})
	p.step("hear of the claim as a broker and see a KRaft controller", func(ctx context.Context) error {
		for _, b := range []*broker{old, other} {
			if err := b.hears(ctx, event(wire.EventNodeDeleted, controllerPath)); err != nil {
				return err
			}
			_, there, err := b.Exists(ctx, controllerPath, true)
			if err := cmp.Or(err, equal(controllerPath+" exists", there, true)); err != nil {
				return err
			}
		}
		_, err := other.holds(ctx, controllerPath, controllerInfo(kraftID, kraftEpoch), 0)
		return err
	})
	p.step("fence the old controller", func(ctx context.Context) error {
		return old.none(ctx, []wire.Code{wire.BadVersion, wire.RuntimeInconsistency},
			fenced(1, client.CreateOp("/stale", nil, wire.FlagPersistent, nil))...)
	})
	p.step("refuse a broker's election", func(ctx context.Context) error {
		return other.none(ctx, met, electionOps(2, 2, 2)...)
	})
	p.step("keep the claim when the old controller's session ends", func(ctx context.Context) error {
		if err := old.Close(); err != nil {
			return err
		}
		_, err := other.holds(ctx, controllerPath, controllerInfo(kraftID, kraftEpoch), 0)
		return err
	})
	p.step("keep the claim when the KRaft controller's own session ends", func(ctx context.Context) error {
		if err := kraft.Close(); err != nil {
			return err
		}
		_, err := other.holds(ctx, controllerPath, controllerInfo(kraftID, kraftEpoch), 0)
		return err
	})
	p.step("claim again where an operator removed /controller", func(ctx context.Context) error {
		if err := other.Delete(ctx, controllerPath, 0); err != nil {
			return err
		}
		claim := claimOps(2, client.AnyVersion)
		_, err := other.all(ctx, claim[0], claim[2])
		return err
	})
}

// guarded is a write of the KRaft controller: behind a check of the epoch, and
// of the version of /migration, which the last write of a batch raises (Kafka:
// KafkaZkClient.scala, retryMigrationRequestsUntilConnected).
func guarded(epochVersion, migrationVersion int32, operations []wire.Request) []wire.Request {
	batch := make([]wire.Request, len(operations))
	for i, operation := range operations {
		guard := client.CheckOp(migrationPath, migrationVersion)
		if i == len(operations)-1 {
			guard = client.SetOp(migrationPath, migrationState(kraftEpoch, int(migrationVersion)), migrationVersion)
		}
		batch[i] = wire.Request{Op: wire.OpMulti, Subs: []wire.Request{client.CheckOp(epochPath, epochVersion), guard, operation}}
	}
	return batch
}

func writeDually(p *play) {
	const topic, partitions, epochVersion = "orders", 40, 1
	const configPath = topicConfigs + "/" + topic
	kraft, zombie := p.broker("the KRaft controller"), p.broker("a KRaft controller that was replaced")
	listener := p.broker("a broker in ZooKeeper mode")
	config := []byte(`{"version":1,"config":{}}`)
	p.step("prepare the tree and own it", func(ctx context.Context) error {
		for _, path := range topLevelPaths {
			if err := ensure(ctx, kraft, path, nil); err != nil {
				return err
			}
		}
		if err := kraft.make(ctx, epochData(0), epochPath); err != nil {
			return err
		}
		_, epochErr := kraft.Set(ctx, epochPath, epochData(1), 0)
		err := kraft.make(ctx, migrationState(-1, -1), migrationPath)
		_, _, watchErr := listener.Children(ctx, configChanges, true)
		return cmp.Or(epochErr, err, watchErr)
	})
	p.step("learn the version of /migration by writing it", func(ctx context.Context) error {
		stat, err := kraft.Set(ctx, migrationPath, migrationState(kraftEpoch, -1), client.AnyVersion)
		return cmp.Or(err, equal("version of "+migrationPath, stat.Version, 1))
	})
	create := append([]wire.Request{partitionOps(topic, partitions)[0], client.CreateOp(configPath, config, wire.FlagPersistent, nil)},
		partitionOps(topic, partitions)[1:]...)
	p.step("create a topic by pipelined multis that need each other", func(ctx context.Context) error {
		return writeBatch(ctx, kraft, guarded(epochVersion, 1, create), 2)
	})
	p.step("write states without regard to their versions", func(ctx context.Context) error {
		var changes []wire.Request
		for i := range partitions {
			changes = append(changes, client.SetOp(statePath(topic, i), partitionState(i, kraftEpoch), client.AnyVersion))
		}
		return writeBatch(ctx, kraft, guarded(epochVersion, 2, changes), 3)
	})
	p.step("notify of a config outside the multi", func(ctx context.Context) error {
		err := writeBatch(ctx, kraft, guarded(epochVersion, 3, []wire.Request{client.SetOp(configPath, config, client.AnyVersion)}), 4)
		return cmp.Or(err, notify(ctx, kraft, configChanges, configChangePrefix, configChange(topic), 0),
			listener.hears(ctx, event(wire.EventNodeChildrenChanged, configChanges)))
	})
	p.step("refuse every write of a controller with an old version of /migration", func(ctx context.Context) error {
		changes := []wire.Request{
			client.SetOp(statePath(topic, 0), nil, client.AnyVersion), client.CreateOp(topicPath("stale"), nil, wire.FlagPersistent, nil),
		}
		stale := []wire.Code{wire.OK, wire.BadVersion, wire.RuntimeInconsistency}
		err := refusedBatch(ctx, zombie, guarded(epochVersion, 3, changes), stale)
		_, stateErr := zombie.holds(ctx, statePath(topic, 0), partitionState(0, kraftEpoch), 1)
		return cmp.Or(err, zombie.lacks(ctx, topicPath("stale")), stateErr)
	})
	p.step("refuse every write of a controller with an old epoch", func(ctx context.Context) error {
		changes := []wire.Request{client.CreateOp(topicPath("stale"), nil, wire.FlagPersistent, nil)}
		stale := []wire.Code{wire.BadVersion, wire.RuntimeInconsistency, wire.RuntimeInconsistency}
		return cmp.Or(refusedBatch(ctx, zombie, guarded(epochVersion-1, 4, changes), stale), zombie.lacks(ctx, topicPath("stale")))
	})
	p.step("delete the topic, leaves first", func(ctx context.Context) error {
		var removal []wire.Request
		for i := range partitions {
			removal = append(removal, client.DeleteOp(statePath(topic, i), client.AnyVersion), client.DeleteOp(partitionPath(topic, i), client.AnyVersion))
		}
		for _, path := range []string{partitionsOf(topic), configPath, topicPath(topic)} {
			removal = append(removal, client.DeleteOp(path, client.AnyVersion))
		}
		return cmp.Or(writeBatch(ctx, kraft, guarded(epochVersion, 4, removal), 5), relist(ctx, kraft, topics))
	})
}

// writeBatch sends a batch without waiting between its multis, and expects the
// version that /migration has afterwards.
func writeBatch(ctx context.Context, b *broker, batch []wire.Request, version int32) error {
	results, err := b.pipeline(ctx, toolWindow, batch)
	if err != nil {
		return err
	}
	for i, r := range results {
		if r.Err != nil {
			return r.Err
		}
		if err := carriedOut(r.Reply.Results, batch[i].Subs); err != nil {
			return fmt.Errorf("multi %d of %d: %w", i+1, len(batch), err)
		}
	}
	last := results[len(results)-1].Reply.Results
	return equal("version of "+migrationPath, last[1].Reply.Stat.Version, version)
}

// refusedBatch sends a batch of which every multi must come back with these codes.
func refusedBatch(ctx context.Context, b *broker, batch []wire.Request, codes []wire.Code) error {
	results, err := b.pipeline(ctx, toolWindow, batch)
	if err != nil {
		return err
	}
	for i, r := range results {
		if err := cmp.Or(r.Err, sameCodes(r.Reply.Results, codes)); err != nil {
			return fmt.Errorf("multi %d of %d: %w", i+1, len(batch), err)
		}
	}
	return nil
}
