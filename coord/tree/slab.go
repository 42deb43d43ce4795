package tree

import "encoding/binary"

// Names and data are kept in slabs of 64 KiB, each cut into slots of one size.
// A blobRef packs slab number and slot start (in units of 16 bytes) into 32
// bits, one of them for large blobs: enough for 32 GiB. Blobs above
// blobSmallMax have memory of their own.
const (
	slabBytes     = 64 << 10
	slabUnitBytes = 16
	slabUnits     = slabBytes / slabUnitBytes
	blobSmallMax  = 8 << 10
)

type blobRef uint32

const blobLarge blobRef = 1 << 31

// slotUnits lists the slot sizes in units: every unit up to 256 bytes, then
// steps of about an eighth, so that at most a ninth of a slot is lost.
var slotUnits, classOf = slotClasses()

func slotClasses() ([]int, [blobSmallMax/slabUnitBytes + 1]uint8) {
	var units []int
	var class [blobSmallMax/slabUnitBytes + 1]uint8
	for u := 1; u < blobSmallMax/slabUnitBytes; u += max(1, u/8) {
		units = append(units, u)
	}
	units = append(units, blobSmallMax/slabUnitBytes)
	c := 0
	for u := range class {
		if u > units[c] {
			c++
		}
		class[u] = uint8(c)
	}
	return units, class
}

// slab is what is known of one slab; its memory stands in slabs.memory, by the
// same number, so that a view needs to copy only that.
type slab struct {
	class  uint8
	listed bool   // stands in its class's partial list
	live   uint16 // slots in use
	carved uint16 // units handed out so far; the rest was never used
	free   uint32 // first freed slot (unit+1); the next one is in its first bytes
}

type slabMemory [slabBytes]byte

type slabs struct {
	memory  []*slabMemory
	slabs   []slab
	empty   []uint32 // numbers of slabs without memory, to be reused
	partial [64][]uint32
	large   [][]byte
	gaps    []uint32 // free places in large
	// waiting holds slots freed while a view was alive, oldest first.
	waiting []freedBlob
}

// Slots that waited for a view are reclaimed in steps: a turn that reclaimed all
// that a busy server has freed during a snapshot would take milliseconds.
const (
	settleAtEnd     = 4096 // when a view ends
	settleAtRelease = 4    // with every blob freed later, so that the rest shrinks
)

type freedBlob struct {
	seq uint64 // newest view when freed: views up to it may read the slot
	ref blobRef
}

// blobAt returns the memory of a blob from its start on; callers know the length.
func blobAt(memory []*slabMemory, large [][]byte, ref blobRef, length int) []byte {
	if length == 0 {
		return nil
	}
	if ref&blobLarge != 0 {
		return large[ref&^blobLarge][:length:length]
	}
	off := int(ref%slabUnits) * slabUnitBytes
	return memory[ref/slabUnits][off : off+length : off+length]
}

// sameSlot tells whether blobs of two lengths take slots of one size.
func sameSlot(a, b int) bool {
	return min(a, b) > 0 && max(a, b) <= blobSmallMax &&
		classOf[(a+slabUnitBytes-1)/slabUnitBytes] == classOf[(b+slabUnitBytes-1)/slabUnitBytes]
}

// allocate returns memory for length bytes; length 0 has no blob.
func (s *slabs) allocate(length int) (blobRef, []byte) {
	if length == 0 {
		return 0, nil
	}
	if length > blobSmallMax {
		b := make([]byte, length)
		if n := len(s.gaps); n > 0 {
			i := s.gaps[n-1]
			s.gaps = s.gaps[:n-1]
			s.large[i] = b
			return blobLarge | blobRef(i), b
		}
		s.large = append(s.large, b)
		return blobLarge | blobRef(len(s.large)-1), b
	}
	class := classOf[(length+slabUnitBytes-1)/slabUnitBytes]
	number := s.withSpace(class)
	sl, memory := &s.slabs[number], s.memory[number]
	units := slotUnits[class]
	var unit int
	if sl.free != 0 {
		unit = int(sl.free - 1)
		sl.free = binary.LittleEndian.Uint32(memory[unit*slabUnitBytes:])
	} else {
		unit = int(sl.carved)
		sl.carved += uint16(units)
	}
	sl.live++
	if sl.free == 0 && int(sl.carved)+units > slabUnits {
		list := s.partial[class]
		s.partial[class] = list[:len(list)-1]
		sl.listed = false
	}
	off := unit * slabUnitBytes
	return blobRef(number*slabUnits) + blobRef(unit), memory[off : off+length : off+length]
}

// withSpace returns the slab at the end of the class's list, a new one if the
// list is empty.
func (s *slabs) withSpace(class uint8) uint32 {
	if list := s.partial[class]; len(list) > 0 {
		return list[len(list)-1]
	}
	var number uint32
	if n := len(s.empty); n > 0 {
		number = s.empty[n-1]
		s.empty = s.empty[:n-1]
	} else {
		if len(s.slabs) == 0 {
			s.slabs, s.memory = append(s.slabs, slab{}), append(s.memory, nil) // ref 0 is no blob
		}
		number = uint32(len(s.slabs))
		s.slabs, s.memory = append(s.slabs, slab{}), append(s.memory, nil)
	}
	if number >= uint32(blobLarge)/slabUnits {
		panic("tree: names and data take more than 32 GiB, which blob references cannot address")
	}
	s.slabs[number] = slab{class: class, listed: true}
	s.memory[number] = new(slabMemory)
	s.partial[class] = append(s.partial[class], number)
	return number
}

// release frees a blob, or queues it while a live view may read it.
func (s *slabs) release(ref blobRef, v *views) {
	if ref == 0 {
		return
	}
	s.settle(v, settleAtRelease)
	if len(v.alive) > 0 {
		s.waiting = append(s.waiting, freedBlob{seq: v.newest, ref: ref})
		return
	}
	s.reclaim(ref)
}

// settle frees up to limit slots that waited for views that are gone now.
func (s *slabs) settle(v *views, limit int) {
	n := 0
	for n < min(len(s.waiting), limit) && s.waiting[n].seq < v.oldest() {
		s.reclaim(s.waiting[n].ref)
		n++
	}
	if s.waiting = s.waiting[n:]; len(s.waiting) == 0 {
		s.waiting = nil
	}
}

func (s *slabs) reclaim(ref blobRef) {
	if ref&blobLarge != 0 {
		i := uint32(ref &^ blobLarge)
		s.large[i] = nil
		s.gaps = append(s.gaps, i)
		return
	}
	number, unit := uint32(ref/slabUnits), uint32(ref%slabUnits)
	sl := &s.slabs[number]
	sl.live--
	if sl.live == 0 && (!sl.listed || len(s.partial[sl.class]) > 1) {
		s.drop(number)
		return
	}
	binary.LittleEndian.PutUint32(s.memory[number][unit*slabUnitBytes:], sl.free)
	sl.free = unit + 1
	if !sl.listed {
		sl.listed = true
		s.partial[sl.class] = append(s.partial[sl.class], number)
	}
}

// drop gives the memory of a slab without blobs back.
func (s *slabs) drop(number uint32) {
	sl := &s.slabs[number]
	if sl.listed {
		list := s.partial[sl.class]
		for i, n := range list {
			if n == number {
				list[i] = list[len(list)-1]
				s.partial[sl.class] = list[:len(list)-1]
				break
			}
		}
	}
	*sl = slab{}
	s.memory[number] = nil
	s.empty = append(s.empty, number)
}
