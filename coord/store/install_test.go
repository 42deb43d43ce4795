package store

import (
	"context"
	"errors"
	"strings"
	"testing"

	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// divergent prepares a store that holds old, and the state of newer, which a
// leader of another history sends.
func divergent(t *testing.T, oldLength, newLength int) (*vfs.Memory, *Store, *history, *history) {
	t.Helper()
	disk, old, newer := vfs.NewMemory(), newHistory(3), newHistory(4)
	s, _ := mustOpen(t, disk, testOptions())
	for len(old.entries) < oldLength {
		from := len(old.entries)
		old.grow(5)
		must(t, s.Append(old.entries[from:]))
		must(t, s.Sync())
		if s.ShouldSnapshot() {
			s.Roll()
			snap := old.snapshot()
			must(t, s.WriteSnapshot(context.Background(), snap))
			old.tree.Release(snap.View)
		}
	}
	newer.grow(newLength)
	return disk, s, old, newer
}

func TestInstallReplacesEverything(t *testing.T) {
	for name, lengths := range map[string][2]int{"ahead": {10, 40}, "behind": {40, 12}, "empty": {0, 7}} {
		t.Run(name, func(t *testing.T) {
			disk, s, _, newer := divergent(t, lengths[0], lengths[1])
			must(t, s.Install(context.Background(), newer.snapshot()))
			if s.LastZxid() != newer.last() {
				t.Fatalf("the store goes on after %v, want %v", s.LastZxid(), newer.last())
			}
			if recent, err := s.Recent(100, 1000); err != nil || len(recent) > 0 {
				t.Fatalf("after an installation the log holds %d entries, error %v", len(recent), err)
			}
			disk.Crash(0)
			s, r := mustOpen(t, disk, testOptions())
			if r.LastZxid != newer.last() {
				t.Fatalf("recovered to %v, want %v", r.LastZxid, newer.last())
			}
			newer.check(t, r)
			goOn(t, disk, testOptions(), s, r)
		})
	}
}

// TestCrashDuringInstall cuts power between any two operations: recovery finds
// the old state or the new one.
func TestCrashDuringInstall(t *testing.T) {
	disk, s, _, newer := divergent(t, 40, 12)
	before := disk.Operations()
	must(t, s.Install(context.Background(), newer.snapshot()))
	for n := range disk.Operations() - before {
		for seed := range uint64(6) {
			disk, s, old, newer := divergent(t, 40, 12)
			disk.CrashAfter(n)
			if err := s.Install(context.Background(), newer.snapshot()); !errors.Is(err, vfs.ErrCrashed) {
				t.Fatalf("crash after %d operations: %v", n, err)
			}
			disk.Crash(seed)
			s, r := mustOpen(t, disk, testOptions())
			switch r.LastZxid {
			case old.last():
				old.check(t, r)
			case newer.last():
				newer.check(t, r)
			default:
				t.Fatalf("crash after %d operations, seed %d: recovered to %v", n, seed, r.LastZxid)
			}
			for _, name := range fileNames(t, disk, testOptions().withDefaults().snapshotDir()) {
				if strings.HasPrefix(name, installPrefix) {
					t.Fatalf("crash after %d operations, seed %d: %s is left", n, seed, name)
				}
			}
			must(t, s.Close())
		}
	}
}

func TestEntries(t *testing.T) {
	disk, s, h, _ := divergent(t, 30, 0)
	last := h.last()
	cases := []struct {
		after, through wire.Zxid
		maxBytes       int
		ok             bool
	}{
		{3, 9, 1 << 20, true},
		{3, last, 1 << 20, true},
		{last, last, 1 << 20, true},
		{3, last, 10, false},
		{3, last + 1, 1 << 20, false},
		{0, 5, 1 << 20, false},
	}
	for _, c := range cases {
		entries, ok, err := s.Entries(c.after, c.through, c.maxBytes)
		must(t, err)
		if ok != c.ok || ok && len(entries) != int(c.through-c.after) {
			t.Errorf("entries after %v through %v: %d, %v", c.after, c.through, len(entries), ok)
		}
		for i, e := range entries {
			if e.Zxid != c.after+1+wire.Zxid(i) || string(e.Payload) != string(h.entries[e.Zxid-1].Payload) {
				t.Errorf("entry %d after %v is %v", i, c.after, e.Zxid)
			}
		}
	}
	recent, err := s.Recent(8, 0)
	must(t, err)
	if len(recent) <= 8 || recent[len(recent)-1].Zxid != last || recent[0].Zxid != last+1-wire.Zxid(len(recent)) {
		t.Errorf("recent entries: %d", len(recent))
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, ok, err := s.EntriesContext(ended, 3, last, 1<<20); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("entries that nobody waits for: %v, %v", ok, err)
	}
	must(t, s.Append([]Entry{entry(last + 5)}))
	must(t, s.Sync())
	if _, ok, err := s.Entries(3, last+5, 1<<20); ok || err != nil {
		t.Errorf("entries across a hole: %v, %v", ok, err)
	}
	if recent, err := s.Recent(8, 0); err != nil || len(recent) != 1 {
		t.Errorf("recent entries behind a hole: %d, %v", len(recent), err)
	}
	must(t, s.Close())
	disk.Crash(1)
}

const canonicalList = "server.1=a:2888:3888:participant;0.0.0.0:2181\nserver.2=b:2888:3888:observer\nversion=100000003"

func TestMembership(t *testing.T) {
	disk := vfs.NewMemory()
	s, _ := mustOpen(t, disk, testOptions())
	for _, want := range []Membership{
		{}, {Committed: canonicalList}, {Committed: canonicalList, Pending: "version=0"}, {Pending: canonicalList},
	} {
		if want != (Membership{}) {
			must(t, s.SetMembership(want))
		}
		disk.Crash(0)
		s, _ = mustOpen(t, disk, testOptions())
		if got, err := s.Membership(); err != nil || got != want {
			t.Errorf("read %+v, error %v, want %+v", got, err, want)
		}
	}
	for _, wrong := range []Membership{
		{Committed: canonicalList + "\n"},
		{Pending: "[committed]"},
		{Committed: "a\n\nb"},
		{Committed: "\nversion=0"},
		{Pending: strings.Repeat("x", membershipBytesMax)},
	} {
		if s.SetMembership(wrong) == nil {
			t.Errorf("the list %.40q was written", wrong)
		}
	}
}

func TestDamagedMembership(t *testing.T) {
	for _, content := range []string{"server.1=a", "version=0\n", "[committed]\nversion=0\n[other]\n", "[pending]\na\n[committed]\nb\n"} {
		disk := vfs.NewMemory()
		s, _ := mustOpen(t, disk, testOptions())
		putFile(t, disk, testOptions().DataDir+"/"+membershipFile, []byte(content))
		var damage *CorruptionError
		if _, err := s.Membership(); !errors.As(err, &damage) {
			t.Errorf("%q: %v", content, err)
		}
	}
}

func FuzzMembership(f *testing.F) {
	f.Add("[committed]\n" + canonicalList + "\n[pending]\nversion=0\n")
	f.Add("[pending]\n\n")
	f.Fuzz(func(t *testing.T, content string) {
		m, reason := parseMembership(content)
		if reason != "" {
			return
		}
		if again, reason := parseMembership(string(appendMembership(nil, m))); reason != "" || again != m {
			t.Fatalf("%q becomes %+v, then %+v (%s)", content, m, again, reason)
		}
	})
}
