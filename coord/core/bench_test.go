package core

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"kafkacoord/coord/auth"
	"kafkacoord/coord/tree"
	"kafkacoord/coord/wire"
)

// The load of these benchmarks is that of coord bench: so many connections,
// each with so many requests in a turn, over so many nodes of 100 bytes.
const (
	benchConns = 30
	benchBatch = 16
	benchNodes = 10_000
	benchTurns = 64 // different turns, then they repeat
)

func benchPath(i int) string { return fmt.Sprintf("/bench/d%02d/k%010d", i/1000, i) }

// benchCore is a core with its nodes and open connections.
func benchCore(b *testing.B) (*Core, *Output) {
	registry, err := auth.New(auth.Config{})
	if err != nil {
		b.Fatal(err)
	}
	t := tree.New(tree.Options{Digest: true})
	create := func(path string, data []byte) {
		t.Apply(&wire.Txn{
			Type: wire.OpCreate, Zxid: t.Zxid() + 1, Path: path, Data: data, ACL: wire.OpenACL, ParentCversion: -1,
		})
	}
	create("/bench", nil)
	for i := range benchNodes {
		if i%1000 == 0 {
			create(fmt.Sprintf("/bench/d%02d", i/1000), nil)
		}
		create(benchPath(i), make([]byte, 100))
	}
	c := New(testConfig(), registry, State{Tree: t, Zxid: t.Zxid()}, wallAtZero, 0)
	var in Input
	out := new(Output)
	for id := range ConnID(benchConns) {
		in.Opened = append(in.Opened, Opened{Conn: id, Remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 1)})
		in.Batches = append(in.Batches, Batch{Conn: id, Frames: newSessionFrame(30_000)})
	}
	in.Now = wallAtZero
	c.Step(&in, out)
	in = Input{Now: wallAtZero, Durable: out.Append[len(out.Append)-1].Zxid}
	c.Step(&in, out)
	return c, out
}

// benchSteps times turns in which every connection sends a full batch; what
// the turn before has proposed becomes durable at its beginning.
func benchSteps(b *testing.B, request func(i int, path string) wire.Request) {
	c, out := benchCore(b)
	random := rand.New(rand.NewPCG(1, 1))
	turns := make([][]Batch, benchTurns)
	for t := range turns {
		for id := range ConnID(benchConns) {
			var frames []byte
			for i := range benchBatch {
				q := request(random.IntN(100), benchPath(random.IntN(benchNodes)))
				frames = wire.AppendRequestFrame(frames, int32(i+1), &q)
			}
			turns[t] = append(turns[t], Batch{Conn: id, Frames: frames})
		}
	}
	in := Input{Now: wallAtZero}
	b.ReportAllocs()
	turn := 0
	for b.Loop() {
		in.Batches, in.Durable = turns[turn%benchTurns], c.proposed
		turn++
		c.Step(&in, out)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(benchConns*benchBatch), "ns/request")
}

func BenchmarkSetData(b *testing.B) {
	data := make([]byte, 100)
	benchSteps(b, func(_ int, path string) wire.Request {
		return wire.Request{Op: wire.OpSetData, Path: path, Data: data, Version: -1}
	})
}

func BenchmarkGetData(b *testing.B) {
	benchSteps(b, func(_ int, path string) wire.Request { return wire.Request{Op: wire.OpGetData, Path: path} })
}

// BenchmarkMixed is nine reads to one write.
func BenchmarkMixed(b *testing.B) {
	data := make([]byte, 100)
	benchSteps(b, func(i int, path string) wire.Request {
		if i < 90 {
			return wire.Request{Op: wire.OpGetData, Path: path}
		}
		return wire.Request{Op: wire.OpSetData, Path: path, Data: data, Version: -1}
	})
}
