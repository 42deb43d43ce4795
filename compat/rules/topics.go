package rules

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// topicRules are about topics as such: can they be read, are they named well.
var topicRules = []Rule{
	{
		ID: "KM-01", Severity: Fatal, Title: "Topic node without an object",
		Meaning: "Null or empty data, or JSON that is no object, makes the controller throw while it loads. It gives leadership up, and every broker in turn fails in the same way.",
		Fix:     "Restore the assignment from a backup or from the partition states with `zookeeper-shell.sh HOST:PORT set PATH DATA`; if the topic is junk, stop all brokers and `deleteall PATH`.",
		check: func(c *cluster, r *recorder) {
			c.reportTopics(r, func(e *model.Error) bool {
				return e.Problem == model.ProblemNull || e.Problem == model.ProblemEmpty || e.Problem == model.ProblemType && e.Field == ""
			})
		},
	},
	{
		ID: "KM-02", Severity: Fatal, Title: "Topic that Kafka takes to have no partitions",
		Meaning: "Data that is not JSON, or lists no partition, is read as a topic with zero partitions. Nothing is logged; its data is out of reach, and partition numbers may be given out anew.",
		Fix:     "Restore the assignment from a backup or from the partition states with `zookeeper-shell.sh HOST:PORT set PATH DATA`, then move the controller.",
		check:   checkNoPartitions,
	},
	{
		ID: "KM-03", Severity: Fatal, Title: "Malformed topic assignment",
		Meaning: "A partition key that is no plain decimal, a replica that is no number or a malformed topic id makes the controller throw while it loads.",
		Fix:     "Correct the JSON with `zookeeper-shell.sh HOST:PORT set PATH DATA`, then look at the controller's log for the topic.",
		check: func(c *cluster, r *recorder) {
			c.reportTopics(r, func(e *model.Error) bool {
				switch e.Problem {
				case model.ProblemNull, model.ProblemEmpty, model.ProblemSyntax:
					return false
				case model.ProblemType:
					return e.Field != ""
				}
				return true
			})
		},
	},
	{
		ID: "KM-29", Severity: Error, Title: "Topic without an id", Settle: settleWork,
		Meaning: "Other topics have ids, or a migration to KRaft is under way: the controller should have given one. A migration aborts at a topic without id.",
		Fix:     "Move the controller, which adds missing ids when it loads: `zookeeper-shell.sh HOST:PORT delete /controller`. It needs inter.broker.protocol.version 2.8 or later on all brokers.",
		check:   checkTopicIDs,
	},
	{
		ID: "KM-30", Severity: Error, Title: "Topic id that is not unique",
		Meaning: "Two topics share an id, or the id is all zero: brokers and clients mix up the topics, or refuse them.",
		Fix:     "Stop all brokers, take topic_id out of one node with `zookeeper-shell.sh HOST:PORT set PATH DATA`, remove partition.metadata of its logs, and start again: the controller gives a new id.",
		check:   checkSharedIDs,
	},
	{
		ID: "KM-32", Severity: Info, Title: "Topic without a configuration node",
		Meaning: "Legal: old tools created topics so. All settings are the brokers' defaults.",
		Fix:     "Nothing to do; `kafka-configs.sh --alter --entity-type topics` creates the node.",
		check: func(c *cluster, r *recorder) {
			if c.release < kafka081 {
				return
			}
			for _, t := range c.topics {
				if path := model.EntityPath(model.TopicEntity(t.Name)); c.view.At(path) == nil && !c.deleting[t.Name] {
					r.add(t.Znode.Path, "it has no configuration node", path)
				}
			}
		},
	},
	{
		ID: "KM-33", Severity: Error, Title: "Impossible topic name",
		Meaning: "Kafka creates no topic of this name, so that something else made the node. Brokers may fail to create its directory.",
		Fix:     "Find out who writes there; then stop all brokers and `zookeeper-shell.sh HOST:PORT deleteall PATH`.",
		check: func(c *cluster, r *recorder) {
			for _, t := range c.topics {
				if err := model.ValidateTopicName(t.Name); err != nil {
					r.add(t.Znode.Path, err.Error())
				}
			}
		},
	},
	{
		ID: "KM-34", Severity: Warning, Title: "Topic names that differ only in . and _",
		Meaning: "Metrics of the two topics have the same name, so that one hides the other.",
		Fix:     "Move the data of one to a topic of another name, then delete it with `kafka-topics.sh --delete`.",
		check:   checkCollisions,
	},
	{
		ID: "KM-35", Severity: Warning, Title: "Topic name too long for old brokers to delete",
		Meaning: "Brokers before 2.2.2 rename the directory to NAME-PARTITION.UUID-delete, which gets longer than 255 bytes: the log directory goes offline (KAFKA-4893).",
		Fix:     "Upgrade all brokers to 2.3 or later before the topic is deleted or moved.",
		check:   checkLongNames,
	},
}

