package change

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"kafkacoord/coord"
	"kafkacoord/coord/client"
	"kafkacoord/coord/config"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/model"
	"kafkacoord/kafkameta/view"
)

// cluster is a server with what three brokers and their controller write.
type cluster struct {
	t      *testing.T
	client *client.Client
	server view.Server
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	cfg, _, err := config.Parse(strings.NewReader("dataDir=/data\nclientPortAddress=127.0.0.1\ncoord.listen.randomClientPort=true\n"), "test")
	if err != nil {
		t.Fatal(err)
	}
	node, err := coord.Start(t.Context(), cfg, coord.WithFS(vfs.NewMemory()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = node.Stop() })
	address := client.Config{Servers: []string{node.ClientAddr()}}
	root, err := client.Dial(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := root.Create(t.Context(), "/kafka", nil, wire.FlagPersistent, nil); err != nil {
		t.Fatal(err)
	}
	_ = root.Close()
	address.Chroot = "/kafka"
	c := &cluster{t: t, server: view.Server{Client: address}}
	if c.client, err = client.Dial(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.client.Close() })
	c.write("/consumers", "")
	for _, path := range []string{"/brokers", "/config", "/admin"} {
		c.write(path, "")
	}
	for _, path := range model.TopLevelPaths[1:] {
		c.write(path, "")
	}
	c.write(model.ControllerEpochPath, "17")
	for _, broker := range []string{"1", "2", "3"} {
		c.ephemeral("/brokers/ids/"+broker, `{"version":4,"host":"h","port":9092,"jmx_port":-1,"timestamp":"1","endpoints":["PLAINTEXT://h`+broker+`:9092"],"rack":"r`+broker+`"}`)
	}
	c.ephemeral(model.ControllerPath, `{"version":2,"brokerid":1,"timestamp":"1","kraftControllerEpoch":-1}`)
	return c
}

func (c *cluster) write(path, data string) { c.create(path, data, wire.FlagPersistent) }

func (c *cluster) ephemeral(path, data string) { c.create(path, data, wire.FlagEphemeral) }

func (c *cluster) create(path, data string, flags int32) {
	c.t.Helper()
	payload := []byte(data)
	if data == "" {
		payload = nil
	}
	if _, err := c.client.Create(c.t.Context(), path, payload, flags, nil); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) remove(path string) {
	c.t.Helper()
	if err := c.client.Delete(c.t.Context(), path, client.AnyVersion); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) load() *view.View {
	c.t.Helper()
	v, err := view.LoadServer(c.t.Context(), c.server)
	if err != nil {
		c.t.Fatal(err)
	}
	return v
}

func (c *cluster) planner() *Planner { return &Planner{View: c.load(), Random: new(counter)} }

// counter gives the same bytes in every test.
type counter struct{ n byte }

func (c *counter) Read(b []byte) (int, error) {
	for i := range b {
		c.n++
		b[i] = c.n
	}
	return len(b), nil
}

// make plans, executes, and gives what the diff of the cluster says. Nothing
// else than what the plan names may have changed.
func (c *cluster) make(planned func(p *Planner) (*Plan, error)) []string {
	c.t.Helper()
	p := c.planner()
	plan, err := planned(p)
	if err != nil {
		c.t.Fatal(err)
	}
	if plan.Empty() {
		c.t.Fatalf("nothing to do: %s", plan)
	}
	if err := plan.Execute(c.t.Context(), c.client, nil); err != nil {
		c.t.Fatalf("%v\n%s", err, plan)
	}
	var sentences []string
	for _, change := range view.Diff(p.View, c.load()) {
		sequential := strings.HasPrefix(change.Path(), configChanges.CreatePath())
		if !plan.writes(change.Path()) && !sequential {
			c.t.Errorf("%s has changed without a plan\n%s", change.Path(), plan)
		}
		if !sequential {
			sentences = append(sentences, change.Describe()...)
		}
	}
	return sentences
}

