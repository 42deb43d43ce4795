package rules

import (
	"fmt"

	"kafkacoord/kafkameta/view"
)

// clockRules are about time stamps.
var clockRules = []Rule{
	{
		ID: "KM-96", Severity: Warning, Title: "Clocks of broker and server differ",
		Meaning: "The time that the broker wrote is more than a minute from the server's. Notifications are removed by comparing the two clocks.",
		Fix:     "Synchronise the clocks of brokers and servers, with chrony or NTP.",
		check:   checkClocks,
	},
}

// clockSkewMaxMillis is how far clocks may be apart.
const clockSkewMaxMillis = 60_000

func checkClocks(c *cluster, r *recorder) {
	judge := func(z *view.Znode, written int64) {
		created, changed := int64(z.Stat.Ctime), int64(z.Stat.Mtime)
		switch {
		case written == 0 || changed == 0:
		case written > changed+clockSkewMaxMillis:
			r.add(z.Path, fmt.Sprintf("it says %s, the server wrote it %s", timeText(written), timeText(changed)))
		case written < created-clockSkewMaxMillis:
			r.add(z.Path, fmt.Sprintf("it says %s, the server created it %s", timeText(written), timeText(created)))
		}
	}
	if c.controller != nil {
		judge(c.controllerZnode, c.controller.Timestamp)
	}
	for _, b := range c.brokers {
		if b.Registration != nil {
			judge(b.Znode, b.Registration.Timestamp)
		}
	}
}
