// Package bench is a load generator for any server that speaks ZooKeeper's
// client protocol, and the types its results have.
//
// It owns raw connections and keeps a fixed number of requests outstanding on
// each, so that its own cost stays below a microsecond of CPU a request and the
// server is what gets measured: one goroutine a connection, requests patched
// into pre-encoded frames, one write for as many requests as one read brought
// replies, one clock reading a socket read, replies checked by their header
// only.
//
// A run prepares the znodes it needs below a root of its own and removes them
// afterwards. The package does not start servers and does not judge results.
// It has no counterpart in ZooKeeper; the bytes it sends are those of package
// wire.
package bench
