package tree

import (
	"maps"
	"slices"
	"testing"

	"kafkacoord/coord/wire"
)

func TestKindOf(t *testing.T) {
	for _, c := range []struct {
		owner               uint64
		plain, extendedType Kind
	}{
		{0, Persistent, Persistent},
		{1, Ephemeral, Ephemeral},
		{0x01000025e30a0000, Ephemeral, Ephemeral},
		{0x8000000000000000, Container, Container},
		{0x8000000000000001, Ephemeral, Ephemeral},
		{0xff00000000001388, Ephemeral, TTL},
		{0xff0000ffffffffff, Ephemeral, TTL},
		{0xff00010000000000, Ephemeral, Ephemeral}, // another feature
		{0xfe00000000001388, Ephemeral, Ephemeral},
		{0xffffffffffffffff, Ephemeral, Ephemeral},
	} {
		if k := KindOf(int64(c.owner), false); k != c.plain {
			t.Errorf("%#x is of kind %d, want %d", c.owner, k, c.plain)
		}
		if k := KindOf(int64(c.owner), true); k != c.extendedType {
			t.Errorf("%#x is of kind %d with extended types, want %d", c.owner, k, c.extendedType)
		}
	}
	if o := uint64(TTLOwner(5000)); o != 0xff00000000001388 || TTLOf(int64(o)) != 5000 || TTLOf(TTLOwner(MaxTTL)) != MaxTTL {
		t.Errorf("owner of 5000 ms is %#x", o)
	}
}

// With extended types off an owner with the TTL encoding is shown as a session.
func TestVisibleOwner(t *testing.T) {
	for _, extended := range []bool{false, true} {
		tr := New(Options{Digest: true, ExtendedTypes: extended})
		tr.Apply(&wire.Txn{Type: wire.OpCreateTTL, Zxid: 1, Session: 4, Path: "/t", ACL: wire.OpenACL, ParentCversion: 1, TTL: 5000})
		tr.Apply(&wire.Txn{Type: wire.OpCreateContainer, Zxid: 2, Session: 4, Path: "/c", ACL: wire.OpenACL, ParentCversion: 2})
		tr.Apply(&wire.Txn{
			Type: wire.OpCreate, Zxid: 3, Session: 4, Ephemeral: true, Path: "/e", ACL: wire.OpenACL, ParentCversion: 3,
		})
		want := map[string]wire.SessionID{"/t": 0, "/c": 0, "/e": 4}
		owners := map[wire.SessionID]int{4: 1}
		if !extended {
			want["/t"] = -0x00ffffffffffec78
			owners[-0x00ffffffffffec78] = 1
		}
		for path, owner := range want {
			if s := tr.Stat(tr.Find(path)); s.EphemeralOwner != owner {
				t.Errorf("extended %v: owner of %s is %s, want %s", extended, path, s.EphemeralOwner, owner)
			}
		}
		if got := maps.Collect(eachOwner(tr)); !maps.Equal(got, owners) {
			t.Errorf("extended %v: owners %v, want %v", extended, got, owners)
		}
		if tr.NumEphemerals() != len(owners) {
			t.Errorf("extended %v: %d ephemerals", extended, tr.NumEphemerals())
		}
		mustBeSound(t, tr)
	}
}

func TestEphemeralsOfASession(t *testing.T) {
	tr := New(digested)
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	var want []string
	for i := range 100 { // enough for the set to keep positions
		path := "/" + names[i%8] + names[i/8%8] + names[i/64]
		session := wire.SessionID(1 + i%2)
		tr.Apply(&wire.Txn{
			Type: wire.OpCreate, Zxid: wire.Zxid(i), Session: session, Ephemeral: true, Path: path,
			ACL: wire.OpenACL, ParentCversion: -1,
		})
		if session == 1 {
			want = append(want, path)
		}
		mustBeSound(t, tr)
	}
	var got []string
	for r := range tr.Ephemerals(1) {
		got = append(got, tr.Path(r))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("ephemerals %q, want %q", got, want)
	}
	for range tr.Ephemerals(3) {
		t.Error("session 3 owns a node")
	}
	for i, path := range want {
		if i%3 == 0 {
			tr.Apply(&wire.Txn{Type: wire.OpDelete, Zxid: wire.Zxid(200 + i), Path: path})
			mustBeSound(t, tr)
		}
	}
	_, changes := tr.Apply(&wire.Txn{Type: wire.OpCloseSession, Zxid: 300, Session: 1})
	if len(changes) != 33 || tr.NumEphemerals() != 50 {
		t.Errorf("%d deleted, %d ephemerals left", len(changes), tr.NumEphemerals())
	}
	mustBeSound(t, tr)
}

