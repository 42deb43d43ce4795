package view

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"kafkacoord/kafkameta/model"
)

func describeBroker(c Change, n model.Node, before, after *model.Broker) []string {
	subject := fmt.Sprintf("broker %d ", n.Broker)
	switch {
	case after == nil:
		return []string{fmt.Sprintf("%swent away, its epoch was %d", subject, c.Before.Stat.Czxid)}
	case before == nil:
		return []string{fmt.Sprintf("%sregistered with epoch %d at %s", subject, c.After.Stat.Czxid, endpoints(after))}
	case c.Recreated():
		return []string{fmt.Sprintf("%sregistered again, epoch %d -> %d, at %s", subject, c.Before.Stat.Czxid, c.After.Stat.Czxid, endpoints(after))}
	}
	var sentences []string
	if was, is := endpoints(before), endpoints(after); was != is {
		sentences = append(sentences, fmt.Sprintf("%sendpoints %s -> %s", subject, was, is))
	}
	if before.Rack != after.Rack {
		sentences = append(sentences, fmt.Sprintf("%srack %q -> %q", subject, before.Rack, after.Rack))
	}
	if !maps.Equal(before.Protocols, after.Protocols) {
		sentences = append(sentences, subject+"security protocols changed")
	}
	if !maps.Equal(before.Features, after.Features) {
		sentences = append(sentences, subject+"supported features changed")
	}
	return sentences
}

func endpoints(b *model.Broker) string {
	if len(b.Endpoints) == 0 {
		return fmt.Sprintf("%s:%d", b.Host, b.Port)
	}
	text := make([]string, len(b.Endpoints))
	for i, e := range b.Endpoints {
		text[i] = e.String()
	}
	return strings.Join(text, ",")
}

func describeController(c Change, _ model.Node, before, after *model.Controller) []string {
	switch {
	case after == nil:
		return []string{fmt.Sprintf("controller: %s gave up or was lost", controllerText(before))}
	case before == nil:
		return []string{fmt.Sprintf("controller: %s took over", controllerText(after))}
	case c.Recreated() || controllerText(before) != controllerText(after):
		return []string{fmt.Sprintf("controller: %s -> %s", controllerText(before), controllerText(after))}
	default:
		return nil
	}
}

func controllerText(c *model.Controller) string {
	if c.KRaft() {
		return fmt.Sprintf("KRaft controller %d of epoch %d", c.Broker, c.KRaftEpoch)
	}
	return fmt.Sprintf("broker %d", c.Broker)
}

func describeControllerEpoch(_ Change, _ model.Node, before, after *model.ControllerEpoch) []string {
	switch {
	case after == nil:
		return []string{fmt.Sprintf("controller epoch deleted, was %d", before.Epoch)}
	case before == nil:
		return []string{fmt.Sprintf("controller epoch begins at %d", after.Epoch)}
	case before.Epoch != after.Epoch:
		return []string{fmt.Sprintf("controller epoch %d -> %d", before.Epoch, after.Epoch)}
	default:
		return nil
	}
}

func describeConfig(c Change, n model.Node, before, after *model.Config) []string {
	subject := "configuration of " + n.Entity.String()
	var sentences []string
	switch {
	case before == nil:
		sentences = append(sentences, subject+" created")
		before = &model.Config{}
	case after == nil:
		return []string{subject + " deleted"}
	case c.Recreated():
		sentences = append(sentences, subject+" deleted and created again")
	}
	for _, key := range sortedUnion(before.Values, after.Values) {
		was, wasThere := before.Values[key]
		is, isThere := after.Values[key]
		switch {
		case !wasThere:
			sentences = append(sentences, fmt.Sprintf("%s: %s set to %s", subject, key, setting(key, is)))
		case !isThere:
			sentences = append(sentences, fmt.Sprintf("%s: %s removed, was %s", subject, key, setting(key, was)))
		case was != is:
			sentences = append(sentences, fmt.Sprintf("%s: %s %s -> %s", subject, key, setting(key, was), setting(key, is)))
		}
	}
	return sentences
}

// hidden is shown for what nobody should read in a terminal or log.
const hidden = "[hidden]"

// setting gives a value for people: credentials and passwords are hidden.
func setting(key, value string) string {
	if slices.Contains(model.Mechanisms, model.Mechanism(key)) ||
		slices.ContainsFunc([]string{"password", "secret", "jaas.config", "keystore.key"}, func(part string) bool { return strings.Contains(key, part) }) {
		return hidden
	}
	return fmt.Sprintf("%q", value)
}

func describeReassignment(_ Change, _ model.Node, before, after *model.Reassignment) []string {
	switch {
	case after == nil:
		return []string{"reassignment request taken away, it named " + movesText(before)}
	case before == nil:
		return []string{"reassignment asked for: " + movesText(after)}
	default:
		return []string{fmt.Sprintf("reassignment request changed: %s -> %s", movesText(before), movesText(after))}
	}
}

// movesShown bounds the partitions that a sentence names.
const movesShown = 10

func movesText(r *model.Reassignment) string {
	var text []string
	for i, p := range r.Partitions {
		if i == movesShown {
			text = append(text, fmt.Sprintf("and %d more", len(r.Partitions)-movesShown))
			break
		}
		text = append(text, fmt.Sprintf("%s-%d to %s", p.Topic, p.Partition, ids(p.Replicas)))
	}
	if len(text) == 0 {
		return "no partition"
	}
	return strings.Join(text, "; ")
}

func describeACL(_ Change, n model.Node, before, after *model.ResourceACL) []string {
	var was, is []model.ACLEntry
	if before != nil {
		was = before.Entries
	}
	if after != nil {
		is = after.Entries
	}
	subject := fmt.Sprintf("ACL of %s: ", n.Resource)
	var sentences []string
	for _, e := range was {
		if !slices.Contains(is, e) {
			sentences = append(sentences, subject+"no longer "+entryText(e))
		}
	}
	for _, e := range is {
		if !slices.Contains(was, e) {
			sentences = append(sentences, subject+"now "+entryText(e))
		}
	}
	if len(sentences) == 0 && (before == nil || after == nil) {
		return []string{subject + "an empty list came or went"}
	}
	return sentences
}

func entryText(e model.ACLEntry) string {
	return fmt.Sprintf("%s %s to %s from host %s", e.Permission, e.Principal, e.Operation, e.Host)
}

func describeMarker(c Change) []string {
	subject := fmt.Sprintf("topic %s: ", c.Znode().Node().Topic)
	if c.After == nil {
		return []string{subject + "deletion mark taken away"}
	}
	return []string{subject + "deletion asked for"}
}
