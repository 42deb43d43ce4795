package tree

import (
	"testing"

	"kafkacoord/coord/wire"
)

// What was known of a setData counts only for the node it was known of.
func TestApplyPrepared(t *testing.T) {
	create := func(z wire.Zxid, path string) *wire.Txn {
		return &wire.Txn{Type: wire.OpCreate, Zxid: z, Path: path, ACL: wire.OpenACL, ParentCversion: -1}
	}
	set := wire.Txn{Type: wire.OpSetData, Zxid: 9, Time: 90, Path: "/a", Data: []byte("new"), Version: 1}
	for name, c := range map[string]struct {
		between []*wire.Txn // after the node was looked at
		spoil   func(p *Prepared)
		code    wire.Code
	}{
		"as prepared": {},
		"other czxid": {spoil: func(p *Prepared) { p.Czxid++; p.Digest++ }},
		"other tree":  {spoil: func(p *Prepared) { p.Tree = New(digested); p.Digest++ }},
		"unknown":     {spoil: func(p *Prepared) { *p = Prepared{} }},
		"gone":        {between: []*wire.Txn{{Type: wire.OpDelete, Zxid: 3, Path: "/a"}}, code: wire.NoNode},
		"made again":  {between: []*wire.Txn{{Type: wire.OpDelete, Zxid: 3, Path: "/a"}, create(4, "/a")}},
		"other in place": {
			between: []*wire.Txn{{Type: wire.OpDelete, Zxid: 3, Path: "/a"}, create(4, "/b")}, code: wire.NoNode,
		},
	} {
		t.Run(name, func(t *testing.T) {
			tr := New(digested)
			tr.Apply(create(2, "/a"))
			a := tr.Find("/a")
			after := tr.Node(a).Fields
			after.Mzxid, after.Mtime, after.Version = set.Zxid, set.Time, set.Version
			known := Prepared{Tree: tr, Node: a, Czxid: 2, Digest: NodeDigest("/a", set.Data, &after)}
			for _, txn := range c.between {
				tr.Apply(txn)
				known.Digest++ // whoever trusts it now is found out
			}
			if c.spoil != nil {
				c.spoil(&known)
			}
			res, changes := tr.ApplyPrepared(&set, known)
			if res.Code != c.code {
				t.Errorf("code %v, want %v", res.Code, c.code)
			}
			if c.code == wire.OK && (string(tr.Data(tr.Find("/a"))) != "new" || len(changes) != 1) {
				t.Errorf("data %q, %d changes", tr.Data(tr.Find("/a")), len(changes))
			}
			mustBeSound(t, tr)
		})
	}
}
