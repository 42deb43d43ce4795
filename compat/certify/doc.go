// Package certify plays what Kafka's ZooKeeper client does against any server
// that speaks ZooKeeper's protocol, and says for each Kafka line whether it
// works there, and if not, why.
//
// A Script is one thing that Kafka does, such as registering a broker or
// failing a controller over. It is played as a sequence of named steps on
// sessions of its own; the first step whose outcome is not what Kafka relies on
// ends it, with what was expected and what came. Run plays scripts side by
// side, each below a znode of its own under a fresh root, and removes that root
// in the end, whatever happened.
//
// Scripts use coord/client where a client library is enough, and
// compat/rawclient where the order of frames, the handshake or the life of a
// connection is what counts. They send only operations that Kafka sends, so
// that a server is not failed for what no broker asks of it: no create2, no
// containers, no TTL, no sync, no persistent watches and hence no setWatches2.
//
// The package does not start servers or brokers, does not measure speed, and
// leaves the data of others alone. It answers to KafkaZkClient.scala,
// ZooKeeperClient.scala and ZkMigrationClient.scala of Kafka 3.9, and for older
// lines to ZkUtils.scala.
package certify
