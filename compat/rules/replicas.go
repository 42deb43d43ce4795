package rules

import (
	"fmt"
	"slices"
	"strconv"

	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// replicaRules are about how well a partition is replicated.
var replicaRules = []Rule{
	{
		ID: "KM-43", Severity: Warning, Title: "Partition under-replicated",
		Meaning: "Not all replicas are in sync: one more failure costs more than it should.",
		Fix:     "Look at the brokers that are missing in the ISR: `kafka-topics.sh --describe --under-replicated-partitions`.",
		check: perState(func(c *cluster, r *recorder, p *view.Partition, replicas []int32) {
			if settled := c.settledReplicas(p, replicas); len(settled) > 0 && !within(settled, p.State.ISR) {
				r.add(p.Znode.Path, fmt.Sprintf("ISR %s, replicas %s", joined(p.State.ISR), joined(settled)))
			}
		}),
	},
	{
		ID: "KM-44", Severity: Error, Title: "ISR smaller than min.insync.replicas",
		Meaning: "Producers with acks=all are refused. Topics without a setting of their own are judged by the brokers', which is 1 unless told.",
		Fix:     "Bring the missing replicas back; lower the setting only when that is what you want: `kafka-configs.sh --alter --entity-type topics --add-config min.insync.replicas=N`.",
		check:   checkMinInsync,
	},
	{
		ID: "KM-45", Severity: Warning, Title: "Preferred replica does not lead",
		Meaning: "It is alive and in sync, but another leads: load is not where it was planned.",
		Fix:     "`kafka-leader-election.sh --election-type preferred --all-topic-partitions`; with auto.leader.rebalance.enable it comes by itself within minutes.",
		check: perState(func(c *cluster, r *recorder, p *view.Partition, replicas []int32) {
			if !slices.Contains(replicas, p.State.Leader) || c.moving(p) {
				return
			}
			if preferred := replicas[0]; preferred != p.State.Leader && c.registered[preferred] && slices.Contains(p.State.ISR, preferred) {
				r.add(p.Znode.Path, fmt.Sprintf("leader %d, preferred is %d", p.State.Leader, preferred))
			}
		}),
	},
}

// moving says whether a partition is under reassignment.
func (c *cluster) moving(p *view.Partition) bool {
	a := c.byName[p.Topic].Assignment
	return len(a.Adding[p.ID])+len(a.Removing[p.ID]) > 0
}

// settledReplicas are those that are not on their way in.
func (c *cluster) settledReplicas(p *view.Partition, replicas []int32) []int32 {
	adding := c.byName[p.Topic].Assignment.Adding[p.ID]
	if len(adding) == 0 {
		return replicas
	}
	return slices.DeleteFunc(slices.Clone(replicas), func(id int32) bool { return slices.Contains(adding, id) })
}

const minInsyncReplicas = "min.insync.replicas"

func checkMinInsync(c *cluster, r *recorder) {
	ofBrokers := int(max(c.facts.MinInsyncReplicas, 1))
	if n, ok := c.setting(model.DefaultEntity(model.Brokers)); ok {
		ofBrokers = n
	}
	want := make(map[string]int)
	for _, t := range c.topics {
		want[t.Name] = ofBrokers
		if n, ok := c.setting(model.TopicEntity(t.Name)); ok {
			want[t.Name] = n
		}
	}
	for p := range c.states {
		if n := len(p.State.ISR); n > 0 && n < want[p.Topic] && !c.deleting[p.Topic] {
			r.add(p.Znode.Path, fmt.Sprintf("ISR %s, %s is %d", joined(p.State.ISR), minInsyncReplicas, want[p.Topic]))
		}
	}
}

// setting gives the min.insync.replicas of an entity.
func (c *cluster) setting(e model.Entity) (int, bool) {
	config, _ := c.view.Config(e)
	if config.Values == nil {
		return 0, false
	}
	n, err := strconv.Atoi(config.Values.Values[minInsyncReplicas])
	return n, err == nil
}
