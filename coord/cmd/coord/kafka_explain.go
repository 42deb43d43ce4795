package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kafkacoord/compat/rules"
	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

func kafkaExplainCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "explain",
		Short: "Explain in words how a broker or a topic stands, and what holds it up",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		explainCommand("broker ID", "Who owns a broker's registration, since when, and what blocks a new one", explainBroker),
		explainCommand("topic NAME", "How a topic stands, and what holds up its deletion or reassignment", explainTopic),
	)
	return c
}

// explainCommand makes a command that writes lines about one thing, then what
// the rules find there.
func explainCommand(use, short string, explain func(v *view.View, name string) (lines []string, paths []string, err error)) *cobra.Command {
	var source kafkaSource
	c := &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			v, err := source.load(c.Context(), view.ACLsOutsidePartitions)
			if err != nil {
				return err
			}
			lines, paths, err := explain(v, args[0])
			if err != nil {
				return err
			}
			found, err := findingsAt(v, paths)
			if err != nil {
				return err
			}
			_, err = io.WriteString(c.OutOrStdout(), strings.Join(append(lines, found...), "\n")+"\n")
			return err
		},
	}
	source.addFlags(c)
	return c
}

// explainedMax bounds the findings that are told.
const explainedMax = 20

// findingsAt gives what the rules find at some nodes or below them.
func findingsAt(v *view.View, paths []string) ([]string, error) {
	report, err := rules.Check(v, rules.Facts{})
	if err != nil {
		return nil, err
	}
	var lines []string
	further := 0
	for _, f := range report.Findings {
		if !slices.ContainsFunc(paths, func(path string) bool {
			full := v.Chroot.Join(path)
			return f.Path == full || strings.HasPrefix(f.Path, full+"/")
		}) {
			continue
		}
		if len(lines) == explainedMax {
			further++
			continue
		}
		lines = append(lines, fmt.Sprintf("%s %s, %s: %s (%s)", f.Rule.ID, f.Severity, f.Rule.Title, f.Detail, f.Path))
	}
	switch {
	case len(lines) == 0:
		lines = append(lines, "The rules find nothing wrong here.")
	case further > 0:
		lines = append(lines, fmt.Sprintf("and %d more findings: coord kafka check lists them", further))
	}
	return lines, nil
}

func explainBroker(v *view.View, name string) (lines, paths []string, err error) {
	id, err := strconv.ParseInt(name, 10, 32)
	if err != nil || id < 0 {
		return nil, nil, fmt.Errorf("%q is no broker id", name)
	}
	path := model.BrokerPath(int32(id))
	b, registered := v.Broker(int32(id))
	if !registered {
		lines = append(lines, fmt.Sprintf("Broker %d is not registered: there is no %s. Nothing blocks it from registering.", id, v.Chroot.Join(path)))
	} else {
		lines = append(lines, explainRegistration(v, b)...)
	}
	leads, replicas := 0, 0
	for _, row := range topicRows(v) {
		for _, p := range row.Details {
			if p.Leader == int32(id) {
				leads++
			}
			if slices.Contains(p.Replicas, int32(id)) {
				replicas++
			}
		}
	}
	lines = append(lines, fmt.Sprintf("It leads %d partitions and is a replica of %d.", leads, replicas))
	if _, controller := v.Controller(); controller != nil && !controller.KRaft() && controller.Broker == int32(id) {
		lines = append(lines, "It is the controller.")
	}
	return lines, []string{path, model.EntityPath(model.BrokerEntity(int32(id)))}, nil
}

// explainRegistration tells of an existing registration what a broker that
// meets NodeExists needs to know.
func explainRegistration(v *view.View, b view.Broker) []string {
	stat := b.Znode.Stat
	path := v.Chroot.Join(b.Znode.Path)
	lines := []string{fmt.Sprintf("Broker %d is registered at %s since %s, with broker epoch %v; last written %s.",
		b.ID, path, timeText(int64(stat.Ctime)), b.Epoch(), timeText(int64(stat.Mtime)))}
	if b.Registration != nil {
		var endpoints []string
		for _, e := range b.Registration.Listeners() {
			endpoints = append(endpoints, e.String())
		}
		lines = append(lines, "It advertises "+orDash(strings.Join(endpoints, ", "))+"; rack "+orDash(b.Registration.Rack)+".")
	}
	if stat.EphemeralOwner == 0 {
		return append(lines, "The node is persistent: no session end removes it. A broker of this id meets NodeExists until it is deleted by hand.")
	}
	lines = append(lines, fmt.Sprintf("Session %v owns it.", stat.EphemeralOwner))
	session, known := v.Sessions[stat.EphemeralOwner]
	switch {
	case v.Sessions == nil:
		lines = append(lines, "A server does not tell clients about other sessions: its timeout shows in the four-letter word cons, or in the data directory (--snapshot).")
	case !known:
		lines = append(lines, "The server does not know this session: the node should be gone.")
	default:
		lines = append(lines, fmt.Sprintf("Its timeout is %v: the node goes at the latest that long after the broker was last heard of.", session.Timeout.Round(time.Millisecond)))
	}
	return append(lines, "Until then another process with this id meets NodeExists; the owner itself replaces the node.")
}

func explainTopic(v *view.View, name string) (lines, paths []string, err error) {
	t, there := v.Topic(name)
	marker := v.At(model.DeleteTopicPath(name))
	switch {
	case !there && marker == nil:
		return nil, nil, fmt.Errorf("there is no topic %q below %s, and no deletion of it", name, v.Chroot)
	case !there:
		lines = append(lines, fmt.Sprintf("Topic %s is gone, but its deletion marker of %s is left.", name, timeText(int64(marker.Stat.Ctime))))
	default:
		row := topicOf(t, marker != nil)
		lines = append(lines, fmt.Sprintf("Topic %s was created %s and has %d partitions: %d offline, %d under-replicated.",
			name, timeText(int64(t.Znode.Stat.Ctime)), row.Partitions, row.Offline, row.UnderReplicated))
		lines = append(lines, explainWork(v, row, marker)...)
	}
	return lines, []string{model.TopicPath(name), model.DeleteTopicPath(name), model.EntityPath(model.TopicEntity(name))}, nil
}

// explainWork tells what is under way with a topic, and what it waits for.
func explainWork(v *view.View, row topicRow, marker *view.Znode) []string {
	var lines []string
	var dead []int32
	for _, p := range row.Details {
		for _, id := range p.Replicas {
			if _, registered := v.Broker(id); !registered && !slices.Contains(dead, id) {
				dead = append(dead, id)
			}
		}
		if len(p.Adding)+len(p.Removing) > 0 {
			waiting := slices.DeleteFunc(slices.Clone(p.Adding), func(id int32) bool { return slices.Contains(p.ISR, id) })
			lines = append(lines, fmt.Sprintf("Partition %d is being reassigned: adding %s, removing %s; not yet in sync: %s.",
				p.ID, idList(p.Adding), idList(p.Removing), idList(waiting)))
		}
	}
	slices.Sort(dead)
	if marker != nil {
		lines = append(lines, fmt.Sprintf("Its deletion was asked for %s.", timeText(int64(marker.Stat.Ctime))))
		if row.Reassigning {
			lines = append(lines, "The deletion waits for the reassignment.")
		}
	}
	if len(dead) > 0 {
		lines = append(lines, fmt.Sprintf("Replicas are on brokers that are not registered: %s. Deletions and reassignments wait for them.", idList(dead)))
	}
	if _, controller := v.Controller(); controller == nil && len(lines) > 0 {
		lines = append(lines, "There is no controller: nothing of this goes on.")
	}
	return lines
}
