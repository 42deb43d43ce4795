package secure

import (
	"os"
	"strings"
	"testing"
)

func TestClientLogin(t *testing.T) {
	s, err := readClientSASL(t, digestSection("Server", `user_bob="bobsecret"`), nil)
	if err != nil {
		t.Fatal(err)
	}
	j, err := ParseJAAS("client.conf", []byte(digestSection("Client", `username="bob" password="bobsecret"`)+digestSection("Nobody", `user_a="a"`)))
	if err != nil {
		t.Fatal(err)
	}
	l, err := j.Login("Client")
	if err != nil {
		t.Fatal(err)
	}
	client, err := l.Authenticate("localhost")
	if err != nil {
		t.Fatal(err)
	}
	token, err := client.First()
	if err != nil {
		t.Fatal(err)
	}
	server := s.Begin()
	for done := false; !done; {
		if token, _, _, err = server.Next(token); err != nil {
			t.Fatal(err)
		}
		if token, done, err = client.Next(token); err != nil {
			t.Fatal(err)
		}
	}
	if l, err = j.Login("Nobody"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Authenticate("localhost"); err == nil || !strings.Contains(err.Error(), "client.conf:2: section Nobody has no username") {
		t.Errorf("a section without user: %v", err)
	}
}

// TestKerberosSettings: a missing or broken krb5.conf is named, and a principal
// without realm gets the default one.
func TestKerberosSettings(t *testing.T) {
	r, dir := newRealm(t, testService), t.TempDir()
	login := r.login()
	login.Principal = testService
	for name, c := range map[string]struct{ path, want string }{
		"missing": {dir + "/missing", "KRB5_CONFIG"},
		"broken":  {writeFile(t, dir, "broken", "[libdefaults]\n ticket_lifetime = soon\n"), "KRB5_CONFIG"},
		"fine":    {writeFile(t, dir, "krb5.conf", "[libdefaults]\n default_realm = EXAMPLE.COM\n"), ""},
	} {
		t.Setenv("KRB5_CONFIG", c.path)
		tickets, err := openTickets(login)
		switch {
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), os.Getenv("KRB5_CONFIG"))):
			t.Errorf("%s: %v", name, err)
		case c.want == "" && (err != nil || tickets.realm != testRealm || tickets.user != testService):
			t.Errorf("%s: %+v, %v", name, tickets, err)
		}
	}
}
