package session

import (
	"cmp"
	"iter"
	"maps"
	"slices"

	"kafkacoord/coord/wire"
)

// Session is one client session. Callers outside this package only read it.
type Session struct {
	ID wire.SessionID
	// Timeout in ms is the replicated one, from the session's creation. A
	// connection may have negotiated another, which it passes to Touch.
	Timeout int32

	closing  bool
	owner    uint64      // 0: none known yet
	deadline wire.Millis // the bucket the last touch asks for
	queued   wire.Millis // the bucket that holds the session: queued <= deadline
	slot     int         // index in that bucket; -1 when in none, as while closing
}

// Closing tells whether the session is expired or being closed: it may not be
// reattached or touched any more.
func (s *Session) Closing() bool { return s.closing }

// Owner is who may write for the session; 0 when nobody has claimed it.
func (s *Session) Owner() uint64 { return s.owner }

// Deadline is the time at which the session expires if it is not touched again.
func (s *Session) Deadline() wire.Millis { return s.deadline }

// Table holds the sessions of a server.
type Table struct {
	tick     wire.Millis
	sessions map[wire.SessionID]*Session
	queue    []bucket     // ascending by time, no bucket empty
	spare    [][]*Session // emptied lists for reuse, at most spareMax
}

// bucket holds the sessions that are looked at when the clock reaches at.
type bucket struct {
	at       wire.Millis
	sessions []*Session
}

const spareMax = 8

// New returns an empty table with buckets of the given length in ms, which is
// ZooKeeper's tickTime; less than 1 counts as 1.
func New(tick wire.Millis) *Table {
	return &Table{tick: max(tick, 1), sessions: make(map[wire.SessionID]*Session)}
}

// bucketOf is the time at which a session touched now expires: the first tick
// boundary after now+timeout (ZooKeeper: ExpiryQueue.java roundToNextInterval).
func (t *Table) bucketOf(now wire.Millis, timeout int32) wire.Millis {
	return ((now+wire.Millis(timeout))/t.tick + 1) * t.tick
}

// Len is the number of sessions, closing ones included.
func (t *Table) Len() int { return len(t.sessions) }

// Get returns the session with the given id, or nil when it is unknown.
func (t *Table) Get(id wire.SessionID) *Session { return t.sessions[id] }

// Create adds a session with the given timeout in ms and touches it. Creating
// one that exists, as replaying a log onto a newer snapshot does, sets its
// timeout and touches it, but leaves owner and closing as they are.
func (t *Table) Create(id wire.SessionID, timeout int32, now wire.Millis) *Session {
	if s := t.sessions[id]; s != nil {
		s.Timeout = timeout
		t.Touch(s, timeout, now)
		return s
	}
	s := &Session{ID: id, Timeout: timeout, deadline: t.bucketOf(now, timeout)}
	t.sessions[id] = s
	t.enqueue(s, s.deadline)
	return s
}

// Remove forgets the session with the given id; an unknown id is no error.
func (t *Table) Remove(id wire.SessionID) {
	s := t.sessions[id]
	if s == nil {
		return
	}
	t.dequeue(s)
	s.closing = true // for those who still hold the pointer
	delete(t.sessions, id)
}

// Touch moves the deadline of s to timeout ms after now, rounded up to the next
// bucket. It does nothing to a closing session. Only a deadline earlier than
// the one the session waits for, after a shorter timeout was negotiated,
// touches any structure.
func (t *Table) Touch(s *Session, timeout int32, now wire.Millis) {
	if s.closing {
		return
	}
	s.deadline = t.bucketOf(now, timeout)
	if s.deadline < s.queued {
		t.dequeue(s)
		t.enqueue(s, s.deadline)
	}
}

// TouchAll gives every session its full timeout from now and forgets owners and
// closing marks. A server calls it when it starts to lead: what its predecessor
// knew of owners, or was about to close, is gone.
func (t *Table) TouchAll(now wire.Millis) {
	t.queue = nil
	for _, s := range t.inOrder() {
		s.closing, s.owner = false, 0
		s.deadline = t.bucketOf(now, s.Timeout)
		t.enqueue(s, s.deadline)
	}
}

// SetOwner records who may write for the session: at its creation and whenever
// a client reattaches.
func (t *Table) SetOwner(s *Session, owner uint64) { s.owner = owner }

