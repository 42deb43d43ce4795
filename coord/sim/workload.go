package sim

import (
	"fmt"
	"strings"

	"kafkacoord/coord/wire"
)

// The nodes that clients work on. Registers are written, compared and read for
// the check of linearizability; the pair is only changed together.
const (
	registers  = 3
	queuePath  = "/queue"
	ephemerals = "/ephemeral"
	pairLeft   = "/pair-a"
	pairRight  = "/pair-b"
	togglePath = "/toggle" // comes and goes
)

var watchedPaths = func() []string {
	paths := []string{pairLeft, pairRight, togglePath}
	for i := range registers {
		paths = append(paths, registerPath(i))
	}
	return paths
}()

func registerPath(i int) string { return fmt.Sprintf("/register-%d", i) }

const outstandingMax = 6

// workload is what one client does.
type workload struct {
	client   *client
	world    *World
	values   int              // written so far, to make each unique
	versions [registers]int32 // last seen
	queued   []string         // own nodes of the queue
	newest   string           // of them
	running  bool
	probe    func() // what it does instead, at the end of a run
}

// connected begins, or goes on, once there is a session.
func (l *workload) connected(fresh bool) {
	if fresh {
		l.newest, l.queued = "", nil
	}
	if l.probe != nil {
		l.probe()
		return
	}
	if !l.world.ready {
		l.prepare()
		return
	}
	l.run()
}

// prepare makes the nodes that everyone works on; the first client does it.
func (l *workload) prepare() {
	if l.client.number != 0 {
		return
	}
	paths := []string{queuePath, ephemerals, pairLeft, pairRight}
	for i := range registers {
		paths = append(paths, registerPath(i))
	}
	left := len(paths)
	for _, path := range paths {
		l.client.send(&call{op: wire.OpCreate, path: path, done: func(h wire.ReplyHeader, _ wire.Reply) {
			if h.Err == wire.OK || h.Err == wire.NodeExists {
				left--
			}
			if left == 0 {
				l.world.prepared()
			}
		}}, create(path, 0, ""))
	}
}

func create(path string, flags int32, data string) *wire.Request {
	return &wire.Request{Op: wire.OpCreate, Path: path, Data: []byte(data), ACL: wire.OpenACL, Flags: flags}
}

// prepared lets all clients begin.
func (w *World) prepared() {
	w.ready = true
	w.tracef("the nodes to work on are there")
	for _, c := range w.clients {
		c.work.run()
	}
}

// run asks for one thing after another.
func (l *workload) run() {
	if l.running {
		return
	}
	l.running = true
	l.pause()
}

func (l *workload) pause() {
	l.world.after(l.world.between(2*Millisecond, 60*Millisecond), func() {
		if l.client.idle {
			l.running = false
			return
		}
		if l.client.ready() && len(l.client.pending) < outstandingMax {
			l.one()
		}
		l.pause()
	})
}

func (l *workload) value() string {
	l.values++
	return fmt.Sprintf("%d.%d", l.client.number, l.values)
}

// one sends one operation, or a few that belong together.
func (l *workload) one() {
	r := l.world.random
	register := r.IntN(registers)
	switch n := r.IntN(100); {
	case n < 20:
		l.write(register, -1)
	case n < 32:
		l.write(register, l.versions[register])
	case n < 52:
		l.syncRead(register)
	case n < 62:
		l.look(watchedPaths[r.IntN(len(watchedPaths))], true)
	case n < 70:
		l.look(watchedPaths[r.IntN(len(watchedPaths))], false)
	case n < 78:
		l.enqueue()
	case n < 83:
		l.dequeue()
	case n < 88:
		l.setPair()
	case n < 92:
		l.readPair()
	case n < 96:
		l.toggle()
	case n < 98:
		path := fmt.Sprintf("%s/%d-%d", ephemerals, l.client.number, r.IntN(3))
		l.client.send(&call{op: wire.OpCreate, path: path}, create(path, wire.FlagEphemeral, ""))
	case n < 99 && r.IntN(4) == 0:
		l.client.send(&call{op: wire.OpCloseSession}, &wire.Request{Op: wire.OpCloseSession})
	default:
		l.client.drop()
	}
}

