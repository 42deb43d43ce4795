package oracle

import (
	"strings"

	"kafkacoord/coord/wire"
)

// spoil turns a well-formed request into a malformed or unusual one. It never
// makes a path that could be taken for another one outside the seed's root.
func spoil(u *universe, r *request) {
	body := r.body
	switch u.rng.IntN(10) {
	case 0, 1, 2:
		if len(body) == 0 {
			return
		}
		r.body = body[:u.rng.IntN(len(body))]
		r.note = "cut short"
	case 3, 4:
		r.body = append(body, make([]byte, 1+u.rng.IntN(20))...)
		r.note = "bytes after the record"
	case 5:
		spoilPathLength(u, r)
	case 6, 7:
		spoilACL(u, r)
	case 8:
		spoilVector(u, r)
	case 9:
		spoilMulti(u, r)
	}
}

// startsWithPath tells whether the record's first field is its path.
func startsWithPath(op wire.Op) bool {
	switch op {
	case wire.OpMulti, wire.OpMultiRead, wire.OpSetWatches, wire.OpSetWatches2, wire.OpWhoAmI, wire.OpPing, wire.OpAuth, wire.OpCloseSession:
		return false
	}
	return true
}

func spoilPathLength(u *universe, r *request) {
	if !startsWithPath(r.rec.Op) {
		return
	}
	rest := r.body[4+len(r.rec.Path):]
	if u.chance(60) {
		r.body = append(wire.AppendInt(nil, -1), rest...)
		r.note, r.null = "null path", true
		return
	}
	length := pick(u, []int32{-2, -1 << 31, 1<<31 - 1, 1 << 22})
	r.body = append(wire.AppendInt(nil, length), r.body[4:]...)
	r.note = "impossible length of the path"
}

func spoilACL(u *universe, r *request) {
	var before, after []byte
	switch r.rec.Op {
	case wire.OpCreate, wire.OpCreate2, wire.OpCreateContainer, wire.OpCreateTTL:
		before = wire.AppendBuffer(wire.AppendString(nil, r.rec.Path), r.rec.Data)
		after = wire.AppendInt(nil, r.rec.Flags)
		if r.rec.Op == wire.OpCreateTTL {
			after = wire.AppendLong(after, r.rec.TTL)
		}
	case wire.OpSetACL:
		before = wire.AppendString(nil, r.rec.Path)
		after = wire.AppendInt(nil, r.rec.Version)
	default:
		return
	}
	entry := func(scheme, id []byte) []byte {
		return wire.AppendBuffer(wire.AppendBuffer(wire.AppendInt(nil, wire.PermAll), scheme), id)
	}
	type spoilt struct {
		note  string
		count int32
		bytes []byte // of the entries; a null id is one
	}
	if u.chance(20) {
		// Valid: what the id of an auth entry is does not matter.
		r.body = append(append(wire.AppendInt(before, 1), entry([]byte("auth"), nil)...), after...)
		r.note = "auth acl without an id"
		return
	}
	s := pick(u, []spoilt{
		{"acl with a null scheme", 1, entry(nil, []byte("anyone"))},
		{"acl with a null id", 1, entry([]byte("world"), nil)},
		{"digest acl with a null id", 1, entry([]byte("digest"), nil)},
		{"ip acl with a null id", 1, entry([]byte("ip"), nil)},
		{"acl with null scheme and id", 1, entry(nil, nil)},
		{"acl of an unknown scheme with a null id", 1, entry([]byte("nobody"), nil)},
		{"good acl and one with a null scheme", 2, append(entry([]byte("world"), []byte("anyone")), entry(nil, []byte("x"))...)},
		{"acl count -1", -1, nil},
		{"acl count -2", -2, nil},
		{"acl count too large", 5, entry([]byte("world"), []byte("anyone"))},
		{"acl count huge", 1<<31 - 1, nil},
	})
	r.body = append(append(wire.AppendInt(before, s.count), s.bytes...), after...)
	r.note = s.note
	r.null = strings.Contains(s.note, "null")
}

func spoilVector(u *universe, r *request) {
	if r.rec.Op != wire.OpSetWatches && r.rec.Op != wire.OpSetWatches2 {
		return
	}
	lists := []([]string){r.rec.DataWatches, r.rec.ExistWatches, r.rec.ChildWatches}
	if r.rec.Op == wire.OpSetWatches2 {
		lists = append(lists, r.rec.PersistentWatches, r.rec.PersistentRecursiveWatch)
	}
	bad := u.rng.IntN(len(lists))
	body := wire.AppendLong(nil, int64(r.rec.RelativeZxid))
	count := pick(u, []int32{-1, -1, -2, 1 << 20})
	nullPath := u.chance(30)
	for i, list := range lists {
		switch {
		case i == bad && nullPath:
			body = wire.AppendInt(wire.AppendInt(body, 1), -1)
		case i == bad:
			body = wire.AppendInt(body, count)
		default:
			body = wire.AppendStrings(body, list)
		}
	}
	r.body = body
	switch {
	case nullPath:
		r.note, r.null = "null path in a list", true
	case count == -1:
		r.note, r.null = "null list", true
	default:
		r.note = "impossible count of a list"
	}
}

func spoilMulti(u *universe, r *request) {
	if r.rec.Op != wire.OpMulti && r.rec.Op != wire.OpMultiRead {
		return
	}
	const terminator = 9
	list := r.body[:len(r.body)-terminator]
	header := func(op int32, done bool, err int32) []byte {
		return wire.AppendInt(wire.AppendBool(wire.AppendInt(nil, op), done), err)
	}
	switch u.rng.IntN(3) {
	case 0:
		r.body = list
		r.note = "no terminator"
	case 1:
		r.body = append(list, header(int32(wire.OpDelete), true, 7)...)
		r.note = "odd terminator"
	case 2:
		r.body = append(header(-1, false, -1), r.body...)
		r.note = "starts with an error header that is not the end"
	}
}
