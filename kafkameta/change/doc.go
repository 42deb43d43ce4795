// Package change plans and makes changes of a Kafka cluster's metadata in
// ZooKeeper mode: topics, partitions, configurations, quotas, SCRAM
// credentials, reassignments, elections, and what runbooks do by hand.
//
// A change is two things. A [Planner] looks at a view of the cluster and makes
// a [Plan], a value that names every operation with its reason and the versions
// it counts on, and can be printed. Only [Plan.Execute] touches a server: it
// makes the operations in order, stops at the first that is refused, and reads
// back what it wrote. A plan that was made of an old view is refused by the
// server, not carried out on what it was not meant for.
//
// The operations are those that Kafka's own admin client and controller send:
// Kafka: AdminZkClient.scala, KafkaZkClient.scala, AdminUtils.scala,
// ZkAdminManager.scala and, for resigning and for topics that are stuck in
// deletion, KafkaController.scala and TopicDeletionManager.scala. Where Kafka
// overwrites without a check, as in partition additions and configurations,
// the version that the view shows is demanded: somebody who looks first should
// not undo what another did meanwhile.
//
// The package refuses what a KRaft controller owns, and what running brokers
// hold in memory, unless it is told to force it. It never writes a partition's
// state. Created znodes get the ACL of their parent, which the view must have.
//
// It does not judge whether a change is wise: that is for the rules.
package change
