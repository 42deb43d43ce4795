// Package conformance holds tests of the client protocol's edges that run one
// by one against each server: Java ZooKeeper and coord. They send what no
// client library sends: wrong lengths, other protocols, words at the wrong
// time, connects and closes in odd orders; and they compare bytes where clients
// depend on bytes.
//
// A test states what a server must do, and Java's server must pass it too: what
// ZooKeeper does is the specification. Random sequences of well-formed
// operations are the business of package oracle.
package conformance
