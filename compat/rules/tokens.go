package rules

import (
	"fmt"
	"time"

	"kafkacoord/kafkameta/model"
)

// tokenRules are about delegation tokens.
var tokenRules = []Rule{
	{
		ID: "KM-84", Severity: Error, Title: "Impossible delegation token",
		Meaning: "Brokers that read the token fail or pass it over: its owner cannot log in.",
		Fix:     "Delete it with `zookeeper-shell.sh HOST:PORT delete PATH` and have a new one issued with `kafka-delegation-tokens.sh --create`.",
		check:   checkTokens,
	},
	{
		ID: "KM-85", Severity: Warning, Title: "Expired delegation token",
		Meaning: "The controller removes expired tokens every hour. It has none of the settings for tokens, or is stuck.",
		Fix:     "Set delegation.token.secret.key on all brokers, the controller included; delete the node with `zookeeper-shell.sh HOST:PORT delete PATH`.",
		check: func(c *cluster, r *recorder) {
			for _, t := range c.view.Tokens() {
				if t.Record == nil {
					continue
				}
				if over := c.now.Sub(time.UnixMilli(t.Record.Expiry)); over > expiredKeptMax {
					r.add(t.Znode.Path, fmt.Sprintf("it expired %v ago", rounded(over)))
				}
			}
		},
	},
}

// expiredKeptMax is an hour beside delegation.token.expiry.check.interval.ms,
// which is an hour too.
const expiredKeptMax = 2 * time.Hour

func checkTokens(c *cluster, r *recorder) {
	c.reportMalformed(r, model.KindDelegationToken)
	for _, t := range c.view.Tokens() {
		switch record := t.Record; {
		case record == nil:
		case record.Max < record.Issued:
			r.add(t.Znode.Path, fmt.Sprintf("issued %s, to be used until %s at the most", timeText(record.Issued), timeText(record.Max)))
		case record.Expiry > record.Max:
			r.add(t.Znode.Path, fmt.Sprintf("it expires %s, after its last possible time %s", timeText(record.Expiry), timeText(record.Max)))
		case record.ID != t.ID:
			r.add(t.Znode.Path, "the id in the record is not the node's name")
		}
	}
}