// A set that was large gives its memory back with its last node.
func TestRefSetShrinks(t *testing.T) {
	var s refSet
	for r := range Ref(1000) {
		s.add(r + 1)
	}
	for r := range Ref(1000) {
		s.remove(r + 1)
		s.remove(r + 1) // harmless
	}
	if cap(s.refs) != 0 || s.positions != nil {
		t.Errorf("an empty set keeps room for %d nodes, map %v", cap(s.refs), s.positions != nil)
	}
}

func TestExpirable(t *testing.T) {
	tr := New(Options{ExtendedTypes: true})
	zxid := wire.Zxid(0)
	apply := func(txn wire.Txn) {
		zxid++
		txn.Zxid, txn.ACL, txn.ParentCversion = zxid, wire.OpenACL, -1
		if res, _ := tr.Apply(&txn); res.Code != wire.OK {
			t.Fatalf("%+v: %s", txn, res.Code)
		}
	}
	apply(wire.Txn{Type: wire.OpCreateContainer, Time: 1000, Path: "/unused"})
	apply(wire.Txn{Type: wire.OpCreateContainer, Time: 1000, Path: "/used"})
	apply(wire.Txn{Type: wire.OpCreate, Time: 1000, Path: "/used/x"})
	apply(wire.Txn{Type: wire.OpDelete, Time: 1000, Path: "/used/x"})
	apply(wire.Txn{Type: wire.OpCreateContainer, Time: 1000, Path: "/full"})
	apply(wire.Txn{Type: wire.OpCreate, Time: 1000, Path: "/full/x"})
	apply(wire.Txn{Type: wire.OpCreateTTL, Time: 1000, Path: "/ttl", TTL: 500})
	apply(wire.Txn{Type: wire.OpCreateTTL, Time: 1000, Path: "/ttlTouched", TTL: 500})
	apply(wire.Txn{Type: wire.OpSetData, Time: 2000, Path: "/ttlTouched", Version: 1})
	apply(wire.Txn{Type: wire.OpCreateTTL, Time: 1000, Path: "/ttlFull", TTL: 500})
	apply(wire.Txn{Type: wire.OpCreate, Time: 1000, Path: "/ttlFull/x"})
	apply(wire.Txn{Type: wire.OpCreate, Time: 1000, Path: "/plain"})
	mustBeSound(t, tr)
	for _, c := range []struct {
		now       wire.Millis
		neverUsed int64
		want      []string
	}{
		{1000, 0, []string{"/used"}},
		{1500, 0, []string{"/used"}},
		{1501, 0, []string{"/ttl", "/used"}},
		{2500, 0, []string{"/ttl", "/used"}},
		{2501, 0, []string{"/ttl", "/ttlTouched", "/used"}},
		{1300, 300, []string{"/used"}},
		{1301, 300, []string{"/unused", "/used"}},
		{1 << 40, 0, []string{"/ttl", "/ttlTouched", "/used"}},
	} {
		var got []string
		for r := range tr.Expirable(c.now, c.neverUsed) {
			got = append(got, tr.Path(r))
		}
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("at %d, never used %d: %q, want %q", c.now, c.neverUsed, got, c.want)
		}
	}
	for range tr.Expirable(1<<40, 1) {
		break // an early end is fine
	}
	for _, path := range []string{"/used", "/ttl", "/ttlTouched", "/unused"} {
		apply(wire.Txn{Type: wire.OpDeleteContainer, Path: path})
	}
	for r := range tr.Expirable(1<<40, 1) {
		t.Errorf("%s is expirable", tr.Path(r))
	}
	mustBeSound(t, tr)
}