// TestChangesAreWhatTheDiffSays makes one change after the other.
func TestChangesAreWhatTheDiffSays(t *testing.T) {
	c := newCluster(t)
	limit := 1024.0
	orders := model.TopicPartition{Topic: "orders", Partition: 0}
	pair := model.UserEntity("alice@x").WithClient("app")
	steps := []struct {
		name    string
		planned func(p *Planner) (*Plan, error)
		want    []string
	}{
		{"create", func(p *Planner) (*Plan, error) {
			return p.CreateTopic(NewTopic{Name: "orders", Assignment: map[int32][]int32{0: {1, 2}, 1: {2, 3}}, Config: map[string]string{"retention.ms": "5"}})
		}, []string{
			"topic orders created with 2 partitions, replication factor 2",
			"configuration of topics/orders created", `configuration of topics/orders: retention.ms set to "5"`,
		}},
		{"add partitions", func(p *Planner) (*Plan, error) { return p.AddPartitions("orders", 3, nil) }, []string{"topic orders: partition 2 added on 3,1"}},
		{"alter", func(p *Planner) (*Plan, error) {
			return p.AlterConfig(model.TopicEntity("orders"), map[string]string{"cleanup.policy": "compact"}, []string{"retention.ms"})
		}, []string{`configuration of topics/orders: cleanup.policy set to "compact"`, `configuration of topics/orders: retention.ms removed, was "5"`}},
		{"default of brokers", func(p *Planner) (*Plan, error) {
			return p.AlterConfig(model.DefaultEntity(model.Brokers), map[string]string{"log.cleaner.threads": "2"}, nil)
		}, []string{"configuration of brokers/<default> created", `configuration of brokers/<default>: log.cleaner.threads set to "2"`}},
		{"quota", func(p *Planner) (*Plan, error) {
			return p.AlterQuotas(pair, map[string]*float64{model.ProducerByteRate: &limit})
		}, []string{
			"configuration of users/alice%40x created", "user clients directory /config/users/alice%40x/clients created",
			"configuration of users/alice%40x/clients/app created", `configuration of users/alice%40x/clients/app: producer_byte_rate set to "1024"`,
		}},
		{"quota away", func(p *Planner) (*Plan, error) {
			return p.AlterQuotas(pair, map[string]*float64{model.ProducerByteRate: nil})
		}, []string{
			"configuration of users/alice%40x deleted", "user clients directory /config/users/alice%40x/clients deleted",
			"configuration of users/alice%40x/clients/app deleted",
		}},
		{"password", func(p *Planner) (*Plan, error) { return p.SetCredential("bob", model.ScramSHA512, "secret", 0) }, []string{
			"configuration of users/bob created", "configuration of users/bob: SCRAM-SHA-512 set to [hidden]",
		}},
		{"quota beside a password", func(p *Planner) (*Plan, error) {
			return p.AlterQuotas(model.UserEntity("bob"), map[string]*float64{model.ConsumerByteRate: &limit})
		}, []string{`configuration of users/bob: consumer_byte_rate set to "1024"`}},
		{"password away", func(p *Planner) (*Plan, error) { return p.SetCredential("bob", model.ScramSHA512, "", 0) }, []string{
			"configuration of users/bob: SCRAM-SHA-512 removed, was [hidden]",
		}},
		{"reassign", func(p *Planner) (*Plan, error) {
			return p.Reassign([]model.PartitionReassignment{{TopicPartition: orders, Replicas: []int32{3, 2}}})
		}, []string{"reassignment asked for: orders-0 to 3,2"}},
		{"clear", func(p *Planner) (*Plan, error) { return p.ClearReassignment() }, []string{"reassignment request taken away, it named orders-0 to 3,2"}},
		{"elect", func(p *Planner) (*Plan, error) { return p.ElectPreferred([]model.TopicPartition{orders}) }, []string{
			`preferred election /admin/preferred_replica_election created: {"version":1,"partitions":[{"topic":"orders","partition":0}]}`,
		}},
		{"delete", func(p *Planner) (*Plan, error) { return p.DeleteTopic("orders") }, []string{"topic orders: deletion asked for"}},
		{"remove", func(p *Planner) (*Plan, error) {
			p.Force = true
			return p.RemoveTopic("orders")
		}, []string{"topic orders: deletion mark taken away", "topic orders deleted", "configuration of topics/orders deleted"}},
		{"resign", func(p *Planner) (*Plan, error) { return p.ResignController() }, []string{"controller: broker 1 gave up or was lost"}},
	}
	for _, step := range steps {
		if got := c.make(step.planned); !slices.Equal(got, step.want) {
			t.Errorf("%s:\n got %q\nwant %q", step.name, got, step.want)
		}
	}
}

