package rules

import (
	"fmt"
	"time"

	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// queueRules are about change notifications.
var queueRules = []Rule{
	{
		ID: "KM-64", Severity: Warning, Title: "Notifications that nobody removes", Settle: settleWork,
		Meaning: "Each new notification makes brokers remove those older than 15 minutes. They do not: their clocks are behind the server's, they may not delete, or none runs.",
		Fix:     "Compare the clocks of brokers and servers and the ACL of the queue; old children can be deleted by hand.",
		check:   checkUnpurged,
	},
	{
		ID: "KM-65", Severity: Warning, Title: "Long queue of notifications",
		Meaning: "Every broker reads the whole queue at each new notification, so that the cost grows with the square of the length.",
		Fix:     "Make configuration and ACL changes in fewer, larger batches.",
		check: func(c *cluster, r *recorder) {
			for _, q := range model.Queues {
				if z := c.view.At(q.Path); z != nil {
					if n := len(c.view.Queue(q)); n > queueLengthMax {
						r.add(q.Path, fmt.Sprintf("%d notifications", n))
					}
				}
			}
		},
	},
	{
		ID: "KM-66", Severity: Error, Title: "Notifications that the controller does not take", Settle: settleWrites,
		Meaning: "ISR changes and failed log directories are not acted upon: the controller is stuck, or there is none.",
		Fix:     "Look at the controller's log; move it with `zookeeper-shell.sh HOST:PORT delete /controller`.",
		check: func(c *cluster, r *recorder) {
			for _, q := range model.Queues {
				if !drained(q) {
					continue
				}
				if late := c.olderThan(q, drainMax); len(late) > 0 {
					r.add(q.Path, fmt.Sprintf("%d notifications are older than %v", len(late), drainMax), paths(late)...)
				}
			}
		},
	},
	{
		ID: "KM-67", Severity: Error, Title: "Foreign node in a queue",
		Meaning: "Its name is not that of a notification: listeners throw at it and never get to the ones behind.",
		Fix:     "`zookeeper-shell.sh HOST:PORT delete PATH`, then restart the brokers one by one.",
		check: func(c *cluster, r *recorder) {
			for _, q := range model.Queues {
				c.reportMisnamed(r, q.Kind)
			}
		},
	},
	{
		ID: "KM-68", Severity: Error, Title: "Notification that its readers cannot parse",
		Meaning: "Brokers throw or pass it over, so that the change it tells of does not take effect until they restart.",
		Fix:     "`zookeeper-shell.sh HOST:PORT delete PATH`, and make the change once more with Kafka's tools.",
		check: func(c *cluster, r *recorder) {
			for _, q := range model.Queues {
				c.reportMalformed(r, q.Kind)
			}
		},
	},
}

// Limits of queues. Kafka: ZkNodeChangeNotificationListener.scala keeps
// notifications for 15 minutes.
const (
	keepNotifications = 15 * time.Minute
	keepSlack         = time.Minute
	drainMax          = time.Minute
	queueLengthMax    = 1000
)

// drained says whether the controller removes a queue's notifications itself.
func drained(q model.Queue) bool {
	return q.Kind == model.KindISRChange || q.Kind == model.KindLogDirEvent
}

// checkUnpurged looks for old notifications before a newer one: only a new one
// makes brokers remove any, so that those of a quiet cluster stay for long.
func checkUnpurged(c *cluster, r *recorder) {
	for _, q := range model.Queues {
		queue := c.view.Queue(q)
		if drained(q) || len(queue) == 0 {
			continue
		}
		var newest wire.Millis
		for _, n := range queue {
			newest = max(newest, n.Znode.Stat.Ctime)
		}
		var late []view.Notification
		for _, n := range queue {
			if time.Duration(newest-n.Znode.Stat.Ctime)*time.Millisecond > keepNotifications+keepSlack {
				late = append(late, n)
			}
		}
		if len(late) > 0 {
			r.add(q.Path, fmt.Sprintf("%d of %d notifications should have gone when the newest came, %s", len(late), len(queue), at(newest)), paths(late)...)
		}
	}
}

// olderThan gives the notifications of a queue of some age.
func (c *cluster) olderThan(q model.Queue, d time.Duration) []view.Notification {
	var late []view.Notification
	for _, n := range c.view.Queue(q) {
		if c.age(n.Znode.Stat.Ctime) > d {
			late = append(late, n)
		}
	}
	return late
}

func paths(notifications []view.Notification) []string {
	var paths []string
	for _, n := range notifications[:min(len(notifications), relatedMax)] {
		paths = append(paths, n.Znode.Path)
	}
	return paths
}
