package zab

import (
	"cmp"
	"slices"

	"kafkacoord/coord/wire"
)

// history is the newest part of a server's log: entries in the order of their
// zxids, without a gap, up to the end of the log. What is older has been dropped
// from memory, or was never seen because it came as a snapshot.
type history struct {
	entries []Entry // those kept are entries[head:]
	head    int
	bytes   int // of the payloads kept
	// last is the end of the log, durable or not: the zxid of the last entry, or
	// the position of the snapshot that came last. -1 for lost data.
	last wire.Zxid
}

// newHistory begins with what was found in the log. Recent entries that do not
// lead up to its end without a gap are left out.
func newHistory(last wire.Zxid, recent []Entry) history {
	h := history{last: last}
	end := len(recent)
	if end == 0 || recent[end-1].Zxid != last {
		return h
	}
	begin := end - 1
	for begin > 0 && follows(recent[begin-1].Zxid, recent[begin].Zxid) {
		begin--
	}
	for _, e := range recent[begin:] {
		h.add(e)
	}
	return h
}

// follows tells whether next may come right after previous: zxids are dense
// within an epoch. What precedes the first one of a later epoch cannot be told
// from the numbers.
func follows(previous, next wire.Zxid) bool {
	return next.Counter() != 0 && (next == previous+1 || next.Epoch() > previous.Epoch())
}

func compareEntry(e Entry, z wire.Zxid) int { return cmp.Compare(e.Zxid, z) }

// kept are the entries in memory. The slice is valid until the next change.
func (h *history) kept() []Entry { return h.entries[h.head:] }

// after are the entries kept after z. Mostly z is of the last epoch, in which its
// place can be counted from the end.
func (h *history) after(z wire.Zxid) []Entry {
	kept := h.kept()
	if len(kept) == 0 || z >= kept[len(kept)-1].Zxid {
		return kept[len(kept):]
	}
	distance := kept[len(kept)-1].Zxid - z
	if i := len(kept) - int(min(distance, wire.Zxid(len(kept)))); i > 0 && kept[i-1].Zxid == z {
		return kept[i:]
	}
	i, found := slices.BinarySearchFunc(kept, z, compareEntry)
	if found {
		i++
	}
	return kept[i:]
}

// between are the entries kept after z, up to and including through.
func (h *history) between(z, through wire.Zxid) []Entry {
	entries := h.after(z)
	return entries[:len(entries)-len(h.after(max(z, through)))]
}

// has tells whether the entry z is kept.
func (h *history) has(z wire.Zxid) bool {
	kept := h.kept()
	before := len(kept) - len(h.after(z))
	return before > 0 && kept[before-1].Zxid == z
}

// covers tells whether z can be a place in this log, as far as is known: the
// place of an entry kept, or one before all of them.
func (h *history) covers(z wire.Zxid) bool {
	kept := h.kept()
	return z == h.last || h.has(z) || z < h.last && (len(kept) == 0 || z < kept[0].Zxid)
}

// add puts an entry at the end of the log.
func (h *history) add(e Entry) {
	h.entries = append(h.entries, e)
	h.bytes += len(e.Payload)
	h.last = e.Zxid
}

// truncate drops the entries after z, which becomes the end of the log.
func (h *history) truncate(z wire.Zxid) {
	dropped := h.after(z)
	for i := range dropped {
		h.bytes -= len(dropped[i].Payload)
	}
	clear(dropped)
	h.entries = h.entries[:len(h.entries)-len(dropped)]
	h.last = min(h.last, z)
}

// replace says that a snapshot at z has taken the place of the log.
func (h *history) replace(z wire.Zxid) { *h = history{last: z} }

// trim drops the oldest entries up to limit, as long as there are more than the
// given numbers of both entries and bytes.
func (h *history) trim(limit wire.Zxid, entries, bytes int) {
	for len(h.entries)-h.head > entries && h.bytes > bytes && h.entries[h.head].Zxid <= limit {
		h.bytes -= len(h.entries[h.head].Payload)
		h.entries[h.head] = Entry{}
		h.head++
	}
	// Half of the slice is free: moving the rest costs less than one step for
	// each entry that was dropped, and the slice does not grow.
	if h.head > len(h.entries)/2 {
		n := copy(h.entries, h.entries[h.head:])
		clear(h.entries[n:])
		h.entries = h.entries[:n]
		h.head = 0
	}
}
