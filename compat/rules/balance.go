package rules

import (
	"fmt"

	"kafkacoord/kafkameta/model"
)

// balanceRules are about load.
var balanceRules = []Rule{
	{
		ID: "KM-97", Severity: Info, Title: "Uneven or large cluster",
		Meaning: "A broker leads or holds far more than the others, or there are more partitions than Kafka with ZooKeeper is made for: 4000 a broker, 200000 in all. A failover takes the longer.",
		Fix:     "Spread partitions with `kafka-reassign-partitions.sh --generate` and `--execute`; plan more brokers or fewer partitions.",
		check:   checkBalance,
	},
}

// What Kafka's makers advise at the most ("Apache Kafka Supports 200K
// Partitions Per Cluster", 2018), and what counts as uneven.
const (
	brokerPartitionsMax  = 4000
	clusterPartitionsMax = 200_000
	unevenPercent        = 150
	unevenMin            = 20 // below, numbers are too small to compare
)

func checkBalance(c *cluster, r *recorder) {
	total, replicas := 0, 0
	for t := range c.readableTopics {
		total += len(t.Assignment.Partitions)
	}
	leaders := make(map[int32]int)
	for p := range c.states {
		leaders[p.State.Leader]++
	}
	for _, b := range c.brokers {
		replicas += c.assigned[b.ID]
	}
	if total > clusterPartitionsMax {
		r.add(model.TopicsPath, fmt.Sprintf("%d partitions in the cluster", total))
	}
	for _, b := range c.brokers {
		n := c.assigned[b.ID]
		switch {
		case n > brokerPartitionsMax:
			r.add(b.Znode.Path, fmt.Sprintf("it holds %d partitions", n))
		case uneven(n, replicas, len(c.brokers)):
			r.add(b.Znode.Path, fmt.Sprintf("it holds %d of %d replicas on %d brokers", n, replicas, len(c.brokers)))
		case uneven(leaders[b.ID], total, len(c.brokers)):
			r.add(b.Znode.Path, fmt.Sprintf("it leads %d of %d partitions on %d brokers", leaders[b.ID], total, len(c.brokers)))
		}
	}
}

// uneven says whether a share is far above the mean.
func uneven(share, total, brokers int) bool {
	return share >= unevenMin && share*brokers*100 > total*unevenPercent
}
