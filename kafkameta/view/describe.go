package view

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"kafkacoord/kafkameta/model"
)

// Describe says what the change means, in one sentence for each thing that
// changed, the same ones for the same change. Secrets are not shown.
func (c Change) Describe() []string {
	sentences := c.describeContent()
	if c.aclChanged() {
		sentences = append(sentences, fmt.Sprintf("znode %s: ACL changed", c.place()))
	}
	return sentences
}

func (c Change) describeContent() []string {
	if c.aclChanged() && c.Before.Stat.Mzxid == c.After.Stat.Mzxid {
		return nil
	}
	switch c.Kind() {
	case model.KindPartitionState:
		return describe(c, describeState)
	case model.KindTopic:
		return describe(c, describeTopic)
	case model.KindBroker:
		return describe(c, describeBroker)
	case model.KindController:
		return describe(c, describeController)
	case model.KindControllerEpoch:
		return describe(c, describeControllerEpoch)
	case model.KindConfig:
		return describe(c, describeConfig)
	case model.KindReassignment:
		return describe(c, describeReassignment)
	case model.KindResourceACL:
		return describe(c, describeACL)
	case model.DeleteTopicMarker:
		return describeMarker(c)
	case model.KindDelegationToken:
		return []string{"delegation token " + c.verb()} // the id is a secret
	case model.KindTokenChange:
		return []string{"notification of a delegation token " + c.verb()}
	default:
		return c.describePlain()
	}
}

// describe calls the function of a kind with both values. A node that cannot
// be read, before or after, is described as bytes.
func describe[V interface {
	comparable
	model.Value
}](c Change, of func(c Change, n model.Node, before, after V) []string) []string {
	var none V
	before, after := As[V](c.Before), As[V](c.After)
	if c.Before != nil && before == none || c.After != nil && after == none {
		return c.describePlain()
	}
	sentences := of(c, c.Znode().Node(), before, after)
	if len(sentences) == 0 {
		return []string{fmt.Sprintf("%s %s: %s", c.Kind(), c.place(), c.unchangedText())}
	}
	return sentences
}

// unchangedText is for values that mean the same before and after.
func (c Change) unchangedText() string {
	if c.sameData() {
		return fmt.Sprintf("written again, version %d -> %d", c.Before.Stat.Version, c.After.Stat.Version)
	}
	return "written differently, with the same meaning"
}

// verb says what happened to the node.
func (c Change) verb() string {
	switch {
	case c.Before == nil:
		return "created"
	case c.After == nil:
		return "deleted"
	case c.Recreated():
		return "deleted and created again"
	default:
		return "changed"
	}
}

// place is the path for people. The id of a token is a secret.
func (c Change) place() string {
	if c.Kind() == model.KindDelegationToken {
		return model.TokensPath + "/" + hidden
	}
	return c.Path()
}

// dataShown bounds the bytes of a payload in a sentence.
const dataShown = 200

// describePlain is for nodes whose content has no words of its own.
func (c Change) describePlain() []string {
	text := fmt.Sprintf("%s %s %s", c.Kind(), c.place(), c.verb())
	if c.secret() {
		return []string{text}
	}
	switch {
	case c.Before == nil && c.After.Data != nil:
		text += ": " + shown(c.After)
	case c.Before != nil && c.After != nil && c.sameData():
		text += ": " + c.unchangedText()
	case c.Before != nil && c.After != nil:
		text += ": " + shown(c.Before) + " -> " + shown(c.After)
	}
	return []string{text}
}

// secret says whether the payload may hold what only brokers should read.
func (c Change) secret() bool {
	return slices.ContainsFunc(model.SensitivePaths, func(prefix string) bool { return strings.HasPrefix(c.Path(), prefix) })
}

func shown(z *Znode) string {
	switch {
	case z.Data == nil:
		return "null"
	case len(z.Data) > dataShown:
		return strconv.Quote(string(z.Data[:dataShown])) + "…"
	case z.Err != nil:
		return strconv.Quote(string(z.Data))
	default:
		return string(z.Data)
	}
}

func describeState(c Change, n model.Node, before, after *model.PartitionState) []string {
	subject := fmt.Sprintf("topic %s: partition %d ", n.Topic, n.Partition)
	switch {
	case after == nil:
		return []string{subject + "has no state any more"}
	case before == nil || c.Recreated():
		return []string{fmt.Sprintf("%sstarted with leader %s, ISR %s, leader epoch %d, by controller epoch %d",
			subject, leaderText(after.Leader), ids(after.ISR), after.LeaderEpoch, after.ControllerEpoch)}
	}
	by := fmt.Sprintf(" by controller epoch %d", after.ControllerEpoch)
	var sentences []string
	say := func(format string, a ...any) { sentences = append(sentences, subject+fmt.Sprintf(format, a...)+by) }
	epochs := fmt.Sprintf("leader epoch %d -> %d", before.LeaderEpoch, after.LeaderEpoch)
	switch {
	case before.Leader != after.Leader && after.Leader == model.NoLeader:
		say("went offline: leader %d -> none, %s,", before.Leader, epochs)
	case before.Leader != after.Leader:
		say("leader %s -> %d, %s,", leaderText(before.Leader), after.Leader, epochs)
	case before.LeaderEpoch != after.LeaderEpoch:
		say("%s", epochs)
	}
	if !slices.Equal(before.ISR, after.ISR) {
		say("ISR %s %s -> %s", setVerb(before.ISR, after.ISR), ids(before.ISR), ids(after.ISR))
	}
	switch {
	case before.RecoveryState == after.RecoveryState:
	case after.RecoveryState == model.Recovering:
		say("has to recover from an unclean election")
	default:
		say("has recovered from its unclean election")
	}
	if len(sentences) == 0 && before.ControllerEpoch != after.ControllerEpoch {
		sentences = append(sentences, fmt.Sprintf("%scontroller epoch %d -> %d", subject, before.ControllerEpoch, after.ControllerEpoch))
	}
	return sentences
}

