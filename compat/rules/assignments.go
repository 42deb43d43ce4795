package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// assignmentRules are about which replicas a topic's partitions should have.
var assignmentRules = []Rule{
	{
		ID: "KM-24", Severity: Error, Title: "Gap in partition ids",
		Meaning: "Ids do not run from 0 without gaps. Clients count partitions and send to ids that do not exist; adding partitions fails.",
		Fix:     "Restore the missing entries from a backup or the partition states with `zookeeper-shell.sh HOST:PORT set PATH DATA`, then move the controller.",
		check:   checkContiguous,
	},
	{
		ID: "KM-25", Severity: Error, Title: "Impossible replica list",
		Meaning: "A list that is empty, or has a broker twice or a negative id: the partition can never have a leader, or never be complete.",
		Fix:     "Give a valid list with `kafka-reassign-partitions.sh --execute`; if the controller refuses, correct the JSON with all brokers stopped.",
		check:   checkReplicaLists,
	},
	{
		ID: "KM-26", Severity: Warning, Title: "Partitions of one topic with different replication",
		Meaning: "Some partitions survive fewer failures than others.",
		Fix:     "Bring them to one number with `kafka-reassign-partitions.sh --execute`.",
		check:   checkReplicationFactor,
	},
	{
		ID: "KM-27", Severity: Error, Title: "Contradictory reassignment of a topic",
		Meaning: "What is added or removed does not fit the replica list, so that the controller cannot finish the reassignment.",
		Fix:     "Cancel it with `kafka-reassign-partitions.sh --cancel` and start it anew.",
		check:   checkReassigning,
	},
	{
		ID: "KM-28", Severity: Warning, Title: "Reassignment that does not end",
		Meaning: "Replicas have been on their way for long: a target is dead, throttled or lags.",
		Fix:     "Look at the targets with `kafka-reassign-partitions.sh --list`, raise the throttle or start the broker; else `--cancel`.",
		check: func(c *cluster, r *recorder) {
			for _, t := range c.topics {
				if a := t.Assignment; a != nil && reassigning(a) && c.age(t.Znode.Stat.Mtime) > c.facts.StuckAfter {
					r.add(t.Znode.Path, fmt.Sprintf("adding %s, removing %s, unchanged for %v", perPartition(a.Adding), perPartition(a.Removing), rounded(c.age(t.Znode.Stat.Mtime))))
				}
			}
		},
	},
	{
		ID: "KM-48", Severity: Warning, Title: "Replicas on a broker that is not known", Settle: settleSession,
		Meaning: "The broker is neither registered nor configured: it is down, or was taken away without moving its partitions first.",
		Fix:     "Start the broker, or move its partitions away with `kafka-reassign-partitions.sh --execute`.",
		check:   checkUnknownReplicas,
	},
	{
		ID: "KM-49", Severity: Warning, Title: "All replicas in one rack",
		Meaning: "The loss of one rack takes the partition offline although there are others.",
		Fix:     "Spread the replicas with `kafka-reassign-partitions.sh --generate`, which looks at racks, and `--execute`.",
		check:   checkRackSpread,
	},
	{
		ID: "KM-91", Severity: Warning, Title: "Internal topic unlike its settings",
		Meaning: "With another number of partitions than configured, groups or transactions land on the wrong coordinator; with one replica they stop with its broker.",
		Fix:     "Raise the replication with `kafka-reassign-partitions.sh --execute`; never change the number of partitions, set the brokers' setting back instead.",
		check:   checkInternalTopics,
	},
}

// sortedPartitions are the ids of an assignment in order.
func sortedPartitions(byPartition map[int32][]int32) []int32 {
	return slices.Sorted(maps.Keys(byPartition))
}

// readableTopics yields the topics whose assignment can be read.
func (c *cluster) readableTopics(yield func(*view.Topic) bool) {
	for i := range c.topics {
		if c.topics[i].Assignment != nil && !yield(&c.topics[i]) {
			return
		}
	}
}

func reassigning(a *model.Topic) bool {
	moves := func(byPartition map[int32][]int32) bool {
		for _, replicas := range byPartition {
			if len(replicas) > 0 {
				return true
			}
		}
		return false
	}
	return moves(a.Adding) || moves(a.Removing)
}

func checkContiguous(c *cluster, r *recorder) {
	for t := range c.readableTopics {
		n := len(t.Assignment.Partitions)
		for want, id := range sortedPartitions(t.Assignment.Partitions) {
			if int(id) != want {
				r.add(t.Znode.Path, fmt.Sprintf("%d partitions, and the first id that is missing is %d", n, want))
				break
			}
		}
	}
}

func checkReplicaLists(c *cluster, r *recorder) {
	for t := range c.readableTopics {
		for _, id := range sortedPartitions(t.Assignment.Partitions) {
			replicas := t.Assignment.Partitions[id]
			switch {
			case len(replicas) == 0:
				r.add(t.Znode.Path, fmt.Sprintf("partition %d has no replicas", id))
			case slices.Min(replicas) < 0:
				r.add(t.Znode.Path, fmt.Sprintf("partition %d has the replicas %s", id, joined(replicas)))
			case repeats(replicas):
				r.add(t.Znode.Path, fmt.Sprintf("partition %d has a broker twice in %s", id, joined(replicas)))
			}
		}
	}
}

