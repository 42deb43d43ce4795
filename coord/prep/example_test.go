package prep_test

import (
	"fmt"

	"kafkacoord/coord/auth"
	"kafkacoord/coord/prep"
	"kafkacoord/coord/session"
	"kafkacoord/coord/tree"
	"kafkacoord/coord/wire"
)

// Two sequential creates and a failing one are prepared before anything is
// applied; encoded, they go to the log, and from there to the tree.
func ExamplePrep_Txn() {
	registry, err := auth.New(auth.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	t, sessions := tree.New(tree.Options{}), session.New(3000)
	sessions.Create(1, 10000, 0)
	p := prep.New(t, registry, sessions, prep.Config{Standalone: true, CloseSessionTxn: true})

	sequential := wire.Request{Op: wire.OpCreate, Path: "/job-", ACL: wire.OpenACL, Flags: wire.FlagPersistentSequential}
	again := wire.Request{Op: wire.OpCreate, Path: "/job-0000000001", ACL: wire.OpenACL}
	var encoded [][]byte
	var txn wire.Txn
	for i, q := range []*wire.Request{&sequential, &sequential, &again} {
		code := p.Txn(1700000000000, wire.Zxid(i+1), &prep.Request{Session: 1, Req: q}, &txn)
		fmt.Println(txn.Zxid, txn.Type, txn.Path, code.String())
		encoded = append(encoded, wire.AppendTxn(nil, &txn))
	}
	for _, b := range encoded {
		var committed wire.Txn
		if err := wire.DecodeTxn(b, &committed); err != nil {
			fmt.Println(err)
			return
		}
		t.Apply(&committed)
		p.Applied(committed.Zxid)
	}
	fmt.Println(t.NumNodes())
	// Output:
	// 0x1 create /job-0000000000 ok
	// 0x2 create /job-0000000001 ok
	// 0x3 error  node already exists
	// 6
}
