package zab

import (
	"slices"
	"strconv"
	"testing"

	"kafkacoord/coord/wire"
)

// among makes the function that quorum rules ask.
func among(ids ...wire.PeerID) func(wire.PeerID) bool {
	return func(id wire.PeerID) bool { return slices.Contains(ids, id) }
}

func TestQuorumRules(t *testing.T) {
	grouped := func(weights ...int64) []Member {
		var servers []Member
		for i, weight := range weights {
			servers = append(servers, Member{ID: wire.PeerID(i + 1), Weight: weight})
		}
		return servers
	}
	three := map[int64][]wire.PeerID{1: {1, 2, 3}, 2: {4, 5, 6}, 3: {7, 8, 9}}
	withObserver := []Member{{ID: 1}, {ID: 2}, {ID: 3}, {ID: 4, Observer: true}, {ID: 5, Observer: true}}
	for _, c := range []struct {
		name string
		list Membership
		in   []wire.PeerID
		want bool
	}{
		{"nobody", Membership{}, []wire.PeerID{1}, false},
		{"one of one", voters(t, 1), []wire.PeerID{1}, true},
		{"none of one", voters(t, 1), nil, false},
		{"one of two", voters(t, 1, 2), []wire.PeerID{1}, false},
		{"two of three", voters(t, 1, 2, 3), []wire.PeerID{1, 3}, true},
		{"two of four", voters(t, 1, 2, 3, 4), []wire.PeerID{1, 3}, false},
		{"strangers do not count", voters(t, 1, 2, 3), []wire.PeerID{1, 7, 8}, false},
		{"observers do not count", members(t, withObserver, nil, 0), []wire.PeerID{1, 4, 5}, false},
		{"nor are they needed", members(t, withObserver, nil, 0), []wire.PeerID{1, 2}, true},

		{"two in two groups of three", members(t, grouped(1, 1, 1, 1, 1, 1, 1, 1, 1), three, 0), []wire.PeerID{1, 2, 4, 5}, true},
		{"all of one group", members(t, grouped(1, 1, 1, 1, 1, 1, 1, 1, 1), three, 0), []wire.PeerID{1, 2, 3, 4, 7}, false},
		{"weight decides", members(t, grouped(5, 1, 1, 5, 1, 1, 1, 1, 1), three, 0), []wire.PeerID{1, 4}, true},
		{"half the weight does not", members(t, grouped(2, 1, 1, 2, 1, 1, 1, 1, 1), three, 0), []wire.PeerID{1, 4}, false},
		{"groups without weight do not count", members(t, grouped(1, 1, 1, 0, 0, 0, 0, 0, 0), three, 0), []wire.PeerID{1, 2}, true},
		{"two groups are needed of two", members(t, grouped(1, 1, 1, 1, 1, 1, 0, 0, 0), three, 0), []wire.PeerID{1, 2}, false},
		{"no weight at all", members(t, grouped(0, 0, 0, 0, 0, 0, 0, 0, 0), three, 0), []wire.PeerID{1, 2, 3, 4, 5, 6, 7, 8, 9}, false},
		{
			"an observer's weight is missing",
			members(t, []Member{{ID: 1, Weight: 1}, {ID: 2, Weight: 1, Observer: true}}, map[int64][]wire.PeerID{1: {1, 2}}, 0),
			[]wire.PeerID{1, 2},
			false,
		},
	} {
		if got := c.list.Quorum(among(c.in...)); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestQuorumsOfAllLists(t *testing.T) {
	old, configured := voters(t, 1, 2, 3), voters(t, 3, 4, 5)
	q := newQuorums(&Config{Members: configured, Committed: &old})
	for _, c := range []struct {
		in      []wire.PeerID
		missing string
	}{
		{nil, "2 of server.3, server.4, server.5 (configured list) and 2 of server.1, server.2, server.3 (list agreed on before)"},
		{[]wire.PeerID{3, 4}, "one of server.1, server.2 (list agreed on before)"},
		{[]wire.PeerID{1, 2, 9}, "2 of server.3, server.4, server.5 (configured list)"},
		{[]wire.PeerID{3, 4, 1}, ""},
		{[]wire.PeerID{1, 2, 4, 5}, ""},
	} {
		if got := q.missing(among(c.in...)); got != c.missing {
			t.Errorf("%v: %q is missing, want %q", c.in, got, c.missing)
		}
		if got := q.has(among(c.in...)); got != (c.missing == "") {
			t.Errorf("%v: a quorum: %v", c.in, got)
		}
	}
	if !slices.Equal(q.voters, []wire.PeerID{1, 2, 3, 4, 5}) || !q.voter(1) || !q.voter(5) || q.voter(6) {
		t.Errorf("voters: %v", q.voters)
	}
}

func TestQuorumsMissing(t *testing.T) {
	grouped := []Member{{ID: 1, Weight: 1}, {ID: 2, Weight: 0}, {ID: 3, Weight: 3}}
	for _, c := range []struct {
		list Membership
		in   []wire.PeerID
		want string
	}{
		{voters(t, 1, 2, 3), []wire.PeerID{1}, "one of server.2, server.3"},
		{voters(t, 1, 2), []wire.PeerID{1}, "server.2"},
		{voters(t, 1, 2, 3, 4, 5), []wire.PeerID{5}, "2 of server.1, server.2, server.3, server.4"},
		{Membership{}, nil, "a list with voters"},
		{
			members(t, grouped, map[int64][]wire.PeerID{1: {1, 2, 3}}, 0),
			[]wire.PeerID{1},
			"a majority of weight in most groups, from server.3",
		},
	} {
		if got := newQuorums(&Config{Members: c.list}).missing(among(c.in...)); got != c.want {
			t.Errorf("%v of %v: %q is missing, want %q", c.in, c.list.Voters(), got, c.want)
		}
	}
}

func TestQuorumsChange(t *testing.T) {
	a, b, c := voters(t, 1, 2, 3), voters(t, 1, 2, 4), voters(t, 1, 2, 5)
	sameAsA := voters(t, 1, 2, 3)
	q := newQuorums(&Config{Members: a})
	step := func(name string, changed, want bool, committed, pending *Membership, lists int) {
		t.Helper()
		if changed != want || q.committed != committed || q.pending != pending || len(q.lists) != lists {
			t.Errorf("%s: changed %v, committed %p, pending %p, %d lists", name, changed, q.committed, q.pending, len(q.lists))
		}
	}
	step("the configured list is kept too", q.seen(&sameAsA), true, nil, &sameAsA, 1)
	step("seen again", q.seen(&a), false, nil, &sameAsA, 1)
	step("agreed", q.commit(&a), true, &a, nil, 1)
	step("agreed again", q.commit(&sameAsA), false, &a, nil, 1)
	step("nothing pending", q.seen(&sameAsA), false, &a, nil, 1)
	step("another", q.seen(&b), true, &a, &b, 2)
	if !q.voter(4) {
		t.Error("the pending list does not count")
	}
	step("a later leader's", q.seen(&c), true, &a, &c, 2)
	step("agreed on the old one", q.commit(&sameAsA), true, &sameAsA, nil, 1)
	step("another", q.seen(&b), true, &sameAsA, &b, 2)
	step("agreed on it", q.commit(&b), true, &b, nil, 2)
	if q.voter(5) || !q.voter(3) || !q.voter(4) {
		t.Errorf("voters: %v", q.voters)
	}
}

func TestQuorumsAllocateNothing(t *testing.T) {
	var ids []wire.PeerID
	for id := range 64 {
		ids = append(ids, wire.PeerID(id+1))
	}
	old := voters(t, ids[:5]...)
	q := newQuorums(&Config{Members: voters(t, ids...), Committed: &old})
	var present [65]bool
	for id := range 40 {
		present[id] = true
	}
	in := func(id wire.PeerID) bool { return present[id] }
	if n := testing.AllocsPerRun(100, func() {
		if !q.has(in) {
			t.Fatal("no quorum")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkQuorums(b *testing.B) {
	for _, size := range []int{3, 5, 64} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			var ids []wire.PeerID
			for id := range size {
				ids = append(ids, wire.PeerID(id+1))
			}
			q := newQuorums(&Config{Members: voters(b, ids...)})
			for b.Loop() {
				q.has(q.voter)
			}
		})
	}
}
