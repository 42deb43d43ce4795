package model

import "slices"

// TopicPartition names a partition.
type TopicPartition struct {
	Topic     string
	Partition int32
}

func (r *reader) topicPartition(field string, v jsonValue) TopicPartition {
	o := r.object(field, v)
	return TopicPartition{Topic: o.string("topic"), Partition: o.id("partition")}
}

func topicPartitionJSON(p TopicPartition) jsonValue {
	return objectJSON(jsonMember{"topic", stringJSON(p.Topic)}, jsonMember{"partition", intJSON(p.Partition)})
}

// Reassignment asks the controller to move partitions, at
// /admin/reassign_partitions. Kafka: ZkData.scala, ReassignPartitionsZNode.
type Reassignment struct {
	Version    int32 // 1
	Partitions []PartitionReassignment

	source []byte
}

// PartitionReassignment is the wanted replicas of one partition, the preferred
// leader first.
type PartitionReassignment struct {
	TopicPartition
	Replicas []int32
}

// ParseReassignment reads the node. Members that Kafka does not know, as
// log_dirs of the reassignment tool, make it ignore the whole node: they are a
// Readable error.
func ParseReassignment(path string, data []byte) (*Reassignment, error) {
	r, o := readObject(path, KindReassignment, data)
	o.only("version", "partitions")
	a := &Reassignment{source: data, Version: o.version(1, 1)}
	a.Partitions = readElements(o, "partitions", func(field string, v jsonValue) PartitionReassignment {
		o := r.object(field, v)
		o.only("topic", "partition", "replicas")
		p := PartitionReassignment{TopicPartition: r.topicPartition(field, v)}
		if replicas, ok := o.required("replicas"); ok {
			p.Replicas = r.brokerIDs(o.name("replicas"), replicas)
		}
		return p
	})
	return finish(r, a)
}

// only doubts members other than these.
func (o object) only(keys ...string) {
	for _, m := range o.members.members {
		if !slices.Contains(keys, m.key) {
			o.r.doubt(ProblemUnknownField, o.name(m.key), "Kafka ignores the whole node")
		}
	}
}

// Kind is KindReassignment.
func (a *Reassignment) Kind() Kind { return KindReassignment }

// Encode gives the payload.
func (a *Reassignment) Encode() ([]byte, error) {
	return encodeDocument(a.source, a, ParseReassignment)
}

func (a *Reassignment) document() jsonValue {
	partitions := arrayJSON(a.Partitions, func(p PartitionReassignment) jsonValue {
		v := topicPartitionJSON(p.TopicPartition)
		v.members = append(v.members, jsonMember{"replicas", arrayJSON(p.Replicas, intJSON[int32])})
		return v
	})
	return objectJSON(jsonMember{"version", intJSON(a.Version)}, jsonMember{"partitions", partitions})
}

// PreferredElection asks the controller to make the first replicas leaders, at
// /admin/preferred_replica_election. Kafka: ZkData.scala,
// PreferredReplicaElectionZNode.
type PreferredElection struct {
	Version    int32 // 1
	Partitions []TopicPartition

	source []byte
}

// ParsePreferredElection reads the node.
func ParsePreferredElection(path string, data []byte) (*PreferredElection, error) {
	r, o := readObject(path, KindPreferredElection, data)
	e := &PreferredElection{source: data, Version: o.version(1, 1), Partitions: readElements(o, "partitions", r.topicPartition)}
	return finish(r, e)
}

// Kind is KindPreferredElection.
func (e *PreferredElection) Kind() Kind { return KindPreferredElection }

// Encode gives the payload.
func (e *PreferredElection) Encode() ([]byte, error) {
	return encodeDocument(e.source, e, ParsePreferredElection)
}

func (e *PreferredElection) document() jsonValue { return partitionListJSON(e.Version, e.Partitions) }

// partitionListJSON is the common form of elections and ISR changes.
func partitionListJSON(version int32, partitions []TopicPartition) jsonValue {
	return objectJSON(jsonMember{"version", intJSON(version)}, jsonMember{"partitions", arrayJSON(partitions, topicPartitionJSON)})
}
