package session

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"kafkacoord/coord/wire"
)

func TestBucketArithmetic(t *testing.T) {
	cases := []struct {
		tick, now wire.Millis
		timeout   int32
		want      wire.Millis
	}{
		{1000, 0, 2000, 3000}, // seen on the Java server: timeout 2000 is closed after 3.0 s
		{1000, 1, 2000, 3000},
		{1000, 999, 2000, 3000},
		{1000, 1000, 2000, 4000},
		{3000, 0, 6000, 9000},
		{3000, 2999, 6000, 9000},
		{2000, 5, 4000, 6000},
		{2000, 1999, 4000, 6000},
		{1, 7, 10, 18},
		{1000, 1 << 40, 2147483647, ((1<<40+2147483647)/1000 + 1) * 1000},
		{1000, 5000, -100, 5000}, // a damaged timeout falls due at once
	}
	for _, c := range cases {
		table := New(c.tick)
		s := table.Create(1, c.timeout, c.now)
		if s.Deadline() != c.want {
			t.Errorf("tick %d, now %d, timeout %d: deadline %d, want %d", c.tick, c.now, c.timeout, s.Deadline(), c.want)
		}
	}
}

func TestExpireTakesWholeDueBuckets(t *testing.T) {
	table := New(1000)
	a := table.Create(1, 2000, 0) // due at 3000
	table.Create(2, 2000, 999)    // due at 3000
	table.Create(3, 2000, 1000)   // due at 4000
	if got := table.Expire(2999, nil); got != nil {
		t.Fatalf("at 2999 expired %v", got)
	}
	if got, want := table.NextDeadline(100), wire.Millis(3000); got != want {
		t.Errorf("next deadline %d, want %d", got, want)
	}
	if got, want := table.Expire(3000, nil), []wire.SessionID{1, 2}; !slices.Equal(got, want) {
		t.Fatalf("at 3000 expired %v, want %v", got, want)
	}
	if !a.Closing() {
		t.Error("an expired session is not closing")
	}
	if table.Len() != 3 {
		t.Errorf("expired sessions must stay until removed: %d left", table.Len())
	}
	if got := table.Expire(3999, nil); got != nil {
		t.Errorf("expired twice: %v", got)
	}
	if got, want := table.Expire(10_000, []wire.SessionID{9}), []wire.SessionID{9, 3}; !slices.Equal(got, want) {
		t.Errorf("late call expired %v, want %v", got, want)
	}
	if got, want := table.NextDeadline(10_100), wire.Millis(11_000); got != want {
		t.Errorf("next deadline without sessions %d, want %d", got, want)
	}
}

func TestTouch(t *testing.T) {
	table := New(1000)
	s := table.Create(1, 4000, 0) // due at 5000
	table.Touch(s, 4000, 3500)    // due at 8000
	if got := table.Expire(7999, nil); got != nil {
		t.Fatalf("a touched session expired: %v", got)
	}
	table.Touch(s, 1000, 7999) // renegotiated: due at 9000
	table.Touch(s, 20_000, 7999)
	if got := s.Deadline(); got != 28_000 {
		t.Fatalf("deadline %d after the longer timeout", got)
	}
	table.Touch(s, 1000, 8000) // due at 10000, earlier than queued
	if got := table.Expire(9999, nil); got != nil {
		t.Fatalf("expired early: %v", got)
	}
	if got, want := table.Expire(10_000, nil), []wire.SessionID{1}; !slices.Equal(got, want) {
		t.Fatalf("expired %v, want %v", got, want)
	}
	table.Touch(s, 4000, 10_000)
	if s.Deadline() != 10_000 {
		t.Error("a closing session was touched")
	}
}

func TestCreateIsIdempotent(t *testing.T) {
	table := New(1000)
	a := table.Create(7, 2000, 0)
	table.SetOwner(a, 5)
	b := table.Create(7, 4000, 1000)
	if a != b || table.Len() != 1 || b.Timeout != 4000 || b.Owner() != 5 || b.Deadline() != 6000 {
		t.Errorf("second create gave %+v of %d", b, table.Len())
	}
	if got, want := table.Expire(6000, nil), []wire.SessionID{7}; !slices.Equal(got, want) {
		t.Errorf("expired %v, want %v", got, want)
	}
}

