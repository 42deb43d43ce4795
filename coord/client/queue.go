package client

import (
	"kafkacoord/coord/wire"
)

// call is one request on its way. Its result is set once, by the goroutine that
// connects and reads.
type call struct {
	op        wire.Op
	path      string // as the caller named it
	outerPath string // as the server knows it
	watch     bool
	kind      int32
	auth      *Auth // what to remember when an auth request succeeds

	xid       int32
	size      int  // bytes of its frame
	taken     bool // given to a writer; guarded by Client.mu
	abandoned bool // nobody waits and it need not be sent; guarded by Client.mu

	result Result
	ready  chan struct{} // one slot; for Do
	done   func(Result)  // for Go
}

// finish hands over the result.
func (k *call) finish(r Result) {
	if r.Err != nil {
		r.Err = &RequestError{Op: k.op, Path: k.path, Err: r.Err}
	}
	if k.done != nil {
		k.done(r)
		return
	}
	k.result = r
	k.ready <- struct{}{}
}

// queue holds encoded requests until a writer takes all of them at once, and
// the calls that were taken until the reader fetches them. Guarded by Client.mu.
type queue struct {
	xid       int32
	bytes     []byte // frames of calls, in order
	calls     []*call
	abandoned int // of calls
	written   []*call
}

// nextXid numbers the next request; after the largest comes 1 again
// (ZooKeeper: ClientCnxn.java).
func nextXid(xid int32) int32 {
	if xid++; xid <= 0 {
		return 1
	}
	return xid
}

func (q *queue) push(k *call, r *wire.Request) {
	if k.op == wire.OpAuth {
		k.xid = wire.XidAuth
	} else {
		q.xid = nextXid(q.xid)
		k.xid = q.xid
	}
	mark := len(q.bytes)
	q.bytes = wire.AppendRequestFrame(q.bytes, k.xid, r)
	k.size = len(q.bytes) - mark
	q.calls = append(q.calls, k)
}

// take hands all frames to a writer, which gives its last buffer back for reuse.
func (q *queue) take(spare []byte) (frames []byte, dropped int) {
	dropped = q.compact()
	for _, k := range q.calls {
		k.taken = true
	}
	q.written = append(q.written, q.calls...)
	clear(q.calls)
	q.calls = q.calls[:0]
	frames, q.bytes = q.bytes, spare[:0]
	return frames, dropped
}

// abandon marks a call that need not be sent and returns how many were dropped.
// The bytes go when half of the calls are such, so that the cost is spread.
func (q *queue) abandon(k *call) (dropped int) {
	if k.taken || k.abandoned {
		return 0
	}
	k.abandoned = true
	q.abandoned++
	if q.abandoned*2 > len(q.calls) {
		return q.compact()
	}
	return 0
}

// compact removes abandoned calls and their bytes.
func (q *queue) compact() (dropped int) {
	if q.abandoned == 0 {
		return 0
	}
	calls, bytes, from := q.calls[:0], q.bytes[:0], 0
	for _, k := range q.calls {
		if !k.abandoned {
			calls = append(calls, k)
			bytes = append(bytes, q.bytes[from:from+k.size]...)
		}
		from += k.size
	}
	clear(q.calls[len(calls):])
	q.calls, q.bytes = calls, bytes
	dropped, q.abandoned = q.abandoned, 0
	return dropped
}

// fetch moves the calls that were written since the last fetch to the reader.
func (q *queue) fetch(to []*call) []*call {
	to = append(to, q.written...)
	clear(q.written)
	q.written = q.written[:0]
	return to
}
