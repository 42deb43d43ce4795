// Package ensemble runs several ZooKeeper servers as one ensemble: Java's of any
// version that package javazk has, coord's, or both together, each a process of
// its own on free ports of 127.0.0.1, or coord's on hosts of a network of their own.
//
// A member can be stopped, killed, paused and started again, and cut off when it
// has a host. It can be given to the other kind of server with its data directory,
// ports and number. The package knows who leads, and what the members' logs say
// about how they brought each other in line.
//
// Its tests are the judge of the quorum: Java ZooKeeper accepts coord as leader
// and as follower, and the other way round.
package ensemble
