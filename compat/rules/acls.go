package rules

import (
	"fmt"
	"slices"
	"strings"

	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// aclRules are about Kafka's own ACLs, those of topics, groups and the like.
var aclRules = []Rule{
	{
		ID: "KM-75", Severity: Error, Title: "Malformed ACL",
		Meaning: "Brokers throw at an unknown version or a principal without colon; what is not JSON they take for no ACLs at all, Deny included.",
		Fix:     "Write it anew with `zookeeper-shell.sh HOST:PORT set PATH DATA`, then add any ACL of the resource with `kafka-acls.sh` so that brokers read it.",
		check:   func(c *cluster, r *recorder) { c.reportMalformed(r, model.KindResourceACL) },
	},
	{
		ID: "KM-76", Severity: Error, Title: "ACL with an unknown word",
		Meaning: "An unknown operation, permission, pattern or resource type never matches: a Deny is silently without effect.",
		Fix:     "Correct the text with `zookeeper-shell.sh HOST:PORT set PATH DATA`; remove a directory of an unknown type with `deleteall PATH`.",
		check:   checkACLWords,
	},
	{
		ID: "KM-77", Severity: Warning, Title: "ACL that is empty, too wide or pointless",
		Meaning: "An empty list denies all but super users; everybody allowed on everything makes the other ACLs pointless; an operation that the resource does not have never matches.",
		Fix:     "Review with `kafka-acls.sh --list` and remove with `kafka-acls.sh --remove`.",
		check:   checkACLSense,
	},
	{
		ID: "KM-78", Severity: Error, Title: "Prefixed ACLs with a broker that does not know them",
		Meaning: "Brokers before 2.0 do not read prefixed ACLs: what they deny, such a broker allows.",
		Fix:     "Upgrade the broker to 2.0 or later before prefixed ACLs are used.",
		check:   checkPrefixedACLs,
	},
}

func checkACLWords(c *cluster, r *recorder) {
	c.reportMisnamed(r, model.ACLDirectory, model.ResourceTypeDirectory, model.KindResourceACL)
	for _, z := range c.nodes {
		if z.Kind == model.ResourceTypeDirectory && !misnamed(z) && !z.Node().Resource.Type.Known() {
			r.add(z.Path, fmt.Sprintf("%.60q is no resource type", z.Name()))
		}
	}
	for _, acl := range c.view.ACLs() {
		if acl.ACL == nil {
			continue
		}
		for _, e := range acl.ACL.Entries {
			if !e.OperationKnown() || !e.PermissionKnown() {
				r.add(acl.Znode.Path, "unknown word in: "+entryText(e))
			}
		}
	}
}

// entryText writes an ACL entry for people.
func entryText(e model.ACLEntry) string {
	return fmt.Sprintf("%.60q %.60q of %.60q from %.60q", e.Permission, e.Operation, e.Principal, e.Host)
}

// operationsOf are the operations that a resource type has beside All. Kafka:
// AclEntry.java, supportedOperations.
var operationsOf = map[model.ResourceType][]string{
	model.TopicResource:           {"Read", "Write", "Create", "Describe", "Delete", "Alter", "DescribeConfigs", "AlterConfigs"},
	model.GroupResource:           {"Read", "Describe", "Delete", "DescribeConfigs", "AlterConfigs"},
	model.ClusterResource:         {"Create", "ClusterAction", "DescribeConfigs", "AlterConfigs", "IdempotentWrite", "Alter", "Describe"},
	model.TransactionalIDResource: {"Describe", "Write"},
	model.DelegationTokenResource: {"Describe"},
	model.UserResource:            {"CreateTokens", "DescribeTokens"},
}

const everybody = "User:*"

func checkACLSense(c *cluster, r *recorder) {
	for _, acl := range c.view.ACLs() {
		if acl.ACL == nil {
			continue
		}
		if len(acl.ACL.Entries) == 0 {
			r.add(acl.Znode.Path, "no entries")
		}
		for _, e := range acl.ACL.Entries {
			switch {
			case strings.EqualFold(e.Permission, "Allow") && e.Principal == everybody && isEverything(acl):
				r.add(acl.Znode.Path, "everybody on everything: "+entryText(e))
			case e.OperationKnown() && !hasOperation(acl.Resource.Type, e.Operation):
				r.add(acl.Znode.Path, fmt.Sprintf("a %s does not have this operation: %s", acl.Resource.Type, entryText(e)))
			}
		}
	}
}

// isEverything says whether an ACL is that of all resources of its type.
func isEverything(acl view.ResourceACL) bool {
	return acl.Resource.Pattern == model.Literal && acl.Resource.Name == model.WildcardResourceName
}

func hasOperation(t model.ResourceType, operation string) bool {
	operations, known := operationsOf[t]
	return !known || strings.EqualFold(operation, "All") ||
		slices.ContainsFunc(operations, func(o string) bool { return strings.EqualFold(o, operation) })
}

// prefixedSince is the version of registrations below which a broker is
// certainly older than 2.0. Version 4 may be 0.10.2 to 2.6.
const prefixedSince = 4

func checkPrefixedACLs(c *cluster, r *recorder) {
	prefixed := slices.DeleteFunc(c.view.ACLs(), func(acl view.ResourceACL) bool { return acl.Resource.Pattern != model.Prefixed })
	if len(prefixed) == 0 {
		return
	}
	for _, b := range c.brokers {
		if b.Registration != nil && b.Registration.Version < prefixedSince {
			r.add(b.Znode.Path, fmt.Sprintf("its registration has version %d, and %d resources have prefixed ACLs", b.Registration.Version, len(prefixed)), prefixed[0].Znode.Path)
		}
	}
}
