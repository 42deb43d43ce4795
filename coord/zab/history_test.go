package zab

import (
	"fmt"
	"slices"
	"testing"

	"kafkacoord/coord/wire"
)

func zxids(entries []Entry) string {
	var list []string
	for _, e := range entries {
		list = append(list, showZxid(e.Zxid))
	}
	return fmt.Sprint(list)
}

func TestFollows(t *testing.T) {
	e := epochZxid
	for _, test := range []struct {
		previous, next wire.Zxid
		want           bool
	}{
		{0, 1, true},
		{0, e(1) + 1, true},
		{e(1) + 1, e(1) + 2, true},
		{e(1) + 1, e(1) + 3, false},
		{e(1) + 1, e(1) + 1, false},
		{e(1) + 2, e(1) + 1, false},
		{e(1) + 9, e(2) + 1, true},
		{e(1) + 9, e(3) + 4, true},
		{e(2) + 1, e(1) + 2, false},
		{e(2), e(2) + 1, true},
		{e(1) + counterMax, e(2), false},
	} {
		if got := follows(test.previous, test.next); got != test.want {
			t.Errorf("follows(%s, %s) = %t", showZxid(test.previous), showZxid(test.next), got)
		}
	}
}

func TestHistory(t *testing.T) {
	e := epochZxid
	h := newHistory(e(2)+2, parseEntries(t, "1:1,1:3..1:4,2:1..2:2"))
	check := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %s, not %s", what, got, want)
		}
	}
	check("the part without a gap", zxids(h.kept()), "[1:3 1:4 2:1 2:2]")
	check("after a zxid", zxids(h.after(e(1)+4)), "[2:1 2:2]")
	check("after a place between", zxids(h.after(e(2))), "[2:1 2:2]")
	check("between", zxids(h.between(e(1)+3, e(2)+1)), "[1:4 2:1]")
	check("between, none", zxids(h.between(e(2)+2, e(1)+3)), "[]")
	for z, want := range map[wire.Zxid]bool{
		e(1) + 1: true, e(1) + 3: true, e(1) + 5: false, e(2) + 2: true, e(2) + 3: false,
	} {
		if h.covers(z) != want {
			t.Errorf("covers(%s) = %t", showZxid(z), !want)
		}
	}
	h.truncate(e(1) + 4)
	check("truncated", zxids(h.kept())+showZxid(h.last), "[1:3 1:4]1:4")
	h.truncate(e(1) + 1)
	check("truncated before all", zxids(h.kept())+showZxid(h.last), "[]1:1")
	if h.bytes != 0 {
		t.Errorf("%d bytes are kept in nothing", h.bytes)
	}
	h.replace(e(4))
	check("replaced", zxids(h.kept())+showZxid(h.last), "[]4:0")
	if other := newHistory(e(3), parseEntries(t, "2:1")); len(other.kept()) != 0 {
		t.Error("entries that do not lead up to the end of the log are kept")
	}
}

func TestHistoryTrim(t *testing.T) {
	for _, test := range []struct {
		limit          string
		entries, bytes int
		want           string
	}{
		{"1:9", 3, 0, "[1:4 1:5 1:6]"},
		{"1:9", 0, 6, "[1:5 1:6]"},
		{"1:9", 5, 100, "[1:1 1:2 1:3 1:4 1:5 1:6]"}, // dropped when both are exceeded
		{"1:2", 0, 0, "[1:3 1:4 1:5 1:6]"},
	} {
		h := newHistory(epochZxid(1)+6, parseEntries(t, "1:1..1:6"))
		h.trim(parseZxid(t, test.limit), test.entries, test.bytes)
		if got := zxids(h.kept()); got != test.want {
			t.Errorf("trim(%s, %d, %d) leaves %s, not %s", test.limit, test.entries, test.bytes, got, test.want)
		}
	}
}

