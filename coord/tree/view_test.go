package tree

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"kafkacoord/coord/wire"
)

// content is all that a view shows, in a form that compares quickly.
type content map[string]uint64

var contentSeed = maphash.MakeSeed()

// read walks a view and checks the order on the way.
func read(v *View) (content, error) {
	lists := make(map[int64][]wire.ACL)
	for key, acl := range v.ACLs {
		lists[key] = acl
	}
	all := make(content, v.NumNodes())
	for n := range v.Nodes {
		if _, twice := all[n.Path]; twice {
			return nil, fmt.Errorf("%q comes twice", n.Path)
		}
		if n.Path != "" {
			if _, ok := all[wire.ParentPath(n.Path)]; !ok {
				return nil, fmt.Errorf("%q comes before its parent", n.Path)
			}
		} else if len(all) > 0 {
			return nil, fmt.Errorf("the root comes after %d nodes", len(all))
		}
		acl, ok := lists[n.ACL]
		if !ok && n.ACL != -1 {
			return nil, fmt.Errorf("%q has the ACL %d, which is not listed", n.Path, n.ACL)
		}
		fields := Fields{
			Czxid: n.Czxid, Mzxid: n.Mzxid, Pzxid: n.Pzxid, Ctime: n.Ctime, Mtime: n.Mtime, Owner: n.Owner,
			Version: n.Version, Cversion: n.Cversion, Aversion: n.Aversion,
		}
		all[string([]byte(n.Path))] = maphash.Bytes(contentSeed, n.Data) ^ maphash.Comparable(contentSeed, fields) ^
			maphash.Bytes(contentSeed, wire.AppendACLs([]byte{1}, acl)) ^ maphash.Comparable(contentSeed, n.Data == nil)
	}
	if len(all) != v.NumNodes() {
		return nil, fmt.Errorf("%d nodes, counted %d", len(all), v.NumNodes())
	}
	return all, nil
}

// churn applies random transactions to a tree.
func churn(tr *Tree, g *generator, steps int) {
	for range steps {
		txn := g.next()
		if !removesParent(tr, &txn) {
			tr.Apply(&txn)
		}
	}
}

func wideGenerator(seed uint64) *generator {
	return &generator{random: rand.New(rand.NewPCG(seed, 3)), path: universes[1].path, grow: 60}
}

// Readers walk views over and over while the owner goes on; each view must show
// the tree as it was when the view was taken, to the last byte.
func TestViewsWhileTheTreeChanges(t *testing.T) {
	const rounds, atOnce = 16, 3
	tr := New(Options{Digest: true, ExtendedTypes: true})
	g := wideGenerator(1)
	churn(tr, g, 3_000)
	type reader struct {
		view *View
		want content
		stop chan struct{}
		done chan error
	}
	var readers []reader
	release := func(i int) {
		t.Helper()
		close(readers[i].stop)
		if err := <-readers[i].done; err != nil {
			t.Error(err)
		}
		tr.Release(readers[i].view)
		readers = append(readers[:i], readers[i+1:]...)
	}
	for round := range rounds {
		v := tr.View()
		want, err := read(v) // nothing has changed yet
		if err != nil {
			t.Fatal(err)
		}
		r := reader{v, want, make(chan struct{}), make(chan error, 1)}
		readers = append(readers, r)
		digest, zxid := tr.Digest(), tr.Zxid()
		go func() {
			for {
				got, err := read(r.view)
				if err == nil && (!reflect.DeepEqual(got, r.want) || r.view.Digest() != digest || r.view.Zxid() != zxid) {
					err = fmt.Errorf("the view of %s shows another tree", zxid)
				}
				select {
				case <-r.stop:
					r.done <- err
					return
				default:
					if err != nil {
						r.done <- err
						return
					}
				}
			}
		}()
		g.grow = []int{75, 20}[round/4%2]
		churn(tr, g, 400)
		mustBeSound(t, tr)
		if len(readers) == atOnce {
			release(g.random.IntN(atOnce)) // in any order
		}
	}
	for len(readers) > 0 {
		release(g.random.IntN(len(readers)))
		mustBeSound(t, tr)
	}
	if len(tr.blobs.waiting) != 0 || len(tr.rec.views.alive) != 0 {
		t.Errorf("%d blobs wait for %d views", len(tr.blobs.waiting), len(tr.rec.views.alive))
	}
	reload(t, tr)
}

// Snapshots taken for ever must not cost memory for ever, also when there is
// always one alive.
func TestViewsGiveMemoryBack(t *testing.T) {
	tr := New(digested)
	for i := range 2000 {
		tr.Apply(&wire.Txn{
			Type: wire.OpCreate, Zxid: wire.Zxid(i), Path: fmt.Sprintf("/n%d", i), Data: make([]byte, 200), ACL: wire.OpenACL, ParentCversion: -1,
		})
	}
	var alive []*View
	var slabsMost, largeMost, waitingMost int
	for round := range 300 {
		alive = append(alive, tr.View())
		for i := range 100 {
			length := 200
			if i == 0 {
				length = 20_000
			}
			tr.Apply(&wire.Txn{
				Type: wire.OpSetData, Zxid: tr.Zxid() + 1, Path: fmt.Sprintf("/n%d", (round*37+i*19)%2000), Data: make([]byte, length),
			})
		}
		if round == 50 { // a steady state
			slabsMost, largeMost, waitingMost = len(tr.blobs.memory)+5, len(tr.blobs.large)+50, len(tr.blobs.waiting)+200
		}
		if round > 50 && (len(tr.blobs.memory) > slabsMost || len(tr.blobs.large) > largeMost+2000 || len(tr.blobs.waiting) > waitingMost) {
			t.Fatalf("round %d: %d slabs (%d), %d large (%d), %d waiting (%d)", round, len(tr.blobs.memory), slabsMost,
				len(tr.blobs.large), largeMost, len(tr.blobs.waiting), waitingMost)
		}
		if len(alive) == 3 {
			i := round % 2 // sometimes the oldest, sometimes the one in between
			tr.Release(alive[i])
			alive = append(alive[:i], alive[i+1:]...)
		}
	}
	mustBeSound(t, tr)
	for _, v := range alive {
		tr.Release(v)
	}
	mustBeSound(t, tr)
	if len(tr.blobs.waiting) != 0 {
		t.Errorf("%d blobs wait", len(tr.blobs.waiting))
	}
}

