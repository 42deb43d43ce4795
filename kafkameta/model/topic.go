package model

import (
	"fmt"
	"slices"
	"strconv"
)

// The versions of a topic's assignment. Kafka: ZkData.scala, TopicZNode.
const (
	TopicVersionMin = 1 // to 2.3
	TopicVersionMax = 3 // 2.8 and later: topic id
)

// Topic is the assignment of a topic at /brokers/topics/T.
type Topic struct {
	Version int32
	ID      UUID // since version 3, if HasID
	HasID   bool // false also in version 3 below inter-broker protocol 2.8
	// Partitions are the replicas of each partition, the preferred leader
	// first; during a reassignment the target, then what is to go.
	Partitions map[int32][]int32
	Adding     map[int32][]int32 // since version 2: replicas on their way in, of partitions under reassignment
	Removing   map[int32][]int32 // since version 2: replicas on their way out

	source []byte
}

// ParseTopic reads an assignment. An object without partitions is a topic that
// has none, as for Kafka.
func ParseTopic(path string, data []byte) (*Topic, error) {
	r, o := readObject(path, KindTopic, data)
	t := &Topic{
		source: data, Version: o.version(TopicVersionMin, TopicVersionMax),
		Partitions: readAssignment(o, "partitions"), Adding: readAssignment(o, "adding_replicas"), Removing: readAssignment(o, "removing_replicas"),
	}
	if t.HasID = o.has("topic_id"); t.HasID {
		t.ID = o.uuid("topic_id")
	}
	return finish(r, t)
}

// readAssignment reads replicas by partition.
func readAssignment(o object, key string) map[int32][]int32 {
	partitions := o.optionalObject(key)
	assignment := make(map[int32][]int32, len(partitions.members.members))
	for _, m := range partitions.members.members {
		partition, ok := parseID(m.key)
		if !ok {
			o.r.fail(ProblemRange, partitions.field, fmt.Sprintf("key %q is not a partition id in plain decimal", shorten(m.key)))
		}
		assignment[partition] = o.r.brokerIDs(partitions.field+"."+m.key, m.value)
	}
	return assignment
}

// Kind is KindTopic.
func (t *Topic) Kind() Kind { return KindTopic }

// Encode gives the payload.
func (t *Topic) Encode() ([]byte, error) { return encodeDocument(t.source, t, ParseTopic) }

func (t *Topic) document() jsonValue {
	version := jsonMember{"version", intJSON(t.Version)}
	members := []jsonMember{{"partitions", assignmentJSON(t.Partitions)}}
	if t.HasID {
		members = append(members, jsonMember{"topic_id", stringJSON(t.ID.String())})
	}
	if t.Version >= 2 || len(t.Adding)+len(t.Removing) > 0 {
		members = append(members, jsonMember{"adding_replicas", assignmentJSON(t.Adding)}, jsonMember{"removing_replicas", assignmentJSON(t.Removing)})
	}
	if t.Version < 3 {
		return objectJSON(slices.Insert(members, 0, version)...)
	}
	return objectJSON(append(members, version)...)
}

func assignmentJSON(assignment map[int32][]int32) jsonValue {
	replicas := make(map[string][]int32, len(assignment))
	for partition, ids := range assignment {
		replicas[strconv.Itoa(int(partition))] = ids
	}
	members := make([]jsonMember, 0, len(replicas))
	for _, partition := range scalaTableOrder(replicas) {
		members = append(members, jsonMember{partition, arrayJSON(replicas[partition], intJSON[int32])})
	}
	return objectJSON(members...)
}
