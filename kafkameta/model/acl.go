package model

import (
	"slices"
	"strings"
)

// ResourceType is what an ACL is about, in the form that paths use:
// "Topic", "TransactionalId". Kafka: ResourceType.java.
type ResourceType string

// The resource types.
const (
	TopicResource           ResourceType = "Topic"
	GroupResource           ResourceType = "Group"
	ClusterResource         ResourceType = "Cluster"
	TransactionalIDResource ResourceType = "TransactionalId"
	DelegationTokenResource ResourceType = "DelegationToken"
	UserResource            ResourceType = "User" // since 3.3
)

// ResourceTypes are all types.
var ResourceTypes = []ResourceType{
	TopicResource, GroupResource, ClusterResource, TransactionalIDResource, DelegationTokenResource, UserResource,
}

// ClusterResourceName is the only name of a cluster resource, and
// WildcardResourceName the literal name that stands for all.
const (
	ClusterResourceName  = "kafka-cluster"
	WildcardResourceName = "*"
)

// Known says whether t is a type of Kafka's.
func (t ResourceType) Known() bool { return slices.Contains(ResourceTypes, t) }

// upper gives the form of change notifications: "TRANSACTIONAL_ID". An unknown
// type stays as it is.
func (t ResourceType) upper() string {
	if !t.Known() {
		return string(t)
	}
	var b strings.Builder
	for i, c := range string(t) {
		if i > 0 && 'A' <= c && c <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(c)
	}
	return strings.ToUpper(b.String())
}

// parseResourceType reads a type in the form of paths or of notifications; an
// unknown one stays as it is.
func parseResourceType(text string) ResourceType {
	for _, t := range ResourceTypes {
		if strings.EqualFold(strings.ReplaceAll(text, "_", ""), string(t)) {
			return t
		}
	}
	return ResourceType(text)
}

// PatternType says how a resource's name matches.
type PatternType uint8

// The pattern types that are stored. Literal ACLs stand below /kafka-acl, the
// others below /kafka-acl-extended.
const (
	Literal PatternType = iota
	Prefixed
)

// String gives the pattern type in words.
func (p PatternType) String() string {
	if p == Prefixed {
		return "prefixed"
	}
	return "literal"
}

// directory is the name below /kafka-acl-extended; none for Literal.
func (p PatternType) directory() string {
	if p == Literal {
		return ""
	}
	return p.String()
}

// Resource is what ACLs are attached to.
type Resource struct {
	Type    ResourceType
	Name    string
	Pattern PatternType
}

// String gives the resource for people, as "prefixed Topic orders-".
func (r Resource) String() string { return r.Pattern.String() + " " + string(r.Type) + " " + r.Name }

// ResourceACL is the ACL of one resource, at /kafka-acl/TYPE/NAME or
// /kafka-acl-extended/prefixed/TYPE/NAME. Kafka: AclEntry.java.
type ResourceACL struct {
	Version int32 // 1
	Entries []ACLEntry

	source []byte
}

// ACLEntry allows or denies something to someone. Permission and operation are
// as written: Kafka compares them without regard to case, and takes an unknown
// one for something that never matches.
type ACLEntry struct {
	Principal  string // "User:alice"
	Permission string // "Allow" or "Deny"
	Host       string // "*" for any
	Operation  string // "Read", "DescribeConfigs"
}

// Operations are the operations that Kafka knows, as it writes them. Kafka:
// AclOperation.java; the last two since 3.3.
var Operations = []string{
	"Read", "Write", "Create", "Delete", "Alter", "Describe", "ClusterAction", "DescribeConfigs", "AlterConfigs", "IdempotentWrite", "All",
	"CreateTokens", "DescribeTokens",
}

// Permissions are the permissions that Kafka knows, as it writes them.
var Permissions = []string{"Allow", "Deny"}

// OperationKnown says whether the entry's operation is one of Kafka's.
func (e ACLEntry) OperationKnown() bool { return containsFold(Operations, e.Operation) }

// PermissionKnown says whether the entry's permission is one of Kafka's.
func (e ACLEntry) PermissionKnown() bool { return containsFold(Permissions, e.Permission) }

func containsFold(names []string, name string) bool {
	return slices.ContainsFunc(names, func(known string) bool { return strings.EqualFold(known, name) })
}

// ParseResourceACL reads a resource's ACL. A principal without a colon is an
// error, as for Kafka.
func ParseResourceACL(path string, data []byte) (*ResourceACL, error) {
	r, o := readObject(path, KindResourceACL, data)
	a := &ResourceACL{source: data, Version: o.version(1, 1), Entries: readElements(o, "acls", r.aclEntry)}
	return finish(r, a)
}

func (r *reader) aclEntry(field string, v jsonValue) ACLEntry {
	o := r.object(field, v)
	e := ACLEntry{
		Principal: o.string("principal"), Permission: o.string("permissionType"), Host: o.string("host"), Operation: o.string("operation"),
	}
	if !strings.Contains(e.Principal, ":") {
		r.fail(ProblemRange, o.name("principal"), shorten(e.Principal)+" is not TYPE:NAME")
	}
	return e
}

// Kind is KindResourceACL.
func (a *ResourceACL) Kind() Kind { return KindResourceACL }

// Encode gives the payload.
func (a *ResourceACL) Encode() ([]byte, error) {
	return encodeDocument(a.source, a, ParseResourceACL)
}

func (a *ResourceACL) document() jsonValue {
	entries := arrayJSON(a.Entries, func(e ACLEntry) jsonValue {
		return objectJSON(jsonMember{"principal", stringJSON(e.Principal)}, jsonMember{"permissionType", stringJSON(e.Permission)},
			jsonMember{"host", stringJSON(e.Host)}, jsonMember{"operation", stringJSON(e.Operation)})
	})
	return objectJSON(jsonMember{"acls", entries}, jsonMember{"version", intJSON(a.Version)})
}
