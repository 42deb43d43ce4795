package model

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// definitions say for each kind where it stands, both for building and for
// classifying. A component in braces is a parameter; text before the brace is
// a fixed prefix of it. Where a kind has two paths, the one with more
// parameters comes later.
var definitions = []struct {
	kind Kind
	path string
}{
	{RootDirectory, RootPath},
	{KindController, ControllerPath},
	{KindControllerEpoch, ControllerEpochPath},
	{BrokersDirectory, BrokersPath},
	{BrokerIDsDirectory, BrokerIDsPath},
	{KindBroker, BrokerIDsPath + "/{broker}"},
	{BrokerSequence, BrokerSequencePath},
	{TopicsDirectory, TopicsPath},
	{KindTopic, TopicsPath + "/{topic}"},
	{PartitionsDirectory, TopicsPath + "/{topic}/partitions"},
	{PartitionDirectory, TopicsPath + "/{topic}/partitions/{partition}"},
	{KindPartitionState, TopicsPath + "/{topic}/partitions/{partition}/state"},
	{ConfigDirectory, ConfigPath},
	{ConfigChangesDirectory, ConfigChangesPath},
	{KindConfigChange, ConfigChangesPath + "/" + ConfigChangePrefix + "{sequence}"},
	{EntityTypeDirectory, ConfigPath + "/{entityType}"},
	{KindConfig, ConfigPath + "/{entityType}/{entity}"},
	{UserClientsDirectory, ConfigPath + "/users/{user}/clients"},
	{KindConfig, ConfigPath + "/users/{user}/clients/{client}"},
	{AdminDirectory, AdminPath},
	{DeleteTopicsDirectory, DeleteTopicsPath},
	{DeleteTopicMarker, DeleteTopicsPath + "/{topic}"},
	{KindReassignment, ReassignmentPath},
	{KindPreferredElection, PreferredElectionPath},
	{ISRChangesDirectory, ISRChangesPath},
	{KindISRChange, ISRChangesPath + "/" + ISRChangePrefix + "{sequence}"},
	{LogDirEventsDirectory, LogDirEventsPath},
	{KindLogDirEvent, LogDirEventsPath + "/" + LogDirEventPrefix + "{sequence}"},
	{KindProducerIDBlock, ProducerIDBlockPath},
	{ClusterDirectory, ClusterPath},
	{KindClusterID, ClusterIDPath},
	{KindFeatures, FeaturesPath},
	{KindMigration, MigrationPath},
	{ACLDirectory, LiteralACLPath},
	{ResourceTypeDirectory, LiteralACLPath + "/{resourceType}"},
	{KindResourceACL, LiteralACLPath + "/{resourceType}/{resource}"},
	{LiteralACLChangesDirectory, LiteralACLChangesPath},
	{KindLiteralACLChange, LiteralACLChangesPath + "/" + ACLChangePrefix + "{sequence}"},
	{ExtendedACLDirectory, ExtendedACLPath},
	{ACLDirectory, ExtendedACLPath + "/{pattern}"},
	{ResourceTypeDirectory, ExtendedACLPath + "/{pattern}/{resourceType}"},
	{KindResourceACL, ExtendedACLPath + "/{pattern}/{resourceType}/{resource}"},
	{ExtendedACLChangesDirectory, ExtendedACLChangesPath},
	{KindExtendedACLChange, ExtendedACLChangesPath + "/" + ACLChangePrefix + "{sequence}"},
	{TokenDirectory, TokenPath},
	{TokensDirectory, TokensPath},
	{KindDelegationToken, TokensPath + "/{token}"},
	{TokenChangesDirectory, TokenChangesPath},
	{KindTokenChange, TokenChangesPath + "/" + TokenChangePrefix + "{sequence}"},
	{ConsumersDirectory, ConsumersPath},
	{ConsumerGroupDirectory, ConsumersPath + "/{group}"},
	{ConsumerIDsDirectory, ConsumersPath + "/{group}/ids"},
	{KindConsumerRegistration, ConsumersPath + "/{group}/ids/{consumer}"},
	{ConsumerOwnersDirectory, ConsumersPath + "/{group}/owners"},
	{ConsumerOwnersTopicDirectory, ConsumersPath + "/{group}/owners/{topic}"},
	{KindConsumerOwner, ConsumersPath + "/{group}/owners/{topic}/{partition}"},
	{ConsumerOffsetsDirectory, ConsumersPath + "/{group}/offsets"},
	{ConsumerOffsetsTopicDirectory, ConsumersPath + "/{group}/offsets/{topic}"},
	{KindConsumerOffset, ConsumersPath + "/{group}/offsets/{topic}/{partition}"},
}

