package treedump

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"
	"sync"

	"kafkacoord/coord/client"
	"kafkacoord/coord/wire"
)

// outstandingMax is how many requests are under way at a time.
const outstandingMax = 2000

// Znode is all that a client can learn of one.
type Znode struct {
	Data []byte // nil and empty are not the same
	Stat wire.Stat
	ACL  []wire.ACL
}

// Dump is a whole tree by path.
type Dump map[string]Znode

// Read reads every znode level by level, all of a level outstanding at once. The
// tree must not change meanwhile.
func Read(ctx context.Context, c *client.Client) (Dump, error) {
	whole := make(Dump)
	level := []string{"/"}
	for len(level) > 0 {
		var reads []wire.Request
		for _, p := range level {
			reads = append(reads,
				wire.Request{Op: wire.OpGetData, Path: p}, wire.Request{Op: wire.OpGetACL, Path: p},
				wire.Request{Op: wire.OpGetChildren2, Path: p})
		}
		replies, err := Do(ctx, c, reads)
		if err != nil {
			return nil, err
		}
		var next []string
		for i, p := range level {
			data, acl, children := replies[3*i], replies[3*i+1], replies[3*i+2]
			if data.Stat != acl.Stat || data.Stat != children.Stat {
				return nil, fmt.Errorf("treedump: the stats of %s differ by operation: %+v %+v %+v", p, data.Stat, acl.Stat, children.Stat)
			}
			whole[p] = Znode{Data: data.Data, Stat: data.Stat, ACL: acl.ACL}
			for _, child := range children.Children {
				next = append(next, path.Join(p, child))
			}
		}
		level = next
	}
	return whole, nil
}

// Do sends all requests, many of them before it waits for the first reply, and
// wants all of them to succeed.
func Do(ctx context.Context, c *client.Client, requests []wire.Request) ([]wire.Reply, error) {
	replies := make([]wire.Reply, len(requests))
	failures := make([]error, len(requests))
	for start := 0; start < len(requests); start += outstandingMax {
		var waiting sync.WaitGroup
		for i := start; i < min(start+outstandingMax, len(requests)); i++ {
			waiting.Add(1)
			c.Go(&requests[i], func(r client.Result) {
				defer waiting.Done()
				replies[i], failures[i] = r.Reply, r.Err
			})
		}
		waiting.Wait()
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	for i, err := range failures {
		if err != nil {
			return nil, fmt.Errorf("treedump: %v of %s: %w", requests[i].Op, requests[i].Path, err)
		}
	}
	return replies, nil
}

// Differences says where two trees differ, in the order of the paths.
func (d Dump) Differences(other Dump) []string {
	var found []string
	paths := slices.Collect(maps.Keys(d))
	for p := range other {
		if _, ok := d[p]; !ok {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	for _, p := range paths {
		a, inA := d[p]
		b, inB := other[p]
		switch {
		case !inA:
			found = append(found, fmt.Sprintf("%s: only in the second: %+v", p, b))
		case !inB:
			found = append(found, fmt.Sprintf("%s: only in the first: %+v", p, a))
		default:
			if (a.Data == nil) != (b.Data == nil) || !bytes.Equal(a.Data, b.Data) {
				found = append(found, fmt.Sprintf("%s: data %q (null %v), then %q (null %v)",
					p, a.Data[:min(len(a.Data), 80)], a.Data == nil, b.Data[:min(len(b.Data), 80)], b.Data == nil))
			}
			if a.Stat != b.Stat {
				found = append(found, fmt.Sprintf("%s: stat %+v, then %+v", p, a.Stat, b.Stat))
			}
			if !reflect.DeepEqual(a.ACL, b.ACL) {
				found = append(found, fmt.Sprintf("%s: ACL %v, then %v", p, a.ACL, b.ACL))
			}
		}
	}
	return found
}
