package zab

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"kafkacoord/coord/wire"
)

func TestMembershipText(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"as ZooKeeper writes it", "server.1=zk1:2888:3888:participant;0.0.0.0:2181\nserver.2=zk2:2888:3888:participant;0.0.0.0:2181\nversion=100000000", ""},
		{
			"any order, no roles, spaces", "version=a\n\n server.10 = b:2888:3888 \r\nserver.2=a:2888:3888:Observer\n",
			"server.2=a:2888:3888:observer\nserver.10=b:2888:3888:participant\nversion=a",
		},
		{"a large version", "server.1=a:1:2:participant\nversion=ffffffffffffffff", ""},
		{"no version", "server.1=a:1:2:participant", "server.1=a:1:2:participant\nversion=0"},
		{
			"several addresses, sorted by host", "server.1=b:1:2|a:3:4:participant\nversion=0",
			"server.1=a:3:4|b:1:2:participant\nversion=0",
		},
		{"IPv6", "server.1=[::1]:1:2:participant;[::]:2181\nversion=0", ""},
		{
			"client ports", "server.1=a:1:2;2181\nserver.2=a:1:2;h:2181;2182\nserver.3=a:1:2;;h:2182\nserver.4=a:1:2;\nversion=0",
			"server.1=a:1:2:participant;0.0.0.0:2181\nserver.2=a:1:2:participant;h:2181;0.0.0.0:2182\n" +
				"server.3=a:1:2:participant;;h:2182\nserver.4=a:1:2:participant\nversion=0",
		},
		{
			"groups; a weight without a server", "server.1=a:1:2\nserver.2=b:1:2\nserver.3=c:1:2\n" +
				"group.7=3:1\ngroup.5=2\nweight.1=0\nweight.3=4\nweight.9=1\nversion=0",
			"server.1=a:1:2:participant\nserver.2=b:1:2:participant\nserver.3=c:1:2:participant\n" +
				"group.5=2\ngroup.7=1:3\nweight.1=0\nweight.2=1\nweight.3=4\nversion=0",
		},
		{"ports without leading zeros", "server.1=a:01:0002:participant\nversion=0", "server.1=a:1:2:participant\nversion=0"},
		{"nobody", "version=0", ""},
	} {
		if c.want == "" {
			c.want = c.in
		}
		m, err := ParseMembership(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if m.Text != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, m.Text, c.want)
		}
		if again, err := ParseMembership(m.Text); err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("%s: parsed again: %+v, %v, want %+v", c.name, again, err, m)
		}
	}
}

func TestMembershipErrors(t *testing.T) {
	var many strings.Builder
	for id := range membersMax + 1 {
		fmt.Fprintf(&many, "server.%d=a:1:2\n", id+1)
	}
	for in, want := range map[string]string{
		"server.1":                                      "not of the form key=value",
		"peerType=observer":                             "unknown key",
		"servers.1=a:1:2":                               "unknown key",
		"server.x=a:1:2":                                "unknown key",
		"server.0=a:1:2":                                "from 1 on",
		"server.-1=a:1:2":                               "from 1 on",
		"server.9223372036854775807=a:1:2":              "from 1 on",
		"server.1=a:1":                                  "host:port:port",
		"server.1=:1:2":                                 "host:port:port",
		"server.1=a:1:1":                                "two different ports",
		"server.1=a:1:01":                               "two different ports",
		"server.1=a:0:1":                                "two different ports",
		"server.1=a:1:65536":                            "two different ports",
		"server.1=a:1:2:learner":                        "neither participant nor observer",
		"server.1=a:1:2:observer:3":                     "host:port:port",
		"server.1=a:1:2:observer|b:1:2:participant":     "two roles",
		"server.1=a b:1:2":                              "host:port:port",
		"server.1=a\\u0000:1:2":                         "host:port:port",
		"server.1=[::1:1:2":                             "host:port:port",
		"server.1=[1]:1:2":                              "host:port:port",
		"server.1=" + strings.Repeat("a", 256) + ":1:2": "host:port:port",
		"server.1=a:1:2" + strings.Repeat("|a:1:2", 32): "at most 32",
		"server.1=a:1:2;x":                              "host:port",
		"server.1=a:1:2;h:1:2":                          "host:port",
		"server.1=a:1:2;1;2;3":                          "more than two",
		"server.1=a:1:2\nserver.1=b:1:2":                "twice",
		"version=1\nversion=1":                          "twice",
		"version=0x1":                                   "hexadecimal",
		"server.1=a:1:2\nweight.1=1":                    "no groups",
		"server.1=a:1:2\ngroup.1=1\nweight.1=x":         "not a weight",
		"server.1=a:1:2\ngroup.1=1\nweight.1=-1":        "weight",
		"server.1=a:1:2\ngroup.1=1\nweight.1=9223372036854775807": "weight",
		"server.1=a:1:2\ngroup.1=1\nweight.1=1\nweight.1=1":       "twice",
		"server.1=a:1:2\ngroup.1=":                                "not a list",
		"server.1=a:1:2\ngroup.1=1\ngroup.1=1":                    "twice",
		"server.1=a:1:2\ngroup.1=1\ngroup.2=1":                    "multiple groups",
		"server.1=a:1:2\ngroup.1=1:1":                             "multiple groups",
		"server.1=a:1:2\ngroup.1=1:2":                             "no server.2 line",
		"server.1=a:1:2\nserver.2=a:1:2\ngroup.1=1":               "in no group",
		many.String(): "more than 1024",
		strings.Repeat("\n", membershipBytesMax+1): "longer than",
	} {
		if _, err := ParseMembership(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.100q: error %v, want %q", in, err, want)
		}
	}
	if _, err := NewMembership([]Member{{ID: 1, Address: "a:1:2:observer"}}, nil, 0); err == nil {
		t.Error("an address with a role is accepted")
	}
	if _, err := NewMembership([]Member{{ID: 1, Address: "a:1:2"}}, map[int64][]wire.PeerID{1: nil}, 0); err == nil {
		t.Error("an empty group is accepted")
	}
}

