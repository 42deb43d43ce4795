package certify

import (
	"cmp"
	"context"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
)

// registrationOps make the ephemeral empty and then set its data, so that the
// Stat in the second result gives the broker epoch (Kafka: KafkaZkClient.scala,
// registerBroker).
func registrationOps(id int) []wire.Request {
	return []wire.Request{
		client.CreateOp(brokerPath(id), nil, wire.FlagEphemeral, nil),
		client.SetOp(brokerPath(id), brokerInfo(id), 0),
	}
}

// register does the registration multi and returns the broker epoch.
func register(ctx context.Context, b *broker, id int) (wire.Zxid, error) {
	results, err := b.all(ctx, registrationOps(id)...)
	if err != nil {
		return 0, err
	}
	stat := results[1].Reply.Stat
	return stat.Czxid, cmp.Or(
		equal("data version after create and setData", stat.Version, 1),
		equal("mzxid of a znode made and set in one transaction", stat.Mzxid, stat.Czxid),
		equal("ephemeralOwner", stat.EphemeralOwner, b.Session().ID),
	)
}

// ownedBy is how Kafka finds out whose registration it has met.
func ownedBy(ctx context.Context, b *broker, path string, owner wire.SessionID) error {
	_, stat, err := b.Get(ctx, path, false)
	if err != nil {
		return err
	}
	return equal("ephemeralOwner of "+path, stat.EphemeralOwner, owner)
}

// met is what a registration comes back with when there is one already.
var met = []wire.Code{wire.NodeExists, wire.RuntimeInconsistency}

func registerWithMulti(p *play) {
	const id = 1
	old, fresh := p.broker("the broker's old session"), p.broker("the broker's new session")
	var epoch wire.Zxid
	p.step("make /brokers/ids", func(ctx context.Context) error {
		return old.make(ctx, nil, "/brokers", brokerIDs)
	})
	p.step("register with a multi of create and setData", func(ctx context.Context) (err error) {
		epoch, err = register(ctx, old, id)
		return err
	})
	p.step("read the registration back", func(ctx context.Context) error {
		stat, err := old.holds(ctx, brokerPath(id), brokerInfo(id), 1)
		return cmp.Or(err, equal("czxid", stat.Czxid, epoch))
	})
	p.step("send the registration again after a lost reply", func(ctx context.Context) error {
		if err := old.none(ctx, met, registrationOps(id)...); err != nil {
			return err
		}
		return ownedBy(ctx, old, brokerPath(id), old.Session().ID)
	})
	p.step("meet the registration of the old session", func(ctx context.Context) error {
		if err := fresh.none(ctx, met, registrationOps(id)...); err != nil {
			return err
		}
		return ownedBy(ctx, fresh, brokerPath(id), old.Session().ID)
	})
	p.step("delete it and register anew", func(ctx context.Context) error {
		if err := fresh.Delete(ctx, brokerPath(id), client.AnyVersion); err != nil {
			return err
		}
		before := epoch
		var err error
		epoch, err = register(ctx, fresh, id)
		return cmp.Or(err, grown("broker epoch", epoch, before))
	})
	p.step("change the listeners", func(ctx context.Context) error {
		stat, err := fresh.Set(ctx, brokerPath(id), brokerInfo(id), client.AnyVersion)
		if err != nil {
			return err
		}
		return cmp.Or(equal("data version", stat.Version, 2), equal("czxid", stat.Czxid, epoch))
	})
	p.step("keep the new registration when the old session ends", func(ctx context.Context) error {
		if err := old.Close(); err != nil {
			return err
		}
		return ownedBy(ctx, fresh, brokerPath(id), fresh.Session().ID)
	})
}

func registerPlainly(p *play) {
	const id = 1
	old, fresh := p.broker("the broker's old session"), p.broker("the broker's new session")
	create := client.CreateOp(brokerPath(id), brokerInfo(id), wire.FlagEphemeral, nil)
	var epoch wire.Zxid
	p.step("make /brokers/ids", func(ctx context.Context) error {
		return old.make(ctx, nil, "/brokers", brokerIDs)
	})
	p.step("register with a create", func(ctx context.Context) error {
		if err := old.makeWith(ctx, create); err != nil {
			return err
		}
		stat, err := old.holds(ctx, brokerPath(id), brokerInfo(id), 0)
		epoch = stat.Czxid
		return cmp.Or(err, equal("ephemeralOwner", stat.EphemeralOwner, old.Session().ID))
	})
	p.step("meet the registration of the old session", func(ctx context.Context) error {
		_, _, err := fresh.Do(ctx, &create)
		if err := refusedWith("create "+brokerPath(id), err, wire.NodeExists); err != nil {
			return err
		}
		return ownedBy(ctx, fresh, brokerPath(id), old.Session().ID)
	})
	p.step("wait for it to vanish", func(ctx context.Context) error {
		_, there, err := fresh.Exists(ctx, brokerPath(id), true)
		if err := cmp.Or(err, equal("stale registration exists", there, true)); err != nil {
			return err
		}
		if err := old.Close(); err != nil {
			return err
		}
		return fresh.hears(ctx, event(wire.EventNodeDeleted, brokerPath(id)))
	})
	p.step("register anew", func(ctx context.Context) error {
		if err := fresh.makeWith(ctx, create); err != nil {
			return err
		}
		stat, err := fresh.holds(ctx, brokerPath(id), brokerInfo(id), 0)
		return cmp.Or(err, grown("czxid", stat.Czxid, epoch), equal("ephemeralOwner", stat.EphemeralOwner, fresh.Session().ID))
	})
}
