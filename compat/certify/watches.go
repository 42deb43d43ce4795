package certify

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
)

func watchOnce(p *play) {
	const node, missing, list = "/node", "/missing", "/list"
	writer := p.broker("a broker that writes")
	watcher := p.connection("a broker that watches")
	p.step("make znodes", func(ctx context.Context) error {
		return cmp.Or(writer.make(ctx, nil, node, list), watcher.settle(ctx, writer.LastZxid()))
	})
	p.step("hear of the own write before its reply", func(ctx context.Context) error {
		if err := watcher.watch(ctx, wire.OpGetData, node); err != nil {
			return err
		}
		_, err := watcher.do(ctx, client.SetOp(node, []byte("own"), client.AnyVersion))
		return cmp.Or(err, watcher.heard(event(wire.EventNodeDataChanged, node)))
	})
	p.step("hear of it once only", func(ctx context.Context) error {
		_, err := watcher.do(ctx, client.SetOp(node, []byte("again"), client.AnyVersion))
		return cmp.Or(err, watcher.heard())
	})
	p.step("hear of another's write before a reply that shows it", func(ctx context.Context) error {
		return hearBeforeReading(ctx, watcher, writer, node)
	})
	p.step("hear once of a znode watched by exists and getData", func(ctx context.Context) error {
		if err := cmp.Or(watcher.watch(ctx, wire.OpExists, node), watcher.watch(ctx, wire.OpGetData, node)); err != nil {
			return err
		}
		_, err := writer.Set(ctx, node, []byte("twice"), client.AnyVersion)
		return cmp.Or(err, watcher.settle(ctx, writer.LastZxid()), watcher.heard(event(wire.EventNodeDataChanged, node)))
	})
	p.step("hear of the creation of a znode that exists did not find", func(ctx context.Context) error {
		return cmp.Or(watcher.watchMissing(ctx, missing), writer.make(ctx, nil, missing),
			watcher.settle(ctx, writer.LastZxid()), watcher.heard(event(wire.EventNodeCreated, missing)))
	})
	p.step("leave no watch where getData and getChildren2 find nothing", func(ctx context.Context) error {
		const absent = "/absent"
		for _, op := range []wire.Op{wire.OpGetData, wire.OpGetChildren2} {
			_, err := watcher.do(ctx, wire.Request{Op: op, Path: absent, Watch: true})
			if err := refusedWith(fmt.Sprintf("%v %s", op, absent), err, wire.NoNode); err != nil {
				return err
			}
		}
		return cmp.Or(writer.make(ctx, nil, absent), watcher.settle(ctx, writer.LastZxid()), watcher.heard())
	})
	p.step("hear of children that come and go, not of their data", func(ctx context.Context) error {
		return hearOfChildren(ctx, watcher, writer, list)
	})
	p.step("hear once of the deletion of a znode watched for data and children", func(ctx context.Context) error {
		if err := cmp.Or(watcher.watch(ctx, wire.OpGetData, list), watcher.watch(ctx, wire.OpGetChildren2, list)); err != nil {
			return err
		}
		return cmp.Or(writer.Delete(ctx, list, client.AnyVersion), watcher.settle(ctx, writer.LastZxid()),
			watcher.heard(event(wire.EventNodeDeleted, list)))
	})
	p.step("hear nothing of refused writes", func(ctx context.Context) error {
		if err := watcher.watch(ctx, wire.OpGetData, node); err != nil {
			return err
		}
		refusal := writer.none(ctx, []wire.Code{wire.OK, wire.BadVersion},
			client.SetOp(node, nil, client.AnyVersion), client.SetOp(node, nil, 1000))
		_, err := writer.Set(ctx, node, nil, 1000)
		return cmp.Or(refusal, refusedWith("setData "+node, err, wire.BadVersion),
			watcher.settle(ctx, writer.LastZxid()), watcher.heard())
	})
}

// hearBeforeReading reads until another's write shows: its event must be there
// by then.
func hearBeforeReading(ctx context.Context, watcher *connection, writer *broker, path string) error {
	if err := watcher.watch(ctx, wire.OpGetData, path); err != nil {
		return err
	}
	if _, err := writer.Set(ctx, path, []byte("other"), client.AnyVersion); err != nil {
		return err
	}
	for {
		reply, err := watcher.do(ctx, wire.Request{Op: wire.OpGetData, Path: path})
		switch {
		case err != nil:
			return err
		case string(reply.Data) == "other":
			return watcher.heard(event(wire.EventNodeDataChanged, path))
		case len(watcher.events) > 0:
			return &Mismatch{What: "data read after the event", Expected: `"other"`, Got: describe(reply.Data)}
		}
	}
}

