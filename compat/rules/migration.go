package rules

import (
	"fmt"

	"kafkacoord/kafkameta/model"
)

// migrationRules are about the move to KRaft.
var migrationRules = []Rule{
	{
		ID: "KM-18", Severity: Error, Title: "Migration to KRaft that does not get on",
		Meaning: "A KRaft controller owns the cluster, but its progress is missing, malformed or still at the beginning: brokers in ZooKeeper mode have no working controller.",
		Fix:     "Look at KRaftMigrationDriver in the KRaft controllers' logs; to go back, stop them, then `zookeeper-shell.sh HOST:PORT delete /controller` and `delete /migration`.",
		check:   checkMigrationProgress,
	},
	{
		ID: "KM-19", Severity: Error, Title: "Controller node of a KRaft controller that is gone",
		Meaning: "The node is persistent and stays: no broker in ZooKeeper mode stands for election.",
		Fix:     "Start the KRaft controllers and finish the migration, or roll back: `zookeeper-shell.sh HOST:PORT delete /controller`, and restart the brokers without zookeeper.metadata.migration.enable.",
		check: func(c *cluster, r *recorder) {
			switch {
			case c.zooKeeperMode():
			case c.facts.KRaftControllerGone:
				r.add(model.ControllerPath, fmt.Sprintf("KRaft controller %d, epoch %d, holds it", c.controller.Broker, c.controller.KRaftEpoch))
			default:
				r.cannotJudge("whether the KRaft controllers run is not known")
			}
		},
	},
	{
		ID: "KM-20", Severity: Warning, Title: "Remains of a migration to KRaft",
		Meaning: "A broker in ZooKeeper mode is controller although a migration began: it was rolled back. The next attempt would take over where this one ended.",
		Fix:     "Before the next attempt, with no KRaft controller running: `zookeeper-shell.sh HOST:PORT delete /migration`.",
		check: func(c *cluster, r *recorder) {
			z, m := c.view.Migration()
			if m == nil || !c.inZooKeeperHands() || !m.Copied() && c.age(z.Stat.Mtime) <= c.facts.StuckAfter {
				return
			}
			r.add(model.MigrationPath, fmt.Sprintf("it is at offset %d, and broker %d is controller", m.MetadataOffset, c.controller.Broker), model.ControllerPath)
		},
	},
}

func checkMigrationProgress(c *cluster, r *recorder) {
	c.reportMalformed(r, model.KindMigration)
	if c.zooKeeperMode() {
		return
	}
	z, m := c.view.Migration()
	switch {
	case z == nil:
		r.add(model.MigrationPath, fmt.Sprintf("the node is missing although KRaft controller %d holds /controller", c.controller.Broker), model.ControllerPath)
	case m != nil && !m.Copied() && c.age(z.Stat.Mtime) > c.facts.StuckAfter:
		r.add(model.MigrationPath, fmt.Sprintf("the first copy has not ended for %v", rounded(c.age(z.Stat.Mtime))), model.ControllerPath)
	}
}
