package tree

import "testing"

// TestSlabsEndAtTheirLimit: a reference that does not fit must not be cut off,
// which would make two nodes share their bytes.
func TestSlabsEndAtTheirLimit(t *testing.T) {
	const most = int(blobLarge) / slabUnits
	s := slabs{slabs: make([]slab, most-1), memory: make([]*slabMemory, most-1)}
	ref, _ := s.allocate(blobSmallMax)
	if ref&blobLarge != 0 || int(ref/slabUnits) != most-1 {
		t.Fatalf("the last slab gave reference %#x", ref)
	}
	defer func() {
		if recover() == nil {
			t.Error("a slab beyond the last was given out")
		}
	}()
	for range slabBytes / blobSmallMax {
		ref, _ = s.allocate(blobSmallMax)
	}
	t.Errorf("reference %#x", ref)
}
