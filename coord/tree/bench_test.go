package tree

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"kafkacoord/coord/wire"
)

const benchNodes = 1_000_000

// shapes are where the million nodes lie; all names have 11 bytes.
var shapes = []struct {
	name    string
	parents int
}{
	{"oneParent", 1},
	{"thousandParents", 1000},
}

func benchPath(i, parents int) string {
	return fmt.Sprintf("/p%04d/node%07d", i%parents, i)
}

func benchParents(tr *Tree, parents int) {
	for p := range parents {
		tr.Apply(&wire.Txn{
			Type: wire.OpCreate, Zxid: tr.Zxid() + 1, Path: fmt.Sprintf("/p%04d", p), ACL: wire.OpenACL, ParentCversion: -1,
		})
	}
}

func createBench(tr *Tree, path string, data []byte) {
	tr.Apply(&wire.Txn{
		Type: wire.OpCreate, Zxid: tr.Zxid() + 1, Time: 1700000000000, Path: path, Data: data,
		ACL: wire.OpenACL, ParentCversion: -1,
	})
}

// filled returns a tree of a million nodes of 100 bytes and their paths.
func filled(parents int) (*Tree, []string) {
	tr := New(digested)
	benchParents(tr, parents)
	data := make([]byte, 100)
	paths := make([]string, benchNodes)
	for i := range paths {
		paths[i] = benchPath(i, parents)
		createBench(tr, paths[i], data)
	}
	return tr, paths
}

// overShapes runs a benchmark over the filled tree of every shape.
func overShapes(b *testing.B, run func(b *testing.B, tr *Tree, paths []string)) {
	for _, shape := range shapes {
		b.Run(shape.name, func(b *testing.B) {
			tr, paths := filled(shape.parents)
			rand.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
			for i := range paths {
				paths[i] = strings.Clone(paths[i]) // as from a socket: not a cache miss of its own
			}
			runtime.GC()
			b.ReportAllocs()
			b.ResetTimer()
			run(b, tr, paths)
		})
	}
}

func BenchmarkFind(b *testing.B) {
	overShapes(b, func(b *testing.B, tr *Tree, paths []string) {
		i := 0
		for b.Loop() {
			if tr.Find(paths[i]) == 0 {
				b.Fatal(paths[i])
			}
			if i++; i == len(paths) {
				i = 0
			}
		}
	})
}

func BenchmarkSetData(b *testing.B) {
	overShapes(b, func(b *testing.B, tr *Tree, paths []string) {
		data := make([]byte, 100)
		txn := wire.Txn{Type: wire.OpSetData, Zxid: tr.Zxid(), Data: data}
		i := 0
		for b.Loop() {
			txn.Zxid++
			txn.Path = paths[i]
			tr.Apply(&txn)
			if i++; i == len(paths) {
				i = 0
			}
		}
	})
}

// BenchmarkCreate times a create in a tree that grows to a million nodes.
func BenchmarkCreate(b *testing.B) {
	for _, shape := range shapes {
		b.Run(shape.name, func(b *testing.B) {
			paths := make([]string, benchNodes)
			for i := range paths {
				paths[i] = benchPath(i, shape.parents)
			}
			data := make([]byte, 100)
			txn := wire.Txn{Type: wire.OpCreate, Data: data, ACL: wire.OpenACL, ParentCversion: -1}
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				tr := New(digested)
				benchParents(tr, shape.parents)
				runtime.GC()
				b.StartTimer()
				for _, path := range paths {
					txn.Zxid++
					txn.Path = path
					tr.Apply(&txn)
				}
			}
			perNode(b)
		})
	}
}

// BenchmarkChurn times a create and a delete in a full tree.
func BenchmarkChurn(b *testing.B) {
	overShapes(b, func(b *testing.B, tr *Tree, paths []string) {
		data := make([]byte, 100)
		zxid := tr.Zxid()
		i := 0
		for b.Loop() {
			zxid++
			tr.Apply(&wire.Txn{Type: wire.OpDelete, Zxid: zxid, Path: paths[i]})
			createBench(tr, paths[i], data)
			if i++; i == len(paths) {
				i = 0
			}
		}
	})
}

