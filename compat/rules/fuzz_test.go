package rules

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"kafkacoord/coord/wire"
)

// TestMutatedClusters breaks healthy clusters at random. Whatever comes of it,
// there is a report or a clear error, equal each time, and each node that
// cannot be parsed has a finding.
func TestMutatedClusters(t *testing.T) {
	for seed := range uint64(120) {
		judgeMutated(t, seed, 1+int(seed%12))
	}
}

func FuzzMutatedClusters(f *testing.F) {
	f.Add(uint64(1), uint8(3))
	f.Fuzz(func(t *testing.T, seed uint64, changes uint8) { judgeMutated(t, seed, int(changes%64)) })
}

func judgeMutated(t *testing.T, seed uint64, changes int) {
	t.Helper()
	l := mutated(seed, changes)
	v := l.view(t)
	report, err := Check(v, Facts{})
	if errors.Is(err, ErrNotKafka) {
		return
	}
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	found := make(map[string]bool)
	for _, f := range report.Findings {
		found[f.Path] = true
		if len(f.Detail) > detailBytesMax+len("…") || len(f.Related) > relatedMax {
			t.Errorf("seed %d: unbounded finding of %s", seed, f.Rule.ID)
		}
	}
	for _, z := range v.Malformed() {
		if !found[z.Path] {
			t.Errorf("seed %d: no finding for %v", seed, z.Err)
		}
	}
	if again := written(t, mutated(seed, changes)); !bytes.Equal(again, written(t, l)) {
		t.Errorf("seed %d: two reports on the same cluster differ", seed)
	}
}

// written is a report in all forms.
func written(t *testing.T, l *layout) []byte {
	t.Helper()
	report, err := Check(l.view(t), Facts{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, write := range []func(io.Writer) error{
		report.WriteText, report.WriteJSON, report.WriteSARIF, func(w io.Writer) error { return report.WriteJUnit(w, Error) },
	} {
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// mutated is a healthy cluster with random changes.
func mutated(seed uint64, changes int) *layout {
	random := rand.New(rand.NewPCG(seed, 1))
	l := healthy()
	if random.IntN(3) == 0 {
		l.secured()
	}
	for range changes {
		l.mutate(random, slices.Sorted(maps.Keys(l.nodes)))
	}
	return l
}

// junk is data that belongs nowhere.
var junk = []string{
	"", "{}", "[]", "null", "7", "-1", `"x"`, "\xff\x00", `{"version":`, `{"version":99}`, `{"version":1,"partitions":null}`,
	`{"version":1,"config":{"a":1}}`, strings.Repeat("[", 2000), strings.Repeat("x", 1<<20), `{"partitions":{"0":[2147483647,-2147483648]}}`,
}

// names are children that belong nowhere.
var names = []string{"x", "-1", "00", "99999999999", "<default>", "config_change_0000000009", "\u202e", "a b", "state", "brokers", "ids", "1", "%zz"}

func (l *layout) mutate(random *rand.Rand, paths []string) {
	path := paths[random.IntN(len(paths))]
	e := l.nodes[path]
	switch random.IntN(9) {
	case 0:
		if path != "/" {
			l.remove(path)
		}
	case 1:
		l.null(path)
	case 2:
		l.put(path, junk[random.IntN(len(junk))])
	case 3:
		if len(e.Data) > 0 {
			e.Data[random.IntN(len(e.Data))] = byte(random.Uint32())
		}
	case 4:
		e.Data = e.Data[:random.IntN(len(e.Data)+1)]
	case 5:
		l.put(strings.TrimSuffix(path, "/")+"/"+names[random.IntN(len(names))], junk[random.IntN(len(junk))])
	case 6:
		e.Stat.EphemeralOwner = wire.SessionID(random.IntN(3))
	case 7:
		e.ACL = []wire.ACL{{Perms: int32(random.Uint32()), ID: wire.ID{Scheme: "sasl", ID: names[random.IntN(len(names))]}}}
	default:
		e.Stat.Czxid, e.Stat.Mtime, e.Stat.Version = wire.Zxid(random.Int64()), wire.Millis(random.Int64()), int32(random.Uint32())
	}
}
