package tree

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"strings"
	"testing"

	"kafkacoord/coord/wire"
)

// universes are the paths that random transactions speak of.
var universes = []struct {
	name  string
	steps int
	check int // steps between comparisons
	path  func(r *rand.Rand) string
}{
	// Few paths: every transition of every node happens many times.
	{"small", 20_000, 500, func(r *rand.Rand) string {
		var b strings.Builder
		for range 1 + r.IntN(4) {
			b.WriteByte('/')
			b.WriteByte("abcd"[r.IntN(4)])
		}
		if r.IntN(40) == 0 {
			return []string{"/", "/zookeeper", "/zookeeper/config", "/zookeeper/x"}[r.IntN(4)]
		}
		return b.String()
	}},
	// Thousands of nodes, some parents with thousands of children: hash tables
	// split, slabs fill and empty, child lists grow and shrink.
	{"large", 60_000, 10_000, func(r *rand.Rand) string {
		switch r.IntN(4) {
		case 0:
			return fmt.Sprintf("/wide/node%08d", r.IntN(8000))
		case 1:
			return fmt.Sprintf("/wide%d/%d/%x", r.IntN(4), r.IntN(20), r.IntN(100))
		case 2:
			return []string{"/wide", fmt.Sprintf("/wide%d", r.IntN(4)), fmt.Sprintf("/wide%d/%d", r.IntN(4), r.IntN(20))}[r.IntN(3)]
		}
		return fmt.Sprintf("/%s%d", strings.Repeat("name", r.IntN(60)), r.IntN(50))
	}},
}

func TestAgainstModel(t *testing.T) {
	for _, u := range universes {
		for seed := range uint64(3) {
			t.Run(fmt.Sprintf("%s/seed%d", u.name, seed), func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 17))
				g := &generator{random: random, path: u.path}
				tr, m := New(Options{Digest: true, ExtendedTypes: true}), newModel()
				var views []*View
				for step := range u.steps {
					// Times of growth and of decay, so that memory is given back.
					g.grow = []int{70, 60, 40, 10}[step*8/u.steps%4]
					txn := g.next()
					if removesParent(tr, &txn) && random.IntN(20) > 0 {
						continue // else the tree would never get deep
					}
					tr.Apply(&txn)
					m.apply(&txn)
					if random.IntN(u.steps/40) == 0 {
						views = append(views, tr.View())
					}
					if len(views) > random.IntN(4) {
						i := random.IntN(len(views))
						tr.Release(views[i])
						views = append(views[:i], views[i+1:]...)
					}
					if step%u.check == 0 || step == u.steps-1 {
						if err := m.difference(tr); err != nil {
							t.Fatalf("step %d: %v", step, err)
						}
						mustBeSound(t, tr)
					}
				}
				for _, v := range views {
					tr.Release(v)
				}
				reload(t, tr)
				mustEmpty(t, tr, m, g.zxid)
			})
		}
	}
}

func removesParent(tr *Tree, txn *wire.Txn) bool {
	for i := range txn.Subs {
		if removesParent(tr, &txn.Subs[i]) {
			return true
		}
	}
	for _, path := range append(txn.Paths, txn.Path) {
		r := tr.Find(path)
		if (txn.Type == wire.OpDelete || txn.Type == wire.OpCloseSession) && r != 0 && tr.Node(r).NumChildren > 0 {
			return true
		}
	}
	return false
}

// mustEmpty deletes everything and checks that the memory went too.
func mustEmpty(t *testing.T, tr *Tree, m *model, zxid wire.Zxid) {
	t.Helper()
	for name := range m.nodes[""].children {
		if name != "zookeeper" {
			txn := wire.Txn{Type: wire.OpDelete, Zxid: zxid + 1, Path: "/" + name}
			tr.Apply(&txn)
			defer m.apply(&txn)
		}
	}
	mustBeSound(t, tr)
	used := 0
	for _, memory := range tr.blobs.memory {
		if memory != nil {
			used++
		}
	}
	if used > len(slotUnits) {
		t.Errorf("%d slabs for %d nodes", used, tr.NumNodes())
	}
	if len(tr.blobs.waiting) > 0 || len(tr.blobs.gaps) != len(tr.blobs.large) || len(tr.rec.views.alive) > 0 {
		t.Errorf("%d blobs wait, %d of %d large ones left", len(tr.blobs.waiting), len(tr.blobs.gaps), len(tr.blobs.large))
	}
	records := -1 // without Ref 0, which is never free
	for _, slots := range tr.rec.vacant {
		records += chunkNodes - bits.OnesCount32(slots)
	}
	if len(tr.acls.entries)-len(tr.acls.free) > 6 || records > 10 {
		t.Errorf("%d ACLs, %d of %d records in use", len(tr.acls.entries)-len(tr.acls.free), records, tr.rec.next)
	}
}
