package client

import (
	"strconv"
	"sync"

	"kafkacoord/coord/wire"
)

// State is where a session stands.
type State int

// The states. The last three are final.
const (
	Connecting        State = iota // no connection; requests wait
	Connected                      // serving
	ConnectedReadOnly              // serving reads only
	Expired                        // the servers have ended the session
	AuthFailed                     // a server refused the credentials
	Closed                         // Close was called
)

var stateNames = [...]string{"connecting", "connected", "connected read-only", "expired", "authentication failed", "closed"}

// String names the state in words.
func (s State) String() string {
	if s < 0 || int(s) >= len(stateNames) {
		return "state " + strconv.Itoa(int(s))
	}
	return stateNames[s]
}

// EventSession is the type of events that tell of a new State
// (ZooKeeper: Watcher.Event.EventType.None).
const EventSession wire.EventType = -1

// Event is a watch event or, with type EventSession, a change of the session's
// state.
type Event struct {
	Type wire.EventType
	Path string    // without the chroot; "" with EventSession
	Zxid wire.Zxid // of the change; -1 from servers before 3.9 and for replays
	// State is the new state with EventSession; Server is the address that was
	// connected or lost, and Err why it was lost.
	State  State
	Server string
	Err    error
}

// eventQueue hands events to one goroutine that calls the handler.
type eventQueue struct {
	handler func(Event)
	max     int

	mu     sync.Mutex
	wake   *sync.Cond
	queue  []Event
	closed bool
}

func newEventQueue(handler func(Event), limit int) *eventQueue {
	q := &eventQueue{handler: handler, max: limit}
	q.wake = sync.NewCond(&q.mu)
	return q
}

// add queues an event and reports false when the queue is full. Session events
// are always taken: there are few, and they say what the others mean.
func (q *eventQueue) add(e Event) bool {
	if q.handler == nil {
		return true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queue) >= q.max && e.Type != EventSession {
		return false
	}
	q.queue = append(q.queue, e)
	q.wake.Signal()
	return true
}

// run calls the handler until close was called and the queue is empty.
func (q *eventQueue) run() {
	for {
		q.mu.Lock()
		for len(q.queue) == 0 && !q.closed {
			q.wake.Wait()
		}
		batch := q.queue
		q.queue = nil
		q.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		for _, e := range batch {
			q.handler(e)
		}
	}
}

func (q *eventQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wake.Signal()
}