func TestChoose(t *testing.T) {
	for _, test := range []struct{ log, settled, learner, want string }{
		// 7.2 case 2, 3: the same place; a tail to cut; not at the place of an epoch.
		{"1:1..1:3", "1:3", "1:3", "DIFF 1:3, after 1:3"},
		{"1:1..1:3", "1:3", "1:5", "TRUNC 1:3, after 1:3"},
		{"1:1..1:3", "1:3", "2:1", "TRUNC 1:3, after 1:3"},
		{"1:1..1:3", "1:3", "2:0", "SNAP 0:0, after 0:0"},
		// Case 4: in the window.
		{"1:1..1:3,2:1..2:3", "2:2", "1:2", "DIFF 2:2, after 1:2"},
		{"1:1..1:3,2:1..2:3", "2:2", "1:1", "DIFF 2:2, after 1:1"},
		{"1:1..1:3,2:1..2:3", "2:2", "2:0", "DIFF 2:2, after 2:0"},
		{"1:1..1:3,2:1..2:3", "2:2", "1:4", "SNAP 0:0, after 0:0"},
		{"1:1..1:3,2:1..2:3", "2:2", "2:3", "TRUNC 2:2, after 2:2"},
		{"1:1..1:3,3:2..3:5", "3:5", "3:1", "SNAP 0:0, after 0:0"},
		{"1:1..1:3,3:2,3:5", "3:5", "3:4", "TRUNC 3:2, after 3:2"},
		// Case 5, 6: before the window.
		{"1:5..1:9", "1:9", "1:4", "packet 0 0:0, after 0:0"},
		{"1:5..1:9", "1:9", "0:0", "SNAP 0:0, after 0:0"},
		{"1:5..1:9", "1:9", "-1", "SNAP 0:0, after 0:0"},
		{"1:5..1:9", "1:9", "1:0", "SNAP 0:0, after 0:0"},
		// An empty window.
		{"", "1:3", "1:2", "packet 0 0:0, after 0:0"},
		{"", "0:0", "0:0", "DIFF 0:0, after 0:0"},
		{"", "2:0", "1:2", "packet 0 0:0, after 0:0"},
	} {
		entries := parseEntries(t, test.log)
		settled := parseZxid(t, test.settled)
		last := settled
		if len(entries) > 0 {
			last = entries[len(entries)-1].Zxid
		}
		h := newHistory(last, slices.Clone(entries))
		h.entries = entries // also those that would not pass for lack of a gap
		p := choose(&h, settled, parseZxid(t, test.learner))
		if got := fmt.Sprintf("%v %s, after %s", p.packet, showZxid(p.zxid), showZxid(p.after)); got != test.want {
			t.Errorf("log %q settled to %s, learner at %s: %s, not %s", test.log, test.settled, test.learner, got, test.want)
		}
	}
}

// TestHistoryPlaces looks for every zxid in and around histories that span epochs.
func TestHistoryPlaces(t *testing.T) {
	for _, text := range []string{"", "1:1", "1:4..1:9", "1:1..1:5,2:1..2:3,4:1", "1:7,2:1..2:6", "3:1,4:1,5:1"} {
		entries := parseEntries(t, text)
		var h history
		for _, e := range entries {
			h.add(e)
		}
		for epoch := range int64(7) {
			for counter := range int64(12) {
				z := epochZxid(epoch) + wire.Zxid(counter)
				before := 0
				for before < len(entries) && entries[before].Zxid <= z {
					before++
				}
				if got := h.after(z); len(got) != len(entries)-before {
					t.Errorf("%q: %d entries after %s, not %d", text, len(got), showZxid(z), len(entries)-before)
				}
				if has := before > 0 && entries[before-1].Zxid == z; h.has(z) != has {
					t.Errorf("%q has %s: %t", text, showZxid(z), h.has(z))
				}
			}
		}
		if got := h.after(-1); len(got) != len(entries) {
			t.Errorf("%q: %d entries in all", text, len(got))
		}
	}
}
