package oracle

import (
	"slices"

	"kafkacoord/coord/wire"
)

// weighted is one kind of request and how often it is drawn.
type weighted struct {
	weight int
	make   func(*universe) wire.Request
}

var requestKinds = []weighted{
	{26, (*universe).create},
	{12, (*universe).delete},
	{12, (*universe).setData},
	{5, (*universe).setACL},
	{24, (*universe).read},
	{4, (*universe).getACL},
	{9, (*universe).multi},
	{3, (*universe).multiRead},
	{3, (*universe).addWatch},
	{4, (*universe).checkWatches},
	{3, (*universe).setWatches},
	{2, (*universe).sync},
	{2, (*universe).getEphemerals},
	{2, (*universe).getAllChildrenNumber},
	{1, func(*universe) wire.Request { return wire.Request{Op: wire.OpWhoAmI} }},
	{1, func(*universe) wire.Request { return wire.Request{Op: wire.OpPing} }},
}

func drawFrom(u *universe, kinds []weighted) wire.Request {
	total := 0
	for _, k := range kinds {
		total += k.weight
	}
	n := u.rng.IntN(total)
	for _, k := range kinds {
		if n -= k.weight; n < 0 {
			return k.make(u)
		}
	}
	panic("unreachable: the weights sum up to the total")
}

func (u *universe) create() wire.Request {
	r := wire.Request{
		Op:    pick(u, []wire.Op{wire.OpCreate, wire.OpCreate, wire.OpCreate, wire.OpCreate2, wire.OpCreate2, wire.OpCreateContainer, wire.OpCreateTTL}),
		Path:  u.path(),
		Data:  u.data(),
		ACL:   u.aclList(),
		Flags: u.flags(),
		TTL:   -1,
	}
	switch r.Op {
	case wire.OpCreateContainer:
		if u.chance(80) || r.Flags == wire.FlagEphemeral || r.Flags == wire.FlagEphemeralSequential {
			r.Flags = wire.FlagContainer // an ephemeral flag: see Differences
		}
	case wire.OpCreateTTL:
		r.TTL = pick(u, []int64{1 << 30, 1 << 30, 1 << 30, 1<<40 - 1, 1 << 40, 0, -1, -1 << 63})
		if u.chance(80) {
			r.Flags = pick(u, []int32{wire.FlagPersistentTTL, wire.FlagPersistentSequentialTTL})
		} else if r.TTL < 0 {
			r.TTL = 1 << 20 // a negative one with such a flag ends the Java server, see Differences
		}
	}
	if r.Path == "" || r.Path == "/" || isReserved(r.Path) {
		// A sequential one would become a node that no seed cleans up.
		r.Flags = wire.FlagPersistent
	}
	top := r.Path == u.root || r.Path == wire.QuotaPath+u.root // the same here
	if isSequential(r.Flags) && (top || u.chance(60)) {
		r.Path += pick(u, []string{"/s", "/", "/lock-"})
	}
	if isQuotaNode(r.Path) {
		r.Data = u.quotaText()
	}
	return r
}

func (u *universe) flags() int32 {
	return pick(u, []int32{0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 6, 7, -1})
}

func isSequential(flags int32) bool {
	return flags == wire.FlagPersistentSequential || flags == wire.FlagEphemeralSequential || flags == wire.FlagPersistentSequentialTTL
}

func (u *universe) delete() wire.Request {
	return wire.Request{Op: wire.OpDelete, Path: u.path(), Version: u.version()}
}

func (u *universe) setData() wire.Request {
	r := wire.Request{Op: wire.OpSetData, Path: u.writablePath(), Data: u.data(), Version: u.version()}
	if isQuotaNode(r.Path) {
		r.Data = u.quotaText()
	}
	return r
}

func (u *universe) setACL() wire.Request {
	return wire.Request{Op: wire.OpSetACL, Path: u.writablePath(), ACL: u.aclList(), Version: u.version()}
}

func (u *universe) read() wire.Request {
	return wire.Request{
		Op:   pick(u, []wire.Op{wire.OpExists, wire.OpGetData, wire.OpGetChildren, wire.OpGetChildren2}),
		Path: u.path(), Watch: u.chance(50),
	}
}

func (u *universe) getACL() wire.Request { return wire.Request{Op: wire.OpGetACL, Path: u.path()} }
func (u *universe) sync() wire.Request   { return wire.Request{Op: wire.OpSync, Path: u.path()} }

func (u *universe) getEphemerals() wire.Request {
	prefix := u.path()
	if u.chance(40) {
		prefix = pick(u, []string{"", "/", " ", u.root, u.root + "/", u.root + "/a"})
	}
	return wire.Request{Op: wire.OpGetEphemerals, Path: prefix}
}

func (u *universe) getAllChildrenNumber() wire.Request {
	return wire.Request{Op: wire.OpGetAllChildrenNumber, Path: u.path()}
}

func (u *universe) addWatch() wire.Request {
	return wire.Request{Op: wire.OpAddWatch, Path: u.path(), Kind: pick(u, []int32{0, 0, 0, 1, 1, 1, 2, -1})}
}

func (u *universe) checkWatches() wire.Request {
	return wire.Request{
		Op:   pick(u, []wire.Op{wire.OpCheckWatches, wire.OpRemoveWatches}),
		Path: u.path(), Kind: pick(u, []int32{1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 0, 6}),
	}
}

