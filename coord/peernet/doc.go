// Package peernet has the links between servers: [Election] exchanges votes over
// the election ports, [Links] carries packets between learners and a leader over
// the quorum ports.
//
// It owns sockets, handshakes, frames and queues, finds addresses anew at every
// attempt, tells its owner who can be reached, and cuts off who sends nonsense or
// does not read. It knows nothing of the meaning of what it carries but this: the
// first packet on an accepted link names a learner, and a snapshot follows SNAP.
//
// Everything goes through a handler, which is called from the goroutines of this
// package: calls for one peer or one link come in order, others at any time and
// at once. A handler must not wait for a Close of this package. Once Close has
// returned, no goroutine is left and no call comes any more.
//
// It answers to ZooKeeper's QuorumCnxManager, and to the sockets in Learner,
// LearnerHandler and Leader. Unlike there, a silent connection delays no other,
// a lost election connection is opened again at once, and refused connections
// are reported rather than found out by waiting.
package peernet
