package view

import (
	"context"
	"errors"
	"slices"
	"strings"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/model"
)

// windowMax is how many requests are outstanding at a time. More do not make
// it faster, and a server may stop reading at 1000 (ZooKeeper's
// globalOutstandingLimit).
const windowMax = 900

// job is one request to be made.
type job struct {
	path string
	op   wire.Op // 0 stands for getData
	deep bool    // what is below is read too
	// guess says that nobody has listed the node: its parent has one child,
	// which by Kafka's layout is this.
	guess bool
}

// reader makes a view equal to a server's tree and keeps it so. Everything in
// it is owned by one goroutine, but the inbox.
//
// The order in which it learns of things makes this right: the reply to a read
// is in the inbox before any event of a later change, so that reading again at
// each event ends with the newest state.
type reader struct {
	server    Server
	client    *client.Client
	connected bool // the session's first connection was made
	recursive bool // one recursive watch tells of all changes but those of ACLs
	view      *View
	inbox     *inbox
	spare     []message

	window   int
	jobs     []job            // to be sent, the last one first
	again    []job            // to be sent before jobs, in this order: what events told of
	isAgain  map[job]struct{} // the content of again
	inFlight int
	// rereads are the jobs that events have caused. Beyond rereadsMax, if that
	// is not 0, they are no longer done.
	rereads, rereadsMax int

	// changed hears of each node that is not as it was; nil while nobody
	// listens. One of the two is nil when the node came or went.
	changed func(before, after *Znode)
}

func (r *reader) push(j job) { r.jobs = append(r.jobs, j) }

// readAgain reads a node once more, unless that is to be done anyway.
func (r *reader) readAgain(j job) {
	if _, there := r.isAgain[j]; there || r.tooFast() {
		return
	}
	if r.isAgain == nil {
		r.isAgain = make(map[job]struct{})
	}
	r.isAgain[j] = struct{}{}
	r.again = append(r.again, j)
	r.rereads++
}

// tooFast says whether a load has read so much again that it gives up on what
// changes meanwhile.
func (r *reader) tooFast() bool {
	if r.rereadsMax == 0 || r.rereads < r.rereadsMax {
		return false
	}
	if r.rereads == r.rereadsMax {
		r.rereads++
		r.view.warn("", "the cluster changes faster than it can be read: what the view shows was not all true at one time")
	}
	return true
}

func (r *reader) idle() bool { return len(r.jobs)+len(r.again)+r.inFlight == 0 }

// wait sends what may be sent and waits for messages, which are valid until
// the next call.
func (r *reader) wait(ctx context.Context) ([]message, error) {
	r.send()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-r.client.Done():
		if !r.inbox.waiting() {
			return nil, client.ErrSessionExpired
		}
	case <-r.inbox.wake:
	}
	r.spare = r.inbox.take(r.spare)
	return r.spare, nil
}