func checkReplicationFactor(c *cluster, r *recorder) {
	for t := range c.readableTopics {
		if reassigning(t.Assignment) {
			continue
		}
		byFactor := make(map[int]int)
		for _, replicas := range t.Assignment.Partitions {
			byFactor[len(replicas)]++
		}
		if len(byFactor) < 2 {
			continue
		}
		var counts []string
		for _, factor := range slices.Sorted(maps.Keys(byFactor)) {
			counts = append(counts, fmt.Sprintf("%d with %d", byFactor[factor], factor))
		}
		r.add(t.Znode.Path, "partitions by number of replicas: "+strings.Join(counts, ", "))
	}
}

func checkReassigning(c *cluster, r *recorder) {
	for t := range c.readableTopics {
		a := t.Assignment
		for _, part := range []struct {
			name  string
			lists map[int32][]int32
		}{{"adding_replicas", a.Adding}, {"removing_replicas", a.Removing}} {
			for _, id := range sortedPartitions(part.lists) {
				replicas, known := a.Partitions[id]
				switch {
				case !known:
					r.add(t.Znode.Path, fmt.Sprintf("%s names partition %d, which is not assigned", part.name, id))
				case !within(part.lists[id], replicas):
					r.add(t.Znode.Path, fmt.Sprintf("%s of partition %d are %s, which are not all in %s", part.name, id, joined(part.lists[id]), joined(replicas)))
				}
			}
		}
		for _, id := range sortedPartitions(a.Adding) {
			if overlap := slices.IndexFunc(a.Adding[id], func(b int32) bool { return slices.Contains(a.Removing[id], b) }); overlap >= 0 {
				r.add(t.Znode.Path, fmt.Sprintf("partition %d both adds and removes broker %d", id, a.Adding[id][overlap]))
			}
		}
	}
}

func checkUnknownReplicas(c *cluster, r *recorder) {
	if len(c.brokers) == 0 {
		if len(c.assigned) > 0 {
			r.cannotJudge("no broker is registered at all")
		}
		return
	}
	for _, id := range slices.Sorted(maps.Keys(c.assigned)) {
		if _, configured := c.view.Config(model.BrokerEntity(id)); id < 0 || c.registered[id] || configured {
			continue
		}
		var topics []string
		for t := range c.readableTopics {
			if len(topics) < relatedMax && hasReplicaOn(t.Assignment, id) {
				topics = append(topics, t.Znode.Path)
			}
		}
		r.add(model.BrokerPath(id), fmt.Sprintf("broker %d has replicas of %d partitions", id, c.assigned[id]), topics...)
	}
}

func hasReplicaOn(a *model.Topic, broker int32) bool {
	for _, replicas := range a.Partitions {
		if slices.Contains(replicas, broker) {
			return true
		}
	}
	return false
}

func checkRackSpread(c *cluster, r *recorder) {
	rackOf := make(map[int32]string)
	racks := make(map[string]bool)
	for _, b := range c.brokers {
		if b.Registration != nil && b.Registration.Rack != "" {
			rackOf[b.ID] = b.Registration.Rack
			racks[b.Registration.Rack] = true
		}
	}
	if len(racks) < 2 {
		return
	}
	for t := range c.readableTopics {
		var together []int32
		for _, id := range sortedPartitions(t.Assignment.Partitions) {
			if replicas := t.Assignment.Partitions[id]; len(replicas) > 1 && inOneRack(replicas, rackOf) {
				together = append(together, id)
			}
		}
		if len(together) > 0 {
			r.add(t.Znode.Path, fmt.Sprintf("%d partitions: %s", len(together), joined(together)))
		}
	}
}

// inOneRack says whether all replicas are known to be in the same rack.
func inOneRack(replicas []int32, rackOf map[int32]string) bool {
	first := rackOf[replicas[0]]
	return first != "" && !slices.ContainsFunc(replicas, func(id int32) bool { return rackOf[id] != first })
}

// The internal topics of coordinators. Kafka: Topic.java.
const (
	offsetsTopic      = "__consumer_offsets"
	transactionsTopic = "__transaction_state"
)

func checkInternalTopics(c *cluster, r *recorder) {
	for _, internal := range []struct {
		topic string
		want  int32
	}{{offsetsTopic, c.facts.OffsetsPartitions}, {transactionsTopic, c.facts.TransactionPartitions}} {
		t := c.byName[internal.topic]
		if t == nil || t.Assignment == nil {
			continue
		}
		n := len(t.Assignment.Partitions)
		switch {
		case internal.want == 0:
			r.cannotJudge("how many partitions " + internal.topic + " should have is not known")
		case n != int(internal.want):
			r.add(t.Znode.Path, fmt.Sprintf("it has %d partitions, the brokers are set to %d", n, internal.want))
		}
		single := 0
		for _, replicas := range t.Assignment.Partitions {
			if len(replicas) == 1 {
				single++
			}
		}
		if single > 0 && len(c.brokers) > 1 {
			r.add(t.Znode.Path, fmt.Sprintf("%d of %d partitions have one replica in a cluster of %d brokers", single, n, len(c.brokers)))
		}
	}
}

// within says whether all ids are in a list.
func within(ids, list []int32) bool {
	return !slices.ContainsFunc(ids, func(id int32) bool { return !slices.Contains(list, id) })
}

func repeats(ids []int32) bool {
	sorted := slices.Sorted(slices.Values(ids))
	return len(slices.Compact(sorted)) < len(ids)
}
