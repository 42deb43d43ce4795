package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// TestEmptyDatabaseRules goes through the table of what is there and what is
// allowed.
func TestEmptyDatabaseRules(t *testing.T) {
	logged := appendLogHeader(nil)
	logged = appendRecord(logged, entry(1).Payload)
	cases := map[string]struct {
		files   map[string]string
		options func(*Options)
		zxid    wire.Zxid
		err     error
		says    string // part of the error
		left    []string
	}{
		"fresh": {zxid: 0, left: []string{"version-2/snapshot.0"}},
		"fresh, not allowed": {
			options: func(o *Options) { o.NoAutoCreateData = true },
			zxid:    -1,
		},
		"fresh, allowed by file": {
			files:   map[string]string{"initialize": ""},
			options: func(o *Options) { o.NoAutoCreateData = true },
			zxid:    0, left: []string{"version-2/snapshot.0"},
		},
		"logs only": {
			files: map[string]string{"version-2/log.1": string(logged)},
			err:   ErrNoSnapshot,
		},
		"logs only, trusted": {
			files:   map[string]string{"version-2/log.1": string(logged)},
			options: func(o *Options) { o.TrustEmpty = true },
			zxid:    1, left: []string{"version-2/log.1"},
		},
		"log without records": {
			files: map[string]string{"version-2/log.1": string(appendLogHeader(nil))},
			zxid:  0, left: []string{"version-2/log.1", "version-2/snapshot.0"},
		},
		"empty log": {
			files: map[string]string{"version-2/log.1": ""},
			zxid:  0, left: []string{"version-2/snapshot.0"},
		},
		"header of zeroes": {
			files: map[string]string{"version-2/log.1": string(make([]byte, 5000))},
			zxid:  0, left: []string{"version-2/snapshot.0"},
		},
		"invalid snapshot only": {
			files: map[string]string{"version-2/snapshot.7": "cut"},
			err:   ErrNoSnapshot, says: "/data/version-2/snapshot.7",
		},
		"invalid snapshots and a log without records": {
			files: map[string]string{"version-2/snapshot.7": "cut", "version-2/snapshot.9": "", "version-2/log.8": string(appendLogHeader(nil))},
			err:   ErrNoSnapshot, says: "/data/version-2/snapshot.9",
		},
		"invalid snapshot only, trusted": {
			files:   map[string]string{"version-2/snapshot.7": "cut"},
			options: func(o *Options) { o.TrustEmpty = true },
			zxid:    0, left: []string{"version-2/snapshot.0", "version-2/snapshot.7"},
		},
		"invalid snapshot only, allowed by file": {
			files: map[string]string{"version-2/snapshot.7": "cut", "initialize": ""},
			zxid:  0, left: []string{"version-2/snapshot.0", "version-2/snapshot.7"},
		},
		"invalid snapshot of nothing": {
			files: map[string]string{"version-2/snapshot.0": "cut"},
			zxid:  0, left: []string{"version-2/snapshot.0"},
		},
		"unloadable snapshot": {
			files: map[string]string{"version-2/snapshot.7": "looks valid\x00\x00\x00\x01/"},
			err:   &CorruptionError{},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			fsys, o := vfs.NewMemory(), testOptions()
			must(t, fsys.MkdirAll("/data/version-2"))
			for path, content := range c.files {
				putFile(t, fsys, "/data/"+path, []byte(content))
			}
			if c.options != nil {
				c.options(&o)
			}
			_, r, err := Open(fsys, o)
			var damage *CorruptionError
			switch {
			case errors.Is(c.err, ErrNoSnapshot):
				if !errors.Is(err, ErrNoSnapshot) || !strings.Contains(err.Error(), c.says) {
					t.Fatalf("error %v, want %v with %q", err, c.err, c.says)
				}
				return
			case c.err != nil:
				if !errors.As(err, &damage) {
					t.Fatalf("error %v, want damage", err)
				}
				return
			}
			must(t, err)
			if r.LastZxid != c.zxid || r.Tree == nil || r.Sessions == nil {
				t.Errorf("recovered %+v, want zxid %v", r, c.zxid)
			}
			var left []string
			for _, name := range fileNames(t, fsys, "/data/version-2") {
				left = append(left, "version-2/"+name)
			}
			if !slices.Equal(left, c.left) {
				t.Errorf("files %q, want %q", left, c.left)
			}
			if _, err := fsys.Stat("/data/initialize"); err == nil {
				t.Error("initialize is still there")
			}
		})
	}
}