func (r *reader) process(messages []message) error {
	for i := range messages {
		if err := r.handle(&messages[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) send() {
	inbox := r.inbox // a later session has another one
	for r.inFlight < r.window && len(r.again)+len(r.jobs) > 0 {
		var j job
		if len(r.again) > 0 {
			j = r.again[0]
			r.again = r.again[1:]
			delete(r.isAgain, j)
		} else {
			j = r.jobs[len(r.jobs)-1]
			r.jobs = r.jobs[:len(r.jobs)-1]
		}
		r.inFlight++
		r.client.Go(r.request(j), func(result client.Result) { inbox.add(message{job: j, result: result}) })
	}
}

func (r *reader) request(j job) *wire.Request {
	request := wire.Request{Op: j.op, Path: j.path}
	if j.op == 0 {
		request.Op = wire.OpGetData
	}
	request.Watch = !r.recursive && j.op != wire.OpGetACL
	return &request
}

func (r *reader) handle(m *message) error {
	if m.job.path == "" {
		r.event(m.event)
		return nil
	}
	r.inFlight--
	err := m.result.Err
	switch {
	case err == nil:
		r.reply(m.job, &m.result.Reply)
	case errors.Is(err, client.ErrConnectionLoss), errors.Is(err, client.ErrQueueFull):
		r.push(m.job)
	case errors.Is(err, wire.NoNode):
		return r.missing(m.job)
	case errors.Is(err, wire.NoAuth):
		r.unreadable(m.job)
	default:
		return err
	}
	return nil
}

// event queues what a change makes to be read again.
func (r *reader) event(e client.Event) {
	if isReserved(r.view.Chroot, e.Path) {
		return
	}
	switch e.Type {
	case client.EventSession:
		// A recursive watch misses what happens while there is no connection;
		// one-shot watches are set again by the client and fire for it.
		if e.State != client.Connected && e.State != client.ConnectedReadOnly {
			return
		}
		if r.connected && r.recursive {
			r.readAgain(job{path: model.RootPath, deep: true})
		}
		r.connected = true
	case wire.EventNodeChildrenChanged:
		r.readAgain(job{path: e.Path, op: wire.OpGetChildren2})
	case wire.EventNodeCreated, wire.EventNodeDeleted:
		if r.recursive && e.Path != model.RootPath {
			r.readAgain(job{path: parentOf(e.Path)}) // its Stat
		}
		r.readAgain(job{path: e.Path})
	default:
		r.readAgain(job{path: e.Path})
	}
}

func (r *reader) reply(j job, reply *wire.Reply) {
	switch j.op {
	case wire.OpGetACL:
		if z := r.view.At(j.path); z != nil && !slices.Equal(z.ACL, reply.ACL) {
			r.replaced(z, r.view.with(z, func(c *Znode) { c.ACL, c.Stat.Aversion = reply.ACL, reply.Stat.Aversion }))
		}
	case wire.OpGetChildren2:
		r.children(j, reply)
	case wire.OpExists:
		r.node(j, unreadableZnode(j.path, reply.Stat))
	default:
		r.node(j, newZnode(j.path, reply.Data, reply.Stat, nil))
	}
}

// node takes a new reading of a node.
func (r *reader) node(j job, z *Znode) {
	old := r.view.At(j.path)
	if old != nil {
		z.listed = old.listed
		if old.Stat.Czxid != z.Stat.Czxid {
			// Another node of the same name: nothing below is what it was.
			r.gone(old)
			old, z.listed = nil, 0
		}
	}
	switch {
	case old != nil && old.sameAs(z):
		z = old
	case !r.view.put(z):
		r.readAgain(job{path: parentOf(j.path), deep: true})
		return
	default:
		r.replaced(old, z)
	}
	if j.guess && z.parent.Stat.NumChildren == 1 {
		z.parent.listed = z.parent.Stat.Pzxid
	}
	if z.ACL == nil && r.wantsACL(z) {
		r.push(job{path: z.Path, op: wire.OpGetACL})
	}
	r.below(j, z, old == nil)
}

// below sees to the children of a node that was read.
func (r *reader) below(j job, z *Znode, isNew bool) {
	switch {
	case r.recursive && z.Stat.Pzxid == z.listed && !isNew:
		if j.deep {
			for child := range z.Children() {
				r.push(job{path: child.Path, deep: true})
			}
		}
	case !j.deep && !isNew:
		// Events tell of the children.
	case !r.recursive:
		if z.Stat.NumChildren > 0 || mayHaveChildren(z.Kind) {
			r.push(job{path: z.Path, op: wire.OpGetChildren2, deep: j.deep})
		}
	case z.Stat.NumChildren == 0 && z.firstChild == nil:
		z.listed = z.Stat.Pzxid
	case z.Stat.NumChildren == 1 && z.firstChild == nil && onlyChild(z.Kind) != "":
		r.push(job{path: childPrefix(z.Path) + onlyChild(z.Kind), deep: true, guess: true})
	default:
		r.push(job{path: z.Path, op: wire.OpGetChildren2, deep: j.deep})
	}
}

// children takes a new list of a node's children.
func (r *reader) children(j job, reply *wire.Reply) {
	z := r.view.At(j.path)
	if z == nil {
		return // it went meanwhile, or is read again
	}
	if z.Stat.Mzxid != reply.Stat.Mzxid || z.Stat.Czxid != reply.Stat.Czxid {
		r.readAgain(job{path: j.path})
	} else if z.Stat != reply.Stat {
		z = r.view.with(z, func(c *Znode) { c.Stat = reply.Stat })
	}
	z.listed = reply.Stat.Pzxid
	prefix := childPrefix(z.Path)
	there := make(map[string]struct{}, len(reply.Children))
	for _, name := range reply.Children {
		path := prefix + name
		there[path] = struct{}{}
		if isReserved(r.view.Chroot, path) {
			continue
		}
		if j.deep || r.view.At(path) == nil {
			r.push(job{path: path, deep: true})
		}
	}
	for child := range z.Children() {
		if _, still := there[child.Path]; !still {
			r.gone(child)
		}
	}
}

// missing takes note that a node is not there.
func (r *reader) missing(j job) error {
	if j.path == model.RootPath {
		return ErrNoChroot
	}
	if z := r.view.At(j.path); z != nil {
		r.gone(z)
	}
	if j.guess {
		r.readAgain(job{path: parentOf(j.path), op: wire.OpGetChildren2, deep: true})
	}
	return nil
}

// unreadable takes note that a node is there but not for us.
func (r *reader) unreadable(j job) {
	switch j.op {
	case wire.OpGetACL:
		r.view.warn(j.path, "its ACL may not be read with the credentials given")
	case wire.OpGetChildren2:
		r.view.warn(j.path, "its children may not be listed with the credentials given")
	case wire.OpExists:
		// Since 3.9.3 the Stat takes the permission to read as well.
		r.node(j, unreadableZnode(j.path, wire.Stat{}))
	default:
		r.view.warn(j.path, "its data may not be read with the credentials given")
		j.op = wire.OpExists
		r.push(j)
	}
}

// gone takes a node out of the view with all below it.
func (r *reader) gone(z *Znode) {
	r.view.remove(z, func(z *Znode) { r.replaced(z, nil) })
}

func (r *reader) replaced(before, after *Znode) {
	if r.changed != nil {
		r.changed(before, after)
	}
}

func (r *reader) wantsACL(z *Znode) bool {
	switch r.server.ACLs {
	case ACLsOfAll:
		return true
	case ACLsOfNone:
		return false
	default:
		return z.Kind != model.PartitionDirectory && z.Kind != model.KindPartitionState
	}
}

// onlyChild is the child that Kafka's layout gives a kind with one child.
func onlyChild(k model.Kind) string {
	switch k {
	case model.KindTopic:
		return wire.BaseName(model.PartitionsPath("t"))
	case model.PartitionDirectory:
		return wire.BaseName(model.PartitionStatePath("t", 0))
	default:
		return ""
	}
}

// mayHaveChildren says whether a node without children must be watched for the
// first one.
func mayHaveChildren(k model.Kind) bool {
	switch k {
	case model.KindPartitionState, model.KindBroker, model.KindController, model.DeleteTopicMarker,
		model.KindConfigChange, model.KindISRChange, model.KindLogDirEvent, model.KindTokenChange,
		model.KindLiteralACLChange, model.KindExtendedACLChange, model.KindConsumerOffset, model.KindConsumerOwner:
		return false
	default:
		return true
	}
}

// isReserved says whether a path is ZooKeeper's own, which is no part of a
// cluster at the root of a server.
func isReserved(chroot model.Chroot, path string) bool {
	return chroot == "" && (path == wire.ReservedPath || strings.HasPrefix(path, wire.ReservedPath+"/"))
}
