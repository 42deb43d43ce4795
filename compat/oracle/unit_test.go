package oracle

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"kafkacoord/compat/rawclient"
	"kafkacoord/coord/wire"
)

func testOptions(operations int) *Options {
	o := Options{Operations: operations}
	o.setDefaults()
	return &o
}

// A sequence depends on the seed and the root alone, has the length asked for,
// and keeps to its root and the quota tree.
func TestGenerate(t *testing.T) {
	seen := map[wire.Op]int{}
	for seed := range uint64(40) {
		a := generate(seed, rootName(1), testOptions(1000))
		if b := generate(seed, rootName(1), testOptions(1000)); !reflect.DeepEqual(a, b) {
			t.Fatalf("seed %d gives two sequences", seed)
		}
		renamed := generate(seed, rootName(2), testOptions(1000))
		if len(a) != len(renamed) {
			t.Fatalf("seed %d: the root's name changes the sequence", seed)
		}
		operations := 0
		for i := range a {
			operations += a[i].operations()
			if got, want := renamed[i].words(), strings.ReplaceAll(a[i].words(), rootName(1), rootName(2)); got != want {
				t.Fatalf("seed %d step %d:\n%s\nwant\n%s", seed, i, got, want)
			}
			for j := range a[i].requests {
				r := &a[i].requests[j]
				seen[r.rec.Op]++
				if madePathOutside(r, rootName(1)) {
					t.Fatalf("seed %d step %d makes a node that it does not clean up: %s", seed, i, r.words())
				}
			}
		}
		if operations < 1000 || operations > 1000+requestsMax {
			t.Fatalf("seed %d: %d operations", seed, operations)
		}
	}
	for _, op := range []wire.Op{
		wire.OpCreate, wire.OpCreate2, wire.OpCreateContainer, wire.OpCreateTTL, wire.OpDelete, wire.OpSetData, wire.OpSetACL,
		wire.OpExists, wire.OpGetData, wire.OpGetChildren, wire.OpGetChildren2, wire.OpGetACL, wire.OpSync, wire.OpPing, wire.OpMulti,
		wire.OpMultiRead, wire.OpCheckWatches, wire.OpRemoveWatches, wire.OpAddWatch, wire.OpSetWatches, wire.OpSetWatches2, wire.OpAuth,
		wire.OpGetEphemerals, wire.OpGetAllChildrenNumber, wire.OpWhoAmI, wire.OpCloseSession, wire.OpCreateSession, wire.OpDeleteContainer,
	} {
		if seen[op] == 0 {
			t.Errorf("no %s", opWord(op))
		}
	}
}

func madePathOutside(r *request, root string) bool {
	switch r.rec.Op {
	case wire.OpCreate, wire.OpCreate2, wire.OpCreateContainer, wire.OpCreateTTL:
		// A path without a leading slash has a parent that never exists.
		outside := strings.HasPrefix(r.rec.Path, "/") && !strings.HasPrefix(r.rec.Path, root+"/") && !strings.HasPrefix(r.rec.Path, wire.QuotaPath+root+"/")
		return outside && isSequential(r.rec.Flags)
	case wire.OpSetData, wire.OpSetACL:
		return r.rec.Path == "/" || isReserved(r.rec.Path)
	case wire.OpMulti:
		return slices.ContainsFunc(r.rec.Subs, func(s wire.Request) bool {
			return madePathOutside(&request{rec: s}, root) && !(s.Op == wire.OpSetACL)
		})
	}
	return false
}

func TestSteps(t *testing.T) {
	var s steps
	s.start(100)
	cases := []struct {
		zxid wire.Zxid
		want string
	}{{0, "0"}, {-1, "-1"}, {99, "before"}, {100, "+0"}, {101, "+1"}, {110, "+10"}}
	for _, c := range cases {
		if got := s.words(c.zxid); got != c.want {
			t.Errorf("words(%d) = %s, want %s", c.zxid, got, c.want)
		}
	}
	s.resume(110, 15)
	for z, want := range map[wire.Zxid]string{110: "+10", 111: "+16", 200: "+105", 101: "+1"} {
		if got := s.words(z); got != want {
			t.Errorf("after resume words(%d) = %s, want %s", z, got, want)
		}
	}
	for count, want := range map[int64]int64{0: 100, 1: 101, 10: 110, 16: 111, 105: 200} {
		if got := s.absolute(count); got != want {
			t.Errorf("absolute(%d) = %d, want %d", count, got, want)
		}
	}
}

