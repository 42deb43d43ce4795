package model

import (
	"errors"
	"strings"
	"testing"
)

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		path string
		want Node
	}{
		{"/", Node{Kind: RootDirectory}},
		{"/controller", Node{Kind: KindController}},
		{"/brokers/ids/7", Node{Kind: KindBroker, Broker: 7}},
		{"/brokers/topics/a.b_c-d", Node{Kind: KindTopic, Topic: "a.b_c-d"}},
		{"/brokers/topics/partitions/partitions", Node{Kind: PartitionsDirectory, Topic: "partitions"}},
		{"/brokers/topics/t/partitions/12", Node{Kind: PartitionDirectory, Topic: "t", Partition: 12}},
		{"/brokers/topics/t/partitions/12/state", Node{Kind: KindPartitionState, Topic: "t", Partition: 12}},
		{"/config/users", Node{Kind: EntityTypeDirectory, Entity: Entity{Type: Users}}},
		{"/config/topics/clients", Node{Kind: KindConfig, Entity: TopicEntity("clients")}},
		{"/config/users/al%20ice", Node{Kind: KindConfig, Entity: UserEntity("al ice")}},
		{"/config/users/al%20ice/clients", Node{Kind: UserClientsDirectory, Entity: UserEntity("al ice")}},
		{"/config/users/<default>/clients/c%2A", Node{Kind: KindConfig, Entity: DefaultEntity(Users).WithClient("c*")}},
		{"/config/users/clients/clients/clients", Node{Kind: KindConfig, Entity: UserEntity("clients").WithClient("clients")}},
		{"/config/brokers/<default>", Node{Kind: KindConfig, Entity: DefaultEntity(Brokers)}},
		{"/config/brokers/3", Node{Kind: KindConfig, Entity: BrokerEntity(3)}},
		{"/config/ips/10.0.0.1", Node{Kind: KindConfig, Entity: IPEntity("10.0.0.1")}},
		{"/config/changes", Node{Kind: ConfigChangesDirectory}},
		{"/config/changes/config_change_0000000012", Node{Kind: KindConfigChange, Sequence: 12}},
		{"/config/changes/config_change_-2147483648", Node{Kind: KindConfigChange, Sequence: -2147483648}},
		{"/config/changes/config_change_-000000001", Node{Kind: KindConfigChange, Sequence: -1}},
		{"/kafka-acl", Node{Kind: ACLDirectory}},
		{"/kafka-acl/Topic/*", Node{Kind: KindResourceACL, Resource: Resource{Type: TopicResource, Name: "*"}}},
		{"/kafka-acl-extended/prefixed", Node{Kind: ACLDirectory, Resource: Resource{Pattern: Prefixed}}},
		{"/kafka-acl-extended/prefixed/Group/g-", Node{Kind: KindResourceACL, Resource: Resource{GroupResource, "g-", Prefixed}}},
		{"/delegation_token/tokens/x", Node{Kind: KindDelegationToken, Token: "x"}},
		{"/consumers/g/ids/c", Node{Kind: KindConsumerRegistration, Group: "g", Consumer: "c"}},
		{"/consumers/g/owners/t/3", Node{Kind: KindConsumerOwner, Group: "g", Topic: "t", Partition: 3}},
		{"/consumers/g/offsets/t/3", Node{Kind: KindConsumerOffset, Group: "g", Topic: "t", Partition: 3}},
		{"/zookeeper/quota", Node{}},
		{"/brokers/topics/t/other", Node{}},
		{"/brokers/topics/t/partitions/0/state/x", Node{}},
		{"/config/things/t", Node{}},
		{"/config/topics/t/clients/c", Node{}},
		{"/brokers//ids", Node{}},
		{"/brokers/ids/", Node{}},
		{"brokers/ids", Node{}},
		{"", Node{}},
	} {
		got, err := Classify(c.path)
		if err != nil || got != c.want {
			t.Errorf("%q is %+v, %v; want %+v", c.path, got, err, c.want)
		}
		if c.want.Kind != Unknown && got.Path() != c.path {
			t.Errorf("%q becomes %q", c.path, got.Path())
		}
	}
}

func TestClassifyNamesImpossibleParameters(t *testing.T) {
	for path, kind := range map[string]Kind{
		"/brokers/ids/one":                                 KindBroker,
		"/brokers/ids/-1":                                  KindBroker,
		"/brokers/ids/+1":                                  KindBroker,
		"/brokers/ids/01":                                  KindBroker,
		"/brokers/ids/2147483648":                          KindBroker,
		"/brokers/topics/t/partitions/x/state":             KindPartitionState,
		"/config/brokers/one":                              KindConfig,
		"/config/changes/config_change_1":                  KindConfigChange,
		"/config/changes/config_change_":                   KindConfigChange,
		"/config/changes/other_0000000001":                 KindConfigChange,
		"/isr_change_notification/isr_change_99999999999":  KindISRChange,
		"/kafka-acl-extended/match":                        ACLDirectory,
		"/kafka-acl-extended/literal/Topic/t":              KindResourceACL,
		"/delegation_token/token_changes/token_change_abc": KindTokenChange,
	} {
		n, err := Classify(path)
		e, ok := errors.AsType[*Error](err)
		if n.Kind != kind || !ok || e.Problem != ProblemName || e.Path != path || e.Kind != kind {
			t.Errorf("%s is %v, %v; want a malformed name of a %v", path, n.Kind, err, kind)
		}
	}
}

