// Package prep turns a write request into a transaction, or into an error
// transaction that keeps the request's place in order.
//
// It owns the changes that are validated but not yet in the tree, and judges
// every request against the tree plus those changes, so that pipelined
// conditional writes behave as if each had been applied before the next was
// looked at. Everything a transaction depends on is settled here: versions,
// sequence numbers, expanded access control lists, the nodes that go with a
// session, the digest of the tree afterwards.
//
// A Prep is a value with one owner, the server's loop, on the server that
// orders transactions: the standalone server or the leader. It does not apply
// transactions, does not create or remove sessions, and knows no time but what
// it is told. It answers to ZooKeeper's PrepRequestProcessor; where it differs
// the place says why.
package prep
