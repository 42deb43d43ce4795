package view

import (
	"sync"

	"kafkacoord/coord/client"
)

// message is what a client tells: the result of a job, or an event.
type message struct {
	job    job // with a path, unless this is an event
	result client.Result
	event  client.Event
}

// inbox hands messages from the client's goroutines to the one that owns the
// view, which takes all that wait at once. It is bounded by the requests in
// flight and by the client's limit of events.
type inbox struct {
	mu       sync.Mutex
	messages []message
	wake     chan struct{} // one slot: there are messages
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

func (b *inbox) add(m message) {
	b.mu.Lock()
	b.messages = append(b.messages, m)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// take gives all messages and keeps spare, which is emptied, for the next ones.
func (b *inbox) take(spare []message) []message {
	clear(spare)
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.messages
	b.messages = spare[:0]
	return taken
}

func (b *inbox) waiting() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.messages) > 0
}
