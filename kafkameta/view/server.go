package view

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/model"
)

// ErrNoChroot says that the node under which the cluster should be is not
// there: the connect string of the brokers names another one, or none of them
// has ever started.
var ErrNoChroot = errors.New("the chroot does not exist")

// ACLScope says of which nodes a live server is asked for the ACL: it takes a
// request of its own.
type ACLScope uint8

// The scopes.
const (
	// ACLsOutsidePartitions is all but the nodes of partitions and their
	// states, which are most of a tree and get the ACL of their topic.
	ACLsOutsidePartitions ACLScope = iota
	ACLsOfAll
	ACLsOfNone
)

// Server says which live server to read, and how.
type Server struct {
	// Client says where and how to connect; its Chroot is the cluster's. Its
	// OnEvent must be nil.
	Client client.Config
	ACLs   ACLScope
	// OneShotWatches does without the recursive watch that servers have since
	// 3.6, as for older ones.
	OneShotWatches bool
}

// LoadServer reads a cluster from a live server: some two requests a partition,
// many at a time. Nothing is written but the session itself.
//
// Errors: ErrNoChroot, those of client.Dial, the end of the session, and ctx's.
func LoadServer(ctx context.Context, s Server) (*View, error) {
	r, err := newReader(s)
	if err != nil {
		return nil, err
	}
	r.rereadsMax = rereadsMax
	if err := r.dial(ctx); err != nil {
		return nil, err
	}
	defer func() { _ = r.client.Close() }() // nothing was written that could be lost
	if err := r.load(ctx); err != nil {
		return nil, fmt.Errorf("view: load %s from %s: %w", r.view.Chroot, r.client.Server(), err)
	}
	return r.view, nil
}

// newReader prepares to read a server into an empty view.
func newReader(s Server) (*reader, error) {
	if s.Client.OnEvent != nil {
		return nil, fmt.Errorf("view: %w: OnEvent is taken", client.ErrConfig)
	}
	chroot, err := model.ParseChroot(s.Client.Chroot)
	if err != nil {
		return nil, fmt.Errorf("view: %w", err)
	}
	r := &reader{server: s, view: newView(Source{Kind: LiveServer}, chroot), window: windowMax, inbox: newInbox()}
	if s.Client.OutstandingMax > 0 {
		r.window = min(r.window, s.Client.OutstandingMax)
	}
	return r, nil
}

// dial opens a session whose events come to the inbox.
func (r *reader) dial(ctx context.Context) error {
	config := r.server.Client
	inbox := r.inbox // a later session has another one
	config.OnEvent = func(e client.Event) { inbox.add(message{event: e}) }
	r.connected = false
	c, err := client.Dial(ctx, config)
	if err != nil {
		return fmt.Errorf("view: %w", err)
	}
	r.client = c
	r.recursive = !r.server.OneShotWatches
	if !r.recursive {
		return nil
	}
	err = c.AddWatch(ctx, model.RootPath, wire.WatchPersistentRecursive)
	if errors.Is(err, client.ErrConnectionLoss) {
		// It may have nothing to do with the operation.
		err = c.AddWatch(ctx, model.RootPath, wire.WatchPersistentRecursive)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, wire.Unimplemented), errors.Is(err, client.ErrConnectionLoss):
		r.recursive = false // a server before 3.6 refuses, or ends the connection
		return nil
	default:
		_ = c.Close() // the first error counts
		return fmt.Errorf("view: watch %s: %w", r.view.Chroot, err)
	}
}

// rereadsMax is how many nodes a load reads again because they have changed
// while it lasts, before it gives the view as it is: twice the nodes of the
// largest cluster that Kafka is made for.
const rereadsMax = 1_000_000

// load reads the whole tree and then what changed meanwhile, until nothing is
// left to read.
func (r *reader) load(ctx context.Context) error {
	r.push(job{path: model.RootPath, deep: true})
	for settled := false; !settled; {
		for !r.idle() || r.inbox.waiting() {
			messages, err := r.wait(ctx)
			if err == nil {
				err = r.process(messages)
			}
			if err != nil {
				return err
			}
		}
		// Events reach us on another way than replies. Those of changes before
		// the reply to this are under way by now at the latest.
		if err := r.client.Sync(ctx, model.RootPath); err != nil && !errors.Is(err, client.ErrConnectionLoss) {
			return err
		}
		settled = !r.inbox.waiting()
	}
	r.settle()
	return nil
}

// settle notes what the view shows now.
func (r *reader) settle() {
	r.view.Zxid = r.client.LastZxid()
	r.view.Taken = time.Now()
	r.view.Source.Name = r.client.Server()
	r.view.HasACLs = r.server.ACLs == ACLsOfAll
}
