package rules

import (
	"fmt"
	"strings"

	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// layoutRules are about which nodes there are, and of which kind.
var layoutRules = []Rule{
	{
		ID: "KM-86", Severity: Warning, Title: "Directory missing", Settle: settleWrites,
		Meaning: "Every broker creates it when it starts, so that something removed it, or the first broker is starting. What belongs below cannot be written.",
		Fix:     "Restart any broker, or `zookeeper-shell.sh HOST:PORT create PATH`.",
		check: func(c *cluster, r *recorder) {
			for _, path := range model.TopLevelPaths {
				if c.release >= directorySince[path] && path != model.ProducerIDBlockPath && c.view.At(path) == nil {
					r.add(path, "the node is missing")
				}
			}
		},
	},
	{
		ID: "KM-87", Severity: Error, Title: "Ephemeral node where Kafka makes none",
		Meaning: "It vanishes with the session of whoever made it, and what Kafka keeps there with it.",
		Fix:     "Find out who made it; then `zookeeper-shell.sh HOST:PORT delete PATH` and restore it as a persistent node.",
		check: func(c *cluster, r *recorder) {
			for _, z := range c.nodes {
				if owner := z.Stat.EphemeralOwner; owner != 0 && !mayBeEphemeral(z) {
					r.add(z.Path, fmt.Sprintf("it belongs to session %v", owner))
				}
			}
		},
	},
	{
		ID: "KM-89", Severity: Warning, Title: "Node that Kafka does not use",
		Meaning: "Another application shares the chroot, a chroot was mistyped, or something was left behind.",
		Fix:     "Find out whose it is; give other applications a chroot of their own.",
		check: func(c *cluster, r *recorder) {
			nested := nestedTrees(c.nodes)
			for _, z := range c.nodes {
				if z.Kind == model.Unknown && z.Parent().Kind != model.Unknown && !leadsTo(z.Path, nested) {
					r.add(z.Path, fmt.Sprintf("it holds %d bytes and %d children", len(z.Data), z.Stat.NumChildren))
				}
			}
		},
	},
	{
		ID: "KM-90", Severity: Error, Title: "Kafka tree inside a Kafka tree",
		Meaning: "Brokers of one cluster have connect strings with different chroots, or two clusters share one: removing the outer tree takes the inner one along.",
		Fix:     "Compare zookeeper.connect of all brokers; the chroot stands once, behind the last host.",
		check:   checkNested,
	},
}

// directorySince is the first release that creates a directory at every start.
// Those of users and brokers came in 0.10.1, but a broker of 0.10.2 makes them
// only when they are written to.
var directorySince = map[string]release{
	model.ConsumersPath: kafka08, model.BrokerIDsPath: kafka08, model.TopicsPath: kafka08,
	model.ConfigChangesPath: kafka081, model.DeleteTopicsPath: kafka081, model.EntityTypePath(model.Topics): kafka081,
	model.BrokerSequencePath: kafka09, model.ISRChangesPath: kafka09, model.EntityTypePath(model.Clients): kafka09,
	model.EntityTypePath(model.Users): kafka10, model.EntityTypePath(model.Brokers): kafka10,
	model.ProducerIDBlockPath: kafka011, model.LogDirEventsPath: kafka10, model.EntityTypePath(model.IPs): kafka28,
}

// mayBeEphemeral says whether Kafka makes such a node ephemeral, or has nothing
// to do with it.
func mayBeEphemeral(z *view.Znode) bool {
	switch z.Kind {
	case model.KindBroker, model.KindController, model.KindConsumerRegistration, model.KindConsumerOwner:
		return true
	case model.Unknown:
		for _, top := range model.SecureRootPaths {
			if underPath(z.Path, top) {
				return false
			}
		}
		return true
	}
	return false
}

// nestedTrees gives the paths, relative to the chroot, below which there is
// another Kafka tree.
func nestedTrees(nodes []*view.Znode) []string {
	var trees []string
	for _, z := range nodes {
		if tree, found := strings.CutSuffix(z.Path, model.BrokerIDsPath); found && tree != "" {
			trees = append(trees, tree)
		}
	}
	return trees
}

// leadsTo says whether one of the trees is at a path or below.
func leadsTo(path string, trees []string) bool {
	for _, tree := range trees {
		if underPath(tree, path) {
			return true
		}
	}
	return false
}

func checkNested(c *cluster, r *recorder) {
	for _, tree := range nestedTrees(c.nodes) {
		inner := c.view.At(tree + model.BrokerIDsPath)
		detail := "another Kafka tree"
		var shared []string
		for _, child := range inner.SortedChildren() {
			if c.view.At(model.BrokerIDsPath+"/"+child.Name()) != nil {
				shared = append(shared, child.Path)
			}
		}
		if len(shared) > 0 {
			detail = fmt.Sprintf("another Kafka tree, in which %d of these brokers are registered too", len(shared))
		}
		r.add(tree, detail, shared...)
	}
	if c.view.Chroot != "" {
		r.cannotJudge("what is outside the chroot is not in the view; look from / for it")
	}
}
