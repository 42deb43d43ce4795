// Package model gives Go types to every znode that Kafka keeps in ZooKeeper
// mode, from 0.8 to 3.9, and to the paths they stand at.
//
// It owns three things. [Classify] and [Node.Path] are the one definition of
// each path, relative to a chroot that [Chroot] adds and strips. The Parse
// functions read a payload of any version into a typed value and refuse what
// is malformed with an [Error] that names path, field and kind of defect. The
// Encode methods write a value as Kafka 3.9 on Scala 2.13 does, key order
// included.
//
// A parsed value remembers its bytes: as long as no field was changed, Encode
// gives them back unaltered; after a change it replaces only what changed, and
// keeps order, formatting and unknown members of the rest. The bytes given to a
// Parse function belong to the value afterwards and must not be modified.
//
// Parsing is stricter than Kafka's decoder in places where leniency hides
// damage: text after the JSON value and duplicate keys are errors here, while
// Jackson ignores the first and lets the last duplicate win. Where Kafka gives
// no meaning to a value but does not stumble over it either (an unknown ACL
// operation, an unknown configuration key), parsing keeps it and leaves the
// judgement to the rules.
//
// It does not read or write a server, and knows nothing about Stat, ACL or
// ephemeral owners: values in, values out.
//
// It answers to Kafka: ZkData.scala, AclEntry.java, DelegationTokenManagerZk.scala,
// ScramCredentialUtils.java, PasswordEncoder.java, and for the old consumer
// ZookeeperConsumerConnector.scala and TopicCount.scala of 0.8 to 1.1.
package model