func TestDirectories(t *testing.T) {
	split := testOptions()
	split.LogDir = "/log"
	strict := testOptions()
	strict.NoAutoCreateDirs = true

	if _, _, err := Open(vfs.NewMemory(), strict); err == nil {
		t.Error("a missing directory was accepted")
	}
	if _, err := Load(vfs.NewMemory(), testOptions()); err == nil {
		t.Error("Load made a directory")
	}

	for _, stray := range []string{"/log/version-2/snapshot.0", "/data/version-2/log.1"} {
		fsys := vfs.NewMemory()
		mustOpen(t, fsys, split)
		putFile(t, fsys, stray, []byte("x"))
		if _, _, err := Open(fsys, split); !errors.Is(err, ErrMixedDirectories) {
			t.Errorf("%s: %v", stray, err)
		}
	}

	fsys := vfs.NewMemory()
	s, _ := mustOpen(t, fsys, split)
	must(t, s.Append([]Entry{entry(1)}))
	must(t, s.Close())
	data, log := fileNames(t, fsys, "/data/version-2"), fileNames(t, fsys, "/log/version-2")
	if !slices.Equal(data, []string{"snapshot.0"}) || !slices.Equal(log, []string{"log.1"}) {
		t.Errorf("files %q and %q", data, log)
	}
}

// TestLoadChangesNothing recovers from a disk full of leftovers by looking.
func TestLoadChangesNothing(t *testing.T) {
	fsys, h, ends := threeRecords(t, 2000)
	content := fileContent(t, fsys, tornLog)
	clear(content[ends[2]/512*512+512:][:512]) // a lost sector of the last record
	putFile(t, fsys, tornLog, content)
	putFile(t, fsys, "/data/version-2/snapshot.9.tmp", []byte("x"))
	before := fsys.Operations()
	r, err := Load(fsys, testOptions())
	must(t, err)
	h.check(t, r)
	if r.LastZxid != 2 {
		t.Errorf("recovered to %v", r.LastZxid)
	}
	if fsys.Operations() != before {
		t.Error("Load changed the disk")
	}
}

// TestFuzzySnapshot replays onto a snapshot that is newer than its name, as
// Java writes it: no digest is compared before the snapshot's own.
func TestFuzzySnapshot(t *testing.T) {
	fsys, h := vfs.NewMemory(), newHistory(11)
	s, _ := mustOpen(t, fsys, testOptions())
	h.grow(40)
	must(t, s.Append(h.entries))
	must(t, s.Sync())
	must(t, s.WriteSnapshot(context.Background(), h.snapshot()))
	h.grow(10)
	must(t, s.Append(h.entries[40:]))
	must(t, s.Close())
	must(t, fsys.Rename("/data/version-2/snapshot.28", "/data/version-2/snapshot.14"))
	_, r := mustOpen(t, fsys, testOptions())
	if r.SnapshotZxid != 20 || r.LastZxid != 50 || r.TxnsLoaded != 30 {
		t.Errorf("recovered %+v", r)
	}
	// Replaying 21 to 40 onto the state of 40 need not give the state of 40
	// for made-up transactions (versions are not what prep would write), but
	// comparing begins there and a difference is counted, not fatal.
	if want := h.digests[50]; r.Tree.Digest() != want && r.DigestMismatches == 0 {
		t.Errorf("digest %#x, want %#x, and nothing was said", r.Tree.Digest(), want)
	}
}

func TestDigestMismatchIsCounted(t *testing.T) {
	fsys := vfs.NewMemory()
	s, _ := mustOpen(t, fsys, testOptions())
	txns := goldenTxns()
	txns[1].Digest++
	for _, txn := range txns {
		must(t, s.Append([]Entry{{Zxid: txn.Zxid, Payload: wire.AppendTxn(nil, &txn)}}))
	}
	must(t, s.Close())
	_, r := mustOpen(t, fsys, testOptions())
	if r.DigestMismatches != 1 || len(r.Notes) != 1 {
		t.Errorf("%d mismatches, notes %q", r.DigestMismatches, r.Notes)
	}
}

