package rules

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// consumerRules are about the groups of old consumers, 0.8 to 1.1.
var consumerRules = []Rule{
	{
		ID: "KM-92", Severity: Warning, Title: "Remains of an old consumer group", Settle: settleSession,
		Meaning: "Partitions belong to a consumer that is gone, offsets to a topic that is gone, or the node is malformed: a consumer of that group may wait for ever.",
		Fix:     "`zookeeper-shell.sh HOST:PORT deleteall PATH` when nobody uses the group.",
		check:   checkOldGroups,
	},
	{
		ID: "KM-93", Severity: Info, Title: "Old consumer group in a new cluster",
		Meaning: "Brokers of 2.0 and later have no consumer that uses it; only OffsetFetch version 0 reads the offsets.",
		Fix:     "`zookeeper-shell.sh HOST:PORT deleteall PATH` when no client from before 0.9 is left.",
		check: func(c *cluster, r *recorder) {
			if c.release < kafka20 {
				return
			}
			for _, g := range c.view.Groups() {
				r.add(groupPath(g), fmt.Sprintf("%d members, %d offsets", len(g.Members), len(g.Offsets)))
			}
		},
	},
}

func groupPath(g view.Group) string { return model.ConsumersPath + "/" + g.Name }

func checkOldGroups(c *cluster, r *recorder) {
	kinds := []model.Kind{
		model.KindConsumerRegistration, model.KindConsumerOwner, model.KindConsumerOffset,
		model.ConsumerGroupDirectory, model.ConsumerIDsDirectory, model.ConsumerOwnersDirectory, model.ConsumerOffsetsDirectory,
	}
	c.reportMalformed(r, kinds...)
	c.reportMisnamed(r, kinds...)
	for _, g := range c.view.Groups() {
		members := make(map[string]bool)
		for _, z := range g.Members {
			members[z.Name()] = true
		}
		for _, z := range g.Owners {
			if owner := view.As[*model.ConsumerOwner](z); owner != nil && !members[owner.Consumer] {
				r.add(z.Path, fmt.Sprintf("consumer %.100q is not a member", owner.Consumer))
			}
		}
		orphans := make(map[string]int)
		for _, z := range g.Offsets {
			if topic := z.Node().Topic; topic != "" && c.byName[topic] == nil {
				orphans[z.Parent().Path]++
			}
		}
		for _, path := range slices.Sorted(maps.Keys(orphans)) {
			r.add(path, "offsets of "+strconv.Itoa(orphans[path])+" partitions of a topic that is not there")
		}
	}
}