// write sets a register, on condition of a version unless that is -1.
func (l *workload) write(register int, version int32) {
	path, value := registerPath(register), l.value()
	o := l.world.record(l.client, Operation{Register: register, Write: true, Value: value, Condition: version})
	l.client.send(&call{
		op: wire.OpSetData, path: path,
		done: func(h wire.ReplyHeader, reply wire.Reply) {
			if h.Err == wire.OK || h.Err == wire.BadVersion {
				l.world.finish(o, h.Err == wire.OK, reply.Stat.Version, "")
			}
			if h.Err == wire.OK {
				l.versions[register] = reply.Stat.Version
			}
		},
	}, &wire.Request{Op: wire.OpSetData, Path: path, Data: []byte(value), Version: version})
}

// syncRead reads a register behind a sync, so that it must be up to date.
func (l *workload) syncRead(register int) {
	path := registerPath(register)
	o := l.world.record(l.client, Operation{Register: register})
	l.client.send(&call{op: wire.OpSync, path: path}, &wire.Request{Op: wire.OpSync, Path: path})
	l.client.send(&call{
		op: wire.OpGetData, path: path,
		done: func(h wire.ReplyHeader, reply wire.Reply) {
			if h.Err == wire.OK {
				l.versions[register] = reply.Stat.Version
				l.world.finish(o, true, reply.Stat.Version, string(reply.Data))
			}
		},
	}, &wire.Request{Op: wire.OpGetData, Path: path})
}

// look reads a node, and may set a watch.
func (l *workload) look(path string, watch bool) {
	op := wire.OpGetData
	if path == togglePath {
		op = wire.OpExists
	}
	l.client.send(&call{op: op, path: path, watch: watch}, &wire.Request{Op: op, Path: path, Watch: watch})
}

// enqueue makes a sequential node. The names that a session gets ascend.
func (l *workload) enqueue() {
	session := l.client.session
	l.client.send(&call{
		op: wire.OpCreate, path: queuePath,
		done: func(h wire.ReplyHeader, reply wire.Reply) {
			if h.Err != wire.OK {
				return
			}
			if owner, taken := l.world.taken[reply.Path]; taken || reply.Path <= l.newest {
				l.world.fail("session %v made %s after %s, which session %v has (taken: %v)", session, reply.Path, l.newest, owner, taken)
				return
			}
			l.world.taken[reply.Path] = session
			l.newest = reply.Path
			l.queued = append(l.queued, reply.Path)
		},
	}, create(queuePath+"/n-", wire.FlagPersistentSequential, ""))
}

func (l *workload) dequeue() {
	if len(l.queued) == 0 {
		return
	}
	path := l.queued[0]
	l.queued = l.queued[1:]
	l.client.send(&call{op: wire.OpDelete, path: path}, &wire.Request{Op: wire.OpDelete, Path: path, Version: -1})
}

// setPair changes two nodes in one multi.
func (l *workload) setPair() {
	value := []byte(l.value())
	l.client.send(&call{op: wire.OpMulti}, &wire.Request{Op: wire.OpMulti, Subs: []wire.Request{
		{Op: wire.OpSetData, Path: pairLeft, Data: value, Version: -1},
		{Op: wire.OpCheck, Path: pairRight, Version: -1},
		{Op: wire.OpSetData, Path: pairRight, Data: value, Version: -1},
	}})
}

// readPair must never see half of a change.
func (l *workload) readPair() {
	l.client.send(&call{
		op: wire.OpMultiRead,
		done: func(h wire.ReplyHeader, reply wire.Reply) {
			if h.Err != wire.OK || len(reply.Results) != 2 {
				return
			}
			left, right := string(reply.Results[0].Reply.Data), string(reply.Results[1].Reply.Data)
			if left != right {
				l.world.fail("session %v sees half of a multi: %q and %q", l.client.session, left, right)
			}
		},
	}, &wire.Request{Op: wire.OpMultiRead, Subs: []wire.Request{
		{Op: wire.OpGetData, Path: pairLeft}, {Op: wire.OpGetData, Path: pairRight},
	}})
}

// toggle makes or removes a node that others watch for.
func (l *workload) toggle() {
	if l.world.chance(0.5) {
		l.client.send(&call{op: wire.OpCreate, path: togglePath}, create(togglePath, 0, strings.Repeat("x", l.values%50)))
		return
	}
	l.client.send(&call{op: wire.OpDelete, path: togglePath}, &wire.Request{Op: wire.OpDelete, Path: togglePath, Version: -1})
}
