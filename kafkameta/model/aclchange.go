package model

import (
	"fmt"
	"strings"
)

// LiteralACLChange says which resource's literal ACL changed, at
// /kafka-acl-changes/acl_changes_N: plain text "TOPIC:orders". Kafka:
// ZkData.scala, LiteralAclChangeStore.
type LiteralACLChange struct {
	Resource Resource

	source []byte
}

// ParseLiteralACLChange reads a notification, with the type in either case.
func ParseLiteralACLChange(path string, data []byte) (*LiteralACLChange, error) {
	r, text := readText(path, KindLiteralACLChange, data)
	typeText, name, found := strings.Cut(text, ":")
	if r.err == nil && (!found || typeText == "" || name == "") {
		r.fail(ProblemSyntax, "", fmt.Sprintf("%q is not TYPE:NAME", shorten(text)))
	}
	return finish(r, &LiteralACLChange{source: data, Resource: Resource{Type: parseResourceType(typeText), Name: name}})
}

// Kind is KindLiteralACLChange.
func (c *LiteralACLChange) Kind() Kind { return KindLiteralACLChange }

// Encode gives the payload.
func (c *LiteralACLChange) Encode() ([]byte, error) {
	return encodeText(c.source, c, ParseLiteralACLChange)
}

func (c *LiteralACLChange) text() string { return c.Resource.Type.upper() + ":" + c.Resource.Name }

// ExtendedACLChange says which resource's prefixed ACL changed, at
// /kafka-acl-extended-changes/acl_changes_N. Kafka: ZkData.scala,
// ExtendedAclChangeStore.
type ExtendedACLChange struct {
	Version  int32 // 1
	Resource Resource

	source []byte
}

// ParseExtendedACLChange reads a notification.
func ParseExtendedACLChange(path string, data []byte) (*ExtendedACLChange, error) {
	r, o := readObject(path, KindExtendedACLChange, data)
	c := &ExtendedACLChange{source: data, Version: o.version(1, 1)}
	c.Resource = Resource{Type: parseResourceType(o.string("resourceType")), Name: o.string("name"), Pattern: Prefixed}
	if pattern := o.string("patternType"); r.err == nil && !strings.EqualFold(pattern, Prefixed.String()) {
		r.fail(ProblemRange, "patternType", fmt.Sprintf("%q, only PREFIXED has notifications here", shorten(pattern)))
	}
	return finish(r, c)
}

// Kind is KindExtendedACLChange.
func (c *ExtendedACLChange) Kind() Kind { return KindExtendedACLChange }

// Encode gives the payload.
func (c *ExtendedACLChange) Encode() ([]byte, error) {
	return encodeDocument(c.source, c, ParseExtendedACLChange)
}

func (c *ExtendedACLChange) document() jsonValue {
	return objectJSON(jsonMember{"version", intJSON(c.Version)}, jsonMember{"resourceType", stringJSON(c.Resource.Type.upper())},
		jsonMember{"name", stringJSON(c.Resource.Name)}, jsonMember{"patternType", stringJSON(strings.ToUpper(c.Resource.Pattern.String()))})
}