// Classify says what a path relative to the chroot is for. A path that Kafka
// does not use is Unknown, without an error. A path with the shape of a kind
// but an impossible parameter ("/brokers/ids/one", a notification without ten
// digits) gives that kind, no parameters, and an [Error] with ProblemName.
func Classify(path string) (Node, error) {
	parts := components(path)
	if (len(parts) == 0 && path != RootPath) || slices.Contains(parts, "") {
		return Node{}, nil
	}
	var failed error
	kind := Unknown
	for _, p := range layout.byShape[shapeOf(parts)] {
		n := Node{Kind: p.kind}
		matched, err := p.match(parts, &n)
		switch {
		case matched && err == nil:
			return n, nil
		case matched:
			kind = p.kind
			failed = &Error{Path: path, Kind: p.kind, Problem: ProblemName, Detail: err.Error()}
		}
	}
	return Node{Kind: kind}, failed
}

// Path gives the node's path relative to the chroot. It is "" for Unknown and
// for a node whose fields do not name anything.
func (n Node) Path() string {
	if n.Kind >= kindCount {
		return ""
	}
	for _, p := range slices.Backward(layout.byKind[n.Kind]) {
		if path, ok := p.build(n); ok {
			return path
		}
	}
	return ""
}

// String gives the kind and the path, for messages.
func (n Node) String() string {
	return fmt.Sprintf("%s %s", n.Kind, n.Path())
}

// layout is definitions in the forms that building and classifying need.
var layout = compileLayout()

type layoutIndex struct {
	byKind  [kindCount][]pattern
	byShape map[shape][]pattern
}

// shape picks the few patterns that can match a path at all.
type shape struct {
	first string // first component; never a parameter in Kafka's layout
	depth int
}

func shapeOf(parts []string) shape {
	if len(parts) == 0 {
		return shape{}
	}
	return shape{parts[0], len(parts)}
}

func compileLayout() layoutIndex {
	index := layoutIndex{byShape: map[shape][]pattern{}}
	for _, d := range definitions {
		parts := components(d.path)
		p := pattern{kind: d.kind, parts: make([]part, len(parts))}
		for i, text := range parts {
			fixed, name, _ := strings.Cut(strings.TrimSuffix(text, "}"), "{")
			p.parts[i] = part{fixed: fixed, parameter: parameters[name]}
		}
		index.byKind[d.kind] = append(index.byKind[d.kind], p)
		index.byShape[shapeOf(parts)] = append(index.byShape[shapeOf(parts)], p)
	}
	return index
}

// pattern is one definition, cut into its components.
type pattern struct {
	kind  Kind
	parts []part
}

// part is one component: fixed text, then a parameter or nothing.
type part struct {
	fixed     string
	parameter *parameter
}

// build gives the path of n, and false if n lacks a parameter.
func (p pattern) build(n Node) (string, bool) {
	if len(p.parts) == 0 {
		return RootPath, true
	}
	var b strings.Builder
	for _, part := range p.parts {
		b.WriteByte('/')
		b.WriteString(part.fixed)
		if part.parameter == nil {
			continue
		}
		text := part.parameter.text(n)
		if text == "" {
			return "", false
		}
		b.WriteString(text)
	}
	return b.String(), true
}

// match says whether the path has this pattern's shape, and stores its
// parameters in n. The error is about a parameter in the right place with an
// impossible value.
func (p pattern) match(parts []string, n *Node) (matched bool, err error) {
	for i, part := range p.parts {
		text, hasPrefix := strings.CutPrefix(parts[i], part.fixed)
		switch {
		case part.parameter == nil:
			if parts[i] != part.fixed {
				return false, nil
			}
		case part.parameter.belongs != nil && !part.parameter.belongs(text):
			return false, nil
		case !hasPrefix:
			err = fmt.Errorf("name %q does not begin with %s", parts[i], part.fixed)
		case !part.parameter.store(n, text):
			err = fmt.Errorf("%q is not %s", parts[i], part.parameter.meaning)
		}
	}
	return true, err
}

