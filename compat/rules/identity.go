package rules

import (
	"fmt"

	"kafkacoord/kafkameta/model"
)

// identityRules are about what makes the cluster this cluster.
var identityRules = []Rule{
	{
		ID: "KM-07", Severity: Fatal, Title: "Cluster id missing or wrong",
		Meaning: "Brokers compare the id with their meta.properties and do not start with another one. Without the node the next broker makes up a new id.",
		Fix:     `Put the id of the brokers' meta.properties back: zookeeper-shell.sh HOST:PORT create /cluster/id '{"version":"1","id":"ID"}' (or set).`,
		check:   checkClusterID,
	},
	{
		ID: "KM-08", Severity: Fatal, Title: "No node for producer id blocks",
		Meaning: "Brokers retry for ever to take a block: idempotent and transactional producers hang, and since 3.0 the controller's thread with them.",
		Fix:     "If there never was an idempotent producer, `zookeeper-shell.sh HOST:PORT create /latest_producer_id_block`; else create it with a block above the highest id in use.",
		check: func(c *cluster, r *recorder) {
			if c.release >= kafka011 && c.view.At(model.ProducerIDBlockPath) == nil {
				r.add(model.ProducerIDBlockPath, "the node is missing")
			}
		},
	},
	{
		ID: "KM-09", Severity: Fatal, Title: "Impossible producer id block",
		Meaning: "Producers cannot get an id, or get one that another producer has, whose transactions are then fenced.",
		Fix:     "Set a block of 1000 ids above the highest in use, both ends as strings, with `zookeeper-shell.sh HOST:PORT set /latest_producer_id_block DATA`.",
		check:   checkProducerIDs,
	},
	{
		ID: "KM-10", Severity: Fatal, Title: "Feature node that brokers refuse",
		Meaning: "A broker that cannot read /feature stops, also one that runs.",
		Fix:     `With the controller stopped: zookeeper-shell.sh HOST:PORT set /feature '{"version":2,"status":1,"features":{}}'.`,
		check:   func(c *cluster, r *recorder) { c.reportMalformed(r, model.KindFeatures) },
	},
}

func checkClusterID(c *cluster, r *recorder) {
	z, id := c.view.ClusterID()
	c.reportMalformed(r, model.KindClusterID)
	switch {
	case z == nil && c.release < kafka0101:
	case z == nil && len(c.brokers)+len(c.topics) > 0:
		r.add(model.ClusterIDPath, "the node is missing although there are brokers or topics")
	case id != nil && c.facts.ClusterID != "" && id.ID.String() != c.facts.ClusterID:
		r.add(model.ClusterIDPath, fmt.Sprintf("the id is %v, not %q as expected", id.ID, c.facts.ClusterID))
	}
	if c.facts.ClusterID == "" {
		r.cannotJudge("the id that the cluster should have is not known")
	}
}

// producerIDsLeft is how many ids must be left above the last block.
const producerIDsLeft = 1 << 40

func checkProducerIDs(c *cluster, r *recorder) {
	c.reportMalformed(r, model.KindProducerIDBlock)
	_, block := c.view.ProducerIDBlock()
	if block == nil || block.Unused {
		return
	}
	const path = model.ProducerIDBlockPath
	switch {
	case block.Start < 0 || block.End < block.Start:
		r.add(path, fmt.Sprintf("the block goes from %d to %d", block.Start, block.End))
	case block.End-block.Start != model.ProducerIDBlockSize-1:
		r.add(path, fmt.Sprintf("the block goes from %d to %d, which is not %d ids", block.Start, block.End, model.ProducerIDBlockSize))
	case block.End > maxInt64-producerIDsLeft:
		r.add(path, fmt.Sprintf("the block ends at %d, near the highest number there is", block.End))
	}
}

const maxInt64 = 1<<63 - 1