func TestCancelGoesBack(t *testing.T) {
	c := newCluster(t)
	c.write("/brokers/topics/a", `{"version":2,"partitions":{"0":[3,1,2],"1":[1,2]},"adding_replicas":{"0":[3]},"removing_replicas":{"0":[2]}}`)
	got := c.make(func(p *Planner) (*Plan, error) { return p.CancelReassignment(nil) })
	if want := []string{"reassignment asked for: a-0 to 1,2"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestElectWhereNeeded(t *testing.T) {
	c := newCluster(t)
	c.write("/brokers/topics/a", `{"version":1,"partitions":{"0":[3,1],"1":[1,2]}}`)
	c.write("/brokers/topics/a/partitions", "")
	for _, partition := range []string{"0", "1"} {
		c.write("/brokers/topics/a/partitions/"+partition, "")
		c.write("/brokers/topics/a/partitions/"+partition+"/state", `{"controller_epoch":17,"leader":1,"version":1,"leader_epoch":3,"isr":[1]}`)
	}
	plan, err := c.planner().ElectPreferred(nil)
	if err != nil || !strings.Contains(plan.String(), `[{"topic":"a","partition":0}]`) {
		t.Errorf("%v\n%s", err, plan)
	}
}

// TestOutdatedPlan: what was planned of an old view is refused and changes
// nothing.
func TestOutdatedPlan(t *testing.T) {
	c := newCluster(t)
	c.write("/brokers/topics/a", `{"version":1,"partitions":{"0":[1]}}`)
	c.write("/config/topics/a", `{"version":1,"config":{}}`)
	c.write("/admin/delete_topics/b", "")
	tests := map[string]struct {
		planned   func(p *Planner) (*Plan, error)
		meanwhile func()
	}{
		"created": {
			func(p *Planner) (*Plan, error) {
				return p.CreateTopic(NewTopic{Name: "new", Assignment: map[int32][]int32{0: {1}}})
			},
			func() { c.write("/config/topics/new", `{"version":1,"config":{}}`) },
		},
		"assignment written": {
			func(p *Planner) (*Plan, error) { return p.AddPartitions("a", 2, nil) },
			func() { c.set("/brokers/topics/a", `{"version":1,"partitions":{"0":[2]}}`) },
		},
		"another controller": {
			func(p *Planner) (*Plan, error) {
				return p.AlterConfig(model.TopicEntity("a"), map[string]string{"retention.ms": "1"}, nil)
			},
			func() { c.set(model.ControllerPath, `{"version":2,"brokerid":2,"timestamp":"1"}`) },
		},
		"another epoch": {
			func(p *Planner) (*Plan, error) { return p.RemoveTopic("b") },
			func() { c.set(model.ControllerEpochPath, "18") },
		},
	}
	for name, test := range tests {
		plan, err := test.planned(c.planner())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		test.meanwhile()
		before := c.load()
		err = plan.Execute(t.Context(), c.client, func(Step) { t.Errorf("%s: a step was made", name) })
		var failed *StepError
		if !errors.Is(err, ErrOutdated) || !errors.As(err, &failed) || failed.Step != 0 {
			t.Errorf("%s: %v", name, err)
		}
		if changes := view.Diff(before, c.load()); len(changes) > 0 {
			t.Errorf("%s: %v", name, changes[0].Describe())
		}
	}
}

func (c *cluster) set(path, data string) {
	c.t.Helper()
	if _, err := c.client.Set(c.t.Context(), path, []byte(data), client.AnyVersion); err != nil {
		c.t.Fatal(err)
	}
}

func TestRefusals(t *testing.T) {
	c := newCluster(t)
	c.write("/brokers/topics/a.b", `{"version":2,"partitions":{"0":[1,2]},"adding_replicas":{"0":[2]},"removing_replicas":{}}`)
	c.write("/brokers/topics/broken", `nothing`)
	c.write("/config/topics/broken", `nothing`)
	c.write("/admin/delete_topics/a.b", "")
	p := c.planner()
	create := func(name string, assignment map[int32][]int32) func() (*Plan, error) {
		return func() (*Plan, error) { return p.CreateTopic(NewTopic{Name: name, Assignment: assignment}) }
	}
	one := map[int32][]int32{0: {1}}
	move := model.PartitionReassignment{TopicPartition: model.TopicPartition{Topic: "a.b"}, Replicas: []int32{1}}
	tests := map[string]struct {
		planned func() (*Plan, error)
		want    error
	}{
		"name":               {create("no good", one), ErrInvalid},
		"collision":          {create("a_b", one), ErrInvalid},
		"exists":             {create("a.b", one), ErrInvalid},
		"gap":                {create("c", map[int32][]int32{0: {1}, 2: {1}}), ErrInvalid},
		"twice":              {create("c", map[int32][]int32{0: {1, 1}}), ErrInvalid},
		"uneven":             {create("c", map[int32][]int32{0: {1}, 1: {1, 2}}), ErrInvalid},
		"no partitions":      {create("c", map[int32][]int32{}), ErrInvalid},
		"too many replicas":  {func() (*Plan, error) { return p.CreateTopic(NewTopic{Name: "c", Partitions: 1, Factor: 4}) }, ErrInvalid},
		"extend reassigning": {func() (*Plan, error) { return p.AddPartitions("a.b", 2, nil) }, ErrInvalid},
		"extend broken":      {func() (*Plan, error) { return p.AddPartitions("broken", 2, nil) }, ErrUnreadable},
		"config of none":     {func() (*Plan, error) { return p.AlterConfig(model.TopicEntity("c"), nil, nil) }, ErrInvalid},
		"config broken": {func() (*Plan, error) {
			return p.AlterConfig(model.TopicEntity("broken"), map[string]string{"a": "b"}, nil)
		}, ErrUnreadable},
		"remove what is not set": {func() (*Plan, error) { return p.AlterConfig(model.UserEntity("u"), nil, []string{"x"}) }, ErrInvalid},
		"quota of a topic":       {func() (*Plan, error) { return p.AlterQuotas(model.TopicEntity("a.b"), map[string]*float64{"x": nil}) }, ErrInvalid},
		"negative quota": {func() (*Plan, error) {
			return p.AlterConfig(model.UserEntity("u"), map[string]string{model.ProducerByteRate: "-1"}, nil)
		}, ErrInvalid},
		"delete twice":         {func() (*Plan, error) { return p.DeleteTopic("a.b") }, ErrInvalid},
		"move what is deleted": {func() (*Plan, error) { return p.Reassign([]model.PartitionReassignment{move}) }, ErrInvalid},
		"move nothing":         {func() (*Plan, error) { return p.Reassign(nil) }, ErrInvalid},
		"remove while running": {func() (*Plan, error) { return p.RemoveTopic("a.b") }, ErrRunning},
		"remove unmarked":      {func() (*Plan, error) { return p.RemoveTopic("broken") }, ErrInvalid},
	}
	for name, test := range tests {
		if plan, err := test.planned(); !errors.Is(err, test.want) {
			t.Errorf("%s: %v\n%v", name, err, plan)
		}
	}

	c.remove(model.ControllerPath)
	c.write(model.ControllerPath, `{"version":2,"brokerid":3000,"timestamp":"1","kraftControllerEpoch":5}`)
	p = c.planner()
	if _, err := p.DeleteTopic("broken"); !errors.Is(err, ErrKRaft) {
		t.Errorf("a KRaft controller: %v", err)
	}
	p.Force = true
	if plan, err := p.DeleteTopic("broken"); err != nil || !strings.Contains(plan.String(), "forced although /controller names KRaft controller 3000") {
		t.Errorf("forced: %v\n%v", err, plan)
	}
}

// TestPlansAreReadable shows a plan as people see it, and that no secret is in
// it.
func TestPlansAreReadable(t *testing.T) {
	c := newCluster(t)
	c.write("/config/users/bob", `{"version":1,"config":{"SCRAM-SHA-256":"c2VjcmV0"}}`)
	plan, err := c.planner().AlterConfig(model.UserEntity("bob"), map[string]string{model.ProducerByteRate: "1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := `alter the configuration of users/bob
  1. write the configuration, if the controller is still the same
     check /controller has version 0
     set /config/users/bob at version 0: 76 bytes, not shown
  2. tell the brokers of it
     create /config/changes/config_change_ with the next number: {"version":2,"entity_path":"users/bob"}
`
	if got := plan.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
