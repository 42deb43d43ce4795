// Package zab is ZooKeeper's consensus as a state machine: fast leader election,
// discovery, synchronisation and atomic broadcast, for voters and observers.
//
// A [Node] is one server's part in it. It has no clock, socket, file, goroutine
// or source of randomness: the owner calls one method for everything that
// happens, and carries out what the method appended to the [Output] before it
// calls the next. Equal calls give equal outputs.
//
// The contract with the owner:
//
//   - Output.Disk is a list of orders for the log and the small files. They are
//     carried out in the order given, each durable before the next begins.
//     Appended entries are reported with [Node.Durable], the others with
//     [Node.DiskDone], one call for each and in order.
//   - Output.Sends of one link are sent in the order given, as long as the link
//     stands; a link loses messages only by breaking. Nothing has to be durable
//     before a send: what must be so, Node itself waits for.
//   - Output.Ballots may be lost or overtaken; only the newest to each server
//     matters.
//   - Output.Commit comes before anything in the same Output that builds on it.
//   - Time is what the calls of [Node.Tick] say: milliseconds from any origin,
//     never going back.
//
// What is inside a transaction, sessions and requests of clients are not known
// here: packets that carry them are handed on as [Delivery].
//
// The rules follow ZooKeeper's (FastLeaderElection.java, Leader.java,
// LearnerHandler.java, Learner.java); where they are stricter, DESIGN.md has the
// reason.
package zab
