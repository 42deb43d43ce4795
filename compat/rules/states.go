package rules

import (
	"fmt"
	"slices"
	"strconv"

	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// stateRules are about leader, ISR and epochs of a partition.
var stateRules = []Rule{
	{
		ID: "KM-36", Severity: Error, Title: "Leader that is no replica",
		Meaning: "Clients are sent to a broker that does not have the partition.",
		Fix:     "Elect another leader: `kafka-leader-election.sh --election-type preferred --topic T --partition P`.",
		check: perState(func(c *cluster, r *recorder, p *view.Partition, replicas []int32) {
			if p.State.Leader >= 0 && !slices.Contains(replicas, p.State.Leader) {
				r.add(p.Znode.Path, fmt.Sprintf("leader %d, replicas %s", p.State.Leader, joined(replicas)), model.TopicPath(p.Topic))
			}
		}),
	},
	{
		ID: "KM-37", Severity: Error, Title: "Leader that is not in sync",
		Meaning: "The leader is not in its own ISR, which the controller never writes: what was acknowledged may be missing there.",
		Fix:     "Elect another leader: `kafka-leader-election.sh --election-type preferred --topic T --partition P`.",
		check: func(c *cluster, r *recorder) {
			for p := range c.states {
				if p.State.Leader >= 0 && !slices.Contains(p.State.ISR, p.State.Leader) {
					r.add(p.Znode.Path, fmt.Sprintf("leader %d, ISR %s", p.State.Leader, joined(p.State.ISR)))
				}
			}
		},
	},
	{
		ID: "KM-38", Severity: Error, Title: "ISR with a broker that is no replica", Settle: settleWork,
		Meaning: "Right only while a reassignment takes the replica away. Else the leader counts an acknowledgement of a broker that keeps nothing.",
		Fix:     "Restart the leader, which writes the ISR anew.",
		check: perState(func(c *cluster, r *recorder, p *view.Partition, replicas []int32) {
			if !within(p.State.ISR, replicas) {
				r.add(p.Znode.Path, fmt.Sprintf("ISR %s, replicas %s", joined(p.State.ISR), joined(replicas)), model.TopicPath(p.Topic))
			}
		}),
	},
	{
		ID: "KM-39", Severity: Error, Title: "Impossible ISR",
		Meaning: "Kafka keeps at least one member and none twice. With an empty ISR only an unclean election gives a leader.",
		Fix:     "Stop the brokers and set the ISR to the replica with the longest log: `zookeeper-shell.sh HOST:PORT set PATH DATA`, leader epoch raised by one.",
		check: func(c *cluster, r *recorder) {
			for p := range c.states {
				if len(p.State.ISR) == 0 || repeats(p.State.ISR) {
					r.add(p.Znode.Path, fmt.Sprintf("ISR [%s]", joined(p.State.ISR)))
				}
			}
		},
	},
	{
		ID: "KM-40", Severity: Error, Title: "Partition offline",
		Meaning: "It has no leader: nobody can read or write it.",
		Fix:     "Start a member of the ISR; as the last resort, and with loss of data, `kafka-leader-election.sh --election-type unclean --topic T --partition P`.",
		check: func(c *cluster, r *recorder) {
			for p := range c.states {
				if p.State.Leader < 0 && !c.deleting[p.Topic] {
					r.add(p.Znode.Path, fmt.Sprintf("leader %d, ISR %s", p.State.Leader, joined(p.State.ISR)))
				}
			}
		},
	},
	{
		ID: "KM-41", Severity: Error, Title: "Leader that is not registered", Settle: settleSession,
		Meaning: "The leader is gone and the controller has not elected another: it is stuck, or there is none.",
		Fix:     "Look at the controller's log; move it with `zookeeper-shell.sh HOST:PORT delete /controller`.",
		check: func(c *cluster, r *recorder) {
			for p := range c.states {
				if p.State.Leader >= 0 && !c.registered[p.State.Leader] && !c.deleting[p.Topic] {
					r.add(p.Znode.Path, fmt.Sprintf("leader %d is not registered, ISR %s", p.State.Leader, joined(p.State.ISR)), model.BrokerPath(p.State.Leader))
				}
			}
		},
	},
	{
		ID: "KM-42", Severity: Warning, Title: "ISR with a broker that is not registered", Settle: settleSession,
		Meaning: "The controller should have taken the broker out: it is stuck, or there is none.",
		Fix:     "Look at the controller's log; move it with `zookeeper-shell.sh HOST:PORT delete /controller`.",
		check:   checkDeadInSync,
	},
	{
		ID: "KM-46", Severity: Error, Title: "Epoch that is negative or went back",
		Meaning: "Somebody wrote the state by hand, or restored an old one: brokers with the newer epoch refuse what the controller sends.",
		Fix:     "Stop the brokers and raise the epoch above the one seen before: `zookeeper-shell.sh HOST:PORT set PATH DATA`.",
		check:   checkEpochs,
	},
	{
		ID: "KM-47", Severity: Warning, Title: "Unclean election that is not made up for",
		Meaning: "The leader was elected uncleanly and has not finished its recovery.",
		Fix:     "Look at the leader's log for the partition; restart that broker.",
		check: func(c *cluster, r *recorder) {
			for p := range c.states {
				if age := c.age(p.Znode.Stat.Mtime); p.State.RecoveryState == model.Recovering && age > c.facts.StuckAfter {
					r.add(p.Znode.Path, fmt.Sprintf("leader %d is recovering for %v", p.State.Leader, rounded(age)))
				}
			}
		},
	},
}

// perState makes a check of what it does with each state of an assigned
// partition.
func perState(judge func(c *cluster, r *recorder, p *view.Partition, replicas []int32)) func(*cluster, *recorder) {
	return func(c *cluster, r *recorder) {
		for p := range c.states {
			if replicas, assigned := c.replicas(p); assigned && !c.deleting[p.Topic] {
				judge(c, r, p, replicas)
			}
		}
	}
}

// replicas gives the assignment of a partition.
func (c *cluster) replicas(p *view.Partition) ([]int32, bool) {
	t := c.byName[p.Topic]
	if t == nil || t.Assignment == nil {
		return nil, false
	}
	replicas, assigned := t.Assignment.Partitions[p.ID]
	return replicas, assigned
}

func checkDeadInSync(c *cluster, r *recorder) {
	for p := range c.states {
		var dead []int32
		for _, id := range p.State.ISR {
			if !c.registered[id] {
				dead = append(dead, id)
			}
		}
		if len(dead) > 0 && len(dead) < len(p.State.ISR) && !c.deleting[p.Topic] {
			r.add(p.Znode.Path, fmt.Sprintf("ISR %s, of which %s are not registered", joined(p.State.ISR), joined(dead)))
		}
	}
}

func checkEpochs(c *cluster, r *recorder) {
	for p := range c.states {
		if p.State.LeaderEpoch < 0 || p.State.ControllerEpoch < 0 {
			r.add(p.Znode.Path, fmt.Sprintf("leader epoch %d, controller epoch %d", p.State.LeaderEpoch, p.State.ControllerEpoch))
			continue
		}
		if before, ok := c.earlierState(p); ok && p.State.LeaderEpoch < before {
			r.add(p.Znode.Path, "leader epoch "+strconv.Itoa(int(p.State.LeaderEpoch))+", earlier it was "+strconv.Itoa(int(before)))
		}
	}
	if c.facts.Earlier == nil {
		r.cannotJudge("there is no earlier view to compare epochs with")
	}
}

// earlierState gives the leader epoch that a partition had in the earlier view,
// if it is still the same topic.
func (c *cluster) earlierState(p *view.Partition) (int32, bool) {
	if c.facts.Earlier == nil {
		return 0, false
	}
	before := view.As[*model.Topic](c.facts.Earlier.At(model.TopicPath(p.Topic)))
	state := view.As[*model.PartitionState](c.facts.Earlier.At(p.Znode.Path))
	t := c.byName[p.Topic]
	if before == nil || state == nil || t.Assignment == nil || t.Assignment.ID != before.ID || t.Assignment.HasID != before.HasID {
		return 0, false
	}
	return state.LeaderEpoch, true
}
