// Package wire defines every byte layout of ZooKeeper that a client, a peer or
// a disk can see: the jute primitives, request and reply records, transaction
// records, operation and error codes, path rules and session passwords.
//
// The package is pure: it decodes from and appends to byte slices and touches
// nothing else. Decoders never allocate more than the input they were given
// can justify, never panic, and report one error at the end instead of one a
// field. Encoders append to a slice that the caller owns.
//
// It does not decide anything: what a request means is up to the packages
// above. It answers to ZooKeeper's zookeeper.jute, BinaryInputArchive,
// BinaryOutputArchive, ZooDefs, KeeperException.Code and SerializeUtils.
package wire