func TestShrink(t *testing.T) {
	var atoms []atom
	for i := range 100 {
		atoms = append(atoms, atom{i, -1})
	}
	needed := []atom{{13, -1}, {57, -1}, {99, -1}}
	calls := 0
	got := shrink(atoms, func(rest []atom) bool {
		calls++
		for _, n := range needed {
			if !slices.Contains(rest, n) {
				return false
			}
		}
		return true
	}, func() bool { return true })
	if !slices.Equal(got, needed) {
		t.Errorf("shrink = %v, want %v", got, needed)
	}
	if calls > 400 {
		t.Errorf("%d tries", calls)
	}
}

func TestKeepOnlyAllIsTheSequence(t *testing.T) {
	sequence := generate(3, rootName(1), testOptions(300))
	if got := keepOnly(sequence, atomsOf(sequence)); !reflect.DeepEqual(got, sequence) {
		t.Error("keeping every part changes the sequence")
	}
}

// testSide is a side that is not connected, with zxids counted from 100.
func testSide() *side {
	s := &side{name: "test", ended: map[int64]bool{}}
	s.norm.side = s
	s.norm.start()
	s.steps.start(100)
	s.sessions = []wire.SessionID{0x0100000000000007}
	return s
}

func TestNormalise(t *testing.T) {
	stat := wire.Stat{
		Czxid: 101, Mzxid: 103, Ctime: 5000, Mtime: 5007, Version: 1, Cversion: 2, Aversion: 3,
		EphemeralOwner: 0x0100000000000007, DataLength: 2, NumChildren: 0, Pzxid: 101,
	}
	body := wire.AppendStat(wire.AppendBuffer(nil, []byte("ab")), &stat)
	frame := rawclient.Frame{Header: wire.ReplyHeader{Xid: 4, Zxid: 103}, Body: body}
	read := newRequest(4, wire.Request{Op: wire.OpGetData, Path: "/x"})
	s := testSide()
	want := `reply xid 4 zxid +3 err 0: "ab" czxid +1 mzxid +3 pzxid +1 v 1 cv 2 av 3 owner session 0 length 2 children 0`
	if got := s.norm.reply(&read, frame); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// Another time for a known transaction, and what no record may end with.
	stat.Mtime++
	frame.Body = append(wire.AppendStat(wire.AppendBuffer(nil, nil), &stat), 0xee)
	got := s.norm.reply(&read, frame)
	for _, part := range []string{": null", "mtime differs by 1 ms", "and then ee"} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in %s", part, got)
		}
	}
	frame.Body = frame.Body[:30]
	if got := s.norm.reply(&read, frame); !strings.Contains(got, "cannot be decoded") {
		t.Errorf("cut short: %s", got)
	}
}

// Children and digest ids are compared as sets, everything else in order.
func TestNormaliseOrder(t *testing.T) {
	s := testSide()
	text := func(op wire.Op, body []byte) string {
		r := newRequest(1, wire.Request{Op: op})
		return s.norm.reply(&r, rawclient.Frame{Body: body})
	}
	if text(wire.OpGetChildren, wire.AppendStrings(nil, []string{"a", "b"})) != text(wire.OpGetChildren, wire.AppendStrings(nil, []string{"b", "a"})) {
		t.Error("children in another order differ")
	}
	entry := func(scheme, id string, perms int32) wire.ACL {
		return wire.ACL{Perms: perms, ID: wire.ID{Scheme: scheme, ID: id}}
	}
	acl := func(list ...wire.ACL) string {
		return text(wire.OpGetACL, wire.AppendStat(wire.AppendACLs(nil, list), &wire.Stat{}))
	}
	a, b, c := entry("digest", "a:x", 1), entry("digest", "b:x", 1), entry("ip", "127.0.0.1", 1)
	if acl(a, b, c) != acl(b, a, c) {
		t.Error("neighbouring digest ids in another order differ")
	}
	if acl(a, c, b) == acl(b, c, a) || acl(a, entry("digest", "b:x", 2)) == acl(entry("digest", "b:x", 2), a) {
		t.Error("entries that cannot come from one identity are sorted")
	}
}