func hearOfChildren(ctx context.Context, watcher *connection, writer *broker, list string) error {
	child := list + "/child"
	arm := func() error { return watcher.watch(ctx, wire.OpGetChildren2, list) }
	hear := func(events ...wire.WatcherEvent) error {
		return cmp.Or(watcher.settle(ctx, writer.LastZxid()), watcher.heard(events...))
	}
	changed := event(wire.EventNodeChildrenChanged, list)
	if err := cmp.Or(arm(), writer.make(ctx, nil, child), hear(changed)); err != nil {
		return err
	}
	if err := arm(); err != nil {
		return err
	}
	_, err := writer.Set(ctx, child, []byte("data"), client.AnyVersion)
	return cmp.Or(err, hear(), writer.Delete(ctx, child, client.AnyVersion), hear(changed))
}

const (
	// stormTopics is how many topics a controller watches.
	stormTopics = 2000
	// setWatchesBytes is where ZooKeeper's client begins another setWatches
	// request (ClientCnxn.java). The names of the topics are so long that there
	// are several.
	setWatchesBytes = 128 << 10
	// stormWindow is how many requests are under way at once.
	stormWindow = 200
)

func stormWatches(p *play) {
	writer := p.broker("a broker that writes")
	controller := p.connection("the controller")
	paths := make([]string, stormTopics)
	for i := range paths {
		paths[i] = topicPath(fmt.Sprintf("a-topic-with-a-name-of-the-length-that-people-give-their-topics-in-earnest-%05d", i))
	}
	p.step("create the topics", func(ctx context.Context) error {
		if err := writer.make(ctx, nil, "/brokers", topics); err != nil {
			return err
		}
		creates := make([]wire.Request, len(paths))
		for i, path := range paths {
			creates[i] = client.CreateOp(path, assignment(1), wire.FlagPersistent, nil)
		}
		return cmp.Or(writer.pipelineAll(ctx, stormWindow, creates), controller.settle(ctx, writer.LastZxid()))
	})
	p.step("watch all of them", func(ctx context.Context) error { return controller.watchAll(ctx, paths) })
	want := make([]wire.WatcherEvent, len(paths))
	for i, path := range paths {
		want[i] = event(wire.EventNodeDataChanged, path)
	}
	p.step("hear of every change once, in the order of the changes", func(ctx context.Context) error {
		return cmp.Or(changeAll(ctx, writer, paths), controller.settle(ctx, writer.LastZxid()), controller.heard(want...))
	})
	p.step("hear nothing more until the watches are set again", func(ctx context.Context) error {
		return cmp.Or(changeAll(ctx, writer, paths), controller.settle(ctx, writer.LastZxid()), controller.heard())
	})
	var back *connection
	p.step("watch all again and lose the connection while others write", func(ctx context.Context) error {
		return cmp.Or(controller.watchAll(ctx, paths), controller.Close(), changeAll(ctx, writer, paths[:stormTopics/2]))
	})
	p.step("set the watches again in several requests and hear of what was missed", func(ctx context.Context) (err error) {
		if back, err = p.resume(ctx, controller); err != nil {
			return err
		}
		requests := setWatchesRequests(paths, controller.zxid)
		if err := cmp.Or(back.settle(ctx, writer.LastZxid()), back.send(ctx, requests...)); err != nil {
			return err
		}
		for range requests {
			if _, err := back.receive(ctx); err != nil {
				return err
			}
		}
		return back.heardAll(slices.Clone(want[:stormTopics/2])...)
	})
	p.step("hear of what was not missed", func(ctx context.Context) error {
		return cmp.Or(changeAll(ctx, writer, paths[stormTopics/2:]), back.settle(ctx, writer.LastZxid()),
			back.heard(want[stormTopics/2:]...))
	})
}

// watchAll reads many znodes with a watch, pipelined.
func (c *connection) watchAll(ctx context.Context, paths []string) error {
	for chunk := range slices.Chunk(paths, stormWindow) {
		requests := make([]wire.Request, len(chunk))
		for i, path := range chunk {
			requests[i] = wire.Request{Op: wire.OpGetData, Path: path, Watch: true}
		}
		if err := c.send(ctx, requests...); err != nil {
			return err
		}
		for _, path := range chunk {
			if _, err := c.receive(ctx); err != nil {
				return fmt.Errorf("getData %s: %w", path, err)
			}
		}
	}
	return nil
}

func changeAll(ctx context.Context, b *broker, paths []string) error {
	changes := make([]wire.Request, len(paths))
	for i, path := range paths {
		changes[i] = client.SetOp(path, assignment(2), client.AnyVersion)
	}
	return b.pipelineAll(ctx, stormWindow, changes)
}

// setWatchesRequests divides the paths as ZooKeeper's client does.
func setWatchesRequests(paths []string, seen wire.Zxid) []wire.Request {
	var requests []wire.Request
	size := setWatchesBytes
	for _, path := range paths {
		if size += 4 + len(path); size > setWatchesBytes {
			requests = append(requests, wire.Request{Op: wire.OpSetWatches, RelativeZxid: seen})
			size = 4 + len(path)
		}
		r := &requests[len(requests)-1]
		r.DataWatches = append(r.DataWatches, path)
	}
	return requests
}