// TestUnknownTransaction checks that a record this server does not understand
// stops it, with its place.
func TestUnknownTransaction(t *testing.T) {
	for name, txn := range map[string]wire.Txn{
		"type": {Type: 99}, "body": {Type: wire.OpNotification},
	} {
		fsys := vfs.NewMemory()
		s, _ := mustOpen(t, fsys, testOptions())
		txn.Zxid = 1
		must(t, s.Append([]Entry{{Zxid: 1, Payload: wire.AppendTxn(nil, &txn)}}))
		must(t, s.Close())
		var damage *CorruptionError
		if _, _, err := Open(fsys, testOptions()); !errors.As(err, &damage) || damage.Offset != logHeaderBytes {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPurge(t *testing.T) {
	valid := "looks valid\x00\x00\x00\x01/"
	cases := []struct {
		name            string
		snapshots, logs []string // names without prefix; "!" marks invalid snapshots
		retain          int
		keptSnapshots   []string
		keptLogs        []string
	}{
		{
			name:      "nothing to do",
			snapshots: []string{"1", "2", "3"}, logs: []string{"1", "2"},
			keptSnapshots: []string{"1", "2", "3"}, keptLogs: []string{"1", "2"},
		},
		{
			name:      "the log before the oldest kept snapshot stays",
			snapshots: []string{"0", "10", "20", "30"}, logs: []string{"1", "8", "11", "21", "31"}, retain: 3,
			keptSnapshots: []string{"10", "20", "30"}, keptLogs: []string{"8", "11", "21", "31"},
		},
		{
			name:      "a log that begins at the snapshot's zxid covers it",
			snapshots: []string{"0", "10", "20", "30"}, logs: []string{"1", "10", "11"},
			keptSnapshots: []string{"10", "20", "30"}, keptLogs: []string{"10", "11"},
		},
		{
			name:      "invalid snapshots do not count but go when old",
			snapshots: []string{"1!", "2", "3!", "4", "5", "6!"}, logs: []string{"1", "2", "3"},
			keptSnapshots: []string{"2", "3!", "4", "5", "6!"}, keptLogs: []string{"2", "3"},
		},
		{
			name:      "no whole snapshot",
			snapshots: []string{"1!", "2!", "3!", "4!"}, logs: []string{"1", "2"},
			keptSnapshots: []string{"1!", "2!", "3!", "4!"}, keptLogs: []string{"1", "2"},
		},
		{
			name:      "hexadecimal order",
			snapshots: []string{"9", "a", "f", "10"}, logs: []string{"1", "9", "b"},
			keptSnapshots: []string{"a", "f", "10"}, keptLogs: []string{"9", "b"},
		},
		{
			name:      "retain more",
			snapshots: []string{"1", "2", "3", "4", "5"}, logs: []string{"1", "2", "3"}, retain: 4,
			keptSnapshots: []string{"2", "3", "4", "5"}, keptLogs: []string{"2", "3"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			fsys, o := vfs.NewMemory(), testOptions()
			must(t, makeDirectory(fsys, "/data/version-2"))
			put := func(name, content string) { putFile(t, fsys, "/data/version-2/"+name, []byte(content)) }
			want := []string{"acceptedEpoch", "log.bak"}
			put("acceptedEpoch", "1")
			put("log.bak", "x")
			plain := func(name string) (string, bool) {
				if bad := name[len(name)-1] == '!'; bad {
					return name[:len(name)-1], false
				}
				return name, true
			}
			for _, s := range c.snapshots {
				if name, ok := plain(s); ok {
					put("snapshot."+name, valid)
				} else {
					put("snapshot."+name, "x")
				}
			}
			for _, l := range c.logs {
				put("log."+l, "x")
			}
			for _, s := range c.keptSnapshots {
				name, _ := plain(s)
				want = append(want, "snapshot."+name)
			}
			for _, l := range c.keptLogs {
				want = append(want, "log."+l)
			}
			slices.Sort(want)
			p, err := Purge(fsys, o, c.retain)
			must(t, err)
			fsys.Crash(0) // it is durable
			if got := fileNames(t, fsys, "/data/version-2"); !slices.Equal(got, want) {
				t.Errorf("left %q, want %q", got, want)
			}
			removed := len(c.snapshots) + len(c.logs) - len(c.keptSnapshots) - len(c.keptLogs)
			if len(p.Files) != removed || (p.Bytes > 0) != (removed > 0) {
				t.Errorf("reports %d files of %d bytes, want %d files", len(p.Files), p.Bytes, removed)
			}
		})
	}
}