func leaderText(id int32) string {
	if id == model.NoLeader {
		return "none"
	}
	return strconv.Itoa(int(id))
}

// setVerb says how a set of replicas changed.
func setVerb(before, after []int32) string {
	lost := slices.ContainsFunc(before, func(id int32) bool { return !slices.Contains(after, id) })
	won := slices.ContainsFunc(after, func(id int32) bool { return !slices.Contains(before, id) })
	switch {
	case lost && !won:
		return "shrank"
	case won && !lost:
		return "grew"
	case lost:
		return "changed"
	default:
		return "was reordered"
	}
}

func ids(list []int32) string {
	if len(list) == 0 {
		return "none"
	}
	text := make([]string, len(list))
	for i, id := range list {
		text[i] = strconv.Itoa(int(id))
	}
	return strings.Join(text, ",")
}

func describeTopic(c Change, n model.Node, before, after *model.Topic) []string {
	subject := "topic " + n.Topic
	switch {
	case after == nil:
		return []string{subject + " deleted"}
	case before == nil:
		return []string{fmt.Sprintf("%s created with %s", subject, partitionsText(after))}
	case c.Recreated():
		return []string{fmt.Sprintf("%s deleted and created again with %s", subject, partitionsText(after))}
	}
	var sentences []string
	say := func(format string, a ...any) {
		sentences = append(sentences, subject+": "+fmt.Sprintf(format, a...))
	}
	for _, p := range sortedUnion(before.Partitions, after.Partitions) {
		was, wasThere := before.Partitions[p]
		is, isThere := after.Partitions[p]
		switch {
		case !wasThere:
			say("partition %d added on %s", p, ids(is))
		case !isThere:
			say("partition %d removed from the assignment, was on %s", p, ids(was))
		case !slices.Equal(was, is):
			say("partition %d replicas %s -> %s", p, ids(was), ids(is))
		}
	}
	for _, p := range sortedUnion(sumOf(before), sumOf(after)) {
		sentences = append(sentences, describeMove(subject, p, before, after)...)
	}
	switch {
	case !before.HasID && after.HasID:
		say("got id %s", after.ID)
	case before.ID != after.ID:
		say("id %s -> %s", before.ID, after.ID)
	}
	if before.Version != after.Version {
		say("assignment version %d -> %d", before.Version, after.Version)
	}
	return sentences
}

// describeMove says what became of the reassignment of one partition.
func describeMove(subject string, p int32, before, after *model.Topic) []string {
	subject = fmt.Sprintf("%s: partition %d ", subject, p)
	was, is := sumOf(before)[p], sumOf(after)[p]
	switch {
	case len(was) == 0 && len(is) > 0:
		return []string{fmt.Sprintf("%sreassignment started: adding %s, removing %s", subject, ids(after.Adding[p]), ids(after.Removing[p]))}
	case len(was) > 0 && len(is) == 0:
		return []string{subject + "reassignment ended"}
	case !slices.Equal(was, is):
		return []string{fmt.Sprintf("%sreassignment changed: adding %s, removing %s", subject, ids(after.Adding[p]), ids(after.Removing[p]))}
	default:
		return nil
	}
}

// sumOf gives, of each partition under reassignment, what comes and what goes.
func sumOf(t *model.Topic) map[int32][]int32 {
	sum := make(map[int32][]int32)
	for p, replicas := range t.Adding {
		sum[p] = append(sum[p], replicas...)
	}
	for p, replicas := range t.Removing {
		for _, id := range replicas {
			sum[p] = append(sum[p], -1-id) // told from those that come
		}
	}
	return sum
}

func partitionsText(t *model.Topic) string {
	factor := 0
	for _, replicas := range t.Partitions {
		factor = max(factor, len(replicas))
	}
	return fmt.Sprintf("%d partitions, replication factor %d", len(t.Partitions), factor)
}

func sortedUnion[K int32 | string, V any](a, b map[K]V) []K {
	return slices.Compact(slices.Sorted(func(yield func(K) bool) {
		for k := range a {
			if !yield(k) {
				return
			}
		}
		maps.Keys(b)(yield)
	}))
}