// parameter is a variable part of a path.
type parameter struct {
	meaning string                       // for messages
	text    func(n Node) string          // "" if n has none
	store   func(n *Node, s string) bool // false if s is malformed
	belongs func(s string) bool          // if set and false, the path is no place of Kafka's at all
}

var parameters = map[string]*parameter{
	"broker":    idParameter("a broker id in plain decimal", func(n *Node) *int32 { return &n.Broker }),
	"partition": idParameter("a partition id in plain decimal", func(n *Node) *int32 { return &n.Partition }),
	"sequence": {
		meaning: "a sequence number of ten digits",
		text:    func(n Node) string { return formatSequence(n.Sequence) },
		store: func(n *Node, s string) (ok bool) {
			n.Sequence, ok = parseSequence(s)
			return ok
		},
	},
	"topic":    textParameter(func(n *Node) *string { return &n.Topic }),
	"token":    textParameter(func(n *Node) *string { return &n.Token }),
	"group":    textParameter(func(n *Node) *string { return &n.Group }),
	"consumer": textParameter(func(n *Node) *string { return &n.Consumer }),
	"client":   textParameter(func(n *Node) *string { return &n.Entity.Client }),
	"resource": textParameter(func(n *Node) *string { return &n.Resource.Name }),
	"entityType": {
		text: func(n Node) string { return string(n.Entity.Type) },
		store: func(n *Node, s string) bool {
			n.Entity.Type = EntityType(s)
			return true
		},
		belongs: func(s string) bool { return EntityType(s).Known() },
	},
	"entity": {
		meaning: "a broker id in plain decimal or " + DefaultEntityName,
		text:    func(n Node) string { return n.Entity.Name },
		store: func(n *Node, s string) bool {
			n.Entity.Name = s
			return n.Entity.validName()
		},
	},
	"user": {
		text: func(n Node) string { return n.Entity.Name },
		store: func(n *Node, s string) bool {
			n.Entity.Type, n.Entity.Name = Users, s
			return true
		},
	},
	"pattern": {
		meaning: "a pattern type that is kept here",
		text:    func(n Node) string { return n.Resource.Pattern.directory() },
		store: func(n *Node, s string) bool {
			n.Resource.Pattern = Prefixed
			return s == Prefixed.directory()
		},
	},
	"resourceType": {
		text: func(n Node) string { return string(n.Resource.Type) },
		store: func(n *Node, s string) bool {
			n.Resource.Type = ResourceType(s)
			return true
		},
	},
}

// textParameter is a parameter that may be any name.
func textParameter(field func(*Node) *string) *parameter {
	return &parameter{
		text: func(n Node) string { return *field(&n) },
		store: func(n *Node, s string) bool {
			*field(n) = s
			return true
		},
	}
}

// idParameter is a parameter that Kafka reads as an int.
func idParameter(meaning string, field func(*Node) *int32) *parameter {
	return &parameter{
		meaning: meaning,
		text:    func(n Node) string { return strconv.Itoa(int(*field(&n))) },
		store: func(n *Node, s string) (ok bool) {
			*field(n), ok = parseID(s)
			return ok
		},
	}
}

// parseID reads a non-negative decimal in the form Java prints, without sign
// or leading zeros.
func parseID(text string) (int32, bool) {
	n, err := strconv.ParseInt(text, 10, 32)
	return int32(n), err == nil && n >= 0 && strconv.FormatInt(n, 10) == text
}

// parseSequence reads the suffix that ZooKeeper gives to sequential nodes:
// %010d of a signed 32-bit counter.
func parseSequence(text string) (int32, bool) {
	n, err := strconv.ParseInt(text, 10, 32)
	return int32(n), err == nil && formatSequence(int32(n)) == text
}

func formatSequence(n int32) string { return fmt.Sprintf("%010d", n) }

// components cuts a path; none for the root and for what is not a path.
func components(path string) []string {
	if !strings.HasPrefix(path, "/") || path == RootPath {
		return nil
	}
	return strings.Split(path[1:], "/")
}
