package certify

import (
	"cmp"
	"context"
	"fmt"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
)

// clusterID is what a broker proposes that finds none.
func clusterID(broker int) []byte {
	return fmt.Appendf(nil, `{"version":"1","id":"%022d"}`, broker)
}

// ensure makes a znode, and its parents only after NONODE; others may do the same
// meanwhile (Kafka: KafkaZkClient.scala, createRecursive).
func ensure(ctx context.Context, b *broker, path string, data []byte) error {
	_, err := b.Create(ctx, path, data, wire.FlagPersistent, nil)
	parent := wire.ParentPath(path)
	if code, _ := asCode(err); code != wire.NoNode || parent == "" {
		return acceptExisting(err)
	}
	if err := ensure(ctx, b, parent, nil); err != nil {
		return err
	}
	_, err = b.Create(ctx, path, data, wire.FlagPersistent, nil)
	return acceptExisting(err)
}

func acceptExisting(err error) error {
	if code, _ := asCode(err); code == wire.NodeExists {
		return nil
	}
	return err
}

func createChroot(p *play) {
	const chroot = "/one/two/kafka"
	outside := p.brokerWith("the chroot check", client.Config{Chroot: p.root, Auth: p.options.Auth})
	p.step("find the chroot missing", func(ctx context.Context) error {
		return outside.lacks(ctx, chroot)
	})
	p.step("be refused a znode below a missing parent", func(ctx context.Context) error {
		_, err := outside.Create(ctx, chroot, nil, wire.FlagPersistent, nil)
		return refusedWith("create "+chroot, err, wire.NoNode)
	})
	p.step("make the chroot with its parents", func(ctx context.Context) error {
		return ensure(ctx, outside, chroot, nil)
	})
	p.step("find it at the next start", func(ctx context.Context) error {
		_, there, err := outside.Exists(ctx, chroot, false)
		return cmp.Or(err, equal("chroot exists", there, true))
	})
	p.step("end the short session", func(context.Context) error { return outside.Close() })
	inside := p.brokerWith("the broker inside the chroot", client.Config{Chroot: p.root + chroot, Auth: p.options.Auth})
	p.step("read the chroot as /", func(ctx context.Context) error {
		stat, err := inside.holds(ctx, "/", nil, 0)
		return cmp.Or(err, equal("children of the chroot", stat.NumChildren, 0))
	})
	p.step("make a znode at the chroot's top and hear of it", func(ctx context.Context) error {
		if _, _, err := inside.Children(ctx, "/", true); err != nil {
			return err
		}
		if err := inside.make(ctx, []byte("0"), epochPath); err != nil {
			return err
		}
		return inside.hears(ctx, event(wire.EventNodeChildrenChanged, "/"))
	})
}

func startBroker(p *play) {
	const starters = 5
	brokers := make([]*broker, starters)
	for i := range brokers {
		brokers[i] = p.broker(fmt.Sprintf("broker %d", i))
	}
	p.step("make the top-level paths from several brokers at once", func(ctx context.Context) error {
		return together(starters, func(i int) error {
			for _, path := range topLevelPaths {
				if err := ensure(ctx, brokers[i], path, nil); err != nil {
					return err
				}
			}
			return nil
		})
	})
	p.step("read null data back as null", func(ctx context.Context) error {
		_, err := brokers[0].holds(ctx, producerIDsPath, nil, 0)
		return err
	})
	p.step("keep empty data apart from null", func(ctx context.Context) error {
		if _, err := brokers[0].Set(ctx, "/brokers/seqid", []byte{}, client.AnyVersion); err != nil {
			return err
		}
		_, err := brokers[0].holds(ctx, "/brokers/seqid", []byte{}, 1)
		return err
	})
	p.step("agree on one cluster id", func(ctx context.Context) error {
		return agreeOnClusterID(ctx, brokers)
	})
	p.step("take generated broker ids from the version of /brokers/seqid", func(ctx context.Context) error {
		return generateIDs(ctx, brokers)
	})
	p.step("write and read configs of <default> and of an encoded user name", func(ctx context.Context) error {
		config := []byte(`{"version":1,"config":{}}`)
		for _, path := range []string{"/config/brokers/<default>", "/config/users/al%20ice%40x", "/config/users/<default>/clients/<default>"} {
			if err := ensure(ctx, brokers[0], path, config); err != nil {
				return err
			}
			if _, err := brokers[1].holds(ctx, path, config, 0); err != nil {
				return err
			}
		}
		return nil
	})
}

// agreeOnClusterID lets every broker propose an id: one create is carried out,
// and all brokers then read that one.
func agreeOnClusterID(ctx context.Context, brokers []*broker) error {
	if err := brokers[0].make(ctx, nil, "/cluster"); err != nil {
		return err
	}
	read, won := make([]string, len(brokers)), make([]bool, len(brokers))
	err := together(len(brokers), func(i int) error {
		_, err := brokers[i].Create(ctx, clusterIDPath, clusterID(i), wire.FlagPersistent, nil)
		won[i] = err == nil
		if err := acceptExisting(err); err != nil {
			return err
		}
		data, _, err := brokers[i].Get(ctx, clusterIDPath, false)
		read[i] = string(data)
		return err
	})
	if err != nil {
		return err
	}
	winners := 0
	for i := range brokers {
		if won[i] {
			winners++
			err = cmp.Or(err, equal("cluster id that the winner reads", read[i], string(clusterID(i))))
		}
		err = cmp.Or(err, equal("cluster id of two brokers", read[i], read[0]))
	}
	return cmp.Or(equal("brokers that made "+clusterIDPath, winners, 1), err)
}

// generateIDs lets every broker set the data at once: each gets a version of
// its own (Kafka: KafkaZkClient.scala, generateBrokerId).
func generateIDs(ctx context.Context, brokers []*broker) error {
	versions := make([]int32, len(brokers))
	err := together(len(brokers), func(i int) error {
		stat, err := brokers[i].Set(ctx, "/brokers/seqid", []byte{}, client.AnyVersion)
		versions[i] = stat.Version
		return err
	})
	if err != nil {
		return err
	}
	taken := make(map[int32]int)
	for i, version := range versions {
		if other, ok := taken[version]; ok {
			return &Mismatch{
				What: "version of /brokers/seqid", Expected: "another for each setData",
				Got: fmt.Sprintf("%d for brokers %d and %d", version, other, i),
			}
		}
		taken[version] = i
	}
	return nil
}
