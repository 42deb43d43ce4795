package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// adminRules are about requests to the controller.
var adminRules = []Rule{
	{
		ID: "KM-58", Severity: Error, Title: "Deletion of a topic that is gone", Settle: settleWrites,
		Meaning: "The marker outlived its topic. A new topic of the name would be deleted at once.",
		Fix:     "`zookeeper-shell.sh HOST:PORT delete PATH`; the next controller does so too.",
		check: func(c *cluster, r *recorder) {
			for _, name := range c.view.Deletions() {
				if c.byName[name] == nil {
					r.add(model.DeleteTopicPath(name), "there is no topic of that name")
				}
			}
		},
	},
	{
		ID: "KM-59", Severity: Warning, Title: "Topic deletion that does not end",
		Meaning: "It waits for an offline replica or for a reassignment.",
		Fix:     "Start the brokers named, or finish the reassignment: `kafka-reassign-partitions.sh --list`.",
		check:   checkSlowDeletions,
	},
	{
		ID: "KM-60", Severity: Error, Title: "Topic deletion where deletion is off",
		Meaning: "All brokers have delete.topic.enable=false: the topic stays, and the marker goes at the next failover.",
		Fix:     "`zookeeper-shell.sh HOST:PORT delete PATH`, or set delete.topic.enable=true and restart the brokers.",
		check: func(c *cluster, r *recorder) {
			if !c.facts.DeletionDisabled {
				if len(c.deleting) > 0 {
					r.cannotJudge("the brokers' delete.topic.enable is not known")
				}
				return
			}
			for _, name := range c.view.Deletions() {
				r.add(model.DeleteTopicPath(name), "the brokers do not delete topics")
			}
		},
	},
	{
		ID: "KM-61", Severity: Warning, Title: "Reassignment request that is stuck or impossible",
		Meaning: "The controller removes the node when it has started everything in it. What it names is not there, or the controller does not look at it.",
		Fix:     "`zookeeper-shell.sh HOST:PORT delete /admin/reassign_partitions`, then move the controller with `delete /controller`.",
		check:   checkReassignmentRequest,
	},
	{
		ID: "KM-62", Severity: Error, Title: "Reassignment request that Kafka ignores",
		Meaning: "It is malformed or has a member that Kafka does not know, so that nothing of it is ever done, and no other request can be made.",
		Fix:     "`zookeeper-shell.sh HOST:PORT delete /admin/reassign_partitions`; make the request with `kafka-reassign-partitions.sh --execute`.",
		check:   func(c *cluster, r *recorder) { c.reportMalformed(r, model.KindReassignment) },
	},
	{
		ID: "KM-63", Severity: Warning, Title: "Preferred election request that is stuck",
		Meaning: "The controller removes the node within seconds. It did not see it, cannot read it, or there is none.",
		Fix:     "`zookeeper-shell.sh HOST:PORT delete /admin/preferred_replica_election`, then `kafka-leader-election.sh`.",
		check: func(c *cluster, r *recorder) {
			c.reportMalformed(r, model.KindPreferredElection)
			z, e := c.view.PreferredElection()
			if e != nil && c.age(z.Stat.Mtime) > electionMax {
				r.add(z.Path, fmt.Sprintf("%d partitions wait for %v", len(e.Partitions), rounded(c.age(z.Stat.Mtime))))
			}
		},
	},
}

// electionMax is how long a preferred election may take.
const electionMax = time.Minute

func checkSlowDeletions(c *cluster, r *recorder) {
	for _, z := range c.view.At(model.DeleteTopicsPath).SortedChildren() {
		t := c.byName[z.Name()]
		if age := c.age(z.Stat.Ctime); t != nil && age > c.facts.StuckAfter {
			r.add(z.Path, fmt.Sprintf("for %v; %s", rounded(age), c.whatBlocks(t)), t.Znode.Path)
		}
	}
}

// whatBlocks says what a topic's deletion waits for.
func (c *cluster) whatBlocks(t *view.Topic) string {
	if t.Assignment == nil {
		return "the topic cannot be read"
	}
	var reasons []string
	if reassigning(t.Assignment) {
		reasons = append(reasons, "a reassignment is under way")
	}
	var dead []int32
	for _, id := range sortedPartitions(t.Assignment.Partitions) {
		for _, broker := range t.Assignment.Partitions[id] {
			if !c.registered[broker] && !slices.Contains(dead, broker) {
				dead = append(dead, broker)
			}
		}
	}
	if len(dead) > 0 {
		slices.Sort(dead)
		reasons = append(reasons, "replicas are on brokers that are not registered: "+joined(dead))
	}
	if len(reasons) > 0 {
		return strings.Join(reasons, "; ")
	}
	return "nothing in the tree blocks it: look at the controller's log"
}

func checkReassignmentRequest(c *cluster, r *recorder) {
	z, a := c.view.Reassignment()
	if a == nil {
		return
	}
	var wrong []string
	for _, p := range a.Partitions {
		t := c.byName[p.Topic]
		switch {
		case t == nil:
			wrong = append(wrong, fmt.Sprintf("there is no topic %q", p.Topic))
			continue
		case t.Assignment != nil && t.Assignment.Partitions[p.Partition] == nil:
			wrong = append(wrong, fmt.Sprintf("topic %q has no partition %d", p.Topic, p.Partition))
		}
		for _, broker := range p.Replicas {
			if !c.registered[broker] {
				wrong = append(wrong, fmt.Sprintf("broker %d is not registered", broker))
			}
		}
	}
	slices.Sort(wrong)
	switch wrong = slices.Compact(wrong); {
	case len(wrong) > 0:
		r.add(z.Path, strings.Join(wrong[:min(len(wrong), relatedMax)], "; "))
	case c.age(z.Stat.Mtime) > c.facts.StuckAfter:
		r.add(z.Path, fmt.Sprintf("%d partitions, unchanged for %v", len(a.Partitions), rounded(c.age(z.Stat.Mtime))))
	}
}
