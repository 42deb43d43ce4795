package view

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"kafkacoord/coord"
	"kafkacoord/coord/client"
	"kafkacoord/coord/config"
	"kafkacoord/coord/store"
	"kafkacoord/coord/tree"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/model"
)

// testCluster is a cluster as Kafka would have written it.
type testCluster struct {
	chroot                      model.Chroot
	brokers, topics, partitions int // partitions of each topic
}

type testNode struct {
	path string
	data []byte
}

func encode(t testing.TB, v model.Value) []byte {
	t.Helper()
	data, err := v.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// nodes gives the znodes of the cluster, parents first.
func (c testCluster) nodes(t testing.TB) []testNode {
	var nodes []testNode
	there := map[string]bool{"/": true}
	var add func(path string, data []byte)
	add = func(path string, data []byte) {
		if parent := parentOf(path); !there[parent] {
			add(parent, nil)
		}
		there[path] = true
		nodes = append(nodes, testNode{path, data})
	}
	if c.chroot != "" {
		for parts, i := strings.Split(string(c.chroot), "/"), 2; i <= len(parts); i++ {
			add(strings.Join(parts[:i], "/"), nil)
		}
	}
	put := func(path string, v model.Value) {
		var data []byte
		if v != nil {
			data = encode(t, v)
		}
		add(c.chroot.Join(path), data)
	}
	for _, path := range model.TopLevelPaths {
		put(path, nil)
	}
	put(model.ClusterIDPath, &model.ClusterID{Version: "1", ID: model.UUID{9, 9}})
	put(model.FeaturesPath, &model.Features{Version: 2, Status: model.FeaturesEnabled})
	put(model.ControllerPath, &model.Controller{Version: 2, Broker: 1, Timestamp: 1700000000000, KRaftEpoch: model.NoKRaftEpoch})
	put(model.ControllerEpochPath, &model.ControllerEpoch{Epoch: 17})
	for id := int32(1); id <= int32(c.brokers); id++ {
		put(model.BrokerPath(id), testBroker(id))
	}
	for i := range c.topics {
		c.addTopic(put, i)
	}
	put(model.EntityPath(model.UserEntity("alice")), &model.Config{Version: 1, Values: map[string]string{model.ProducerByteRate: "1024"}})
	return nodes
}

func testBroker(id int32) *model.Broker {
	return &model.Broker{
		Version: 5, Host: fmt.Sprintf("broker%d", id), Port: 9092, JMXPort: -1, Timestamp: 1700000000000, Rack: fmt.Sprintf("rack%d", id%3),
		Endpoints: []model.Endpoint{{Listener: "PLAINTEXT", Host: fmt.Sprintf("broker%d", id), Port: 9092}},
		Protocols: map[string]string{"PLAINTEXT": "PLAINTEXT"}, Features: map[string]model.FeatureRange{},
	}
}

func (c testCluster) addTopic(put func(string, model.Value), i int) {
	name := fmt.Sprintf("orders-%05d", i)
	topic := &model.Topic{Version: 3, HasID: true, ID: model.UUID{1, byte(i), byte(i >> 8), 4}, Partitions: map[int32][]int32{}}
	for p := range int32(c.partitions) {
		topic.Partitions[p] = c.replicas(i, p)
	}
	put(model.EntityPath(model.TopicEntity(name)), &model.Config{Version: 1, Values: map[string]string{}})
	put(model.TopicPath(name), topic)
	put(model.PartitionsPath(name), nil)
	for p := range int32(c.partitions) {
		put(model.PartitionPath(name, p), nil)
		put(model.PartitionStatePath(name, p), c.state(i, p))
	}
}

func (c testCluster) replicas(topic int, partition int32) []int32 {
	var replicas []int32
	for r := range min(3, c.brokers) {
		replicas = append(replicas, int32((topic+int(partition)+r)%c.brokers+1))
	}
	return replicas
}

func (c testCluster) state(topic int, partition int32) *model.PartitionState {
	isr := c.replicas(topic, partition)
	return &model.PartitionState{Version: 1, Leader: isr[0], LeaderEpoch: 3, ControllerEpoch: 17, ISR: isr}
}

// files puts a cluster into a data directory in memory, as one snapshot.
func (c testCluster) files(t testing.TB) vfs.FS {
	t.Helper()
	fsys := vfs.NewMemory()
	s, _, err := store.Open(fsys, store.Options{DataDir: "/data"})
	if err != nil {
		t.Fatal(err)
	}
	full := tree.New(tree.Options{})
	for i, n := range c.nodes(t) {
		full.Apply(&wire.Txn{
			Zxid: wire.Zxid(i + 1), Time: 1700000000000, Type: wire.OpCreate,
			Path: n.path, Data: n.data, ACL: wire.OpenACL, ParentCversion: -1,
		})
	}
	if err := s.WriteSnapshot(t.Context(), store.Snapshot{View: full.View()}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return fsys
}

// startServer runs a server on files in memory and says where it listens.
func startServer(t testing.TB, fsys vfs.FS) *coord.Node {
	t.Helper()
	cfg, _, err := config.Parse(strings.NewReader(`
dataDir=/data
clientPortAddress=127.0.0.1
coord.listen.randomClientPort=true
`), "test")
	if err != nil {
		t.Fatal(err)
	}
	node, err := coord.Start(t.Context(), cfg, coord.WithFS(fsys))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = node.Stop() })
	return node
}

func connect(t testing.TB, node *coord.Node, chroot model.Chroot) *client.Client {
	t.Helper()
	c, err := client.Dial(t.Context(), client.Config{Servers: []string{node.ClientAddr()}, Chroot: string(chroot)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func serverOf(node *coord.Node, chroot model.Chroot) Server {
	return Server{Client: client.Config{Servers: []string{node.ClientAddr()}, Chroot: string(chroot)}}
}

// requireSame fails unless two views show the same nodes. Access control
// lists count where both have read them.
func requireSame(t testing.TB, got, want *View) {
	t.Helper()
	if difference := differences(got, want); len(difference) > 0 {
		t.Fatalf("the views differ in %d nodes, first:\n%s", len(difference), strings.Join(difference[:min(10, len(difference))], "\n"))
	}
}

func differences(got, want *View) []string {
	var found []string
	for z := range want.Nodes() {
		g := got.At(z.Path)
		switch {
		case g == nil:
			found = append(found, "missing "+z.Path)
		case !g.sameAs(z):
			found = append(found, fmt.Sprintf("%s: %q %+v, want %q %+v", z.Path, g.Data, g.Stat, z.Data, z.Stat))
		case g.ACL != nil && z.ACL != nil && !slices.Equal(g.ACL, z.ACL):
			found = append(found, fmt.Sprintf("%s: ACL %v, want %v", z.Path, g.ACL, z.ACL))
		}
	}
	for z := range got.Nodes() {
		if want.At(z.Path) == nil {
			found = append(found, "too much: "+z.Path)
		}
	}
	return found
}
