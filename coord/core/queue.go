package core

// queue is a first-in first-out queue on a slice that is reused.
type queue[T any] struct {
	items []T
	head  int
}

func (q *queue[T]) len() int { return len(q.items) - q.head }

func (q *queue[T]) front() *T { return &q.items[q.head] }

func (q *queue[T]) last() *T { return &q.items[len(q.items)-1] }

func (q *queue[T]) push(v T) {
	if q.head > 0 && len(q.items) == cap(q.items) && q.head >= len(q.items)/2 {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, v)
}

func (q *queue[T]) pop() {
	var zero T
	q.items[q.head] = zero
	q.head++
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
		if cap(q.items) > 1<<12 {
			q.items = nil
		}
	}
}

// popLast takes the newest element away.
func (q *queue[T]) popLast() {
	var zero T
	q.items[len(q.items)-1] = zero
	q.items = q.items[:len(q.items)-1]
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
}

// arena hands out memory that is never handed out twice: what is still in use
// keeps its block alive, the rest goes with the garbage collector.
type arena struct{ block []byte }

const arenaBlock = 64 << 10

// room returns an empty slice with space for n bytes; commit takes what was
// appended to it.
func (a *arena) room(n int) []byte {
	if cap(a.block)-len(a.block) < n {
		a.block = make([]byte, 0, max(arenaBlock, n))
	}
	return a.block[len(a.block):]
}

// keep takes b, which was appended to the slice that room returned, out of the
// arena's free space.
func (a *arena) keep(b []byte) []byte {
	if len(b) <= cap(a.block)-len(a.block) {
		a.block = a.block[:len(a.block)+len(b)]
	}
	return b[:len(b):len(b)]
}