func TestCheck(t *testing.T) {
	table := New(1000)
	s := table.Create(1, 2000, 0)
	steps := []struct {
		name  string
		id    wire.SessionID
		owner uint64
		want  wire.Code
	}{
		{"no owner asked for", 1, 0, wire.OK},
		{"unknown", 2, 0, wire.UnknownSession},
		{"first owner claims", 1, 11, wire.OK},
		{"same owner", 1, 11, wire.OK},
		{"another owner", 1, 12, wire.SessionMoved},
		{"no owner asked for again", 1, 0, wire.OK},
	}
	for _, c := range steps {
		if got := table.Check(c.id, c.owner); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	table.SetOwner(s, 12)
	if got := table.Check(1, 11); got != wire.SessionMoved {
		t.Errorf("old owner after the move: %v", got)
	}
	table.SetClosing(s)
	if got := table.Check(1, 11); got != wire.SessionExpired {
		t.Errorf("closing comes before moved: %v", got)
	}
	if got := table.Expire(1<<40, nil); got != nil {
		t.Errorf("a session whose close is ordered expired too: %v", got)
	}
	table.Remove(1)
	table.Remove(1)
	if got := table.Check(1, 12); got != wire.UnknownSession {
		t.Errorf("removed: %v", got)
	}
}

func TestTouchAll(t *testing.T) {
	table := New(1000)
	a := table.Create(1, 2000, 0)
	b := table.Create(2, 4000, 0)
	table.SetOwner(a, 3)
	table.SetClosing(b)
	table.TouchAll(100_000)
	if a.Owner() != 0 || b.Closing() {
		t.Error("owner or closing mark survived")
	}
	want := []Bucket{{At: 103_000, Sessions: []wire.SessionID{1}}, {At: 105_000, Sessions: []wire.SessionID{2}}}
	if got := table.Buckets(); !reflect.DeepEqual(got, want) {
		t.Errorf("buckets %v, want %v", got, want)
	}
	if got, want := table.Expire(104_999, nil), []wire.SessionID{1}; !slices.Equal(got, want) {
		t.Errorf("expired %v, want %v", got, want)
	}
}

func TestListings(t *testing.T) {
	table := New(1000)
	for _, id := range []wire.SessionID{5, 1, 3} {
		table.Create(id, int32(id)*1000, 0)
	}
	table.SetClosing(table.Get(3))
	var ids []wire.SessionID
	for s := range table.All() {
		ids = append(ids, s.ID)
		table.Remove(s.ID)
	}
	if want := []wire.SessionID{1, 3, 5}; !slices.Equal(ids, want) {
		t.Errorf("walked %v, want %v", ids, want)
	}
	if got := table.Timeouts(); len(got) != 0 || len(table.queue) != 0 {
		t.Errorf("left after removing all: %v, queue %v", got, table.queue)
	}
}

// TestAgainstModel compares the lazy buckets with a table that recomputes
// everything, over random operations.
func TestAgainstModel(t *testing.T) {
	for seed := range uint64(200) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { runAgainstModel(t, seed) })
	}
}

func runAgainstModel(t *testing.T, seed uint64) {
	type modelSession struct {
		deadline wire.Millis
		closing  bool
	}
	random := rand.New(rand.NewPCG(seed, 1))
	tick := wire.Millis(1 + random.IntN(50))
	table, model := New(tick), map[wire.SessionID]*modelSession{}
	round := func(now wire.Millis, timeout int32) wire.Millis {
		return ((now+wire.Millis(timeout))/tick + 1) * tick
	}
	now := wire.Millis(random.IntN(1000))
	for range 500 {
		now += wire.Millis(random.IntN(20))
		id, timeout := wire.SessionID(random.IntN(20)), int32(random.IntN(200))
		switch random.IntN(6) {
		case 0:
			table.Create(id, timeout, now)
			if m := model[id]; m == nil {
				model[id] = &modelSession{deadline: round(now, timeout)}
			} else if !m.closing {
				m.deadline = round(now, timeout)
			}
		case 1:
			table.Remove(id)
			delete(model, id)
		case 2, 3:
			if s := table.Get(id); s != nil {
				table.Touch(s, timeout, now)
				if !model[id].closing {
					model[id].deadline = round(now, timeout)
				}
			}
		case 4:
			if s := table.Get(id); s != nil && random.IntN(3) == 0 {
				table.SetClosing(s)
				model[id].closing = true
			}
		case 5:
			var want []wire.SessionID
			for id, m := range model {
				if !m.closing && m.deadline <= now {
					m.closing = true
					want = append(want, id)
				}
			}
			slices.Sort(want)
			got := table.Expire(now, nil)
			if !slices.IsSortedFunc(got, func(a, b wire.SessionID) int {
				return cmp.Compare(table.Get(a).Deadline(), table.Get(b).Deadline())
			}) {
				t.Fatalf("at %d: %v is not in the order of the deadlines", now, got)
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Fatalf("at %d: expired %v, want %v", now, got, want)
			}
		}
		checkQueue(t, table)
	}
}

