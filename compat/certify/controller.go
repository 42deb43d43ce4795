package certify

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
)

// contenders is how many brokers race for /controller.
const contenders = 20

// epochData is the text of /controller_epoch.
func epochData(epoch int32) []byte { return []byte(strconv.Itoa(int(epoch))) }

// electionOps claim /controller and raise the epoch from version and epoch to
// the next (Kafka: KafkaZkClient.scala, registerControllerAndIncrementControllerEpoch).
func electionOps(id int, version, epoch int32) []wire.Request {
	return []wire.Request{
		client.CreateOp(controllerPath, controllerInfo(id, -1), wire.FlagEphemeral, nil),
		client.SetOp(epochPath, epochData(epoch+1), version),
	}
}

// elect is one candidate's attempt. It reports whether it has won.
type elect func(ctx context.Context, b *broker, id int, version int32) (bool, error)

// electByMulti does not lose the epoch of a winner that dies between two writes.
func electByMulti(ctx context.Context, b *broker, id int, version int32) (bool, error) {
	operations := electionOps(id, version, version)
	reply, _, err := b.Do(ctx, &wire.Request{Op: wire.OpMulti, Subs: operations})
	if err != nil {
		return false, err
	}
	if len(reply.Results) > 0 && reply.Results[0].Err == wire.OK && reply.Results[0].Op != wire.OpError {
		return true, carriedOut(reply.Results, operations)
	}
	return false, sameCodes(reply.Results, []wire.Code{wire.NodeExists, wire.RuntimeInconsistency})
}

// electByCreate is what brokers before 2.1 do.
func electByCreate(ctx context.Context, b *broker, id int, version int32) (bool, error) {
	_, err := b.Create(ctx, controllerPath, controllerInfo(id, -1), wire.FlagEphemeral, nil)
	if err != nil {
		return false, refusedWith("create "+controllerPath, err, wire.NodeExists)
	}
	_, err = b.Set(ctx, epochPath, epochData(version+1), version)
	return true, err
}

func electWithMulti(p *play) {
	electTwice(p, electByMulti)
	old := p.broker("a candidate with an old epoch")
	p.step("refuse a candidate that read the epoch before the last election", func(ctx context.Context) error {
		if err := old.Delete(ctx, controllerPath, client.AnyVersion); err != nil {
			return err
		}
		if err := old.none(ctx, []wire.Code{wire.OK, wire.BadVersion}, electionOps(contenders, 1, 1)...); err != nil {
			return err
		}
		return old.lacks(ctx, controllerPath)
	})
}

func electPlainly(p *play) { electTwice(p, electByCreate) }

// electTwice holds an election in a new cluster, and another when the first
// controller is gone.
func electTwice(p *play, attempt elect) {
	brokers := make([]*broker, contenders)
	p.opened("the candidates", brokers)
	winner := -1
	p.step("find no controller and watch for one", func(ctx context.Context) error {
		if err := brokers[0].make(ctx, epochData(0), epochPath); err != nil {
			return err
		}
		return together(contenders, func(i int) error { return awaitController(ctx, brokers[i]) })
	})
	p.step("race for /controller in a new cluster", func(ctx context.Context) (err error) {
		winner, err = race(ctx, brokers, attempt, 0)
		return err
	})
	p.step("hear of the winner", func(ctx context.Context) error {
		return together(contenders, func(i int) error {
			if err := brokers[i].hears(ctx, event(wire.EventNodeCreated, controllerPath)); err != nil {
				return err
			}
			data, _, err := brokers[i].Get(ctx, controllerPath, true)
			return cmp.Or(err, sameData(controllerPath, data, controllerInfo(winner, -1)))
		})
	})
	var losers []*broker
	p.step("hear of the controller's end", func(ctx context.Context) error {
		losers = append(brokers[:winner:winner], brokers[winner+1:]...)
		if err := brokers[winner].Close(); err != nil {
			return err
		}
		return together(len(losers), func(i int) error {
			if err := losers[i].hears(ctx, event(wire.EventNodeDeleted, controllerPath)); err != nil {
				return err
			}
			return awaitController(ctx, losers[i])
		})
	})
	p.step("race for /controller again", func(ctx context.Context) error {
		_, err := race(ctx, losers, attempt, 1)
		return err
	})
}

// opened fills a slice with sessions.
func (p *play) opened(who string, brokers []*broker) {
	for i := range brokers {
		brokers[i] = p.broker(fmt.Sprintf("%s, number %d", who, i))
	}
}

// awaitController reads /controller as a broker does at its start, with exists
// for the watch and getData for the data, and finds none.
func awaitController(ctx context.Context, b *broker) error {
	_, there, err := b.Exists(ctx, controllerPath, true)
	if err := cmp.Or(err, equal(controllerPath+" exists", there, false)); err != nil {
		return err
	}
	_, _, err = b.Get(ctx, controllerPath, true)
	return refusedWith("getData "+controllerPath, err, wire.NoNode)
}

