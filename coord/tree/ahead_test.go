package tree

import (
	"fmt"
	"reflect"
	"testing"

	"kafkacoord/coord/wire"
)

// Looking ahead changes nothing, whatever it is told to look at.
func TestLookAhead(t *testing.T) {
	tr := New(digested)
	create := func(path string, length int) Ref {
		createBench(tr, path, make([]byte, length))
		return tr.Find(path)
	}
	gone := create("/gone", 100)
	for i, length := range []int{0, 1, 100, blobSmallMax - 10, blobSmallMax, 100_000} {
		create(fmt.Sprint("/n", i), length)
	}
	tr.Apply(&wire.Txn{Type: wire.OpDelete, Zxid: tr.Zxid() + 1, Path: "/gone"})
	before := dump(tr)
	noted := 0
	for i := range 3 * aheadMax {
		more := tr.Ahead(fmt.Sprint("/n", i%8)) && tr.Ahead("/gone") && tr.Ahead("") && tr.AheadNode(gone) &&
			tr.AheadNode(0) && tr.AheadNode(1<<32-1)
		noted += 6
		if more != (noted < aheadMax) {
			t.Fatalf("room for more after %d nodes: %v", noted, more)
		}
		if !more {
			tr.LookAhead()
			noted = 0
		}
	}
	tr.LookAhead()
	if after := dump(tr); !reflect.DeepEqual(after, before) {
		t.Errorf("%v, before %v", after, before)
	}
	mustBeSound(t, tr)
}