// Only the events of a transaction that ended a session are sorted.
func TestSortEnded(t *testing.T) {
	s := testSide()
	s.ended[7] = true
	event := func(text string, zxid int64) line { return line{text: text, event: true, zxid: zxid, request: -1} }
	lines := []line{event("d", 6), event("c", 6), event("b", 7), event("a", 7), {text: "reply"}, event("z", 7), event("y", 7)}
	var got []string
	for _, l := range s.sortEnded(lines) {
		got = append(got, l.text)
	}
	if want := []string{"d", "c", "a", "b", "reply", "y", "z"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestWantedDifferences(t *testing.T) {
	refused := "reply xid 3 zxid -1 err -6"
	malformed := "reply xid 3 zxid +7 err -5"
	cases := []struct {
		op   wire.Op
		null bool
		a, b string
		want bool
	}{
		{wire.OpCreateSession, false, "something else", refused, true},
		{wire.OpDeleteContainer, false, "something else", refused, true},
		{wire.OpDeleteContainer, false, "something else", "reply xid 3 zxid +1 err -101", false},
		{wire.OpCreate, false, "something else", refused, false},
		{wire.OpCreate, true, "reply xid 3 zxid +8 err -5", malformed, true},
		{wire.OpCreate, false, "reply xid 3 zxid +8 err -5", malformed, false},
		{wire.OpCreate, true, malformed, "reply xid 3 zxid +8 err -114", true},
		{wire.OpCreate, true, "reply xid 3 zxid +8 err 0: x", "reply xid 3 zxid +8 err -114", false},
		{wire.OpCreate, true, malformed, "reply xid 3 zxid +8 err 0: x", false},
		{wire.OpMultiRead, false, malformed + ":  end(-1 -1)", malformed, true},
		{wire.OpMultiRead, false, "reply xid 3 zxid +7 err 0:  end(-1 -1)", malformed, false},
	}
	for _, c := range cases {
		r := newRequest(3, wire.Request{Op: c.op})
		r.null = c.null
		if got := wanted(&r, c.a, c.b) >= 0; got != c.want {
			t.Errorf("%s answered with %q and %q: wanted = %t", opWord(c.op), c.a, c.b, got)
		}
	}
	for _, d := range Differences {
		if d.Name == "" || d.Reason == "" || (d.is == nil) == (d.Unseen == "") {
			t.Errorf("incomplete entry %+v", d.Name)
		}
	}
}

// A spoilt request never carries a path that the request did not have.
func TestSpoilKeepsPathsInside(t *testing.T) {
	u := newUniverse(rand.New(rand.NewPCG(1, 1)), rootName(1))
	var decoded wire.Request
	for range 20_000 {
		rec := u.create()
		r := newRequest(1, rec)
		spoil(u, &r)
		if err := wire.DecodeRequest(rec.Op, r.body, &decoded); err != nil {
			continue
		}
		if !utf8.ValidString(rec.Path) || strings.Contains(rec.Path, "😀") {
			continue // comes back otherwise, and no server takes it
		}
		if decoded.Path != rec.Path {
			t.Fatalf("%s became a request for %q", r.words(), decoded.Path)
		}
	}
}

func TestReportsLastLine(t *testing.T) {
	var total Report
	total.Add(Report{Seeds: 2, Operations: 10, Listed: []int{1, 2}})
	total.Add(Report{Seeds: 3, Operations: 20, Listed: []int{1}, Found: []Found{{Seed: 9, Request: "x"}}})
	text := total.String()
	if want := "oracle: 5 seeds, 30 operations, 5 differences (4 listed)\n"; !strings.HasSuffix(text, want) {
		t.Errorf("report ends otherwise than %q:\n%s", want, text)
	}
	for _, want := range []string{"seen 2 times", "not run: ", "DIFFERENCE in seed 9"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
