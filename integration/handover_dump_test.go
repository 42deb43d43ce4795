package integration_test

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"
	"sync"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
)

// znode is all that a client can learn of one.
type znode struct {
	data []byte // nil and empty are not the same
	stat wire.Stat
	acl  []wire.ACL
}

// dump is a whole tree by path.
type dump map[string]znode

// dump reads every znode level by level, all of a level outstanding at once.
func (h *handover) dump() dump {
	h.t.Helper()
	whole := make(dump)
	level := []string{"/"}
	for len(level) > 0 {
		var reads []wire.Request
		for _, p := range level {
			reads = append(reads,
				wire.Request{Op: wire.OpGetData, Path: p}, wire.Request{Op: wire.OpGetACL, Path: p},
				wire.Request{Op: wire.OpGetChildren2, Path: p})
		}
		replies := h.do(reads)
		var next []string
		for i, p := range level {
			data, acl, children := replies[3*i], replies[3*i+1], replies[3*i+2]
			if data.Stat != acl.Stat || data.Stat != children.Stat {
				h.t.Fatalf("%s: the stats of %s differ by operation: %+v %+v %+v", h.name, p, data.Stat, acl.Stat, children.Stat)
			}
			whole[p] = znode{data: data.Data, stat: data.Stat, acl: acl.ACL}
			for _, child := range children.Children {
				next = append(next, path.Join(p, child))
			}
		}
		level = next
	}
	return whole
}

// do sends all requests before it waits for the first reply, and wants all of
// them to succeed.
func (h *handover) do(requests []wire.Request) []wire.Reply {
	h.t.Helper()
	replies := make([]wire.Reply, len(requests))
	failures := make([]error, len(requests))
	const outstanding = 2000
	for start := 0; start < len(requests); start += outstanding {
		var waiting sync.WaitGroup
		for i := start; i < min(start+outstanding, len(requests)); i++ {
			waiting.Add(1)
			h.client.Go(&requests[i], func(r client.Result) {
				defer waiting.Done()
				replies[i], failures[i] = r.Reply, r.Err
			})
		}
		waiting.Wait()
	}
	for i, err := range failures {
		if err != nil {
			h.t.Fatalf("%s: %v of %s: %v", h.name, requests[i].Op, requests[i].Path, err)
		}
	}
	return replies
}

// differences says where two trees differ, in the order of the paths.
func (d dump) differences(other dump) []string {
	var found []string
	paths := slices.Sorted(maps.Keys(d))
	for p := range other {
		if _, ok := d[p]; !ok {
			paths = append(paths, p)
		}
	}
	for _, p := range paths {
		a, inA := d[p]
		b, inB := other[p]
		switch {
		case !inA:
			found = append(found, fmt.Sprintf("%s: only afterwards: %+v", p, b))
		case !inB:
			found = append(found, fmt.Sprintf("%s: only before: %+v", p, a))
		default:
			if (a.data == nil) != (b.data == nil) || !bytes.Equal(a.data, b.data) {
				found = append(found, fmt.Sprintf("%s: data %q (null %v), then %q (null %v)",
					p, a.data[:min(len(a.data), 80)], a.data == nil, b.data[:min(len(b.data), 80)], b.data == nil))
			}
			if a.stat != b.stat {
				found = append(found, fmt.Sprintf("%s: stat %+v, then %+v", p, a.stat, b.stat))
			}
			if !reflect.DeepEqual(a.acl, b.acl) {
				found = append(found, fmt.Sprintf("%s: ACL %v, then %v", p, a.acl, b.acl))
			}
		}
	}
	return found
}
