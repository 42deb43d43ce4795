package rules

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// brokerRules are about registrations.
var brokerRules = []Rule{
	{
		ID: "KM-06", Severity: Fatal, Title: "Malformed broker registration",
		Meaning: "The controller and every starting broker throw when they read it.",
		Fix:     "Restart that broker, which registers anew; if the node stays, `zookeeper-shell.sh HOST:PORT delete PATH`.",
		check:   func(c *cluster, r *recorder) { c.reportMalformed(r, model.KindBroker) },
	},
	{
		ID: "KM-50", Severity: Warning, Title: "Broker without a rack among others with one",
		Meaning: "Rack-aware assignment of new topics fails as long as some brokers have no rack.",
		Fix:     "Set broker.rack in its server.properties and restart it.",
		check:   checkMissingRacks,
	},
	{
		ID: "KM-51", Severity: Error, Title: "Two brokers with one address",
		Meaning: "Clients that look for one broker reach the other.",
		Fix:     "Correct advertised.listeners of one of them and restart it.",
		check:   checkSharedEndpoints,
	},
	{
		ID: "KM-52", Severity: Warning, Title: "Listener name used twice by a broker",
		Meaning: "Clients of that listener get one of the two addresses, and nobody knows which.",
		Fix:     "Correct advertised.listeners and restart the broker; two addresses of one listener are only for IPv4 beside IPv6.",
		check:   checkRepeatedListeners,
	},
	{
		ID: "KM-53", Severity: Warning, Title: "Registrations of different versions",
		Meaning: "An upgrade is unfinished, or inter.broker.protocol.version differs between brokers.",
		Fix:     "Finish the rolling upgrade: the same release and inter.broker.protocol.version everywhere.",
		check:   checkVersions,
	},
	{
		ID: "KM-54", Severity: Warning, Title: "Broker that advertises a local address",
		Meaning: "Clients on other machines cannot reach it.",
		Fix:     "Set advertised.listeners to a name that clients resolve and restart the broker.",
		check:   checkLocalAddresses,
	},
	{
		ID: "KM-55", Severity: Error, Title: "Registration whose name is no broker id",
		Meaning: "The listing of brokers throws, for the controller as for every starting broker.",
		Fix:     "`zookeeper-shell.sh HOST:PORT delete PATH`.",
		check:   func(c *cluster, r *recorder) { c.reportMisnamed(r, model.KindBroker) },
	},
	{
		ID: "KM-56", Severity: Error, Title: "Registration that nobody releases",
		Meaning: "It is not ephemeral: the broker seems alive for ever, and its partitions get no new leader when it stops. The broker itself cannot register.",
		Fix:     "`zookeeper-shell.sh HOST:PORT delete PATH`, then restart the broker if it runs.",
		check: func(c *cluster, r *recorder) {
			for _, b := range c.brokers {
				if b.Znode.Stat.EphemeralOwner == 0 {
					r.add(b.Znode.Path, "it is persistent, created "+at(b.Znode.Stat.Ctime))
				}
			}
		},
	},
	{
		ID: "KM-57", Severity: Warning, Title: "Next generated broker id is in use",
		Meaning: "Generated ids start again below those in use: a new broker gets the id of another.",
		Fix:     "Repeat `zookeeper-shell.sh HOST:PORT set /brokers/seqid \"\"` until its data version plus 1000 is the highest id.",
		check:   checkGeneratedIDs,
	},
	{
		ID: "KM-94", Severity: Warning, Title: "Registration from nowhere",
		Meaning: "Its session or its transaction is not known to the server: a bad import, or a server's fault. Broker epochs may go back.",
		Fix:     "`zookeeper-shell.sh HOST:PORT delete PATH` and restart the broker.",
		check:   checkRegistrationOrigin,
	},
}

func checkMissingRacks(c *cluster, r *recorder) {
	var without []view.Broker
	var with []int32
	for _, b := range c.brokers {
		switch {
		case b.Registration == nil:
		case b.Registration.Rack == "":
			without = append(without, b)
		default:
			with = append(with, b.ID)
		}
	}
	if len(with) == 0 {
		return
	}
	for _, b := range without {
		r.add(b.Znode.Path, "it has no rack, brokers "+joined(with)+" have one")
	}
}

