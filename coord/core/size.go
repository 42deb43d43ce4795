package core

import (
	"kafkacoord/coord/auth"
	"kafkacoord/coord/wire"
)

// A transaction that the log cannot take would end the server, and one that
// takes part of it would be worse. Most are hardly longer than their request,
// whose frame is bounded; but an ACL entry of the scheme auth stands for all
// identities of a connection, malformed text grows when it is replaced, and a
// closed session lists its nodes.

const (
	txnFixedBytes    = 64 // header, digest, and room to spare
	partFixedBytes   = 20 // of a part of a multi, its frame included
	createFixedBytes = 44 // of a create, with the number of a sequential one
	aclFixedBytes    = 12
)

// tooLarge tells whether a write's transaction could be longer than the log
// takes.
func (c *Core) tooLarge(req *wire.Request, ids []wire.ID) bool {
	if c.config.TxnBytes <= 0 {
		return false
	}
	size := txnFixedBytes + partBytes(req, ids)
	for i := range req.Subs {
		size += partBytes(&req.Subs[i], ids)
	}
	return size > c.config.TxnBytes
}

func partBytes(req *wire.Request, ids []wire.ID) int {
	size := partFixedBytes + len(req.Path) + len(req.Data)
	if len(req.ACL) > 0 {
		size += createFixedBytes
	}
	for i := range req.ACL {
		if id := &req.ACL[i].ID; id.Scheme != auth.SchemeAuth {
			size += aclFixedBytes + idBytes(id)
			continue
		}
		for j := range ids {
			size += aclFixedBytes + idBytes(&ids[j])
		}
	}
	return size
}

// idBytes bounds an identity's encoding: characters of four bytes take six.
func idBytes(id *wire.ID) int { return (len(id.Scheme) + len(id.ID)) * 3 / 2 }

// boundList leaves the list of nodes out of a closeSession that would be too
// long with it: those who apply it take what the session owns, as they do for
// servers that write no list.
func (c *Core) boundList(txn *wire.Txn) {
	if txn.Type != wire.OpCloseSession || c.config.TxnBytes <= 0 {
		return
	}
	size := txnFixedBytes
	for _, path := range txn.Paths {
		size += 4 + len(path)
	}
	if size > c.config.TxnBytes {
		txn.Paths, txn.HasDigest = nil, false
	}
}
