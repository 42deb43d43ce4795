package store_test

import (
	"fmt"

	"kafkacoord/coord/store"
	"kafkacoord/coord/tree"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// A transaction survives a power loss once Sync has returned.
func ExampleOpen() {
	disk := vfs.NewMemory()
	options := store.Options{DataDir: "/data", Tree: tree.Options{Digest: true}}
	s, _, err := store.Open(disk, options)
	if err != nil {
		fmt.Println(err)
		return
	}
	create := wire.Txn{Type: wire.OpCreate, Zxid: 1, Path: "/a", ACL: wire.OpenACL, ParentCversion: 1}
	lost := wire.Txn{Type: wire.OpDelete, Zxid: 2, Path: "/a"}
	appendOne := func(txn *wire.Txn) error {
		return s.Append([]store.Entry{{Zxid: txn.Zxid, Payload: wire.AppendTxn(nil, txn)}})
	}
	fmt.Println(appendOne(&create), s.Sync(), appendOne(&lost))

	disk.Crash(0) // nothing that was not synced survives
	_, recovered, err := store.Open(disk, options)
	fmt.Println(err, recovered.LastZxid, recovered.Tree.Find("/a") != 0)
	// Output:
	// <nil> <nil> <nil>
	// <nil> 0x1 true
}