func TestMembershipQueries(t *testing.T) {
	list := []Member{{ID: 3, Observer: true, Weight: 7}, {ID: 1, Weight: 7}, {ID: 2, Client: "2181"}}
	m := members(t, list, nil, 5)
	if list[0].ID != 3 || list[1].Weight != 7 {
		t.Error("the argument was changed")
	}
	if got := m.Voters(); !slices.Equal(got, []wire.PeerID{1, 2}) {
		t.Errorf("voters %v", got)
	}
	if !m.Observer(3) || m.Observer(1) || m.Observer(4) || !m.Voter(1) || m.Voter(3) || m.Voter(4) {
		t.Error("wrong roles")
	}
	if got, found := m.Member(2); !found || got != (Member{ID: 2, Weight: 1, Address: "host2:2888:3888", Client: "0.0.0.0:2181"}) {
		t.Errorf("member %+v, %v", got, found)
	}
	if _, found := m.Member(4); found || m.Weight(4) != 0 || m.Weight(1) != 1 {
		t.Error("a stranger is a member, or weights count without groups")
	}
}

func TestMembershipEqual(t *testing.T) {
	parse := func(text string) *Membership {
		m, err := ParseMembership(text)
		if err != nil {
			t.Fatal(err)
		}
		return &m
	}
	base := "server.1=a:1:2\nserver.2=b:1:2\nserver.3=c:1:2\n"
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{base, base + "version=7", true},
		{base, "server.3=c:1:2\nserver.2=b:1:2\nserver.1=a:1:2;2181\n", true},
		{base, "server.1=a:1:2\nserver.2=b:1:2\n", false},
		{base, strings.Replace(base, "a:1:2", "a:1:2:observer", 1), false},
		{base, strings.Replace(base, "a:1:2", "a:1:3", 1), false},
		{base, strings.Replace(base, "a:1:2", "d:1:2", 1), false},
		{base, base + "group.1=1:2:3", false},
		{base + "group.1=1:2\ngroup.2=3", base + "group.8=3\ngroup.9=2:1", true},
		{base + "group.1=1:2\ngroup.2=3", base + "group.1=1\ngroup.2=2:3", false},
		{base + "group.1=1:2:3", base + "group.1=1:2:3\nweight.1=2", false},
	} {
		if a, b := parse(c.a), parse(c.b); a.Equal(b) != c.want || b.Equal(a) != c.want {
			t.Errorf("equal: %v, want %v:\n%s\n%s", a.Equal(b), c.want, c.a, c.b)
		}
	}
}

func FuzzParseMembership(f *testing.F) {
	f.Add("server.1=zk1:2888:3888:participant;0.0.0.0:2181\nserver.2=b:1:2|[::1]:3:4:observer;;1\nversion=100000000")
	f.Add("server.1=a:1:2\nserver.2=b:1:2\ngroup.1=1:2\nweight.1=0\nweight.2=3")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMembership(text)
		if err != nil {
			return
		}
		again, err := ParseMembership(m.Text)
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%q parsed again: %+v, %v, want %+v", m.Text, again, err, m)
		}
		if all := m.Quorum(func(wire.PeerID) bool { return true }); all && m.Quorum(func(wire.PeerID) bool { return false }) {
			t.Fatal("nobody is a quorum")
		}
	})
}
