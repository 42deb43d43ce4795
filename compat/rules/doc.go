// Package rules checks the metadata of a Kafka cluster in ZooKeeper mode: 97
// rules, KM-01 to KM-97, over a view of the tree.
//
// A [Rule] says what state it looks for, how bad that is, what it means and
// what to do. [Check] applies all rules to one view. [Run] loads views itself:
// a state that a healthy cluster passes through is looked at again after the
// time that it may last, and reported only if it is still there. The [Report]
// is written as text, JSON, JUnit or SARIF, and gives the code to exit with.
//
// The package promises that any tree gives a report or an error, never a
// panic; that every node which cannot be parsed gives a finding; that equal
// views and facts give equal reports; and that no message quotes a credential.
// It never guesses: a rule that needs what neither the view nor the [Facts]
// tell is among the report's Unjudged, and a node that could not be read is
// among its Unread.
//
// It writes nothing to a server, starts no goroutine, and does not load views;
// see kafkameta/view. It answers to what the decoders and the controller of
// Kafka 3.9 do with such a tree: ZkData.scala, KafkaController.scala,
// PartitionStateMachine.scala, AclEntry.java, ZkConfigManager.scala.
package rules
