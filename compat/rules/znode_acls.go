package rules

import (
	"fmt"
	"slices"
	"strings"

	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// znodeACLRules are about ZooKeeper's ACLs of the nodes. They apply to secured
// clusters: those where most nodes belong to somebody.
var znodeACLRules = []Rule{
	{
		ID: "KM-79", Severity: Error, Title: "Node that everybody may change",
		Meaning: "In a secured cluster anybody who reaches ZooKeeper can change or remove it, and with it what Kafka does.",
		Fix:     "`zookeeper-security-migration.sh --zookeeper.acl=secure --zookeeper.connect HOST:PORT`, or `zookeeper-shell.sh HOST:PORT setAcl PATH …`.",
		check: onSecured(func(c *cluster, r *recorder, s *security) {
			for _, z := range s.nodes {
				if rights := worldRights(z) &^ wire.PermRead; rights != 0 && z.Path != model.RootPath && !underPath(z.Path, model.ConsumersPath) {
					r.add(z.Path, "everybody may "+rightsText(rights))
				}
			}
		}),
	},
	{
		ID: "KM-80", Severity: Error, Title: "Secret that everybody may read",
		Meaning: "Credentials, broker passwords or delegation tokens are readable by anybody who reaches ZooKeeper.",
		Fix:     "`zookeeper-security-migration.sh --zookeeper.acl=secure --zookeeper.connect HOST:PORT`; then have passwords and tokens changed.",
		check: onSecured(func(c *cluster, r *recorder, s *security) {
			for _, z := range s.nodes {
				if worldRights(z)&wire.PermRead != 0 && sensitive(z.Path) {
					r.add(z.Path, "everybody may read it")
				}
			}
		}),
	},
	{
		ID: "KM-81", Severity: Warning, Title: "Nodes of different owners",
		Meaning: "Brokers log in to ZooKeeper under different names, so that some cannot change what others made.",
		Fix:     "Give all brokers one principal, or set an ACL with all of them: `zookeeper-shell.sh HOST:PORT setAcl PATH …`.",
		check:   onSecured(checkMixedOwners),
	},
	{
		ID: "KM-82", Severity: Error, Title: "Node that brokers may not change",
		Meaning: "No registered broker has an identity that its ACL names: brokers get NOAUTH, and controllers give up.",
		Fix:     "As ZooKeeper's super user, `zookeeper-shell.sh HOST:PORT setAcl PATH …` with the brokers' identity.",
		check:   onSecured(checkForeignOwners),
	},
	{
		ID: "KM-83", Severity: Warning, Title: "Chroot that everybody may change",
		Meaning: "In a secured cluster anybody can plant or remove nodes directly below.",
		Fix:     "`zookeeper-security-migration.sh`, which sets it too, or `zookeeper-shell.sh HOST:PORT setAcl PATH …`.",
		check: onSecured(func(c *cluster, r *recorder, _ *security) {
			if rights := worldRights(c.view.Root()) &^ wire.PermRead; rights != 0 {
				r.add(model.RootPath, "everybody may "+rightsText(rights))
			}
		}),
	},
}

// security is what a secured cluster's ACLs say.
type security struct {
	nodes []*view.Znode // with a known ACL
}

// onSecured makes a check of one that applies to secured clusters alone.
func onSecured(judge func(*cluster, *recorder, *security)) func(*cluster, *recorder) {
	return func(c *cluster, r *recorder) {
		var s security
		owned := 0
		for _, z := range c.nodes {
			if z.ACL == nil {
				continue
			}
			s.nodes = append(s.nodes, z)
			if len(owners(z)) > 0 {
				owned++
			}
		}
		switch {
		case len(s.nodes) == 0:
			r.cannotJudge("the view has no ACLs")
		case owned*2 > len(s.nodes):
			judge(c, r, &s)
		}
	}
}

// worldRights is what everybody may do with a node.
func worldRights(z *view.Znode) int32 {
	var rights int32
	for _, a := range z.ACL {
		if a.ID == wire.AnyoneID {
			rights |= a.Perms
		}
	}
	return rights
}

// owners are the identities that may do everything with a node, in order.
func owners(z *view.Znode) []string {
	var ids []string
	for _, a := range z.ACL {
		if a.ID != wire.AnyoneID && a.Perms == wire.PermAll {
			ids = append(ids, a.ID.Scheme+":"+a.ID.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// rightsText writes permissions for people.
func rightsText(rights int32) string {
	var words []string
	for _, right := range []struct {
		bit  int32
		word string
	}{{wire.PermRead, "read"}, {wire.PermWrite, "write"}, {wire.PermCreate, "create"}, {wire.PermDelete, "delete"}, {wire.PermAdmin, "administer"}} {
		if rights&right.bit != 0 {
			words = append(words, right.word)
		}
	}
	return strings.Join(words, ", ")
}

// underPath says whether a path is another or below it.
func underPath(path, top string) bool { return path == top || strings.HasPrefix(path, top+"/") }

// sensitive says whether Kafka hides a path from others; it compares plain
// prefixes.
func sensitive(path string) bool {
	return slices.ContainsFunc(model.SensitivePaths, func(prefix string) bool { return strings.HasPrefix(path, prefix) })
}

// checkMixedOwners reports each set of owners but the one with most nodes. The
// owners of registrations are no sign: with TLS every broker may have a name of
// its own, as long as nodes name them all.
func checkMixedOwners(c *cluster, r *recorder, s *security) {
	type set struct {
		owners string
		first  *view.Znode
		nodes  int
	}
	sets := make(map[string]*set)
	var inOrder []*set
	for _, z := range s.nodes {
		ids := owners(z)
		if len(ids) == 0 {
			continue
		}
		key := strings.Join(ids, " ")
		if sets[key] == nil {
			sets[key] = &set{owners: key, first: z}
			inOrder = append(inOrder, sets[key])
		}
		sets[key].nodes++
	}
	slices.SortStableFunc(inOrder, func(a, b *set) int { return b.nodes - a.nodes })
	for i, other := range inOrder {
		if i > 0 {
			r.add(other.first.Path, fmt.Sprintf("%d nodes belong to %s, and %d to %s", other.nodes, other.owners, inOrder[0].nodes, inOrder[0].owners), inOrder[0].first.Path)
		}
	}
}

// checkForeignOwners takes the owners of ephemeral nodes for the identities of
// brokers: the server expands "auth" to those of the session.
func checkForeignOwners(c *cluster, r *recorder, s *security) {
	brokers := make(map[string]bool)
	for _, b := range c.brokers {
		if b.Znode.Stat.EphemeralOwner == 0 {
			continue
		}
		for _, id := range owners(b.Znode) {
			brokers[id] = true
		}
	}
	if len(brokers) == 0 {
		r.cannotJudge("no registration tells under which name brokers log in to ZooKeeper")
		return
	}
	for _, z := range s.nodes {
		if worldRights(z)&wire.PermWrite != 0 || slices.ContainsFunc(z.ACL, func(a wire.ACL) bool {
			return a.Perms&wire.PermWrite != 0 && brokers[a.ID.Scheme+":"+a.ID.ID]
		}) {
			continue
		}
		r.add(z.Path, "its ACL names none of the brokers: "+aclText(z.ACL))
	}
}

// aclText writes an ACL for people.
func aclText(acl []wire.ACL) string {
	if len(acl) == 0 {
		return "it is empty"
	}
	var parts []string
	for _, a := range acl[:min(len(acl), relatedMax)] {
		parts = append(parts, fmt.Sprintf("%.80s may %s", a.ID.Scheme+":"+a.ID.ID, rightsText(a.Perms)))
	}
	return strings.Join(parts, "; ")
}