// checkQueue asserts the invariants of the queue.
func checkQueue(t *testing.T, table *Table) {
	t.Helper()
	queued := 0
	for i, b := range table.queue {
		if len(b.sessions) == 0 || i > 0 && table.queue[i-1].at >= b.at {
			t.Fatalf("bucket %d of %v is empty or out of order", i, table.queue)
		}
		for slot, s := range b.sessions {
			if s.slot != slot || s.queued != b.at || s.deadline < b.at || s.closing || table.Get(s.ID) != s {
				t.Fatalf("bucket at %d holds %+v in slot %d", b.at, *s, slot)
			}
		}
		queued += len(b.sessions)
	}
	for s := range table.All() {
		if !s.closing {
			queued--
		}
	}
	if queued != 0 {
		t.Fatalf("%d sessions queued too many", queued)
	}
}

func TestIDs(t *testing.T) {
	cases := []struct {
		server uint8
		now    wire.Millis
		want   wire.SessionID
	}{
		{1, 0x122ccd, 0x010000122ccd0000}, // the id of the spec's handshake
		{1, 0, 0x0100000000000000},
		{0, 0, 1},                                    // 0 asks for a new session
		{128, 0, -0x7fffffffffffffff},                // the container mark is skipped
		{255, 1<<40 | 5, -0x100000000000000 + 5<<16}, // only 40 bits of the clock count
	}
	for _, c := range cases {
		ids := NewIDs(c.server, c.now)
		if got := ids.Next(); got != c.want {
			t.Errorf("server %d at %d: first id %v, want %v", c.server, c.now, got, c.want)
		}
		if got := ids.Next(); got != c.want+1 {
			t.Errorf("server %d at %d: second id %v, want %v", c.server, c.now, got, c.want+1)
		}
	}
	wrap := IDs{next: containerOwner - 1}
	if a, b := wrap.Next(), wrap.Next(); a != 1<<63-1 || b != -1<<63+1 {
		t.Errorf("around the container mark: %v, %v", a, b)
	}
}

func TestTouchDoesNotAllocate(t *testing.T) {
	table := New(1000)
	s := table.Create(1, 4000, 0)
	now := wire.Millis(0)
	if n := testing.AllocsPerRun(1000, func() { now++; table.Touch(s, 4000, now) }); n != 0 {
		t.Errorf("a touch allocates %v times", n)
	}
}

func BenchmarkTouch(b *testing.B) {
	table := New(1000)
	s := table.Create(1, 4000, 0)
	now := wire.Millis(0)
	for b.Loop() {
		now++
		table.Touch(s, 4000, now)
	}
}

// BenchmarkExpireTouched is the cost of a due bucket of 10,000 live sessions.
func BenchmarkExpireTouched(b *testing.B) {
	table := New(1000)
	for id := range wire.SessionID(10_000) {
		table.Create(id, 10_000, 0)
	}
	now := wire.Millis(0)
	var dst []wire.SessionID
	for b.Loop() {
		now += 11_000
		for _, s := range table.sessions {
			table.Touch(s, 10_000, now)
		}
		if dst = table.Expire(now, dst[:0]); len(dst) != 0 {
			b.Fatal("expired", len(dst))
		}
	}
}
