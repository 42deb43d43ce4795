package rules

import "fmt"

// sizeRules are about limits of the protocol.
var sizeRules = []Rule{
	{
		ID: "KM-88", Severity: Warning, Title: "Near the size that ZooKeeper or its clients refuse",
		Meaning: "At 1 MiB a server refuses the write of a node, at 4 MiB Kafka's client breaks the connection over a listing: topics can no longer be created or changed.",
		Fix:     "Use fewer partitions or topics, or shorter names; raise jute.maxbuffer on all servers first and then, by KAFKA_OPTS, on all brokers.",
		check: func(c *cluster, r *recorder) {
			for _, z := range c.nodes {
				if n := len(z.Data); n*100 > c.facts.RequestBytesMax*sizePercentMax {
					r.add(z.Path, fmt.Sprintf("%d bytes of data, a request may have %d", n, c.facts.RequestBytesMax))
				}
				if n := z.Stat.NumChildren; n < smallListing {
					continue
				}
				listing := listingBytes
				for child := range z.Children() {
					listing += len(child.Name()) + stringLengthBytes
				}
				if listing*100 > c.facts.ReplyBytesMax*sizePercentMax {
					r.add(z.Path, fmt.Sprintf("the listing of %d children has %d bytes, a reply may have %d", z.Stat.NumChildren, listing, c.facts.ReplyBytesMax))
				}
			}
		},
	},
}

// Sizes of a getChildren2 reply without names (header, count, Stat), of a
// string's length, and from how many children on a listing is worth counting.
const (
	listingBytes      = 16 + 4 + 68
	stringLengthBytes = 4
	smallListing      = 100
	sizePercentMax    = 60
)
