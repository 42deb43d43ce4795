package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

const tornLog = "/data/version-2/log.1"

// threeRecords returns a disk with snapshot.0 and one log of three
// transactions without padding, and where each record ends.
func threeRecords(t *testing.T, dataBytes int) (*vfs.Memory, *history, []int) {
	t.Helper()
	disk, h := vfs.NewMemory(), newHistory(1)
	o := testOptions()
	o.PreallocBytes = -1
	s, _ := mustOpen(t, disk, o)
	ends := []int{logHeaderBytes}
	for i := range 3 {
		h.add(wire.Txn{
			Type: wire.OpCreate, Path: fmt.Sprintf("/n%d", i), ParentCversion: -1,
			Data: []byte(strings.Repeat("d", dataBytes)), ACL: wire.OpenACL,
		})
		ends = append(ends, ends[i]+recordPrefixBytes+len(h.entries[i].Payload)+1)
	}
	must(t, s.Append(h.entries))
	must(t, s.Close())
	return disk, h, ends
}

// TestTornTails cuts a log at every byte, once by its size and once by zeroes
// up to the old size: the records before the cut are there, and the store goes
// on behind them.
func TestTornTails(t *testing.T) {
	disk, h, ends := threeRecords(t, 20)
	content := fileContent(t, disk, tornLog)
	for cut := range len(content) + 1 {
		want, _ := slices.BinarySearch(ends, cut+1)
		want = max(want-1, 0)
		zeroed := make([]byte, len(content)+100)
		copy(zeroed, content[:cut])
		for _, damaged := range [][]byte{content[:cut], zeroed} {
			clone := disk.Clone()
			putFile(t, clone, tornLog, damaged)
			s, r, err := Open(clone, testOptions())
			if err != nil {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			if int(r.LastZxid) != want {
				t.Fatalf("cut at %d: recovered to %v, want %d", cut, r.LastZxid, want)
			}
			h.check(t, r)
			goOn(t, clone, testOptions(), s, r)
		}
	}
}

// TestFlippedBits damages every byte of a log: recovery refuses or loses the
// tail, but never returns a state that was not written.
func TestFlippedBits(t *testing.T) {
	disk, h, ends := threeRecords(t, 20)
	content := fileContent(t, disk, tornLog)
	refused := 0
	for i := range content {
		clone := disk.Clone()
		damaged := slices.Clone(content)
		damaged[i] ^= 0x10
		putFile(t, clone, tornLog, damaged)
		_, r, err := Open(clone, testOptions())
		var damage *CorruptionError
		switch {
		case errors.As(err, &damage):
			refused++
			if damage.File != tornLog || int(damage.Offset) > i {
				t.Errorf("byte %d: %v", i, err)
			}
		case err != nil:
			t.Errorf("byte %d: %v", i, err)
		default:
			h.check(t, r)
		}
	}
	// The header's version and dbid are not looked at. A length that grows
	// makes the record end behind the file or, by luck, at a zero.
	const unseen, length = 12, 4
	if most := ends[3] - unseen - 3*length; refused < most {
		t.Errorf("%d damaged bytes of %d were refused, want %d", refused, ends[3], most)
	}
}

// TestLostSectors zeroes any sectors of the last record, as a power loss
// before its sync may: its mark can be there all the same.
func TestLostSectors(t *testing.T) {
	const sector = 512
	disk, h, ends := threeRecords(t, 3*sector)
	content := fileContent(t, disk, tornLog)
	first, last := ends[2]/sector, ends[3]/sector
	for lost := 1; lost < 1<<(last-first+1); lost++ {
		clone := disk.Clone()
		damaged := slices.Clone(content)
		for i := first; i <= last; i++ {
			if lost>>(i-first)&1 != 0 {
				clear(damaged[max(i*sector, ends[2]):min((i+1)*sector, len(content))])
			}
		}
		putFile(t, clone, tornLog, damaged)
		s, r, err := Open(clone, testOptions())
		if err != nil {
			t.Fatalf("sectors %b lost: %v", lost, err)
		}
		if r.LastZxid != 2 {
			t.Fatalf("sectors %b lost: recovered to %v", lost, r.LastZxid)
		}
		h.check(t, r)
		goOn(t, clone, testOptions(), s, r)
	}
}

// TestDamageBeforeTheEnd checks what is never taken for a torn tail.
func TestDamageBeforeTheEnd(t *testing.T) {
	const nextLog = "/data/version-2/log.4"
	disk, h, ends := threeRecords(t, 2000)
	h.grow(2)
	next := appendLogHeader(nil)
	for _, e := range h.entries[3:] {
		next = appendRecord(next, e.Payload)
	}
	putFile(t, disk, nextLog, next)
	content := fileContent(t, disk, tornLog)
	cases := map[string]struct {
		damage func() []byte
		offset int64
	}{
		"zeroed mark": {func() []byte {
			b := slices.Clone(content)
			b[ends[2]-1] = 0
			return b
		}, int64(ends[1])},
		"lost sector": {func() []byte {
			b := slices.Clone(content)
			clear(b[512:1024])
			return b
		}, int64(ends[0])},
		"cut":         {func() []byte { return content[:ends[2]+5] }, int64(ends[2])},
		"no header":   {func() []byte { return nil }, 0},
		"half header": {func() []byte { return content[:7] }, 0},
		"huge length": {func() []byte {
			b := slices.Clone(content)
			b[ends[2]+8] = 0x7f
			return b
		}, int64(ends[2])},
		"negative length": {func() []byte {
			b := slices.Clone(content)
			b[ends[2]+8] = 0xff
			return b
		}, int64(ends[2])},
	}
	for name, c := range cases {
		clone := disk.Clone()
		putFile(t, clone, tornLog, c.damage())
		_, _, err := Open(clone, testOptions())
		var damage *CorruptionError
		if !errors.As(err, &damage) || damage.File != tornLog || damage.Offset != c.offset {
			t.Errorf("%s: %v, want damage at %d", name, err, c.offset)
		}
	}

	clone := disk.Clone()
	must(t, clone.Remove(tornLog))
	_, _, err := Open(clone, testOptions())
	var gap *GapError
	if !errors.As(err, &gap) || gap.After != 0 || gap.Next != 4 {
		t.Errorf("missing log file: %v", err)
	}
	o := testOptions()
	o.AcceptGaps = true
	_, r := mustOpen(t, clone, o)
	if r.LastZxid != 5 || len(r.Notes) == 0 {
		t.Errorf("with AcceptGaps: %+v", r)
	}
}

func TestIsGap(t *testing.T) {
	const epoch = 1 << 32
	cases := []struct {
		after, next wire.Zxid
		want        bool
	}{
		{0, 1, false},
		{0, 2, true},
		{5, 6, false},
		{5, 7, true},
		{5, epoch + 1, false},
		{5, epoch + 2, true},
		{epoch + 5, 3*epoch + 1, false},
		{epoch, epoch + 1, false},
		{epoch + 5, 7, false}, // backwards: not a gap
	}
	for _, c := range cases {
		if got := isGap(c.after, c.next); got != c.want {
			t.Errorf("isGap(%v, %v) = %t", c.after, c.next, got)
		}
	}
}
