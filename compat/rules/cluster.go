package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// cluster is a view with what many rules ask for, found once.
type cluster struct {
	view  *view.View
	facts Facts
	now   time.Time // on the clock of the server as far as the view tells

	nodes      []*view.Znode // all, in the order of paths
	brokers    []view.Broker
	registered map[int32]bool
	topics     []view.Topic
	byName     map[string]*view.Topic
	deleting   map[string]bool // topics with a deletion marker
	assigned   map[int32]int   // partitions by broker that is a replica

	controller      *model.Controller
	controllerZnode *view.Znode
	release         release // newest that the tree proves

	malformed map[model.Kind][]*view.Znode // by kind, in the order of paths
	unread    []*view.Znode
}

func newCluster(v *view.View, facts Facts) (*cluster, error) {
	if !slices.ContainsFunc(wellKnown, func(path string) bool { return v.At(path) != nil }) {
		return nil, notKafka(v)
	}
	c := &cluster{
		view: v, facts: facts.withDefaults(), nodes: slices.Collect(v.Nodes()),
		brokers: v.Brokers(), registered: make(map[int32]bool),
		topics: v.Topics(), byName: make(map[string]*view.Topic),
		deleting: make(map[string]bool), assigned: make(map[int32]int),
		malformed: make(map[model.Kind][]*view.Znode),
	}
	for _, b := range c.brokers {
		c.registered[b.ID] = true
	}
	for _, name := range v.Deletions() {
		c.deleting[name] = true
	}
	for i := range c.topics {
		t := &c.topics[i]
		c.byName[t.Name] = t
		if t.Assignment == nil {
			continue
		}
		for _, replicas := range t.Assignment.Partitions {
			for _, id := range replicas {
				c.assigned[id]++
			}
		}
	}
	for _, z := range v.Malformed() {
		if errors.Is(z.Err, wire.NoAuth) {
			c.unread = append(c.unread, z)
			continue
		}
		c.malformed[z.Kind] = append(c.malformed[z.Kind], z)
	}
	c.controllerZnode, c.controller = v.Controller()
	c.release = proven(c)
	c.now = c.time()
	return c, nil
}

// notKafka says what is there instead.
func notKafka(v *view.View) error {
	var chroots []string
	for _, path := range nestedTrees(slices.Collect(v.Nodes())) {
		chroots = append(chroots, v.Chroot.Join(path))
	}
	if len(chroots) == 0 {
		return fmt.Errorf("rules: %s: %w: none of Kafka's nodes is there; name the chroot of the brokers' zookeeper.connect", v.Chroot, ErrNotKafka)
	}
	shown := chroots[:min(len(chroots), relatedMax)]
	return fmt.Errorf("rules: %s: %w, but %d chroots below hold one: %s", v.Chroot, ErrNotKafka, len(chroots), strings.Join(shown, ", "))
}

// time is when the view shows the cluster. For files that is the newest time
// stamp in them: nobody knows how long they lay about. For a live server it is
// the reader's clock, or that of the server if it is ahead.
func (c *cluster) time() time.Time {
	var newest wire.Millis
	for _, z := range c.nodes {
		newest = max(newest, z.Stat.Ctime, z.Stat.Mtime)
	}
	stamp := time.UnixMilli(int64(newest))
	if c.view.Source.Kind == view.DataDirectory || c.view.Taken.Before(stamp) {
		return stamp
	}
	return c.view.Taken
}

// age is how long ago a time stamp of a znode is.
func (c *cluster) age(t wire.Millis) time.Duration { return c.now.Sub(time.UnixMilli(int64(t))) }

// zooKeeperMode says whether no KRaft controller owns the cluster.
func (c *cluster) zooKeeperMode() bool { return c.controller == nil || !c.controller.KRaft() }

// problem gives the defect of a node, nil if it has none.
func problem(z *view.Znode) *model.Error {
	found, _ := errors.AsType[*model.Error](z.Err)
	return found
}

// describe says what is wrong with a malformed node, without its path.
func describe(e *model.Error) string {
	bare := *e
	bare.Path = ""
	return bare.Error()
}

// misnamed says whether a node's name is what is wrong with it.
func misnamed(z *view.Znode) bool {
	e := problem(z)
	return e != nil && e.Problem == model.ProblemName
}

// reportMalformed reports all nodes of a kind whose data is malformed. A
// version that Kafka never wrote, but does not look at either, is a warning.
func (c *cluster) reportMalformed(r *recorder, kinds ...model.Kind) {
	for _, kind := range kinds {
		for _, z := range c.malformed[kind] {
			e := problem(z)
			switch {
			case e == nil || misnamed(z):
			case e.Problem == model.ProblemVersion && !versionMatters[kind]:
				r.addAs(min(Warning, r.rule.Severity), z.Path, describe(e))
			default:
				r.add(z.Path, describe(e))
			}
		}
	}
}

// reportMisnamed reports all nodes of some kinds whose name is impossible.
func (c *cluster) reportMisnamed(r *recorder, kinds ...model.Kind) {
	for _, kind := range kinds {
		for _, z := range c.malformed[kind] {
			if misnamed(z) {
				r.add(z.Path, describe(problem(z)))
			}
		}
	}
}

// versionMatters are the kinds of which Kafka refuses an unknown version.
var versionMatters = map[model.Kind]bool{
	model.KindFeatures: true, model.KindMigration: true, model.KindResourceACL: true, model.KindConfigChange: true,
	model.KindExtendedACLChange: true, model.KindDelegationToken: true,
}

// release is a line of Kafka's releases that shows in the tree.
type release int

const (
	kafka08 release = iota
	kafka081
	kafka09
	kafka0101
	kafka0102
	kafka011
	kafka10
	kafka20
	kafka24
	kafka27
	kafka28
	kafka34
)

// proven is the newest release that must have written to the tree.
func proven(c *cluster) release {
	newest := kafka08
	for _, mark := range []struct {
		path string
		by   release
	}{
		{model.EntityTypePath(model.Topics), kafka081},
		{model.ISRChangesPath, kafka09},
		{model.ClusterIDPath, kafka0101},
		{model.ProducerIDBlockPath, kafka011},
		{model.LogDirEventsPath, kafka10},
		{model.ExtendedACLPath, kafka20},
		{model.FeaturesPath, kafka27},
		{model.EntityTypePath(model.IPs), kafka28},
		{model.MigrationPath, kafka34},
	} {
		if c.view.At(mark.path) != nil {
			newest = max(newest, mark.by)
		}
	}
	for _, b := range c.brokers {
		switch {
		case b.Registration == nil:
		case b.Registration.Version >= 5:
			newest = max(newest, kafka27)
		case b.Registration.Version == 4:
			newest = max(newest, kafka0102)
		}
	}
	for _, t := range c.topics {
		switch {
		case t.Assignment == nil:
		case t.Assignment.HasID:
			newest = max(newest, kafka28)
		case t.Assignment.Version >= 2:
			newest = max(newest, kafka24)
		}
	}
	if c.controller != nil && c.controller.Version >= 2 {
		newest = max(newest, kafka34)
	}
	return newest
}
