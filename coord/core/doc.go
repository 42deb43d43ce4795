// Package core is one whole server as a value: the tree, watches, sessions,
// preparation of writes and the order of replies, joined.
//
// A Core is stepped: a batch of inputs in (what connections sent, what the log
// made durable, the time), a batch of outputs out (bytes for connections,
// transactions for the log, connections to close, log lines). It starts no
// goroutine, reads no clock and touches no socket or file, so that a simulator
// drives whole servers and replays a run exactly. The goroutines around it are
// in package replica.
//
// Promises: requests of a session are answered in the order they came; all
// writes are applied in zxid order; an event precedes every reply that shows
// the change it tells of; a multi is atomic to every reader.
//
// It answers to ZooKeeper's ZooKeeperServer, FinalRequestProcessor,
// CommitProcessor and ContainerManager. See DESIGN.md.
package core
