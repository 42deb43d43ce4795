package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// topicRow is one topic as JSON.
type topicRow struct {
	Name            string            `json:"name"`
	ID              string            `json:"id,omitempty"`
	Partitions      int               `json:"partitions"`
	Replicas        int               `json:"replicas"` // of the partition with most
	Offline         int               `json:"offline"`
	UnderReplicated int               `json:"underReplicated"`
	Deleting        bool              `json:"deleting,omitempty"`
	Reassigning     bool              `json:"reassigning,omitempty"`
	Error           string            `json:"error,omitempty"`
	Settings        map[string]string `json:"settings,omitempty"`
	Details         []partitionRow    `json:"details,omitempty"`
}

// partitionRow is one partition as JSON.
type partitionRow struct {
	ID             int32   `json:"id"`
	Leader         int32   `json:"leader"` // -1 for none
	Replicas       []int32 `json:"replicas"`
	ISR            []int32 `json:"isr"`
	Adding         []int32 `json:"adding,omitempty"`
	Removing       []int32 `json:"removing,omitempty"`
	LeaderEpoch    int32   `json:"leaderEpoch"`    // -1 without a state
	PartitionEpoch int32   `json:"partitionEpoch"` // -1 without a state
	Problem        string  `json:"problem,omitempty"`
}

func kafkaTopicsCommand() *cobra.Command {
	return kafkaViewCommand("topics", "List the topics", cobra.NoArgs, func(v *view.View, _ []string) (any, [][]string, error) {
		rows := topicRows(v)
		table := [][]string{{"topic", "partitions", "replicas", "offline", "under-replicated", "state"}}
		for i := range rows {
			row := &rows[i]
			row.Details = nil
			table = append(table, []string{
				row.Name, strconv.Itoa(row.Partitions), strconv.Itoa(row.Replicas), strconv.Itoa(row.Offline), strconv.Itoa(row.UnderReplicated), row.state(),
			})
		}
		return rows, table, nil
	})
}

func kafkaTopicCommand() *cobra.Command {
	return kafkaViewCommand("topic NAME", "Show the partitions of one topic", cobra.ExactArgs(1), func(v *view.View, args []string) (any, [][]string, error) {
		t, ok := v.Topic(args[0])
		if !ok {
			return nil, nil, fmt.Errorf("there is no topic %q below %s", args[0], v.Chroot)
		}
		row := topicOf(t, slices.Contains(v.Deletions(), t.Name))
		if config, found := v.Config(model.TopicEntity(t.Name)); found && config.Values != nil {
			row.Settings = config.Values.Values
		}
		table := [][]string{{"partition", "leader", "replicas", "isr", "adding", "removing", "leader epoch", "partition epoch", "problem"}}
		for _, p := range row.Details {
			table = append(table, []string{
				strconv.Itoa(int(p.ID)), strconv.Itoa(int(p.Leader)), idList(p.Replicas), idList(p.ISR), idList(p.Adding), idList(p.Removing),
				strconv.Itoa(int(p.LeaderEpoch)), strconv.Itoa(int(p.PartitionEpoch)), orDash(p.Problem),
			})
		}
		return row, table, nil
	})
}

// topicRows sums up all topics.
func topicRows(v *view.View) []topicRow {
	deleting := v.Deletions()
	rows := []topicRow{}
	for _, t := range v.Topics() {
		rows = append(rows, topicOf(t, slices.Contains(deleting, t.Name)))
	}
	return rows
}

// topicOf sums a topic up.
func topicOf(t view.Topic, deleting bool) topicRow {
	row := topicRow{Name: t.Name, Deleting: deleting}
	if t.Znode.Err != nil {
		row.Error = t.Znode.Err.Error()
	}
	assignment := t.Assignment
	if assignment == nil {
		assignment = &model.Topic{}
	}
	if assignment.HasID {
		row.ID = assignment.ID.String()
	}
	row.Partitions = len(assignment.Partitions)
	states := make(map[int32]view.Partition)
	for _, p := range t.Partitions {
		states[p.ID] = p
	}
	ids := slices.Sorted(maps.Keys(assignment.Partitions))
	for id := range states {
		if _, assigned := assignment.Partitions[id]; !assigned {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		p := partitionOf(id, assignment, states[id])
		row.Details = append(row.Details, p)
		row.Replicas = max(row.Replicas, len(p.Replicas))
		row.Reassigning = row.Reassigning || len(p.Adding)+len(p.Removing) > 0
		switch {
		case p.Leader < 0:
			row.Offline++
		case len(p.ISR) < len(p.Replicas)-len(p.Adding):
			row.UnderReplicated++
		}
	}
	return row
}

func partitionOf(id int32, assignment *model.Topic, p view.Partition) partitionRow {
	replicas, assigned := assignment.Partitions[id]
	row := partitionRow{
		ID: id, Leader: model.NoLeader, Replicas: replicas, ISR: []int32{}, Adding: assignment.Adding[id], Removing: assignment.Removing[id],
		LeaderEpoch: -1, PartitionEpoch: p.Epoch(),
	}
	if row.Replicas == nil {
		row.Replicas = []int32{}
	}
	if p.State != nil {
		row.Leader, row.ISR, row.LeaderEpoch = p.State.Leader, p.State.ISR, p.State.LeaderEpoch
	}
	switch {
	case p.Znode == nil:
		row.Problem = "no state"
	case p.Znode.Err != nil:
		row.Problem = p.Znode.Err.Error()
	case !assigned:
		row.Problem = "not assigned"
	case row.Leader < 0:
		row.Problem = "offline"
	}
	return row
}

// state says in words how a topic is.
func (t *topicRow) state() string {
	switch {
	case t.Error != "":
		return t.Error
	case t.Deleting:
		return "being deleted"
	case t.Reassigning:
		return "reassigning"
	case t.Offline > 0:
		return "offline"
	}
	return "ok"
}

// idList writes ids for people.
func idList(ids []int32) string {
	parts := make([]string, len(ids))
	for i, id := range ids {
		parts[i] = strconv.Itoa(int(id))
	}
	return orDash(strings.Join(parts, ","))
}