func checkSharedEndpoints(c *cluster, r *recorder) {
	type address struct {
		host string
		port int32
	}
	first := make(map[address]view.Broker)
	for b, e := range c.endpoints {
		a := address{strings.ToLower(e.Host), e.Port}
		other, taken := first[a]
		switch {
		case !taken:
			first[a] = b
		case other.ID != b.ID:
			r.add(b.Znode.Path, fmt.Sprintf("%v is also an address of broker %d", e, other.ID), other.Znode.Path)
		}
	}
}

// endpoints yields all endpoints of registrations that can be read, but for
// those without a port: brokers to 0.9 write -1 when they have none.
func (c *cluster) endpoints(yield func(view.Broker, model.Endpoint) bool) {
	for _, b := range c.brokers {
		if b.Registration == nil {
			continue
		}
		for _, e := range b.Registration.Listeners() {
			if e.Port >= 0 && !yield(b, e) {
				return
			}
		}
	}
}

func checkRepeatedListeners(c *cluster, r *recorder) {
	for _, b := range c.brokers {
		if b.Registration == nil {
			continue
		}
		seen := make(map[string]model.Endpoint)
		for _, e := range b.Registration.Listeners() {
			if other, taken := seen[e.Listener]; taken {
				r.add(b.Znode.Path, fmt.Sprintf("%v and %v", other, e))
			}
			seen[e.Listener] = e
		}
	}
}

func checkVersions(c *cluster, r *recorder) {
	byVersion := make(map[int32][]int32)
	for _, b := range c.brokers {
		if b.Registration != nil {
			byVersion[b.Registration.Version] = append(byVersion[b.Registration.Version], b.ID)
		}
	}
	if len(byVersion) < 2 {
		return
	}
	var parts []string
	for _, version := range slices.Sorted(maps.Keys(byVersion)) {
		parts = append(parts, fmt.Sprintf("version %d: brokers %s", version, joined(byVersion[version])))
	}
	r.add(model.BrokerIDsPath, strings.Join(parts, "; "))
}

func checkLocalAddresses(c *cluster, r *recorder) {
	local := make(map[int32]model.Endpoint)
	reachable := false
	for b, e := range c.endpoints {
		if !isLocal(e.Host) {
			reachable = true
		} else if _, known := local[b.ID]; !known {
			local[b.ID] = e
		}
	}
	if !reachable {
		return // all on one machine
	}
	for _, id := range slices.Sorted(maps.Keys(local)) {
		r.add(model.BrokerPath(id), fmt.Sprintf("it advertises %v", local[id]))
	}
}

// isLocal says whether a host means another machine on each machine.
func isLocal(host string) bool {
	if host == "" || strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && (a.IsLoopback() || a.IsUnspecified())
}

// generatedIDMin is the first generated id less one, the default of
// reserved.broker.max.id.
const generatedIDMin = 1000

func checkGeneratedIDs(c *cluster, r *recorder) {
	z := c.view.At(model.BrokerSequencePath)
	if z == nil {
		return
	}
	var highest int32
	for _, b := range c.brokers {
		highest = max(highest, b.ID)
	}
	for id := range c.assigned {
		highest = max(highest, id)
	}
	if next := int64(z.Stat.Version) + generatedIDMin; highest > generatedIDMin && next < int64(highest) {
		r.add(z.Path, fmt.Sprintf("the next generated id is %d, the highest in use %d", next+1, highest))
	}
}

func checkRegistrationOrigin(c *cluster, r *recorder) {
	if c.view.Sessions == nil && len(c.brokers) > 0 {
		r.cannotJudge("a live server does not tell which sessions it knows")
	}
	for _, b := range c.brokers {
		owner := b.Znode.Stat.EphemeralOwner
		_, known := c.view.Sessions[owner]
		switch {
		case c.view.Zxid > 0 && b.Epoch() > c.view.Zxid:
			r.add(b.Znode.Path, fmt.Sprintf("broker epoch %v is above the newest transaction %v", b.Epoch(), c.view.Zxid))
		case c.view.Sessions != nil && owner != 0 && !known:
			r.add(b.Znode.Path, fmt.Sprintf("the server knows no session %v", owner))
		}
	}
}