// reportTopics reports malformed topics with certain defects.
func (c *cluster) reportTopics(r *recorder, wanted func(*model.Error) bool) {
	for _, z := range c.malformed[model.KindTopic] {
		e := problem(z)
		switch {
		case e == nil || !wanted(e) || withoutPartitions(z):
		case e.Problem == model.ProblemVersion:
			r.addAs(Warning, z.Path, describe(e)+"; Kafka does not look at it")
		default:
			r.add(z.Path, describe(e))
		}
	}
}

// withoutPartitions says whether a topic can be read and has no partitions,
// which counts more than its version.
func withoutPartitions(z *view.Znode) bool {
	t := view.As[*model.Topic](z)
	return t != nil && len(t.Partitions) == 0
}

func checkNoPartitions(c *cluster, r *recorder) {
	for _, t := range c.topics {
		switch e := problem(t.Znode); {
		case e != nil && e.Problem == model.ProblemSyntax:
			r.add(t.Znode.Path, describe(e))
		case withoutPartitions(t.Znode):
			r.add(t.Znode.Path, "the assignment lists no partitions")
		}
	}
}

func checkTopicIDs(c *cluster, r *recorder) {
	withID := 0
	for _, t := range c.topics {
		if t.Assignment != nil && t.Assignment.HasID {
			withID++
		}
	}
	if withID == 0 && c.view.At(model.MigrationPath) == nil {
		return
	}
	for _, t := range c.topics {
		if t.Assignment != nil && !t.Assignment.HasID && !c.deleting[t.Name] {
			r.add(t.Znode.Path, fmt.Sprintf("no topic_id, which %d of %d topics have", withID, len(c.topics)))
		}
	}
}

func checkSharedIDs(c *cluster, r *recorder) {
	owner := make(map[model.UUID]string)
	for _, t := range c.topics {
		if t.Assignment == nil || !t.Assignment.HasID {
			continue
		}
		id := t.Assignment.ID
		first, taken := owner[id]
		switch {
		case id.IsZero():
			r.add(t.Znode.Path, "topic_id is all zero")
		case taken:
			r.add(t.Znode.Path, fmt.Sprintf("topic_id %v is also that of topic %q", id, first), model.TopicPath(first))
		default:
			owner[id] = t.Name
		}
	}
}

func checkCollisions(c *cluster, r *recorder) {
	first := make(map[string]string)
	for _, t := range c.topics {
		metric := strings.ReplaceAll(t.Name, ".", "_")
		other, taken := first[metric]
		if !taken {
			first[metric] = t.Name
			continue
		}
		r.add(t.Znode.Path, fmt.Sprintf("%q and %q have the same metric names", t.Name, other), model.TopicPath(other))
	}
}

// Length of what a deletion adds to a directory's name, and of the longest name
// of most file systems. Kafka: Log.scala before 2.3.
const (
	deleteSuffixBytes = 41
	fileNameBytesMax  = 255
)

func checkLongNames(c *cluster, r *recorder) {
	old := slices.ContainsFunc(c.brokers, func(b view.Broker) bool { return b.Registration != nil && b.Registration.Version < 5 })
	if !old {
		return
	}
	for _, t := range c.topics {
		if t.Assignment == nil || len(t.Assignment.Partitions) == 0 {
			continue
		}
		highest := slices.Max(slices.Collect(maps.Keys(t.Assignment.Partitions)))
		if n := len(t.Name) + len(strconv.Itoa(int(highest))) + deleteSuffixBytes; n > fileNameBytesMax {
			r.add(t.Znode.Path, fmt.Sprintf("a deletion by a broker before 2.2.2 needs a file name of %d bytes", n))
		}
	}
}
