package auth

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"kafkacoord/coord/wire"
)

func newRegistry(t testing.TB, c Config, more ...Provider) *Registry {
	t.Helper()
	r, err := New(c, more...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// entry reads "scheme:id:perms", ids "scheme:id".
func identity(s string) wire.ID {
	scheme, id, _ := strings.Cut(s, ":")
	return wire.ID{Scheme: scheme, ID: id}
}

func identities(s ...string) []wire.ID {
	var out []wire.ID
	for _, one := range s {
		out = append(out, identity(one))
	}
	return out
}

func acl(perms int32, s ...string) []wire.ACL {
	var out []wire.ACL
	for _, one := range s {
		out = append(out, wire.ACL{Perms: perms, ID: identity(one)})
	}
	return out
}

// named is a provider as sasl will be one: equality, id super matches all.
type named struct{ scheme string }

func (p named) Scheme() string { return p.scheme }
func (p named) Authenticate(data []byte, _ Peer) ([]wire.ID, error) {
	if len(data) == 0 {
		return nil, errors.New("empty name")
	}
	return []wire.ID{{Scheme: p.scheme, ID: string(data)}}, nil
}
func (named) Valid(id string) bool          { return !strings.Contains(id, "@@") }
func (named) Matches(id, entry string) bool { return id == entry || id == "super" }
func (named) Authenticated() bool           { return true }
func (named) UserName(id string) string     { return id }

func TestCheck(t *testing.T) {
	r := newRegistry(t, Config{DigestEnabled: true}, named{"sasl"})
	cases := []struct {
		name string
		acl  []wire.ACL
		perm int32
		ids  []wire.ID
		want bool
	}{
		{"null list", nil, wire.PermAdmin, nil, true},
		{"empty list", []wire.ACL{}, wire.PermAdmin, nil, true},
		{"anyone", wire.OpenACL, wire.PermWrite, nil, true},
		{"anyone without the bit", acl(wire.PermRead, "world:anyone"), wire.PermWrite, nil, false},
		{"world with another id", acl(wire.PermAll, "world:someone"), wire.PermRead, identities("world:someone"), false},
		{"permissions 0", acl(0, "world:anyone"), wire.PermRead, nil, false},
		{"unknown bits never match", acl(64, "world:anyone"), wire.PermAll, nil, false},
		{"one of two bits", acl(wire.PermAdmin, "world:anyone"), wire.PermRead | wire.PermAdmin, nil, true},
		{"digest equal", acl(wire.PermRead, "digest:a:h"), wire.PermRead, identities("ip:1.2.3.4", "digest:a:h"), true},
		{"digest other hash", acl(wire.PermRead, "digest:a:h"), wire.PermRead, identities("digest:a:g"), false},
		{"same id, other scheme", acl(wire.PermRead, "digest:a:h"), wire.PermRead, identities("sasl:a:h"), false},
		{"second entry", acl(wire.PermRead, "digest:b:h", "digest:a:h"), wire.PermRead, identities("digest:a:h"), true},
		{"super", acl(0, "digest:b:h"), wire.PermDelete, identities("ip:1.2.3.4", "super:"), true},
		{"x509 super has a name", acl(0, "digest:b:h"), wire.PermDelete, identities("super:CN=admin"), true},
		{"super entry means nothing", acl(wire.PermAll, "super:"), wire.PermRead, identities("digest:a:h"), false},
		{"scheme without provider", acl(wire.PermAll, "x509:CN=a"), wire.PermRead, identities("x509:CN=a"), false},
		{"unexpanded auth entry", acl(wire.PermAll, "auth:"), wire.PermRead, identities("auth:"), false},
		{"address", acl(wire.PermAll, "ip:10.0.0.0/8"), wire.PermRead, identities("ip:10.9.8.7"), true},
		{"provider decides", acl(wire.PermAll, "sasl:kafka"), wire.PermRead, identities("sasl:super"), true},
	}
	for _, c := range cases {
		if got := r.Check(c.acl, c.perm, c.ids); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	open := newRegistry(t, Config{SkipACL: true})
	if !open.Check(acl(0, "digest:a:h"), wire.PermAll, nil) {
		t.Error("skipACL checks")
	}
}

func TestNormalize(t *testing.T) {
	r := newRegistry(t, Config{DigestEnabled: true}, named{"sasl"})
	both := identities("ip:1.2.3.4", "digest:a:h", "super:", "sasl:kafka")
	cases := []struct {
		name string
		in   []wire.ACL
		ids  []wire.ID
		want []wire.ACL // nil: INVALIDACL
	}{
		{"null", nil, both, nil},
		{"empty", []wire.ACL{}, both, nil},
		{"open", acl(31, "world:anyone"), nil, wire.OpenACL},
		{"open twice", acl(31, "world:anyone", "world:anyone"), nil, wire.OpenACL},
		{"anyone reads", acl(1, "world:anyone"), nil, acl(1, "world:anyone")},
		{"world with another id", acl(31, "world:someone"), nil, nil},
		{"unknown bits are kept", acl(-1, "world:anyone"), nil, acl(-1, "world:anyone")},
		{"null scheme", acl(31, ":x"), nil, nil},
		{"unknown scheme", acl(31, "x509:CN=a"), both, nil},
		{"super is not settable", acl(31, "super:"), both, nil},
		{"super with name is not settable", acl(31, "super:a:h"), both, nil},
		{"digest", acl(31, "digest:u:h"), nil, acl(31, "digest:u:h")},
		{"bad digest", acl(31, "world:anyone", "digest:u"), nil, nil},
		{"address", acl(31, "ip:10.0.0.0/8"), nil, acl(31, "ip:10.0.0.0/8")},
		{"bad address", acl(31, "ip:10.0.0/8"), nil, nil},
		{"auth", acl(31, "auth:"), both, acl(31, "digest:a:h", "sasl:kafka")},
		{"auth with any id", acl(9, "auth:whoever"), both, acl(9, "digest:a:h", "sasl:kafka")},
		{"auth for nobody", acl(31, "auth:"), nil, nil},
		{"auth, address only", acl(31, "auth:"), identities("ip:1.2.3.4", "super:"), nil},
		{
			"auth in its place, duplicates by expansion stay", append(acl(1, "world:anyone"), acl(31, "auth:", "digest:a:h", "auth:")...), both,
			append(acl(1, "world:anyone"), acl(31, "digest:a:h", "sasl:kafka", "digest:a:h")...),
		},
		{"first of duplicates stays", acl(1, "digest:u:h", "world:anyone", "digest:u:h"), nil, acl(1, "digest:u:h", "world:anyone")},
		{
			"same id, other permissions is no duplicate", append(acl(1, "digest:u:h"), acl(2, "digest:u:h")...), nil,
			append(acl(1, "digest:u:h"), acl(2, "digest:u:h")...),
		},
	}
	for _, c := range cases {
		before := slices.Clone(c.in)
		got, code := r.Normalize(c.in, c.ids)
		if want := c.want; want == nil {
			if code != wire.InvalidACL {
				t.Errorf("%s: %v %v, want invalid", c.name, got, code)
			}
		} else if code != wire.OK || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v %v, want %v", c.name, got, code, want)
		}
		if !slices.Equal(before, c.in) {
			t.Errorf("%s: the request's list was changed", c.name)
		}
	}
}

func TestNormalizeKeepsSharedLists(t *testing.T) {
	r := newRegistry(t, Config{DigestEnabled: true})
	if got, _ := r.Normalize(acl(31, "world:anyone"), nil); &got[0] != &wire.OpenACL[0] {
		t.Error("the open list is not wire.OpenACL")
	}
	in := acl(31, "digest:a:h", "world:anyone")
	if got, _ := r.Normalize(in, nil); &got[0] != &in[0] {
		t.Error("an unchanged list was copied")
	}
	open := acl(31, "world:anyone")
	if n := testing.AllocsPerRun(100, func() { r.Normalize(open, nil) }); n != 0 {
		t.Errorf("normalising the open list allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { r.Normalize(in, nil) }); n != 0 {
		t.Errorf("normalising an unchanged list allocates %v times", n)
	}
	ids := identities("ip:10.9.8.7", "digest:a:h")
	lists := [][]wire.ACL{wire.OpenACL, acl(31, "digest:a:h"), acl(31, "ip:10.0.0.0/8")}
	if n := testing.AllocsPerRun(100, func() {
		for _, l := range lists {
			r.Check(l, wire.PermRead, ids)
		}
	}); n != 0 {
		t.Errorf("checks allocate %v times", n)
	}
}

func TestNormalizeLongLists(t *testing.T) {
	r := newRegistry(t, Config{DigestEnabled: true})
	var long, twice []wire.ACL
	for i := range 50_000 {
		long = append(long, wire.ACL{Perms: 1, ID: wire.ID{Scheme: SchemeDigest, ID: fmt.Sprintf("u%d:h", i)}})
	}
	twice = append(slices.Clone(long), long...)
	for _, in := range [][]wire.ACL{long, twice} {
		if got, code := r.Normalize(in, nil); code != wire.OK || !slices.Equal(got, long) {
			t.Errorf("%d entries became %d, %v", len(in), len(got), code)
		}
	}
	var ids []wire.ID
	for i := range MaxIDs {
		ids = append(ids, wire.ID{Scheme: SchemeDigest, ID: fmt.Sprintf("u%d:h", i)})
	}
	var auths []wire.ACL
	for i := range 1000 {
		auths = append(auths, wire.ACL{Perms: int32(i), ID: wire.ID{Scheme: SchemeAuth}})
	}
	if got, code := r.Normalize(auths, ids); code != wire.InvalidACL {
		t.Errorf("an expansion to %d entries passed", len(got))
	}
}

func TestMask(t *testing.T) {
	in := append(acl(31, "digest:u:secret", "digest:u:a:b", "digest:nocolon", "sasl:u:h", "world:anyone"), acl(1, "digest::h")...)
	want := append(acl(31, "digest:u:x", "digest:u:x", "digest:nocolon", "sasl:u:h", "world:anyone"), acl(1, "digest::x")...)
	before := slices.Clone(in)
	if got := Mask(in); !slices.Equal(got, want) {
		t.Errorf("masked %v, want %v", got, want)
	}
	if !slices.Equal(in, before) {
		t.Error("the tree's list was changed")
	}
	if got := Mask(wire.OpenACL); &got[0] != &wire.OpenACL[0] {
		t.Error("a list without digests was copied")
	}
}

func TestDigestValid(t *testing.T) {
	for id, want := range map[string]bool{
		"u:h": true, ":h": true, "u:h:": true, "u:h::": true,
		"": false, ":": false, "u": false, "u:": false, "u::": false, "a:b:c": false, "::h": false,
	} {
		if got := (digests{}).Valid(id); got != want {
			t.Errorf("digest id %q: %v, want %v", id, got, want)
		}
	}
}

func TestDigestAuthenticate(t *testing.T) {
	// SHA1: the specification's vector; the others from the openssl tool.
	cases := []struct{ algorithm, data, want string }{
		{"", "bob:pw", "bob:ikIaKsbtGweaHnb/jKn7OHqbunM="},
		{"SHA1", "bob:pw", "bob:ikIaKsbtGweaHnb/jKn7OHqbunM="},
		{"sha-1", "bob:pw", "bob:ikIaKsbtGweaHnb/jKn7OHqbunM="},
		{"SHA-256", "bob:pw", "bob:lXdkgIa9O1CDDWAryQ0pe9wUYi2LkG6M7Uocn/Vyn2g="},
		{"SHA-512", "bob:pw", "bob:jQFpfQMlS0Fkelz3cdxBlcfmOOApGvKAjybCSpc/oHQD7ouOUKaAFXPlHr/2XpjmwJ0yssqB0Mh7gRRVqmyALQ=="},
		{"SHA3-256", "bob:pw", "bob:W/mjsw4pvF0wVTGZI9EiUQDRnUt7BAezTWEy2LgNGUU="},
		{"", "nocolon", "nocolon:Ra+cHr2ZoHvBjtNArFGNGlVie4g="},
		{"", "", ":2jmj7l5rSw0yVb/vlWAYkK/YBwk="},
		{"", "a:b:c", "a:cLzgnoJ6mP5qz3w+mwvPE2vDgu0="},
		{"", "x\xff:y", "x\ufffd:it6+eoNcR5minkq0zjJMVyTI69U="},
	}
	for _, c := range cases {
		r := newRegistry(t, Config{DigestEnabled: true, DigestAlgorithm: c.algorithm, SuperDigest: "root:none"})
		got, err := r.Authenticate(SchemeDigest, []byte(c.data), Peer{})
		if want := identities("digest:" + c.want); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s of %q: %v %v, want %v", c.algorithm, c.data, got, err, want)
		}
	}
	if _, err := New(Config{DigestEnabled: true, DigestAlgorithm: "ROT13"}); err == nil {
		t.Error("an unknown algorithm was accepted")
	}
}

func TestSuperDigest(t *testing.T) {
	id, err := DigestID("super:secret", "")
	if err != nil {
		t.Fatal(err)
	}
	r := newRegistry(t, Config{DigestEnabled: true, SuperDigest: id})
	got, err := r.Authenticate(SchemeDigest, []byte("super:secret"), Peer{})
	if want := []wire.ID{SuperID, {Scheme: SchemeDigest, ID: id}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("super gets %v %v, want %v", got, err, want)
	}
	got, err = r.Authenticate(SchemeDigest, []byte("super:wrong"), Peer{})
	if err != nil || len(got) != 1 || got[0].Scheme != SchemeDigest {
		t.Errorf("a wrong super password gets %v %v", got, err)
	}
}

func TestAuthenticateFailures(t *testing.T) {
	r := newRegistry(t, Config{}, named{"sasl"})
	for _, scheme := range []string{"world", "auth", "super", "digest", "x509", ""} {
		if _, err := r.Authenticate(scheme, []byte("a:b"), Peer{}); !errors.Is(err, ErrUnknownScheme) {
			t.Errorf("scheme %q: %v", scheme, err)
		}
	}
	if _, err := r.Authenticate("sasl", nil, Peer{}); err == nil || errors.Is(err, ErrUnknownScheme) {
		t.Errorf("a provider's refusal became %v", err)
	}
	if _, err := r.Authenticate("ip", nil, Peer{}); err == nil {
		t.Error("an unknown address authenticates")
	}
	got, err := r.Authenticate("ip", []byte("ignored"), Peer{Addr: netip.MustParseAddr("::1")})
	if want := identities("ip:0:0:0:0:0:0:0:1"); err != nil || !slices.Equal(got, want) {
		t.Errorf("ip: %v %v, want %v", got, err, want)
	}
}

func TestAddressID(t *testing.T) {
	for in, want := range map[string]string{
		"127.0.0.1":                "127.0.0.1",
		"::ffff:10.1.2.3":          "10.1.2.3",
		"::1":                      "0:0:0:0:0:0:0:1",
		"::":                       "0:0:0:0:0:0:0:0",
		"2001:db8::ff00:42:8329":   "2001:db8:0:0:0:ff00:42:8329",
		"fe80::1%eth0":             "fe80:0:0:0:0:0:0:1%eth0",
		"2001:0db8:0a0b:12f0::001": "2001:db8:a0b:12f0:0:0:0:1",
	} {
		if got := AddressID(netip.MustParseAddr(in)); got != (wire.ID{Scheme: "ip", ID: want}) {
			t.Errorf("%s: %v, want %s", in, got, want)
		}
	}
}

func TestAddressEntries(t *testing.T) {
	valid := map[string]bool{
		"1.2.3.4": true, "1.2.3.4/0": true, "1.2.3.4/32": true, "01.2.3.4": true, "+1.2.3.4": true,
		"1.2.3.4/33": false, "1.2.3.4/-1": false, "1.2.3.4/": false, "1.2.3.4/x": false, "1.2.3.4/8/8": false,
		"1.2.3": false, "1.2.3.4.5": false, "1.2.3.256": false, "1.2.3.-4": false, "a.b.c.d": false, "": false,
		"1.2.3.": false, "1..3.4": false, "1.2.3.4 ": false, "localhost": false,
		"::1": true, "::/0": true, "2001:db8::/32": true, "0:0:0:0:0:0:0:1": true, "::1/128": true,
		"::1/129": false, "fe80::1%eth0": false, "1:2:3": false, ":::": false,
	}
	for entry, want := range valid {
		if got := (addresses{}).Valid(entry); got != want {
			t.Errorf("valid %q: %v, want %v", entry, got, want)
		}
	}
	matches := []struct {
		id, entry string
		want      bool
	}{
		{"10.1.2.3", "10.1.2.3", true},
		{"10.1.2.3", "10.1.2.4", false},
		{"10.1.2.3", "10.1.0.0/16", true},
		{"10.1.2.3", "10.1.255.255/16", true},
		{"10.2.2.3", "10.1.0.0/16", false},
		{"10.2.2.3", "0.0.0.0/0", true},
		{"10.1.2.3", "10.1.2.2/31", true},
		{"10.1.2.4", "10.1.2.2/31", false},
		{"0:0:0:0:0:0:0:1", "::1", true},
		{"2001:db8:0:0:0:0:0:5", "2001:db8::/32", true},
		{"2001:db9:0:0:0:0:0:5", "2001:db8::/32", false},
		{"10.1.2.3", "::/0", false},
		{"0:0:0:0:0:0:0:1", "0.0.0.0/0", false},
		{"fe80:0:0:0:0:0:0:1%eth0", "fe80::/16", false},
		{"10.1.2.3", "nonsense", false},
	}
	for _, c := range matches {
		if got := (addresses{}).Matches(c.id, c.entry); got != c.want {
			t.Errorf("%s meets %s: %v, want %v", c.id, c.entry, got, c.want)
		}
	}
}

func TestUserName(t *testing.T) {
	r := newRegistry(t, Config{DigestEnabled: true}, named{"sasl"})
	for id, want := range map[string]string{
		"digest:bob:hash": "bob", "digest::hash": "", "ip:127.0.0.1": "127.0.0.1",
		"super:": "", "sasl:kafka": "kafka", "gone:x": "",
	} {
		if got := r.UserName(identity(id)); got != want {
			t.Errorf("user of %s: %q, want %q", id, got, want)
		}
	}
}

func TestMayRequest(t *testing.T) {
	if r := newRegistry(t, Config{EnforceSchemes: []string{"digest"}}); !r.MayRequest(nil) {
		t.Error("schemes without the switch are enforced")
	}
	r := newRegistry(t, Config{EnforceAuth: true, DigestEnabled: true, EnforceSchemes: []string{"digest", "sasl"}}, named{"sasl"})
	for ids, want := range map[string]bool{"": false, "ip:1.2.3.4": false, "digest:a:b": true, "sasl:a": true, "super:": false} {
		if got := r.MayRequest(identities(ids)); got != want {
			t.Errorf("with %q: %v, want %v", ids, got, want)
		}
	}
	for _, c := range []Config{
		{EnforceAuth: true},
		{EnforceAuth: true, EnforceSchemes: []string{"sasl"}},
		{EnforceAuth: true, EnforceSchemes: []string{"digest"}},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

func TestMerge(t *testing.T) {
	base := append(make([]wire.ID, 0, 8), identities("ip:1.2.3.4")...)
	one, ok := Merge(base, identities("digest:a:b", "ip:1.2.3.4", "digest:a:b"))
	if want := identities("ip:1.2.3.4", "digest:a:b"); !ok || !slices.Equal(one, want) {
		t.Errorf("merged %v, want %v", one, want)
	}
	two, _ := Merge(base, identities("digest:c:d"))
	if one[1] == two[1] {
		t.Error("two merges share memory")
	}
	var many []wire.ID
	for i := range MaxIDs {
		many = append(many, wire.ID{Scheme: "digest", ID: fmt.Sprint(i)})
	}
	if got, ok := Merge(nil, many); !ok || len(got) != MaxIDs {
		t.Errorf("the limit itself is refused: %d, %v", len(got), ok)
	}
	if got, ok := Merge(base, many); ok || !slices.Equal(got, base) {
		t.Errorf("beyond the limit: %d, %v", len(got), ok)
	}
}

// FuzzACL: no entry panics, and what is accepted is stable.
func FuzzACL(f *testing.F) {
	for _, id := range []string{"anyone", "u:h", "1.2.3.4/8", "::1/64", "fe80::1%1", ""} {
		f.Add("digest", id, "ip", id)
		f.Add("auth", id, "world", id)
	}
	r := newRegistry(f, Config{DigestEnabled: true})
	ids := identities("ip:10.0.0.1", "ip:0:0:0:0:0:0:0:1", "digest:u:h")
	f.Fuzz(func(t *testing.T, scheme1, id1, scheme2, id2 string) {
		in := []wire.ACL{{Perms: 31, ID: wire.ID{Scheme: scheme1, ID: id1}}, {Perms: 1, ID: wire.ID{Scheme: scheme2, ID: id2}}}
		once, code := r.Normalize(in, ids)
		if code != wire.OK {
			return
		}
		if twice, code := r.Normalize(once, nil); code != wire.OK && len(once) > 0 || len(twice) > len(once) {
			t.Errorf("%v normalises to %v, that to %v %v", in, once, twice, code)
		}
		r.Check(once, wire.PermRead, ids)
		Mask(once)
	})
}

func BenchmarkCheck(b *testing.B) {
	r := newRegistry(b, Config{DigestEnabled: true})
	ids := identities("ip:10.9.8.7", "digest:a:h")
	for _, c := range []struct {
		name string
		acl  []wire.ACL
	}{{"open", wire.OpenACL}, {"digest", acl(31, "digest:a:h")}, {"ip", acl(31, "ip:10.0.0.0/8")}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.Check(c.acl, wire.PermRead, ids)
			}
		})
	}
}