// Only what is written while a view lives is copied, once a view.
func TestViewCopiesChunksOnce(t *testing.T) {
	tr := New(digested)
	for i := range 1000 {
		tr.Apply(&wire.Txn{Type: wire.OpCreate, Zxid: wire.Zxid(i), Path: fmt.Sprintf("/n%d", i), ACL: wire.OpenACL, ParentCversion: -1})
	}
	set := func(path string) {
		tr.Apply(&wire.Txn{Type: wire.OpSetData, Zxid: tr.Zxid() + 1, Path: path, Data: []byte("x")})
	}
	copied := func(before []*chunk) int {
		n := 0
		for i := range before {
			if before[i] != tr.rec.chunks[i] {
				n++
			}
		}
		return n
	}
	before := slices.Clone(tr.rec.chunks)
	set("/n500")
	if n := copied(before); n != 0 {
		t.Errorf("%d chunks copied without a view", n)
	}
	first := tr.View()
	set("/n500")
	if n := copied(before); n != 1 {
		t.Errorf("%d chunks copied by one write", n)
	}
	after := slices.Clone(tr.rec.chunks)
	set("/n500")
	if n := copied(after); n != 0 {
		t.Errorf("%d chunks copied again", n)
	}
	second := tr.View()
	set("/n500")
	if n := copied(after); n != 1 {
		t.Errorf("%d chunks copied for the second view", n)
	}
	tr.Release(second)
	after = slices.Clone(tr.rec.chunks)
	set("/n500")
	if n := copied(after); n != 0 {
		t.Errorf("%d chunks copied for a view that has its own", n)
	}
	tr.Release(first)
	tr.Release(first) // harmless
	set("/n0")
	if n := copied(after); n != 0 || len(tr.rec.views.alive) != 0 {
		t.Errorf("%d chunks copied, views %v", n, tr.rec.views.alive)
	}
}

func TestViewStopsEarly(t *testing.T) {
	tr := base(t, digested)
	for _, stop := range []int{1, 2, 5} {
		v := tr.View()
		seen := 0
		for range v.Nodes {
			if seen++; seen == stop {
				break
			}
		}
		for range v.ACLs {
			break
		}
		if seen != stop {
			t.Errorf("%d nodes, want %d", seen, stop)
		}
		tr.Release(v)
	}
}

// A freed slot must keep its bytes while a view may read it, and be reused after.
func TestFreedBlobsKeepTheirBytes(t *testing.T) {
	for _, length := range []int{1, 100, blobSmallMax - 5, blobSmallMax + 100} {
		tr := New(digested)
		tr.Apply(&wire.Txn{
			Type: wire.OpCreate, Zxid: 1, Path: "/a", Data: bytes.Repeat([]byte("o"), length), ACL: wire.OpenACL, ParentCversion: -1,
		})
		v := tr.View()
		for i := range 50 {
			tr.Apply(&wire.Txn{Type: wire.OpSetData, Zxid: wire.Zxid(i), Path: "/a", Data: bytes.Repeat([]byte("n"), length)})
		}
		tr.Apply(&wire.Txn{Type: wire.OpDelete, Zxid: 99, Path: "/a"})
		for n := range v.Nodes {
			if n.Path == "/a" && !bytes.Equal(n.Data, bytes.Repeat([]byte("o"), length)) {
				t.Errorf("%d bytes: the view reads %.20q", length, n.Data)
			}
		}
		mustBeSound(t, tr)
		tr.Release(v)
		mustBeSound(t, tr)
		if len(tr.blobs.waiting) != 0 || len(tr.blobs.gaps) != len(tr.blobs.large) {
			t.Errorf("%d bytes: %d wait, %d of %d gaps", length, len(tr.blobs.waiting), len(tr.blobs.gaps), len(tr.blobs.large))
		}
	}
}

// TestWaitingBlobsAreSettledInSteps: what was freed while a view was alive comes back
// after it, a bounded part at a time, and all of it with the changes that follow.
func TestWaitingBlobsAreSettledInSteps(t *testing.T) {
	tr := New(digested)
	set := func() {
		tr.Apply(&wire.Txn{Type: wire.OpSetData, Zxid: tr.Zxid() + 1, Path: "/a", Data: make([]byte, 500)})
	}
	tr.Apply(&wire.Txn{Type: wire.OpCreate, Zxid: 1, Path: "/a", Data: make([]byte, 500), ACL: wire.OpenACL, ParentCversion: -1})
	v := tr.View()
	const freed = 3 * settleAtEnd
	for range freed {
		set()
	}
	tr.Release(v)
	if n := len(tr.blobs.waiting); n != freed-settleAtEnd {
		t.Fatalf("%d of %d wait after the end of the view", n, freed)
	}
	mustBeSound(t, tr)
	v = tr.View() // does not hold back what the one before did
	for range freed {
		set()
	}
	if n := len(tr.blobs.waiting); n != freed {
		t.Errorf("%d blobs wait for a view that may read %d", n, freed)
	}
	tr.Release(v)
	mustBeSound(t, tr)
}