// BenchmarkMemory reports the heap that a node takes.
func BenchmarkMemory(b *testing.B) {
	for _, shape := range shapes {
		b.Run(shape.name, func(b *testing.B) {
			for b.Loop() {
				before := heapInUse()
				tr := New(digested)
				benchParents(tr, shape.parents)
				data := make([]byte, 100)
				for i := range benchNodes {
					createBench(tr, benchPath(i, shape.parents), data)
				}
				b.ReportMetric(float64(heapInUse()-before)/benchNodes, "bytes/node")
				runtime.KeepAlive(tr)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

func BenchmarkView(b *testing.B) {
	overShapes(b, func(b *testing.B, tr *Tree, _ []string) {
		for b.Loop() {
			tr.Release(tr.View())
		}
	})
}

// BenchmarkSetDataUnderView is what a write costs while a snapshot is written:
// most writes meet a chunk for the first time.
func BenchmarkSetDataUnderView(b *testing.B) {
	overShapes(b, func(b *testing.B, tr *Tree, paths []string) {
		txn := wire.Txn{Type: wire.OpSetData, Zxid: tr.Zxid(), Data: make([]byte, 100)}
		i := 0
		v := tr.View()
		for b.Loop() {
			if i++; i%5000 == 0 {
				tr.Release(v)
				v = tr.View()
			}
			txn.Zxid++
			txn.Path = paths[i%len(paths)]
			tr.Apply(&txn)
		}
		tr.Release(v)
	})
}

// BenchmarkWalk times the walk over a view.
func BenchmarkWalk(b *testing.B) {
	overShapes(b, func(b *testing.B, tr *Tree, _ []string) {
		for b.Loop() {
			v := tr.View()
			bytes := 0
			for n := range v.Nodes {
				bytes += len(n.Path) + len(n.Data)
			}
			tr.Release(v)
		}
		perNode(b)
	})
}

// BenchmarkLoad times building a tree from a snapshot's nodes.
func BenchmarkLoad(b *testing.B) {
	overShapes(b, func(b *testing.B, tr *Tree, _ []string) {
		var nodes []SnapshotNode
		for n := range tr.View().Nodes {
			c := *n
			c.Path, c.Data = string([]byte(n.Path)), append([]byte{}, n.Data...)
			nodes = append(nodes, c)
		}
		runtime.GC()
		b.ResetTimer()
		for b.Loop() {
			l := NewLoader(digested)
			l.ACL(int64(aclOpen), wire.OpenACL)
			for i := range nodes {
				if err := l.Node(&nodes[i]); err != nil {
					b.Fatal(err)
				}
			}
			if _, err := l.Finish(1); err != nil {
				b.Fatal(err)
			}
		}
		perNode(b)
	})
}

func perNode(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchNodes, "ns/node")
}

// BenchmarkAfterDeletion sets the data of 10,000 nodes in a tree that held a
// million before, against a tree that never did.
func BenchmarkAfterDeletion(b *testing.B) {
	for _, before := range []int{0, benchNodes} {
		b.Run(fmt.Sprintf("before=%d", before), func(b *testing.B) {
			tr := New(digested)
			benchParents(tr, 1)
			data := make([]byte, 100)
			order := rand.Perm(before)
			for _, i := range order {
				createBench(tr, benchPath(i, 1), data)
			}
			rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
			for _, i := range order {
				tr.Apply(&wire.Txn{Type: wire.OpDelete, Zxid: tr.Zxid() + 1, Path: benchPath(i, 1)})
			}
			paths := make([]string, 10_000)
			for i := range paths {
				paths[i] = benchPath(i, 1)
				createBench(tr, paths[i], data)
			}
			rand.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
			runtime.GC()
			txn := wire.Txn{Type: wire.OpSetData, Zxid: tr.Zxid(), Data: data}
			i := 0
			for b.Loop() {
				txn.Zxid++
				txn.Path = paths[i]
				tr.Apply(&txn)
				if i++; i == len(paths) {
					i = 0
				}
			}
		})
	}
}
