package tree

import (
	"testing"

	"kafkacoord/coord/wire"
)

// Every 128th digest is kept, the last 1024 of them, and a replay adds none.
func TestDigestsAreKept(t *testing.T) {
	kept := New(Options{Digest: true})
	const last = digestEvery * (digestsMax + 3)
	for zxid := wire.Zxid(1); zxid <= last; zxid++ {
		txn := wire.Txn{Zxid: zxid, Type: wire.OpSetData, Path: "/", Version: int32(zxid)}
		kept.Apply(&txn)
		if zxid == last {
			kept.Apply(&txn)
		}
	}
	digests := kept.Digests()
	if len(digests) != digestsMax {
		t.Fatalf("%d digests are kept, want %d", len(digests), digestsMax)
	}
	for i, d := range digests {
		if want := wire.Zxid(digestEvery * (i + 4)); d.Zxid != want {
			t.Fatalf("digest %d is of %v, want %v", i, d.Zxid, want)
		}
	}
	if d := digests[digestsMax-1]; d.Digest != kept.Digest() {
		t.Errorf("the last digest is %x, the tree's %x", d.Digest, kept.Digest())
	}
	if kept.ForgetDigests(); len(kept.Digests()) != 0 {
		t.Errorf("%d digests are left after all were forgotten", len(kept.Digests()))
	}
	without := New(Options{})
	without.Apply(&wire.Txn{Zxid: digestEvery, Type: wire.OpSetData, Path: "/"})
	if digests := without.Digests(); len(digests) != 0 {
		t.Errorf("a tree without digest keeps %v", digests)
	}
}