func TestEveryDefinitionIsFoundAgain(t *testing.T) {
	defined := map[Kind]bool{Unknown: true}
	example := strings.NewReplacer(
		"{broker}", "1", "{partition}", "2", "{sequence}", "0000000003", "{topic}", "t", "{token}", "x", "{group}", "g", "{consumer}", "c",
		"{client}", "cl", "{resource}", "r", "{entityType}", "topics", "{entity}", "e", "{user}", "u", "{pattern}", "prefixed", "{resourceType}", "Topic",
	)
	for _, d := range definitions {
		defined[d.kind] = true
		path := example.Replace(d.path)
		n, err := Classify(path)
		if err != nil || n.Kind != d.kind || n.Path() != path {
			t.Errorf("%s, as %s: %v, %v", d.path, path, n, err)
		}
	}
	for kind := range kindCount {
		if !defined[kind] || kindNames[kind] == "" {
			t.Errorf("kind %d (%s) has no path or no name", kind, kind)
		}
	}
}

func TestConstructedPaths(t *testing.T) {
	for got, want := range map[string]string{
		BrokerPath(3):              "/brokers/ids/3",
		TopicPath("t"):             "/brokers/topics/t",
		PartitionsPath("t"):        "/brokers/topics/t/partitions",
		PartitionPath("t", 4):      "/brokers/topics/t/partitions/4",
		PartitionStatePath("t", 4): "/brokers/topics/t/partitions/4/state",
		DeleteTopicPath("t"):       "/admin/delete_topics/t",
		EntityTypePath(IPs):        "/config/ips",
		EntityPath(UserEntity("a*b").WithDefaultClient()):                     "/config/users/a%2Ab/clients/<default>",
		UserClientsPath("u"):                                                  "/config/users/u/clients",
		ResourceTypePath(Literal, TopicResource):                              "/kafka-acl/Topic",
		ResourceTypePath(Prefixed, TopicResource):                             "/kafka-acl-extended/prefixed/Topic",
		ResourcePath(Resource{ClusterResource, ClusterResourceName, Literal}): "/kafka-acl/Cluster/kafka-cluster",
		DelegationTokenPath("x"):                                              "/delegation_token/tokens/x",
		Queues[0].CreatePath():                                                "/config/changes/config_change_",
		TopicPath(""):                                                         "",
		Node{Kind: 250}.Path():                                                "",
		Node{Kind: Unknown}.Path():                                            "",
	} {
		if got != want {
			t.Errorf("path %q, want %q", got, want)
		}
	}
	for _, q := range Queues {
		if n, err := Classify(q.CreatePath() + "0000000001"); err != nil || n.Kind != q.Kind {
			t.Errorf("child of %s is %v, %v", q.Path, n, err)
		}
	}
	for _, paths := range [][]string{TopLevelPaths, SensitivePaths, SecureRootPaths} {
		for _, path := range paths {
			if n, err := Classify(path); err != nil || n.Kind == Unknown {
				t.Errorf("%s is %v, %v", path, n, err)
			}
		}
	}
}

func TestChroot(t *testing.T) {
	for _, c := range []struct {
		text, absolute, relative string
		inside                   bool
	}{
		{"", "/controller", "/controller", true},
		{"/", "/", "/", true},
		{"/kafka", "/kafka", "/", true},
		{"/kafka/", "/kafka/controller", "/controller", true},
		{"/a/b", "/a/b/brokers/ids/1", "/brokers/ids/1", true},
		{"/kafka", "/kafka-two/controller", "", false},
		{"/kafka", "/", "", false},
		{"/kafka", "/controller", "", false},
		{"", "", "", false},
	} {
		chroot, err := ParseChroot(c.text)
		if err != nil {
			t.Fatal(err)
		}
		relative, inside := chroot.Strip(c.absolute)
		if relative != c.relative || inside != c.inside {
			t.Errorf("chroot %q strips %q to %q, %v", c.text, c.absolute, relative, inside)
		}
		if inside && chroot.Join(relative) != c.absolute {
			t.Errorf("chroot %q joins %q to %q", c.text, relative, chroot.Join(relative))
		}
	}
	for _, bad := range []string{"kafka", "//", "/a//b", "/a/./b", "/..", "/a\x00"} {
		if c, err := ParseChroot(bad); err == nil {
			t.Errorf("chroot %q is taken as %q", bad, c)
		}
	}
	if got := (Node{Kind: KindBroker, Broker: 3}).String(); got != "broker /brokers/ids/3" {
		t.Errorf("node prints as %s", got)
	}
	if got := Chroot("").String() + Chroot("/k").String(); got != "//k" {
		t.Errorf("chroots print as %s", got)
	}
}
