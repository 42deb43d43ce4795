package rules

import (
	"fmt"

	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// partitionRules are about which partitions have nodes and states.
var partitionRules = []Rule{
	{
		ID: "KM-04", Severity: Fatal, Title: "Malformed partition state",
		Meaning: "The controller throws while it loads a state that lacks data, leader, epochs or ISR; what is not JSON it takes for a new partition.",
		Fix:     "Stop the brokers and rebuild the state from the replica list, with epochs above any seen before: `zookeeper-shell.sh HOST:PORT set PATH DATA`.",
		check:   func(c *cluster, r *recorder) { c.reportMalformed(r, model.KindPartitionState) },
	},
	{
		ID: "KM-21", Severity: Error, Title: "Partition without a state", Settle: settleWork,
		Meaning: "The partition is assigned but never got a leader: all its replicas were offline when it was created, or there is no controller.",
		Fix:     "Start one of its replicas; if they run, move the controller: `zookeeper-shell.sh HOST:PORT delete /controller`.",
		check:   checkMissingStates,
	},
	{
		ID: "KM-22", Severity: Error, Title: "Node of a partition that is not assigned",
		Meaning: "The topic's assignment does not list the partition: it was shrunk by hand, or something else wrote the node. The controller does not look after it.",
		Fix:     "Put the partition back into the assignment, or with all brokers stopped `zookeeper-shell.sh HOST:PORT deleteall PATH`.",
		check:   checkOrphans,
	},
	{
		ID: "KM-23", Severity: Warning, Title: "Partition node without a state below", Settle: settleWork,
		Meaning: "Its creation or deletion was cut short.",
		Fix:     "As for KM-21 when the partition is assigned; else `zookeeper-shell.sh HOST:PORT delete PATH`.",
		check: func(c *cluster, r *recorder) {
			for _, t := range c.topics {
				for _, p := range t.Partitions {
					if p.Znode == nil && !c.deleting[t.Name] {
						r.add(p.Directory.Path, "it has no state")
					}
				}
			}
		},
	},
	{
		ID: "KM-95", Severity: Error, Title: "Partition older than its topic",
		Meaning: "A node was created before its parent, which no server allows: a server's fault, or an import that made up its transactions.",
		Fix:     "Compare the servers of the ensemble; recreate the tree from a backup in the order of paths.",
		check: func(c *cluster, r *recorder) {
			for _, t := range c.topics {
				for _, p := range t.Partitions {
					if p.Znode != nil && p.Znode.Stat.Czxid < t.Znode.Stat.Czxid {
						r.add(p.Znode.Path, fmt.Sprintf("created by %v, the topic by %v", p.Znode.Stat.Czxid, t.Znode.Stat.Czxid), t.Znode.Path)
					}
				}
			}
		},
	},
}

// states yields the partitions with a state that can be read, by topic and id.
func (c *cluster) states(yield func(*view.Partition) bool) {
	for i := range c.topics {
		partitions := c.topics[i].Partitions
		for j := range partitions {
			if partitions[j].State != nil && !yield(&partitions[j]) {
				return
			}
		}
	}
}

func checkMissingStates(c *cluster, r *recorder) {
	for t := range c.readableTopics {
		if c.deleting[t.Name] {
			continue
		}
		with := make(map[int32]bool)
		for _, p := range t.Partitions {
			with[p.ID] = p.Znode != nil
		}
		for _, id := range sortedPartitions(t.Assignment.Partitions) {
			if !with[id] {
				r.add(model.PartitionStatePath(t.Name, id), fmt.Sprintf("replicas %s are assigned and there is no state", joined(t.Assignment.Partitions[id])), t.Znode.Path)
			}
		}
	}
}

func checkOrphans(c *cluster, r *recorder) {
	for t := range c.readableTopics {
		for _, p := range t.Partitions {
			if _, assigned := t.Assignment.Partitions[p.ID]; !assigned {
				r.add(p.Directory.Path, fmt.Sprintf("the topic has %d partitions, and not this one", len(t.Assignment.Partitions)), t.Znode.Path)
			}
		}
	}
	c.reportMisnamed(r, model.PartitionDirectory, model.KindPartitionState)
}
