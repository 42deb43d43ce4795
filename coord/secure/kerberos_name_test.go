package secure

import "testing"

func TestNameRules(t *testing.T) {
	both := func(r *NameRules) { r.RemoveHost, r.RemoveRealm = true, true }
	for _, c := range []struct {
		rules, principal, want string
		set                    func(*NameRules)
	}{
		{"", "bob", "bob", nil},
		{"", "bob@EXAMPLE.COM", "bob@EXAMPLE.COM", nil},
		{"", "bob@EXAMPLE.COM", "bob", both},
		{"", "kafka/host1@EXAMPLE.COM", "kafka/host1@EXAMPLE.COM", nil},
		{"", "kafka/host1@EXAMPLE.COM", "kafka", both},
		{"", "kafka/host1@EXAMPLE.COM", "kafka@EXAMPLE.COM", func(r *NameRules) { r.RemoveHost = true }},
		{"", "kafka/host1@EXAMPLE.COM", "kafka/host1", func(r *NameRules) { r.RemoveRealm = true }},
		{"DEFAULT", "bob@OTHER.COM", "bob@OTHER.COM", both},
		{"RULE:[1:$1@$0](.*@OTHER.COM)s/@.*// DEFAULT", "bob@OTHER.COM", "bob", both},
		{"RULE:[1:$1@$0](.*@OTHER.COM)s/@.*//\nDEFAULT", "bob@EXAMPLE.COM", "bob", both},
		{"RULE:[2:$1](kafka)s/^.*$/broker/", "kafka/host1@EXAMPLE.COM", "broker", both},
		{"RULE:[2:$1](afk)s/^.*$/broker/", "kafka/host1@EXAMPLE.COM", "kafka/host1@EXAMPLE.COM", both},
		{"RULE:[2:$2.$1]", "kafka/host1@EXAMPLE.COM", "host1.kafka", both},
		{"RULE:[1:$1]s/o/0/", "foo@X", "f0o", both},
		{"RULE:[1:$1]s/o/0/g", "foo@X", "f00", both},
		{"RULE:[1:$1]s/(f)(o)/$2$1x/", "foo@X", "ofxo", both},
		{"RULE:[1:$1@$0]", "bob@X", "bob@X", both}, // not simple
	} {
		r, err := ParseNameRules(c.rules)
		if err != nil {
			t.Errorf("%s: %v", c.rules, err)
			continue
		}
		r.DefaultRealm = "EXAMPLE.COM"
		if c.set != nil {
			c.set(r)
		}
		if got, err := r.Identity(c.principal); err != nil || got != c.want {
			t.Errorf("%q: %s is %q, %v, want %q", c.rules, c.principal, got, err, c.want)
		}
	}
	for _, rules := range []string{"NONSENSE", "DEFAULT RULE", "RULE:[:$1]", "RULE:[1:$1](()", "RULE:[1:$1]s/(/x/", "RULE:[99999999999999999999:$1]"} {
		if _, err := ParseNameRules(rules); err == nil {
			t.Errorf("the rules %q are accepted", rules)
		}
	}
	r, err := ParseNameRules("")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a@b@c", "a/b/c@d", "a@b/c"} {
		if got, err := r.Identity(name); err == nil {
			t.Errorf("the malformed name %q is %q", name, got)
		}
	}
}
