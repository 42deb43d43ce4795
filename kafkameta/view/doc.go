// Package view holds the metadata of one Kafka cluster as it stands in
// ZooKeeper: every znode below a chroot with data, typed value, Stat and ACL.
//
// It owns five things. [LoadServer] reads a view from a live server of any
// version, [LoadDirectory] from the snapshots and logs of a server or a
// backup, as of now or as of an earlier zxid. [Follow] keeps a view current
// from a live server and tells of each change. [Diff] says what differs between
// two views, and [DiffLog] what the transactions between two zxids did, in
// Kafka's terms: "topic orders: partition 3 ISR shrank 1,2,3 -> 1,2 by
// controller epoch 17".
//
// Loading judges nothing. A znode that cannot be parsed is in the view with its
// raw data and the error; a path that Kafka does not use is there too. What was
// passed over is among the view's warnings.
//
// A view from a data directory shows one zxid exactly. A server has no read of
// a whole tree, so that a view from a live one is put together from many reads:
// watches tell of what changes meanwhile, which is read again until nothing is
// left. The view then shows the server as it was at its Zxid, but for ACLs, of
// which no watch tells, and for a change whose event was still under way when
// the last reply had come. A cluster that changes faster than it can be read
// gives a view with a warning.
//
// The package writes nothing, anywhere. It answers to the reading half of
// Kafka: KafkaZkClient.scala and ZooKeeperClient.scala.
package view