// Check tells whether owner may act for a session: wire.OK, or UnknownSession,
// or SessionExpired when it is closing, or SessionMoved when it belongs to
// another owner. The first owner to ask for a session that has none gets it.
// Owner 0 skips that part. ZooKeeper: SessionTrackerImpl.java checkSession.
func (t *Table) Check(id wire.SessionID, owner uint64) wire.Code {
	s := t.sessions[id]
	switch {
	case s == nil:
		return wire.UnknownSession
	case s.closing:
		return wire.SessionExpired
	case owner == 0 || owner == s.owner:
		return wire.OK
	case s.owner == 0:
		s.owner = owner
		return wire.OK
	default:
		return wire.SessionMoved
	}
}

// SetClosing marks a session whose close has been ordered. It stays known until
// Remove and is not expired any more.
func (t *Table) SetClosing(s *Session) {
	t.dequeue(s)
	s.closing = true
}

// Expire appends to dst the sessions whose bucket has come due by now, in the
// order of their buckets, and marks them closing.
func (t *Table) Expire(now wire.Millis, dst []wire.SessionID) []wire.SessionID {
	for len(t.queue) > 0 && t.queue[0].at <= now {
		b := t.queue[0]
		t.queue = slices.Delete(t.queue, 0, 1)
		for _, s := range b.sessions {
			s.slot = -1
			if s.deadline > b.at { // touched since it was put here
				t.enqueue(s, s.deadline)
				continue
			}
			s.closing = true
			dst = append(dst, s.ID)
		}
		t.recycle(b.sessions)
	}
	return dst
}

// NextDeadline is when Expire is next worth calling: the time of the first
// bucket, which may turn out to hold only sessions touched since. It is never
// before now; without sessions it is the next tick boundary.
func (t *Table) NextDeadline(now wire.Millis) wire.Millis {
	if len(t.queue) == 0 {
		return t.bucketOf(now, 0)
	}
	return max(now, t.queue[0].at)
}

// Timeouts copies id and replicated timeout (ms) of every session: what a
// snapshot stores.
func (t *Table) Timeouts() map[wire.SessionID]int32 {
	m := make(map[wire.SessionID]int32, len(t.sessions))
	for id, s := range t.sessions {
		m[id] = s.Timeout
	}
	return m
}

// All walks the sessions in the order of their ids. The table may be changed
// meanwhile; the walk shows the sessions it began with.
func (t *Table) All() iter.Seq[*Session] { return slices.Values(t.inOrder()) }

func (t *Table) inOrder() []*Session {
	return slices.SortedFunc(maps.Values(t.sessions), func(a, b *Session) int { return cmp.Compare(a.ID, b.ID) })
}

// Bucket is a set of sessions that expire together, as the four-letter word
// dump prints it.
type Bucket struct {
	At       wire.Millis // on the clock the table is driven by
	Sessions []wire.SessionID
}

// Buckets lists the sessions that are not closing by deadline, earliest first,
// and by id within a bucket.
func (t *Table) Buckets() []Bucket {
	byTime := make(map[wire.Millis][]wire.SessionID)
	for _, s := range t.inOrder() {
		if !s.closing {
			byTime[s.deadline] = append(byTime[s.deadline], s.ID)
		}
	}
	out := make([]Bucket, 0, len(byTime))
	for _, at := range slices.Sorted(maps.Keys(byTime)) {
		out = append(out, Bucket{At: at, Sessions: byTime[at]})
	}
	return out
}

func (t *Table) find(at wire.Millis) (int, bool) {
	return slices.BinarySearchFunc(t.queue, at, func(b bucket, at wire.Millis) int { return cmp.Compare(b.at, at) })
}

func (t *Table) enqueue(s *Session, at wire.Millis) {
	i, found := t.find(at)
	if !found {
		var list []*Session
		if n := len(t.spare); n > 0 {
			list, t.spare = t.spare[n-1], t.spare[:n-1]
		}
		t.queue = slices.Insert(t.queue, i, bucket{at: at, sessions: list})
	}
	b := &t.queue[i]
	s.queued, s.slot = at, len(b.sessions)
	b.sessions = append(b.sessions, s)
}

// dequeue takes s out of its bucket; the bucket's last session takes its slot.
func (t *Table) dequeue(s *Session) {
	if s.slot < 0 {
		return
	}
	i, found := t.find(s.queued)
	if !found {
		return
	}
	b := &t.queue[i]
	last := len(b.sessions) - 1
	b.sessions[s.slot] = b.sessions[last]
	b.sessions[s.slot].slot = s.slot
	b.sessions[last] = nil
	b.sessions = b.sessions[:last]
	s.slot = -1
	if last == 0 {
		t.recycle(b.sessions)
		t.queue = slices.Delete(t.queue, i, i+1)
	}
}

func (t *Table) recycle(list []*Session) {
	if len(t.spare) < spareMax {
		clear(list)
		t.spare = append(t.spare, list[:0])
	}
}
