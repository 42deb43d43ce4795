package secure

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/etypeID"

	"kafkacoord/coord/wire"
)

// digestSection is a section with users, as it stands in a JAAS file.
func digestSection(name, options string) string {
	return name + " { org.apache.zookeeper.server.auth.DigestLoginModule required " + options + "; };\n"
}

func readClientSASL(t *testing.T, jaas string, supers []string, lines ...string) (*ClientSASL, error) {
	t.Helper()
	lines = append(lines, jaasKey+"="+writeFile(t, t.TempDir(), "jaas.conf", jaas))
	return ReadClientSASL(parseConfig(t, lines...), supers)
}

// converse speaks to a server to the end.
func converse(client initiator, c *Conversation) ([]wire.ID, error) {
	token, err := client.first()
	for err == nil {
		var ids []wire.ID
		var done bool
		if token, ids, done, err = c.Next(token); err != nil {
			return nil, err
		}
		reply, _, clientErr := client.next(token)
		if done || clientErr != nil {
			return ids, clientErr
		}
		token = reply
	}
	return nil, err
}

func TestClientSASL(t *testing.T) {
	jaas := digestSection("Server", `user_bob="bobsecret" user_super="jaas"`) + digestSection("Mine", `user_carl="c"`)
	bob, super := wire.ID{Scheme: "sasl", ID: "bob"}, wire.ID{Scheme: "super"}
	for _, c := range []struct {
		name           string
		user, password string
		lines, supers  []string
		want           []wire.ID
	}{
		{"user", "bob", "bobsecret", nil, nil, []wire.ID{bob}},
		{"wrong password", "bob", "jaas", nil, nil, nil},
		{"unknown user", "carl", "c", nil, nil, nil},
		{"super user", "bob", "bobsecret", []string{"superUser=bob"}, nil, []wire.ID{bob, super}},
		{"one of several super users", "bob", "bobsecret", []string{"superUser=x"}, []string{"bob"}, []wire.ID{bob, super}},
		{"the user super is not super by name", "super", "jaas", nil, nil, []wire.ID{{Scheme: "sasl", ID: "super"}}},
		{"password of super in the configuration", "super", "config", []string{"SASLAuthenticationProvider.superPassword=config"}, nil, []wire.ID{{Scheme: "sasl", ID: "super"}}},
		{"which wins", "super", "jaas", []string{"SASLAuthenticationProvider.superPassword=config"}, nil, nil},
		{"other section", "carl", "c", []string{"sasl.serverconfig=Mine"}, nil, []wire.ID{{Scheme: "sasl", ID: "carl"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := readClientSASL(t, jaas, c.supers, c.lines...)
			if err != nil || s.Mechanism() != DigestMD5 {
				t.Fatal(err)
			}
			ids, err := converse(newDigestClient(clientService, c.user, Secret(c.password)), s.Begin())
			if !slices.Equal(ids, c.want) || (c.want == nil) != errors.Is(err, ErrAuthentication) {
				t.Errorf("%v, %v, want %v", ids, err, c.want)
			}
		})
	}
	s, err := readClientSASL(t, jaas, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := s.Begin().Next(make([]byte, tokenBytesMax+1)); !errors.Is(err, ErrAuthentication) {
		t.Errorf("a token that is too long: %v", err)
	}
}

func TestClientSASLOverKerberos(t *testing.T) {
	r := newRealm(t, testService)
	jaas := `Server { com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true keyTab="` + r.path + `" principal="` + testService + "@" + testRealm + `"; };`
	for _, c := range []struct {
		name, want string
		lines      []string
	}{
		{"as it is", "kafka/broker1@EXAMPLE.COM", nil},
		{"short", "kafka", []string{"kerberos.removeHostFromPrincipal=true", "kerberos.removeRealmFromPrincipal=true"}},
		{"by rule", "broker@EXAMPLE.COM", []string{"kerberos.removeHostFromPrincipal=true", "security.auth_to_local=RULE:[2:$1](kafka)s/.*/broker/"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := readClientSASL(t, jaas, []string{c.want}, c.lines...)
			if err != nil || s.Mechanism() != GSSAPI {
				t.Fatal(err)
			}
			ids, err := converse(r.client(t, "kafka/broker1", testService, etypeID.AES256_CTS_HMAC_SHA1_96, time.Hour), s.Begin())
			if want := []wire.ID{{Scheme: "sasl", ID: c.want}, {Scheme: "super"}}; err != nil || !slices.Equal(ids, want) {
				t.Errorf("%v, %v, want %v", ids, err, want)
			}
		})
	}
}

func TestClientSASLSettings(t *testing.T) {
	if s, err := ReadClientSASL(parseConfig(t), nil); s != nil || err != nil {
		t.Errorf("without a JAAS file: %v, %v", s, err)
	}
	if s, err := readClientSASL(t, digestSection("Client", `username="a"`), nil); s != nil || err != nil {
		t.Errorf("without the section: %v, %v", s, err)
	}
	if _, err := ReadClientSASL(parseConfig(t, "sasl.serverconfig=Mine"), nil); err == nil || !strings.Contains(err.Error(), jaasKey) {
		t.Errorf("a section without file: %v", err)
	}
	for jaas, want := range map[string]string{
		digestSection("Server", `username="a"`): "user_<name>",
		"Server {":                              "jaas.conf:1",
	} {
		if _, err := readClientSASL(t, jaas, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", jaas, err)
		}
	}
	if _, err := readClientSASL(t, digestSection("Server", `user_a="a"`), nil, "sasl.serverconfig=Mine"); err == nil ||
		!strings.Contains(err.Error(), "No JAAS configuration section named 'Mine'") {
		t.Errorf("a section that was asked for and is missing: %v", err)
	}
	if _, err := readClientSASL(t, digestSection("Server", `user_a="a"`), nil, "security.auth_to_local=NONSENSE"); err == nil {
		t.Error("nonsense rules are accepted")
	}
}
