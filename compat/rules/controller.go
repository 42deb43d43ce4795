package rules

import (
	"fmt"

	"kafkacoord/kafkameta/model"
)

// controllerRules are about who controls the cluster in ZooKeeper mode.
var controllerRules = []Rule{
	{
		ID: "KM-05", Severity: Fatal, Title: "Controller epoch missing or malformed",
		Meaning: "No broker can become controller: the epoch is read before every election.",
		Fix:     "Write the epoch as plain decimal text, at least as high as the highest controller_epoch of all partition states: `zookeeper-shell.sh HOST:PORT set /controller_epoch N` (or create).",
		check: func(c *cluster, r *recorder) {
			c.reportMalformed(r, model.KindControllerEpoch)
			if c.controllerZnode != nil && c.view.At(model.ControllerEpochPath) == nil {
				r.add(model.ControllerEpochPath, "the node is missing although there is a controller", model.ControllerPath)
			}
		},
	},
	{
		ID: "KM-11", Severity: Fatal, Title: "Malformed controller node",
		Meaning: "Brokers cannot read who the controller is: they throw, and nobody stands for election while the node is there.",
		Fix:     "`zookeeper-shell.sh HOST:PORT delete /controller`: the brokers elect a new one at once.",
		check:   func(c *cluster, r *recorder) { c.reportMalformed(r, model.KindController) },
	},
	{
		ID: "KM-12", Severity: Error, Title: "No controller", Settle: settleElection,
		Meaning: "Brokers are registered, but none became controller: no leader is elected, no topic created, no ISR changed.",
		Fix:     "Look for exceptions of KafkaController in the brokers' logs; a malformed node (KM-01 to KM-05) makes every candidate give up.",
		check: func(c *cluster, r *recorder) {
			if c.controllerZnode == nil && len(c.brokers) > 0 {
				r.add(model.ControllerPath, fmt.Sprintf("nobody is controller of %d registered brokers", len(c.brokers)), model.BrokerIDsPath)
			}
		},
	},
	{
		ID: "KM-13", Severity: Error, Title: "Controller is no registered broker", Settle: settleWrites,
		Meaning: "The broker that holds /controller is not in the cluster: it works with a state that others do not share.",
		Fix:     "If it stays so, `zookeeper-shell.sh HOST:PORT delete /controller` and look at that broker's log.",
		check: func(c *cluster, r *recorder) {
			if c.inZooKeeperHands() && !c.registered[c.controller.Broker] {
				r.add(model.ControllerPath, fmt.Sprintf("broker %d is controller and not registered", c.controller.Broker), model.BrokerPath(c.controller.Broker))
			}
		},
	},
	{
		ID: "KM-14", Severity: Error, Title: "Controller node that nobody releases",
		Meaning: "It is not ephemeral and no KRaft controller owns it: when that broker stops, no other takes over.",
		Fix:     "`zookeeper-shell.sh HOST:PORT delete /controller`, and find out who wrote it.",
		check: func(c *cluster, r *recorder) {
			if c.inZooKeeperHands() && c.controllerZnode.Stat.EphemeralOwner == 0 {
				r.add(model.ControllerPath, fmt.Sprintf("it is persistent, created %s", at(c.controllerZnode.Stat.Ctime)))
			}
		},
	},
	{
		ID: "KM-15", Severity: Error, Title: "Controller with another session than its broker", Settle: settleWrites,
		Meaning: "The broker is registering anew, or something else has written one of the nodes: one of them outlives the broker's session.",
		Fix:     "If it stays so, restart the broker and `zookeeper-shell.sh HOST:PORT delete /controller`.",
		check:   checkControllerSession,
	},
	{
		ID: "KM-16", Severity: Error, Title: "Partition state of a future controller",
		Meaning: "The state's controller epoch is higher than the cluster's: brokers and controllers refuse to elect a leader on it.",
		Fix:     "Stop the brokers and raise the epoch above it: `zookeeper-shell.sh HOST:PORT set /controller_epoch N`.",
		check:   checkFutureEpochs,
	},
	{
		ID: "KM-17", Severity: Warning, Title: "Controller epoch edited by hand",
		Meaning: "Every controller counts the epoch and with it the data version by one; here they differ. After an import without versions that is right.",
		Fix:     "Nothing, as long as KM-16 finds nothing. Do not write /controller_epoch while brokers run.",
		check:   checkEpochVersion,
	},
}

// inZooKeeperHands says whether a readable /controller is that of a broker in
// ZooKeeper mode.
func (c *cluster) inZooKeeperHands() bool { return c.controller != nil && !c.controller.KRaft() }

func checkControllerSession(c *cluster, r *recorder) {
	if !c.inZooKeeperHands() {
		return
	}
	broker, ok := c.view.Broker(c.controller.Broker)
	if !ok {
		return
	}
	own, registered := c.controllerZnode.Stat.EphemeralOwner, broker.Znode.Stat.EphemeralOwner
	if own != 0 && registered != 0 && own != registered {
		r.add(model.ControllerPath, fmt.Sprintf("session %v holds it, session %v the registration of broker %d", own, registered, broker.ID), broker.Znode.Path)
	}
}

func checkFutureEpochs(c *cluster, r *recorder) {
	_, epoch := c.view.ControllerEpoch()
	if epoch == nil || !c.zooKeeperMode() {
		return
	}
	for p := range c.states {
		if p.State.ControllerEpoch > epoch.Epoch {
			r.add(p.Znode.Path, fmt.Sprintf("controller_epoch %d, the cluster's is %d", p.State.ControllerEpoch, epoch.Epoch), model.ControllerEpochPath)
		}
	}
}

// checkEpochVersion compares the number of writes with the epoch. Releases to
// 1.0 created the node with epoch 1, later ones with 0.
func checkEpochVersion(c *cluster, r *recorder) {
	z, epoch := c.view.ControllerEpoch()
	if epoch == nil {
		return
	}
	if v := z.Stat.Version; epoch.Epoch != v && epoch.Epoch != v+1 {
		r.add(model.ControllerEpochPath, fmt.Sprintf("epoch %d, data version %d", epoch.Epoch, v))
	}
}