func (u *universe) setWatches() wire.Request {
	list := func() []string {
		out := []string{}
		for range u.rng.IntN(4) {
			out = append(out, u.path())
		}
		return out
	}
	r := wire.Request{
		Op:           pick(u, []wire.Op{wire.OpSetWatches, wire.OpSetWatches2}),
		RelativeZxid: pick(u, []wire.Zxid{0, 1, 5, 20, 50, 100, 200, 400, 1 << 20}),
		DataWatches:  list(), ExistWatches: list(), ChildWatches: list(),
	}
	if r.Op == wire.OpSetWatches2 {
		r.PersistentWatches, r.PersistentRecursiveWatch = list(), list()
	}
	return r
}

// multi draws a transaction: mostly operations that may well succeed together,
// now and then empty, big, or with an operation that has no place in it.
func (u *universe) multi() wire.Request {
	r := wire.Request{Op: wire.OpMulti, Subs: []wire.Request{}}
	n := 1 + u.rng.IntN(4)
	switch {
	case u.chance(4):
		n = 0
	case u.chance(3):
		n = 30 + u.rng.IntN(100)
	}
	for range n {
		r.Subs = append(r.Subs, u.multiPart())
	}
	if n > 0 && u.chance(25) {
		// The same node through its life, as Kafka and Curator do it.
		p := pick(u, u.paths)
		r.Subs = append(r.Subs,
			wire.Request{Op: wire.OpCreate, Path: p, ACL: wire.OpenACL, Flags: pick(u, []int32{0, 1})},
			wire.Request{Op: wire.OpSetData, Path: p, Data: u.data(), Version: pick(u, []int32{0, 0, -1, 1})})
		if u.chance(50) {
			r.Subs = append(r.Subs, wire.Request{Op: wire.OpDelete, Path: p, Version: pick(u, []int32{1, -1, 0})})
		}
	}
	if n > 0 && u.chance(5) {
		wrong := pick(u, []wire.Request{
			{Op: wire.OpGetData, Path: u.root},
			{Op: wire.OpSetACL, Path: u.root, ACL: wire.OpenACL, Version: -1},
			{Op: wire.OpMulti},
			{Op: wire.OpGetChildren, Path: u.root},
			{Op: wire.OpSync, Path: u.root},
			{Op: wire.OpExists, Path: u.root},
			{Op: 999},
			{Op: wire.OpCloseSession},
		})
		r.Subs = slices.Insert(r.Subs, u.rng.IntN(len(r.Subs)+1), wrong)
	}
	return r
}

func (u *universe) multiPart() wire.Request {
	switch n := u.rng.IntN(100); {
	case n < 45:
		c := u.create()
		if u.chance(70) {
			c.ACL = wire.OpenACL
		}
		if c.Op != wire.OpCreateTTL && (c.Flags < 0 || c.Flags > 4) && u.chance(80) {
			c.Flags = wire.FlagPersistent // most multis should be decodable
		}
		if c.Op == wire.OpCreateTTL && u.chance(20) {
			c.Flags, c.TTL = pick(u, []int32{0, 0, 1, 4}), pick(u, []int64{-1, -1, 0, 5})
		}
		return c
	case n < 65:
		return u.setData()
	case n < 80:
		return u.delete()
	}
	return wire.Request{Op: wire.OpCheck, Path: u.path(), Version: u.version()}
}

func (u *universe) multiRead() wire.Request {
	r := wire.Request{Op: wire.OpMultiRead, Subs: []wire.Request{}}
	for range u.rng.IntN(5) {
		r.Subs = append(r.Subs, wire.Request{
			Op: pick(u, []wire.Op{wire.OpGetData, wire.OpGetChildren}), Path: u.path(), Watch: u.chance(30),
		})
	}
	if u.chance(5) {
		wrong := pick(u, []wire.Request{
			{Op: wire.OpDelete, Path: u.root + "/a", Version: -1}, {Op: wire.OpExists, Path: u.root}, {Op: wire.OpGetChildren2, Path: u.root},
		})
		r.Subs = slices.Insert(r.Subs, u.rng.IntN(len(r.Subs)+1), wrong)
	}
	return r
}

// quotaBatch draws the requests that put a quota on a path, as zkCli does.
func (u *universe) quotaBatch() []wire.Request {
	target := pick(u, u.paths[:3])
	var out []wire.Request
	for i, c := range wire.QuotaPath + target {
		if c == '/' && i > len(wire.QuotaPath) {
			out = append(out, wire.Request{Op: wire.OpCreate, Path: (wire.QuotaPath + target)[:i], ACL: wire.OpenACL})
		}
	}
	return append(out,
		wire.Request{Op: wire.OpCreate, Path: wire.QuotaPath + target, ACL: wire.OpenACL},
		wire.Request{Op: wire.OpCreate, Path: wire.QuotaPath + target + limitsName, Data: u.quotaText(), ACL: wire.OpenACL},
		wire.Request{Op: wire.OpCreate, Path: wire.QuotaPath + target + statsName, Data: []byte("count=0,bytes=0"), ACL: wire.OpenACL},
		wire.Request{Op: wire.OpGetData, Path: wire.QuotaPath + target + statsName})
}