// race lets all candidates try at once on the epoch's version. Exactly one may
// win, and /controller and the epoch are then its own.
func race(ctx context.Context, brokers []*broker, attempt elect, version int32) (winner int, err error) {
	won := make([]bool, len(brokers))
	err = together(len(brokers), func(i int) (err error) {
		won[i], err = attempt(ctx, brokers[i], i, version)
		return err
	})
	if err != nil {
		return 0, err
	}
	winners := 0
	for i := range brokers {
		if won[i] {
			winner = i
			winners++
		}
	}
	if err := equal("candidates that won", winners, 1); err != nil {
		return 0, err
	}
	if _, err := brokers[winner].holds(ctx, epochPath, epochData(version+1), version+1); err != nil {
		return 0, err
	}
	stat, err := brokers[winner].holds(ctx, controllerPath, controllerInfo(winner, -1), 0)
	return winner, cmp.Or(err, equal("ephemeralOwner of "+controllerPath, stat.EphemeralOwner, brokers[winner].Session().ID))
}

// fenced is a controller's write: it is carried out only while the epoch has
// the version that the controller got when it was elected.
func fenced(version int32, operation wire.Request) []wire.Request {
	return []wire.Request{client.CheckOp(epochPath, version), operation}
}

func fenceController(p *play) {
	const topic = "orders"
	state := statePath(topic, 0)
	zombie, current := p.broker("the old controller"), p.broker("the new controller")
	stale := []wire.Code{wire.BadVersion, wire.RuntimeInconsistency}
	p.step("write as the first controller", func(ctx context.Context) error {
		if err := zombie.make(ctx, nil, "/brokers", topics, topicPath(topic), partitionsOf(topic), partitionPath(topic, 0)); err != nil {
			return err
		}
		if err := zombie.make(ctx, epochData(0), epochPath); err != nil {
			return err
		}
		if _, err := zombie.all(ctx, electionOps(1, 0, 0)...); err != nil {
			return err
		}
		_, err := zombie.all(ctx, fenced(1, client.CreateOp(state, partitionState(0, 0), wire.FlagPersistent, nil))...)
		return err
	})
	p.step("take the controllership over", func(ctx context.Context) error {
		if err := current.Delete(ctx, controllerPath, client.AnyVersion); err != nil {
			return err
		}
		_, err := current.all(ctx, electionOps(2, 1, 1)...)
		return err
	})
	p.step("refuse a write of the old controller", func(ctx context.Context) error {
		if err := zombie.none(ctx, stale, fenced(1, client.SetOp(state, partitionState(0, 9), 0))...); err != nil {
			return err
		}
		_, err := zombie.holds(ctx, state, partitionState(0, 0), 0)
		return err
	})
	p.step("carry out a write of the new controller", func(ctx context.Context) error {
		results, err := current.all(ctx, fenced(2, client.SetOp(state, partitionState(0, 1), 0))...)
		if err != nil {
			return err
		}
		return equal("data version in the result", results[1].Reply.Stat.Version, 1)
	})
	p.step("tell a failing second operation from a failing check", func(ctx context.Context) error {
		for _, c := range []struct {
			operation wire.Request
			code      wire.Code
		}{
			{client.SetOp(state, partitionState(0, 9), 0), wire.BadVersion},
			{client.CreateOp(partitionsOf(topic), nil, wire.FlagPersistent, nil), wire.NodeExists},
			{client.DeleteOp("/admin/preferred_replica_election", client.AnyVersion), wire.NoNode},
			{client.DeleteOp(partitionsOf(topic), client.AnyVersion), wire.NotEmpty},
		} {
			if err := current.none(ctx, []wire.Code{wire.OK, c.code}, fenced(2, c.operation)...); err != nil {
				return fmt.Errorf("%v %s: %w", c.operation.Op, c.operation.Path, err)
			}
		}
		return nil
	})
	p.step("take any version, but no missing znode, for a check", func(ctx context.Context) error {
		touch := client.SetOp(state, partitionState(0, 2), client.AnyVersion)
		if _, err := current.all(ctx, client.CheckOp(epochPath, client.AnyVersion), touch); err != nil {
			return err
		}
		return current.none(ctx, []wire.Code{wire.NoNode, wire.RuntimeInconsistency}, client.CheckOp("/absent", client.AnyVersion), touch)
	})
	p.step("judge a write by those sent just before it", func(ctx context.Context) error {
		return fencePipelined(ctx, current, state)
	})
	p.step("resign as the new controller", func(ctx context.Context) error {
		_, err := current.all(ctx, fenced(3, client.DeleteOp(controllerPath, client.AnyVersion))...)
		return cmp.Or(err, current.lacks(ctx, controllerPath))
	})
}

// fencePipelined raises the epoch from version 2 and sends two writes right
// behind it, one fenced with the version before and one with that after.
func fencePipelined(ctx context.Context, b *broker, state string) error {
	multi := func(operations []wire.Request) wire.Request {
		return wire.Request{Op: wire.OpMulti, Subs: operations}
	}
	touch := client.SetOp(state, partitionState(0, 3), client.AnyVersion)
	results, err := b.pipeline(ctx, brokerWindow, []wire.Request{
		client.SetOp(epochPath, epochData(3), 2), multi(fenced(2, touch)), multi(fenced(3, touch)),
	})
	if err != nil {
		return err
	}
	for _, r := range results {
		if r.Err != nil {
			return r.Err
		}
	}
	stale := []wire.Code{wire.BadVersion, wire.RuntimeInconsistency}
	return cmp.Or(sameCodes(results[1].Reply.Results, stale), carriedOut(results[2].Reply.Results, fenced(3, touch)))
}
